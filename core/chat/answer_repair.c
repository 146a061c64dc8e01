/* SPDX-License-Identifier: MIT */
/* Whole answers, choice by choice, as streams are repaired: by splices into what the vendor wrote. */
#include "chat/answer_repair.h"

#include "base/limits.h"
#include "chat/stream_choice.h"

void answer_repair_init(struct answer_repair *r, uint64_t id_seed, bool think_tags)
{
    *r = (struct answer_repair){.think_tags = think_tags};
    message_thoughts_init(&r->thoughts[0], LIMIT_RESPONSE_BODY);
    message_thoughts_init(&r->thoughts[1], LIMIT_RESPONSE_BODY);
    tool_calls_init(&r->calls, id_seed);
    splices_init(&r->splices, 2 * LIMIT_RESPONSE_BODY);
    buf_init(&r->out, 3 * LIMIT_RESPONSE_BODY);
}

void answer_repair_release(struct answer_repair *r)
{
    tool_calls_release(&r->calls);
    splices_release(&r->splices);
    buf_release(&r->out);
    message_thoughts_release(&r->thoughts[0]);
    message_thoughts_release(&r->thoughts[1]);
}

static void add_content(struct answer_repair *r, const struct chat_message *message)
{
    harborai_str end = {message->object.data + message->object.len - 1, 0};
    harborai_str inside = {message->object.data + 1, message->object.len - 2};
    bool is_empty = slice_trim(inside).len == 0;
    if (message->content.kind == JSON_NONE)
        splices_replace(&r->splices, end,
                        is_empty ? HARBORAI_STR("\"content\":null")
                                 : HARBORAI_STR(",\"content\":null"));
}

/* NULL, or what is wrong. */
static const char *read_tools(struct answer_repair *r, unsigned number,
                              const struct chat_message *message, enum stream_finish finish)
{
    if (message->tool_calls.kind == JSON_NONE || message->tool_calls.kind == JSON_NULL)
        return NULL;
    if (message->tool_calls.kind != JSON_ARRAY)
        return "sent tool calls that are no array";
    return tool_calls_read_message(&r->calls, number, message->tool_calls.value,
                                   stream_tool_end(finish), &r->splices);
}

static const char *read_choice(struct answer_repair *r, unsigned number,
                               const struct chat_choice *choice, struct chat_answer *answer)
{
    const struct json_member reason = choice->reason;
    struct chat_message message = choice->message;
    struct think think = {THINK_BEFORE, 0};
    if (json_kind(choice->value) != JSON_OBJECT)
        return "sent a choice that is no object";
    if (message.object.len == 0)
        return NULL;
    enum stream_finish finish = stream_finish_of(reason.value);
    const char *fault = read_tools(r, number, &message, finish);
    if (fault != NULL)
        return fault;
    message_rename_reasoning(&message, &r->splices);
    if (r->think_tags)
        message_part_thought(&message, &r->thoughts[number > 0], &think, true, &r->splices);
    add_content(r, &message);
    bool is_end_wrong = finish == STREAM_OPEN || finish == STREAM_STOP || finish == STREAM_OTHER;
    if (is_end_wrong && reason.kind != JSON_NONE &&
        tool_calls_next(&r->calls, number, NULL) != NULL) {
        splices_replace(&r->splices, reason.value, HARBORAI_STR("\"tool_calls\""));
        if (number == 0)
            answer->finish_reason = HARBORAI_STR("\"tool_calls\"");
    }
    if (number == 0 && message_says(&message.reasoning_content))
        r->reasoning = message.reasoning_content.value;
    return NULL;
}

static const char *read_choices(struct answer_repair *r, struct chat_answer *answer)
{
    struct json_cursor cursor = json_open(answer->choice_list);
    struct chat_choice choice;
    const char *fault = NULL;
    if (answer->only.value.len > 0)
        return read_choice(r, 0, &answer->only, answer);
    for (unsigned i = 0; fault == NULL && i < LIMIT_REQUEST_CHOICES && choice_next(&cursor, &choice);
         i++)
        fault = read_choice(r, i, &choice, answer);
    return fault;
}

harborai_status answer_repair(struct answer_repair *r, struct chat_answer *answer,
                              harborai_error *error)
{
    const char *fault = read_choices(r, answer);
    if (fault != NULL)
        return harborai_error_set(error, HARBORAI_E_PROTOCOL, "%s: ask again", fault);
    if (r->splices.count == 0 && r->splices.text.failed == HARBORAI_OK)
        return HARBORAI_OK;
    harborai_status st = splices_apply(&r->splices, answer->body, &r->out, error);
    if (st < 0)
        return st;
    r->is_repaired = true;
    answer->body = buf_slice(&r->out);
    return HARBORAI_OK;
}
