/* SPDX-License-Identifier: MIT */
/* From a request's bytes to its target: checks the body, looks the model up, copies what the call
 * needs of the snapshots, and waits for the plugin where it is not loaded yet. */
#include <stdio.h>

#include "config/config.h"
#include "engine/phase.h"
#include "record/fanout.h"

#define REFUSED_RETRY_MS 1000 /* as often as a journal that fails is tried */

static void wake_call(struct slot_waiter *waiter)
{
    struct call *call = CONTAINER_OF(waiter, struct call, waiter);
    loop_post(call->engine->s.loop, &call->loaded);
}

/* Why a plugin cannot be loaded names files, and is the operator's business: over HTTP the log alone has
 * it. Which key is missing is not: it was found before. */
static void fail_unloaded(struct call *call, enum plugin_stage stage, harborai_error *error)
{
    const char *name = slot_name(call->slot);
    harborai_error missing = HARBORAI_ERROR_INIT;
    if (call->is_http && stage == PLUGIN_STAGE_DLOPEN && error->code == HARBORAI_E_OVERLOADED) {
        snprintf(error->message, sizeof error->message,
                 "the plugin of provider '%s' is being replaced: ask again in a moment", name);
    } else if (call->is_http && provider_check_secrets(call->slot->provider, &missing) >= 0) {
        snprintf(error->message, sizeof error->message,
                 "provider '%s' cannot be used, for its plugin could not be loaded: the gateway's log "
                 "says why", name);
        error->vendor_code[0] = error->param[0] = '\0';
    }
    call_fail(call, error);
}

static void on_loaded(struct message *message)
{
    struct call *call = CONTAINER_OF(message, struct call, loaded);
    harborai_error error = HARBORAI_ERROR_INIT;
    enum plugin_stage stage = PLUGIN_STAGE_NONE;

    call->is_parked = false;
    atomic_fetch_sub(&call->engine->waiting, 1);
    if (call->state != CALL_WAITING) {
        call_settle(call); /* it ended while it waited */
    } else if (call->waiter.status == HARBORAI_OK) {
        attempt_begin(call);
    } else {
        if (slot_failure(call->slot, &stage, &error) < 0)
            harborai_error_set(&error, call->waiter.status, "provider '%s' could not be loaded",
                               slot_name(call->slot));
        fail_unloaded(call, stage, &error);
    }
}

static void begin_when_loaded(struct call *call)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    enum plugin_stage stage = PLUGIN_STAGE_NONE;
    if (slot_acquire_fast(call->slot) != NULL) {
        attempt_begin(call);
        return;
    }
    call->state = CALL_WAITING;
    call->has_waited = true;
    phase_end(call, RECORD_ROUTE);
    call->waiter.post = wake_call;
    call->loaded.run = on_loaded;
    call->is_parked = true; /* before: it may be posted from inside */
    atomic_fetch_add(&call->engine->waiting, 1);
    harborai_status st = slot_request_load(call->slot, &call->waiter, &error);
    if (st == HARBORAI_PAUSE)
        return;
    call->is_parked = false;
    atomic_fetch_sub(&call->engine->waiting, 1);
    if (st == HARBORAI_OK) {
        attempt_begin(call);
    } else {
        if (slot_failure(call->slot, &stage, NULL) < 0) /* but a secret is missing */
            stage = PLUGIN_STAGE_NONE;
        fail_unloaded(call, stage, &error);
    }
}

static bool copy_target(struct call *call, const struct route_view *route)
{
    struct arena *a = &call->arena;
    struct record *r = &call->record;

    call->slot = route->slot;
    slot_pin(call->slot, loop_index(call->engine->s.loop));
    call->slot_is_pinned = true;
    call->upstream_model = arena_copy(a, route->upstream);
    call->model = route->model;
    call->model_info = arena_copy(a, route->model != NULL ? route->model->json
                                                           : HARBORAI_STR("{}"));
    r->provider = arena_copy(a, slice_of(slot_name(call->slot)));
    r->upstream_model = call->upstream_model;
    r->is_listed = route->is_listed;
    return call->upstream_model.data != NULL && call->model_info.data != NULL &&
           r->provider.data != NULL;
}

static void set_limits(struct call *call)
{
    if (!call->has_own_limit)
        call->total_limit_ns = target_of(call->slot)->total_ns;
    if (call->total_limit_ns > 0)
        loop_timer_set(call->engine->s.loop, &call->total, call->started_ns + call->total_limit_ns);
}

/* The name alone if it leads to the provider that is wanted, else within that provider. NULL data:
 * no memory. */
static harborai_str name_to_find(struct call *call, const struct model_map *models)
{
    harborai_str model = call->request.model, wanted = call->wanted_provider;
    struct route_view route;
    if (wanted.len == 0 ||
        (model_map_find(models, model, &route) >= 0 && slice_equal(route.provider, wanted)))
        return model;
    return arena_printf(&call->arena, "%.*s/%.*s", SLICE_ARG(wanted), SLICE_ARG(model));
}

/* `route`: where its model leads; NULL: nowhere. False: it has failed. */
static bool is_admitted(struct call *call, const struct route_view *route)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    struct call_wish wish = {.request = &call->request,
                             .now_ns = loop_now_ns(call->engine->s.loop)};
    if (call->guard == NULL)
        return true;
    if (route != NULL) {
        wish.provider = route->provider;
        wish.upstream = route->upstream;
    }
    phase_end(call, RECORD_ROUTE);
    harborai_status st = call->guard->admit(call->account, &wish, &call->reserved, &error);
    phase_end(call, RECORD_ADMIT);
    if (st >= 0)
        return true;
    call_fail(call, &error);
    return false;
}

static void find_target(struct call *call)
{
    struct engine_loop *engine = call->engine;
    const struct model_map *models = snapshot_get(engine->s.models);
    harborai_error error = HARBORAI_ERROR_INIT;
    struct route_view route;
    harborai_str name = name_to_find(call, models);

    if (call->wanted_provider.len > 0 &&
        model_map_check_provider(models, call->wanted_provider, &error) < 0) {
        call_fail(call, &error);
    } else if (model_map_find(models, name, &route) < 0) {
        model_map_explain(models, name,
                          call->is_http ? MODEL_MAP_OVER_HTTP : MODEL_MAP_IN_PROCESS, &error);
        if (is_admitted(call, NULL))
            call_fail(call, &error);
    } else if (!is_admitted(call, &route)) {
        return;
    } else if (!copy_target(call, &route)) {
        call_fail_with(call, HARBORAI_E_MEMORY, "no memory left for this call");
    } else {
        set_limits(call);
        if (call->state == CALL_ROUTING)
            begin_when_loaded(call);
    }
}

void call_route(struct call *call)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    struct record *r = &call->record;
    const char *why;

    r->client_bytes_in = call->body.len;
    if (call->engine->draining) {
        call_fail_with(call, HARBORAI_E_OVERLOADED, "this process is shutting down: ask again");
        return;
    }
    if (fanout_refuses(call->engine->s.fanout, &why)) {
        harborai_error_set(&error, HARBORAI_E_OVERLOADED, "%s", why);
        error.retry_after_ms = REFUSED_RETRY_MS;
        r->is_refused = true;
        call_fail(call, &error);
        return;
    }
    harborai_status st =
        chat_request_parse(buf_slice(&call->body), &call->arena, &call->request, &error);
    phase_end(call, RECORD_PARSE);
    if (st < 0) {
        call_fail(call, &error);
        return;
    }
    r->model = arena_copy(&call->arena, call->request.model); /* the body does not stay as it is */
    r->is_stream = call->request.is_stream;
    if (r->model.data == NULL)
        call_fail_with(call, HARBORAI_E_MEMORY, "no memory left for this call");
    else
        find_target(call);
}
