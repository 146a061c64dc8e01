/* SPDX-License-Identifier: MIT */
/* A call's life: begun by a front, ended once, told once, freed when nobody can touch it. */
#include "engine/call.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "config/config.h"
#include "engine/phase.h"
#include "record/fanout.h"

static void on_total(struct timer *timer)
{
    struct call *call = CONTAINER_OF(timer, struct call, total);
    if (call->attempt != NULL)
        attempt_close(call->attempt, true);
    if (call->is_draining)
        call_fail_with(call, HARBORAI_E_CANCELLED,
                       "provider '%s' was disabled, replaced or taken away while this call ran, and "
                       "it did not end within %lld ms (timeouts.drain): ask again",
                       slot_name(call->slot), (long long)call->drain_limit_ms);
    else
        call_fail_with(call, HARBORAI_E_TIMEOUT,
                       "no complete answer within %lld ms: raise %s, or ask for less",
                       (long long)(call->total_limit_ns / NS_PER_MS),
                       call->has_own_limit ? "the call's time limit" : "timeouts.total");
}

/* The trace goes on that the client began; without one, it begins here. */
static void name_trace(struct call *call, harborai_str trace_parent)
{
    struct traceparent parent;
    struct record *r = &call->record;
    if (trace_parent.len > 0 && traceparent_parse(trace_parent, &parent)) {
        memcpy(r->trace_id, parent.trace_id, sizeof r->trace_id);
        memcpy(r->parent_span_id, parent.parent_id, sizeof r->parent_span_id);
        r->is_sampled = (parent.flags & TRACEPARENT_SAMPLED) != 0;
    } else {
        ids_trace(&call->engine->ids, r->trace_id);
        r->is_sampled = true;
    }
}

static void name_call(struct call *call, const struct call_params *params)
{
    struct record *r = &call->record;
    record_init(r);
    r->begin_ns = loop_wall_ns(call->engine->s.loop);
    ids_uuid7(&call->engine->ids, r->begin_ns, r->key);
    ids_hb(&call->engine->ids, r->begin_ns, r->hb_id);
    r->request_id = arena_copy(&call->arena, params->request_id);
    r->client = arena_copy(&call->arena, params->caller.len > 0 ? params->caller : params->client);
    call->caller = params->caller.len > 0 ? r->client : HARBORAI_STR("anonymous");
    r->tags = arena_copy(&call->arena, params->tags);
    call->wanted_provider = arena_copy(&call->arena, params->provider);
    call->has_own_limit = params->total_ms > 0;
    call->total_limit_ns = clock_after_ms(0, params->total_ms);
    name_trace(call, params->trace_parent);
}

/* One allocation for a call and what a usual one takes from its arena, an attempt most of all. */
struct call_memory {
    struct call call;
    _Alignas(max_align_t) char arena[sizeof(struct attempt) + KIB(2)];
};

struct call *call_start(struct engine_loop *engine, const struct call_params *params)
{
    struct call_memory *memory = malloc(sizeof *memory);
    if (memory == NULL)
        return NULL;
    struct call *call = &memory->call;
    *call = (struct call){0};
    if (params->call != NULL)
        *params->call = call;
    call->engine = engine;
    call->front = params->front;
    call->owner = params->owner;
    call->is_http = params->front->is_http;
    call->state = CALL_ROUTING;
    call->total.on_due = on_total;
    arena_init_in(&call->arena, LIMIT_CALL_ALLOC + LIMIT_REQUEST_BODY + MIB(1), memory->arena,
                  sizeof memory->arena);
    call->body = *params->body;
    call->charge = params->charge;
    call->guard = params->guard;
    call->account = params->account;
    buf_init(params->body, params->body->ceiling);
    buf_init(&call->held, LIMIT_HELD_BACK);
    buf_init(&call->answer, LIMIT_RESPONSE_BODY);
    list_init(&call->unreleased);
    list_append(&engine->calls, &call->link);
    call->started_ns = loop_now_ns(engine->s.loop);
    name_call(call, params);
    phase_begin(call, params->admit_ns);
    content_begin(call);
    fanout_call(engine->s.fanout, &call->record);
    call_route(call);
    return call;
}

/* --- The end ------------------------------------------------------------------------------- */

static void end(struct call *call)
{
    struct engine_loop *engine = call->engine;
    call->state = CALL_ENDING;
    engine->left -= call->is_left;
    loop_timer_clear(engine->s.loop, &call->total);
    if (call->attempt != NULL)
        attempt_close(call->attempt, false);
    content_end(call);
}

static const char client_left[] = "the client left before its answer was complete";

void call_fail(struct call *call, const harborai_error *error)
{
    harborai_error gone = HARBORAI_ERROR_INIT;
    if (call->state >= CALL_ENDING)
        return;
    call->error = &call->failure;
    if (call->is_left) /* whatever the vendor did then */
        harborai_error_set(&gone, HARBORAI_E_CANCELLED, "%s", client_left);
    *call->error = call->is_left ? gone : *error;
    if ((call->error->flags & HARBORAI_ERROR_RETRYABLE) == 0)
        call->error->retry_after_ms = 0; /* waiting cannot mend it */
    call->record.status = call->error->code;
    end(call);
}

void call_fail_with(struct call *call, harborai_status code, const char *format, ...)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    va_list arguments;

    va_start(arguments, format);
    error_set_list(&error, code, format, arguments);
    va_end(arguments);
    call_fail(call, &error);
}

void call_succeed(struct call *call)
{
    if (call->state >= CALL_ENDING)
        return;
    if (call->is_left) {
        call_fail_with(call, HARBORAI_E_CANCELLED, "%s", client_left);
        return;
    }
    call->record.status = HARBORAI_OK;
    end(call);
}

const struct record *call_record(const struct call *call)
{
    return &call->record;
}

void call_head_sent(struct call *call)
{
    call->has_head = true;
    call->record.overhead_ns = phase_overhead_ns(call);
}

void call_cancel(struct call *call)
{
    call->front = NULL;
    if (call->state >= CALL_ENDING)
        return;
    if (call->attempt != NULL)
        attempt_close(call->attempt, true);
    call_fail_with(call, HARBORAI_E_CANCELLED, "%s", client_left);
}

void call_resume(struct call *call)
{
    struct attempt *a = call->attempt;
    if (!call->paused || output_is_slow(call))
        return;
    call->paused = false;
    call->after_pause = 0;
    if (call->state != CALL_RUNNING || a == NULL)
        return;
    exchange_resume(&a->exchange);
    atomic_store(&a->slow, false);
    attempt_settle(a);
}

static void free_call(struct parked *parked)
{
    struct call *call = CONTAINER_OF(parked, struct call, parked);
    struct call_charge charge = call->charge;
    buf_release(&call->body);
    call_give_back(call, charge.bytes);
    buf_release(&call->held);
    buf_release(&call->answer);
    content_release(call);
    arena_release(&call->arena);
    free(CONTAINER_OF(call, struct call_memory, call));
    if (charge.on_gone != NULL)
        charge.on_gone(charge.owner);
}

void call_settle(struct call *call)
{
    if (call->state != CALL_OVER || call->is_parked || !list_is_empty(&call->unreleased) ||
        list_is_linked(&call->amending))
        return;
    if (!list_is_linked(&call->link))
        return; /* parked already */
    list_remove(&call->link);
    if (call->slot_is_pinned)
        slot_unpin(call->slot, loop_index(call->engine->s.loop));
    loop_park(call->engine->s.loop, &call->parked, free_call);
}
