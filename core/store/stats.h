/* SPDX-License-Identifier: MIT */
/* Sums over many calls, by one thing or by several; the same from whatever store has them. [any] */
#ifndef STORE_STATS_H
#define STORE_STATS_H

#include "store/call.h"
#include "store/histogram.h"

enum stats_by {
    STATS_BY_MODEL,
    STATS_BY_PROVIDER,
    STATS_BY_PLUGIN,
    STATS_BY_CLIENT, /* without latencies, and by whole days */
    STATS_BY_DAY,    /* UTC, "2026-11-21" */
    STATS_BY_HOUR,   /* UTC, "2026-11-21T11" */
    STATS_BY_COUNT
};

enum { STATS_KEYS = 3 }; /* a row may have */

/* Hours that are touched by [since, until) count whole. Texts are borrowed; empty or 0: any. */
struct stats_query {
    enum stats_by by;
    enum stats_by also[STATS_KEYS - 1]; /* … and then by these; neither is STATS_BY_CLIENT */
    unsigned also_count;
    int64_t since_ns, until_ns;
    harborai_str provider, model; /* exact; not with STATS_BY_CLIENT */
};

enum { STATS_CURRENCIES = 8 };

struct stats_money {
    char currency[8];
    __extension__ __int128 pico;
};

struct stats_row {
    char *name; /* owned; "": not known */
    char *also[STATS_KEYS - 1]; /* likewise; NULL: it has no more keys */
    int64_t calls, failed, cancelled, interrupted; /* calls: all; failed: with outcome error, of clients
                                                      all that did not end well */
    int64_t priced, prompt_tokens, completion_tokens, total_tokens;
    struct stats_money money[STATS_CURRENCIES]; /* more currencies than that are left out */
    size_t currencies;
    int64_t timed, duration_us; /* calls whose durations were added up */
    struct histogram *latency; /* owned; NULL: not known */
};

struct stats {
    struct stats_row *rows; /* owned */
    size_t count, capacity;
};

/* What a store has of one group: an hour of a route, a day of a client. */
struct stats_cell {
    int64_t calls, failed, cancelled, interrupted, priced;
    int64_t prompt_tokens, completion_tokens, total_tokens;
    __extension__ __int128 cost_pico;
    harborai_str currency;
    int64_t timed, duration_us; /* 0: not known */
    harborai_str latency; /* as histogram_write() has it; empty: none */
};

void stats_release(struct stats *stats);

/* What a row is called: by as many keys as were asked for. */
struct stats_names {
    harborai_str names[STATS_KEYS];
    unsigned count; /* from 1 on */
};

/* Adds to the row of that name. E_MEMORY. */
MUST_CHECK harborai_status stats_add(struct stats *stats, const struct stats_names *names,
                                     const struct stats_cell *cell, harborai_error *error);

/* The same of latencies alone, `count` of them in a bucket of histogram.h. */
MUST_CHECK harborai_status stats_add_latency(struct stats *stats, const struct stats_names *names,
                                             unsigned bucket, uint64_t count,
                                             harborai_error *error);

/* Whether the query asks for a call; the unit of time that counts whole. */
bool stats_matches(const struct stats_query *query, const struct call *call);
int64_t stats_unit_ns(const struct stats_query *query);

/* One call as a cell, without its latency. Borrows from the call. */
void stats_cell_of(const struct call *call, struct stats_cell *ret_cell);

/* Adds one call, with its latency. E_MEMORY. */
MUST_CHECK harborai_status stats_add_call(struct stats *stats, const struct stats_query *query,
                                          const struct call *call, harborai_error *error);

/* The mean of the durations in ns, by the sum where there is one, else by the histogram; -1: not
 * known. */
int64_t stats_mean_ns(const struct stats_row *row);

/* "2026-11-21" or "2026-11-21T11", UTC. Borrowed from `text`. */
harborai_str stats_time_name(enum stats_by by, int64_t at_s, char text[static 32]);

/* Days and hours, and rows with several keys, by their names; all else by calls, the most first. */
void stats_sort(struct stats *stats, enum stats_by by);

/* A row that is the sum of all: its name is "". E_MEMORY. Released as part of `ret_total`. */
MUST_CHECK harborai_status stats_total(const struct stats *stats, struct stats *ret_total,
                                       harborai_error *error);

/* "model", "provider" …; false: it is none of them. */
const char *stats_by_name(enum stats_by by);
bool stats_by_read(harborai_str name, enum stats_by *ret_by);

#endif
