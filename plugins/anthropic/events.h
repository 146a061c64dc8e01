/* SPDX-License-Identifier: MIT */
/* Anthropic's stream of events as deltas: the state of one call. */
#ifndef ANTHROPIC_EVENTS_H
#define ANTHROPIC_EVENTS_H

#include <stdbool.h>

#include <harborai/plugin.h>

#include "json_out.h"

enum block { /* what kind of block is open */
    BLOCK_NONE,
    BLOCK_TEXT,
    BLOCK_TOOL,
    BLOCK_THINKING,
    BLOCK_OTHER /* the vendor's own tools and what is younger than this plugin: passed over */
};

struct events { /* harborai_call.state; zeroed is the begin */
    struct json_out request; /* the body, which must live until on_release() */
    struct json_out text;    /* a piece, decoded */
    struct json_out block;   /* of the open block: members of a thinking block, a tool's whole
                                input, or a text's citations */
    struct json_out thinking, signature; /* insides of JSON strings, as they came */
    struct json_out usage_json, usage_next;
    harborai_usage usage;
    enum block kind;
    int64_t index;           /* of the open block in the answer; -1 = it was not said */
    unsigned tools;          /* calls begun */
    bool has_input;          /* of the open tool call: a piece came */
    int64_t characters;      /* of text so far */
    int64_t block_begin;     /* `characters` where the open text block began */
    bool has_stopped;        /* a stop_reason came */
    bool has_odd;            /* an event that is no JSON object came */
    bool is_torn;            /* and it may have been of the open block */
    bool is_over;            /* finish() was called */
    uint32_t finish_reason;
    char stop_reason[64];    /* the vendor's word */
    char model[128];         /* that answers */
};

/* One event of the answer. */
void events_take(harborai_call *call, const harborai_event *event);
/* The answer is at its end. */
void events_end(harborai_call *call);
void events_release(struct events *e);

#endif
