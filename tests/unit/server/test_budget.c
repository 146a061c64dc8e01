/* SPDX-License-Identifier: MIT */
/* How much there is, and how it is counted. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../unit.h"
#include "base/buf.h"
#include "base/limits.h"
#include "server/budget.h"

extern const CU_TestInfo budget_tests[];

static void test_count(void)
{
    struct budget b;
    budget_init(&b, 100);
    CU_ASSERT(budget_charge(&b, 60) && !budget_charge(&b, 41) && budget_charge(&b, 40));
    CU_ASSERT(!budget_charge(&b, 1) && !budget_charge(&b, SIZE_MAX));
    budget_release(&b, 40);
    CU_ASSERT(budget_charge(&b, 40) && atomic_load(&b.used) == 100);
    CU_ASSERT(budget_fits(&b, 0) && !budget_fits(&b, 1) && !budget_fits(&b, SIZE_MAX));
    budget_add(&b, 5); /* which is never refused */
    CU_ASSERT(!budget_fits(&b, 0) && !budget_charge(&b, 0) && atomic_load(&b.used) == 105);
    budget_release(&b, 10);
    CU_ASSERT(budget_fits(&b, 5) && !budget_fits(&b, 6));
}

/* --- Control groups --------------------------------------------------------------------------- */

static char place[] = "/tmp/harborai-budget-XXXXXX";

static void put(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", place, name);
    FILE *file = fopen(path, "w");
    CU_ASSERT_FATAL(file != NULL);
    fputs(text, file);
    fclose(file);
}

static const char *const folders[] = {"", "/a", "/a/b", "/memory", "/memory/a"};
static const char *const files[] = {"memory.max", "a/memory.max", "a/b/memory.max",
                                    "memory/memory.limit_in_bytes",
                                    "memory/a/memory.limit_in_bytes", "cgroup"};

static void make_folders(void)
{
    memcpy(place + sizeof place - 7, "XXXXXX", 6);
    CU_ASSERT_FATAL(mkdtemp(place) != NULL);
    for (size_t i = 1; i < ARRAY_LEN(folders); i++) {
        char path[256];
        snprintf(path, sizeof path, "%s%s", place, folders[i]);
        CU_ASSERT_FATAL(mkdir(path, 0700) == 0);
    }
}

static void remove_folders(void)
{
    char path[256];
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        snprintf(path, sizeof path, "%s/%s", place, files[i]);
        unlink(path);
    }
    for (size_t i = ARRAY_LEN(folders); i-- > 0;) {
        snprintf(path, sizeof path, "%s%s", place, folders[i]);
        rmdir(path);
    }
}

static const struct row {
    const char *name, *cgroup;
    const char *text[5]; /* of `files`, in their order */
    uint64_t want; /* 0: the machine's */
} rows[] = {
    {"none", "", {NULL}, 0},
    {"v2", "0::/a/b\n", {NULL, "9000\n", "5000\n"}, 5000},
    {"v2, the group above", "0::/a/b\n", {NULL, "3000\n", "max\n"}, 3000},
    {"v2, no limit", "0::/a/b\n", {NULL, "max\n", "max\n"}, 0},
    {"v2, container", "0::/\n", {"7000\n"}, 7000},
    {"v1", "9:cpu:/\n4:memory:/a\n0::/\n", {NULL, NULL, NULL, "8000\n", "6000\n"}, 6000},
    {"v1, path from outside", "4:memory:/docker/x\n", {NULL, NULL, NULL, "8000\n"}, 8000},
    {"v1, no limit", "4:memory:/a\n", {NULL, NULL, NULL, NULL, "9223372036854771712\n"}, 0},
    {"nonsense", "::\nx\n0:\n0::\n", {"-5\n"}, 0},
};

static void test_memory(void)
{
    uint64_t machine = budget_memory("/nonexistent", "/nonexistent");
    CU_ASSERT(machine > MIB(64));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char path[64];
        make_folders();
        put("cgroup", rows[i].cgroup);
        for (size_t n = 0; n < ARRAY_LEN(rows[i].text); n++)
            if (rows[i].text[n] != NULL)
                put(files[n], rows[i].text[n]);
        snprintf(path, sizeof path, "%s/cgroup", place);
        uint64_t got = budget_memory(path, place);
        ROW(rows[i].name, got == (rows[i].want > 0 ? rows[i].want : machine));
        remove_folders();
    }
}

const CU_TestInfo budget_tests[] = {
    {"count", test_count},
    {"memory", test_memory},
    CU_TEST_INFO_NULL,
};
