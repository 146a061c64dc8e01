/* SPDX-License-Identifier: MIT */
/* The lane of vendors that speak OpenAI's format. Chunks are watched and forwarded byte for byte, but
 * for what chat/stream.h has to repair; from the last open choice's finish_reason on they are held
 * back until the vendor has ended as its API promises and the record is committed. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "chat/answer.h"
#include "chat/answer_repair.h"
#include "chat/usage.h"
#include "engine/callback.h"
#include "json_value.h"

static bool is_type(const struct http_response_head *head, const char *type)
{
    harborai_str given = http_field(&head->head, "content-type");
    return given.len == 0 ||
           slice_equal_ignoring_case(slice_cut(given, strlen(type)), slice_of(type));
}

static uint64_t id_seed(const struct attempt *a)
{
    return hash_slice(slice_of(a->call->record.hb_id), 0);
}

void passthrough_watch(struct attempt *a, bool is_strict)
{
    const struct chat_request *request = &a->call->request;
    const struct stream_options options = {
        .choices = request->choices,
        .wants_usage = request->wants_usage,
        .is_strict = is_strict,
        .notes_turn = replay_wants_chunks(a),
        .think_tags = a->think_tags,
        .id_seed = id_seed(a),
    };
    stream_release(&a->stream);
    stream_init(&a->stream, &options);
}

void passthrough_head(struct attempt *a, const struct http_response_head *head)
{
    const struct chat_request *request = &a->call->request;
    bool is_stream = is_type(head, "text/event-stream");
    a->streams = request->is_stream && is_stream;
    if (!a->streams)
        return;
    sse_release(&a->sse);
    sse_init(&a->sse, LIMIT_STREAM_EVENT);
    passthrough_watch(a, false);
}

/* A JSON string's inside, as text, kept for the record. */
static harborai_str unquoted(struct attempt *a, harborai_str value)
{
    char *room = arena_alloc(&a->call->arena, value.len + 1);
    harborai_str text;
    if (room == NULL || json_string(value, room, value.len, &text) < 0)
        return SLICE_NONE;
    return text.data == room ? text : arena_copy(&a->call->arena, text);
}

/* A JSON string as text in `room`, kept for the record; none if it is too long for a name. */
static harborai_str name_in(char *room, size_t capacity, harborai_str value)
{
    harborai_str text;
    if (value.len > capacity || json_string(value, room, capacity, &text) < 0)
        return SLICE_NONE;
    memmove(room, text.data, text.len);
    return (harborai_str){room, text.len};
}

static void note_names(struct attempt *a, harborai_str model, harborai_str tier)
{
    struct record *r = &a->call->record;
    r->vendor_model = name_in(a->vendor_model, sizeof a->vendor_model, model);
    r->service_tier = name_in(a->service_tier, sizeof a->service_tier, tier);
}

void passthrough_note_names(struct attempt *a)
{
    const struct stream *w = &a->stream;
    note_names(a, (harborai_str){w->model.data, w->model.len},
               (harborai_str){w->service_tier.data, w->service_tier.len});
}

static harborai_status parse_tokens(struct attempt *a, harborai_str object, harborai_usage *usage,
                                    harborai_error *error)
{
    const struct slot_provider *p = a->provider;
    a->usage_is_read_here = p->table->parse_tokens == NULL;
    if (a->usage_is_read_here)
        return usage_parse_openai(object, usage, error);
    int64_t began_ns = callback_begin(a);
    harborai_status st =
        p->table->parse_tokens(p->provider, a->call->upstream_model, object, usage, error);
    callback_end(a, METER_PARSE_TOKENS, object.len, began_ns);
    return st;
}

void passthrough_usage(struct attempt *a, harborai_str object)
{
    harborai_usage usage = {.size = sizeof usage};
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_status st = parse_tokens(a, object, &usage, &error);
    if (st < 0) {
        provider_mask_secrets(a->provider->spec, &error);
        snprintf(a->usage_error, sizeof a->usage_error, "%.95s", error.message);
        return;
    }
    if (usage.vendor_json.len == 0)
        usage.vendor_json = object;
    if (usage.vendor_json.data == object.data && usage.vendor_json.len == object.len)
        attempt_take_usage(a, &usage); /* scanned with what it stands in */
    else
        engine_call_functions.usage(&a->api, &usage);
}

harborai_str passthrough_finish_word(struct attempt *a)
{
    static const char *const words[] = {[STREAM_OPEN] = "",
                                        [STREAM_STOP] = "stop",
                                        [STREAM_LENGTH] = "length",
                                        [STREAM_TOOL_CALLS] = "tool_calls",
                                        [STREAM_CONTENT_FILTER] = "content_filter"};
    const struct stream *w = &a->stream;
    if (w->finish[0] != STREAM_OTHER)
        return slice_of(words[w->finish[0]]);
    return unquoted(a, (harborai_str){w->vendor_finish.data, w->vendor_finish.len});
}

static void complete(struct attempt *a)
{
    struct call *call = a->call;
    call->record.finish_reason = passthrough_finish_word(a);
    if (stream_needs_usage_chunk(&a->stream) && a->has_usage) {
        buf_clear(&call->engine->chunk);
        stream_write_usage_chunk(&a->stream, a->usage.vendor_json, &call->engine->chunk);
        if (buf_status(&call->engine->chunk, NULL) < 0 ||
            output_hold(call, buf_slice(&call->engine->chunk), NULL) < 0) {
            attempt_fail_with(a, HARBORAI_E_MEMORY, "the usage is larger than %zu bytes",
                              (size_t)LIMIT_HELD_BACK);
            return;
        }
    }
    replay_keep(a);
    exchange_detach(&a->exchange);
    attempt_close(a, false);
    call_succeed(call);
}

static void fail_no_chunk(struct attempt *a)
{
    attempt_fail_with(a, HARBORAI_E_PROTOCOL,
                      "provider '%s' sent an event that is no chat.completion.chunk: check its "
                      "base_url and plugin",
                      slot_name(a->slot));
}

static void end_stream(struct attempt *a)
{
    if (stream_is_finished(&a->stream))
        complete(a); /* where [DONE] is missing, every choice has its end */
    else if (a->stream.chunks == 0 && a->stream.bad > 0)
        fail_no_chunk(a);
    else
        attempt_fail_with(
            a, HARBORAI_E_PROTOCOL,
            "provider '%s' ended its stream before the answer was complete: ask again",
            slot_name(a->slot));
}

static void forward(struct attempt *a, harborai_str chunk)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    if (output_chunk(a->call, chunk, &error) < 0)
        attempt_fail(a, &error);
}

static void hold(struct attempt *a, harborai_str chunk)
{
    if (output_hold(a->call, chunk, NULL) < 0)
        attempt_fail_with(a, HARBORAI_E_PROTOCOL,
                          "provider '%s' sent more than %zu bytes after the end of its answer",
                          slot_name(a->slot), (size_t)LIMIT_HELD_BACK);
}

/* Of several data lines one: JSON may have a blank where it has a line end, an event may not. */
static harborai_str one_line(struct attempt *a, const struct sse_event *event)
{
    harborai_str data = event->data;
    if (data.len == 0 || memchr(data.data, '\n', data.len) == NULL)
        return data;
    struct buf *b = &a->one_line;
    buf_clear(b);
    buf_add(b, data);
    for (size_t i = 0; i < b->len; i++)
        if (b->data[i] == '\n')
            b->data[i] = ' ';
    return buf_slice(b);
}

static int on_event(void *context, const struct sse_event *event)
{
    struct attempt *a = context;
    harborai_str data = one_line(a, event);
    if (a->one_line.failed != HARBORAI_OK) {
        attempt_fail_with(a, HARBORAI_E_MEMORY, "no memory left");
        return 1;
    }
    enum stream_verdict verdict = stream_event(&a->stream, data);

    a->call->record.stream_events++;
    a->call->record.stream_repairs = a->stream.repairs;
    if (a->stream.reasoning.len > 0)
        replay_note_reasoning(a, a->stream.reasoning);
    if (a->stream.has_named)
        passthrough_note_names(a);
    if (a->stream.usage.len > 0)
        passthrough_usage(a, a->stream.usage);
    if (a->stream.has_content)
        output_note_content(a->call);
    switch (verdict) {
    case STREAM_FORWARD:
        forward(a, a->stream.chunk);
        break;
    case STREAM_HOLD:
        hold(a, a->stream.chunk);
        break;
    case STREAM_DROP:
        break;
    case STREAM_BAD:
        fail_no_chunk(a);
        break;
    case STREAM_FAULT:
        attempt_fail_with(a, HARBORAI_E_PROTOCOL, "provider '%s' %s: ask again",
                          slot_name(a->slot), a->stream.fault);
        break;
    case STREAM_DONE:
        end_stream(a);
        break;
    case STREAM_ERROR:
        answer_is_error(a, a->stream.error);
        return 1; /* what follows in this answer is nobody's */
    }
    return a->closed;
}

void passthrough_data(struct attempt *a, harborai_str bytes)
{
    if (!a->streams) {
        buf_add(&a->gathered, bytes);
        call_charge_gathered(a);
        if (a->gathered.failed != HARBORAI_OK)
            attempt_fail_with(a, HARBORAI_E_PROTOCOL,
                              "the answer of provider '%s' is larger than %zu bytes",
                              slot_name(a->slot), a->gathered.ceiling);
        return;
    }
    harborai_status st = sse_feed(&a->sse, bytes, on_event, a, NULL);
    if (st < 0 && !a->closed)
        attempt_fail_with(a, st, "provider '%s' sent an event of more than %zu bytes",
                          slot_name(a->slot), (size_t)LIMIT_STREAM_EVENT);
}

/* Takes the answer over, as it came or repaired. */
static harborai_status repair(struct attempt *a, struct chat_answer *answer, harborai_error *error)
{
    struct call *call = a->call;
    AUTO(answer_repair) work;
    answer_repair_init(&work, id_seed(a), a->think_tags);
    harborai_status st = answer_repair(&work, answer, error);
    if (st < 0)
        return st;
    note_names(a, answer->model, answer->service_tier);
    call->record.finish_reason = unquoted(a, answer->finish_reason);
    call->record.stream_repairs = work.is_repaired;
    call->answer_body = answer->body;
    if (work.is_repaired) {
        call->answer = work.out; /* moved */
        buf_init(&work.out, 0);
    } else {
        call->answer = a->gathered; /* moved */
        buf_init(&a->gathered, 0);
    }
    return HARBORAI_OK;
}

static void end_whole(struct attempt *a)
{
    struct call *call = a->call;
    struct chat_answer answer;
    harborai_error error = HARBORAI_ERROR_INIT;

    if (answer_check(buf_slice(&a->gathered), &answer, &error) < 0) {
        error_prefix(&error, "provider '%s': ", slot_name(a->slot));
        attempt_fail(a, &error);
        return;
    }
    if (answer.usage.len > 0)
        passthrough_usage(a, answer.usage);
    if (answer.error.len > 0) {
        answer_is_error(a, answer.error);
        return;
    }
    if (call->request.is_stream) {
        attempt_fail_with(a, HARBORAI_E_PROTOCOL,
                          "provider '%s' answered with one JSON object where a stream was asked for",
                          slot_name(a->slot));
        return;
    }
    if (repair(a, &answer, &error) < 0) {
        error_prefix(&error, "provider '%s' ", slot_name(a->slot));
        attempt_fail(a, &error);
        return;
    }
    replay_keep(a);
    attempt_close(a, false);
    call_succeed(call);
}

void passthrough_end(struct attempt *a)
{
    if (a->streams)
        end_stream(a);
    else
        end_whole(a);
}
