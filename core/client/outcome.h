/* SPDX-License-Identifier: MIT */
/* What came of a call: the answer, and the facts of its record. */
#ifndef CLIENT_OUTCOME_H
#define CLIENT_OUTCOME_H

#include <harborai/harborai.h>

#include "base/arena.h"
#include "pricing/money.h"
#include "record/record.h"

struct harborai_reply {
    struct arena arena; /* owns the texts */
    harborai_str json;
    const char *text, *reasoning, *completion_id, *finish_reason, *provider, *model, *cost_reason,
        *changed;
    char id[32], key[37], trace_id[33];
    char cost[MONEY_TEXT], currency[8];
    harborai_usage usage;
    int64_t total_ns, first_ns;
};

void outcome_init(struct harborai_reply *outcome);
void outcome_release(struct harborai_reply *outcome);

/* Copies from the record, and the answer, which may be empty. Once. */
MUST_CHECK harborai_status outcome_fill(struct harborai_reply *outcome,
                                        const struct record *record, harborai_str answer,
                                        harborai_error *error);
/* Takes the completion's id from a chunk of it. Without memory there is none. */
void outcome_note_chunk(struct harborai_reply *outcome, harborai_str chunk);
/* Finds the texts in the answer. Once, not on the loop: an answer may be long. */
MUST_CHECK harborai_status outcome_read(struct harborai_reply *outcome, harborai_error *error);

#endif
