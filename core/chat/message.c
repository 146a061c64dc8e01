/* SPDX-License-Identifier: MIT */
/* Members of messages and deltas. */
#include "chat/message.h"

void message_read(harborai_str object, struct chat_message *m)
{
    struct json_cursor cursor = json_open(object);
    *m = (struct chat_message){.has_more = false};
    if (json_kind(object) == JSON_OBJECT)
        message_read_inside(&cursor, m);
    m->object = object;
}

void message_read_inside(struct json_cursor *cursor, struct chat_message *m)
{
    struct json_member member;
    *m = (struct chat_message){.has_more = false};
    while (json_object_next(cursor, &member)) {
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
void message_rename_reasoning(struct chat_message *m, struct splices *splices)
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

/* ---- Tags ------------------------------------------------------------------------------------ */

void message_thoughts_init(struct message_thoughts *t, size_t ceiling)
{
    buf_init(&t->reasoning, ceiling);
    buf_init(&t->content, ceiling);
}

void message_thoughts_release(struct message_thoughts *t)
{
    buf_release(&t->reasoning);
    buf_release(&t->content);
}

static void split(const struct chat_message *m, struct message_thoughts *t, struct think *think,
                  bool is_last)
{
    struct buf *parts[] = {&t->reasoning, &t->content};
    harborai_str content = m->content.value;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        buf_clear(parts[i]);
        buf_add_char(parts[i], '"');
    }
    if (m->content.kind == JSON_STRING)
        think_split(think, (harborai_str){content.data + 1, content.len - 2}, &t->reasoning,
                    &t->content);
    if (is_last)
        think_end(think, &t->reasoning, &t->content);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        buf_add_char(parts[i], '"');
}

static void write_parts(struct chat_message *m, harborai_str reasoning, harborai_str content,
                        struct splices *splices)
{
    harborai_str front = {m->object.data + 1, 0}, all = {front.data, m->object.len - 2};
    bool has_content = m->content.kind != JSON_NONE;
    bool has_place = m->reasoning_content.kind != JSON_NONE;
    if (reasoning.len > 2 && has_place)
        splices_replace(splices, m->reasoning_content.value, reasoning);
    struct buf *b = splices_begin(splices, has_content ? m->content.span : front);
    buf_add(b, HARBORAI_STR("\"content\":"));
    buf_add(b, content);
    if (reasoning.len > 2 && !has_place) {
        buf_add(b, HARBORAI_STR(",\"reasoning_content\":"));
        buf_add(b, reasoning);
    }
    if (!has_content && slice_trim(all).len > 0)
        buf_add_char(b, ',');
    splices_end(splices);
    m->is_filled = !has_content;
}

void message_part_thought(struct chat_message *m, struct message_thoughts *t, struct think *think,
                          bool is_last, struct splices *splices)
{
    if (message_says(&m->reasoning_content))
        think->state = THINK_OVER;
    bool has_object = m->object.len > 0;
    if (think->state == THINK_OVER || (!has_object && !is_last))
        return;
    split(m, t, think, is_last);
    harborai_str reasoning = buf_slice(&t->reasoning), content = buf_slice(&t->content);
    bool has_text = m->content.kind == JSON_STRING;
    bool is_same = reasoning.len == 2 &&
                   (has_text ? slice_equal(content, m->content.value) : content.len == 2);
    if (t->reasoning.failed != HARBORAI_OK || t->content.failed != HARBORAI_OK)
        splices->text.failed = HARBORAI_E_MEMORY;
    else if (!is_same && has_object)
        write_parts(m, reasoning, content, splices);
    if (is_same || splices->text.failed != HARBORAI_OK)
        return;
    m->content = (struct json_member){.value = content, .kind = JSON_STRING};
    if (reasoning.len > 2)
        m->reasoning_content = (struct json_member){.value = reasoning, .kind = JSON_STRING};
}
