/* SPDX-License-Identifier: MIT */
/* What of a message, or of a chunk's delta, matters on its way through. [any] */
#ifndef CHAT_MESSAGE_H
#define CHAT_MESSAGE_H

#include "chat/splice.h"
#include "chat/think.h"
#include "json_value.h"

/* Whether the member has this name, a literal: with constant lengths the compiler makes it a
 * comparison of words. Escaped keys take the long way. */
#define NAME_IS(member, literal)                                                                   \
    (((member)->key.len == sizeof(literal) - 1 &&                                                  \
      memcmp((member)->key.data, literal, sizeof(literal) - 1) == 0) ||                            \
     ((member)->key_escaped && json_key_equal(member, HARBORAI_STR(literal))))

struct chat_message { /* kind NONE: absent; of several members of a name the last */
    harborai_str object; /* empty: there is none */
    struct json_member content, reasoning_content, reasoning, tool_calls;
    bool has_more;  /* than these, and the role */
    bool is_filled; /* a member will be put in, which the object has not */
};

/* Scratch for message_part_thought(). */
struct message_thoughts {
    struct buf reasoning, content; /* JSON strings */
};

void message_read(harborai_str object, struct chat_message *m);
/* The same where a cursor stands before the members; `object` is left empty. */
void message_read_inside(struct json_cursor *cursor, struct chat_message *m);

/* A string that is not "". */
static inline bool message_says(const struct json_member *member)
{
    return member->kind == JSON_STRING && member->value.len > 2;
}

/* Neither null nor "", [] or {}. */
static inline bool message_has(const struct json_member *member)
{
    return member->kind != JSON_NONE && member->kind != JSON_NULL && member->value.len > 2;
}

/* Gives `reasoning` the name that clients read, if it says something that `reasoning_content` does
 * not; then the latter has its value. */
void message_rename_reasoning(struct chat_message *m, struct splices *splices);

void message_thoughts_init(struct message_thoughts *t, size_t ceiling);
void message_thoughts_release(struct message_thoughts *t);

/* Moves what stands between the tags of think.h from `content` to `reasoning_content`, whose value is
 * then the scratch's; unless there is one already: such a server's tags are text. `is_last`: no more
 * comes of this choice; what was held is then read from `m` even if it has no object to write to. */
void message_part_thought(struct chat_message *m, struct message_thoughts *t, struct think *think,
                          bool is_last, struct splices *splices);

#endif
