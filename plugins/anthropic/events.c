/* SPDX-License-Identifier: MIT */
/* The events of a message, in their order: message_start, for each block content_block_start, …_delta
 * and …_stop, then message_delta and message_stop (platform.claude.com/docs/en/build-with-claude/
 * streaming). Kinds of events, blocks and deltas that are not known are passed over, as the vendor
 * asks. Must never end a call well before message_stop. */
#include "plugins/anthropic/events.h"

#include "json_value.h"
#include "plugins/anthropic/blocks.h"
#include "plugins/anthropic/errors.h"
#include "plugins/anthropic/usage.h"

enum { USAGE_MEMBERS_MOST = 64 };

typedef void event_fn(harborai_call *call, struct events *e, harborai_str json);

static void end_with(harborai_call *call, struct events *e, const harborai_error *error)
{
    char room[USAGE_TIER_MOST];
    const harborai_result result = {.size = sizeof result,
                                    .finish_reason = e->finish_reason,
                                    .usage = e->usage.size > 0 ? &e->usage : NULL,
                                    .error = error,
                                    .vendor_model = {e->model, strlen(e->model)},
                                    .vendor_finish_reason = {e->stop_reason,
                                                             strlen(e->stop_reason)},
                                    .service_tier = usage_tier(e->usage.vendor_json, room)};
    if (e->is_over)
        return;
    e->is_over = true;
    (void)call->host->finish(call, &result);
}

void events_fail(harborai_call *call, struct events *e, harborai_status code, const char *message)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_error_set(&error, code, "%s", message);
    end_with(call, e, &error);
}

static void copy_plain(char *to, size_t size, harborai_str value)
{
    harborai_str text;
    if (!json_string_plain(value, &text) || text.len >= size)
        return;
    memcpy(to, text.data, text.len);
    to[text.len] = '\0';
}

/* ---- Usage ----------------------------------------------------------------------------------- */

static size_t member_count(harborai_str object)
{
    struct json_cursor cursor = json_open(object);
    struct json_member member;
    size_t count = 0;
    while (count <= USAGE_MEMBERS_MOST && json_object_next(&cursor, &member))
        count++;
    return count;
}

/* Members of `object`; those that `newer` has too, from there. `room` is for so many; the last of it
 * for those that mean something here. */
static void write_merged(struct json_out *out, harborai_str object, harborai_str newer,
                         bool skip_shared, size_t *room)
{
    struct json_cursor cursor = json_open(object);
    struct json_member member;
    while (*room > 0 && json_object_next(&cursor, &member)) {
        if (*room <= USAGE_NAMES && !usage_is_name(&member))
            continue;
        harborai_str other = json_member(newer, member.key);
        if (other.len > 0 && skip_shared)
            continue;
        --*room;
        json_out_item(out);
        if (other.len == 0 || json_is_null(other)) {
            json_out_raw(out, member.span);
            continue;
        }
        member.span.len = (size_t)(member.value.data - member.span.data); /* key and colon */
        json_out_raw(out, member.span);
        json_out_raw(out, other);
    }
}

/* The vendor's object grows: message_delta repeats only some of message_start's members. Together
 * they are what a whole answer has. */
static void keep_usage_json(struct events *e, harborai_str object)
{
    struct json_out *out = &e->usage_next, swap;
    harborai_str old = json_out_str(&e->usage_json);
    size_t room = USAGE_MEMBERS_MOST;
    json_out_clear(out);
    if (old.len == 0 && member_count(object) <= USAGE_MEMBERS_MOST) {
        json_out_raw(out, object);
    } else {
        json_out_open(out, '{');
        write_merged(out, old, object, false, &room);
        write_merged(out, object, old, true, &room);
        json_out_close(out, '}');
    }
    if (out->failed)
        return;
    swap = e->usage_json;
    e->usage_json = *out;
    *out = swap;
}

static void take_usage(harborai_call *call, struct events *e, harborai_str object)
{
    e->usage.size = sizeof e->usage;
    if (json_kind(object) != JSON_OBJECT || !usage_add(&e->usage, object))
        return;
    keep_usage_json(e, object);
    e->usage.vendor_json = json_out_str(&e->usage_json);
    (void)call->host->usage(call, &e->usage);
}

/* ---- The message ----------------------------------------------------------------------------- */

static void on_message_start(harborai_call *call, struct events *e, harborai_str json)
{
    harborai_str message = json_member(json, HARBORAI_STR("message"));
    copy_plain(e->model, sizeof e->model, json_member(message, HARBORAI_STR("model")));
    take_usage(call, e, json_member(message, HARBORAI_STR("usage")));
}

/* [SDK] anthropic 2.12.0, types/stop_reason.py. */
static uint32_t finish_reason_of(harborai_str word, bool has_tools)
{
    static const struct {
        harborai_str word;
        uint32_t reason;
    } words[] = {
        {HARBORAI_STR_INIT("end_turn"), HARBORAI_FINISH_STOP},
        {HARBORAI_STR_INIT("stop_sequence"), HARBORAI_FINISH_STOP},
        {HARBORAI_STR_INIT("pause_turn"), HARBORAI_FINISH_STOP},
        {HARBORAI_STR_INIT("max_tokens"), HARBORAI_FINISH_LENGTH},
        {HARBORAI_STR_INIT("model_context_window_exceeded"), HARBORAI_FINISH_LENGTH},
        {HARBORAI_STR_INIT("tool_use"), HARBORAI_FINISH_TOOL_CALLS},
        {HARBORAI_STR_INIT("refusal"), HARBORAI_FINISH_CONTENT_FILTER},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (json_string_equal(word, words[i].word))
            return words[i].reason;
    return has_tools ? HARBORAI_FINISH_TOOL_CALLS : HARBORAI_FINISH_STOP;
}

/* Why the vendor refused, which OpenAI's API has no member for. */
static void emit_stop_details(harborai_call *call, struct events *e, harborai_str details)
{
    if (json_kind(details) != JSON_OBJECT)
        return;
    json_out_clear(&e->text);
    json_out_raw(&e->text, HARBORAI_STR("{\"stop_details\":"));
    json_out_raw(&e->text, details);
    json_out_raw(&e->text, HARBORAI_STR("}"));
    if (!e->text.failed)
        (void)harborai_emit_text(call, HARBORAI_DELTA_EXTRA_CHOICE, json_out_str(&e->text));
}

static void on_message_delta(harborai_call *call, struct events *e, harborai_str json)
{
    harborai_str delta = json_member(json, HARBORAI_STR("delta"));
    harborai_str reason = json_member(delta, HARBORAI_STR("stop_reason"));
    take_usage(call, e, json_member(json, HARBORAI_STR("usage")));
    if (json_kind(reason) != JSON_STRING)
        return;
    e->has_stopped = true;
    e->finish_reason = finish_reason_of(reason, e->tools > 0);
    copy_plain(e->stop_reason, sizeof e->stop_reason, reason);
    emit_stop_details(call, e, json_member(delta, HARBORAI_STR("stop_details")));
}

static void on_message_stop(harborai_call *call, struct events *e, harborai_str json)
{
    harborai_delta end = harborai_delta_of_(HARBORAI_DELTA_END);
    (void)json;
    blocks_stop(call, e);
    if (e->is_over)
        return;
    if (!e->has_stopped)
        e->finish_reason = finish_reason_of(HARBORAI_STR(""), e->tools > 0);
    end.finish_reason = e->finish_reason;
    end.text = (harborai_str){e->stop_reason, strlen(e->stop_reason)};
    (void)call->host->emit(call, &end);
    end_with(call, e, NULL);
}

static void on_error(harborai_call *call, struct events *e, harborai_str json)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    errors_read_event(json, &error);
    end_with(call, e, &error);
}

/* ---- All of them ----------------------------------------------------------------------------- */

static int64_t index_of(harborai_str json)
{
    int64_t index;
    return json_int64(json_member(json, HARBORAI_STR("index")), &index) && index >= 0 ? index : -1;
}

/* One block is open at a time. What is for another cannot be put where it belongs, and must not be
 * put anywhere else. */
static bool is_of_open_block(harborai_call *call, struct events *e, harborai_str json)
{
    int64_t index = index_of(json);
    if (e->kind != BLOCK_NONE && (index < 0 || e->index < 0 || index == e->index))
        return true;
    events_fail(call, e, HARBORAI_E_PROTOCOL,
                "Anthropic's answer has a piece for a block that is not open");
    return false;
}

/* A block that was not stopped is stopped by the next. */
static void on_block_start(harborai_call *call, struct events *e, harborai_str json)
{
    blocks_stop(call, e);
    e->index = index_of(json);
    if (!e->is_over)
        blocks_start(call, e, json_member(json, HARBORAI_STR("content_block")));
}

static void on_block_delta(harborai_call *call, struct events *e, harborai_str json)
{
    if (is_of_open_block(call, e, json))
        blocks_add(call, e, json_member(json, HARBORAI_STR("delta")));
}

static void on_block_stop(harborai_call *call, struct events *e, harborai_str json)
{
    if (e->kind != BLOCK_NONE && is_of_open_block(call, e, json))
        blocks_stop(call, e);
}

static const struct {
    harborai_str type;
    event_fn *take;
} kinds[] = {
    {HARBORAI_STR_INIT("content_block_delta"), on_block_delta},
    {HARBORAI_STR_INIT("content_block_start"), on_block_start},
    {HARBORAI_STR_INIT("content_block_stop"), on_block_stop},
    {HARBORAI_STR_INIT("message_start"), on_message_start},
    {HARBORAI_STR_INIT("message_delta"), on_message_delta},
    {HARBORAI_STR_INIT("message_stop"), on_message_stop},
    {HARBORAI_STR_INIT("error"), on_error},
};

/* The first is survived, as doc/streams.md promises of streams; what it said is lost. */
static void survive(harborai_call *call, struct events *e)
{
    if (e->has_odd)
        events_fail(call, e, HARBORAI_E_PROTOCOL,
                    "two events of Anthropic's answer are not JSON");
    e->has_odd = true;
    e->is_torn = e->kind != BLOCK_NONE;
}

void events_take(harborai_call *call, const harborai_event *event)
{
    struct events *e = call->state;
    harborai_str json, type;
    if (e->is_over || event->data.len == 0 || harborai_str_equal(event->data, "[DONE]"))
        return;
    if (json_scan(event->data, NULL, &json, NULL) < 0 || json_kind(json) != JSON_OBJECT) {
        survive(call, e);
        return;
    }
    type = json_member(json, HARBORAI_STR("type"));
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (json_string_equal(type, kinds[i].type)) {
            kinds[i].take(call, e, json);
            return;
        }
}

void events_end(harborai_call *call)
{
    struct events *e = call->state;
    if (!e->is_over)
        events_fail(call, e, HARBORAI_E_PROTOCOL,
                    "Anthropic's answer ends before its event message_stop");
}

void events_release(struct events *e)
{
    struct json_out *const all[] = {&e->request,   &e->text,       &e->block,     &e->thinking,
                                    &e->signature, &e->usage_json, &e->usage_next};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        json_out_release(all[i]);
}
