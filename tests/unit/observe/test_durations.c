/* SPDX-License-Identifier: MIT */
#include "../unit.h"
#include "base/clock.h"
#include "base/limits.h"
#include "observe/durations.h"
#include "observe/recent.h"
#include "wire/prometheus.h"

extern const CU_TestInfo durations_tests[];

/* By definition, one bound after the other. */
static unsigned slow_bucket(int64_t ns)
{
    static const int64_t steps[] = {10, 25, 50};
    unsigned i = 0;
    for (int64_t unit = 100; i < DURATIONS_BOUNDS; unit *= 10)
        for (unsigned k = 0; k < 3 && i < DURATIONS_BOUNDS; k++, i++)
            if (ns <= unit * steps[k])
                return i;
    return i;
}

static void test_buckets(void)
{
    static const int64_t extremes[] = {INT64_MIN, -1, 0, 1, 999, 1000, 1001, INT64_MAX};
    for (size_t i = 0; i < sizeof extremes / sizeof *extremes; i++)
        CU_ASSERT(durations_bucket(extremes[i]) == slow_bucket(extremes[i]));
    for (int64_t ns = 1; ns < INT64_MAX / 3; ns += 1 + ns / 97)
        CU_ASSERT(durations_bucket(ns) == slow_bucket(ns));
    for (int64_t unit = 1000; unit <= 100 * NS_PER_S; unit *= 10)
        for (int64_t off = -1; off <= 1; off++) {
            CU_ASSERT(durations_bucket(unit + off) == slow_bucket(unit + off));
            CU_ASSERT(durations_bucket(unit / 2 * 5 + off) == slow_bucket(unit / 2 * 5 + off));
            CU_ASSERT(durations_bucket(unit * 5 + off) == slow_bucket(unit * 5 + off));
        }
}

static void test_text(void)
{
    static const struct prometheus_label label = {"phase", HARBORAI_STR_INIT("parse")};
    struct durations a = {0}, b = {0};
    struct durations_sum sum = {{0}, 0};
    AUTO(buf) out = BUF_INIT(KIB(16));
    durations_add(&a, 1000);
    durations_add(&a, 3000);
    durations_add(&b, 200 * NS_PER_S);
    durations_sum_up(&a, &sum);
    durations_sum_up(&b, &sum);
    durations_write(&(struct prometheus){&out, false}, "t_seconds", &label, 1, &sum);
    buf_add_char(&out, '\0');
    static const char *const want[] = {
        "t_seconds_bucket{phase=\"parse\",le=\"1e-06\"} 1\n",
        "\nt_seconds_bucket{phase=\"parse\",le=\"2.5e-06\"} 1\n",
        "\nt_seconds_bucket{phase=\"parse\",le=\"5e-06\"} 2\n",
        "\nt_seconds_bucket{phase=\"parse\",le=\"100\"} 2\n",
        "\nt_seconds_bucket{phase=\"parse\",le=\"+Inf\"} 3\n",
        "\nt_seconds_sum{phase=\"parse\"} 200.000004\n",
        "\nt_seconds_count{phase=\"parse\"} 3\n"};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        ROW(want[i], strstr(out.data, want[i]) != NULL);
}

/* The window ends with the second that is asked for; slots are used again. */
static void test_recent(void)
{
    static struct recent recent;
    struct recent_sum sum;
    for (int64_t second = 1000; second < 1200; second++)
        for (int64_t i = 0; i < second % 3; i++)
            recent_add(&recent, second * NS_PER_S + i, i == 1, 2 * NS_PER_MS);
    sum = (struct recent_sum){0, 0, 0};
    recent_sum_up(&recent, 1199 * NS_PER_S, &sum);
    CU_ASSERT(sum.calls == 60 && sum.failed == 20 && sum.duration_us == 60 * 2000);
    sum = (struct recent_sum){0, 0, 0};
    recent_sum_up(&recent, 1229 * NS_PER_S, &sum);
    CU_ASSERT(sum.calls == 30 && sum.failed == 10);
    sum = (struct recent_sum){0, 0, 0};
    recent_sum_up(&recent, 1300 * NS_PER_S, &sum);
    CU_ASSERT(sum.calls == 0 && sum.failed == 0 && sum.duration_us == 0);
}

const CU_TestInfo durations_tests[] = {{"buckets", test_buckets},
                                       {"text", test_text},
                                       {"recent", test_recent},
                                       CU_TEST_INFO_NULL};
