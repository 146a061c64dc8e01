/* SPDX-License-Identifier: MIT */
/* Plugins come, go, fail and are replaced while 8 loops call them; and what of them stays in memory. */
#include <string.h>
#include <time.h>

#include "../engine/stage.h"
#include "../unit.h"
#include "churn.h"

extern const CU_TestInfo churn_tests[];

enum { LOOPS = 8, CALLS = 2 * LOOPS, ROUNDS = 24, RELOADS_FIRST = 10 };
#define GROWTH_MOST KIB(256)

#define PROVIDERS                                                                                  \
    "providers:\n"                                                                                 \
    "  good: { api_key: none }\n"                                                                  \
    "  second: { plugin: good, api_key: none }\n"                                                  \
    "  create-fails: {}\n"                                                                         \
    "  rogue: {}\n"

static struct stage stage;

static void open_all(unsigned loops)
{
    stage_open(&stage);
    churn_install(&stage, "good", "good.so");
    stage_run(&stage, loops, PROVIDERS);
    stage_start(&stage);
}

static void close_all(void)
{
    stage_stop(&stage);
    CU_ASSERT(stage_logged(&stage, "'created'") == stage_logged(&stage, "'destroyed'"));
    CU_ASSERT(stage_logged(&stage, "plugin_holds_on") == 0);
    CU_ASSERT(churn_count_mapped(&stage, "good.so") == 0);
    stage_close(&stage);
}

/* --- Under calls ---------------------------------------------------------------------------------- */

/* Models, and how a call of each may end. */
static const struct {
    const char *model;
    harborai_status always, sometimes;
} kinds[] = {
    {"good/good-large", HARBORAI_E_UNSUPPORTED, HARBORAI_E_UNSUPPORTED},
    {"second/good-small", HARBORAI_E_UNSUPPORTED, HARBORAI_E_NOT_FOUND}, /* is switched off */
    {"create-fails/create-fails-model", HARBORAI_E_CONFIG, HARBORAI_E_CONFIG},
    {"rogue/r-finish-twice", HARBORAI_OK, HARBORAI_OK},
    {"nonesuch/model", HARBORAI_E_NOT_FOUND, HARBORAI_E_NOT_FOUND},
};

static atomic_int wrong, ends, leave, made;

static void on_end(struct asked *a)
{
    size_t i = 0;
    while (strcmp(kinds[i].model, a->model) != 0)
        i++;
    if (a->error.code != kinds[i].always && a->error.code != kinds[i].sometimes &&
        atomic_fetch_add(&wrong, 1) == 0)
        fprintf(stderr, "\n  %s: %s\n", a->model, a->error.message);
    atomic_fetch_add(&made, 1);
    if (atomic_load(&leave))
        atomic_fetch_add(&ends, 1);
    else
        asked_again(a);
}

static void one_round(int round)
{
    struct churn_order rogue, good, list;
    bool is_bad = round % 8 == 7;
    if (is_bad)
        churn_put(&stage, "good.so", "no object", 9);
    else
        churn_install(&stage, "good", "good.so");
    churn_give(&rogue, &stage, RUNTIME_ORDER_RELOAD, "rogue");
    CU_ASSERT(churn_order(&good, &stage, RUNTIME_ORDER_RELOAD, "good") ==
              (is_bad ? HARBORAI_E_CONFIG : HARBORAI_OK));
    CU_ASSERT(churn_await(&rogue) == HARBORAI_OK);
    churn_turn(&stage, "second", round % 2 != 0);
    CU_ASSERT(churn_order(&list, &stage, RUNTIME_ORDER_LIST, "") == HARBORAI_OK);
    runtime_listing_destroy(list.order.listing);
    CU_ASSERT(stage_metric(&stage, "harborai_plugin_state{plugin=\"test.good\",provider=\"good\","
                                   "state=\"serving\"}") == 1);
}

/* 8 loops look up and call while plugins load, fail, are replaced, go and come back; while others read
 * how they fare. */
static void test_under_calls(void)
{
    static struct asked all[CALLS];
    open_all(LOOPS);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) /* what is loaded now is what is replaced */
        (void)asked_of(&stage, kinds[i].model);
    for (unsigned i = 0; i < CALLS; i++) {
        asked_init(&all[i], &stage, kinds[i % ARRAY_LEN(kinds)].model, true);
        all[i].loop = i % LOOPS;
        all[i].on_end = on_end;
        asked_start(&all[i]);
    }
    for (int i = 0; i < ROUNDS; i++)
        one_round(i);
    atomic_store(&leave, 1);
    CU_ASSERT_FATAL(stage_wait(&stage, &ends, CALLS));
    for (unsigned i = 0; i < CALLS; i++)
        asked_release(&all[i]);
    CU_ASSERT(atomic_load(&wrong) == 0);
    CU_ASSERT(atomic_load(&made) > CALLS);
    close_all();
}

/* --- Memory --------------------------------------------------------------------------------------- */

/* Of the whole process. */
static size_t private_dirty(void)
{
    char line[256];
    size_t kib = 0;
    FILE *file = fopen("/proc/self/smaps_rollup", "re");
    CU_ASSERT_FATAL(file != NULL);
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "Private_Dirty:", 14) == 0)
            kib = (size_t)strtoul(line + 14, NULL, 10);
    fclose(file);
    return KIB(kib);
}

/* The object that was before goes within a second of its last call. */
static bool is_alone(void)
{
    for (int ms = 0; ms < 1000; ms++) {
        int count = churn_count_mapped(&stage, "good.so");
        CU_ASSERT(count <= 2);
        if (count == 1)
            return true;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return false;
}

/* The allocators of sanitizers keep what is freed; and what they see, they see in few rounds. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const bool counts_memory = false;
enum { RELOADS = 20 };
#else
static const bool counts_memory = true;
enum { RELOADS = 100 };
#endif

/* Each is another file, with calls before and after: at most two objects at a time, and no more memory
 * after the last than after the first 10. */
static void test_reloads(void)
{
    size_t first = 0;
    open_all(2);
    for (int i = 1; i <= RELOADS; i++) {
        struct churn_order o;
        CU_ASSERT(asked_of(&stage, "good/good-large") == HARBORAI_E_UNSUPPORTED);
        churn_install(&stage, "good", "good.so");
        CU_ASSERT(churn_order(&o, &stage, RUNTIME_ORDER_RELOAD, "good") == HARBORAI_OK);
        CU_ASSERT(is_alone());
        if (i == RELOADS_FIRST)
            first = private_dirty();
    }
    size_t last = private_dirty();
    if (counts_memory && last > first + GROWTH_MOST)
        fprintf(stderr, "\n  Private_Dirty: %zu bytes, then %zu\n", first, last);
    CU_ASSERT(!counts_memory || last <= first + GROWTH_MOST);
    CU_ASSERT(stage_logged(&stage, "provider.replaced provider=good") == RELOADS);
    close_all();
}

const CU_TestInfo churn_tests[] = {{"plugins come and go under calls on 8 loops", test_under_calls},
                                   {"reloads leave nothing behind", test_reloads},
                                   CU_TEST_INFO_NULL};
