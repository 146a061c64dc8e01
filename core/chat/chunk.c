/* SPDX-License-Identifier: MIT */
/* Deltas as chunks. The first chunk of each choice has the role; the one with the finish_reason
 * completes tool calls that got no arguments, since clients parse what they have collected. */
#include "chat/chunk.h"

#include "base/limits.h"
#include "chat/json_line.h"
#include "chat/usage.h"
#include "json_scan.h"

harborai_status chunk_writer_init(struct chunk_writer *w, struct arena *arena,
                                  const struct answer_id *answer, unsigned choices,
                                  harborai_error *error)
{
    AUTO(buf) head = BUF_INIT(MIB(1));
    w->answer = *answer;
    harborai_status st = delta_order_init(&w->order, arena, choices, error);
    if (st < 0)
        return st;
    buf_add(&head, HARBORAI_STR("{\"id\":"));
    json_line_text(&head, answer->id);
    buf_printf(&head, ",\"object\":\"chat.completion.chunk\",\"created\":%lld,\"model\":",
               (long long)answer->created_s);
    json_line_text(&head, answer->model);
    buf_add(&head, HARBORAI_STR(",\"choices\":["));
    st = buf_status(&head, error);
    if (st < 0)
        return st;
    w->head = arena_copy(arena, buf_slice(&head));
    if (w->head.data == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left for the answer");
    return HARBORAI_OK;
}

/* The members of an object that was checked, without its brackets: "" if it has none. */
static harborai_str inside(harborai_str object)
{
    object = slice_trim(object);
    return slice_trim((harborai_str){object.data + 1, object.len - 2});
}

static void write_members(struct buf *b, harborai_str object, bool comma_before)
{
    harborai_str members = inside(object);
    if (members.len == 0)
        return;
    if (comma_before)
        buf_add_char(b, ',');
    json_line_write(b, members);
}

static void write_tool_call(struct buf *b, const struct chunk_writer *w,
                            const harborai_delta *delta)
{
    buf_printf(b, "\"tool_calls\":[{\"index\":%u,\"id\":", (unsigned)delta->tool_index);
    delta_write_tool_id(b, &w->answer, delta);
    buf_add(b, HARBORAI_STR(",\"type\":\"function\",\"function\":{\"name\":"));
    json_line_text(b, delta->tool_name);
    buf_add(b, HARBORAI_STR(",\"arguments\":"));
    json_line_text(b, delta->text);
    buf_add(b, HARBORAI_STR("}}]"));
}

/* "{}" for each call of the choice that got no arguments. */
static void write_missing_input(struct buf *b, const struct delta_choice *choice)
{
    bool is_open = false;
    for (unsigned i = 0; i < choice->tools; i++) {
        if (delta_has_input(choice, i))
            continue;
        buf_printf(b, "%s{\"index\":%u,\"function\":{\"arguments\":\"{}\"}}",
                   is_open ? "," : "\"tool_calls\":[", i);
        is_open = true;
    }
    if (is_open)
        buf_add_char(b, ']');
}

/* The members of choices[].delta. */
static void write_delta(struct buf *b, const struct chunk_writer *w, const harborai_delta *delta)
{
    switch (delta->kind) {
    case HARBORAI_DELTA_TEXT:
        buf_add(b, HARBORAI_STR("\"content\":"));
        json_line_text(b, delta->text);
        break;
    case HARBORAI_DELTA_REASONING:
        buf_add(b, HARBORAI_STR("\"reasoning_content\":"));
        json_line_text(b, delta->text);
        break;
    case HARBORAI_DELTA_REFUSAL:
        buf_add(b, HARBORAI_STR("\"refusal\":"));
        json_line_text(b, delta->text);
        break;
    case HARBORAI_DELTA_TOOL_CALL:
        write_tool_call(b, w, delta);
        break;
    case HARBORAI_DELTA_TOOL_INPUT:
        buf_printf(b, "\"tool_calls\":[{\"index\":%u,\"function\":{\"arguments\":",
                   (unsigned)delta->tool_index);
        json_line_text(b, delta->text);
        buf_add(b, HARBORAI_STR("}}]"));
        break;
    case HARBORAI_DELTA_EXTRA:
        write_members(b, delta->text, false);
        break;
    case HARBORAI_DELTA_REPLAY:
        buf_add(b, HARBORAI_STR("\"reasoning_details\":[{\"provider\":"));
        json_line_text(b, w->answer.plugin_id);
        buf_add(b, HARBORAI_STR(",\"data\":"));
        json_line_write(b, slice_trim(delta->text));
        buf_add(b, HARBORAI_STR("}]"));
        break;
    case HARBORAI_DELTA_END:
        write_missing_input(b, &w->order.choice[delta->choice]);
        break;
    default:
        break;
    }
}

static bool says_nothing(const harborai_delta *delta)
{
    switch (delta->kind) {
    case HARBORAI_DELTA_TEXT:
    case HARBORAI_DELTA_REASONING:
    case HARBORAI_DELTA_REFUSAL:
    case HARBORAI_DELTA_TOOL_INPUT:
        return delta->text.len == 0;
    case HARBORAI_DELTA_EXTRA:
    case HARBORAI_DELTA_EXTRA_CHOICE:
    case HARBORAI_DELTA_EXTRA_ANSWER:
        return inside(delta->text).len == 0;
    default:
        return false;
    }
}

harborai_status chunk_write(struct chunk_writer *w, const harborai_delta *given, struct buf *b,
                            harborai_error *error)
{
    harborai_delta checked = *given, *delta = &checked;
    harborai_status st = delta_check(&w->order, delta, error);
    if (st < 0)
        return st;
    if (says_nothing(delta))
        return HARBORAI_OK;
    struct delta_choice *choice = &w->order.choice[delta->choice];
    buf_add(b, w->head);
    buf_printf(b, "{\"index\":%u,\"delta\":{", (unsigned)delta->choice);
    if (!choice->has_begun)
        buf_add(b, HARBORAI_STR("\"role\":\"assistant\""));
    size_t before = b->len;
    if (!choice->has_begun)
        buf_add_char(b, ',');
    size_t empty = b->len;
    write_delta(b, w, delta);
    if (b->len == empty && b->failed == HARBORAI_OK)
        b->len = before; /* no member followed: the comma goes */
    choice->has_begun = true;
    buf_add_char(b, '}');
    if (delta->kind == HARBORAI_DELTA_EXTRA_CHOICE)
        write_members(b, delta->text, true);
    if (delta->kind == HARBORAI_DELTA_END)
        buf_printf(b, ",\"finish_reason\":\"%s\"}]", delta_finish_name(delta->finish_reason));
    else
        buf_add(b, HARBORAI_STR(",\"finish_reason\":null}]"));
    if (delta->kind == HARBORAI_DELTA_EXTRA_ANSWER)
        write_members(b, delta->text, true);
    buf_add_char(b, '}');
    return buf_status(b, error);
}

unsigned chunk_next_open(const struct chunk_writer *w)
{
    unsigned i = 0;
    while (i < w->order.choices && w->order.choice[i].has_ended)
        i++;
    return i;
}

void chunk_write_usage(const struct chunk_writer *w, const harborai_usage *usage, struct buf *b)
{
    buf_add(b, w->head);
    buf_add(b, HARBORAI_STR("],\"usage\":"));
    usage_write_openai(b, usage);
    buf_add_char(b, '}');
}
