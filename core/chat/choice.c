/* SPDX-License-Identifier: MIT */
/* Goes into choices and messages without a look for their ends first: each byte is seen once. */
#include "chat/choice.h"

static void read_member(struct json_cursor *inside, struct json_member *member,
                        struct chat_choice *choice)
{
    struct json_cursor message;
    if (NAME_IS(member, "message") && json_value_enter(inside, &message)) {
        message_read_inside(&message, &choice->message);
        choice->message.object = json_value_leave(inside, &message);
        return;
    }
    if (!json_object_value(inside, member) || !NAME_IS(member, "finish_reason"))
        return;
    if (choice->reason.kind == JSON_NONE)
        choice->first_reason = member->value;
    choice->reason = *member;
}

bool choice_next(struct json_cursor *choices, struct chat_choice *ret)
{
    struct json_cursor inside;
    struct json_member member;
    if (json_at_end(choices))
        return false;
    *ret = (struct chat_choice){.reason = {.kind = JSON_NONE}};
    if (!json_value_enter(choices, &inside))
        return json_array_next(choices, &ret->value);
    while (json_object_key(&inside, &member))
        read_member(&inside, &member, ret);
    ret->value = json_value_leave(choices, &inside);
    return true;
}
