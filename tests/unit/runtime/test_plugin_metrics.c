/* SPDX-License-Identifier: MIT */
/* What /metrics says of plugins while they are loaded, replaced, kept and switched off. */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../engine/stage.h"
#include "../unit.h"
#include "churn.h"

extern const CU_TestInfo plugin_metrics_tests[];

#define PROVIDERS                                                                                  \
    "providers:\n"                                                                                 \
    "  good: { api_key: none }\n"                                                                  \
    "  second: { plugin: good, api_key: none }\n"                                                  \
    "  create-fails: {}\n"                                                                         \
    "  rogue: {}\n"                                                                                \
    "  slow: { options: { gate: \"%d\" } }\n"

static struct stage stage;
static int gate[2];

static void open_all(void)
{
    stage_open(&stage);
    CU_ASSERT_FATAL(pipe(gate) == 0);
    churn_install(&stage, "good", "good.so");
    stage_run(&stage, 2, PROVIDERS, gate[0]);
    stage_start(&stage);
}

static void close_all(void)
{
    stage_close(&stage);
    close(gate[0]);
    close(gate[1]);
}

#define GOOD "{plugin=\"test.good\",provider=\"good\""
#define STATE "harborai_plugin_state" GOOD ",state="

/* Series and what they are to be; -1: there is none. */
struct want {
    const char *series;
    int64_t value;
};

static void check(const char *when, const struct want *wants, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int64_t value = stage_metric(&stage, wants[i].series);
        if (value != wants[i].value)
            fprintf(stderr, "\n  %s: %s %lld\n", when, wants[i].series, (long long)value);
        CU_ASSERT(value == wants[i].value);
    }
}
#define CHECK(when, ...)                                                                           \
    check(when, (const struct want[]){__VA_ARGS__},                                                \
          sizeof((const struct want[]){__VA_ARGS__}) / sizeof(struct want))

/* A reload ends with the release of the last call, which its asker does not see. */
static bool comes(const char *series, int64_t value)
{
    for (int i = 0; i < 60000; i++) {
        if (stage_metric(&stage, series) == value)
            return true;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return false;
}

static void test_loads(void)
{
    open_all();
    CHECK("before the first call", {STATE "\"ready\"}", 1}, {STATE "\"serving\"}", 0},
          {STATE "\"disabled\"}", 0}, {"harborai_plugin_loads_total" GOOD "}", 0},
          {"harborai_plugin_calls_in_flight" GOOD "}", 0},
          {"harborai_plugin_callback_seconds_count" GOOD ",callback=\"chat\"}", -1});
    CU_ASSERT(asked_of(&stage, "good/good-large") == HARBORAI_E_UNSUPPORTED);
    CU_ASSERT(asked_of(&stage, "good/good-large") == HARBORAI_E_UNSUPPORTED);
    CU_ASSERT(asked_of(&stage, "create-fails/create-fails-model") == HARBORAI_E_CONFIG);
    CU_ASSERT(comes("harborai_plugin_calls_in_flight" GOOD "}", 0));
    CHECK("after it", {STATE "\"ready\"}", 0}, {STATE "\"serving\"}", 1},
          {"harborai_plugin_loads_total" GOOD "}", 1},
          {"harborai_plugin_load_failures_total" GOOD ",stage=\"create\"}", 0},
          {"harborai_plugin_callback_seconds_count" GOOD ",callback=\"chat\"}", 2},
          {"harborai_plugin_callback_seconds_count" GOOD ",callback=\"create\"}", 1},
          {"harborai_plugin_callback_seconds_count" GOOD ",callback=\"tick\"}", 1},
          {"harborai_plugin_callback_seconds_count" GOOD ",callback=\"on_event\"}", -1},
          {"harborai_plugin_load_failures_total{plugin=\"test.create-fails\","
           "provider=\"create-fails\",stage=\"create\"}", 1},
          {"harborai_plugin_state{plugin=\"test.create-fails\",provider=\"create-fails\","
           "state=\"failed\"}", 1});
    close_all();
}

static void test_replacements(void)
{
    struct churn_order o;
    open_all();
    CU_ASSERT(asked_of(&stage, "good/good-large") == HARBORAI_E_UNSUPPORTED);
    CU_ASSERT(churn_order(&o, &stage, RUNTIME_ORDER_RELOAD, "good") == HARBORAI_OK);
    CU_ASSERT(comes("harborai_plugin_callback_seconds_count" GOOD ",callback=\"destroy\"}", 1));
    CHECK("reloaded", {"harborai_plugin_loads_total" GOOD "}", 2},
          {"harborai_plugin_replacements_total" GOOD ",result=\"replaced\"}", 1},
          {"harborai_plugin_replacements_total" GOOD ",result=\"kept\"}", 0},
          {"harborai_plugin_callback_seconds_count" GOOD ",callback=\"chat\"}", 1},
          {"harborai_plugin_callback_seconds_count" GOOD ",callback=\"drain\"}", 1});
    churn_put(&stage, "good.so", "no object", 9);
    CU_ASSERT(churn_order(&o, &stage, RUNTIME_ORDER_RESCAN, "") == HARBORAI_OK);
    CHECK("kept", {"harborai_plugin_replacements_total" GOOD ",result=\"kept\"}", 1},
          {STATE "\"serving\"}", 1});
    churn_install(&stage, "good", "good.so");
    churn_turn(&stage, "good", false);
    CHECK("switched off", {STATE "\"disabled\"}", 1}, {STATE "\"ready\"}", 0});
    CU_ASSERT(comes(STATE "\"serving\"}", 0));
    close_all();
}

/* Who waits for a plugin holds up no reader, and each state is seen. */
static void test_meanwhile(void)
{
    struct churn_order reload;
    static const char slow[] = "harborai_plugin_state{plugin=\"test.slow\",provider=\"slow\",state=";
    char series[128];
    open_all();
    CU_ASSERT(write(gate[1], "x", 1) == 1);
    CU_ASSERT(asked_of(&stage, "slow/slow-model") == HARBORAI_E_UNSUPPORTED);
    churn_give(&reload, &stage, RUNTIME_ORDER_RELOAD, "slow");
    snprintf(series, sizeof series, "%s\"loading\"}", slow);
    CU_ASSERT(comes(series, 1));
    snprintf(series, sizeof series, "%s\"serving\"}", slow);
    CU_ASSERT(stage_metric(&stage, series) == 1);
    CU_ASSERT(write(gate[1], "x", 1) == 1);
    CU_ASSERT(churn_await(&reload) == HARBORAI_OK);
    close_all();
}

const CU_TestInfo plugin_metrics_tests[] = {{"loads and calls", test_loads},
                                            {"replacements", test_replacements},
                                            {"while a plugin is loaded", test_meanwhile},
                                            CU_TEST_INFO_NULL};
