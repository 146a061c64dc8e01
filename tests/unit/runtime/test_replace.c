/* SPDX-License-Identifier: MIT */
/* A provider that serves is replaced only by one that has been loaded, and waits for no other. */
#include <string.h>
#include <unistd.h>

#include "../engine/stage.h"
#include "../unit.h"

extern const CU_TestInfo replace_tests[];

enum { GATES = 3 };

/* `slow` is created once it has read a byte from the gate of its configuration; without a gate its
 * create() fails. It answers each call with E_UNSUPPORTED. */
#define SLOW "  slow: { options: { gate: \"%d\" }, models: [%s] }\n"
#define ROGUE "  rogue: { timeouts: { idle: %ds } }\n"

static struct stage stage;
static int gates[GATES][2];

static void pass(int gate)
{
    CU_ASSERT(write(gates[gate][1], "x", 1) == 1);
}

/* The first call of `slow` is answered by gate 0. */
static void open_all(void)
{
    stage_open(&stage);
    for (int i = 0; i < GATES; i++)
        CU_ASSERT_FATAL(pipe(gates[i]) == 0);
    stage_run(&stage, 2, "providers:\n" SLOW ROGUE "  create-fails: {}\n", gates[0][0], "old", 100);
    stage_start(&stage);
    pass(0);
}

static void close_all(void)
{
    stage_stop(&stage);
    CU_ASSERT(stage_logged(&stage, "'created'") == stage_logged(&stage, "'destroyed'"));
    CU_ASSERT(stage_logged(&stage, "plugin_holds_on") == 0);
    stage_close(&stage);
    for (int i = 0; i < GATES; i++) {
        close(gates[i][0]);
        close(gates[i][1]);
    }
}

PRINTF(1, 2) static harborai_status apply(const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return stage_apply(&stage, text);
}

/* What takes its time is not missed, and holds up nobody. */
static void test_slow(void)
{
    open_all();
    CU_ASSERT(asked_of(&stage, "slow/old") == HARBORAI_E_UNSUPPORTED);
    CU_ASSERT(asked_of(&stage, "rogue/r-finish-twice") == HARBORAI_OK);
    CU_ASSERT(apply("providers:\n" SLOW ROGUE "models: { alias: slow/new }\n", gates[1][0], "new",
                    101) == HARBORAI_OK);
    CU_ASSERT(stage_logs(&stage, "provider.replaced provider=rogue", 1));
    CU_ASSERT(stage_logs(&stage, "'destroyed'", 1));
    CU_ASSERT(asked_of(&stage, "rogue/r-finish-twice") == HARBORAI_OK);
    CU_ASSERT(asked_of(&stage, "slow/old") == HARBORAI_E_UNSUPPORTED);
    CU_ASSERT(asked_of(&stage, "slow/new") == HARBORAI_E_NOT_FOUND);
    CU_ASSERT(asked_of(&stage, "alias") == HARBORAI_E_NOT_FOUND);
    CU_ASSERT(stage_logged(&stage, "provider.replaced") == 1);
    pass(1);
    CU_ASSERT(stage_logs(&stage, "provider.replaced provider=slow", 1));
    CU_ASSERT(asked_of(&stage, "slow/new") == HARBORAI_E_UNSUPPORTED);
    CU_ASSERT(asked_of(&stage, "alias") == HARBORAI_E_UNSUPPORTED);
    CU_ASSERT(asked_of(&stage, "slow/old") == HARBORAI_E_NOT_FOUND);
    CU_ASSERT(stage_logs(&stage, "'destroyed'", 2));
    close_all();
}

/* One that cannot be created changes nothing; and may be tried again. */
static void test_failure(void)
{
    open_all();
    CU_ASSERT(asked_of(&stage, "slow/old") == HARBORAI_E_UNSUPPORTED);
    for (unsigned i = 1; i <= 2; i++) {
        CU_ASSERT(apply("providers:\n  slow: { models: [new] }\n") == HARBORAI_OK);
        CU_ASSERT(stage_logs(&stage, "provider.kept provider=slow stage=create "
                                     "error='providers.slow: no gate'", i));
        CU_ASSERT(asked_of(&stage, "slow/old") == HARBORAI_E_UNSUPPORTED);
        CU_ASSERT(asked_of(&stage, "slow/new") == HARBORAI_E_NOT_FOUND);
    }
    CU_ASSERT(stage_logged(&stage, "'destroyed'") == 0);
    CU_ASSERT(apply("providers:\n" SLOW, gates[0][0], "old") == HARBORAI_OK); /* as it serves */
    CU_ASSERT(apply("providers:\n" SLOW, gates[1][0], "new") == HARBORAI_OK);
    pass(1);
    CU_ASSERT(stage_logs(&stage, "provider.replaced provider=slow", 1));
    CU_ASSERT(asked_of(&stage, "slow/new") == HARBORAI_E_UNSUPPORTED);
    close_all();
}

static void test_missing_secret(void)
{
    static const char lab[] = "providers:\n  lab: { plugin: openai, base_url: \"http://127.0.0.1:1\", "
                              "models: [m]%s }\n";
    stage_open(&stage);
    stage_run(&stage, 1, lab, ", api_key: none");
    stage_start(&stage);
    CU_ASSERT(asked_of(&stage, "lab/m") == HARBORAI_E_NETWORK);
    CU_ASSERT(apply(lab, "") == HARBORAI_OK);
    CU_ASSERT(stage_logs(&stage, "provider.kept provider=lab stage=create error='provider "
                                 "\\'lab\\' has no api_key", 1));
    CU_ASSERT(asked_of(&stage, "lab/m") == HARBORAI_E_NETWORK);
    stage_close(&stage);
}

/* The newest configuration holds, whatever is still being loaded for one before it. */
static void test_overtaken(void)
{
    open_all();
    CU_ASSERT(asked_of(&stage, "slow/old") == HARBORAI_E_UNSUPPORTED);
    CU_ASSERT(apply("providers:\n" SLOW, gates[1][0], "new") == HARBORAI_OK);
    CU_ASSERT(apply("providers:\n  slow: { plugin: nonesuch }\n") == HARBORAI_E_CONFIG);
    CU_ASSERT(apply("providers:\n" SLOW, gates[1][0], "new") == HARBORAI_OK); /* is awaited already */
    CU_ASSERT(apply("providers:\n" SLOW, gates[2][0], "newest") == HARBORAI_OK);
    pass(2);
    CU_ASSERT(stage_logs(&stage, "provider.replaced provider=slow", 1));
    CU_ASSERT(asked_of(&stage, "slow/newest") == HARBORAI_E_UNSUPPORTED);
    pass(1);
    CU_ASSERT(stage_logs(&stage, "'created'", 3));
    CU_ASSERT(stage_logs(&stage, "'destroyed'", 2));
    CU_ASSERT(asked_of(&stage, "slow/newest") == HARBORAI_E_UNSUPPORTED);
    CU_ASSERT(stage_logged(&stage, "provider.replaced") == 1);
    close_all();
}

/* What serves is wanted again before the one to come was there. */
static void test_turned_back(void)
{
    open_all();
    CU_ASSERT(asked_of(&stage, "slow/old") == HARBORAI_E_UNSUPPORTED);
    CU_ASSERT(apply("providers:\n" SLOW, gates[1][0], "new") == HARBORAI_OK);
    CU_ASSERT(apply("providers:\n" SLOW, gates[0][0], "old") == HARBORAI_OK);
    pass(1);
    CU_ASSERT(stage_logs(&stage, "'destroyed'", 1));
    CU_ASSERT(asked_of(&stage, "slow/old") == HARBORAI_E_UNSUPPORTED);
    CU_ASSERT(stage_logged(&stage, "provider.replaced") == 0);
    CU_ASSERT(apply("providers: {}\n") == HARBORAI_OK);
    CU_ASSERT(asked_of(&stage, "slow/old") == HARBORAI_E_NOT_FOUND);
    CU_ASSERT(stage_logs(&stage, "'destroyed'", 2));
    close_all();
}

/* What nobody has asked yet, or has never served, is replaced at once, and loaded when it is asked. */
static void test_never_served(void)
{
    open_all();
    CU_ASSERT(asked_of(&stage, "create-fails/create-fails-model") == HARBORAI_E_CONFIG);
    CU_ASSERT(apply("providers:\n" SLOW "  create-fails: { models: [x] }\n", gates[1][0], "new") ==
              HARBORAI_OK);
    CU_ASSERT(asked_of(&stage, "slow/old") == HARBORAI_E_NOT_FOUND);
    CU_ASSERT(asked_of(&stage, "create-fails/create-fails-model") == HARBORAI_E_NOT_FOUND);
    CU_ASSERT(asked_of(&stage, "create-fails/x") == HARBORAI_E_CONFIG);
    CU_ASSERT(stage_logged(&stage, "create fails'") == 2 && stage_logged(&stage, "'created'") == 0);
    pass(1);
    CU_ASSERT(asked_of(&stage, "slow/new") == HARBORAI_E_UNSUPPORTED);
    CU_ASSERT(stage_logged(&stage, "provider.replaced") == 0);
    CU_ASSERT(stage_logged(&stage, "provider.kept") == 0);
    close_all();
}

/* The end comes while a load is under way, or just when it is over. */
static void test_end(void)
{
    for (int i = 0; i < 20; i++) {
        open_all();
        CU_ASSERT(asked_of(&stage, "slow/old") == HARBORAI_E_UNSUPPORTED);
        CU_ASSERT(apply("providers:\n" SLOW ROGUE, gates[1][0], "new", 100 + i) == HARBORAI_OK);
        pass(1);
        close_all();
    }
}

const CU_TestInfo replace_tests[] = {{"create() takes its time", test_slow},
                                     {"create() fails", test_failure},
                                     {"a secret is missing", test_missing_secret},
                                     {"a newer configuration comes", test_overtaken},
                                     {"the one that serves is wanted again", test_turned_back},
                                     {"it never served", test_never_served},
                                     {"the end comes", test_end},
                                     CU_TEST_INFO_NULL};
