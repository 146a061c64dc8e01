/* SPDX-License-Identifier: MIT */
/* Where questions about calls are answered from: PostgreSQL if it is configured and there, else the
 * index, else the journal's files; and the answer says which. Not for two threads at once. [job] */
#ifndef STORE_CALL_SOURCE_H
#define STORE_CALL_SOURCE_H

#include "base/log.h"
#include "store/postgres.h"
#include "store/query.h"
#include "store/stats.h"

enum call_source_kind {
    CALL_SOURCE_POSTGRES,
    CALL_SOURCE_INDEX,
    CALL_SOURCE_JOURNAL,
    CALL_SOURCE_COUNT
};

struct call_source_options {
    harborai_str state_dir;                 /* borrowed */
    bool with_index;                        /* there is one to be asked */
    const struct postgres_address *address; /* borrowed; NULL: PostgreSQL is not configured */
    int stop_fd; /* borrowed; readable: what waits for PostgreSQL gives up. -1 = none */
    const struct log *log; /* borrowed; why a source could not be asked. Or NULL */
};

/* A question has calls, or sums, or a number of calls. */
struct call_question {
    const struct log_query *calls; /* NULL: none are asked for … */
    query_call_fn *on_call;        /* … else given to this; NULL: only their number and totals are */
    void (*on_restart)(void *context); /* a source failed meanwhile: what was given comes again */
    void *context;
    bool asks_further; /* what one source does not have may have ended just now: ask the next */
    bool with_count, with_totals;
    const struct stats_query *sums; /* … by model, day …; NULL: none */

    bool skip_postgres, skip_index; /* known to be away, or to lack the newest calls */
    int64_t until_ns;   /* monotonic: then it is given up */
    const _Atomic bool *is_unwanted, *is_closing; /* whoever asked has left, or is about to; or NULL */
};

struct call_answer {
    enum call_source_kind source;
    bool is_postgres_away; /* it is configured, and did not answer */
    bool is_index_away;    /* likewise */
    bool is_count_known;   /* the journal may be too long to be read to its end */
    uint64_t count;
    struct stats totals; /* by model */
    struct stats sums;
};

struct call_source;

/* Opens nothing yet. Copies `options`. Returns owned. */
MUST_CHECK harborai_status call_source_create(const struct call_source_options *options,
                                              struct call_source **ret_source,
                                              harborai_error *error);
void call_source_destroy(struct call_source *source); /* accepts NULL */

/* What it answers is to be released. E_TIMEOUT: no source answered in time. E_CANCELLED: whoever asked
 * has left. */
MUST_CHECK harborai_status call_source_ask(struct call_source *source,
                                           const struct call_question *question,
                                           struct call_answer *ret_answer, harborai_error *error);
void call_answer_release(struct call_answer *answer);

/* "postgres", "index", "journal" */
const char *call_source_name(enum call_source_kind kind);

#endif
