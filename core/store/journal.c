/* SPDX-License-Identifier: MIT */
/* Gathers lines and writes them. Must never write a line twice, lose one that it took, or leave a
 * torn one or a gap between others. */
#include "store/journal.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "store/line_check.h"
#include "wire/json_write.h"

#define HEAD_MOST KIB(1) /* a host's name has at most 64 bytes */

harborai_status journal_open(struct journal *journal, harborai_str state_dir,
                             const struct clock *clock, unsigned loop, harborai_error *error)
{
    struct journal fresh = {.clock = clock, .loop = loop,
                            .pending = BUF_INIT(LIMIT_JOURNAL_PENDING)};
    harborai_status st =
        segment_create(state_dir, clock_wall_ns(clock), loop, &fresh.segment, error);
    if (st < 0)
        return st;
    *journal = fresh;
    return HARBORAI_OK;
}

harborai_status journal_open_later(struct journal *journal, harborai_str state_dir,
                                   const struct clock *clock, unsigned loop, harborai_error *error)
{
    harborai_status st = segment_prepare(state_dir, error);
    if (st < 0)
        return st;
    char *copy = slice_dup(state_dir);
    if (copy == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "out of memory");
    *journal = (struct journal){.segment = {.fd = -1}, .state_dir = copy, .clock = clock,
                                .loop = loop, .pending = BUF_INIT(LIMIT_JOURNAL_PENDING)};
    return HARBORAI_OK;
}

uint64_t journal_close(struct journal *journal)
{
    uint64_t lost = 0;
    if (journal->pending.len > 0 && journal_commit(journal, NULL) < 0)
        lost = journal->pending_lines; /* there is no later */
    journal->pending_lines = 0;
    segment_close(&journal->segment);
    free(take(journal->state_dir));
    buf_release(&journal->pending);
    return lost;
}

/* With what the journal adds, and the first line of a segment. NULL: there is no room. */
static char *reserve(struct journal *journal, size_t len)
{
    char *room = buf_reserve(&journal->pending, len + (journal->seq == 0 ? HEAD_MOST : 0));
    journal->pending.failed = HARBORAI_OK; /* for lack of room, not of what is in it */
    return room;
}

bool journal_has_room(struct journal *journal)
{
    return reserve(journal, LIMIT_JOURNAL_LINE) != NULL;
}

static void add_checked(struct journal *journal, harborai_str line)
{
    line_seal(&journal->pending, line, journal->seq++);
    buf_add_char(&journal->pending, '\n');
    journal->pending_lines++;
}

/* The first line of a segment: where its lines come from. */
static void add_head(struct journal *journal)
{
    char host[65] = "";
    AUTO(buf) text = BUF_INIT(HEAD_MOST - LINE_CHECK_MOST - 1);
    struct json_writer w = JSON_WRITER(&text);
    (void)gethostname(host, sizeof host - 1);
    json_write_object(&w);
    json_write_key_string(&w, "type", HARBORAI_STR("segment"));
    json_write_key_int64(&w, "version", 1);
    json_write_key_string(&w, "host", slice_of(host));
    json_write_key_int64(&w, "pid", getpid());
    json_write_key_int64(&w, "loop", journal->loop);
    json_write_key_int64(&w, "start_ns", clock_wall_ns(journal->clock));
    json_write_key_string(&w, "software", HARBORAI_STR("harborai " PACKAGE_VERSION));
    json_write_end(&w);
    add_checked(journal, buf_slice(&text));
}

static harborai_status check_line(harborai_str line, harborai_error *error)
{
    if (line.len <= 2 || line.data[0] != '{' || line.data[line.len - 1] != '}')
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "journal line is not an object with members");
    if (memchr(line.data, '\n', line.len) != NULL)
        return harborai_error_set(error, HARBORAI_E_INVALID, "journal line has a line end in it");
    if (line.len + LINE_CHECK_MOST >= LIMIT_JOURNAL_LINE)
        return harborai_error_set(error, HARBORAI_E_MEMORY,
                                  "journal line of %zu bytes is longer than %zu", line.len,
                                  (size_t)LIMIT_JOURNAL_LINE - LINE_CHECK_MOST);
    return HARBORAI_OK;
}

harborai_status journal_add(struct journal *journal, harborai_str line, harborai_error *error)
{
    harborai_status st = check_line(line, error);
    if (st < 0)
        return st;
    /* Reserved as a whole, so that a failure leaves no half of a line behind. */
    if (reserve(journal, line.len + LINE_CHECK_MOST + 1) == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY,
                                  "no room for a journal line: %zu bytes wait for the disk",
                                  journal->pending.len);
    if (journal->seq == 0)
        add_head(journal);
    add_checked(journal, line);
    return HARBORAI_OK;
}

/* Takes `len` bytes, which are on record, off the front. */
static void settle(struct journal *journal, size_t len)
{
    struct buf *pending = &journal->pending;
    journal->counts.bytes += len;
    if (len == pending->len) {
        journal->counts.lines += journal->pending_lines;
        journal->pending_lines = 0;
        buf_clear(pending);
        return;
    }
    for (size_t i = 0; i < len; i++) {
        if (pending->data[i] == '\n') {
            journal->counts.lines++;
            journal->pending_lines--;
        }
    }
    buf_consume(pending, len);
}

static harborai_status make_segment(struct journal *journal, harborai_error *error)
{
    harborai_status st = segment_create(slice_of(journal->state_dir),
                                        clock_wall_ns(journal->clock), journal->loop,
                                        &journal->segment, error);
    if (st < 0) {
        journal->counts.failures++;
        return HARBORAI_E_INTERNAL;
    }
    free(take(journal->state_dir));
    return HARBORAI_OK;
}

harborai_status journal_commit(struct journal *journal, harborai_error *error)
{
    struct buf *pending = &journal->pending;
    size_t done = 0;
    int reason = 0;
    if (pending->len > 0 && journal->state_dir != NULL && make_segment(journal, error) < 0)
        return HARBORAI_E_INTERNAL;
    while (done < pending->len && reason == 0) {
        ssize_t wrote =
            write(journal->segment.fd, pending->data + done, pending->len - done);
        if (wrote > 0)
            done += (size_t)wrote;
        else if (wrote == 0 || errno != EINTR)
            reason = wrote == 0 ? EIO : errno;
    }
    if (done > 0)
        settle(journal, done);
    if (reason == 0)
        return HARBORAI_OK;
    char text[128];
    journal->counts.failures++;
    return harborai_error_set(error, HARBORAI_E_INTERNAL,
                              "cannot write journal segment '%s': %s; %zu bytes wait",
                              journal->segment.path, error_of_errno(reason, text), pending->len);
}

bool journal_is_full(const struct journal *journal)
{
    return journal->pending.len > LIMIT_JOURNAL_PENDING / 2;
}
