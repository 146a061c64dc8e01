/* SPDX-License-Identifier: MIT */
/* Adds up what stores have summed. */
#include "store/stats.h"

#include <stdlib.h>

static const char *const names[STATS_BY_COUNT] = {
    [STATS_BY_MODEL] = "model",   [STATS_BY_PROVIDER] = "provider", [STATS_BY_PLUGIN] = "plugin",
    [STATS_BY_CLIENT] = "client", [STATS_BY_DAY] = "day",           [STATS_BY_HOUR] = "hour",
};

const char *stats_by_name(enum stats_by by)
{
    return names[by];
}

bool stats_by_read(harborai_str name, enum stats_by *ret_by)
{
    for (unsigned i = 0; i < STATS_BY_COUNT; i++)
        if (slice_is(name, names[i])) {
            *ret_by = (enum stats_by)i;
            return true;
        }
    return false;
}

void stats_release(struct stats *stats)
{
    for (size_t i = 0; i < stats->count; i++) {
        free(stats->rows[i].name);
        free(stats->rows[i].latency);
    }
    free(stats->rows);
    *stats = (struct stats){.rows = NULL};
}

static harborai_status no_memory(harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
}

static struct stats_row *find_row(const struct stats *stats, harborai_str name)
{
    for (size_t i = stats->count; i-- > 0;) /* cells come in runs */
        if (slice_is(name, stats->rows[i].name))
            return &stats->rows[i];
    return NULL;
}

static struct stats_row *add_row(struct stats *stats, harborai_str name)
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
    *row = (struct stats_row){.name = slice_dup(name)};
    if (row->name == NULL)
        return NULL;
    stats->count++;
    return row;
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

static harborai_status add_latency(struct stats_row *row, harborai_str bytes,
                                   harborai_error *error)
{
    if (bytes.len == 0)
        return HARBORAI_OK;
    if (row->latency == NULL)
        row->latency = calloc(1, sizeof *row->latency);
    if (row->latency == NULL)
        return no_memory(error);
    (void)histogram_merge(row->latency, bytes);
    return HARBORAI_OK;
}

harborai_status stats_add(struct stats *stats, harborai_str name, const struct stats_cell *cell,
                          harborai_error *error)
{
    struct stats_row *row = find_row(stats, name);
    if (row == NULL)
        row = add_row(stats, name);
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
    if (cell->priced > 0)
        add_money(row, cell->currency, cell->cost_pico);
    return add_latency(row, cell->latency, error);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct stats_row *)a)->name, ((const struct stats_row *)b)->name);
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
    bool is_time = by == STATS_BY_DAY || by == STATS_BY_HOUR;
    if (stats->count > 0)
        qsort(stats->rows, stats->count, sizeof *stats->rows,
              is_time ? compare_names : compare_calls);
}

static harborai_status add_whole(struct stats *total, const struct stats_row *row,
                                 harborai_error *error)
{
    const struct stats_cell cell = {.calls = row->calls, .failed = row->failed,
                                    .cancelled = row->cancelled, .interrupted = row->interrupted,
                                    .prompt_tokens = row->prompt_tokens,
                                    .completion_tokens = row->completion_tokens,
                                    .total_tokens = row->total_tokens};
    harborai_status st = stats_add(total, HARBORAI_STR(""), &cell, error);
    if (st < 0)
        return st;
    struct stats_row *sum = &total->rows[0];
    sum->priced += row->priced;
    for (size_t i = 0; i < row->currencies; i++)
        add_money(sum, slice_of(row->money[i].currency), row->money[i].pico);
    if (row->latency == NULL)
        return HARBORAI_OK;
    AUTO(buf) bytes = BUF_INIT(HISTOGRAM_BUCKETS * 8);
    histogram_write(row->latency, &bytes);
    return add_latency(sum, buf_slice(&bytes), error);
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
