/* SPDX-License-Identifier: MIT */
/* What an application asks for, checked where the engine takes it as given, and copied. */
#include <stdlib.h>

#include "base/limits.h"
#include "chat/request.h"
#include "client/ask.h"
#include "json_edit.h"
#include "json_value.h"
#include "wire/traceparent.h"

#define TAGS_MOST 4096

/* --- Options ----------------------------------------------------------------------------------- */

static harborai_status check_tags(harborai_str tags, harborai_error *error)
{
    struct json_fault fault;
    harborai_str object;
    if (tags.len > TAGS_MOST)
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "the option tags has %zu bytes, the most is %d", tags.len,
                                  TAGS_MOST);
    if (json_scan(tags, NULL, &object, &fault) < 0)
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "the option tags is no JSON: %s at byte %zu", fault.reason,
                                  fault.at);
    if (json_kind(object) != JSON_OBJECT)
        return harborai_error_set(error, HARBORAI_E_INVALID, "the option tags is no JSON object");
    return HARBORAI_OK;
}

static bool is_plain(harborai_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] < '!' || text.data[i] > '~')
            return false;
    return true;
}

static harborai_status check_options(const harborai_call_options *o, harborai_error *error)
{
    struct traceparent parent;
    harborai_str request_id = slice_of(o->request_id);
    if (o->timeout_ms < 0)
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "the option timeout_ms is negative: 0 takes timeouts.total");
    if (o->trace_parent != NULL && !traceparent_parse(slice_of(o->trace_parent), &parent))
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "the option trace_parent is no traceparent of W3C Trace Context");
    if (!is_plain(slice_of(o->provider)))
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "the option provider is not of visible ASCII characters, as the "
                                  "names of providers are");
    if (request_id.len > LIMIT_REQUEST_ID || !is_plain(request_id))
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "the option request_id is longer than %d bytes, or not of "
                                  "visible ASCII characters",
                                  LIMIT_REQUEST_ID);
    return o->tags != NULL ? check_tags(slice_of(o->tags), error) : HARBORAI_OK;
}

static harborai_status copy(struct arena *arena, const char *text, harborai_str *ret_copy,
                            harborai_error *error)
{
    if (text == NULL || text[0] == '\0')
        return HARBORAI_OK;
    *ret_copy = arena_copy(arena, slice_of(text));
    return ret_copy->data != NULL
               ? HARBORAI_OK
               : harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
}

/* Whatever size the application's struct has. */
static harborai_status take_options(const harborai_call_options *given,
                                    harborai_call_options *options, harborai_error *error)
{
    *options = (harborai_call_options){.size = sizeof *options};
    if (given == NULL)
        return HARBORAI_OK;
    if (given->size < offsetof(harborai_call_options, timeout_ms))
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "harborai_call_options.size is not set: { sizeof options }");
    memcpy(options, given, given->size < sizeof *options ? given->size : sizeof *options);
    return check_options(options, error);
}

static harborai_status fill_options(struct ask_wish *wish, struct arena *arena,
                                    const harborai_call_options *given, harborai_error *error)
{
    harborai_call_options o;
    harborai_status st = take_options(given, &o, error);
    if (st < 0)
        return st;
    wish->timeout_ms = o.timeout_ms;
    st = copy(arena, o.provider, &wish->provider, error);
    if (st >= 0)
        st = copy(arena, o.tags, &wish->tags, error);
    if (st >= 0)
        st = copy(arena, o.trace_parent, &wish->trace_parent, error);
    return st < 0 ? st : copy(arena, o.request_id, &wish->request_id, error);
}

/* --- The body ---------------------------------------------------------------------------------- */

static void *allocate(void *context, size_t size)
{
    return arena_alloc(context, size);
}

/* What is no request, or has `stream` twice, stays as it is: the engine has the words for it. */
static size_t plan_edits(const struct json_member *members, size_t count, bool streams,
                         harborai_edit edits[static 2])
{
    const harborai_str name = HARBORAI_STR("stream");
    const struct json_member *stream = json_find(members, count, name);
    bool is = false;
    size_t planned = 0;

    if (json_count(members, count, name) > 1)
        return 0;
    if (stream != NULL)
        (void)json_boolean(stream->value, &is);
    if (streams && !is)
        edits[planned++] = (harborai_edit){HARBORAI_STR("/stream"), HARBORAI_STR("true"),
                                           HARBORAI_EDIT_JSON, 0};
    if (!streams && stream != NULL)
        edits[planned++] = (harborai_edit){HARBORAI_STR("/stream"), SLICE_NONE,
                                           HARBORAI_EDIT_REMOVE, 0};
    if (!streams && json_find(members, count, HARBORAI_STR("stream_options")) != NULL)
        edits[planned++] = (harborai_edit){HARBORAI_STR("/stream_options"), SLICE_NONE,
                                           HARBORAI_EDIT_REMOVE, 0};
    return planned;
}

static harborai_status fill_body(struct buf *to, struct arena *arena, harborai_str body,
                                 bool streams, harborai_error *error)
{
    static const struct json_limits limits = {LIMIT_REQUEST_DEPTH};
    struct json_member members[CHAT_REQUEST_MEMBERS];
    harborai_edit edits[2];
    struct json_pieces pieces = {&body, 1, body.len};
    size_t count, planned = 0;
    void *memory;

    if (json_scan_object(body, &limits, members, ARRAY_LEN(members), &count, NULL) >= 0)
        planned = plan_edits(members, count, streams, edits);
    if (planned > 0) {
        struct json_edit_body from = {body, members, count};
        harborai_status st = json_edit_apply(&from, edits, planned, allocate, arena, &pieces,
                                             &memory, error);
        if (st < 0)
            return st;
    }
    (void)buf_reserve(to, pieces.len); /* exactly: it is kept as long as the call */
    for (size_t i = 0; i < pieces.count; i++)
        buf_add(to, pieces.piece[i]);
    return to->failed == HARBORAI_OK
               ? HARBORAI_OK
               : harborai_error_set(error, HARBORAI_E_MEMORY,
                                    "the request is larger than %zu bytes, or no memory is left",
                                    (size_t)LIMIT_REQUEST_BODY);
}

harborai_status wish_fill(struct ask_wish *wish, struct arena *arena, harborai_str body,
                          bool streams, const harborai_call_options *options,
                          harborai_error *error)
{
    if (body.len == 0 && error != NULL && error->code < 0)
        return error->code; /* of harborai_body_str(): what went wrong there stands */
    harborai_status st = fill_options(wish, arena, options, error);
    return st < 0 ? st : fill_body(&wish->body, arena, body, streams, error);
}
