/* SPDX-License-Identifier: MIT */
/* Finishes what a killed process left. Must never touch a segment whose lock it does not hold, nor
 * change a whole line. Memory grows with the calls that are open, not with the segment. */
#include "store/recovery.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/limits.h"
#include "json_scan.h"
#include "json_value.h"
#include "store/journal_follow.h"
#include "store/line_check.h"
#include "store/open_calls.h"
#include "wire/json_write.h"

#define BATCH KIB(256)    /* so much is written at once */
#define MOST_FAULTS 3     /* that are named one by one */
#define LOOK_EVERY 4096   /* lines: whether to stop */
enum { LOCK_TRIES = 5, LOCK_PAUSE_MS = 2 };

struct recovery_state {
    const struct upkeep_tools *tools;
    const char *segment;
    int fd;              /* to append; locked */
    int64_t end_ns;      /* when its process was last seen */
    uint64_t whole;      /* bytes of whole lines */
    uint64_t seq;        /* of the next line */
    uint64_t ends;       /* end lines */
    uint64_t interrupted;
    unsigned faults;
    struct open_calls calls;
    struct buf out;
};

static harborai_status failed(const struct recovery_state *r, const char *what,
                              harborai_error *error)
{
    char why[128];
    return harborai_error_set(error, HARBORAI_E_INTERNAL, "cannot %s segment '%s': %s", what,
                              r->segment, error_of_errno(errno, why));
}

static harborai_status no_memory(harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
}

/* --- The file -------------------------------------------------------------------------------- */

/* Who looks whether it is locked has it for a moment. */
static bool lock_file(int fd)
{
    const struct timespec pause = {0, LOCK_PAUSE_MS * NS_PER_MS};
    for (int i = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; i++) {
        if (errno != EWOULDBLOCK || i == LOCK_TRIES)
            return false;
        nanosleep(&pause, NULL);
    }
    return true;
}

/* Locked, and still the one of that name: then it is nobody else's, and stays so. */
static harborai_status open_file(struct recovery_state *r, enum recovery *ret_result,
                                 struct stat *ret_now, harborai_error *error)
{
    char file[JOURNAL_NAME_MOST + 8];
    snprintf(file, sizeof file, "%s.jsonl", r->segment);
    *ret_result = RECOVERY_NOT_NEEDED;
    r->fd = openat(r->tools->directory, file,
                   O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (r->fd < 0)
        return errno == ENOENT ? HARBORAI_OK : failed(r, "open", error);
    if (!lock_file(r->fd)) {
        *ret_result = RECOVERY_LIVE;
        return errno == EWOULDBLOCK ? HARBORAI_OK : failed(r, "lock", error);
    }
    if (fstat(r->fd, ret_now) < 0 || !S_ISREG(ret_now->st_mode))
        return failed(r, "look at", error);
    bool is_there = ret_now->st_nlink > 0;
    if (is_there && !journal_file_is_sealed(r->fd, (uint64_t)ret_now->st_size))
        *ret_result = RECOVERY_DONE;
    return HARBORAI_OK;
}

/* --- Reading --------------------------------------------------------------------------------- */

static void on_fault(void *context, const char *segment, uint64_t offset, const char *reason)
{
    struct recovery_state *r = context;
    if (r->faults++ < MOST_FAULTS)
        log_write(r->tools->log, LOG_LEVEL_WARN, "journal.line_damaged",
                  "segment=%s byte=%lld error='%s'", segment, (long long)offset, reason);
}

static int64_t number_of(harborai_str line, const char *name)
{
    int64_t number = 0;
    (void)json_int64(json_member(line, slice_of(name)), &number);
    return number;
}

static harborai_status take_begin(struct recovery_state *r, const struct journal_line *line,
                                  harborai_str key, harborai_error *error)
{
    struct open_call *call = open_calls_put(&r->calls, key);
    if (call == NULL)
        return no_memory(error);
    if (call->len == 0)
        call->begin_ns = number_of(line->text, "begin_ns"); /* of older versions that is all there is */
    int64_t begin_ns = number_of(line->text, "call_begin_ns");
    if (begin_ns > 0)
        call->begin_ns = begin_ns;
    call->offset = line->offset;
    call->len = line->text.len;
    return HARBORAI_OK;
}

static void take_end(struct recovery_state *r, const struct journal_line *line, harborai_str key)
{
    open_calls_remove(&r->calls, key);
    r->ends++;
    /* A recovery that was killed wrote it, and changed the file's time. */
    int64_t end_ns = number_of(line->text, "end_ns");
    if (number_of(line->text, "recovered_ns") > 0 && end_ns < r->end_ns)
        r->end_ns = end_ns;
}

static harborai_status take_line(struct recovery_state *r, const struct journal_line *line,
                                 harborai_error *error)
{
    harborai_str key = json_member(line->text, HARBORAI_STR("key"));
    if (key.len > 0 && line->kind == JOURNAL_LINE_BEGIN)
        return take_begin(r, line, key, error);
    if (line->kind == JOURNAL_LINE_END)
        take_end(r, line, key);
    return HARBORAI_OK;
}

static harborai_status read_lines(struct recovery_state *r, struct journal_follow *follow,
                                  enum recovery *ret_result, harborai_error *error)
{
    enum journal_follow_step step = JOURNAL_FOLLOW_LINE;
    harborai_status st = HARBORAI_OK;
    struct journal_line line;
    for (uint64_t i = 1; st == HARBORAI_OK && step == JOURNAL_FOLLOW_LINE; i++) {
        if (i % LOOK_EVERY == 0 && upkeep_is_stopped(r->tools)) {
            *ret_result = RECOVERY_STOPPED;
            return HARBORAI_OK;
        }
        step = journal_follow_next(follow, &line, error);
        if (step == JOURNAL_FOLLOW_FAILED)
            return HARBORAI_E_INTERNAL;
        if (step == JOURNAL_FOLLOW_LINE)
            st = take_line(r, &line, error);
    }
    r->whole = journal_follow_position(follow)->offset;
    r->seq = journal_follow_position(follow)->seq;
    return st;
}

static harborai_status read_segment(struct recovery_state *r, enum recovery *ret_result,
                                    harborai_error *error)
{
    struct journal_position start = {.offset = 0};
    struct journal_follow *follow;
    memcpy(start.segment, r->segment, strlen(r->segment));
    harborai_status st =
        journal_follow_open(r->tools->directory, &start, on_fault, r, &follow, error);
    if (st < 0)
        return st;
    st = read_lines(r, follow, ret_result, error);
    journal_follow_close(follow);
    if (r->faults > MOST_FAULTS)
        log_write(r->tools->log, LOG_LEVEL_WARN, "journal.line_damaged",
                  "segment=%s more=%u", r->segment, r->faults - MOST_FAULTS);
    return st;
}

/* --- Writing --------------------------------------------------------------------------------- */

/* Which line it was: type and key, and nothing of what may stand behind them. */
static void log_cut(const struct recovery_state *r, uint64_t len)
{
    char text[60];
    ssize_t got = pread(r->fd, text, sizeof text, (off_t)r->whole);
    log_write(r->tools->log, LOG_LEVEL_WARN, "journal.torn_line_cut",
              "segment=%s byte=%lld length=%lld begins='%.*s'", r->segment, (long long)r->whole,
              (long long)len, got > 0 ? (int)((uint64_t)got < len ? (uint64_t)got : len) : 0, text);
}

/* The file's time stays, for it says when its process was last seen. */
static harborai_status cut_torn_line(struct recovery_state *r, const struct stat *now,
                                     harborai_error *error)
{
    struct timespec times[2] = {now->st_atim, now->st_mtim};
    if ((uint64_t)now->st_size == r->whole)
        return HARBORAI_OK;
    log_cut(r, (uint64_t)now->st_size - r->whole);
    if (ftruncate(r->fd, (off_t)r->whole) < 0)
        return failed(r, "cut the torn last line of", error);
    (void)futimens(r->fd, times);
    return HARBORAI_OK;
}

/* What does not fit on the disk is taken back, as far as that goes: else the next one cuts it off. */
static harborai_status write_out(struct recovery_state *r, harborai_error *error)
{
    harborai_status st = buf_status(&r->out, error);
    size_t done = 0;
    while (st == HARBORAI_OK && done < r->out.len) {
        ssize_t wrote = write(r->fd, r->out.data + done, r->out.len - done);
        if (wrote > 0)
            done += (size_t)wrote;
        else if (wrote == 0 || errno != EINTR)
            st = failed(r, "write to", error);
    }
    if (st < 0 && done > 0 && ftruncate(r->fd, (off_t)r->whole) < 0)
        return st;
    r->whole += r->out.len;
    buf_clear(&r->out);
    return st;
}

static harborai_status add_line(struct recovery_state *r, harborai_str line, harborai_error *error)
{
    line_seal(&r->out, line, r->seq++);
    buf_add_char(&r->out, '\n');
    return r->out.len < BATCH ? HARBORAI_OK : write_out(r, error);
}

/* The members of the begin line, but for those that an end line has itself. */
static void copy_names(struct json_writer *w, harborai_str begin, bool with_tags)
{
    static const char *const own[] = {"type", "attempt", "begin_ns", "call_begin_ns", "seq",
                                       "crc"};
    struct json_cursor cursor = json_open(begin);
    struct json_member member;
    while (json_object_next(&cursor, &member)) {
        bool is_own = !with_tags && slice_is(member.key, "tags");
        for (size_t i = 0; i < ARRAY_LEN(own); i++)
            is_own = is_own || slice_is(member.key, own[i]);
        if (is_own)
            continue;
        json_write_key(w, member.key); /* keys with escapes are none of ours */
        json_write_raw(w, member.value);
    }
}

static void write_end(const struct recovery_state *r, const struct open_call *call,
                      harborai_str begin, bool with_tags, struct buf *out)
{
    struct json_writer w = JSON_WRITER(out);
    int64_t last_ns = number_of(begin, "begin_ns");
    json_write_object(&w);
    json_write_key_string(&w, "type", HARBORAI_STR("end"));
    copy_names(&w, begin, with_tags);
    json_write_key_int64(&w, "attempts", number_of(begin, "attempt"));
    json_write_key_int64(&w, "begin_ns", call->begin_ns);
    json_write_key_int64(&w, "end_ns", r->end_ns > last_ns ? r->end_ns : last_ns);
    json_write_key_int64(&w, "recovered_ns", clock_wall_ns(r->tools->clock));
    json_write_key_int64(&w, "status", 0);
    json_write_key_string(&w, "outcome", HARBORAI_STR("interrupted"));
    json_write_key(&w, HARBORAI_STR("usage"));
    json_write_null(&w);
    json_write_key(&w, HARBORAI_STR("cost"));
    json_write_null(&w);
    json_write_key_string(&w, "cost_reason", HARBORAI_STR("interrupted"));
    json_write_end(&w);
}

static harborai_status end_call(struct recovery_state *r, const struct open_call *call,
                                harborai_error *error)
{
    AUTO(buf) begin = BUF_INIT(LIMIT_JOURNAL_LINE);
    AUTO(buf) line = BUF_INIT(LIMIT_JOURNAL_LINE - LINE_CHECK_MOST);
    char *room = buf_reserve(&begin, call->len);
    if (room == NULL)
        return no_memory(error);
    if (pread(r->fd, room, call->len, (off_t)call->offset) != (ssize_t)call->len)
        return failed(r, "read", error);
    buf_commit(&begin, call->len);
    write_end(r, call, buf_slice(&begin), true, &line);
    if (line.failed != HARBORAI_OK) {
        buf_clear(&line);
        write_end(r, call, buf_slice(&begin), false, &line);
    }
    harborai_status st = buf_status(&line, error);
    if (st < 0)
        return st;
    r->ends++;
    r->interrupted++;
    return add_line(r, buf_slice(&line), error);
}

static harborai_status write_seal(struct recovery_state *r, harborai_error *error)
{
    char line[160];
    int len = snprintf(line, sizeof line,
                       "{\"type\":\"seal\",\"lines\":%llu,\"ends\":%llu,\"seal_ns\":%lld}",
                       (unsigned long long)r->seq, (unsigned long long)r->ends,
                       (long long)clock_wall_ns(r->tools->clock));
    harborai_status st = add_line(r, (harborai_str){line, (size_t)len}, error);
    if (st == HARBORAI_OK)
        st = write_out(r, error);
    if (st == HARBORAI_OK && fdatasync(r->fd) < 0)
        st = failed(r, "put on the disk", error);
    return st;
}

static harborai_status finish(struct recovery_state *r, const struct stat *now,
                              harborai_error *error)
{
    harborai_status st = cut_torn_line(r, now, error);
    open_calls_sort(&r->calls);
    for (size_t i = 0; i < r->calls.count && st == HARBORAI_OK; i++)
        st = end_call(r, &r->calls.slots[i], error);
    if (st == HARBORAI_OK)
        st = write_seal(r, error);
    if (st == HARBORAI_OK)
        log_write(r->tools->log, LOG_LEVEL_INFO, "journal.segment_recovered",
                  "segment=%s lines=%lld interrupted=%lld", r->segment, (long long)r->seq,
                  (long long)r->interrupted);
    return st;
}

/* No process has it, and none will: whoever makes a segment holds its lock, and looks whether the
 * file is still there. */
static harborai_status remove_empty(struct recovery_state *r, const struct stat *now,
                                    harborai_error *error)
{
    char file[JOURNAL_NAME_MOST + 8];
    snprintf(file, sizeof file, "%s.jsonl", r->segment);
    if (now->st_size > 0)
        log_cut(r, (uint64_t)now->st_size);
    return unlinkat(r->tools->directory, file, 0) == 0 ? HARBORAI_OK : failed(r, "remove", error);
}

static harborai_status recover(struct recovery_state *r, enum recovery *ret_result,
                               harborai_error *error)
{
    struct stat now;
    harborai_status st = open_file(r, ret_result, &now, error);
    if (st < 0 || *ret_result != RECOVERY_DONE)
        return st;
    r->end_ns = now.st_mtim.tv_sec * NS_PER_S + now.st_mtim.tv_nsec;
    st = read_segment(r, ret_result, error);
    if (st < 0 || *ret_result != RECOVERY_DONE)
        return st;
    if (r->whole > 0)
        return finish(r, &now, error);
    *ret_result = RECOVERY_REMOVED;
    return remove_empty(r, &now, error);
}

harborai_status recovery_run(const struct upkeep_tools *tools, const char *segment,
                             enum recovery *ret_result, harborai_error *error)
{
    struct recovery_state r = {.tools = tools, .segment = segment, .fd = -1,
                               .out = BUF_INIT(BATCH + 2 * LIMIT_JOURNAL_LINE)};
    enum recovery result;
    harborai_status st = recover(&r, &result, error);
    if (r.fd >= 0)
        close(r.fd);
    open_calls_release(&r.calls);
    buf_release(&r.out);
    if (st == HARBORAI_OK)
        *ret_result = result;
    return st;
}
