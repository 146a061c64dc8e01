/* SPDX-License-Identifier: MIT */
#include "observe/metrics.h"

#include "../unit.h"
#include "base/limits.h"
#include "base/thread.h"
#include "wire/prometheus.h"

extern const CU_TestInfo metrics_tests[];

#define LOOPS 4
#define ROUNDS 20000

/* Ends with a NUL. */
static void write_all(const struct metrics *m, struct buf *out)
{
    metrics_write(m, &(struct prometheus){out, false});
    buf_add_char(out, '\0');
    CU_ASSERT_FATAL(buf_status(out, NULL) == HARBORAI_OK);
}

static void test_calls(void)
{
    static const struct row {
        int http_status;
        harborai_status status;
        const char *by_status, *by_outcome;
    } rows[] = {
        {200, HARBORAI_OK, "harborai_calls_total{status=\"200\"} 1\n",
         "harborai_call_outcomes_total{outcome=\"ok\"} 1\n"},
        {200, HARBORAI_E_NETWORK, "harborai_calls_total{status=\"200\"} 1\n",
         "harborai_call_outcomes_total{outcome=\"error\"} 1\n"},
        {404, HARBORAI_E_NOT_FOUND, "harborai_calls_total{status=\"404\"} 1\n",
         "harborai_call_outcomes_total{outcome=\"error\"} 1\n"},
        {499, HARBORAI_E_CANCELLED, "harborai_calls_total{status=\"499\"} 1\n",
         "harborai_call_outcomes_total{outcome=\"cancelled\"} 1\n"},
        {418, HARBORAI_E_VENDOR, "harborai_calls_total{status=\"other\"} 1\n",
         "harborai_call_outcomes_total{outcome=\"error\"} 1\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct metrics *m;
        AUTO(buf) out = BUF_INIT(KIB(64));
        CU_ASSERT_FATAL(metrics_create(1, "1.2.3", &m, NULL) == HARBORAI_OK);
        metrics_count_call(metrics_shard_of(m, 0), rows[i].http_status, rows[i].status);
        write_all(m, &out);
        ROW(rows[i].by_status, strstr(out.data, rows[i].by_status) != NULL);
        ROW(rows[i].by_status, strstr(out.data, rows[i].by_outcome) != NULL);
        metrics_destroy(m);
    }
}

static void test_text(void)
{
    struct metrics *m;
    AUTO(buf) out = BUF_INIT(KIB(64));
    CU_ASSERT_FATAL(metrics_create(2, "1.2.3", &m, NULL) == HARBORAI_OK);
    metrics_add(metrics_shard_of(m, 0), METRIC_CALLS_IN_FLIGHT, 3);
    metrics_add(metrics_shard_of(m, 1), METRIC_CALLS_IN_FLIGHT, 1);
    metrics_add(metrics_shard_of(m, 0), METRIC_CALLS_IN_FLIGHT, -1);
    metrics_add_shared(m, METRIC_MODEL_LOOKUPS, 1);
    write_all(m, &out);
    const char *const want[] = {
        "# HELP harborai_build_info The running version.\n# TYPE harborai_build_info gauge\n"
        "harborai_build_info{version=\"1.2.3\"} 1\n",
        "# TYPE harborai_calls_total counter\nharborai_calls_total{status=\"200\"} 0\n",
        "# TYPE harborai_calls_in_flight gauge\nharborai_calls_in_flight 3\n",
        "harborai_model_lookups_total 1\n",
        "harborai_model_unknown_total 0\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(want); i++)
        ROW(want[i], strstr(out.data, want[i]) != NULL);
    const char *first = strstr(out.data, "# TYPE harborai_calls_total");
    CU_ASSERT(first != NULL && strstr(first + 1, "# TYPE harborai_calls_total") == NULL);
    metrics_destroy(m);
    metrics_destroy(NULL);
}

static void test_providers(void)
{
    struct metrics *m;
    char name[16];
    AUTO(buf) out = BUF_INIT(KIB(64));
    CU_ASSERT_FATAL(metrics_create(2, "1.2.3", &m, NULL) == HARBORAI_OK);
    struct metrics_shard *shard[] = {metrics_shard_of(m, 0), metrics_shard_of(m, 1)};
    metrics_add_for(shard[0], HARBORAI_STR("a"), METRIC_STREAM_REPAIRS, 2);
    metrics_add_for(shard[1], HARBORAI_STR("b\"c"), METRIC_STREAM_REPAIRS, 1);
    metrics_add_for(shard[1], HARBORAI_STR("a"), METRIC_STREAM_REPAIRS, 3);
    metrics_add_for(shard[1], HARBORAI_STR("other"), METRIC_STREAM_EVENTS, 7);
    for (int i = 0; i < METRICS_PROVIDERS_MOST + 2; i++) {
        snprintf(name, sizeof name, "p%d", i);
        metrics_add_for(shard[0], slice_of(name), METRIC_STREAM_EVENTS, 1);
    }
    CU_ASSERT(metrics_sum_for(m, HARBORAI_STR("a"), METRIC_STREAM_REPAIRS) == 5);
    CU_ASSERT(metrics_sum_for(m, HARBORAI_STR("p126"), METRIC_STREAM_EVENTS) == 1);
    CU_ASSERT(metrics_sum_for(m, HARBORAI_STR("p127"), METRIC_STREAM_EVENTS) == 0);
    write_all(m, &out);
    const char *const want[] = {
        "# TYPE harborai_stream_repairs_total counter\n"
        "harborai_stream_repairs_total{provider=\"a\"} 5\n",
        "\nharborai_stream_repairs_total{provider=\"b\\\"c\"} 1\n",
        "\nharborai_stream_events_total{provider=\"p126\"} 1\n",
        "\nharborai_stream_events_total{provider=\"other\"} 7\n",
        "\nharborai_stream_events_total{provider=\"_other\"} 3\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(want); i++)
        ROW(want[i], strstr(out.data, want[i]) != NULL);
    static const char *const once[] = {"repairs_total{provider=\"a\"}",
                                       "events_total{provider=\"other\"}"};
    for (size_t i = 0; i < ARRAY_LEN(once); i++) {
        const char *first = strstr(out.data, once[i]);
        ROW(once[i], first != NULL && strstr(first + 1, once[i]) == NULL);
    }
    metrics_destroy(m);
}

static void test_confidence(void)
{
    struct metrics *m;
    char name[16];
    AUTO(buf) out = BUF_INIT(MIB(1));
    CU_ASSERT_FATAL(metrics_create(2, "1.2.3", &m, NULL) == HARBORAI_OK);
    struct metrics_shard *shard[] = {metrics_shard_of(m, 0), metrics_shard_of(m, 1)};
    static const int tenths[] = {10, 10, 9, 8, 5, 0, -1, 11};
    for (size_t i = 0; i < ARRAY_LEN(tenths); i++)
        metrics_rate_usage(shard[i % 2], HARBORAI_STR("a"), HARBORAI_STR("a_direct"), tenths[i]);
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "p%d", i);
        metrics_rate_usage(shard[1], slice_of(name), HARBORAI_STR("x"), 10);
    }
    write_all(m, &out);
    static const char *const want[] = {
        "# TYPE harborai_token_parsing_confidence histogram\n",
        "\nharborai_token_parsing_confidence_bucket{provider=\"a\",parsing_method=\"a_direct\","
        "le=\"0\"} 1\n",
        "le=\"0.5\"} 2\n", "le=\"0.8\"} 3\n", "le=\"0.9\"} 4\n", "le=\"1\"} 6\n", "le=\"+Inf\"} 6\n",
        "\nharborai_token_parsing_confidence_sum{provider=\"a\",parsing_method=\"a_direct\"} 4.2\n",
        "\nharborai_token_parsing_confidence_count{provider=\"a\",parsing_method=\"a_direct\"} 6\n",
        "_count{provider=\"_other\",parsing_method=\"_other\"} 45\n",
        "\nharborai_token_consistency_fixes_total{fix_type=\"total_computed\"} 1\n",
        "\nharborai_token_consistency_fixes_total{fix_type=\"total_kept\"} 1\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(want); i++)
        ROW(want[i], strstr(out.data, want[i]) != NULL);
    metrics_destroy(m);
}

struct counter {
    struct metrics *metrics;
    unsigned loop;
    pthread_t thread;
};

static void *count(void *argument)
{
    struct counter *c = argument;
    struct metrics_shard *shard = metrics_shard_of(c->metrics, c->loop);
    for (int i = 0; i < ROUNDS; i++) {
        metrics_add(shard, METRIC_ATTEMPTS, 1);
        metrics_add_for(shard, HARBORAI_STR("lab"), METRIC_STREAM_EVENTS, 1);
        metrics_add_shared(c->metrics, METRIC_MODEL_LOOKUPS, 1);
        metrics_rate_usage(shard, HARBORAI_STR("lab"), HARBORAI_STR("lab_direct"), 8);
    }
    return NULL;
}

static void test_threads_lose_nothing(void)
{
    struct metrics *m;
    struct counter counters[LOOPS];
    CU_ASSERT_FATAL(metrics_create(LOOPS, "1", &m, NULL) == HARBORAI_OK);
    for (unsigned i = 0; i < LOOPS; i++) {
        counters[i] = (struct counter){.metrics = m, .loop = i};
        CU_ASSERT_FATAL(thread_start(&counters[i].thread, "count", count, &counters[i], NULL) == 0);
    }
    for (int64_t before = 0, now; before < LOOPS * ROUNDS; before = now) {
        AUTO(buf) out = BUF_INIT(KIB(64));
        write_all(m, &out);
        int64_t events = metrics_sum_for(m, HARBORAI_STR("lab"), METRIC_STREAM_EVENTS);
        now = metrics_sum(m, METRIC_ATTEMPTS);
        CU_ASSERT_FATAL(now >= before && now <= LOOPS * ROUNDS);
        CU_ASSERT_FATAL(events >= 0 && events <= LOOPS * ROUNDS);
    }
    for (unsigned i = 0; i < LOOPS; i++)
        pthread_join(counters[i].thread, NULL);
    CU_ASSERT(metrics_sum(m, METRIC_MODEL_LOOKUPS) == LOOPS * ROUNDS);
    CU_ASSERT(metrics_sum_for(m, HARBORAI_STR("lab"), METRIC_STREAM_EVENTS) == LOOPS * ROUNDS);
    CU_ASSERT(metrics_sum(m, METRIC_TOTALS_COMPUTED) == LOOPS * ROUNDS);
    metrics_destroy(m);
}

const CU_TestInfo metrics_tests[] = {{"calls", test_calls},
                                     {"text", test_text},
                                     {"providers", test_providers},
                                     {"confidence", test_confidence},
                                     {"threads lose nothing", test_threads_lose_nothing},
                                     CU_TEST_INFO_NULL};
