/* SPDX-License-Identifier: MIT */
/* Sums over many calls, by one thing; the same from whatever store has them. [any] */
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

/* Hours that are touched by [since, until) count whole. Texts are borrowed; empty or 0: any. */
struct stats_query {
    enum stats_by by;
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
    int64_t calls, failed, cancelled, interrupted; /* calls: all; failed: with outcome error, of clients
                                                      all that did not end well */
    int64_t priced, prompt_tokens, completion_tokens, total_tokens;
    struct stats_money money[STATS_CURRENCIES]; /* more currencies than that are left out */
    size_t currencies;
    struct histogram *latency; /* owned; NULL: not known */
};

struct stats {
    struct stats_row *rows; /* owned */
    size_t count, capacity;
};

/* What a store has of one group: an hour of a route, a day of a client. */
struct stats_cell {
    int64_t calls, failed, cancelled, interrupted, priced;
    int64_t prompt_tokens, completion_tokens, total_tokens, cost_pico;
    harborai_str currency;
    harborai_str latency; /* as histogram_write() has it; empty: none */
};

void stats_release(struct stats *stats);

/* Adds to the row of that name. E_MEMORY. */
MUST_CHECK harborai_status stats_add(struct stats *stats, harborai_str name,
                                     const struct stats_cell *cell, harborai_error *error);

/* Days and hours by themselves, all else by calls, the most first. */
void stats_sort(struct stats *stats, enum stats_by by);

/* A row that is the sum of all: its name is "". E_MEMORY. Released as part of `ret_total`. */
MUST_CHECK harborai_status stats_total(const struct stats *stats, struct stats *ret_total,
                                       harborai_error *error);

/* "model", "provider" …; false: it is none of them. */
const char *stats_by_name(enum stats_by by);
bool stats_by_read(harborai_str name, enum stats_by *ret_by);

#endif
