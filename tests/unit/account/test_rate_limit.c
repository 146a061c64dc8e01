/* SPDX-License-Identifier: MIT */
/* Limits by the minute, with the time as a number: nothing here waits. */
#include "account/rate_limit.h"

#include <pthread.h>

#include "../unit.h"
#include "account/rate_table.h"
#include "base/attr.h"
#include "base/clock.h"

extern const CU_TestInfo rate_limit_tests[];

#define T0 (1000 * NS_PER_S)

static struct rate_limit limit_of(int64_t per_minute)
{
    struct rate_limit limit;
    rate_limit_init(&limit, per_minute);
    return limit;
}

/* Whatever the number: so many at once, and no more; then one in each minute / N. */
static void test_burst_and_refill(void)
{
    static const int64_t numbers[] = {1, 2, 3, 7, 60, 61, 999, 1000};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        struct rate_limit limit = limit_of(numbers[i]);
        struct rate_meter meter = {0};
        struct rate_state state;
        char name[32];
        snprintf(name, sizeof name, "%lld", (long long)numbers[i]);
        for (int64_t k = 0; k < numbers[i]; k++) {
            ROW(name, rate_limit_take(&limit, &meter, T0, 1, NULL, &state));
            ROW(name, state.limit == numbers[i] && state.remaining == numbers[i] - k - 1);
        }
        ROW(name, !rate_limit_take(&limit, &meter, T0, 1, NULL, &state));
        ROW(name, state.remaining == 0 && state.wait_ns > 0);
        ROW(name, state.wait_ns <= 60 * NS_PER_S / numbers[i] + 1);
        int64_t then_ns = T0 + state.wait_ns;
        ROW(name, !rate_limit_take(&limit, &meter, then_ns - 1, 1, NULL, &state));
        ROW(name, rate_limit_take(&limit, &meter, then_ns, 1, NULL, &state));
        ROW(name, !rate_limit_take(&limit, &meter, then_ns, 1, NULL, &state));
        state = rate_limit_look(&limit, &meter, then_ns + 60 * NS_PER_S);
        ROW(name, state.remaining == numbers[i] && state.reset_ns == 0);
    }
}

static void test_reset_is_when_all_is_there(void)
{
    struct rate_limit limit = limit_of(60);
    struct rate_meter meter = {0};
    struct rate_state state;
    for (int i = 0; i < 10; i++)
        CU_ASSERT(rate_limit_take(&limit, &meter, T0, 1, NULL, &state));
    CU_ASSERT_EQUAL(state.reset_ns, 10 * NS_PER_S);
    state = rate_limit_look(&limit, &meter, T0 + 4 * NS_PER_S);
    CU_ASSERT_EQUAL(state.reset_ns, 6 * NS_PER_S);
    CU_ASSERT_EQUAL(state.remaining, 54);
}

static void test_what_is_more_than_a_minute_takes_it_whole(void)
{
    struct rate_limit limit = limit_of(1000);
    struct rate_meter meter = {0};
    struct rate_state state;
    int64_t taken = 0;
    CU_ASSERT(rate_limit_take(&limit, &meter, T0, 5000000, &taken, &state));
    CU_ASSERT_EQUAL(taken, 1000);
    CU_ASSERT_EQUAL(state.remaining, 0);
    CU_ASSERT(!rate_limit_take(&limit, &meter, T0 + 59 * NS_PER_S, 5000000, &taken, &state));
    CU_ASSERT(rate_limit_take(&limit, &meter, T0 + 60 * NS_PER_S, 5000000, &taken, &state));
}

static void test_settling(void)
{
    struct rate_limit limit = limit_of(1000);
    struct rate_meter meter = {0};
    struct rate_state state;
    int64_t taken = 0;
    CU_ASSERT(rate_limit_take(&limit, &meter, T0, 900, &taken, &state));
    rate_limit_settle(&limit, &meter, T0, 100 - taken);
    CU_ASSERT_EQUAL(rate_limit_look(&limit, &meter, T0).remaining, 900);
    rate_limit_settle(&limit, &meter, T0, 2900); /* 3000 in all: three minutes' worth */
    CU_ASSERT_EQUAL(rate_limit_look(&limit, &meter, T0).remaining, 0);
    CU_ASSERT(!rate_limit_take(&limit, &meter, T0 + 119 * NS_PER_S, 1, NULL, &state));
    CU_ASSERT(rate_limit_take(&limit, &meter, T0 + 121 * NS_PER_S, 1, NULL, &state));
    /* Of what was not used a long time ago nothing is left to be had. */
    int64_t late_ns = T0 + 1000 * NS_PER_S;
    rate_limit_settle(&limit, &meter, late_ns, -800);
    CU_ASSERT_EQUAL(rate_limit_look(&limit, &meter, late_ns).remaining, 1000);
    CU_ASSERT(rate_limit_take(&limit, &meter, late_ns, 1000, NULL, &state));
    CU_ASSERT(!rate_limit_take(&limit, &meter, late_ns, 1, NULL, &state));
}

static void test_extremes(void)
{
    struct rate_limit one = limit_of(1), most = limit_of(INT64_MAX);
    struct rate_meter meter = {0};
    struct rate_state state;
    CU_ASSERT_EQUAL(most.per_minute, RATE_LIMIT_MOST);
    for (int i = 0; i < 10; i++)
        rate_limit_settle(&one, &meter, T0, INT64_MAX);
    CU_ASSERT(!rate_limit_take(&one, &meter, T0, 1, NULL, &state));
    CU_ASSERT(state.wait_ns > 0 && state.reset_ns > 0);
    meter = (struct rate_meter){0};
    CU_ASSERT(rate_limit_take(&most, &meter, T0, RATE_LIMIT_MOST, NULL, &state));
    CU_ASSERT(!rate_limit_take(&most, &meter, T0, RATE_LIMIT_MOST / 2, NULL, &state));
    CU_ASSERT_EQUAL(rate_limit_look(&(struct rate_limit){0}, &meter, T0).limit, 0);
}

/* ---- Threads -------------------------------------------------------------------------------- */

enum { THREADS = 4, TRIES = 20000, THERE = 12345 };

struct crowd {
    struct rate_limit limit;
    struct rate_meter meter;
    atomic_int taken;
};

static void *take_many(void *argument)
{
    struct crowd *crowd = argument;
    struct rate_state state;
    for (int i = 0; i < TRIES; i++)
        if (rate_limit_take(&crowd->limit, &crowd->meter, T0, 1, NULL, &state))
            atomic_fetch_add(&crowd->taken, 1);
    return NULL;
}

static void test_threads_share_it(void)
{
    struct crowd crowd = {.limit = limit_of(THERE)};
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        CU_ASSERT_FATAL(pthread_create(&threads[i], NULL, take_many, &crowd) == 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CU_ASSERT_EQUAL(atomic_load(&crowd.taken), THERE);
}

/* ---- Meters by name ------------------------------------------------------------------------- */

static void test_names(void)
{
    struct rate_table *table;
    struct rate_limit limit = limit_of(2);
    struct rate_state state;
    CU_ASSERT_FATAL(rate_table_create(&table, NULL) == HARBORAI_OK);
    harborai_str one = HARBORAI_STR("192.0.2.1"), other = HARBORAI_STR("192.0.2.2");
    struct rate_meter *meter = rate_table_find(table, one, T0);
    CU_ASSERT_PTR_EQUAL(rate_table_find(table, one, T0), meter);
    CU_ASSERT_PTR_NOT_EQUAL(rate_table_find(table, other, T0), meter);
    CU_ASSERT(rate_limit_take(&limit, meter, T0, 2, NULL, &state));
    CU_ASSERT(!rate_limit_take(&limit, rate_table_find(table, one, T0), T0, 1, NULL, &state));
    CU_ASSERT(rate_limit_take(&limit, rate_table_find(table, other, T0), T0, 1, NULL, &state));
    rate_table_destroy(table);
}

/* More names than there are places: who asks anew each time is never refused by another's use, and one
 * that is busy among a few hundred others keeps its count. */
static void test_crowded_names(void)
{
    struct rate_table *table;
    struct rate_limit limit = limit_of(1);
    struct rate_state state;
    char name[32];
    CU_ASSERT_FATAL(rate_table_create(&table, NULL) == HARBORAI_OK);
    for (int i = 0; i < 100000; i++) {
        int len = snprintf(name, sizeof name, "10.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255);
        struct rate_meter *meter =
            rate_table_find(table, (harborai_str){name, (size_t)len}, T0);
        CU_ASSERT(rate_limit_take(&limit, meter, T0, 1, NULL, &state));
    }
    rate_table_destroy(table);
}

const CU_TestInfo rate_limit_tests[] = {
    {"so many at once, then one by one", test_burst_and_refill},
    {"reset is when all is there again", test_reset_is_when_all_is_there},
    {"more than a minute's worth takes it whole", test_what_is_more_than_a_minute_takes_it_whole},
    {"what was taken is settled", test_settling},
    {"extremes", test_extremes},
    {"threads share a meter", test_threads_share_it},
    {"meters by name", test_names},
    {"more names than places", test_crowded_names},
    CU_TEST_INFO_NULL,
};
