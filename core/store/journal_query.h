/* SPDX-License-Identifier: MIT */
/* The same questions that index.h answers, put to the journal's files themselves: slow where there
 * are many calls, but there whenever calls are. [job] */
#ifndef STORE_JOURNAL_QUERY_H
#define STORE_JOURNAL_QUERY_H

#include "store/journal_read.h"
#include "store/query.h"
#include "store/stats.h"

struct journal_question {
    harborai_str state_dir;
    int64_t ended_since_ns; /* no calls that ended before are looked at; 0: all are */
    journal_fault_fn *on_fault; /* of what cannot be read; or NULL */
    void *fault_context;
    bool (*is_over)(void *context); /* asked before each call: give up, with E_TIMEOUT; or NULL */
    void *is_over_context;
};

/* The ended calls that are asked for, the newest first, by their ends. */
MUST_CHECK harborai_status journal_find(const struct journal_question *question,
                                        const struct log_query *query, query_call_fn *on_call,
                                        void *context, harborai_error *error);

/* What those on all pages took, by model, and how many there are. Either may be NULL. */
MUST_CHECK harborai_status journal_totals(const struct journal_question *question,
                                          const struct log_query *query, struct stats *stats,
                                          uint64_t *ret_count, harborai_error *error);

/* Sums, sorted; to be released. */
MUST_CHECK harborai_status journal_stats(const struct journal_question *question,
                                         const struct stats_query *query, struct stats *ret_stats,
                                         harborai_error *error);

#endif
