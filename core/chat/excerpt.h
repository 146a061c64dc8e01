/* SPDX-License-Identifier: MIT */
/* The beginning of what an answer says, up to a limit: of each choice its text, its reasoning and its
 * tool calls, gathered from the chunks of a stream or taken from a whole answer; for the record of what
 * was answered. Never fails: what it has no room for is counted. Not for two threads at once. */
#ifndef CHAT_EXCERPT_H
#define CHAT_EXCERPT_H

#include "base/buf.h"

enum excerpt_kind {
    EXCERPT_CONTENT,
    EXCERPT_REASONING_CONTENT,
    EXCERPT_REASONING,
    EXCERPT_REFUSAL,
    EXCERPT_TOOL_ID,
    EXCERPT_TOOL_NAME,
    EXCERPT_TOOL_INPUT,
    EXCERPT_FINISH
};

struct excerpt_part {
    unsigned choice, tool; /* tool: which call, of TOOL_… */
    enum excerpt_kind kind;
    bool is_custom;        /* of TOOL_INPUT: free text, not the arguments of a function */
    bool is_cut;           /* more of it came than is kept */
    struct buf text;       /* the inside of a JSON string; ends with a whole character */
};

struct excerpt {
    struct excerpt_part *parts; /* owned; in the order in which they began */
    size_t count, capacity;
    size_t room;    /* bytes that it takes still */
    uint64_t total; /* bytes of all texts there were, as they stood */
    bool is_cut;    /* there were more than are kept */
};

/* `limit`: bytes of texts. Returns owned; NULL: no memory left. */
struct excerpt *excerpt_create(size_t limit);
void excerpt_destroy(struct excerpt *e); /* accepts NULL */

/* Adds a chunk, or a whole answer: JSON that was checked. */
void excerpt_add(struct excerpt *e, harborai_str json);

/* The one of that choice, call and kind; NULL: there is none. */
const struct excerpt_part *excerpt_find(const struct excerpt *e, unsigned choice, unsigned tool,
                                        enum excerpt_kind kind);

#endif
