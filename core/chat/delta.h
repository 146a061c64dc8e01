/* SPDX-License-Identifier: MIT */
/* What a delta may be, and the names that chunks and whole answers share. A plugin's contract is
 * checked here, once for both. [any] */
#ifndef CHAT_DELTA_H
#define CHAT_DELTA_H

#include <stdbool.h>

#include <harborai/plugin.h>

#include "base/arena.h"
#include "base/buf.h"
#include "chat/arguments.h"

enum { DELTA_TOOLS_MOST = 128 }; /* tool calls of a choice; plugin.h promises as much */

/* The identity of an answer. Borrowed. */
struct answer_id {
    harborai_str id;        /* "chatcmpl-…" */
    harborai_str model;     /* what the client is told */
    harborai_str plugin_id; /* goes into reasoning_details */
    int64_t created_s;      /* since 1970 UTC */
};

struct delta_tool {
    struct delta_tool *next;
    uint64_t id_hash; /* of the plugin's id */
    struct arguments arguments;
};

struct delta_choice {
    bool has_begun; /* its first chunk was written; for chunk.c */
    bool has_ended; /* END came */
    uint32_t finish_reason; /* of END, as the client gets it */
    struct delta_tool *tool; /* in order; in the arena */
    uint8_t tools;  /* calls begun: indices 0 to tools - 1 */
    uint64_t has_input[DELTA_TOOLS_MOST / 64]; /* bit i: call i has arguments, not blanks alone */
};

/* The order of an answer's deltas. */
struct delta_order {
    struct arena *arena; /* borrowed */
    unsigned choices;
    struct delta_choice *choice;
};

/* E_MEMORY: the arena is full. */
MUST_CHECK harborai_status delta_order_init(struct delta_order *order, struct arena *arena,
                                            unsigned choices, harborai_error *error);

/* Checks a delta, notes it, and changes what clients rely on: an id that stood before in the choice
 * goes (one is made in its place), and so does what follows complete arguments; "stop" after tool
 * calls is "tool_calls". E_PROTOCOL, which is the vendor's: at END arguments are not one JSON value,
 * though nothing cut the answer off; the message completes "the vendor …", and the choice has not
 * ended. E_MEMORY: the arena is full. E_INVALID, which is the plugin's fault: a choice or tool index that
 * there is not, tool calls out of order, something after END, text that is not UTF-8, EXTRA and
 * REPLAY that are no JSON object or hold members that have a delta of their own. */
MUST_CHECK harborai_status delta_check(struct delta_order *order, harborai_delta *delta,
                                       harborai_error *error);

static inline bool delta_has_input(const struct delta_choice *choice, unsigned tool)
{
    return (choice->has_input[tool / 64] >> tool % 64 & 1) != 0;
}

/* "stop", "length", "tool_calls", "content_filter". */
const char *delta_finish_name(uint32_t finish_reason);

/* Writes an id for a tool call that has none: at most 40 characters long (OpenAI's own limit), the
 * same whenever it is asked for. `seed`: of the answer. */
void delta_make_tool_id(struct buf *b, uint64_t seed, unsigned choice, unsigned tool);

/* Writes the id of a tool call as a JSON string: the plugin's, or one made of the answer's
 * id. */
void delta_write_tool_id(struct buf *b, const struct answer_id *answer,
                         const harborai_delta *delta);

#endif
