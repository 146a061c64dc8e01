/* SPDX-License-Identifier: MIT */
#include "observe/metrics.h"

#include "../unit.h"
#include "base/clock.h"
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
        AUTO(buf) out = BUF_INIT(KIB(256));
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
    AUTO(buf) out = BUF_INIT(KIB(256));
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
    AUTO(buf) out = BUF_INIT(KIB(256));
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

/* Two loops, models in both, more of them than there is room for, and money in two currencies. */
static void test_by_model(void)
{
    struct metrics *m;
    char name[16];
    AUTO(buf) out = BUF_INIT(MIB(16));
    CU_ASSERT_FATAL(metrics_create(2, "1.2.3", &m, NULL) == HARBORAI_OK);
    struct metrics_shard *shard[] = {metrics_shard_of(m, 0), metrics_shard_of(m, 1)};
    struct record r;
    record_init(&r);
    r.provider = HARBORAI_STR("a");
    r.upstream_model = HARBORAI_STR("m\"1");
    r.is_listed = r.is_cost_known = true;
    r.attempts = 2;
    r.resends = 1;
    r.total_ns = 30 * NS_PER_MS;
    r.ttft_ns = 3 * NS_PER_MS;
    r.usage.known_mask = 1u << HARBORAI_TOKENS_INPUT | 1u << HARBORAI_TOKENS_OUTPUT;
    r.usage.count[HARBORAI_TOKENS_INPUT] = 7;
    r.usage.count[HARBORAI_TOKENS_OUTPUT] = 0;
    r.cost_pico = 1;
    r.cost_currency = HARBORAI_STR("USD");
    metrics_count_model(shard[0], &r);
    r.cost_currency = HARBORAI_STR("CNY");
    metrics_count_model(shard[1], &r);
    r.cost_currency = HARBORAI_STR("USD");
    r.cost_pico = 2000000000000;
    metrics_count_model(shard[1], &r);
    r.is_cost_known = false;
    r.status = HARBORAI_E_RATE_LIMIT;
    metrics_count_model(shard[1], &r);
    r.status = HARBORAI_E_CANCELLED;
    metrics_count_model(shard[0], &r);
    r.status = HARBORAI_OK;
    r.is_listed = false;
    metrics_count_model(shard[0], &r);
    r.provider = SLICE_NONE;
    r.status = HARBORAI_E_NOT_FOUND;
    r.attempts = 0;
    metrics_count_model(shard[0], &r);
    r.provider = HARBORAI_STR("b");
    r.is_listed = true;
    for (int i = 0; i < BY_MODEL_MOST + 10; i++) {
        snprintf(name, sizeof name, "p%d", i);
        r.upstream_model = slice_of(name);
        metrics_count_model(shard[1], &r);
    }
    write_all(m, &out);
#define OF "{provider=\"a\",model=\"m\\\"1\""
    static const char *const want[] = {
        "\nharborai_api_requests_total" OF ",status=\"ok\"} 3\n",
        "\nharborai_api_requests_total" OF ",status=\"error\"} 1\n",
        "\nharborai_api_requests_total" OF ",status=\"cancelled\"} 1\n",
        "\nharborai_api_requests_total{provider=\"a\",model=\"_other\",status=\"ok\"} 1\n",
        "\nharborai_api_requests_total{provider=\"_none\",model=\"_none\",status=\"error\"} 1\n",
        "\nharborai_api_requests_total{provider=\"b\",model=\"p254\",status=\"error\"} 1\n",
        "\nharborai_api_requests_total{provider=\"_other\",model=\"_other\",status=\"error\"} 11\n",
        "\nharborai_api_errors_total" OF ",error_type=\"E_RATE_LIMIT\"} 1\n",
        "\nharborai_retries_total" OF ",retry_reason=\"stale_connection\"} 5\n",
        "\nharborai_ai_provider_requests_total" OF "} 10\n",
        "\nharborai_ai_provider_errors_total" OF "} 1\n",
        "\nharborai_ai_provider_errors_total{provider=\"_none\",model=\"_none\"} 0\n",
        "\nharborai_tokens_used_total" OF ",token_type=\"input\"} 35\n",
        "\nharborai_cost_total" OF ",currency=\"USD\"} 2.000000000001\n",
        "\nharborai_cost_total" OF ",currency=\"CNY\"} 0.000000000001\n",
        "\nharborai_api_request_duration_seconds_bucket" OF ",le=\"0.025\"} 0\n",
        "\nharborai_api_request_duration_seconds_bucket" OF ",le=\"0.05\"} 5\n",
        "\nharborai_time_to_first_token_seconds_sum" OF "} 0.015\n"};
    for (size_t i = 0; i < ARRAY_LEN(want); i++)
        ROW(want[i], strstr(out.data, want[i]) != NULL);
    CU_ASSERT(strstr(out.data, "model=\"p255\"") == NULL);
    CU_ASSERT(strstr(out.data, "token_type=\"output\"") == NULL);
    const char *first = strstr(out.data, "harborai_cost_total" OF ",currency=\"USD\"");
    CU_ASSERT(first != NULL && strstr(first + 1, "harborai_cost_total" OF ",currency=\"USD\"") == NULL);
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
    struct record one;
    record_init(&one);
    one.provider = one.upstream_model = HARBORAI_STR("lab");
    one.is_listed = true;
    for (int i = 0; i < ROUNDS; i++) {
        metrics_add(shard, METRIC_ATTEMPTS, 1);
        metrics_add_for(shard, HARBORAI_STR("lab"), METRIC_STREAM_EVENTS, 1);
        metrics_count_model(shard, &one);
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
        AUTO(buf) out = BUF_INIT(KIB(256));
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
                                     {"by model", test_by_model},
                                     {"threads lose nothing", test_threads_lose_nothing},
                                     CU_TEST_INFO_NULL};
