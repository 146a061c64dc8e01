/* SPDX-License-Identifier: MIT */
#include "store/journal.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit.h"
#include "base/limits.h"
#include "scratch.h"
#include "store/line_check.h"

extern const CU_TestInfo journal_tests[];

static int64_t fixed_ns(const struct clock *self)
{
    (void)self;
    return INT64_C(1795259085123) * NS_PER_MS; /* 2026-11-21T11:04:45.123Z */
}
static const struct clock fixed = {fixed_ns, fixed_ns};

/* What stands in a file, NUL-terminated; owned. */
static char *content_of(const char *path)
{
    AUTO(buf) b = BUF_INIT(MIB(8));
    char piece[4096];
    ssize_t got;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    CU_ASSERT_FATAL(fd >= 0);
    while ((got = read(fd, piece, sizeof piece)) > 0)
        buf_add(&b, (harborai_str){piece, (size_t)got});
    close(fd);
    return buf_take(&b);
}

/* The lines of a file as they were added, each with a blank behind it, without the segment's first
 * one; "damaged" and what follows, if their checks or their numbers do not hold. Owned. */
static char *lines_of(const char *path)
{
    AUTO(buf) b = BUF_INIT(MIB(8));
    char *text = content_of(path);
    harborai_str line, rest = slice_of(text);
    uint64_t seq = 0, want = 0;
    while (slice_split(rest, '\n', &line, &rest)) {
        if (line_verify(line, &seq) != LINE_WHOLE || seq != want++) {
            buf_printf(&b, "damaged %.*s", SLICE_ARG(line));
            break;
        }
        if (seq == 0)
            CU_ASSERT(slice_starts_with(line, "{\"type\":\"segment\",\"version\":1,\"host\":\""))
        else
            buf_printf(&b, "%.*s} ", (int)(strstr(line.data, ",\"seq\":") - line.data), line.data);
    }
    free(text);
    return buf_take(&b);
}

static void test_lines_are_one_write_each_pass(void)
{
    struct scratch s;
    struct journal j;
    scratch_init(&s);
    CU_ASSERT_FATAL(journal_open(&j, scratch_dir(&s), &fixed, 3, NULL) == HARBORAI_OK);
    char *path = slice_dup(slice_of(j.segment.path));
    char name[64];
    snprintf(name, sizeof name, "/journal/20261121T110445Z-%ld-3.jsonl", (long)getpid());
    CU_ASSERT(slice_ends_with(slice_of(path), name));
    CU_ASSERT(!journal_has_pending(&j));
    CU_ASSERT(journal_commit(&j, NULL) == HARBORAI_OK);
    CU_ASSERT(journal_add(&j, HARBORAI_STR("{\"a\":1}"), NULL) == HARBORAI_OK);
    CU_ASSERT(journal_add(&j, HARBORAI_STR("{\"b\":2}"), NULL) == HARBORAI_OK);
    char *text = content_of(path);
    CU_ASSERT_STRING_EQUAL(text, "");
    free(text);
    CU_ASSERT(j.counts.lines == 0 && journal_has_pending(&j));
    CU_ASSERT(journal_commit(&j, NULL) == HARBORAI_OK);
    text = content_of(path);
    CU_ASSERT(j.counts.lines == 3 && j.counts.bytes == strlen(text) && j.counts.failures == 0);
    free(text);
    text = lines_of(path);
    CU_ASSERT_STRING_EQUAL(text, "{\"a\":1} {\"b\":2} ");
    free(text);
    CU_ASSERT(journal_add(&j, HARBORAI_STR("{\"c\":\n3}"), NULL) == HARBORAI_E_INVALID);
    CU_ASSERT(journal_add(&j, HARBORAI_STR("{}"), NULL) == HARBORAI_E_INVALID);
    CU_ASSERT(journal_add(&j, HARBORAI_STR("no object"), NULL) == HARBORAI_E_INVALID);
    CU_ASSERT(!journal_has_pending(&j));
    CU_ASSERT(journal_add(&j, HARBORAI_STR("{\"c\":3}"), NULL) == HARBORAI_OK);
    journal_close(&j);
    text = lines_of(path);
    CU_ASSERT_STRING_EQUAL(text, "{\"a\":1} {\"b\":2} {\"c\":3} ");
    free(text);
    free(path);
    journal_close(&j);
    scratch_release(&s);
}

static void test_modes_lock_and_an_empty_segment(void)
{
    struct scratch s;
    struct journal j;
    struct stat now;
    char dir[128];
    scratch_init(&s);
    snprintf(dir, sizeof dir, "%s/a/b/c", s.dir);
    mode_t before = umask(0);
    CU_ASSERT_FATAL(journal_open(&j, slice_of(dir), &fixed, 0, NULL) == HARBORAI_OK);
    umask(before);
    CU_ASSERT(stat(j.segment.path, &now) == 0 && (now.st_mode & 07777) == 0600);
    CU_ASSERT((fcntl(j.segment.fd, F_GETFD) & FD_CLOEXEC) != 0);
    CU_ASSERT((fcntl(j.segment.fd, F_GETFL) & O_APPEND) != 0);
    int other = open(j.segment.path, O_RDONLY | O_CLOEXEC);
    CU_ASSERT(flock(other, LOCK_EX | LOCK_NB) != 0);
    strcat(dir, "/journal");
    CU_ASSERT(stat(dir, &now) == 0 && (now.st_mode & 07777) == 0700);
    char *path = slice_dup(slice_of(j.segment.path));
    journal_close(&j);
    CU_ASSERT(flock(other, LOCK_EX | LOCK_NB) == 0);
    close(other);
    CU_ASSERT(access(path, F_OK) != 0);
    free(path);
    scratch_release(&s);
}

/* The same second, process and loop, twice; and two processes at once. */
static void test_no_two_share_a_segment(void)
{
    struct scratch s;
    struct journal a, b;
    int status = -1;
    scratch_init(&s);
    CU_ASSERT_FATAL(journal_open(&a, scratch_dir(&s), &fixed, 0, NULL) == HARBORAI_OK);
    CU_ASSERT_FATAL(journal_open(&b, scratch_dir(&s), &fixed, 0, NULL) == HARBORAI_OK);
    CU_ASSERT(strcmp(a.segment.path, b.segment.path) != 0);
    CU_ASSERT(slice_ends_with(slice_of(b.segment.path), "-0-1.jsonl"));
    pid_t child = fork();
    if (child == 0) {
        struct journal c;
        _exit(journal_open(&c, scratch_dir(&s), &fixed, 0, NULL) == HARBORAI_OK &&
                      journal_add(&c, HARBORAI_STR("{\"a\":1}"), NULL) == HARBORAI_OK &&
                      journal_commit(&c, NULL) == HARBORAI_OK
                  ? 0
                  : 1);
    }
    CU_ASSERT_FATAL(child > 0 && waitpid(child, &status, 0) == child);
    CU_ASSERT(status == 0);
    journal_close(&a);
    journal_close(&b);
    scratch_release(&s);
}

static void test_what_cannot_be_opened_is_named(void)
{
    struct scratch s;
    struct journal j;
    char dir[128];
    scratch_init(&s);
    scratch_write(&s, "file", HARBORAI_STR("x"));
    snprintf(dir, sizeof dir, "%s/journal/file", s.dir);
    const struct row {
        const char *name, *dir, *message;
    } rows[] = {
        {"a file on the way", dir, "journal/file/journal': Not a directory"},
        {"not writable", "/proc/nowhere", "cannot make directory '/proc/nowhere"},
        {"no name", "", "has no name"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        harborai_error error = HARBORAI_ERROR_INIT;
        ROW(rows[i].name,
            journal_open(&j, slice_of(rows[i].dir), &fixed, 0, &error) == HARBORAI_E_CONFIG);
        ROW(rows[i].name, strstr(error.message, rows[i].message) != NULL);
    }
    scratch_release(&s);
}

/* Its file is made by the first commit that has something; until the disk lets it, lines wait. */
static void test_made_later(void)
{
    struct scratch s;
    struct journal j;
    char dir[128], aside[128];
    harborai_error error = HARBORAI_ERROR_INIT;
    scratch_init(&s);
    CU_ASSERT(journal_open_later(&j, HARBORAI_STR("/proc/nowhere"), &fixed, 0, &error) ==
              HARBORAI_E_CONFIG);
    CU_ASSERT_FATAL(journal_open_later(&j, scratch_dir(&s), &fixed, 0, NULL) == HARBORAI_OK);
    CU_ASSERT(journal_commit(&j, NULL) == HARBORAI_OK && j.segment.path == NULL);
    snprintf(dir, sizeof dir, "%s/journal", s.dir);
    snprintf(aside, sizeof aside, "%s/aside", s.dir);
    CU_ASSERT(rename(dir, aside) == 0);
    int fd = open(dir, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CU_ASSERT_FATAL(fd >= 0 && close(fd) == 0);
    CU_ASSERT(journal_add(&j, HARBORAI_STR("{\"a\":1}"), NULL) == HARBORAI_OK);
    CU_ASSERT(journal_commit(&j, &error) == HARBORAI_E_INTERNAL && j.counts.failures == 1);
    CU_ASSERT(strstr(error.message, "journal") != NULL);
    CU_ASSERT(unlink(dir) == 0 && rename(aside, dir) == 0);
    CU_ASSERT(journal_commit(&j, NULL) == HARBORAI_OK && j.counts.lines == 2);
    char *path = slice_dup(slice_of(j.segment.path)), *text = lines_of(path);
    CU_ASSERT_STRING_EQUAL(text, "{\"a\":1} ");
    journal_close(&j);
    free(text);
    free(path);
    scratch_release(&s);
}

static void test_limits(void)
{
    struct scratch s;
    struct journal j;
    char *long_line = malloc(LIMIT_JOURNAL_LINE);
    CU_ASSERT_FATAL(long_line != NULL);
    memset(long_line, ' ', LIMIT_JOURNAL_LINE);
    memcpy(long_line, "{\"a\":1", 6);
    long_line[LIMIT_JOURNAL_LINE - LINE_CHECK_MOST - 1] = '}';
    scratch_init(&s);
    CU_ASSERT_FATAL(journal_open(&j, scratch_dir(&s), &fixed, 0, NULL) == HARBORAI_OK);
    harborai_str line = {long_line, LIMIT_JOURNAL_LINE - LINE_CHECK_MOST};
    CU_ASSERT(journal_add(&j, line, NULL) == HARBORAI_E_MEMORY);
    long_line[--line.len - 1] = '}';
    unsigned lines = 0;
    CU_ASSERT(!journal_is_full(&j));
    while (journal_add(&j, line, NULL) == HARBORAI_OK)
        lines++;
    CU_ASSERT(lines == LIMIT_JOURNAL_PENDING / LIMIT_JOURNAL_LINE);
    CU_ASSERT(journal_is_full(&j));
    CU_ASSERT(journal_commit(&j, NULL) == HARBORAI_OK);
    CU_ASSERT(j.counts.lines == lines + 1 && !journal_is_full(&j));
    CU_ASSERT(journal_add(&j, HARBORAI_STR("{\"goes\":\"on\"}"), NULL) == HARBORAI_OK);
    journal_close(&j);
    free(long_line);
    scratch_release(&s);
}

/* A limit on the size of files makes writes short, then fail, and is then lifted: what a full disk
 * does. 0 = as it must be; else the line of the failure. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return __LINE__;                                                                       \
    } while (0)

static int on_a_full_disk(struct journal *j, size_t room, size_t step)
{
    struct rlimit limit = {room, RLIM_INFINITY};
    char line[32];
    unsigned failed = 0;
    signal(SIGXFSZ, SIG_IGN);
    for (int i = 0; i < 100; i++) {
        harborai_error error = HARBORAI_ERROR_INIT;
        CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
        snprintf(line, sizeof line, "{\"line\":%d}", i);
        CHECK(journal_add(j, slice_of(line), NULL) == HARBORAI_OK);
        if (journal_commit(j, &error) < 0) {
            failed++;
            CHECK(error.code == HARBORAI_E_INTERNAL && journal_has_pending(j));
            CHECK(strstr(error.message, "File too large") != NULL);
            CHECK(strstr(error.message, j->segment.path) != NULL);
        }
        CHECK(j->counts.failures == failed && j->counts.bytes <= limit.rlim_cur);
        limit.rlim_cur += step;
    }
    limit.rlim_cur = RLIM_INFINITY;
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    CHECK(failed > 0);
    CHECK(journal_commit(j, NULL) == HARBORAI_OK);
    CHECK(j->counts.lines == 101 && j->pending_lines == 0);
    return 0;
}

static void test_a_full_disk_loses_nothing(void)
{
    static const struct row {
        const char *name;
        size_t room, step;
    } rows[] = {{"full at once", 0, 0}, {"in mid-line", 211, 0}, {"grows by a byte", 3, 1},
                {"grows by five", 0, 5}, {"nearly as fast as lines come", 170, 40}};
    char want[100 * 12 + 1] = "";
    for (int i = 0; i < 100; i++)
        snprintf(want + strlen(want), sizeof want - strlen(want), "{\"line\":%d} ", i);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct scratch s;
        struct journal j;
        int status = -1;
        scratch_init(&s);
        CU_ASSERT_FATAL(journal_open(&j, scratch_dir(&s), &fixed, 0, NULL) == HARBORAI_OK);
        pid_t child = fork();
        if (child == 0)
            _exit(on_a_full_disk(&j, rows[i].room, rows[i].step) & 0xff);
        CU_ASSERT_FATAL(child > 0 && waitpid(child, &status, 0) == child);
        if (status != 0)
            fprintf(stderr, "\n  row '%s': line %% 256 = %d\n", rows[i].name, WEXITSTATUS(status));
        ROW(rows[i].name, status == 0);
        char *text = lines_of(j.segment.path);
        ROW(rows[i].name, strcmp(text, want) == 0);
        free(text);
        journal_close(&j);
        scratch_release(&s);
    }
}

static void test_dev_full(void)
{
    struct journal j = {.segment = {.fd = open("/dev/full", O_WRONLY | O_CLOEXEC)},
                        .seq = 7, .pending = BUF_INIT(LIMIT_JOURNAL_PENDING)};
    harborai_error error = HARBORAI_ERROR_INIT;
    j.segment.path = slice_dup(HARBORAI_STR("/dev/full"));
    CU_ASSERT_FATAL(j.segment.fd >= 0);
    CU_ASSERT(journal_add(&j, HARBORAI_STR("{\"a\":1}"), NULL) == HARBORAI_OK);
    CU_ASSERT(journal_commit(&j, &error) == HARBORAI_E_INTERNAL);
    CU_ASSERT(strstr(error.message, "No space left on device; 33 bytes wait") != NULL);
    CU_ASSERT(j.pending.len == 33);
    CU_ASSERT(j.counts.lines == 0 && j.counts.failures == 1);
    close(j.segment.fd); /* not by journal_close(): it would unlink an empty file */
    free(j.segment.path);
    buf_release(&j.pending);
}

const CU_TestInfo journal_tests[] = {
    {"lines are one write each pass", test_lines_are_one_write_each_pass},
    {"modes, lock, empty segment", test_modes_lock_and_an_empty_segment},
    {"no two share a segment", test_no_two_share_a_segment},
    {"what cannot be opened is named", test_what_cannot_be_opened_is_named},
    {"limits", test_limits},
    {"a full disk loses nothing", test_a_full_disk_loses_nothing},
    {"/dev/full", test_dev_full},
    {"made later", test_made_later},
    CU_TEST_INFO_NULL};
