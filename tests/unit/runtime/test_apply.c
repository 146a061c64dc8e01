/* SPDX-License-Identifier: MIT */
/* The configuration is replaced under calls: none of them notices, and what nobody uses any more
 * goes. */
#include <string.h>

#include "../engine/stage.h"
#include "../engine/vendor.h"
#include "../unit.h"

extern const CU_TestInfo apply_tests[];

enum { LOOPS = 4, STAYING = 200, RESTLESS = 2, APPLICATIONS = 1000 };

/* A number that differs makes another provider; `keep` is the same in each. */
#define PROVIDERS                                                                                  \
    "providers:\n"                                                                                 \
    "  keep: { plugin: openai, base_url: \"http://127.0.0.1:%d\", api_key: none, models: [\"k*\"] }\n" \
    "  lab: { plugin: openai, base_url: \"http://127.0.0.1:%d\", api_key: none, models: [\"m*\"],\n" \
    "         timeouts: { idle: %ds } }\n"                                                         \
    "  rogue: { base_url: \"http://127.0.0.1:%d\", timeouts: { idle: %ds } }\n"

static struct stage stage;
static struct vendor vendor;
static atomic_int wrong, restless_ends, leave;

/* A request that says "stay" is answered to its end only when everything has been replaced. */
static void serve(struct vendor_side *side)
{
    for (const char *request; (request = vendor_request(side)) != NULL;) {
        if (strstr(request, "\"stay\"") == NULL) {
            vendor_answer(side, "\"stream\":true");
            continue;
        }
        vendor_stream(side);
        vendor_text(side, "first");
        for (int step = 1 + side->index % 100; step < APPLICATIONS; step += 100) {
            vendor_wait_step(side, step);
            vendor_text(side, "more");
        }
        vendor_wait_step(side, APPLICATIONS);
        vendor_text(side, "last");
        vendor_finish(side, "stop");
        vendor_done(side);
    }
}

static void open_all(unsigned loops)
{
    vendor = (struct vendor){.serve = serve};
    vendor_start(&vendor);
    stage_open(&stage);
    stage_run(&stage, loops, PROVIDERS, vendor.port, vendor.port, 100, vendor.port, 100);
    stage_start(&stage);
}

static void close_all(void)
{
    stage_stop(&stage);
    CU_ASSERT(stage_broken(&stage) == 0);
    CU_ASSERT(stage_logged(&stage, "plugin_holds_on") == 0);
    vendor_stop(&vendor);
    stage_close(&stage);
}

static harborai_status apply(int number)
{
    char text[1024];
    snprintf(text, sizeof text, PROVIDERS, vendor.port, vendor.port, 100 + number, vendor.port,
             100 + number);
    return stage_apply(&stage, text);
}

/* --- Calls in flight ---------------------------------------------------------------------------- */

static void begin_staying(struct asked *all)
{
    static const char *const models[] = {"keep/k", "lab/m", "rogue/r-sse"};
    for (unsigned i = 0; i < STAYING; i++) {
        asked_init(&all[i], &stage, models[i % ARRAY_LEN(models)], true);
        asked_body(&all[i], "{\"model\":\"%s\",\"stream\":true,\"messages\":[{\"role\":\"user\","
                            "\"content\":\"stay\"}]}", models[i % ARRAY_LEN(models)]);
        all[i].loop = i % LOOPS;
        asked_start(&all[i]);
    }
    for (unsigned i = 0; i < STAYING; i++)
        CU_ASSERT_FATAL(stage_wait(&stage, &all[i].chunks, 1));
}

static void end_staying(struct asked *all)
{
    for (unsigned i = 0; i < STAYING; i++) {
        CU_ASSERT_FATAL(stage_wait(&stage, &all[i].ends, 1));
        CU_ASSERT(all[i].error.code == HARBORAI_OK);
        CU_ASSERT(asked_has(&all[i], "first") && asked_has(&all[i], "last"));
        CU_ASSERT(asked_has(&all[i], "\"stop\""));
        asked_release(&all[i]);
    }
}

/* --- Calls that come and go ------------------------------------------------------------------- */

static void on_end(struct asked *a)
{
    if (a->error.code != HARBORAI_OK || !asked_has(a, "\"stop\""))
        atomic_fetch_add(&wrong, 1);
    if (atomic_load(&leave))
        atomic_fetch_add(&restless_ends, 1);
    else
        asked_again(a);
}

static void begin_restless(struct asked *all)
{
    atomic_store(&leave, 0);
    for (unsigned i = 0; i < RESTLESS; i++) {
        asked_init(&all[i], &stage, i & 1 ? "lab/m" : "keep/k", true);
        all[i].loop = i % LOOPS;
        all[i].on_end = on_end;
        asked_start(&all[i]);
    }
}

static void end_restless(struct asked *all)
{
    atomic_store(&leave, 1);
    CU_ASSERT_FATAL(stage_wait(&stage, &restless_ends, RESTLESS));
    for (unsigned i = 0; i < RESTLESS; i++)
        asked_release(&all[i]);
}

/* --- All at once ------------------------------------------------------------------------------ */

/* The first call of a generation of `rogue`, which says of each when it is created and destroyed. */
static void call_once(unsigned loop)
{
    struct asked a;
    asked_init(&a, &stage, "rogue/r-sse", true);
    a.loop = loop;
    CU_ASSERT_FATAL(asked_wait(&a));
    CU_ASSERT(a.error.code == HARBORAI_OK && asked_has(&a, "\"stop\""));
    asked_release(&a);
}

static void test_apply(void)
{
    static struct asked staying[STAYING], restless[RESTLESS];
    open_all(LOOPS);
    begin_staying(staying);
    begin_restless(restless);
    for (int i = 1; i <= APPLICATIONS; i++) {
        CU_ASSERT(apply(i) == HARBORAI_OK);
        call_once((unsigned)i % LOOPS);
        vendor_set_step(&vendor, i);
        if (i == APPLICATIONS / 2) /* all but the first, which has calls, and this one */
            CU_ASSERT(stage_logs(&stage, "destroyed", APPLICATIONS / 2 - 1));
    }
    end_restless(restless);
    end_staying(staying);
    CU_ASSERT(atomic_load(&wrong) == 0);
    CU_ASSERT(stage_logged(&stage, "'created'") == APPLICATIONS + 1);
    /* And the last goes with the runtime. */
    CU_ASSERT(stage_logs(&stage, "'destroyed'", APPLICATIONS));
    stage_stop(&stage);
    CU_ASSERT(stage_logged(&stage, "'destroyed'") == APPLICATIONS + 1);
    close_all();
}

/* --- What is kept --------------------------------------------------------------------------------- */

static const struct {
    const char *name, *yaml;
    harborai_status want;
} refused[] = {
    {"a plugin that is not there", "providers:\n  a: { plugin: none }\n", HARBORAI_E_CONFIG},
    {"an alias to nowhere", "providers:\n  echo: {}\nmodels: { x: nobody/y }\n", HARBORAI_E_CONFIG},
};

/* A configuration that cannot be had leaves everything as it was. */
static void test_refused(void)
{
    open_all(1);
    call_once(0);
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        ROW(refused[i].name, stage_apply(&stage, refused[i].yaml) == refused[i].want);
        call_once(0);
    }
    CU_ASSERT(stage_logged(&stage, "'created'") == 1);
    CU_ASSERT(stage_logged(&stage, "'destroyed'") == 0);
    close_all();
}

/* What only the plugins can tell is told at once, too; what follows from a fault is none. */
static void test_every_fault(void)
{
    static const char *const want[] = {
        "test.yaml:3:3: providers.a: no plugin 'none' can be used",
        "test.yaml:5:3: providers.b: no plugin 'neither' can be used",
        "test.yaml:7:3: models.y: the model 'echo/y' does not exist",
    };
    AUTO(config_faults) faults;
    harborai_error error = HARBORAI_ERROR_INIT;
    config_faults_init(&faults);
    open_all(1);
    struct config *config = stage_config(&stage,
                                         "providers:\n  a: { plugin: none }\n  echo: { models: [m] }\n"
                                         "  b: { plugin: neither }\nmodels:\n  y: echo/y\n  z: a/z\n",
                                         &error);
    CU_ASSERT_FATAL(config != NULL);
    CU_ASSERT(runtime_apply(stage.runtime, config, &faults, &error) == HARBORAI_E_CONFIG);
    config_destroy(config);
    CU_ASSERT(faults.total == ARRAY_LEN(want) && strstr(error.message, "(and 2 more)") != NULL);
    for (size_t i = 0; i < ARRAY_LEN(want) && i < faults.count; i++) {
        char text[512];
        config_fault_format(&faults.items[i], text, sizeof text);
        ROW(want[i], strstr(text, want[i]) != NULL);
        if (strstr(text, want[i]) == NULL)
            fprintf(stderr, "    said: %s\n", text);
    }
    call_once(0);
    close_all();
}

/* The same configuration again makes nothing anew. */
static void test_same(void)
{
    open_all(2);
    for (int i = 0; i < 5; i++) {
        CU_ASSERT(apply(0) == HARBORAI_OK);
        call_once((unsigned)i & 1);
    }
    CU_ASSERT(stage_logged(&stage, "'created'") == 1);
    CU_ASSERT(stage_logged(&stage, "'destroyed'") == 0);
    close_all();
}

const CU_TestInfo apply_tests[] = {{"1000 times under 200 calls", test_apply},
                                   {"what is refused changes nothing", test_refused},
                                   {"every fault of a configuration", test_every_fault},
                                   {"the same again changes nothing", test_same},
                                   CU_TEST_INFO_NULL};
