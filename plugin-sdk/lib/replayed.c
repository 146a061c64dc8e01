/* SPDX-License-Identifier: MIT */
/* What of earlier turns is in a request. Reads, and decides nothing: whether it matters is the
 * vendor's rule. */
#include "replayed.h"

#include "json_value.h"

static bool has_items(const struct json_member *member)
{
    struct json_cursor items = json_open(member->value);
    harborai_str first;
    return member->kind == JSON_ARRAY && json_array_next(&items, &first);
}

static bool lacks_reasoning(harborai_str message)
{
    struct json_cursor cursor = json_open(message);
    struct json_member member;
    bool has_calls = false, has_reasoning = false;
    while (json_object_next(&cursor, &member)) {
        if (json_key_equal(&member, HARBORAI_STR("tool_calls")))
            has_calls = has_items(&member);
        else if (json_key_equal(&member, HARBORAI_STR("reasoning_content")))
            has_reasoning = member.kind == JSON_STRING;
    }
    return has_calls && !has_reasoning;
}

bool replayed_lacks_reasoning(harborai_str body)
{
    struct json_cursor messages = json_open(json_member(body, HARBORAI_STR("messages")));
    harborai_str message;
    while (json_array_next(&messages, &message))
        if (lacks_reasoning(message))
            return true;
    return false;
}
