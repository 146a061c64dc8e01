/* SPDX-License-Identifier: MIT */
#include "store/syncer.h"

#include <errno.h>
#include <stdatomic.h>

#include "../unit.h"
#include "base/clock.h"
#include "scratch.h"

extern const CU_TestInfo syncer_tests[];

#define LATER (60 * NS_PER_S)

struct told {
    atomic_uint count;
    int reason;
    char path[64];
};

static void on_failure(void *context, const char *path, int reason)
{
    struct told *told = context;
    told->reason = reason;
    snprintf(told->path, sizeof told->path, "%s", path);
    told->count++;
}

/* What is noted is done when it is closed, if it was not due before; of a file twice in a round once. */
static void test_close(void)
{
    struct told told = {0};
    struct syncer s = {.on_failure = on_failure, .context = &told};
    uint64_t round = 0, other = 0;
    CU_ASSERT(syncer_note(&s, "/dev/null", false, LATER, &round)); /* it cannot be synced */
    CU_ASSERT(round == 1 && s.files.len == strlen("o/dev/null") + 1);
    CU_ASSERT(syncer_note(&s, "/dev/null", false, LATER, &round));
    CU_ASSERT(s.files.len == strlen("o/dev/null") + 1);
    CU_ASSERT(syncer_note(&s, "/dev/zero", false, LATER, &other));
    CU_ASSERT_EQUAL(told.count, 0);
    CU_ASSERT(syncer_close(&s, 10 * NS_PER_S));
    CU_ASSERT_EQUAL(told.count, 1); /* of several failures the first */
    CU_ASSERT(told.reason == EINVAL && strcmp(told.path, "/dev/null") == 0);
    CU_ASSERT(syncer_close(&s, 0));
}

/* Files that are there, with new names and old ones, and one that is gone: none fails. */
static void test_files(void)
{
    struct scratch scratch;
    struct told told = {0};
    struct syncer s = {.on_failure = on_failure, .context = &told};
    char path[256];
    uint64_t rounds[3] = {0};
    scratch_init(&scratch);
    scratch_write(&scratch, "a.jsonl", HARBORAI_STR("{}\n"));
    snprintf(path, sizeof path, "%.*s/journal/a.jsonl", SLICE_ARG(scratch_dir(&scratch)));
    CU_ASSERT(syncer_note(&s, path, true, 0, &rounds[0]));
    CU_ASSERT(syncer_note(&s, path, false, 0, &rounds[1]));
    CU_ASSERT(syncer_note(&s, "/nowhere/b.jsonl", true, 0, &rounds[2]));
    CU_ASSERT(syncer_close(&s, 10 * NS_PER_S));
    CU_ASSERT_EQUAL(told.count, 0);
    scratch_release(&scratch);
}

const CU_TestInfo syncer_tests[] = {
    {"close", test_close},
    {"files", test_files},
    CU_TEST_INFO_NULL,
};
