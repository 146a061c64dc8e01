/* SPDX-License-Identifier: MIT */
#include "store/upkeep.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../unit.h"
#include "scratch.h"
#include "store/journal_list.h"
#include "store/segment.h"

extern const CU_TestInfo upkeep_tests[];

#define BEGIN "{\"type\":\"begin\",\"key\":\"a\"}\n"
#define SEALED "{\"type\":\"end\",\"key\":\"a\"}\n{\"type\":\"seal\"}\n"
#define DAY_S INT64_C(86400)

static int64_t wall_ns(const struct clock *self)
{
    (void)self;
    return 100 * DAY_S * NS_PER_S;
}

static int64_t monotonic_ns(const struct clock *self)
{
    (void)self;
    return 0;
}

static const struct clock clock_of_test = {monotonic_ns, wall_ns};

static void write_aged(const struct scratch *s, int directory, const char *file, const char *text,
                       int64_t day)
{
    const struct timespec times[2] = {{day * DAY_S, 0}, {day * DAY_S, 0}};
    scratch_write(s, file, slice_of(text));
    CU_ASSERT(utimensat(directory, file, times, 0) == 0);
}

static bool is_there(int directory, const char *file)
{
    return faccessat(directory, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* --- A pass ---------------------------------------------------------------------------------- */

static void test_pass(void)
{
    struct scratch s;
    struct upkeep_result result;
    scratch_init(&s);
    int directory = scratch_journal(&s);
    const struct upkeep_tools tools = {.directory = directory, .clock = &clock_of_test};
    struct upkeep_settings settings = {.compresses = true};
    write_aged(&s, directory, "1.jsonl", SEALED, 80);
    write_aged(&s, directory, "2.jsonl.zst", "whatever", 84);
    write_aged(&s, directory, "3.jsonl", SEALED, 86);
    write_aged(&s, directory, "4.jsonl", BEGIN, 87);
    write_aged(&s, directory, "5.jsonl", BEGIN, 70);
    write_aged(&s, directory, "6.jsonl", "", 70);
    write_aged(&s, directory, "7.txt", "not of the journal", 70);
    int owner = openat(directory, "5.jsonl", O_WRONLY | O_CLOEXEC);
    CU_ASSERT(flock(owner, LOCK_EX) == 0);
    CU_ASSERT(upkeep_pass(&tools, &settings, &result, NULL) == HARBORAI_OK);
    CU_ASSERT(result.recovered == 1 && result.removed == 1 && result.compressed == 3);
    CU_ASSERT(!result.is_unsure && result.next_ns == CLOCK_NEVER_NS);
    CU_ASSERT(is_there(directory, "1.jsonl.zst") && !is_there(directory, "1.jsonl"));
    settings.retention_ns = 15 * DAY_S * NS_PER_S;
    CU_ASSERT(upkeep_pass(&tools, &settings, &result, NULL) == HARBORAI_OK);
    CU_ASSERT(result.removed == 2 && result.recovered == 0 && result.compressed == 0);
    CU_ASSERT(result.next_ns == (86 + 15) * DAY_S * NS_PER_S);
    CU_ASSERT(!is_there(directory, "1.jsonl.zst") && !is_there(directory, "2.jsonl.zst"));
    CU_ASSERT(is_there(directory, "3.jsonl.zst") && is_there(directory, "4.jsonl.zst"));
    CU_ASSERT(is_there(directory, "5.jsonl") && is_there(directory, "7.txt"));
    close(owner);
    close(directory);
    scratch_release(&s);
}

/* What a store does not have stays, however old. */
static void test_stores(void)
{
    static const struct row {
        const char *name, *sqlite, *postgres;
        size_t removed;
    } rows[] = {
        {"no mark", "", "", 0},
        {"only one of them", "3~\n", "", 0},
        {"both", "3~\n", "3~\n", 3},
        {"one is behind", "3~\n", "2\n3~\n", 2},
        {"made later than the mark", "2~\n", "3~\n", 2},
        {"torn", "3~\n", "3~", 0},
        {"torn earlier", "3~\n", "2\n", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct scratch s;
        struct upkeep_result result;
        scratch_init(&s);
        int directory = scratch_journal(&s);
        const struct upkeep_tools tools = {.directory = directory, .clock = &clock_of_test};
        const struct upkeep_settings settings = {.retention_ns = DAY_S * NS_PER_S,
                                                 .stores = RETENTION_SQLITE | RETENTION_POSTGRES};
        write_aged(&s, directory, "1.jsonl", SEALED, 80);
        write_aged(&s, directory, "2.jsonl", SEALED, 80);
        write_aged(&s, directory, "3.jsonl", SEALED, 80);
        if (rows[i].sqlite[0] != '\0')
            scratch_write(&s, "sqlite.copied", slice_of(rows[i].sqlite));
        if (rows[i].postgres[0] != '\0')
            scratch_write(&s, "postgres.copied", slice_of(rows[i].postgres));
        ROW(rows[i].name, upkeep_pass(&tools, &settings, &result, NULL) == HARBORAI_OK);
        ROW(rows[i].name, result.removed == rows[i].removed && result.kept == 3 - rows[i].removed);
        close(directory);
        scratch_release(&s);
    }
}

/* One that cannot be finished keeps nobody from the others. */
static void test_failure(void)
{
    struct scratch s;
    struct upkeep_result result;
    harborai_error error = HARBORAI_ERROR_INIT;
    scratch_init(&s);
    int directory = scratch_journal(&s);
    const struct upkeep_tools tools = {.directory = directory, .clock = &clock_of_test};
    const struct upkeep_settings settings = {.compresses = true};
    scratch_write(&s, "1.jsonl", HARBORAI_STR(SEALED));
    CU_ASSERT(mkdirat(directory, "1.jsonl.zst", 0700) == 0);
    scratch_write(&s, "2.jsonl", HARBORAI_STR(SEALED));
    CU_ASSERT(upkeep_pass(&tools, &settings, &result, &error) == HARBORAI_E_INTERNAL);
    CU_ASSERT(strstr(error.message, "'1.jsonl.zst.new'") != NULL);
    CU_ASSERT(is_there(directory, "1.jsonl") && is_there(directory, "2.jsonl.zst"));
    CU_ASSERT(!is_there(directory, "1.jsonl.zst.new") && !is_there(directory, "2.jsonl"));
    close(directory);
    scratch_release(&s);
}

/* --- The thread ------------------------------------------------------------------------------ */

static struct upkeep *start(const struct scratch *s, bool compresses)
{
    const struct upkeep_settings settings = {.compresses = compresses};
    struct upkeep *upkeep;
    CU_ASSERT_FATAL(upkeep_create(scratch_dir(s), &clock_system, NULL, &settings, &upkeep, NULL) ==
                    HARBORAI_OK);
    return upkeep;
}

/* At most 10 s, which it takes only to fail. */
static bool comes(int directory, const char *file)
{
    const struct timespec pause = {.tv_nsec = 5 * NS_PER_MS};
    for (int i = 0; i < 2000 && !is_there(directory, file); i++)
        nanosleep(&pause, NULL);
    return is_there(directory, file);
}

static void test_woken(void)
{
    struct scratch s;
    struct segment segment;
    scratch_init(&s);
    int directory = scratch_journal(&s);
    scratch_write(&s, "1.jsonl", HARBORAI_STR(BEGIN));
    struct upkeep *upkeep = start(&s, true);
    CU_ASSERT(comes(directory, "1.jsonl.zst"));      /* was there at the start */
    scratch_write(&s, "2.jsonl", HARBORAI_STR(SEALED));
    CU_ASSERT(comes(directory, "2.jsonl.zst"));      /* closed by its process */
    pid_t child = fork();
    if (child == 0) {
        (void)(segment_create(scratch_dir(&s), 0, 3, &segment, NULL) == HARBORAI_OK &&
               write(segment.fd, BEGIN, sizeof BEGIN - 1) > 0);
        kill(getpid(), SIGKILL);
    }
    CU_ASSERT(waitpid(child, NULL, 0) == child);
    char name[96];
    snprintf(name, sizeof name, "19700101T000000Z-%d-3.jsonl.zst", (int)child);
    CU_ASSERT(comes(directory, name));               /* killed */
    upkeep_destroy(upkeep);
    close(directory);
    scratch_release(&s);
}

static void test_new_settings(void)
{
    struct scratch s;
    scratch_init(&s);
    int directory = scratch_journal(&s);
    scratch_write(&s, "1.jsonl", HARBORAI_STR(SEALED));
    scratch_write(&s, "2.jsonl", HARBORAI_STR(BEGIN "torn"));
    struct upkeep *upkeep = start(&s, false);
    const struct upkeep_settings settings = {.compresses = true};
    upkeep_set(upkeep, &settings);
    CU_ASSERT(comes(directory, "1.jsonl.zst") && comes(directory, "2.jsonl.zst"));
    upkeep_destroy(upkeep);
    upkeep_destroy(NULL);
    close(directory);
    scratch_release(&s);
}

/* Several processes look after one directory, and one is killed while it has the lock. */
static void test_several(void)
{
    struct scratch s;
    char file[32];
    scratch_init(&s);
    int directory = scratch_journal(&s);
    int lock = openat(directory, "upkeep.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CU_ASSERT(flock(lock, LOCK_EX) == 0);
    struct upkeep *some[3];
    for (size_t i = 0; i < ARRAY_LEN(some); i++)
        some[i] = start(&s, true);
    for (int i = 0; i < 20; i++) {
        snprintf(file, sizeof file, "%d.jsonl", i);
        scratch_write(&s, file, HARBORAI_STR(BEGIN));
    }
    close(lock);
    for (int i = 0; i < 20; i++) {
        snprintf(file, sizeof file, "%d.jsonl.zst", i);
        CU_ASSERT(comes(directory, file));
    }
    for (size_t i = 0; i < ARRAY_LEN(some); i++)
        upkeep_destroy(some[i]);
    close(directory);
    scratch_release(&s);
}

static void test_no_journal(void)
{
    struct scratch s;
    const struct upkeep_settings settings = {.compresses = true};
    struct upkeep *upkeep;
    scratch_init(&s);
    CU_ASSERT(upkeep_create(scratch_dir(&s), &clock_system, NULL, &settings, &upkeep, NULL) ==
              HARBORAI_E_NOT_FOUND);
    scratch_release(&s);
}

const CU_TestInfo upkeep_tests[] = {{"pass", test_pass},
    {"stores that are behind", test_stores},
                                    {"failure", test_failure},
                                    {"woken", test_woken},
                                    {"new settings", test_new_settings},
                                    {"several", test_several},
                                    {"no journal", test_no_journal},
                                    CU_TEST_INFO_NULL};
