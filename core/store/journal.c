/* SPDX-License-Identifier: MIT */
/* Gathers lines and writes them. Must never write a line twice, lose one that it took, leave a
 * torn one or a gap between others, or spread a call over two segments. */
#include "store/journal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/limits.h"
#include "store/line_check.h"

/* A stretch of `pending`. */
struct journal_span {
    struct segment_writer *writer; /* borrowed */
    size_t len;
};

/* What one line may take with it: the seal of the segment before, the head of its own, its seal. */
#define OWN_LINES (SEGMENT_WRITER_HEAD + 2 * SEGMENT_WRITER_SEAL)
#define OWN_SPANS 2

/* --- Open and close --------------------------------------------------------------------------- */

static harborai_status no_memory(harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_MEMORY, "out of memory");
}

harborai_status journal_open_later(struct journal *journal, harborai_str state_dir,
                                   const struct clock *clock, unsigned loop, harborai_error *error)
{
    harborai_status st = segment_prepare(state_dir, error);
    if (st < 0)
        return st;
    *journal = (struct journal){
        .state_dir = slice_dup(state_dir),
        .clock = clock,
        .loop = loop,
        .current = segment_writer_create(clock_wall_ns(clock), loop),
        .pending = BUF_INIT(LIMIT_JOURNAL_PENDING),
        .spans = BUF_INIT(LIMIT_JOURNAL_PENDING),
    };
    list_init(&journal->former);
    if (journal->state_dir != NULL && journal->current != NULL)
        return HARBORAI_OK;
    journal_close(journal);
    return no_memory(error);
}

static harborai_status make_file(struct journal *journal, struct segment_writer *w,
                                 harborai_error *error)
{
    harborai_status st = HARBORAI_OK;
    if (w->segment.fd < 0)
        st = segment_create(slice_of(journal->state_dir), clock_wall_ns(journal->clock),
                            journal->loop, &w->segment, error);
    return st;
}

harborai_status journal_open(struct journal *journal, harborai_str state_dir,
                             const struct clock *clock, unsigned loop, harborai_error *error)
{
    harborai_status st = journal_open_later(journal, state_dir, clock, loop, error);
    if (st < 0)
        return st;
    st = make_file(journal, journal->current, error);
    if (st < 0)
        journal_close(journal);
    return st;
}

const char *journal_path(const struct journal *journal)
{
    const struct segment_writer *w = journal->current;
    return w != NULL && w->segment.path != NULL ? w->segment.path : "";
}

/* --- Add -------------------------------------------------------------------------------------- */

/* With what it may take with it. NULL: there is no room. */
static char *reserve(struct journal *journal, size_t len)
{
    char *room = buf_reserve(&journal->pending, len + OWN_LINES);
    if (buf_reserve(&journal->spans, (1 + OWN_SPANS) * sizeof(struct journal_span)) == NULL ||
        !key_set_reserve(&journal->current->open, 1))
        room = NULL;
    journal->pending.failed = HARBORAI_OK; /* for lack of room, not of what is in it */
    journal->spans.failed = HARBORAI_OK;
    return room;
}

bool journal_has_room(struct journal *journal)
{
    return reserve(journal, LIMIT_JOURNAL_LINE) != NULL;
}

/* What stands in `pending` from `begin` on belongs to `w`. */
static void add_span(struct journal *journal, struct segment_writer *w, size_t begin)
{
    struct buf *spans = &journal->spans;
    struct journal_span fresh = {w, journal->pending.len - begin};
    struct journal_span *last =
        (struct journal_span *)(void *)(spans->data + spans->len) - (spans->len > 0);
    if (spans->len > 0 && last->writer == w)
        last->len += fresh.len;
    else
        buf_add(spans, (harborai_str){(const char *)&fresh, sizeof fresh});
}

static void seal(struct journal *journal, struct segment_writer *w)
{
    size_t begin = journal->pending.len;
    segment_writer_seal(w, clock_wall_ns(journal->clock), &journal->pending);
    journal->pending_lines++;
    add_span(journal, w, begin);
}

/* Before a line, between two commits: whether it is the first of a new segment. Without memory for
 * that the old one goes on. */
static void rotate_if_due(struct journal *journal)
{
    struct segment_writer *old = journal->current;
    int64_t now_ns = clock_wall_ns(journal->clock);
    bool is_large = journal->segment_size > 0 && old->bytes >= journal->segment_size;
    if (!is_large && segment_writer_day(now_ns) == old->day)
        return;
    struct segment_writer *fresh = segment_writer_create(now_ns, journal->loop);
    if (fresh == NULL || !key_set_reserve(&fresh->open, 1)) {
        segment_writer_destroy(fresh);
        return;
    }
    journal->current = fresh;
    list_append(&journal->former, &old->link);
    if (old->seq > 0 && old->open.count == 0)
        seal(journal, old);
}

/* Where a call's line goes. */
static struct segment_writer *writer_of(const struct journal *journal, uint64_t key)
{
    for (struct list *i = journal->former.next; i != &journal->former; i = i->next) {
        struct segment_writer *w = CONTAINER_OF(i, struct segment_writer, link);
        if (key_set_has(&w->open, key))
            return w;
    }
    return journal->current;
}

static void note_line(struct journal *journal, struct segment_writer *w, enum journal_kind kind,
                      uint64_t key)
{
    if (kind == JOURNAL_BEGIN)
        key_set_add(&w->open, key);
    if (kind != JOURNAL_END)
        return;
    w->ends++;
    key_set_remove(&w->open, key);
    if (w != journal->current && w->open.count == 0)
        seal(journal, w);
}

static uint64_t hash_of(harborai_str key)
{
    return hash_slice(key, 0) | 1; /* never 0 */
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

harborai_status journal_add(struct journal *journal, enum journal_kind kind, harborai_str key,
                            harborai_str line, harborai_error *error)
{
    struct buf *pending = &journal->pending;
    harborai_status st = check_line(line, error);
    if (st < 0)
        return st;
    /* Reserved as a whole, so that a failure leaves no half of a line behind. */
    if (reserve(journal, line.len + LINE_CHECK_MOST + 1) == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY,
                                  "no room for a journal line: %zu bytes wait for the disk",
                                  pending->len);
    if (!journal_has_pending(journal))
        rotate_if_due(journal);
    uint64_t hash = hash_of(key);
    struct segment_writer *w = writer_of(journal, hash);
    size_t begin = pending->len;
    uint64_t seq = w->seq;
    segment_writer_add(w, line, seq == 0 ? clock_wall_ns(journal->clock) : 0, pending);
    journal->pending_lines += w->seq - seq;
    add_span(journal, w, begin);
    note_line(journal, w, kind, hash);
    return HARBORAI_OK;
}

void journal_skip(struct journal *journal, enum journal_kind kind, harborai_str key)
{
    uint64_t hash = hash_of(key);
    if (kind == JOURNAL_END)
        key_set_remove(&writer_of(journal, hash)->open, hash);
}

/* --- Commit ----------------------------------------------------------------------------------- */

/* Takes `len` bytes of the first span, which are on record, off the front. */
static void settle(struct journal *journal, size_t done)
{
    struct buf *pending = &journal->pending;
    journal->counts.bytes += done;
    if (done == pending->len) {
        journal->counts.lines += journal->pending_lines;
        journal->pending_lines = 0;
        buf_clear(pending);
        return;
    }
    for (size_t i = 0; i < done; i++) {
        if (pending->data[i] == '\n') {
            journal->counts.lines++;
            journal->pending_lines--;
        }
    }
    buf_consume(pending, done);
}

/* Writes a part as far as it goes: what is left, and why. */
static size_t write_part(int fd, const char *at, size_t len, int *ret_reason)
{
    *ret_reason = 0;
    while (len > 0) {
        ssize_t wrote = write(fd, at, len);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0) {
            *ret_reason = wrote == 0 ? EIO : errno;
            break;
        }
        at += wrote;
        len -= (size_t)wrote;
    }
    return len;
}

/* Writes a span, which stands at `at`; how much of it is left to write. */
static size_t write_span(struct journal *journal, struct journal_span *span, const char *at,
                         harborai_error *error)
{
    struct segment_writer *w = span->writer;
    char text[128];
    int reason;
    bool is_new = w->segment.fd < 0;
    if (make_file(journal, w, error) < 0)
        return span->len;
    journal->counts.segments += is_new;
    size_t left = write_part(w->segment.fd, at, span->len, &reason);
    if (reason != 0)
        harborai_error_set(error, HARBORAI_E_INTERNAL, "cannot write journal segment '%s': %s; %zu bytes wait",
                           w->segment.path, error_of_errno(reason, text),
                           (size_t)(journal->pending.data + journal->pending.len - at) - span->len +
                               left);
    return left;
}

/* Nothing is pending. Former segments that are sealed on disk, or never had a line, are given up;
 * those whose last line was skipped get their seal. */
static void tidy_former(struct journal *journal)
{
    for (struct list *i = journal->former.next, *next; i != &journal->former; i = next) {
        struct segment_writer *w = CONTAINER_OF(i, struct segment_writer, link);
        next = i->next;
        if (w->is_sealed || w->seq == 0)
            segment_writer_destroy(w);
        else if (w->open.count == 0 && reserve(journal, 0) != NULL)
            seal(journal, w);
    }
}

static harborai_status write_pending(struct journal *journal, harborai_error *error)
{
    struct journal_span *spans = (struct journal_span *)(void *)journal->spans.data;
    size_t count = journal->spans.len / sizeof *spans, at = 0, left = 0, whole = 0;
    for (; whole < count; whole++) {
        left = write_span(journal, &spans[whole], journal->pending.data + at, error);
        at += spans[whole].len - left;
        if (left > 0)
            break;
    }
    if (left > 0)
        spans[whole].len = left;
    buf_consume(&journal->spans, whole * sizeof *spans);
    if (at > 0)
        settle(journal, at);
    if (left == 0)
        return HARBORAI_OK;
    journal->counts.failures++;
    return HARBORAI_E_INTERNAL;
}

harborai_status journal_commit(struct journal *journal, harborai_error *error)
{
    harborai_status st = write_pending(journal, error);
    while (st >= 0 && !list_is_empty(&journal->former)) {
        tidy_former(journal);
        if (!journal_has_pending(journal))
            break;
        st = write_pending(journal, error);
    }
    return st;
}

/* Unless calls are under way in it. If that fails too, recovery makes up for it. */
static void seal_current(struct journal *journal)
{
    struct segment_writer *w = journal->current;
    if (w->seq == 0 || w->open.count > 0 || reserve(journal, 0) == NULL)
        return;
    seal(journal, w);
    harborai_status st UNUSED = journal_commit(journal, NULL);
}

uint64_t journal_close(struct journal *journal)
{
    uint64_t lost = 0;
    if (journal->current != NULL && journal_commit(journal, NULL) < 0)
        lost = journal->pending_lines; /* there is no later */
    else if (journal->current != NULL)
        seal_current(journal);
    if (journal->former.next != NULL)
        for (struct list *i; (i = list_pop(&journal->former)) != NULL;)
            segment_writer_destroy(CONTAINER_OF(i, struct segment_writer, link));
    segment_writer_destroy(take(journal->current));
    free(take(journal->state_dir));
    buf_release(&journal->pending);
    buf_release(&journal->spans);
    journal->pending_lines = 0;
    return lost;
}

bool journal_is_full(const struct journal *journal)
{
    return journal->pending.len > LIMIT_JOURNAL_PENDING / 2;
}
