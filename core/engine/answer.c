/* SPDX-License-Identifier: MIT */
/* The vendor's answer on its way to the plugin: events of the exchange become functions of the
 * plugin, by the kind of response that it asked for. What is not 2xx goes to map_error(). */
#include <string.h>

#include "base/error.h"
#include "chat/vendor_error.h"
#include "engine/callback.h"
#include "engine/phase.h"

static struct attempt *attempt_of(struct exchange *x)
{
    return CONTAINER_OF(x, struct attempt, exchange);
}

/* --- The head -------------------------------------------------------------------------------- */

static harborai_str lower_copy(struct arena *arena, harborai_str text)
{
    harborai_str copy = arena_copy(arena, text);
    char *bytes = (char *)(uintptr_t)copy.data;
    for (size_t i = 0; i < copy.len; i++)
        if (bytes[i] >= 'A' && bytes[i] <= 'Z')
            bytes[i] = (char)(bytes[i] + ('a' - 'A'));
    return copy;
}

/* For the plugin: on_response() and map_error() see them after the head is gone. */
static void keep_headers(struct attempt *a, const struct http_response_head *head)
{
    struct arena *arena = &a->call->arena;
    a->header_count = 0;
    a->headers = arena_alloc(arena, head->head.field_count * sizeof *a->headers);
    if (a->headers == NULL)
        return;
    for (size_t i = 0; i < head->head.field_count; i++)
        a->headers[i] = (harborai_header){lower_copy(arena, head->head.fields[i].name),
                                          arena_copy(arena, head->head.fields[i].value),
                                          SLICE_NONE};
    a->header_count = head->head.field_count;
}

static void note_request_id(struct attempt *a, const struct http_response_head *head)
{
    struct record *r = &a->call->record;
    harborai_str own = a->provider->spec->manifest->request_id_header;
    harborai_str id = own.len > 0 ? http_field(&head->head, own.data) : SLICE_NONE;
    if (id.len == 0)
        id = http_field(&head->head, "x-request-id");
    if (id.len == 0)
        id = http_field(&head->head, "request-id");
    if (id.len > 0)
        r->vendor_request_id = arena_copy(&a->call->arena, slice_cut(id, LIMIT_REQUEST_ID));
}

static harborai_http_response response_of(const struct attempt *a)
{
    return (harborai_http_response){sizeof(harborai_http_response), a->http_status, a->headers,
                                    a->header_count};
}

static void begin_refused(struct attempt *a, const struct http_response_head *head)
{
    a->phase = EXCHANGE_REFUSED;
    keep_headers(a, head);
    a->retry_after_ms = vendor_error_retry_after_ms(a->http_status, a->headers, a->header_count,
                                                    loop_wall_ns(a->call->engine->s.loop));
    buf_release(&a->gathered);
    buf_init(&a->gathered, LIMIT_ERROR_BODY);
}

static void begin_accepted(struct attempt *a, const struct http_response_head *head)
{
    const harborai_plugin *table = a->provider->table;
    buf_release(&a->gathered);
    buf_init(&a->gathered, LIMIT_RESPONSE_BODY);
    if (a->response_kind == HARBORAI_RESPONSE_PASSTHROUGH) {
        passthrough_head(a, head);
        return;
    }
    sse_release(&a->sse);
    lines_release(&a->lines);
    sse_init(&a->sse, LIMIT_STREAM_EVENT);
    lines_init(&a->lines, LIMIT_STREAM_EVENT);
    if (table->on_response != NULL) {
        keep_headers(a, head);
        harborai_http_response response = response_of(a);
        int64_t began_ns = callback_begin(a);
        table->on_response(a->provider->provider, &a->api, &response);
        callback_end(a, METER_ON_RESPONSE, 0, began_ns);
    }
}

/* We ask for none. What is not a success has its status all the same. */
static bool is_encoded(struct attempt *a, const struct http_response_head *head)
{
    harborai_str coding = slice_trim(http_field(&head->head, "content-encoding"));
    if (coding.len == 0 || slice_equal_ignoring_case(coding, HARBORAI_STR("identity")))
        return false;
    attempt_fail_with(a, HARBORAI_E_PROTOCOL,
                      "provider '%s' answered in content-encoding '%.*s', which was not asked for",
                      slot_name(a->slot), SLICE_ARG(slice_cut(coding, 32)));
    return true;
}

static void on_head(struct exchange *x, const struct http_response_head *head)
{
    struct attempt *a = attempt_of(x);
    struct attempt *before = attempt_enter(a);
    *(x->reused ? &a->call->record.reuses : &a->call->record.connects) += 1;
    a->http_status = head->status;
    a->header_count = 0; /* of an exchange before */
    a->retry_after_ms = 0;
    a->call->record.vendor_status = head->status;
    note_request_id(a, head);
    if (head->status < 200 || head->status >= 300)
        begin_refused(a, head);
    else if (!is_encoded(a, head))
        begin_accepted(a, head);
    leave_limit(a);
    attempt_leave(a, before);
}

/* --- The body -------------------------------------------------------------------------------- */

static int give_event(struct attempt *a, const harborai_event *event)
{
    const struct slot_provider *p = a->provider;
    if (p->table->on_event != NULL) {
        p->table->on_event(p->provider, &a->api, event);
        a->fed_ns = callback_end(a, METER_ON_EVENT, event->data.len, a->fed_ns);
    }
    return a->closed;
}

static int on_sse(void *context, const struct sse_event *event)
{
    harborai_event given = {sizeof given, 0, event->type, event->data, event->id};
    return give_event(context, &given);
}

static int on_line(void *context, harborai_str line)
{
    harborai_event given = {sizeof given, 0, SLICE_NONE, line, SLICE_NONE};
    return give_event(context, &given);
}

static void give_data(struct attempt *a, harborai_str bytes)
{
    const struct slot_provider *p = a->provider;
    if (p->table->on_data == NULL)
        return;
    int64_t began_ns = callback_begin(a);
    p->table->on_data(p->provider, &a->api, bytes);
    callback_end(a, METER_ON_DATA, bytes.len, began_ns);
}

static void give_end(struct attempt *a)
{
    const struct slot_provider *p = a->provider;
    if (p->table->on_end == NULL)
        return;
    int64_t began_ns = callback_begin(a);
    p->table->on_end(p->provider, &a->api);
    callback_end(a, METER_ON_END, 0, began_ns);
}

static void gather(struct attempt *a, harborai_str bytes)
{
    buf_add(&a->gathered, bytes);
    call_charge_gathered(a);
    if (a->gathered.failed != HARBORAI_OK)
        attempt_fail_with(a, HARBORAI_E_PROTOCOL,
                          "the answer of provider '%s' is larger than %zu bytes",
                          slot_name(a->slot), a->gathered.ceiling);
}

static void give_accepted(struct attempt *a, harborai_str bytes)
{
    harborai_status st = HARBORAI_OK;
    switch (a->response_kind) {
    case HARBORAI_RESPONSE_BUFFER:
        gather(a, bytes);
        break;
    case HARBORAI_RESPONSE_BYTES:
        give_data(a, bytes);
        break;
    case HARBORAI_RESPONSE_SSE:
        a->fed_ns = callback_begin(a);
        st = sse_feed(&a->sse, bytes, on_sse, a, NULL);
        break;
    case HARBORAI_RESPONSE_LINES:
        a->fed_ns = callback_begin(a);
        st = lines_feed(&a->lines, bytes, on_line, a, NULL);
        break;
    default:
        passthrough_data(a, bytes);
        break;
    }
    if (st < 0)
        attempt_fail_with(a, st, "provider '%s' sent an event of more than %zu bytes",
                          slot_name(a->slot), (size_t)LIMIT_STREAM_EVENT);
}

static void refuse(struct attempt *a);

static void on_data(struct exchange *x, harborai_str bytes)
{
    struct attempt *a = attempt_of(x);
    struct attempt *before = attempt_enter(a);
    if (a->phase == EXCHANGE_REFUSED) {
        size_t room = a->gathered.ceiling - a->gathered.len;
        buf_add(&a->gathered, slice_cut(bytes, room));
        if (bytes.len >= room)
            refuse(a); /* enough to know what is wrong */
    } else if (leave_has_room(a, bytes.len)) {
        give_accepted(a, bytes);
    }
    attempt_leave(a, before);
}

static void finish_accepted(struct attempt *a)
{
    a->phase = EXCHANGE_NONE;
    if (a->response_kind == HARBORAI_RESPONSE_PASSTHROUGH) {
        passthrough_end(a);
        return;
    }
    if (a->response_kind == HARBORAI_RESPONSE_LINES) {
        a->fed_ns = callback_begin(a);
        if (lines_end(&a->lines, on_line, a) != HARBORAI_OK)
            return;
    }
    if (a->response_kind == HARBORAI_RESPONSE_BUFFER)
        give_data(a, buf_slice(&a->gathered));
    if (!a->closed)
        give_end(a);
}

static void on_end(struct exchange *x)
{
    struct attempt *a = attempt_of(x);
    struct attempt *before = attempt_enter(a);
    phase_end_upstream(a);
    if (a->phase == EXCHANGE_REFUSED)
        refuse(a);
    else
        finish_accepted(a);
    attempt_leave(a, before);
}

/* --- Errors ---------------------------------------------------------------------------------- */

static const char *event_of(harborai_status code)
{
    if (code == HARBORAI_E_CONFIG)
        return "provider.config";
    return code == HARBORAI_E_AUTH ? "provider.auth" : "provider.quota";
}

bool answer_hide_error(struct attempt *a, harborai_error *error)
{
    const struct provider *spec = a->provider->spec;
    bool is_http = a->call->is_http;
    harborai_error said = *error;
    if (a->lacks_secret && error->code == HARBORAI_E_AUTH)
        return false; /* the host's own words */
    if (!vendor_error_hide(error, slice_of(slot_name(a->slot)), spec->key_variable, is_http,
                           a->http_status > 0))
        return false;
    log_write(a->call->engine->s.log, is_http ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO,
              event_of(said.code), "provider='%s' status=%d code='%s' vendor_said='%s'",
              slot_name(a->slot), a->http_status, said.vendor_code, said.message);
    return true;
}

/* Other words of the vendor's go out over HTTP as they are; whoever asks otherwise sees nothing but
 * the message, and is told whose they are. */
void answer_name_error(struct attempt *a, harborai_error *error)
{
    if (!answer_hide_error(a, error) && !a->call->is_http)
        vendor_error_name(error, slice_of(slot_name(a->slot)), a->http_status);
}

/* What the client has read cannot be taken back: the answer is partial, whatever comes next. And for a
 * client that left nothing is begun. */
static bool may_go_on(const struct attempt *a)
{
    return (a->response_kind != HARBORAI_RESPONSE_PASSTHROUGH || a->call->chunks == 0) &&
           !a->call->is_left;
}

/* AGAIN: the plugin has seen to it that the call goes on. */
static void go_on(struct attempt *a)
{
    buf_clear(&a->call->held);
    if (a->phase != EXCHANGE_REFUSED)
        return; /* it has started another exchange */
    exchange_cancel(&a->exchange);
    a->phase = EXCHANGE_NONE; /* a wake() was asked for, or nothing: then the call is idle */
}

/* Nothing that the vendor said of its own failure holds for the plugin's. */
static void blame_plugin(struct attempt *a, harborai_error *mapped, const char *what)
{
    *mapped = (harborai_error)HARBORAI_ERROR_INIT;
    harborai_error_set(mapped, HARBORAI_E_INTERNAL, "plugin '%s' %s", attempt_plugin_id(a),
                       what);
}

/* What the plugin made of it, fit to be read. */
static void check_mapped(struct attempt *a, harborai_error *mapped)
{
    harborai_error given = *mapped;
    if (take_error(&given, mapped) < 0 || mapped->code >= 0)
        blame_plugin(a, mapped, "gave a broken error");
    provider_mask_secrets(a->provider->spec, mapped);
    if ((mapped->flags & HARBORAI_ERROR_RETRYABLE) == 0)
        mapped->retry_after_ms = 0; /* before the message says so */
}

void answer_is_error(struct attempt *a, harborai_str body)
{
    const harborai_plugin *table = a->provider->table;
    harborai_error mapped;
    harborai_http_response response = response_of(a);
    harborai_status st = HARBORAI_OK;

    vendor_error_parse(slice_of(slot_name(a->slot)), a->http_status, a->retry_after_ms, body,
                       &mapped);
    a->phase = EXCHANGE_REFUSED; /* from here on another exchange may be started */
    if (table->map_error != NULL) {
        int64_t began_ns = callback_begin(a);
        st = table->map_error(a->provider->provider, &a->api, &response, body, &mapped);
        callback_end(a, METER_MAP_ERROR, body.len, began_ns);
    }
    if (a->closed)
        return;
    check_mapped(a, &mapped);
    if (st == HARBORAI_AGAIN && may_go_on(a) && ++a->agains <= LIMIT_AGAIN) {
        go_on(a);
        return;
    }
    if (st == HARBORAI_AGAIN && may_go_on(a))
        blame_plugin(a, &mapped, "answered an error by going on too often");
    answer_name_error(a, &mapped);
    attempt_fail(a, &mapped);
}

static void refuse(struct attempt *a)
{
    answer_is_error(a, buf_slice(&a->gathered));
}

static void on_fail(struct exchange *x, enum exchange_fault fault, const harborai_error *error)
{
    struct attempt *a = attempt_of(x);
    struct attempt *before = attempt_enter(a);
    phase_end_upstream(a);
    if (a->phase == EXCHANGE_REFUSED && fault == EXCHANGE_SENT) {
        refuse(a); /* what came of its body has to do */
    } else if (!policy_try_again(a->call, a, fault)) {
        harborai_error copy = *error;
        if (fault == EXCHANGE_NOT_SENT)
            copy.flags |= HARBORAI_ERROR_NOT_BILLED;
        error_prefix(&copy, "provider '%s': ", slot_name(a->slot));
        a->phase = EXCHANGE_NONE;
        attempt_fail(a, &copy);
    }
    attempt_leave(a, before);
}

const struct exchange_events answer_events = {on_head, on_data, on_end, on_fail};
