/* SPDX-License-Identifier: MIT */
/* The contract of deltas. Whoever writes an answer from them may rely on what passed here: indices
 * in range and in order, valid UTF-8, members that do not collide. */
#include "chat/delta.h"

#include "base/hash.h"
#include "chat/json_line.h"
#include "json_value.h"

static const char *const finish_names[] = {
    [HARBORAI_FINISH_STOP] = "stop",
    [HARBORAI_FINISH_LENGTH] = "length",
    [HARBORAI_FINISH_TOOL_CALLS] = "tool_calls",
    [HARBORAI_FINISH_CONTENT_FILTER] = "content_filter",
};

/* Members that have a delta of their own, or are the host's. */
static const char *const of_message[] = {"role",       "content",           "refusal",
                                         "tool_calls", "reasoning_content", "reasoning_details",
                                         NULL};
static const char *const of_choice[] = {"index", "delta", "message", "finish_reason", NULL};
static const char *const of_answer[] = {"id", "object", "created", "model", "choices", "usage",
                                        NULL};
static const char *const of_nothing[] = {NULL};

harborai_status delta_order_init(struct delta_order *order, struct arena *arena, unsigned choices,
                                 harborai_error *error)
{
    order->arena = arena;
    order->choices = choices > 0 ? choices : 1;
    order->choice = arena_alloc(arena, order->choices * sizeof *order->choice);
    if (order->choice == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left for the answer");
    return HARBORAI_OK;
}

static harborai_status check_text(const harborai_delta *delta, harborai_error *error)
{
    if (!json_is_utf8(delta->text))
        return harborai_error_set(error, HARBORAI_E_INVALID, "a delta's text is not UTF-8");
    return HARBORAI_OK;
}

/* Some vendors send the whole again behind its pieces. */
static void take_input(struct delta_choice *choice, struct delta_tool *tool, harborai_delta *delta)
{
    delta->text = slice_cut(delta->text, arguments_feed(&tool->arguments, delta->text));
    if (!arguments_are_blank(&tool->arguments))
        choice->has_input[delta->tool_index / 64] |= UINT64_C(1) << delta->tool_index % 64;
}

/* By its hash: of two ids that share one, which nobody will live to see, one is made anew. */
static void take_id(const struct delta_choice *choice, struct delta_tool *new, harborai_delta *delta)
{
    if (delta->tool_id.len == 0)
        return;
    new->id_hash = hash_slice(delta->tool_id, 0);
    for (const struct delta_tool *tool = choice->tool; tool != NULL; tool = tool->next)
        if (tool->id_hash == new->id_hash)
            delta->tool_id = SLICE_NONE;
}

static harborai_status check_tool_call(struct delta_order *order, struct delta_choice *choice,
                                       harborai_delta *delta, harborai_error *error)
{
    if (delta->tool_index >= DELTA_TOOLS_MOST)
        return harborai_error_set(error, HARBORAI_E_INVALID, "more than %d tool calls in a choice",
                                  DELTA_TOOLS_MOST);
    if (delta->tool_index != choice->tools)
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "tool call %u begins where %u is the next one",
                                  (unsigned)delta->tool_index, (unsigned)choice->tools);
    if (delta->tool_name.len == 0)
        return harborai_error_set(error, HARBORAI_E_INVALID, "a tool call without a name");
    if (!json_is_utf8(delta->tool_id) || !json_is_utf8(delta->tool_name))
        return harborai_error_set(error, HARBORAI_E_INVALID, "a tool call's name is not UTF-8");
    harborai_status st = check_text(delta, error);
    if (st < 0)
        return st;
    struct delta_tool *tool = arena_alloc(order->arena, sizeof *tool), **at = &choice->tool;
    if (tool == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left for the answer");
    arguments_init(&tool->arguments, false);
    take_id(choice, tool, delta);
    take_input(choice, tool, delta);
    while (*at != NULL)
        at = &(*at)->next;
    *at = tool;
    choice->tools++;
    return HARBORAI_OK;
}

static harborai_status check_tool_input(struct delta_choice *choice, harborai_delta *delta,
                                        harborai_error *error)
{
    if (delta->tool_index >= choice->tools)
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "input for tool call %u, which has not begun",
                                  (unsigned)delta->tool_index);
    harborai_status st = check_text(delta, error);
    if (st < 0)
        return st;
    struct delta_tool *tool = choice->tool;
    for (unsigned i = 0; i < delta->tool_index; i++)
        tool = tool->next;
    take_input(choice, tool, delta);
    return HARBORAI_OK;
}

static harborai_status check_end(struct delta_choice *choice, harborai_delta *delta,
                                 harborai_error *error)
{
    if (delta->finish_reason >= ARRAY_LEN(finish_names))
        return harborai_error_set(error, HARBORAI_E_INVALID, "no finish reason has number %u",
                                  (unsigned)delta->finish_reason);
    bool is_cut = delta->finish_reason == HARBORAI_FINISH_LENGTH ||
                  delta->finish_reason == HARBORAI_FINISH_CONTENT_FILTER;
    for (const struct delta_tool *tool = choice->tool; tool != NULL && !is_cut; tool = tool->next)
        if (!arguments_are_blank(&tool->arguments) && !arguments_are_complete(&tool->arguments))
            return harborai_error_set(error, HARBORAI_E_PROTOCOL,
                                      "sent a tool call whose arguments are not complete JSON");
    if (delta->finish_reason == HARBORAI_FINISH_STOP && choice->tools > 0)
        delta->finish_reason = HARBORAI_FINISH_TOOL_CALLS;
    choice->finish_reason = delta->finish_reason;
    choice->has_ended = true;
    return HARBORAI_OK;
}

static harborai_status check_object(const harborai_delta *delta, const char *const *reserved,
                                    harborai_error *error)
{
    harborai_str object;
    struct json_member member;
    if (json_scan(delta->text, NULL, &object, NULL) < 0 || json_kind(object) != JSON_OBJECT)
        return harborai_error_set(error, HARBORAI_E_INVALID, "a delta's EXTRA is no JSON object");
    struct json_cursor cursor = json_open(object);
    while (json_object_next(&cursor, &member))
        for (size_t i = 0; reserved[i] != NULL; i++)
            if (json_key_equal(&member, slice_of(reserved[i])))
                return harborai_error_set(error, HARBORAI_E_INVALID,
                                          "a delta's EXTRA holds '%s', which is not for EXTRA",
                                          reserved[i]);
    return HARBORAI_OK;
}

harborai_status delta_check(struct delta_order *order, harborai_delta *delta,
                            harborai_error *error)
{
    if (delta->size < sizeof *delta)
        return harborai_error_set(error, HARBORAI_E_INVALID, "a delta without its size");
    if (delta->choice >= order->choices)
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "a delta for choice %u where %u are asked for",
                                  (unsigned)delta->choice, order->choices);
    struct delta_choice *choice = &order->choice[delta->choice];
    if (choice->has_ended && delta->kind != HARBORAI_DELTA_EXTRA_ANSWER)
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "a delta for choice %u, which has ended",
                                  (unsigned)delta->choice);
    switch (delta->kind) {
    case HARBORAI_DELTA_TEXT:
    case HARBORAI_DELTA_REASONING:
    case HARBORAI_DELTA_REFUSAL:
        return check_text(delta, error);
    case HARBORAI_DELTA_TOOL_CALL:
        return check_tool_call(order, choice, delta, error);
    case HARBORAI_DELTA_TOOL_INPUT:
        return check_tool_input(choice, delta, error);
    case HARBORAI_DELTA_EXTRA:
        return check_object(delta, of_message, error);
    case HARBORAI_DELTA_EXTRA_CHOICE:
        return check_object(delta, of_choice, error);
    case HARBORAI_DELTA_EXTRA_ANSWER:
        return check_object(delta, of_answer, error);
    case HARBORAI_DELTA_REPLAY:
        return check_object(delta, of_nothing, error);
    case HARBORAI_DELTA_END:
        return check_end(choice, delta, error);
    default:
        return harborai_error_set(error, HARBORAI_E_INVALID, "no delta has kind %u",
                                  (unsigned)delta->kind);
    }
}

const char *delta_finish_name(uint32_t finish_reason)
{
    return finish_names[finish_reason < ARRAY_LEN(finish_names) ? finish_reason : 0];
}

void delta_make_tool_id(struct buf *b, uint64_t seed, unsigned choice, unsigned tool)
{
    buf_printf(b, "call_%016llx_%u_%u", (unsigned long long)seed, choice, tool);
}

void delta_write_tool_id(struct buf *b, const struct answer_id *answer, const harborai_delta *delta)
{
    if (delta->tool_id.len > 0) {
        json_line_text(b, delta->tool_id);
        return;
    }
    buf_add_char(b, '"');
    delta_make_tool_id(b, hash_slice(answer->id, 0), (unsigned)delta->choice,
                       (unsigned)delta->tool_index);
    buf_add_char(b, '"');
}
