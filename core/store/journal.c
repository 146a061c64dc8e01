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

#define QUICK_WRITES 16 /* so many in succession, and the loop writes itself again */
#define HANGS_NS NS_PER_S
#define CLOSE_NS (2 * NS_PER_S)

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
        .most_pending = LIMIT_JOURNAL_PENDING,
        .pending = {BUF_INIT(LIMIT_JOURNAL_PENDING_CONTENT), BUF_INIT(LIMIT_JOURNAL_PENDING), 0, 0},
        .writing = {BUF_INIT(LIMIT_JOURNAL_PENDING_CONTENT), BUF_INIT(LIMIT_JOURNAL_PENDING), 0, 0},
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
    return !journal->is_away && w != NULL && w->segment.path != NULL ? w->segment.path : "";
}

/* --- Add -------------------------------------------------------------------------------------- */

static size_t waiting(const struct journal *journal)
{
    return journal->pending.bytes.len + journal->writing.bytes.len;
}

/* With what it may take with it. False: there is no room. */
static bool reserve(struct journal *journal, size_t len)
{
    struct journal_batch *b = &journal->pending;
    bool has_room = waiting(journal) + len + OWN_LINES <= journal->most_pending &&
                    buf_reserve(&b->bytes, len + OWN_LINES) != NULL &&
                    buf_reserve(&b->spans, (1 + OWN_SPANS) * sizeof(struct journal_span)) != NULL &&
                    key_set_reserve(&journal->current->open, 1);
    b->bytes.failed = b->spans.failed = HARBORAI_OK; /* for lack of room, not of what is in it */
    return has_room;
}

bool journal_has_room(struct journal *journal, size_t content)
{
    return reserve(journal, LIMIT_JOURNAL_LINE + content);
}

/* What was added to `pending` from `begin` on belongs to `w`. */
static void add_span(struct journal *journal, struct segment_writer *w, size_t begin)
{
    struct buf *spans = &journal->pending.spans;
    struct journal_span fresh = {w, journal->pending.bytes.len - begin};
    struct journal_span *last =
        (struct journal_span *)(void *)(spans->data + spans->len) - (spans->len > 0);
    if (spans->len > 0 && last->writer == w)
        last->len += fresh.len;
    else
        buf_add(spans, (harborai_str){(const char *)&fresh, sizeof fresh});
}

static void seal(struct journal *journal, struct segment_writer *w)
{
    size_t begin = journal->pending.bytes.len;
    segment_writer_seal(w, clock_wall_ns(journal->clock), &journal->pending.bytes);
    journal->pending.lines++;
    add_span(journal, w, begin);
}

/* Before the first line of a batch: whether it is the first of a new segment, too. What the thread has
 * meanwhile is no hindrance: under load it has something at any time. Without memory the old segment
 * goes on. */
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

static harborai_status check_line(enum journal_kind kind, harborai_str line, harborai_error *error)
{
    size_t most = kind == JOURNAL_CONTENT ? LIMIT_JOURNAL_CONTENT : LIMIT_JOURNAL_LINE;
    if (line.len <= 2 || line.data[0] != '{' || line.data[line.len - 1] != '}')
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "journal line is not an object with members");
    if (memchr(line.data, '\n', line.len) != NULL)
        return harborai_error_set(error, HARBORAI_E_INVALID, "journal line has a line end in it");
    if (line.len + LINE_CHECK_MOST >= most)
        return harborai_error_set(error, HARBORAI_E_MEMORY,
                                  "journal line of %zu bytes is longer than %zu", line.len,
                                  most - LINE_CHECK_MOST);
    return HARBORAI_OK;
}

harborai_status journal_add(struct journal *journal, enum journal_kind kind, harborai_str key,
                            harborai_str line, harborai_error *error)
{
    struct buf *bytes = &journal->pending.bytes;
    harborai_status st = check_line(kind, line, error);
    size_t behind = kind == JOURNAL_CONTENT ? LIMIT_JOURNAL_LINE : 0;
    if (st < 0)
        return st;
    /* Reserved as a whole, so that a failure leaves no half of a line behind. */
    if (!reserve(journal, line.len + LINE_CHECK_MOST + 1 + behind))
        return harborai_error_set(error, HARBORAI_E_MEMORY,
                                  "no room for a journal line: %zu bytes wait for the disk",
                                  waiting(journal));
    if (journal->pending.spans.len == 0)
        rotate_if_due(journal);
    uint64_t hash = hash_of(key);
    struct segment_writer *w = writer_of(journal, hash);
    size_t begin = bytes->len;
    uint64_t seq = w->seq;
    segment_writer_add(w, line, seq == 0 ? clock_wall_ns(journal->clock) : 0, bytes);
    journal->pending.lines += w->seq - seq;
    journal->call_lines++;
    add_span(journal, w, begin);
    note_line(journal, w, kind, hash);
    return HARBORAI_OK;
}

void journal_skip(struct journal *journal, enum journal_kind kind, harborai_str key)
{
    uint64_t hash = hash_of(key);
    struct segment_writer *w = writer_of(journal, hash);
    w->lost++;
    if (kind == JOURNAL_END)
        key_set_remove(&w->open, hash);
}

/* --- Commit ----------------------------------------------------------------------------------- */

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

static void fail_write(struct journal_write *w, const char *what, const char *path, int reason)
{
    char text[128];
    w->has_failed = true;
    harborai_error_set(&w->error, HARBORAI_E_INTERNAL, "cannot %s journal segment '%s': %s", what,
                       path, error_of_errno(reason, text));
}

/* The name of a new segment has to be on the disk as well as its bytes. */
static int sync_file(const struct segment_writer *w, bool is_new)
{
    if (fdatasync(w->segment.fd) < 0)
        return errno;
    return is_new ? segment_sync_name(w->segment.path) : 0;
}

/* Writes the span that is next; false: it did not get to its end. */
static bool write_span(struct journal *journal, const struct journal_span *span, const char *at)
{
    struct journal_write *result = &journal->write;
    struct segment_writer *w = span->writer;
    bool is_new = w->segment.fd < 0;
    int reason;
    result->left = span->len;
    if (make_file(journal, w, &result->error) < 0) {
        result->has_failed = true;
        return false;
    }
    result->segments += is_new;
    w->is_unsynced |= is_new;
    result->left = write_part(w->segment.fd, at, span->len, &reason);
    result->bytes += span->len - result->left;
    if (reason != 0)
        fail_write(result, "write", w->segment.path, reason);
    return reason == 0;
}

/* Of a batch that was written. */
static void sync_spans(struct journal *journal, const struct journal_span *spans, size_t count)
{
    for (size_t i = 0; i < count && !journal->write.has_failed; i++) {
        struct segment_writer *w = spans[i].writer;
        int reason = sync_file(w, w->is_unsynced);
        if (reason != 0)
            fail_write(&journal->write, "sync", w->segment.path, reason);
        else
            w->is_unsynced = false;
    }
}

/* Writes `writing` and says in `write` how far it came; touches nothing else that the loop uses. A
 * batch without bytes had been written, and is to be synced again. */
static void write_batch(struct journal *journal)
{
    const struct journal_batch *b = &journal->writing;
    const struct journal_span *spans = (const struct journal_span *)(const void *)b->spans.data;
    size_t count = b->spans.len / sizeof *spans;
    int64_t begin_ns = clock_monotonic_ns(journal->clock);
    struct journal_write *w = &journal->write;
    *w = (struct journal_write){.error = HARBORAI_ERROR_INIT};
    while (w->spans < count && write_span(journal, &spans[w->spans], b->bytes.data + w->bytes))
        w->spans++;
    if (b->is_durable && !w->has_failed)
        sync_spans(journal, spans, count);
    w->took_ns = clock_monotonic_ns(journal->clock) - begin_ns;
}

/* Takes `done` bytes, which are on record, off the front. */
static void settle_bytes(struct journal *journal, size_t done)
{
    struct journal_batch *b = &journal->writing;
    journal->counts.bytes += done;
    for (size_t i = 0; i < done && done < b->bytes.len; i++) {
        if (b->bytes.data[i] == '\n') {
            journal->counts.lines++;
            b->lines--;
        }
    }
    if (done == b->bytes.len) {
        journal->counts.lines += b->lines;
        b->lines = 0;
    }
    buf_consume(&b->bytes, done);
}

/* Loops and threads: a disk that was slow is trusted again when several writes were quick. */
static void note_speed(struct journal *journal, bool was_away)
{
    if (journal->slow_ns <= 0 || journal->is_durable)
        journal->is_slow = false;
    else if (journal->write.took_ns > journal->slow_ns)
        journal->is_slow = true, journal->quick = 0;
    else if (was_away && ++journal->quick >= QUICK_WRITES)
        journal->is_slow = false;
}

/* What was written of a batch that failed is not written again, but where the disk has to have it
 * all is synced again. */
static void keep_rest(struct journal *journal)
{
    struct journal_batch *b = &journal->writing;
    const struct journal_write *w = &journal->write;
    struct journal_span *spans = (struct journal_span *)(void *)b->spans.data;
    for (size_t i = 0; i < w->spans; i++)
        spans[i].len = 0;
    if (w->spans < b->spans.len / sizeof *spans)
        spans[w->spans].len = w->left;
    if (!journal->is_durable)
        buf_consume(&b->spans, w->spans * sizeof *spans);
}

/* What was written goes to the disk a while later. */
static void note_written(struct journal *journal, const struct journal_batch *b)
{
    const struct journal_span *spans = (const struct journal_span *)(const void *)b->spans.data;
    if (journal->sync_ns <= 0 || b->is_durable)
        return;
    for (size_t i = 0; i < b->spans.len / sizeof *spans; i++) {
        struct segment_writer *w = spans[i].writer;
        if (syncer_note(&journal->syncer, w->segment.path, w->is_unsynced, journal->sync_ns,
                        &w->sync_round))
            w->is_unsynced = false;
    }
}

/* What came of `writing`. */
static harborai_status settle(struct journal *journal, bool was_away, harborai_error *error)
{
    struct journal_batch *b = &journal->writing;
    const struct journal_write *w = &journal->write;
    journal->counts.segments += w->segments;
    note_speed(journal, was_away);
    settle_bytes(journal, w->bytes);
    if (w->has_failed) {
        keep_rest(journal);
        journal->counts.failures++;
        return harborai_error_set(error, HARBORAI_E_INTERNAL, "%s; %zu bytes wait",
                                  w->error.message, waiting(journal));
    }
    note_written(journal, b);
    buf_clear(&b->spans);
    journal->call_lines_on_record = b->last_call_line;
    return HARBORAI_OK;
}

static bool is_pending(const struct journal *journal, const struct segment_writer *w)
{
    const struct buf *spans = &journal->pending.spans;
    const struct journal_span *all = (const struct journal_span *)(const void *)spans->data;
    for (size_t i = 0; i < spans->len / sizeof *all; i++)
        if (all[i].writer == w)
            return true;
    return false;
}

/* Nothing is being written. Former segments that are sealed on disk, or never had a line, are given
 * up; those whose last line was skipped get their seal. */
static void tidy_former(struct journal *journal)
{
    for (struct list *i = journal->former.next, *next; i != &journal->former; i = next) {
        struct segment_writer *w = CONTAINER_OF(i, struct segment_writer, link);
        next = i->next;
        if (is_pending(journal, w))
            continue;
        if (w->is_sealed || w->seq == 0)
            segment_writer_destroy(w);
        else if (w->open.count == 0 && reserve(journal, 0))
            seal(journal, w);
    }
}

/* Whether `writing` has anything to write. */
static bool next_batch(struct journal *journal)
{
    struct journal_batch empty = journal->writing;
    if (empty.spans.len > 0)
        return true;
    tidy_former(journal);
    if (journal->pending.spans.len == 0)
        return false;
    journal->writing = journal->pending;
    journal->pending = empty;
    journal->writing.last_call_line = journal->call_lines;
    journal->writing.is_durable = journal->is_durable;
    return true;
}

static void run_job(struct committer_job *job)
{
    write_batch(CONTAINER_OF(job, struct journal, job));
}

static void on_done(struct committer_job *job)
{
    struct journal *journal = CONTAINER_OF(job, struct journal, job);
    journal->wake(journal->context);
}

/* Hands `writing` to the thread; false: the loop has to write it. */
static bool hand_over(struct journal *journal)
{
    if (journal->is_closing || journal->wake == NULL || !(journal->is_durable || journal->is_slow))
        return false;
    journal->job = (struct committer_job){.run = run_job, .done = on_done};
    journal->away_ns = clock_monotonic_ns(journal->clock);
    journal->is_away = committer_submit(&journal->committer, &journal->job);
    return journal->is_away;
}

/* All that calls have added: a seal is waited for by nobody. */
static harborai_status while_away(const struct journal *journal)
{
    return journal->call_lines_on_record == journal->call_lines ? HARBORAI_OK : HARBORAI_PAUSE;
}

void journal_finish(struct journal *journal)
{
    journal->is_away = false;
    journal->has_result = true;
}

harborai_status journal_commit(struct journal *journal, harborai_error *error)
{
    harborai_status st = HARBORAI_OK;
    if (journal->is_away)
        return while_away(journal);
    if (journal->has_result)
        st = settle(journal, true, error);
    journal->has_result = false;
    while (st >= 0 && next_batch(journal)) {
        if (hand_over(journal))
            return while_away(journal);
        write_batch(journal);
        st = settle(journal, false, error);
    }
    return st;
}

/* Unless calls are under way in it. If that fails too, recovery makes up for it. */
static void seal_current(struct journal *journal)
{
    struct segment_writer *w = journal->current;
    if (w->seq == 0 || w->open.count > 0 || !reserve(journal, 0))
        return;
    seal(journal, w);
    harborai_status st UNUSED = journal_commit(journal, NULL);
}

static void release_batch(struct journal_batch *b)
{
    buf_release(&b->bytes);
    buf_release(&b->spans);
    b->lines = 0;
}

uint64_t journal_close(struct journal *journal)
{
    uint64_t lost = 0;
    if (journal->current == NULL) {
        free(take(journal->state_dir));
        return 0;
    }
    if (!committer_close(&journal->committer, CLOSE_NS))
        return journal->writing.lines + journal->pending.lines;
    if (journal->is_away)
        journal_finish(journal);
    journal->is_closing = true;
    if (journal_commit(journal, NULL) < 0)
        lost = journal->writing.lines + journal->pending.lines; /* there is no later */
    else
        seal_current(journal);
    for (struct list *i; (i = list_pop(&journal->former)) != NULL;)
        segment_writer_destroy(CONTAINER_OF(i, struct segment_writer, link));
    segment_writer_destroy(take(journal->current));
    free(take(journal->state_dir));
    release_batch(&journal->pending);
    release_batch(&journal->writing);
    journal->sync_hangs = !syncer_close(&journal->syncer, CLOSE_NS);
    return lost;
}

bool journal_hangs(const struct journal *journal)
{
    return journal->sync_hangs || (journal->is_away && clock_monotonic_ns(journal->clock) - journal->away_ns > HANGS_NS);
}

bool journal_is_full(const struct journal *journal)
{
    return waiting(journal) > journal->most_pending / 2 || journal_hangs(journal);
}
