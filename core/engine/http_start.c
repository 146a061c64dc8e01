/* SPDX-License-Identifier: MIT */
/* http_start(): from what a plugin asks for to a request that can be sent. Checks everything that a
 * plugin could get wrong, and splices edits into the application's body. */
#include <string.h>

#include "engine/state.h"
#include "json_edit.h"
#include "plugin/header_lines.h"

static harborai_status build_headers(struct attempt *a, const harborai_http_request *from,
                                     harborai_str *ret_lines, harborai_error *error)
{
    AUTO(buf) lines = BUF_INIT(HEADER_LINES_MAX_COUNT * HEADER_LINES_MAX_SIZE);
    harborai_status st = header_lines_write(a->provider->spec, from->headers, from->header_count,
                                            from->body_kind != HARBORAI_BODY_NONE, slice_of(a->trace_parent),
                                            &lines, error);
    a->lacks_secret |= st == HARBORAI_E_AUTH;
    if (st < 0)
        return st;
    *ret_lines = arena_copy(&a->call->arena, buf_slice(&lines));
    return ret_lines->data != NULL ? HARBORAI_OK
                                   : harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
}

/* --- Body ----------------------------------------------------------------------------------- */

static void *alloc_pieces(void *context, size_t size)
{
    return arena_alloc(context, size);
}

static bool is_under(harborai_str path, const char *pointer)
{
    size_t len = strlen(pointer);
    return slice_starts_with(path, pointer) && (path.len == len || path.data[len] == '/');
}

/* The plugin's edits and ours: the vendor's name of the model, and a stream's usage. Where one does
 * not fit, it may be the client's body that has a member twice. */
static harborai_status edit_body(struct attempt *a, const harborai_http_request *from,
                                 harborai_error *error)
{
    struct call *call = a->call;
    const struct chat_request *request = a->asked;
    size_t count = from->edit_count;
    bool wants_usage = from->response_kind == HARBORAI_RESPONSE_PASSTHROUGH &&
                       request->is_stream &&
                       !unsupported_has(call, HARBORAI_STR("/stream_options")) &&
                       !unsupported_has(call, HARBORAI_STR("/stream_options/include_usage"));
    harborai_edit *edits;
    void *memory;

    if (count > JSON_EDITS_MAX) {
        a->has_erred = true;
        return harborai_error_set(error, HARBORAI_E_INVALID, "plugin '%s' gave more than %d edits",
                                  attempt_plugin_id(a), JSON_EDITS_MAX);
    }
    edits = arena_alloc(&call->arena, (count + 2) * sizeof *edits);
    if (edits == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    if (count > 0)
        memcpy(edits, from->edits, count * sizeof *edits);
    bool names_model = false;
    for (size_t i = 0; i < from->edit_count; i++) {
        names_model |= is_under(edits[i].path, "/model");
        wants_usage &= !is_under(edits[i].path, "/stream_options");
    }
    count += chat_request_edits(request, names_model ? request->model : call->upstream_model,
                                wants_usage, edits + count);
    struct json_edit_body body = {request->body, request->members, request->member_count};
    struct json_pieces pieces;
    harborai_status st = json_edit_apply(&body, edits, count, alloc_pieces, &call->arena, &pieces,
                                         &memory, error);
    if (st < 0)
        return st;
    a->http.body = pieces.piece;
    a->http.body_count = pieces.count;
    return HARBORAI_OK;
}

static harborai_status build_body(struct attempt *a, const harborai_http_request *from,
                                  harborai_error *error)
{
    switch (from->body_kind) {
    case HARBORAI_BODY_NONE:
        a->http.body_count = 0;
        return HARBORAI_OK;
    case HARBORAI_BODY_BYTES:
        a->body_bytes = from->body;
        a->http.body = &a->body_bytes;
        a->http.body_count = 1;
        return HARBORAI_OK;
    case HARBORAI_BODY_EDITED:
        return edit_body(a, from, error);
    default:
        a->has_erred = true;
        return harborai_error_set(error, HARBORAI_E_INVALID, "plugin '%s' gave body_kind %u",
                                  attempt_plugin_id(a), from->body_kind);
    }
}

/* --- Address -------------------------------------------------------------------------------- */

static harborai_status check_url(struct attempt *a, harborai_str url, harborai_error *error)
{
    harborai_str copy = arena_copy(&a->call->arena, url);
    struct url *parsed = &a->http.url;
    if (copy.data == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    harborai_status st = url_parse(copy, parsed, error);
    if (st < 0)
        return st;
    if (!provider_may_reach(a->provider->spec, parsed->host, parsed->port))
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "plugin '%s' may not reach '%.*s:%u': it is neither in its "
                                  "manifest's \"network\" nor the provider's base_url",
                                  attempt_plugin_id(a), SLICE_ARG(parsed->host), parsed->port);
    a->http.tls = parsed->is_tls ? target_of(a->slot)->tls : NULL;
    return HARBORAI_OK;
}

static int64_t shorter(int64_t limit_ns, int64_t asked_ms)
{
    int64_t asked_ns = clock_after_ms(0, asked_ms);
    return asked_ms > 0 && (limit_ns == 0 || asked_ns < limit_ns) ? asked_ns : limit_ns;
}

static void set_limits(struct attempt *a, const harborai_http_request *from)
{
    const struct target *limits = target_of(a->slot);
    a->http.connect_timeout_ns = limits->connect_ns;
    a->http.first_byte_timeout_ns = shorter(limits->first_byte_ns, from->first_byte_timeout_ms);
    a->http.idle_timeout_ns = shorter(limits->idle_ns, from->idle_timeout_ms);
}

static harborai_status check_state(struct attempt *a, harborai_error *error)
{
    if (atomic_load(&a->closed_for_all)) /* on a job thread the loop may close it meanwhile */
        return harborai_error_set(error, HARBORAI_E_CLOSED, "the call has ended already");
    if (a->phase == EXCHANGE_WANTED || a->phase == EXCHANGE_OPEN)
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "plugin '%s' started an exchange while another is under way",
                                  attempt_plugin_id(a));
    if (a->has_refused)
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "plugin '%s' went on with a request that is to be refused",
                                  attempt_plugin_id(a));
    if (++a->exchanges > LIMIT_EXCHANGES)
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "plugin '%s' started more than %d exchanges in one call",
                                  attempt_plugin_id(a), LIMIT_EXCHANGES);
    return HARBORAI_OK;
}

static harborai_status check_response(struct attempt *a, const harborai_http_request *from,
                                      harborai_error *error)
{
    bool is_passed = from->response_kind == HARBORAI_RESPONSE_PASSTHROUGH;
    if (from->response_kind > HARBORAI_RESPONSE_PASSTHROUGH)
        return harborai_error_set(error, HARBORAI_E_INVALID, "plugin '%s' gave response_kind %u",
                                  attempt_plugin_id(a), from->response_kind);
    if ((from->flags & ~(is_passed ? HARBORAI_HTTP_THINK_TAGS : 0u)) != 0)
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "plugin '%s' gave flags 0x%x with response_kind %u",
                                  attempt_plugin_id(a), from->flags, from->response_kind);
    return HARBORAI_OK;
}

static harborai_status prepare(struct attempt *a, const harborai_http_request *from,
                               harborai_error *error)
{
    harborai_status st = check_state(a, error);
    if (st == HARBORAI_OK)
        st = check_response(a, from, error);
    if (st == HARBORAI_OK)
        st = check_url(a, from->url, error);
    if (st == HARBORAI_OK)
        st = build_headers(a, from, &a->http.headers, error);
    a->has_erred = st < 0;
    return st < 0 ? st : build_body(a, from, error);
}

harborai_status http_start(harborai_call *api, const harborai_http_request *given,
                           harborai_error *error)
{
    struct attempt *a = CONTAINER_OF(api, struct attempt, api);
    harborai_http_request from;
    harborai_status st = take_http_request(given, &from);

    if (!attempt_is_translated_here(a)) /* and everything below belongs to another thread */
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "http_start() is not for threads of a plugin");
    if (st < 0)
        return harborai_error_set(error, st, "the request's size is 0");
    st = prepare(a, &from, error);
    if (st < 0)
        return st;
    a->http.method = from.method.len > 0 ? arena_copy(&a->call->arena, from.method)
                                         : HARBORAI_STR("POST");
    a->http.fresh = false;
    a->response_kind = from.response_kind;
    a->think_tags = (from.flags & HARBORAI_HTTP_THINK_TAGS) != 0;
    set_limits(a, &from);
    if (a->phase == EXCHANGE_REFUSED)
        exchange_cancel(&a->exchange); /* map_error() goes on with the call */
    a->phase = EXCHANGE_WANTED;
    if (!a->on_job)
        commit_starting(a);
    return HARBORAI_OK;
}
