/* SPDX-License-Identifier: MIT */
#include "store/recovery.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit.h"
#include "base/buf.h"
#include "base/limits.h"
#include "json_value.h"
#include "scratch.h"
#include "store/journal_follow.h"
#include "store/line_check.h"
#include "store/segment.h"

extern const CU_TestInfo recovery_tests[];

#define SEEN_S 1700000000 /* the files' time */
#define NOW_NS INT64_C(1800000000000000000)

static int64_t now_ns(const struct clock *self)
{
    (void)self;
    return NOW_NS;
}

static const struct clock clock_of_test = {now_ns, now_ns};

/* --- Segments -------------------------------------------------------------------------------- */

/* A line a letter: 'b' begin, 'B' one with its call's begin (of 77) and 'e' end, 'a' amend, of the call that the next letter names; 's' the
 * segment's own line, 'S' a seal, 'x' one that is damaged, 't' a torn one. */
static void write_plan(const char *plan, bool checked, struct buf *text)
{
    uint64_t seq = 0;
    for (const char *p = plan; *p != '\0'; p++) {
        AUTO(buf) line = BUF_INIT(KIB(1));
        size_t begin = text->len;
        if (strchr("bBea", *p) != NULL) {
            buf_printf(&line, "{\"type\":\"%s\",\"key\":\"%c\",\"model\":\"m\",\"tags\":{\"a\":\"\\n\"}",
                       *p == 'e' ? "end" : *p == 'a' ? "amend" : "begin", p[1]);
            buf_printf(&line, *p == 'b'   ? ",\"attempt\":%llu,\"begin_ns\":%llu}"
                              : *p == 'B' ? ",\"attempt\":%llu,\"begin_ns\":%llu,\"call_begin_ns\":77}"
                                          : ",\"attempts\":%llu,\"begin_ns\":%llu}",
                       (unsigned long long)seq, (unsigned long long)seq);
            p++;
        } else {
            buf_printf(&line, "{\"type\":\"%s\"}", *p == 'S' ? "seal" : "segment");
        }
        if (checked)
            line_seal(text, buf_slice(&line), seq++);
        else
            buf_add(text, buf_slice(&line));
        if (*p == 'x')
            text->data[begin + 1] = '?';
        if (*p == 't')
            text->len -= 3;
        else
            buf_add_char(text, '\n');
    }
}

static void set_time(int directory, const char *file)
{
    const struct timespec times[2] = {{SEEN_S, 0}, {SEEN_S, 0}};
    CU_ASSERT(utimensat(directory, file, times, 0) == 0);
}

static void add_fault(void *context, const char *segment, uint64_t offset, const char *reason)
{
    (void)segment, (void)offset;
    buf_printf(context, "%s|", reason);
}

static void add_number(struct buf *out, harborai_str line, const char *name)
{
    harborai_str value = json_member(line, slice_of(name));
    buf_printf(out, " %s=%.*s", name, SLICE_ARG(value));
}

/* What stands there: a letter and a key for each line, with the members of those that the recovery
 * wrote; then whether it is over, and what is wrong. */
static void describe(int directory, const char *segment, struct buf *out)
{
    static const char letters[] = "?sbeacS";
    struct journal_position start = {.offset = 0};
    struct journal_follow *follow;
    struct journal_line line;
    enum journal_follow_step step;
    AUTO(buf) faults = BUF_INIT(KIB(64));
    strcpy(start.segment, segment);
    if (journal_follow_open(directory, &start, add_fault, &faults, &follow, NULL) < 0) {
        buf_add(out, HARBORAI_STR("gone"));
        return;
    }
    while ((step = journal_follow_next(follow, &line, NULL)) == JOURNAL_FOLLOW_LINE) {
        harborai_str key = SLICE_NONE;
        bool is_new = json_member(line.text, HARBORAI_STR("recovered_ns")).len > 0;
        (void)json_string_plain(json_member(line.text, HARBORAI_STR("key")), &key);
        buf_printf(out, "%c%.*s", letters[line.kind], SLICE_ARG(key));
        static const char *const members[] = {"tags",  "attempts", "begin_ns", "end_ns",
                                              "recovered_ns", "outcome",  "usage",    "cost"};
        for (size_t i = 0; is_new && i < ARRAY_LEN(members); i++)
            add_number(out, line.text, members[i]);
        if (line.kind == JOURNAL_LINE_SEAL && line.is_checked) {
            add_number(out, line.text, "lines");
            add_number(out, line.text, "ends");
        }
        buf_add_char(out, ';');
    }
    buf_printf(out, "%s %.*s", step == JOURNAL_FOLLOW_OVER ? "over" : "not over", SLICE_ARG(buf_slice(&faults)));
    journal_follow_close(follow);
}

static harborai_status run(int directory, const char *segment, enum recovery *ret_result)
{
    const struct upkeep_tools tools = {.directory = directory, .clock = &clock_of_test};
    return recovery_run(&tools, segment, ret_result, NULL);
}

#define INTERRUPTED(key, attempts, begin)                                                          \
    "e" key " tags={\"a\":\"\\n\"} attempts=" #attempts " begin_ns=" #begin                        \
    " end_ns=1700000000000000000 recovered_ns=1800000000000000000 outcome=\"interrupted\""         \
    " usage=null cost=null;"

/* --- What comes of it ------------------------------------------------------------------------ */

static void test_segments(void)
{
    static const struct row {
        const char *name, *plan;
        bool checked;
        enum recovery result;
        const char *after;
    } rows[] = {
        {"whole", "sbaea", true, RECOVERY_DONE, "s;ba;ea;S lines=3 ends=1;over "},
        {"sealed", "sbaeaS", true, RECOVERY_NOT_NEEDED,
         "s;ba;ea;S lines= ends=;over "},
        {"of an older version", "baea", false, RECOVERY_DONE, "ba;ea;S lines=2 ends=1;over "},
        {"torn", "sbaeat", true, RECOVERY_DONE, "s;ba;ea;S lines=3 ends=1;over "},
        {"cut off", "sba", true, RECOVERY_DONE,
         "s;ba;" INTERRUPTED("a", 1, 1) "S lines=3 ends=1;over "},
        {"cut off and torn", "sbat", true, RECOVERY_DONE,
         "s;ba;" INTERRUPTED("a", 1, 1) "S lines=3 ends=1;over "},
        {"of an older version, cut off and torn", "babbebt", false, RECOVERY_DONE,
         "ba;bb;eb;" INTERRUPTED("a", 0, 0) "S lines=4 ends=2;over "},
        {"several attempts", "sbabbbabaebbc", true, RECOVERY_DONE,
         "s;ba;bb;ba;ba;eb;bc;" INTERRUPTED("a", 4, 1) INTERRUPTED("c", 6, 6)
         "S lines=9 ends=3;over "},
        {"with the call's begin", "sbaBbBb", true, RECOVERY_DONE,
         "s;ba;bb;bb;" INTERRUPTED("a", 1, 1) INTERRUPTED("b", 3, 77) "S lines=6 ends=2;over "},
        {"amended", "sbaeaaa", true, RECOVERY_DONE, "s;ba;ea;aa;S lines=4 ends=1;over "},
        {"damaged", "sbaxea", true, RECOVERY_DONE,
         "s;ba;ea;S lines=4 ends=1;over its checksum does not hold|"},
        {"only a torn line", "t", true, RECOVERY_REMOVED, "gone"},
        {"empty", "", true, RECOVERY_REMOVED, "gone"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct scratch s;
        enum recovery result;
        AUTO(buf) text = BUF_INIT(KIB(64));
        AUTO(buf) after = BUF_INIT(KIB(64));
        scratch_init(&s);
        int directory = scratch_journal(&s);
        write_plan(rows[i].plan, rows[i].checked, &text);
        scratch_write(&s, "1.jsonl", buf_slice(&text));
        set_time(directory, "1.jsonl");
        ROW(rows[i].name, run(directory, "1", &result) == HARBORAI_OK);
        ROW(rows[i].name, result == rows[i].result);
        describe(directory, "1", &after);
        ROW(rows[i].name, slice_is(buf_slice(&after), rows[i].after));
        ROW(rows[i].name, run(directory, "1", &result) == HARBORAI_OK);
        ROW(rows[i].name, result == RECOVERY_NOT_NEEDED);
        close(directory);
        scratch_release(&s);
    }
}

static void test_owner_lives(void)
{
    struct scratch s;
    enum recovery result;
    struct stat now;
    scratch_init(&s);
    int directory = scratch_journal(&s);
    scratch_write(&s, "1.jsonl", HARBORAI_STR("{\"type\":\"begin\",\"key\":\"a\"}\n{\"ty"));
    int owner = openat(directory, "1.jsonl", O_WRONLY | O_CLOEXEC);
    CU_ASSERT(flock(owner, LOCK_EX | LOCK_NB) == 0);
    CU_ASSERT(run(directory, "1", &result) == HARBORAI_OK && result == RECOVERY_LIVE);
    CU_ASSERT(fstat(owner, &now) == 0 && now.st_size == 31);
    close(owner);
    CU_ASSERT(run(directory, "1", &result) == HARBORAI_OK && result == RECOVERY_DONE);
    close(directory);
    scratch_release(&s);
}

/* Recovered, then cut at each byte that the recovery wrote: as a kill there leaves it. */
static void test_killed(void)
{
    struct scratch s;
    enum recovery result;
    static char bytes[KIB(64)];
    AUTO(buf) text = BUF_INIT(KIB(64));
    AUTO(buf) whole = BUF_INIT(KIB(64));
    scratch_init(&s);
    int directory = scratch_journal(&s);
    write_plan("sbabbbct", true, &text);
    scratch_write(&s, "1.jsonl", buf_slice(&text));
    set_time(directory, "1.jsonl");
    CU_ASSERT(run(directory, "1", &result) == HARBORAI_OK && result == RECOVERY_DONE);
    describe(directory, "1", &whole);
    int fd = openat(directory, "1.jsonl", O_RDONLY | O_CLOEXEC);
    ssize_t size = read(fd, bytes, sizeof bytes);
    close(fd);
    size_t before = (size_t)((char *)memrchr(text.data, '\n', text.len) - text.data) + 1;
    for (size_t len = before; len < (size_t)size; len++) {
        AUTO(buf) after = BUF_INIT(KIB(64));
        scratch_write(&s, "1.jsonl", (harborai_str){bytes, len});
        if (memchr(bytes + before, '\n', len - before) == NULL)
            set_time(directory, "1.jsonl"); /* nothing else tells when its process was last seen */
        CU_ASSERT(run(directory, "1", &result) == HARBORAI_OK && result == RECOVERY_DONE);
        describe(directory, "1", &after);
        CU_ASSERT(slice_equal(buf_slice(&after), buf_slice(&whole)));
    }
    close(directory);
    scratch_release(&s);
}

/* Whatever room is left: what is there stays whole, and a second one with room enough does the rest. */
static void test_full_disk(void)
{
    struct rlimit before, limit;
    struct sigaction ignore = {.sa_handler = SIG_IGN}, old;
    sigaction(SIGXFSZ, &ignore, &old);
    CU_ASSERT(getrlimit(RLIMIT_FSIZE, &before) == 0);
    for (size_t room = 0; room < 600; room += 23) {
        struct scratch s;
        enum recovery result;
        AUTO(buf) text = BUF_INIT(KIB(64));
        AUTO(buf) after = BUF_INIT(KIB(64));
        scratch_init(&s);
        int directory = scratch_journal(&s);
        write_plan("sbabbt", true, &text);
        scratch_write(&s, "1.jsonl", buf_slice(&text));
        set_time(directory, "1.jsonl");
        size_t whole = (size_t)((char *)memrchr(text.data, '\n', text.len) - text.data) + 1;
        limit = (struct rlimit){whole + room, before.rlim_max};
        CU_ASSERT(setrlimit(RLIMIT_FSIZE, &limit) == 0);
        CU_ASSERT(run(directory, "1", &result) == HARBORAI_E_INTERNAL);
        CU_ASSERT(setrlimit(RLIMIT_FSIZE, &before) == 0);
        describe(directory, "1", &after);
        CU_ASSERT(slice_is(buf_slice(&after), "s;ba;bb;not over "));
        CU_ASSERT(run(directory, "1", &result) == HARBORAI_OK && result == RECOVERY_DONE);
        close(directory);
        scratch_release(&s);
    }
    sigaction(SIGXFSZ, &old, NULL);
}

/* --- Many at once ---------------------------------------------------------------------------- */

enum { SEGMENTS = 30, RECOVERERS = 8 };

static void recover_all(int directory)
{
    enum recovery result;
    char name[16];
    for (int i = 0; i < SEGMENTS; i++) {
        snprintf(name, sizeof name, "%d", i);
        while (run(directory, name, &result) == HARBORAI_OK && result == RECOVERY_LIVE)
            ;
    }
}

static void test_many_recoverers(void)
{
    struct scratch s;
    AUTO(buf) text = BUF_INIT(KIB(64));
    char name[32];
    pid_t children[RECOVERERS];
    scratch_init(&s);
    int directory = scratch_journal(&s);
    write_plan("sbabbbct", true, &text);
    for (int i = 0; i < SEGMENTS; i++) {
        snprintf(name, sizeof name, "%d.jsonl", i);
        scratch_write(&s, name, buf_slice(&text));
        set_time(directory, name);
    }
    for (int i = 0; i < RECOVERERS; i++)
        if ((children[i] = fork()) == 0) {
            recover_all(directory);
            _exit(0);
        }
    for (int i = 0; i < RECOVERERS; i++)
        CU_ASSERT(waitpid(children[i], NULL, 0) == children[i]);
    for (int i = 0; i < SEGMENTS; i++) {
        AUTO(buf) after = BUF_INIT(KIB(64));
        snprintf(name, sizeof name, "%d", i);
        describe(directory, name, &after);
        ROW(name, slice_is(buf_slice(&after), "s;ba;bb;bc;" INTERRUPTED("a", 1, 1) INTERRUPTED(
                                                  "b", 2, 2) INTERRUPTED("c", 3, 3)
                                              "S lines=7 ends=3;over "));
    }
    close(directory);
    scratch_release(&s);
}

struct maker {
    const struct scratch *s;
    atomic_bool is_done;
    unsigned lost;
};

static void *make_segments(void *argument)
{
    struct maker *maker = argument;
    for (unsigned i = 0; i < 1500; i++) {
        struct segment segment;
        struct stat now;
        CU_ASSERT_FATAL(segment_create(scratch_dir(maker->s), 0, 0, &segment, NULL) == HARBORAI_OK);
        maker->lost += write(segment.fd, "{}\n", 3) != 3 || stat(segment.path, &now) < 0;
        unlink(segment.path);
        segment_close(&segment);
    }
    atomic_store(&maker->is_done, true);
    return NULL;
}

/* A segment is empty, and not locked yet, for a moment: nobody may write to one that was taken away
 * meanwhile. */
static void test_new_segments(void)
{
    struct scratch s;
    struct maker maker = {.s = &s};
    struct journal_list list;
    enum recovery result;
    pthread_t thread;
    scratch_init(&s);
    int directory = scratch_journal(&s);
    CU_ASSERT_FATAL(pthread_create(&thread, NULL, make_segments, &maker) == 0);
    while (!atomic_load(&maker.is_done)) {
        CU_ASSERT_FATAL(journal_list_read(directory, &list, NULL) == HARBORAI_OK);
        for (size_t i = 0; i < list.count; i++)
            (void)run(directory, list.files[i].name, &result);
        journal_list_release(&list);
    }
    pthread_join(thread, NULL);
    CU_ASSERT(maker.lost == 0);
    close(directory);
    scratch_release(&s);
}

/* More calls than a table has at first; those that end make room. */
static void test_many_calls(void)
{
    enum { CALLS = 20000, OPEN = 500 };
    struct scratch s;
    enum recovery result;
    AUTO(buf) text = BUF_INIT(MIB(8));
    AUTO(buf) after = BUF_INIT(MIB(8));
    scratch_init(&s);
    int directory = scratch_journal(&s);
    for (int i = 0; i < CALLS; i++) {
        buf_printf(&text, "{\"type\":\"begin\",\"key\":\"%d\",\"attempt\":1,\"begin_ns\":1}\n", i);
        if (i >= OPEN)
            buf_printf(&text, "{\"type\":\"end\",\"key\":\"%d\"}\n", i - OPEN);
    }
    scratch_write(&s, "1.jsonl", buf_slice(&text));
    CU_ASSERT(run(directory, "1", &result) == HARBORAI_OK && result == RECOVERY_DONE);
    describe(directory, "1", &after);
    buf_add_char(&after, '\0');
    CU_ASSERT(strstr(after.data, "S lines=40000 ends=20000;over ") != NULL);
    unsigned interrupted = 0;
    for (const char *at = after.data; (at = strstr(at, "interrupted")) != NULL; at++)
        interrupted++;
    CU_ASSERT(interrupted == OPEN);
    close(directory);
    scratch_release(&s);
}

static void test_stopped(void)
{
    struct scratch s;
    enum recovery result;
    atomic_bool stop = true;
    AUTO(buf) text = BUF_INIT(MIB(8));
    scratch_init(&s);
    int directory = scratch_journal(&s);
    const struct upkeep_tools tools = {directory, &clock_of_test, NULL, &stop};
    for (int i = 0; i < 10000; i++)
        buf_printf(&text, "{\"type\":\"begin\",\"key\":\"%d\"}\n", i);
    scratch_write(&s, "1.jsonl", buf_slice(&text));
    CU_ASSERT(recovery_run(&tools, "1", &result, NULL) == HARBORAI_OK);
    CU_ASSERT(result == RECOVERY_STOPPED);
    close(directory);
    scratch_release(&s);
}

const CU_TestInfo recovery_tests[] = {{"segments", test_segments},
                                      {"owner lives", test_owner_lives},
                                      {"killed", test_killed},
                                      {"full disk", test_full_disk},
                                      {"many recoverers", test_many_recoverers},
                                      {"new segments", test_new_segments},
                                      {"many calls", test_many_calls},
                                      {"stopped", test_stopped},
                                      CU_TEST_INFO_NULL};
