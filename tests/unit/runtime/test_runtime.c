/* SPDX-License-Identifier: MIT */
/* A runtime from its making to its end: providers are loaded once, and everything goes. */
#include <string.h>
#include <unistd.h>

#include "../engine/stage.h"
#include "../engine/vendor.h"
#include "../unit.h"

extern const CU_TestInfo runtime_tests[];

enum { LOOPS = 8, FIRST_CALLS = 32 };

#define PROVIDERS                                                                                  \
    "providers:\n"                                                                                 \
    "  rogue: { base_url: \"http://127.0.0.1:%d\" }\n"                                             \
    "  create-fails: {}\n"                                                                         \
    "  slow: { options: { gate: \"%d\" } }\n"

static struct stage stage;
static struct vendor vendor;
static int gate[2];

static void open_all(void (*serve)(struct vendor_side *side))
{
    vendor = (struct vendor){.serve = serve};
    vendor_start(&vendor);
    CU_ASSERT_FATAL(pipe(gate) == 0);
    stage_open(&stage);
    stage_run(&stage, LOOPS, PROVIDERS, vendor.port, gate[0]);
}

static void close_all(void)
{
    stage_stop(&stage);
    CU_ASSERT(stage_broken(&stage) == 0);
    CU_ASSERT(stage_logged(&stage, "'created'") == stage_logged(&stage, "'destroyed'"));
    CU_ASSERT(stage_logged(&stage, "plugin_holds_on") == 0);
    vendor_stop(&vendor);
    stage_close(&stage);
    close(gate[0]);
    close(gate[1]);
}

static void init_all(struct asked *all, const char *model)
{
    for (unsigned i = 0; i < FIRST_CALLS; i++) {
        asked_init(&all[i], &stage, model, true);
        all[i].loop = i % LOOPS;
    }
}

/* How many ended so, once they all have. */
static unsigned count_ends(struct asked *all, harborai_status want)
{
    unsigned count = 0;
    for (unsigned i = 0; i < FIRST_CALLS; i++) {
        CU_ASSERT_FATAL(stage_wait(&stage, &all[i].ends, 1));
        count += all[i].error.code == want;
        asked_release(&all[i]);
    }
    return count;
}

/* --- The first calls of a plugin ------------------------------------------------------------------ */

static const struct {
    const char *name, *model, *labels;
    harborai_status want;
    unsigned created;
    int64_t loads, failures;
} firsts[] = {
    {"a plugin that serves", "rogue/r-finish-twice",
     "{plugin=\"test.rogue\",provider=\"rogue\"", HARBORAI_OK, 1, 1, 0},
    {"a plugin that cannot be created", "create-fails/create-fails-model",
     "{plugin=\"test.create-fails\",provider=\"create-fails\"", HARBORAI_E_CONFIG, 0, 0, 1},
    {"a plugin that takes its time", "slow/slow-model",
     "{plugin=\"test.slow\",provider=\"slow\"", HARBORAI_E_UNSUPPORTED, 1, 1, 0},
};

/* 32 calls on 8 loops that all find their plugin cold: one load, one create(), 32 answers. */
static void test_first_calls(void)
{
    for (size_t i = 0; i < ARRAY_LEN(firsts); i++) {
        static struct asked all[FIRST_CALLS];
        open_all(NULL);
        init_all(all, firsts[i].model);
        for (unsigned j = 0; j < FIRST_CALLS; j++)
            asked_start(&all[j]);
        stage_start(&stage); /* now */
        CU_ASSERT(write(gate[1], "xx", 2) == 2); /* a second create() would not block the test */
        ROW(firsts[i].name, count_ends(all, firsts[i].want) == FIRST_CALLS);
        ROW(firsts[i].name, stage_logged(&stage, "'created'") == firsts[i].created);
        char series[160];
        snprintf(series, sizeof series, "harborai_plugin_loads_total%s}", firsts[i].labels);
        ROW(firsts[i].name, stage_metric(&stage, series) == firsts[i].loads);
        snprintf(series, sizeof series, "harborai_plugin_load_failures_total%s,stage=\"create\"}",
                 firsts[i].labels);
        ROW(firsts[i].name, stage_metric(&stage, series) == firsts[i].failures);
        close_all();
    }
}

/* --- The end -------------------------------------------------------------------------------------- */

static void serve_half(struct vendor_side *side)
{
    (void)vendor_request(side);
    vendor_stream(side);
    vendor_text(side, "half");
    vendor_wait_close(side);
}

static const char *const broken_off[] = {"rogue/r-sse", "rogue/r-wait", "rogue/r-polite",
                                         "rogue/r-wake-for-ever"};

/* Calls that would never end by themselves end with the runtime, each on record. */
static void test_stop_under_calls(void)
{
    for (size_t i = 0; i < ARRAY_LEN(broken_off); i++) {
        static struct asked all[FIRST_CALLS];
        bool has_chunks = strcmp(broken_off[i], "rogue/r-wake-for-ever") != 0;
        open_all(serve_half);
        init_all(all, broken_off[i]);
        stage_start(&stage);
        for (unsigned j = 0; j < FIRST_CALLS; j++) {
            all[j].is_slow = true;
            asked_start(&all[j]);
        }
        for (unsigned j = 0; j < FIRST_CALLS && has_chunks; j++)
            ROW(broken_off[i], stage_wait(&stage, &all[j].chunks, 1));
        runtime_stop(stage.runtime);
        ROW(broken_off[i], count_ends(all, HARBORAI_E_CANCELLED) == FIRST_CALLS);
        ROW(broken_off[i], stage_recorded(&stage, "\"type\":\"end\"") == FIRST_CALLS);
        close_all();
    }
}

/* Without a call nothing is loaded, and there is nothing to wait for. */
static void test_nothing(void)
{
    for (int with_threads = 0; with_threads < 2; with_threads++) {
        open_all(NULL);
        if (with_threads)
            stage_start(&stage);
        CU_ASSERT(stage_metric(&stage, "harborai_plugin_loads_total{plugin=\"test.rogue\","
                                       "provider=\"rogue\"}") == 0);
        close_all();
    }
}

const CU_TestInfo runtime_tests[] = {{"32 first calls of a cold plugin", test_first_calls},
                                     {"the end under calls", test_stop_under_calls},
                                     {"the end of nothing", test_nothing},
                                     CU_TEST_INFO_NULL};
