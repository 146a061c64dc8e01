/* SPDX-License-Identifier: MIT */
/* The table of metrics and their sums. Labels are fixed here: nothing that a client sends can make
 * a new series. */
#include "observe/metrics.h"

#include <stdlib.h>

#include "wire/prometheus.h"

struct metrics {
    unsigned shard_count; /* one a loop, and the last for everybody else */
    char *version;
    struct metrics_shard *shards;
};

static const struct metric_row {
    const char *family;
    enum prometheus_type type;
    const char *label, *value, *help;
} rows[] = {
#define X_(code, family, type, label, value, help)                                                 \
    [code] = {family, PROMETHEUS_##type, label, value, help},
    METRICS_ROWS_
#undef X_
};

harborai_status metrics_create(unsigned loops, const char *version, struct metrics **ret_metrics,
                               harborai_error *error)
{
    struct metrics *m = calloc(1, sizeof *m);
    size_t size = (loops + 1) * sizeof *m->shards;
    if (m == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "out of memory");
    m->shard_count = loops + 1;
    m->version = slice_dup(slice_of(version));
    m->shards = aligned_alloc(CACHE_LINE, size);
    if (m->version == NULL || m->shards == NULL) {
        metrics_destroy(m);
        return harborai_error_set(error, HARBORAI_E_MEMORY, "out of memory");
    }
    memset(m->shards, 0, size);
    *ret_metrics = m;
    return HARBORAI_OK;
}

void metrics_destroy(struct metrics *metrics)
{
    if (metrics == NULL)
        return;
    free(metrics->version);
    free(metrics->shards);
    free(metrics);
}

struct metrics_shard *metrics_shard_of(struct metrics *metrics, unsigned loop)
{
    return &metrics->shards[loop];
}

static enum metric metric_of_status(int http_status)
{
    switch (http_status) {
#define CASE_(status)                                                                              \
    case status:                                                                                   \
        return METRIC_CALLS_##status;
        METRICS_STATUSES(CASE_)
#undef CASE_
    default:
        return METRIC_CALLS_OTHER;
    }
}

void metrics_count_call(struct metrics_shard *shard, int http_status, harborai_status status)
{
    enum metric outcome = METRIC_OUTCOME_OK;
    if (status == HARBORAI_E_CANCELLED)
        outcome = METRIC_OUTCOME_CANCELLED;
    else if (status < 0)
        outcome = METRIC_OUTCOME_ERROR;
    metrics_add(shard, metric_of_status(http_status), 1);
    metrics_add(shard, outcome, 1);
}

void metrics_add_shared(struct metrics *metrics, enum metric metric, int64_t delta)
{
    struct metrics_shard *shared = &metrics->shards[metrics->shard_count - 1];
    atomic_fetch_add_explicit(&shared->values[metric], delta, memory_order_relaxed);
}

int64_t metrics_sum(const struct metrics *metrics, enum metric metric)
{
    int64_t sum = 0;
    for (unsigned i = 0; i < metrics->shard_count; i++)
        sum += atomic_load_explicit(&metrics->shards[i].values[metric], memory_order_relaxed);
    return sum;
}

void metrics_write(const struct metrics *metrics, struct buf *out)
{
    struct prometheus_label build = {"version", slice_of(metrics->version)};
    prometheus_family(out, "harborai_build_info", PROMETHEUS_GAUGE, "The running version.");
    prometheus_sample(out, "harborai_build_info", NULL, &build, 1, 1);
    for (unsigned i = 0; i < METRIC_COUNT; i++) {
        const struct metric_row *row = &rows[i];
        struct prometheus_label label = {row->label, slice_of(row->value)};
        if (i == 0 || strcmp(row->family, rows[i - 1].family) != 0)
            prometheus_family(out, row->family, row->type, row->help);
        prometheus_sample(out, row->family, NULL, &label, row->label != NULL,
                          metrics_sum(metrics, i));
    }
}
