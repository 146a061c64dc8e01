/* SPDX-License-Identifier: MIT */
#include "store/journal.h"

#include <dirent.h>
#include <fcntl.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit.h"
#include "base/limits.h"
#include "json_value.h"
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

/* An end line of a call that was not begun: it belongs to the current segment. */
static harborai_status add(struct journal *j, harborai_str line)
{
    return journal_add(j, JOURNAL_END, HARBORAI_STR("k"), line, NULL);
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
        if (seq == 0) {
            CU_ASSERT(slice_starts_with(line, "{\"type\":\"segment\",\"version\":1,\"host\":\""));
        } else if (slice_starts_with(line, "{\"type\":\"seal\",")) {
            harborai_str lost = json_member(line, HARBORAI_STR("lost"));
            buf_printf(&b, "seal %.*s %.*s ", SLICE_ARG(json_member(line, HARBORAI_STR("lines"))),
                       SLICE_ARG(json_member(line, HARBORAI_STR("ends"))));
            if (lost.len > 0)
                buf_printf(&b, "lost %.*s ", SLICE_ARG(lost));
        } else {
            buf_printf(&b, "%.*s} ", (int)(strstr(line.data, ",\"seq\":") - line.data), line.data);
        }
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
    char *path = slice_dup(slice_of(journal_path(&j)));
    char name[64];
    snprintf(name, sizeof name, "/journal/20261121T110445Z-%ld-3.jsonl", (long)getpid());
    CU_ASSERT(slice_ends_with(slice_of(path), name));
    CU_ASSERT(!journal_has_pending(&j));
    CU_ASSERT(journal_commit(&j, NULL) == HARBORAI_OK);
    CU_ASSERT(add(&j, HARBORAI_STR("{\"a\":1}")) == HARBORAI_OK);
    CU_ASSERT(add(&j, HARBORAI_STR("{\"b\":2}")) == HARBORAI_OK);
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
    CU_ASSERT(add(&j, HARBORAI_STR("{\"c\":\n3}")) == HARBORAI_E_INVALID);
    CU_ASSERT(add(&j, HARBORAI_STR("{}")) == HARBORAI_E_INVALID);
    CU_ASSERT(add(&j, HARBORAI_STR("no object")) == HARBORAI_E_INVALID);
    CU_ASSERT(!journal_has_pending(&j));
    CU_ASSERT(add(&j, HARBORAI_STR("{\"c\":3}")) == HARBORAI_OK);
    journal_close(&j);
    text = lines_of(path);
    CU_ASSERT_STRING_EQUAL(text, "{\"a\":1} {\"b\":2} {\"c\":3} seal 4 3 ");
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
    CU_ASSERT(stat(journal_path(&j), &now) == 0 && (now.st_mode & 07777) == 0600);
    CU_ASSERT((fcntl(j.current->segment.fd, F_GETFD) & FD_CLOEXEC) != 0);
    CU_ASSERT((fcntl(j.current->segment.fd, F_GETFL) & O_APPEND) != 0);
    int other = open(journal_path(&j), O_RDONLY | O_CLOEXEC);
    CU_ASSERT(flock(other, LOCK_EX | LOCK_NB) != 0);
    strcat(dir, "/journal");
    CU_ASSERT(stat(dir, &now) == 0 && (now.st_mode & 07777) == 0700);
    char *path = slice_dup(slice_of(journal_path(&j)));
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
    CU_ASSERT(strcmp(journal_path(&a), journal_path(&b)) != 0);
    CU_ASSERT(slice_ends_with(slice_of(journal_path(&b)), "-0-1.jsonl"));
    pid_t child = fork();
    if (child == 0) {
        struct journal c;
        _exit(journal_open(&c, scratch_dir(&s), &fixed, 0, NULL) == HARBORAI_OK &&
                      add(&c, HARBORAI_STR("{\"a\":1}")) == HARBORAI_OK &&
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
    CU_ASSERT(journal_commit(&j, NULL) == HARBORAI_OK && journal_path(&j)[0] == '\0');
    snprintf(dir, sizeof dir, "%s/journal", s.dir);
    snprintf(aside, sizeof aside, "%s/aside", s.dir);
    CU_ASSERT(rename(dir, aside) == 0);
    int fd = open(dir, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CU_ASSERT_FATAL(fd >= 0 && close(fd) == 0);
    CU_ASSERT(add(&j, HARBORAI_STR("{\"a\":1}")) == HARBORAI_OK);
    CU_ASSERT(journal_commit(&j, &error) == HARBORAI_E_INTERNAL && j.counts.failures == 1);
    CU_ASSERT(strstr(error.message, "journal") != NULL);
    CU_ASSERT(unlink(dir) == 0 && rename(aside, dir) == 0);
    CU_ASSERT(journal_commit(&j, NULL) == HARBORAI_OK && j.counts.lines == 2);
    char *path = slice_dup(slice_of(journal_path(&j))), *text = lines_of(path);
    CU_ASSERT_STRING_EQUAL(text, "{\"a\":1} ");
    journal_close(&j);
    free(text);
    free(path);
    scratch_release(&s);
}

/* It may be longer than other lines, and leaves room for the end line behind it. */
static void test_content(void)
{
    static char bytes[LIMIT_JOURNAL_CONTENT];
    struct scratch s;
    struct journal j;
    harborai_str key = HARBORAI_STR("k"), line = {bytes, sizeof bytes - LINE_CHECK_MOST};
    memset(bytes, ' ', sizeof bytes);
    memcpy(bytes, "{\"a\":1", 6);
    bytes[line.len - 1] = '}';
    scratch_init(&s);
    CU_ASSERT_FATAL(journal_open(&j, scratch_dir(&s), &fixed, 0, NULL) == HARBORAI_OK);
    CU_ASSERT_EQUAL(journal_add(&j, JOURNAL_CONTENT, key, line, NULL), HARBORAI_E_MEMORY);
    bytes[--line.len - 1] = '}';
    unsigned lines = 0;
    while (journal_add(&j, JOURNAL_CONTENT, key, line, NULL) == HARBORAI_OK)
        lines++;
    CU_ASSERT_EQUAL(lines, LIMIT_JOURNAL_PENDING / LIMIT_JOURNAL_CONTENT - 1);
    CU_ASSERT(journal_has_room(&j, 0));
    CU_ASSERT(!journal_has_room(&j, LIMIT_JOURNAL_CONTENT));
    j.most_pending = LIMIT_JOURNAL_PENDING_CONTENT;
    CU_ASSERT(journal_has_room(&j, LIMIT_JOURNAL_CONTENT));
    CU_ASSERT_EQUAL(journal_commit(&j, NULL), HARBORAI_OK);
    journal_close(&j);
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
    CU_ASSERT(add(&j, line) == HARBORAI_E_MEMORY);
    long_line[--line.len - 1] = '}';
    unsigned lines = 0;
    CU_ASSERT(!journal_is_full(&j));
    while (add(&j, line) == HARBORAI_OK)
        lines++;
    CU_ASSERT(lines == LIMIT_JOURNAL_PENDING / LIMIT_JOURNAL_LINE - 1); /* room for its own */
    CU_ASSERT(journal_is_full(&j));
    CU_ASSERT(journal_commit(&j, NULL) == HARBORAI_OK);
    CU_ASSERT(j.counts.lines == lines + 1 && !journal_is_full(&j));
    CU_ASSERT(add(&j, HARBORAI_STR("{\"goes\":\"on\"}")) == HARBORAI_OK);
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
        CHECK(add(j, slice_of(line)) == HARBORAI_OK);
        if (journal_commit(j, &error) < 0) {
            failed++;
            CHECK(error.code == HARBORAI_E_INTERNAL && journal_has_pending(j));
            CHECK(strstr(error.message, "File too large") != NULL);
            CHECK(strstr(error.message, journal_path(j)) != NULL);
        }
        CHECK(j->counts.failures == failed && j->counts.bytes <= limit.rlim_cur);
        limit.rlim_cur += step;
    }
    limit.rlim_cur = RLIM_INFINITY;
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    CHECK(failed > 0);
    CHECK(journal_commit(j, NULL) == HARBORAI_OK);
    CHECK(j->counts.lines == 101 && !journal_has_pending(j));
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
        char *text = lines_of(journal_path(&j));
        ROW(rows[i].name, strcmp(text, want) == 0);
        free(text);
        journal_close(&j);
        scratch_release(&s);
    }
}

static void test_dev_full(void)
{
    struct scratch s;
    struct journal j;
    harborai_error error = HARBORAI_ERROR_INIT;
    scratch_init(&s);
    CU_ASSERT_FATAL(journal_open(&j, scratch_dir(&s), &fixed, 0, NULL) == HARBORAI_OK);
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    CU_ASSERT_FATAL(full >= 0 && dup2(full, j.current->segment.fd) >= 0 && close(full) == 0);
    j.current->seq = 7;
    CU_ASSERT(add(&j, HARBORAI_STR("{\"a\":1}")) == HARBORAI_OK);
    CU_ASSERT(journal_commit(&j, &error) == HARBORAI_E_INTERNAL);
    CU_ASSERT(strstr(error.message, "No space left on device; 33 bytes wait") != NULL);
    CU_ASSERT(j.writing.bytes.len == 33);
    CU_ASSERT(j.counts.lines == 0 && j.counts.failures == 1);
    CU_ASSERT(journal_close(&j) == 1);
    scratch_release(&s);
}

/* --- Rotation --------------------------------------------------------------------------------- */

struct moving_clock {
    struct clock clock;
    int64_t now_ns;
    _Atomic int64_t ticks;
};

static int64_t moving_ns(const struct clock *self)
{
    return CONTAINER_OF((uintptr_t)self, struct moving_clock, clock)->now_ns;
}

/* Plays "b1 e1 | …": a begin, end or amend line of call 1, a commit, "s1" its end line given up, and "+" for the next day. All
 * segments, the oldest first, each as lines_of() with a '|' behind it. */
static void play(struct scratch *s, struct moving_clock *clock, uint64_t segment_size,
                 const char *steps, bool is_killed, struct buf *out)
{
    struct journal j;
    struct dirent **names;
    CU_ASSERT_FATAL(journal_open_later(&j, scratch_dir(s), &clock->clock, 0, NULL) == HARBORAI_OK);
    j.segment_size = segment_size;
    for (const char *at = steps; *at != '\0'; at++) {
        enum journal_kind kind = *at == 'b' ? JOURNAL_BEGIN : *at == 'e' ? JOURNAL_END : JOURNAL_AMEND;
        char line[16];
        if (*at == '+')
            clock->now_ns += INT64_C(86400) * NS_PER_S;
        if (*at == '|')
            CU_ASSERT(journal_commit(&j, NULL) == HARBORAI_OK);
        if (*at == 's')
            journal_skip(&j, JOURNAL_END, (harborai_str){at + 1, 1});
        if (strchr("bea", *at) == NULL)
            continue;
        snprintf(line, sizeof line, "{\"%c\":%c}", at[0], at[1]);
        CU_ASSERT(journal_add(&j, kind, (harborai_str){at + 1, 1}, slice_of(line), NULL) == HARBORAI_OK);
        clock->now_ns += NS_PER_S; /* so that names sort as the files were made */
    }
    if (!is_killed)
        CU_ASSERT(journal_close(&j) == 0);
    char path[512];
    snprintf(path, sizeof path, "%s/journal", s->dir);
    int count = scandir(path, &names, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/journal/%s", s->dir, names[i]->d_name);
        if (names[i]->d_name[0] != '.') {
            char *lines = lines_of(path);
            buf_printf(out, "%s|", lines);
            free(lines);
        }
        free(names[i]);
    }
    free(names);
    buf_add_char(out, '\0');
    if (is_killed)
        journal_close(&j);
}

static void test_rotation(void)
{
    static const struct row {
        const char *name;
        bool by_size; /* each commit ends a segment */
        bool is_killed;
        const char *steps, *segments;
    } rows[] = {
        {"one day", false, false, "b1|e1|b2|e2|", "{\"b\":1} {\"e\":1} {\"b\":2} {\"e\":2} seal 5 2 |"},
        {"nothing", false, false, "|+|", ""},
        {"the next day", false, false, "b1e1|+b2e2|",
         "{\"b\":1} {\"e\":1} seal 3 1 |{\"b\":2} {\"e\":2} seal 3 1 |"},
        {"three days later", false, false, "b1e1|+++b2e2|",
         "{\"b\":1} {\"e\":1} seal 3 1 |{\"b\":2} {\"e\":2} seal 3 1 |"},
        {"a call that goes on", false, false, "b1b2|+b3e1|e3e2|",
         "{\"b\":1} {\"b\":2} {\"e\":1} {\"e\":2} seal 5 2 |{\"b\":3} {\"e\":3} seal 3 1 |"},
        {"several attempts", false, false, "b1b1|+b1|b2|e1|e2|",
         "{\"b\":1} {\"b\":1} {\"b\":1} {\"e\":1} seal 5 1 |{\"b\":2} {\"e\":2} seal 3 1 |"},
        {"several segments stay open", false, false, "b1|+b2|+b3|+e1|e2|e3|",
         "{\"b\":1} {\"e\":1} seal 3 1 |{\"b\":2} {\"e\":2} seal 3 1 |"
         "{\"b\":3} {\"e\":3} seal 3 1 |"},
        {"killed", false, true, "b1|+b2e1|", "{\"b\":1} {\"e\":1} seal 3 1 |{\"b\":2} |"},
        {"closed with calls under way", false, false, "b1b2|e1|", "{\"b\":1} {\"b\":2} {\"e\":1} |"},
        {"an amendment before and after", false, false, "b1e1a1|b2e2|+b3|a2|e3|",
         "{\"b\":1} {\"e\":1} {\"a\":1} {\"b\":2} {\"e\":2} seal 6 2 |"
         "{\"b\":3} {\"a\":2} {\"e\":3} seal 4 1 |"},
        {"an end that was given up", false, false, "b1|+b2|s1|e2|",
         "{\"b\":1} seal 2 0 lost 1 |{\"b\":2} {\"e\":2} seal 3 1 |"},
        {"no attempt", false, false, "e1|+e2|", "{\"e\":1} seal 2 1 |{\"e\":2} seal 2 1 |"},
        {"by size", true, false, "b1e1|b2e2|b3|b4|e3|e4|",
         "{\"b\":1} {\"e\":1} seal 3 1 |{\"b\":2} {\"e\":2} seal 3 1 |"
         "{\"b\":3} {\"e\":3} seal 3 1 |{\"b\":4} {\"e\":4} seal 3 1 |"},
        {"not within a commit", true, false, "b1b2b3|e1e2e3|",
         "{\"b\":1} {\"b\":2} {\"b\":3} {\"e\":1} {\"e\":2} {\"e\":3} seal 7 3 |"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct scratch s;
        struct moving_clock clock = {.clock = {moving_ns, moving_ns}, .now_ns = fixed_ns(&fixed)};
        AUTO(buf) segments = BUF_INIT(KIB(64));
        scratch_init(&s);
        play(&s, &clock, rows[i].by_size ? 1 : 0, rows[i].steps, rows[i].is_killed, &segments);
        ROW(rows[i].name, strcmp(segments.data, rows[i].segments) == 0);
        if (strcmp(segments.data, rows[i].segments) != 0)
            fprintf(stderr, "  %s\n  %s\n", segments.data, rows[i].segments);
        scratch_release(&s);
    }
}

/* --- The thread ------------------------------------------------------------------------------- */

static void post(void *context)
{
    sem_post(context);
}

static void await(struct journal *j, sem_t *posted)
{
    while (sem_wait(posted) != 0)
        ;
    journal_finish(j);
}

/* Where the disk is waited for, a commit is over when the thread was there; meanwhile lines are
 * added, and go with the next one. */
static void test_durable(void)
{
    struct scratch s;
    struct journal j;
    sem_t posted;
    scratch_init(&s);
    sem_init(&posted, 0, 0);
    CU_ASSERT_FATAL(journal_open_later(&j, scratch_dir(&s), &fixed, 0, NULL) == HARBORAI_OK);
    j.is_durable = true;
    j.wake = post;
    j.context = &posted;
    CU_ASSERT(journal_commit(&j, NULL) == HARBORAI_OK);
    CU_ASSERT(add(&j, HARBORAI_STR("{\"a\":1}")) == HARBORAI_OK);
    CU_ASSERT(journal_commit(&j, NULL) == HARBORAI_PAUSE);
    CU_ASSERT(journal_commit(&j, NULL) == HARBORAI_PAUSE && j.counts.lines == 0);
    CU_ASSERT(add(&j, HARBORAI_STR("{\"b\":2}")) == HARBORAI_OK);
    await(&j, &posted);
    CU_ASSERT(journal_commit(&j, NULL) == HARBORAI_PAUSE && j.counts.lines == 2);
    await(&j, &posted);
    CU_ASSERT(journal_commit(&j, NULL) == HARBORAI_OK && j.counts.lines == 3);
    CU_ASSERT(!journal_has_pending(&j));
    CU_ASSERT(add(&j, HARBORAI_STR("{\"c\":3}")) == HARBORAI_OK);
    CU_ASSERT(journal_commit(&j, NULL) == HARBORAI_PAUSE);
    CU_ASSERT(add(&j, HARBORAI_STR("{\"d\":4}")) == HARBORAI_OK);
    char path[512];
    CU_ASSERT(journal_close(&j) == 0);
    DIR *listing = NULL;
    snprintf(path, sizeof path, "%s/journal", s.dir);
    CU_ASSERT_FATAL((listing = opendir(path)) != NULL);
    for (struct dirent *entry; (entry = readdir(listing)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/journal/%s", s.dir, entry->d_name);
        char *text = lines_of(path);
        CU_ASSERT_STRING_EQUAL(text, "{\"a\":1} {\"b\":2} {\"c\":3} {\"d\":4} seal 5 4 ");
        free(text);
    }
    closedir(listing);
    sem_destroy(&posted);
    scratch_release(&s);
}

static size_t count_former(const struct journal *j)
{
    size_t count = 0;
    for (const struct list *i = j->former.next; i != &j->former; i = i->next)
        count++;
    return count;
}

/* There is always something that waits for the disk: segments are begun and given up all the same. */
static void test_rotation_while_the_thread_writes(void)
{
    struct scratch s;
    struct journal j;
    sem_t posted;
    scratch_init(&s);
    sem_init(&posted, 0, 0);
    CU_ASSERT_FATAL(journal_open_later(&j, scratch_dir(&s), &fixed, 0, NULL) == HARBORAI_OK);
    j.is_durable = true;
    j.segment_size = 1;
    j.wake = post;
    j.context = &posted;
    for (int i = 0; i < 5; i++) {
        CU_ASSERT(add(&j, HARBORAI_STR("{\"a\":1}")) == HARBORAI_OK);
        if (i > 0)
            await(&j, &posted);
        CU_ASSERT(journal_commit(&j, NULL) == HARBORAI_PAUSE);
        CU_ASSERT(count_former(&j) <= 1);
    }
    await(&j, &posted);
    CU_ASSERT(journal_commit(&j, NULL) == HARBORAI_OK);
    CU_ASSERT_EQUAL(j.counts.segments, 5);
    CU_ASSERT(journal_close(&j) == 0);
    sem_destroy(&posted);
    scratch_release(&s);
}

/* A disk that takes no bytes, and then does: what the thread could not write it writes again. */
static void test_durable_on_a_disk_that_fails(void)
{
    struct scratch s;
    struct journal j;
    sem_t posted;
    harborai_error error = HARBORAI_ERROR_INIT;
    scratch_init(&s);
    sem_init(&posted, 0, 0);
    CU_ASSERT_FATAL(journal_open(&j, scratch_dir(&s), &fixed, 0, NULL) == HARBORAI_OK);
    j.is_durable = true;
    j.wake = post;
    j.context = &posted;
    int good = dup(j.current->segment.fd), full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    CU_ASSERT_FATAL(good >= 0 && full >= 0 && dup2(full, j.current->segment.fd) >= 0);
    for (int i = 0; i < 3; i++) {
        if (i < 2)
            CU_ASSERT(add(&j, HARBORAI_STR("{\"a\":1}")) == HARBORAI_OK);
        CU_ASSERT(journal_commit(&j, &error) == HARBORAI_PAUSE);
        await(&j, &posted);
        if (i == 2)
            break;
        CU_ASSERT(journal_commit(&j, &error) == HARBORAI_E_INTERNAL && journal_has_pending(&j));
        CU_ASSERT(strstr(error.message, "No space left on device") != NULL);
        if (i == 1)
            CU_ASSERT(dup2(good, j.current->segment.fd) >= 0);
    }
    CU_ASSERT(journal_commit(&j, &error) == HARBORAI_PAUSE); /* what was added meanwhile */
    await(&j, &posted);
    CU_ASSERT(journal_commit(&j, &error) == HARBORAI_OK && !journal_has_pending(&j));
    CU_ASSERT(j.counts.lines == 3 && j.counts.failures == 2);
    char *text = lines_of(journal_path(&j));
    CU_ASSERT_STRING_EQUAL(text, "{\"a\":1} {\"a\":1} ");
    free(text);
    close(good);
    close(full);
    CU_ASSERT(journal_close(&j) == 0);
    sem_destroy(&posted);
    scratch_release(&s);
}

/* Each look at it is a second later than the one before: so each write is slow, or none is. */
static int64_t late_ns(const struct clock *self)
{
    struct moving_clock *c = CONTAINER_OF((uintptr_t)self, struct moving_clock, clock);
    return atomic_fetch_add(&c->ticks, 1) * NS_PER_S;
}

static void test_slow(void)
{
    struct scratch s;
    struct journal j;
    sem_t posted;
    struct moving_clock clock = {.clock = {late_ns, fixed_ns}, .now_ns = 0};
    scratch_init(&s);
    sem_init(&posted, 0, 0);
    CU_ASSERT_FATAL(journal_open(&j, scratch_dir(&s), &clock.clock, 0, NULL) == HARBORAI_OK);
    j.wake = post;
    j.context = &posted;
    j.slow_ns = 2 * NS_PER_S;
    CU_ASSERT(add(&j, HARBORAI_STR("{\"a\":1}")) == HARBORAI_OK);
    CU_ASSERT(journal_commit(&j, NULL) == HARBORAI_OK && !j.is_slow);
    j.slow_ns = NS_PER_S / 2;
    CU_ASSERT(add(&j, HARBORAI_STR("{\"a\":1}")) == HARBORAI_OK);
    CU_ASSERT(journal_commit(&j, NULL) == HARBORAI_OK && j.is_slow);
    int quick = 0;
    for (; j.is_slow && quick < 100; quick++) {
        CU_ASSERT(add(&j, HARBORAI_STR("{\"a\":1}")) == HARBORAI_OK);
        CU_ASSERT(journal_commit(&j, NULL) == HARBORAI_PAUSE);
        if (quick == 3) /* one that is slow begins the count anew */
            j.slow_ns = 2 * NS_PER_S;
        await(&j, &posted);
        CU_ASSERT(journal_commit(&j, NULL) == HARBORAI_OK);
    }
    CU_ASSERT(quick > 4 && quick < 100);
    CU_ASSERT(add(&j, HARBORAI_STR("{\"a\":1}")) == HARBORAI_OK);
    CU_ASSERT(journal_commit(&j, NULL) == HARBORAI_OK);
    CU_ASSERT(journal_close(&j) == 0);
    sem_destroy(&posted);
    scratch_release(&s);
}

/* The new segment cannot be made: its lines wait, and so does the seal of the old one. */
static void test_rotation_on_a_disk_that_fails(void)
{
    struct scratch s;
    struct journal j;
    struct moving_clock clock = {.clock = {moving_ns, moving_ns}, .now_ns = fixed_ns(&fixed)};
    char dir[128], aside[128];
    scratch_init(&s);
    CU_ASSERT_FATAL(journal_open(&j, scratch_dir(&s), &clock.clock, 0, NULL) == HARBORAI_OK);
    CU_ASSERT(add(&j, HARBORAI_STR("{\"a\":1}")) == HARBORAI_OK);
    CU_ASSERT(journal_commit(&j, NULL) == HARBORAI_OK);
    char *old = slice_dup(slice_of(journal_path(&j)));
    snprintf(dir, sizeof dir, "%s/journal", s.dir);
    snprintf(aside, sizeof aside, "%s/aside", s.dir);
    CU_ASSERT(rename(dir, aside) == 0);
    int fd = open(dir, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CU_ASSERT_FATAL(fd >= 0 && close(fd) == 0);
    clock.now_ns += INT64_C(86400) * NS_PER_S;
    CU_ASSERT(add(&j, HARBORAI_STR("{\"b\":2}")) == HARBORAI_OK);
    CU_ASSERT(journal_commit(&j, NULL) == HARBORAI_E_INTERNAL);
    CU_ASSERT(journal_commit(&j, NULL) == HARBORAI_E_INTERNAL && journal_has_pending(&j));
    CU_ASSERT(add(&j, HARBORAI_STR("{\"c\":3}")) == HARBORAI_OK);
    CU_ASSERT(unlink(dir) == 0 && rename(aside, dir) == 0);
    CU_ASSERT(journal_commit(&j, NULL) == HARBORAI_OK && list_is_empty(&j.former));
    char *text = lines_of(old);
    CU_ASSERT_STRING_EQUAL(text, "{\"a\":1} seal 2 1 ");
    free(text);
    text = lines_of(journal_path(&j));
    CU_ASSERT_STRING_EQUAL(text, "{\"b\":2} {\"c\":3} ");
    free(text);
    CU_ASSERT(journal_close(&j) == 0);
    free(old);
    scratch_release(&s);
}

const CU_TestInfo journal_tests[] = {
    {"lines are one write each pass", test_lines_are_one_write_each_pass},
    {"modes, lock, empty segment", test_modes_lock_and_an_empty_segment},
    {"no two share a segment", test_no_two_share_a_segment},
    {"what cannot be opened is named", test_what_cannot_be_opened_is_named},
    {"content", test_content},
    {"limits", test_limits},
    {"a full disk loses nothing", test_a_full_disk_loses_nothing},
    {"/dev/full", test_dev_full},
    {"made later", test_made_later},
    {"durable", test_durable},
    {"durable on a disk that fails", test_durable_on_a_disk_that_fails},
    {"rotation while the thread writes", test_rotation_while_the_thread_writes},
    {"slow", test_slow},
    {"rotation", test_rotation},
    {"rotation on a disk that fails", test_rotation_on_a_disk_that_fails},
    CU_TEST_INFO_NULL};
