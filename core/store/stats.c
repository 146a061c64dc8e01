/* SPDX-License-Identifier: MIT */
/* Adds up what stores have summed. */
#include "store/stats.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"

static const char *const by_names[STATS_BY_COUNT] = {
    [STATS_BY_MODEL] = "model",   [STATS_BY_PROVIDER] = "provider", [STATS_BY_PLUGIN] = "plugin",
    [STATS_BY_CLIENT] = "client", [STATS_BY_DAY] = "day",           [STATS_BY_HOUR] = "hour",
};

const char *stats_by_name(enum stats_by by)
{
    return by_names[by];
}

bool stats_by_read(harborai_str name, enum stats_by *ret_by)
{
    for (unsigned i = 0; i < STATS_BY_COUNT; i++)
        if (slice_is(name, by_names[i])) {
            *ret_by = (enum stats_by)i;
            return true;
        }
    return false;
}

static void release_row(struct stats_row *row)
{
    free(row->name);
    for (size_t i = 0; i < ARRAY_LEN(row->also); i++)
        free(row->also[i]);
    free(row->latency);
}

void stats_release(struct stats *stats)
{
    for (size_t i = 0; i < stats->count; i++) {
        release_row(&stats->rows[i]);
    }
    free(stats->rows);
    *stats = (struct stats){.rows = NULL};
}

static harborai_status no_memory(harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
}

static bool is_row_of(const struct stats_row *row, const struct stats_names *names)
{
    for (unsigned i = 1; i < names->count; i++)
        if (!slice_is(names->names[i], row->also[i - 1]))
            return false;
    return slice_is(names->names[0], row->name);
}

static struct stats_row *find_row(const struct stats *stats, const struct stats_names *names)
{
    for (size_t i = stats->count; i-- > 0;) /* cells come in runs */
        if (is_row_of(&stats->rows[i], names))
            return &stats->rows[i];
    return NULL;
}

static bool name_row(struct stats_row *row, const struct stats_names *names)
{
    *row = (struct stats_row){.name = slice_dup(names->names[0])};
    bool is_good = row->name != NULL;
    for (unsigned i = 1; i < names->count; i++) {
        row->also[i - 1] = slice_dup(names->names[i]);
        is_good = is_good && row->also[i - 1] != NULL;
    }
    if (!is_good)
        release_row(row);
    return is_good;
}

static struct stats_row *add_row(struct stats *stats, const struct stats_names *names)
{
    if (stats->count == stats->capacity) {
        size_t capacity = stats->capacity > 0 ? 2 * stats->capacity : 16;
        struct stats_row *grown = realloc(stats->rows, capacity * sizeof *grown);
        if (grown == NULL)
            return NULL;
        stats->rows = grown;
        stats->capacity = capacity;
    }
    struct stats_row *row = &stats->rows[stats->count];
    if (!name_row(row, names))
        return NULL;
    stats->count++;
    return row;
}

static struct stats_row *row_of(struct stats *stats, const struct stats_names *names)
{
    struct stats_row *row = find_row(stats, names);
    return row != NULL ? row : add_row(stats, names);
}

__extension__ typedef __int128 wide;

static void add_money(struct stats_row *row, harborai_str currency, wide pico)
{
    size_t i = 0;
    while (i < row->currencies && !slice_is(currency, row->money[i].currency))
        i++;
    if (i == STATS_CURRENCIES || currency.len >= sizeof row->money[i].currency)
        return;
    if (i == row->currencies) {
        row->money[i] = (struct stats_money){.pico = 0};
        if (currency.len > 0)
            memcpy(row->money[i].currency, currency.data, currency.len);
        row->currencies++;
    }
    row->money[i].pico += pico;
}

static bool has_histogram(struct stats_row *row)
{
    if (row->latency == NULL)
        row->latency = calloc(1, sizeof *row->latency);
    return row->latency != NULL;
}

harborai_status stats_add(struct stats *stats, const struct stats_names *names,
                          const struct stats_cell *cell, harborai_error *error)
{
    struct stats_row *row = row_of(stats, names);
    if (row == NULL)
        return no_memory(error);
    row->calls += cell->calls;
    row->failed += cell->failed;
    row->cancelled += cell->cancelled;
    row->interrupted += cell->interrupted;
    row->priced += cell->priced;
    row->prompt_tokens += cell->prompt_tokens;
    row->completion_tokens += cell->completion_tokens;
    row->total_tokens += cell->total_tokens;
    row->timed += cell->timed;
    row->duration_us += cell->duration_us;
    if (cell->priced > 0)
        add_money(row, cell->currency, cell->cost_pico);
    if (cell->latency.len == 0)
        return HARBORAI_OK;
    if (!has_histogram(row))
        return no_memory(error);
    (void)histogram_merge(row->latency, cell->latency);
    return HARBORAI_OK;
}

harborai_status stats_add_latency(struct stats *stats, const struct stats_names *names,
                                  unsigned bucket, uint64_t count, harborai_error *error)
{
    struct stats_row *row = row_of(stats, names);
    if (row == NULL || !has_histogram(row))
        return no_memory(error);
    histogram_add_bucket(row->latency, bucket, count);
    return HARBORAI_OK;
}

/* --- One call ------------------------------------------------------------------------------------- */

harborai_str stats_time_name(enum stats_by by, int64_t at_s, char text[static 32])
{
    time_t seconds = (time_t)at_s;
    struct tm utc;
    size_t len = 0;
    if (gmtime_r(&seconds, &utc) != NULL)
        len = strftime(text, 32, by == STATS_BY_DAY ? "%Y-%m-%d" : "%Y-%m-%dT%H", &utc);
    return (harborai_str){text, len};
}

static harborai_str name_of(enum stats_by by, const struct call *call, char text[static 32])
{
    switch (by) {
    case STATS_BY_MODEL:
        return call->model;
    case STATS_BY_PROVIDER:
        return call->provider;
    case STATS_BY_PLUGIN:
        return call->plugin;
    case STATS_BY_CLIENT:
        return call->client;
    case STATS_BY_DAY:
    case STATS_BY_HOUR:
        return stats_time_name(by, call->begin_ns / NS_PER_S, text);
    case STATS_BY_COUNT:
        break;
    }
    return SLICE_NONE;
}

static int64_t known(int64_t number)
{
    return number > 0 ? number : 0;
}

void stats_cell_of(const struct call *call, struct stats_cell *ret_cell)
{
    bool is_timed = call->outcome != CALL_INTERRUPTED && call->end_ns >= call->begin_ns;
    *ret_cell = (struct stats_cell){
        .calls = 1,
        .failed = call->outcome == CALL_ERROR,
        .cancelled = call->outcome == CALL_CANCELLED,
        .interrupted = call->outcome == CALL_INTERRUPTED,
        .priced = call->is_cost_known,
        .prompt_tokens = known(call->prompt_tokens),
        .completion_tokens = known(call->completion_tokens),
        .total_tokens = known(call->total_tokens),
        .cost_pico = call->cost_pico,
        .currency = call->currency,
        .timed = is_timed,
        .duration_us = is_timed ? (call->end_ns - call->begin_ns) / 1000 : 0,
    };
}

bool stats_matches(const struct stats_query *q, const struct call *call)
{
    int64_t unit_ns = stats_unit_ns(q), begin = call->begin_ns / unit_ns;
    return (q->provider.len == 0 || slice_equal(q->provider, call->provider)) &&
           (q->model.len == 0 || slice_equal(q->model, call->model)) &&
           begin >= q->since_ns / unit_ns &&
           (q->until_ns == 0 || begin < (q->until_ns + unit_ns - 1) / unit_ns);
}

int64_t stats_unit_ns(const struct stats_query *query)
{
    return (query->by == STATS_BY_CLIENT ? 24 : 1) * INT64_C(3600) * NS_PER_S;
}

harborai_status stats_add_call(struct stats *stats, const struct stats_query *query,
                               const struct call *call, harborai_error *error)
{
    char texts[STATS_KEYS][32];
    struct stats_cell cell;
    struct stats_names names = {.names = {name_of(query->by, call, texts[0])},
                                .count = 1 + query->also_count};
    for (unsigned i = 0; i < query->also_count; i++)
        names.names[i + 1] = name_of(query->also[i], call, texts[i + 1]);
    stats_cell_of(call, &cell);
    harborai_status st = stats_add(stats, &names, &cell, error);
    if (st < 0 || cell.timed == 0)
        return st;
    return stats_add_latency(stats, &names, histogram_bucket(cell.duration_us * 1000), 1, error);
}

int64_t stats_mean_ns(const struct stats_row *row)
{
    if (row->timed > 0)
        return row->duration_us / row->timed * 1000 + row->duration_us % row->timed * 1000 / row->timed;
    return row->latency != NULL && row->latency->total > 0 ? histogram_mean(row->latency) : -1;
}

/* --- All rows ------------------------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
    const struct stats_row *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    for (size_t i = 0; order == 0 && i < ARRAY_LEN(x->also) && x->also[i] != NULL; i++)
        order = strcmp(x->also[i], y->also[i]);
    return order;
}

static int compare_calls(const void *a, const void *b)
{
    const struct stats_row *x = a, *y = b;
    if (x->calls != y->calls)
        return x->calls < y->calls ? 1 : -1;
    return compare_names(a, b);
}

void stats_sort(struct stats *stats, enum stats_by by)
{
    if (stats->count == 0)
        return;
    bool is_by_name = by == STATS_BY_DAY || by == STATS_BY_HOUR || stats->rows[0].also[0] != NULL;
    qsort(stats->rows, stats->count, sizeof *stats->rows,
          is_by_name ? compare_names : compare_calls);
}

static harborai_status add_whole(struct stats *total, const struct stats_row *row,
                                 harborai_error *error)
{
    const struct stats_cell cell = {.calls = row->calls, .failed = row->failed,
                                    .cancelled = row->cancelled, .interrupted = row->interrupted,
                                    .prompt_tokens = row->prompt_tokens,
                                    .completion_tokens = row->completion_tokens,
                                    .total_tokens = row->total_tokens,
                                    .timed = row->timed,
                                    .duration_us = row->duration_us};
    static const struct stats_names whole = {.names = {HARBORAI_STR_INIT("")}, .count = 1};
    harborai_status st = stats_add(total, &whole, &cell, error);
    if (st < 0)
        return st;
    struct stats_row *sum = &total->rows[0];
    sum->priced += row->priced;
    for (size_t i = 0; i < row->currencies; i++)
        add_money(sum, slice_of(row->money[i].currency), row->money[i].pico);
    if (row->latency == NULL)
        return HARBORAI_OK;
    if (!has_histogram(sum))
        return no_memory(error);
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        histogram_add_bucket(sum->latency, i, row->latency->counts[i]);
    return HARBORAI_OK;
}

harborai_status stats_total(const struct stats *stats, struct stats *ret_total,
                            harborai_error *error)
{
    struct stats total = {.rows = NULL};
    harborai_status st = HARBORAI_OK;
    for (size_t i = 0; st == HARBORAI_OK && i < stats->count; i++)
        st = add_whole(&total, &stats->rows[i], error);
    if (st < 0) {
        stats_release(&total);
        return st;
    }
    *ret_total = total;
    return HARBORAI_OK;
}
