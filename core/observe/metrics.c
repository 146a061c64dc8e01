/* SPDX-License-Identifier: MIT */
/* The table of metrics and their sums. Labels are fixed here, or names of providers: nothing that a
 * client sends can make a new series. */
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

static const struct metric_provider_row {
    const char *family, *help;
} provider_rows[] = {
#define X_(code, family, help) [code] = {family, help},
    METRICS_PROVIDER_ROWS_
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
    for (unsigned i = 0; metrics->shards != NULL && i < metrics->shard_count; i++) {
        for (unsigned k = 0; k < metrics->shards[i].provider_count; k++)
            free(metrics->shards[i].providers[k].name);
        confidence_release(&metrics->shards[i].confidence);
        by_model_release(&metrics->shards[i].by_model);
    }
    free(metrics->version);
    free(metrics->shards);
    free(metrics);
}

struct metrics_shard *metrics_shard_of(struct metrics *metrics, unsigned loop)
{
    return &metrics->shards[loop];
}

/* --- By provider ------------------------------------------------------------------------------ */

/* What a reader on another thread may see of the list. */
static unsigned provider_count(const struct metrics_shard *shard)
{
    return atomic_load_explicit(&shard->provider_count, memory_order_acquire);
}

static const struct metrics_provider *find_provider(const struct metrics_shard *shard,
                                                    harborai_str name)
{
    unsigned count = provider_count(shard);
    for (unsigned i = 0; i < count; i++)
        if (slice_is(name, shard->providers[i].name))
            return &shard->providers[i];
    return NULL;
}

static struct metrics_provider *provider_of(struct metrics_shard *shard, harborai_str name)
{
    const struct metrics_provider *known = find_provider(shard, name);
    unsigned count = provider_count(shard);
    if (known != NULL)
        return &shard->providers[known - shard->providers];
    if (count == METRICS_PROVIDERS_MOST)
        return &shard->other;
    shard->providers[count].name = slice_dup(name);
    if (shard->providers[count].name == NULL)
        return &shard->other;
    atomic_store_explicit(&shard->provider_count, count + 1, memory_order_release);
    return &shard->providers[count];
}

static int64_t value_of(const struct metrics_provider *provider, enum metric_of_provider metric)
{
    return atomic_load_explicit(&provider->values[metric], memory_order_relaxed);
}

void metrics_add_for(struct metrics_shard *shard, harborai_str provider,
                     enum metric_of_provider metric, int64_t delta)
{
    struct metrics_provider *row = provider_of(shard, provider);
    atomic_store_explicit(&row->values[metric], value_of(row, metric) + delta,
                          memory_order_relaxed);
}

int64_t metrics_sum_for(const struct metrics *metrics, harborai_str provider,
                        enum metric_of_provider metric)
{
    int64_t sum = 0;
    for (unsigned i = 0; i < metrics->shard_count; i++) {
        const struct metrics_provider *row = find_provider(&metrics->shards[i], provider);
        sum += row != NULL ? value_of(row, metric) : 0;
    }
    return sum;
}

static bool is_written(const struct metrics *metrics, unsigned shard, harborai_str name)
{
    for (unsigned i = 0; i < shard; i++)
        if (find_provider(&metrics->shards[i], name) != NULL)
            return true;
    return false;
}

/* The name of no provider: those are of a-z, 0-9 and '-'. */
#define OTHER_PROVIDERS "_other"

static void write_provider(const char *family, harborai_str name, int64_t value, struct prometheus *p)
{
    struct prometheus_label label = {"provider", name};
    prometheus_sample(p, family, NULL, &label, 1, value);
}

static void write_providers(const struct metrics *metrics, enum metric_of_provider metric,
                            struct prometheus *p)
{
    const char *family = provider_rows[metric].family;
    int64_t other = 0;
    prometheus_family(p, family, PROMETHEUS_COUNTER, provider_rows[metric].help);
    for (unsigned i = 0; i < metrics->shard_count; i++) {
        const struct metrics_shard *shard = &metrics->shards[i];
        unsigned count = provider_count(shard);
        other += value_of(&shard->other, metric);
        for (unsigned k = 0; k < count; k++) {
            harborai_str name = slice_of(shard->providers[k].name);
            if (!is_written(metrics, i, name))
                write_provider(family, name, metrics_sum_for(metrics, name, metric), p);
        }
    }
    if (other > 0)
        write_provider(family, HARBORAI_STR(OTHER_PROVIDERS), other, p);
}

/* --- Calls ------------------------------------------------------------------------------------ */

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

static enum metric metric_of_request(int http_status)
{
    switch (http_status) {
#define CASE_(status)                                                                              \
    case status:                                                                                   \
        return METRIC_REQUESTS_##status;
        METRICS_STATUSES(CASE_)
#undef CASE_
    default:
        return METRIC_REQUESTS_OTHER;
    }
}

void metrics_count_request(struct metrics_shard *shard, int http_status)
{
    metrics_add(shard, metric_of_request(http_status), 1);
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

/* What the vendor said is never changed: a total that is not there is the sum of the classes, and one
 * that differs from it stays. */
void metrics_rate_usage(struct metrics_shard *shard, harborai_str provider, harborai_str method,
                        int tenths)
{
    confidence_add(&shard->confidence, provider, method, tenths);
    metrics_add(shard, METRIC_TOTALS_COMPUTED, tenths == 8);
    metrics_add(shard, METRIC_TOTALS_KEPT, tenths == 9);
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

struct recent_sum metrics_recent(const struct metrics *metrics, int64_t now_ns)
{
    struct recent_sum sum = {0, 0, 0};
    for (unsigned i = 0; i < metrics->shard_count; i++)
        recent_sum_up(&metrics->shards[i].recent, now_ns, &sum);
    return sum;
}

static void write_totals(const struct metrics *metrics, struct prometheus *p)
{
    static const char family[] = "harborai_request_duration_seconds";
    struct durations_sum sum = {{0}, 0};
    for (unsigned i = 0; i < metrics->shard_count; i++)
        durations_sum_up(&metrics->shards[i].totals, &sum);
    prometheus_family(p, family, PROMETHEUS_HISTOGRAM,
                      "Calls that ended, by the time from their request to their record.");
    durations_write(p, family, NULL, 0, &sum);
}

static void write_phases(const struct metrics *metrics, struct prometheus *p)
{
    static const char family[] = "harborai_request_phase_seconds";
    static const char *const names[RECORD_PHASES] = {
        [RECORD_PARSE] = "parse",   [RECORD_ADMIT] = "admit", [RECORD_ROUTE] = "route",
        [RECORD_PLUGIN] = "plugin", [RECORD_QUEUE] = "queue", [RECORD_UPSTREAM] = "upstream",
        [RECORD_WRITE] = "write"};
    prometheus_family(p, family, PROMETHEUS_HISTOGRAM,
                      "Where the time of calls goes; no moment of a call counts twice.");
    for (unsigned phase = 0; phase < RECORD_PHASES; phase++) {
        const struct prometheus_label label = {"phase", slice_of(names[phase])};
        struct durations_sum sum = {{0}, 0};
        for (unsigned i = 0; i < metrics->shard_count; i++)
            durations_sum_up(&metrics->shards[i].phases[phase], &sum);
        durations_write(p, family, &label, 1, &sum);
    }
}

static void write_models(const struct metrics *metrics, struct prometheus *p)
{
    const struct by_model **all = calloc(metrics->shard_count, sizeof(void *));
    for (unsigned i = 0; all != NULL && i < metrics->shard_count; i++)
        all[i] = &metrics->shards[i].by_model;
    if (all != NULL)
        by_model_write(all, metrics->shard_count, p);
    free(all);
}

static void write_confidence(const struct metrics *metrics, struct prometheus *p)
{
    const struct confidence **all = calloc(metrics->shard_count, sizeof(void *));
    for (unsigned i = 0; all != NULL && i < metrics->shard_count; i++)
        all[i] = &metrics->shards[i].confidence;
    if (all != NULL)
        confidence_write(all, metrics->shard_count, p);
    free(all);
}

void metrics_write(const struct metrics *metrics, struct prometheus *p)
{
    struct prometheus_label build = {"version", slice_of(metrics->version)};
    prometheus_family(p, "harborai_build_info", PROMETHEUS_GAUGE, "The running version.");
    prometheus_sample(p, "harborai_build_info", NULL, &build, 1, 1);
    for (unsigned i = 0; i < METRIC_COUNT; i++) {
        const struct metric_row *row = &rows[i];
        struct prometheus_label label = {row->label, slice_of(row->value)};
        if (i == 0 || strcmp(row->family, rows[i - 1].family) != 0)
            prometheus_family(p, row->family, row->type, row->help);
        prometheus_sample(p, row->family, NULL, &label, row->label != NULL,
                          metrics_sum(metrics, i));
    }
    for (unsigned i = 0; i < METRIC_OF_PROVIDER_COUNT; i++)
        write_providers(metrics, i, p);
    write_totals(metrics, p);
    write_phases(metrics, p);
    write_models(metrics, p);
    write_confidence(metrics, p);
}
