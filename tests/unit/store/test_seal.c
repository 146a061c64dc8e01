/* SPDX-License-Identifier: MIT */
#include "store/seal.h"

#include <fcntl.h>
#include <sched.h>
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
#include "store/journal_read.h"
#include "store/line_check.h"
#include "store/segment_text.h"

extern const CU_TestInfo seal_tests[];

#define SEEN_S 1700000000

/* A sealed segment of so many calls, each of about 2 KiB. */
static void write_segment(unsigned calls, struct buf *text)
{
    AUTO(buf) line = BUF_INIT(KIB(8));
    uint64_t seq = 0;
    for (unsigned i = 0; i < calls; i++) {
        buf_clear(&line);
        buf_printf(&line, "{\"type\":\"begin\",\"key\":\"%u\",\"begin_ns\":%u}", i, i);
        line_seal(text, buf_slice(&line), seq++);
        buf_clear(&line);
        buf_printf(&line, "\n{\"type\":\"end\",\"key\":\"%u\",\"end_ns\":%u,\"f\":\"%0*u\"}", i, i,
                   (int)(i * 37 % 4000), i * i);
        buf_add_char(text, '\n');
        line_seal(text, slice_from(buf_slice(&line), 1), seq++);
        buf_add_char(text, '\n');
    }
    line_seal(text, HARBORAI_STR("{\"type\":\"seal\"}"), seq);
    buf_add_char(text, '\n');
    CU_ASSERT_FATAL(text->failed == HARBORAI_OK);
}

static void set_time(int directory, const char *file)
{
    const struct timespec times[2] = {{SEEN_S, 0}, {SEEN_S, 0}};
    CU_ASSERT(utimensat(directory, file, times, 0) == 0);
}

static harborai_status run(int directory, enum seal *ret_result)
{
    const struct upkeep_tools tools = {.directory = directory, .clock = &clock_system};
    return seal_compress(&tools, "1", ret_result, NULL);
}

static bool is_there(int directory, const char *file)
{
    return faccessat(directory, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool has_text(int directory, harborai_str want)
{
    struct segment_text text;
    uint64_t size = 0;
    size_t got = 0;
    char *bytes = malloc(want.len);
    if (segment_text_open(&text, directory, HARBORAI_STR("1"), NULL) < 0) {
        free(bytes);
        return false;
    }
    bool is_same = segment_text_size(&text, &size, NULL) == HARBORAI_OK && size == want.len &&
                   segment_text_read(&text, 0, bytes, want.len, &got, NULL) == HARBORAI_OK &&
                   slice_equal((harborai_str){bytes, got}, want);
    segment_text_close(&text);
    free(bytes);
    return is_same;
}

/* --- Compressing ----------------------------------------------------------------------------- */

static void test_compressed(void)
{
    struct scratch s;
    enum seal result;
    struct stat now;
    AUTO(buf) text = BUF_INIT(MIB(8));
    scratch_init(&s);
    int directory = scratch_journal(&s);
    write_segment(2000, &text);
    scratch_write(&s, "1.jsonl", buf_slice(&text));
    set_time(directory, "1.jsonl");
    scratch_write(&s, "1.jsonl.zst.new", HARBORAI_STR("of a killed one"));
    CU_ASSERT(run(directory, &result) == HARBORAI_OK && result == SEAL_DONE);
    CU_ASSERT(!is_there(directory, "1.jsonl") && !is_there(directory, "1.jsonl.zst.new"));
    CU_ASSERT(fstatat(directory, "1.jsonl.zst", &now, 0) == 0 && now.st_mtim.tv_sec == SEEN_S);
    CU_ASSERT((now.st_mode & 07777) == 0600 && (size_t)now.st_size < text.len / 5);
    CU_ASSERT(has_text(directory, buf_slice(&text)));
    CU_ASSERT(run(directory, &result) == HARBORAI_OK && result == SEAL_NOT_NEEDED);
    close(directory);
    scratch_release(&s);
}

static void test_not_needed(void)
{
    struct scratch s;
    enum seal result;
    AUTO(buf) text = BUF_INIT(MIB(8));
    scratch_init(&s);
    int directory = scratch_journal(&s);
    write_segment(3, &text);
    scratch_write(&s, "1.jsonl", slice_cut(buf_slice(&text), 200));
    CU_ASSERT(run(directory, &result) == HARBORAI_OK && result == SEAL_NOT_NEEDED);
    scratch_write(&s, "1.jsonl", buf_slice(&text));
    int owner = openat(directory, "1.jsonl", O_WRONLY | O_CLOEXEC);
    CU_ASSERT(flock(owner, LOCK_EX) == 0);
    CU_ASSERT(run(directory, &result) == HARBORAI_OK && result == SEAL_NOT_NEEDED);
    close(owner);
    CU_ASSERT(is_there(directory, "1.jsonl") && !is_there(directory, "1.jsonl.zst"));
    close(directory);
    scratch_release(&s);
}

/* Killed after the new file has its name: the old one, which goes at last, counts. */
static void test_both(void)
{
    struct scratch s;
    enum seal result;
    AUTO(buf) text = BUF_INIT(MIB(8));
    scratch_init(&s);
    int directory = scratch_journal(&s);
    write_segment(500, &text);
    scratch_write(&s, "1.jsonl", buf_slice(&text));
    CU_ASSERT(run(directory, &result) == HARBORAI_OK && result == SEAL_DONE);
    scratch_write(&s, "1.jsonl", buf_slice(&text));
    CU_ASSERT(run(directory, &result) == HARBORAI_OK && result == SEAL_DONE);
    CU_ASSERT(!is_there(directory, "1.jsonl") && has_text(directory, buf_slice(&text)));
    close(directory);
    scratch_release(&s);
}

static void test_full_disk(void)
{
    struct scratch s;
    enum seal result;
    struct rlimit before, limit;
    struct sigaction ignore = {.sa_handler = SIG_IGN}, old;
    AUTO(buf) text = BUF_INIT(MIB(8));
    scratch_init(&s);
    int directory = scratch_journal(&s);
    write_segment(2000, &text);
    scratch_write(&s, "1.jsonl", buf_slice(&text));
    sigaction(SIGXFSZ, &ignore, &old);
    CU_ASSERT(getrlimit(RLIMIT_FSIZE, &before) == 0);
    for (rlim_t room = 0; room < KIB(60); room += KIB(10)) {
        limit = (struct rlimit){room, before.rlim_max};
        CU_ASSERT(setrlimit(RLIMIT_FSIZE, &limit) == 0);
        CU_ASSERT(run(directory, &result) == HARBORAI_E_INTERNAL);
        CU_ASSERT(setrlimit(RLIMIT_FSIZE, &before) == 0);
        CU_ASSERT(is_there(directory, "1.jsonl") && !is_there(directory, "1.jsonl.zst"));
        CU_ASSERT(!is_there(directory, "1.jsonl.zst.new"));
    }
    sigaction(SIGXFSZ, &old, NULL);
    close(directory);
    scratch_release(&s);
}

static void test_stopped(void)
{
    struct scratch s;
    enum seal result;
    atomic_bool stop = true;
    AUTO(buf) text = BUF_INIT(MIB(8));
    scratch_init(&s);
    int directory = scratch_journal(&s);
    const struct upkeep_tools tools = {directory, &clock_system, NULL, &stop};
    write_segment(20, &text);
    scratch_write(&s, "1.jsonl", buf_slice(&text));
    CU_ASSERT(seal_compress(&tools, "1", &result, NULL) == HARBORAI_OK && result == SEAL_STOPPED);
    CU_ASSERT(is_there(directory, "1.jsonl") && !is_there(directory, "1.jsonl.zst"));
    CU_ASSERT(!is_there(directory, "1.jsonl.zst.new"));
    close(directory);
    scratch_release(&s);
}

/* Wherever SIGKILL comes, the text is there; and who comes next finishes it. */
static void test_killed(void)
{
    struct scratch s;
    enum seal result;
    AUTO(buf) text = BUF_INIT(MIB(8));
    scratch_init(&s);
    int directory = scratch_journal(&s);
    write_segment(2000, &text);
    scratch_write(&s, "1.jsonl", buf_slice(&text));
    for (unsigned i = 0; i < 60; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(run(directory, &result) == HARBORAI_OK ? 0 : 1);
        for (unsigned turn = 0; turn < 40 * i; turn++)
            sched_yield();
        CU_ASSERT(kill(child, SIGKILL) == 0);
        CU_ASSERT(has_text(directory, buf_slice(&text)));
        CU_ASSERT(waitpid(child, NULL, 0) == child);
        CU_ASSERT(has_text(directory, buf_slice(&text)));
        if (!is_there(directory, "1.jsonl"))
            scratch_write(&s, "1.jsonl", buf_slice(&text));
    }
    CU_ASSERT(run(directory, &result) == HARBORAI_OK && result == SEAL_DONE);
    CU_ASSERT(!is_there(directory, "1.jsonl.zst.new") && has_text(directory, buf_slice(&text)));
    close(directory);
    scratch_release(&s);
}

/* --- Reading --------------------------------------------------------------------------------- */

static struct journal_follow *open_at(int directory, const struct journal_position *at)
{
    struct journal_follow *follow;
    CU_ASSERT_FATAL(journal_follow_open(directory, at, NULL, NULL, &follow, NULL) == HARBORAI_OK);
    return follow;
}

/* Begun in the plain file, gone on with in the compressed one; who has it open goes on in the old. */
static void test_followed(void)
{
    struct scratch s;
    enum seal result;
    struct journal_position at = {.segment = "1"};
    struct journal_line line;
    AUTO(buf) text = BUF_INIT(MIB(8));
    scratch_init(&s);
    int directory = scratch_journal(&s);
    write_segment(1000, &text);
    scratch_write(&s, "1.jsonl", buf_slice(&text));
    struct journal_follow *old = open_at(directory, &at);
    for (unsigned i = 0; i < 700; i++)
        CU_ASSERT(journal_follow_next(old, &line, NULL) == JOURNAL_FOLLOW_LINE && line.seq == i);
    at = *journal_follow_position(old);
    CU_ASSERT(run(directory, &result) == HARBORAI_OK && result == SEAL_DONE);
    struct journal_follow *compressed = open_at(directory, &at);
    for (unsigned i = 700; i < 2001; i++) {
        CU_ASSERT(journal_follow_next(old, &line, NULL) == JOURNAL_FOLLOW_LINE && line.seq == i);
        CU_ASSERT(journal_follow_next(compressed, &line, NULL) == JOURNAL_FOLLOW_LINE);
        CU_ASSERT(line.seq == i && line.is_checked);
    }
    CU_ASSERT(journal_follow_next(old, &line, NULL) == JOURNAL_FOLLOW_OVER);
    CU_ASSERT(journal_follow_next(compressed, &line, NULL) == JOURNAL_FOLLOW_OVER);
    journal_follow_close(old);
    journal_follow_close(compressed);
    close(directory);
    scratch_release(&s);
}

static void on_fault(void *context, const char *text)
{
    (void)context;
    ROW(text, false);
}

/* Each call once, the last one first. */
static void check_backwards(const struct scratch *s, unsigned calls)
{
    struct journal_reader *reader;
    struct journal_call call;
    int64_t key;
    CU_ASSERT_FATAL(journal_reader_create(scratch_dir(s), on_fault, NULL, &reader, NULL) ==
                    HARBORAI_OK);
    while (calls-- > 0) {
        CU_ASSERT_FATAL(journal_reader_next(reader, &call));
        CU_ASSERT(json_int64(json_member(call.line, HARBORAI_STR("end_ns")), &key) && key == calls);
        CU_ASSERT(call.state == JOURNAL_CALL_ENDED);
    }
    CU_ASSERT(!journal_reader_next(reader, &call));
    journal_reader_destroy(reader);
}

static void test_read_backwards(void)
{
    struct scratch s;
    enum seal result;
    AUTO(buf) text = BUF_INIT(MIB(8));
    scratch_init(&s);
    int directory = scratch_journal(&s);
    write_segment(2000, &text);
    scratch_write(&s, "1.jsonl", buf_slice(&text));
    check_backwards(&s, 2000);
    CU_ASSERT(run(directory, &result) == HARBORAI_OK && result == SEAL_DONE);
    check_backwards(&s, 2000);
    scratch_write(&s, "1.jsonl", buf_slice(&text));
    check_backwards(&s, 2000);
    close(directory);
    scratch_release(&s);
}

const CU_TestInfo seal_tests[] = {{"compressed", test_compressed},
                                  {"not needed", test_not_needed},
                                  {"both", test_both},
                                  {"full disk", test_full_disk},
                                  {"stopped", test_stopped},
                                  {"killed", test_killed},
                                  {"followed", test_followed},
                                  {"read backwards", test_read_backwards},
                                  CU_TEST_INFO_NULL};
