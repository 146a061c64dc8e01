/* SPDX-License-Identifier: MIT */
/* Members of messages and deltas. */
#include "chat/message.h"

void message_read(harborai_str object, struct message *m)
{
    struct json_cursor cursor = json_open(object);
    struct json_member member;
    *m = (struct message){.object = object};
    if (json_kind(object) != JSON_OBJECT)
        return;
    while (json_object_next(&cursor, &member)) {
        if (NAME_IS(&member, "content"))
            m->content = member;
        else if (NAME_IS(&member, "reasoning_content"))
            m->reasoning_content = member;
        else if (NAME_IS(&member, "reasoning"))
            m->reasoning = member;
        else if (NAME_IS(&member, "tool_calls"))
            m->tool_calls = member;
        else if (!NAME_IS(&member, "role"))
            m->has_more |= message_has(&member);
    }
}

/* OpenRouter, Groq and newer vLLM have it so. */
void message_rename_reasoning(struct message *m, struct splices *splices)
{
    if (!message_says(&m->reasoning) || message_says(&m->reasoning_content))
        return;
    if (m->reasoning_content.kind == JSON_NONE) {
        splices_replace(splices, m->reasoning.key, HARBORAI_STR("reasoning_content"));
    } else {
        splices_replace(splices, m->reasoning_content.value, m->reasoning.value);
        splices_replace(splices, m->reasoning.value, HARBORAI_STR("null"));
    }
    m->reasoning_content.value = m->reasoning.value;
    m->reasoning_content.kind = JSON_STRING;
}
