/* SPDX-License-Identifier: MIT */
#include "server/logs_query.h"

#include "../unit.h"
#include "base/clock.h"

extern const CU_TestInfo logs_query_tests[];

#define NOON (INT64_C(1763722800) * NS_PER_S) /* 2025-11-21T11:00:00Z */

static void test_refused(void)
{
    static const struct row {
        const char *text;
        enum logs_kind kind;
        const char *param;
    } rows[] = {
        {"limit=0", LOGS_QUERY, "limit"},       {"limit=1001", LOGS_QUERY, "limit"},
        {"limit=+5", LOGS_QUERY, "limit"},      {"limit=", LOGS_QUERY, "limit"},
        {"limit", LOGS_QUERY, "limit"},         {"offset=1e3", LOGS_QUERY, "offset"},
        {"offset=1000000001", LOGS_QUERY, "offset"},
        {"a=b", LOGS_QUERY, "a"},               {"=b", LOGS_QUERY, ""},
        {"Limit=3", LOGS_QUERY, "Limit"},       {"limit=3&limit=3", LOGS_QUERY, "limit"},
        {"limit=3", LOGS_STATS, "limit"},       {"group_by=model", LOGS_QUERY, "group_by"},
        {"status=", LOGS_QUERY, "status"},      {"status=600", LOGS_QUERY, "status"},
        {"status=OK", LOGS_QUERY, "status"},    {"model=%", LOGS_QUERY, "model"},
        {"model=%4", LOGS_QUERY, "model"},      {"model=a%00", LOGS_QUERY, "model"},
        {"model=%c3%28", LOGS_QUERY, "model"},  {"min_tokens=-1", LOGS_QUERY, "min_tokens"},
        {"min_cost=1e-3", LOGS_QUERY, "min_cost"},
        {"min_duration=fast", LOGS_QUERY, "min_duration"},
        {"include_stats=yes", LOGS_QUERY, "include_stats"},
        {"start_time=2025-11-21T25:00:00Z", LOGS_QUERY, "start_time"},
        {"start_time=2025-02-29", LOGS_QUERY, "start_time"},
        {"start_time=1969-12-31", LOGS_QUERY, "start_time"},
        {"start_time=1970-01-01T00:00:00%2B01:00", LOGS_QUERY, "start_time"},
        {"start_time=2025-11-21T11:00:00Zx", LOGS_QUERY, "start_time"},
        {"start_time=2025-11-21T11:00:00.Z", LOGS_QUERY, "start_time"},
        {"start_time=2025-11-21T11:00:00+08:00", LOGS_QUERY, "start_time"}, /* a blank */
        {"start_time=2025-11-21&end_time=2025-11-21", LOGS_QUERY, "end_time"},
        {"group_by=", LOGS_STATS, "group_by"},  {"group_by=model,", LOGS_STATS, "group_by"},
        {"group_by=client", LOGS_STATS, "group_by"},
        {"group_by=date,model,date", LOGS_STATS, "group_by"},
        {"metrics=", LOGS_STATS, "metrics"},    {"metrics=costs", LOGS_STATS, "metrics"},
        {"model=gpt*", LOGS_STATS, "model"},    {"status=ok", LOGS_STATS, "status"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct logs_query q;
        harborai_error error = HARBORAI_ERROR_INIT;
        logs_query_init(&q);
        ROW(rows[i].text, logs_query_read(&q, rows[i].kind, slice_of(rows[i].text), &error) ==
                              HARBORAI_E_INVALID);
        ROW(rows[i].text, strcmp(error.param, rows[i].param) == 0);
        logs_query_release(&q);
    }
}

static void test_times(void)
{
    static const struct row {
        const char *text;
        int64_t want_ns;
    } rows[] = {
        {"2025-11-21", NOON - 11 * 3600 * NS_PER_S},
        {"2025-11-21T11:00", NOON},
        {"2025-11-21+11:00:00", NOON},
        {"2025-11-21T11:00:00Z", NOON},
        {"2025-11-21t11:00:00z", NOON},
        {"2025-11-21T11:00:00.25Z", NOON + NS_PER_S / 4},
        {"2025-11-21T11:00:00.123456789999Z", NOON + 123456789},
        {"2025-11-21T19:00:00%2B08:00", NOON},
        {"2025-11-21T19:00:00.5%2b0800", NOON + NS_PER_S / 2},
        {"2025-11-21T05:30:00-05:30", NOON},
        {"1970-01-01T00:00:00Z", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct logs_query q;
        AUTO(buf) text = BUF_INIT(256);
        logs_query_init(&q);
        buf_printf(&text, "start_time=%s", rows[i].text);
        ROW(rows[i].text,
            logs_query_read(&q, LOGS_QUERY, buf_slice(&text), NULL) == HARBORAI_OK);
        ROW(rows[i].text, q.calls.since_ns == rows[i].want_ns);
        ROW(rows[i].text, q.sums.since_ns == rows[i].want_ns);
        logs_query_release(&q);
    }
}

static void test_all_of_a_query(void)
{
    struct logs_query q;
    logs_query_init(&q);
    CU_ASSERT(q.calls.limit == 100 && q.calls.offset == 0 && q.metrics == LOGS_ALL_METRICS);
    CU_ASSERT_FATAL(
        logs_query_read(&q, LOGS_QUERY,
                        HARBORAI_STR("&model=gpt-4o*&provider=a%2Fb&plugin=p&client=c+d&search=%E4%BD%A0"
                                     "&&trace_id=req%5F1&status=4xx&limit=7&offset=3&include_stats=1"
                                     "&min_tokens=1&max_tokens=9&min_cost=0.000000000001&max_cost=2"
                                     "&min_duration=1500ms&start_time=2025-11-20&end_time=2025-11-21&"),
                        NULL) == HARBORAI_OK);
    CU_ASSERT(slice_is(q.calls.model, "gpt-4o*") && slice_is(q.calls.provider, "a/b"));
    CU_ASSERT(slice_is(q.calls.plugin, "p") && slice_is(q.calls.client, "c d"));
    CU_ASSERT(slice_is(q.calls.text, "\xe4\xbd\xa0") && slice_is(q.calls.id, "req_1"));
    CU_ASSERT(q.calls.least_status == 400 && q.calls.most_status == 499 && q.calls.outcomes == 0);
    CU_ASSERT(q.calls.limit == 7 && q.calls.offset == 3 && q.with_totals);
    CU_ASSERT(q.calls.least_tokens == 1 && q.calls.most_tokens == 9);
    CU_ASSERT(q.calls.least_cost_pico == 1 && q.calls.most_cost_pico == INT64_C(2000000000000));
    CU_ASSERT(q.calls.least_duration_ns == 1500 * NS_PER_MS);
    CU_ASSERT(q.calls.until_ns - q.calls.since_ns == 86400 * NS_PER_S);
    logs_query_release(&q);
}

static void test_outcomes(void)
{
    static const struct row {
        const char *text;
        unsigned outcomes;
    } rows[] = {{"status=success", 1u << CALL_OK},
                {"status=ok", 1u << CALL_OK},
                {"status=interrupted", 1u << CALL_INTERRUPTED},
                {"status=failed", 1u << CALL_ERROR | 1u << CALL_CANCELLED | 1u << CALL_INTERRUPTED}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct logs_query q;
        logs_query_init(&q);
        ROW(rows[i].text,
            logs_query_read(&q, LOGS_QUERY, slice_of(rows[i].text), NULL) == HARBORAI_OK);
        ROW(rows[i].text, q.calls.outcomes == rows[i].outcomes);
        logs_query_release(&q);
    }
}

static void test_groups(void)
{
    struct logs_query q;
    logs_query_init(&q);
    CU_ASSERT_FATAL(logs_query_read(&q, LOGS_STATS,
                                    HARBORAI_STR("group_by=date,+model,provider&metrics=tokens,cost"
                                                 "&model=m&provider=p"),
                                    NULL) == HARBORAI_OK);
    CU_ASSERT(q.sums.by == STATS_BY_DAY && q.sums.also_count == 2);
    CU_ASSERT(q.sums.also[0] == STATS_BY_MODEL && q.sums.also[1] == STATS_BY_PROVIDER);
    CU_ASSERT(q.metrics == (LOGS_COST | LOGS_TOKENS));
    CU_ASSERT(slice_is(q.sums.model, "m") && slice_is(q.sums.provider, "p"));
    CU_ASSERT_STRING_EQUAL(logs_group_name(q.sums.by), "date");
    CU_ASSERT_STRING_EQUAL(logs_metric_name(LOGS_SUCCESS_RATE), "success_rate");
    logs_query_release(&q);
}

const CU_TestInfo logs_query_tests[] = {
    {"what is refused, by its name", test_refused},
    {"times", test_times},
    {"every parameter of a query", test_all_of_a_query},
    {"outcomes", test_outcomes},
    {"groups and metrics", test_groups},
    CU_TEST_INFO_NULL,
};
