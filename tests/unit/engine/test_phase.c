/* SPDX-License-Identifier: MIT */
/* The arithmetic of phases, by times that are given. */
#include "../unit.h"
#include "engine/phase.h"

extern const CU_TestInfo phase_tests[];

static void run_plugin(struct call *call, int64_t took_ns)
{
    call->record.phase_ns[RECORD_PLUGIN] += took_ns;
}

static int64_t sum_of(const struct call *call)
{
    int64_t sum = 0;
    for (int phase = 0; phase < RECORD_PHASES; phase++)
        sum += call->record.phase_ns[phase];
    return sum;
}

/* From 1000 to 9000: each moment counts once, the plugin's where it runs. */
static void test_no_moment_counts_twice(void)
{
    static struct call call;
    const int64_t *phases = call.record.phase_ns;
    call = (struct call){.started_ns = 1000};
    phase_begin(&call, 50);
    phase_end_at(&call, RECORD_PARSE, 1300);
    phase_end_at(&call, RECORD_ROUTE, 1330);
    phase_end_at(&call, RECORD_ADMIT, 1340);
    phase_end_at(&call, RECORD_ROUTE, 1400);
    run_plugin(&call, 200);
    CU_ASSERT(phase_overhead_ns(&call) == 600);
    phase_end_at(&call, RECORD_QUEUE, 2000);
    run_plugin(&call, 300); /* an event of a stream */
    phase_end_at(&call, RECORD_UPSTREAM, 7000);
    run_plugin(&call, 100);
    phase_end_at(&call, RECORD_QUEUE, 7500); /* another exchange */
    phase_end_at(&call, RECORD_UPSTREAM, 9000);
    CU_ASSERT(phases[RECORD_ADMIT] == 50 + 10 && phases[RECORD_PARSE] == 250);
    CU_ASSERT(phases[RECORD_ROUTE] == 90 && phases[RECORD_PLUGIN] == 600);
    CU_ASSERT(phases[RECORD_QUEUE] == 400 + 400 && phases[RECORD_UPSTREAM] == 4700 + 1500);
    CU_ASSERT(sum_of(&call) == 8000);
    CU_ASSERT(phase_overhead_ns(&call) == 8000 - 6200);
    run_plugin(&call, 10);
    CU_ASSERT(phase_write_since_ns(&call) == 9010);
}

/* A pass' time is older than what was read from the clock in it. */
static void test_time_does_not_go_back(void)
{
    static struct call call;
    call = (struct call){.started_ns = 1000};
    phase_begin(&call, 0);
    phase_end_at(&call, RECORD_PARSE, 1500);
    phase_end_at(&call, RECORD_UPSTREAM, 1200);
    CU_ASSERT(call.record.phase_ns[RECORD_UPSTREAM] == 0 && call.mark_ns == 1500);
    run_plugin(&call, 700); /* more than has passed, by the pass' time */
    phase_end_at(&call, RECORD_QUEUE, 1600);
    CU_ASSERT(call.record.phase_ns[RECORD_QUEUE] == 0 && call.mark_ns == 1600);
    phase_end_at(&call, RECORD_UPSTREAM, 1900);
    CU_ASSERT(call.record.phase_ns[RECORD_UPSTREAM] == 300);
}

const CU_TestInfo phase_tests[] = {{"no moment counts twice", test_no_moment_counts_twice},
                                   {"time does not go back", test_time_does_not_go_back},
                                   CU_TEST_INFO_NULL};
