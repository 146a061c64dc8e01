/* SPDX-License-Identifier: MIT */
/* Copies calls. Must never pass over a line that the store has not taken, refused for ever, or known
 * before; nor keep more than one line of it in memory, and the content line before that. */
#include "store/drain_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "store/call_content.h"
#include "store/copied_mark.h"

#define PASSED_MOST MIB(1) /* bytes without a call, then the position is written all the same */

static harborai_status no_memory(harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
}

harborai_status drain_copy_init(struct drain_copy *copy, const struct drain_settings *settings,
                                struct drain_store *store, harborai_error *error)
{
    *copy = (struct drain_copy){.settings = *settings,
                                .store = store,
                                .batch = settings->batch,
                                .directory = -1,
                                .state_dir = slice_dup(settings->state_dir),
                                .content = BUF_INIT(LIMIT_JOURNAL_CONTENT),
                                .texts = BUF_INIT(2 * LIMIT_JOURNAL_LINE + 2),
                                .aside = BUF_INIT(MIB(1)),
                                .mark = BUF_INIT(MIB(16)),
                                .marked = BUF_INIT(MIB(16))};
    if (copy->state_dir == NULL)
        return no_memory(error);
    copy->settings.state_dir = slice_of(copy->state_dir);
    return HARBORAI_OK;
}

void drain_copy_release(struct drain_copy *copy)
{
    if (copy->directory >= 0)
        close(copy->directory);
    copy->directory = -1;
    free(take(copy->segments));
    free(take(copy->state_dir));
    buf_release(&copy->content);
    buf_release(&copy->texts);
    buf_release(&copy->aside);
    buf_release(&copy->mark);
    buf_release(&copy->marked);
}

void drain_copy_relist(struct drain_copy *copy)
{
    copy->is_listed = false;
    if (copy->directory >= 0)
        close(copy->directory); /* it may be another one */
    copy->directory = -1;
}

void drain_copy_forget(struct drain_copy *copy)
{
    for (size_t i = 0; i < copy->count; i++)
        copy->segments[i].is_known = copy->segments[i].is_over = false;
}

/* --- Which segments there are ------------------------------------------------------------------ */

static const struct drain_segment *find_segment(const struct drain_copy *copy, const char *name,
                                                size_t *from)
{
    for (size_t i = *from; i < copy->count; i++)
        if (strcmp(copy->segments[i].name, name) == 0) {
            *from = i + 1;
            return &copy->segments[i];
        }
    return NULL;
}

/* Both lists have the same order, so that what was known is found in one pass. */
static harborai_status take_list(struct drain_copy *copy, const struct journal_list *list,
                                 harborai_error *error)
{
    size_t from = 0;
    struct drain_segment *segments = calloc(list->count > 0 ? list->count : 1, sizeof *segments);
    if (segments == NULL)
        return no_memory(error);
    for (size_t i = 0; i < list->count; i++) {
        const struct drain_segment *old = find_segment(copy, list->files[i].name, &from);
        if (old != NULL)
            segments[i] = *old;
        else
            snprintf(segments[i].name, sizeof segments[i].name, "%s", list->files[i].name);
    }
    free(copy->segments);
    copy->segments = segments;
    copy->count = list->count;
    copy->is_listed = true;
    return HARBORAI_OK;
}

static harborai_status read_list(struct drain_copy *copy, harborai_error *error)
{
    struct journal_list list = {.files = NULL};
    harborai_status st = HARBORAI_OK;
    if (copy->is_listed)
        return HARBORAI_OK;
    st = journal_directory_open(copy->settings.state_dir, &copy->directory, error);
    if (st < 0 || copy->directory < 0)
        return st;
    st = journal_list_read(copy->directory, &list, error);
    if (st == HARBORAI_OK)
        st = take_list(copy, &list, error);
    journal_list_release(&list);
    return st;
}

/* The newest first. They are read the oldest first, and no further than this: so whatever an amend line
 * in a newer segment is about has been read from an older one before it. */
static void look_at_sizes(struct drain_copy *copy)
{
    for (size_t i = copy->count; i-- > 0;) {
        struct drain_segment *s = &copy->segments[i];
        char name[JOURNAL_NAME_MOST + 8];
        struct stat now;
        if (s->is_over)
            continue;
        snprintf(name, sizeof name, "%s.jsonl", s->name);
        s->is_plain = fstatat(copy->directory, name, &now, AT_SYMLINK_NOFOLLOW) == 0;
        if (s->is_plain)
            s->size = (uint64_t)now.st_size;
    }
}

static void count_backlog(struct drain_copy *copy)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < copy->count; i++) {
        const struct drain_segment *s = &copy->segments[i];
        if (!s->is_over && s->size > s->committed)
            bytes += s->size - s->committed;
    }
    copy->status.backlog_bytes = bytes;
}

/* --- Lines that the store does not take ---------------------------------------------------------- */

static int open_aside(const struct drain_copy *copy)
{
    char *path = NULL;
    int fd = -1;
    if (asprintf(&path, "%s/refused", copy->state_dir) < 0)
        return -1;
    bool is_there = mkdir(path, 0700) == 0 || errno == EEXIST;
    free(take(path));
    if (is_there && asprintf(&path, "%s/refused/%s.jsonl", copy->state_dir,
                             copy->store->functions->name) >= 0) {
        fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        free(path);
    }
    return fd;
}

/* Before the position that is behind them is written. */
static harborai_status write_aside(struct drain_copy *copy, harborai_error *error)
{
    char why[128];
    if (copy->aside.len == 0 && copy->aside.failed == HARBORAI_OK)
        return HARBORAI_OK;
    if (copy->aside.failed < 0)
        return no_memory(error);
    int fd = open_aside(copy);
    bool is_written = fd >= 0 &&
                      write(fd, copy->aside.data, copy->aside.len) == (ssize_t)copy->aside.len &&
                      fdatasync(fd) == 0;
    int reason = errno;
    if (fd >= 0)
        close(fd);
    if (!is_written)
        return harborai_error_set(error, HARBORAI_E_INTERNAL,
                                  "cannot set a refused line aside in '%s/refused': %s",
                                  copy->state_dir, error_of_errno(reason, why));
    buf_clear(&copy->aside);
    return HARBORAI_OK;
}

static void set_aside(struct drain_copy *copy, struct drain_segment *s,
                      const struct journal_line *line, const harborai_error *why)
{
    copy->refused++;
    if (line->offset < s->told_to)
        return; /* it is set aside already: the transaction failed for another reason */
    s->told_to = line->offset + 1;
    buf_add(&copy->aside, line->text);
    buf_add_char(&copy->aside, '\n');
    log_write(copy->settings.log, LOG_LEVEL_WARN, "drain.row_refused",
              "store=%s segment=%s at=%lld error='%s' help='it is set aside in refused/%s.jsonl'",
              copy->store->functions->name, s->name, (long long)line->offset, why->message,
              copy->store->functions->name);
}

struct told {
    struct drain_copy *copy;
    struct drain_segment *segment;
};

static void on_fault(void *context, const char *segment, uint64_t offset, const char *reason)
{
    struct told *told = context;
    if (offset < told->segment->told_to)
        return;
    told->segment->told_to = offset + 1;
    log_write(told->copy->settings.log, LOG_LEVEL_WARN, "drain.line_left_out",
              "store=%s segment=%s at=%lld reason='%s'", told->copy->store->functions->name,
              segment, (long long)offset, reason);
}

/* --- Transactions -------------------------------------------------------------------------------- */

static harborai_status begin(struct drain_copy *copy, harborai_error *error)
{
    if (copy->is_open)
        return HARBORAI_OK;
    harborai_status st = copy->store->functions->begin(copy->store, error);
    copy->is_open = st == HARBORAI_OK;
    return st == HARBORAI_E_INVALID ? HARBORAI_E_INTERNAL : st; /* E_INVALID is of a row only */
}

static void clear_transaction(struct drain_copy *copy)
{
    copy->is_open = false;
    copy->calls = 0;
    copy->touched_count = 0;
    copy->passed = copy->rows = copy->amends = copy->refused = 0;
}

static void count_committed(struct drain_copy *copy)
{
    copy->status.rows += copy->rows;
    copy->status.amends += copy->amends;
    copy->status.refused += copy->refused;
    copy->status.last_commit_ns = clock_wall_ns(copy->settings.clock);
    for (size_t i = 0; i < copy->touched_count; i++) {
        struct drain_segment *s = &copy->segments[copy->touched[i]];
        s->committed = s->at.offset;
    }
    if (copy->singles > 0)
        copy->singles--;
    copy->batch += copy->batch / 8 + 1;
    if (copy->batch > copy->settings.batch)
        copy->batch = copy->settings.batch;
    clear_transaction(copy);
    count_backlog(copy);
    if (copy->on_commit != NULL)
        copy->on_commit(copy);
}

static harborai_status write_transaction(struct drain_copy *copy, harborai_error *error)
{
    struct journal_position positions[ARRAY_LEN(copy->touched)];
    for (size_t i = 0; i < copy->touched_count; i++)
        positions[i] = copy->segments[copy->touched[i]].at;
    harborai_status st = write_aside(copy, error);
    if (st == HARBORAI_OK)
        st = begin(copy, error);
    if (st == HARBORAI_OK)
        st = copy->store->functions->commit(copy->store, positions, copy->touched_count, error);
    return st;
}

static harborai_status commit(struct drain_copy *copy, harborai_error *error)
{
    if (copy->touched_count == 0)
        return HARBORAI_OK;
    harborai_status st = write_transaction(copy, error);
    if (st == HARBORAI_OK)
        count_committed(copy);
    copy->is_refused = st == HARBORAI_E_INVALID && copy->calls > 0;
    return st;
}

static void touch(struct drain_copy *copy, size_t segment)
{
    for (size_t i = copy->touched_count; i-- > 0;)
        if (copy->touched[i] == segment)
            return;
    copy->touched[copy->touched_count++] = segment;
}

/* --- Lines --------------------------------------------------------------------------------------- */

static harborai_status copy_call(struct drain_copy *copy, struct drain_segment *s,
                                 const struct journal_line *line, harborai_error *error)
{
    struct call call;
    harborai_error why = HARBORAI_ERROR_INIT;
    bool is_end = line->kind == JOURNAL_LINE_END;
    harborai_status st = call_read(is_end ? line->text : SLICE_NONE,
                                   is_end ? SLICE_NONE : line->text, &copy->texts, &call, &why);
    if (st == HARBORAI_OK) {
        struct call_content content;
        call.segment = slice_of(s->name);
        call.offset = line->offset;
        if (is_end && call_content_parse(buf_slice(&copy->content), call.key, &content)) {
            call.request = content.request;
            call.response = content.response;
        }
        st = begin(copy, &why);
        if (st == HARBORAI_OK && is_end)
            st = copy->store->functions->put(copy->store, &call, &why);
        else if (st == HARBORAI_OK)
            st = copy->store->functions->amend(copy->store, &call, &why);
    }
    copy->calls++;
    if (st == HARBORAI_E_INVALID)
        set_aside(copy, s, line, &why);
    else if (st == HARBORAI_OK)
        *(is_end ? &copy->rows : &copy->amends) += 1;
    else if (error != NULL)
        *error = why;
    return st == HARBORAI_E_INVALID ? HARBORAI_OK : st;
}

/* The store refused a transaction of one call: it goes aside, and the position on. */
static harborai_status refuse_single(struct drain_copy *copy, struct drain_segment *s,
                                     const struct journal_line *line, harborai_error *error)
{
    copy->store->functions->rollback(copy->store);
    copy->is_open = false;
    copy->calls = 0;
    copy->rows = copy->amends = 0;
    set_aside(copy, s, line, error);
    return commit(copy, error);
}

static bool is_full(const struct drain_copy *copy)
{
    unsigned most = copy->singles > 0 ? 1 : copy->batch;
    return copy->calls >= most || copy->touched_count == ARRAY_LEN(copy->touched) ||
           copy->passed >= PASSED_MOST || copy->aside.len > KIB(512);
}

static harborai_status take_line(struct drain_copy *copy, size_t at,
                                 const struct journal_line *line,
                                 const struct journal_position *behind, harborai_error *error)
{
    struct drain_segment *s = &copy->segments[at];
    harborai_status st = HARBORAI_OK;
    bool is_call = line->kind == JOURNAL_LINE_END || line->kind == JOURNAL_LINE_AMEND;
    if (line->kind == JOURNAL_LINE_CONTENT) {
        /* No position leads between it and its end line. */
        buf_clear(&copy->content);
        buf_add(&copy->content, line->text);
        return HARBORAI_OK;
    }
    if (is_call)
        st = copy_call(copy, s, line, error);
    buf_clear(&copy->content);
    if (st < 0)
        return st;
    copy->passed += behind->offset - s->at.offset;
    s->at = *behind;
    if (is_call || copy->passed >= PASSED_MOST)
        touch(copy, at);
    if (!is_full(copy))
        return HARBORAI_OK;
    harborai_error why = HARBORAI_ERROR_INIT;
    st = commit(copy, &why);
    if (st < 0 && error != NULL)
        *error = why;
    return copy->is_refused && copy->calls == 1 ? refuse_single(copy, s, line, &why) : st;
}

/* --- Segments ------------------------------------------------------------------------------------ */

static bool is_to_stop(const struct drain_copy *copy)
{
    if (copy->deadline_ns > 0 && clock_monotonic_ns(copy->settings.clock) >= copy->deadline_ns)
        return true;
    return copy->is_stopping != NULL && copy->deadline_ns == 0 && atomic_load(copy->is_stopping);
}

/* Nothing more can be read of it; the others are. */
static void leave_out(struct drain_copy *copy, struct drain_segment *s, const harborai_error *why)
{
    log_write(copy->settings.log, LOG_LEVEL_ERROR, "drain.segment_left_out",
              "store=%s segment=%s at=%lld error='%s'", copy->store->functions->name, s->name,
              (long long)s->at.offset, why->message);
    s->is_over = true;
}

/* As one that another user wrote: the others are copied first, then the round fails with it. */
static void pass_over(struct drain_copy *copy, const struct drain_segment *s,
                      const harborai_error *why)
{
    copy->is_unread = true;
    harborai_status st UNUSED = harborai_error_set(
        &copy->unread, HARBORAI_E_INTERNAL, "segment '%s': %s", s->name, why->message);
}

static harborai_status read_lines(struct drain_copy *copy, size_t at,
                                  struct journal_follow *follow, uint64_t limit,
                                  harborai_error *error)
{
    struct drain_segment *s = &copy->segments[at];
    struct journal_line line;
    enum journal_follow_step step = JOURNAL_FOLLOW_LINE;
    harborai_status st = HARBORAI_OK;
    bool is_sealed = false;
    harborai_error why = HARBORAI_ERROR_INIT;
    while (st == HARBORAI_OK && s->at.offset < limit && !is_to_stop(copy) &&
           (step = journal_follow_next(follow, &line, &why)) == JOURNAL_FOLLOW_LINE) {
        is_sealed = line.kind == JOURNAL_LINE_SEAL;
        st = take_line(copy, at, &line, journal_follow_position(follow), error);
    }
    if (st < 0)
        return st;
    if (step == JOURNAL_FOLLOW_FAILED) {
        pass_over(copy, s, &why);
        return HARBORAI_OK;
    }
    if (!s->is_plain)
        s->size = journal_follow_size(follow);
    s->is_over = is_sealed || step == JOURNAL_FOLLOW_OVER || (step == JOURNAL_FOLLOW_WAIT && !s->is_plain);
    return HARBORAI_OK;
}

static harborai_status open_segment(struct drain_copy *copy, struct drain_segment *s,
                                    struct told *told, struct journal_follow **ret_follow,
                                    harborai_error *error)
{
    harborai_status st =
        journal_follow_open(copy->directory, &s->at, on_fault, told, ret_follow, error);
    if (st != HARBORAI_E_INVALID || s->at.offset == 0)
        return st;
    log_write(copy->settings.log, LOG_LEVEL_WARN, "drain.from_the_start",
              "store=%s segment=%s error='%s'", copy->store->functions->name, s->name,
              error != NULL ? error->message : "");
    s->at.offset = s->at.seq = s->committed = 0;
    return journal_follow_open(copy->directory, &s->at, on_fault, told, ret_follow, error);
}

static harborai_status copy_segment(struct drain_copy *copy, size_t at, harborai_error *error)
{
    struct drain_segment *s = &copy->segments[at];
    struct told told = {copy, s};
    struct journal_follow *follow = NULL;
    harborai_status st = HARBORAI_OK;
    uint64_t limit = s->is_plain ? s->size : UINT64_MAX;
    if (!s->is_known)
        st = copy->store->functions->position(copy->store, slice_of(s->name), &s->at, error);
    if (st < 0)
        return st;
    if (!s->is_known)
        s->committed = s->at.offset;
    s->is_known = true;
    harborai_error why = HARBORAI_ERROR_INIT;
    st = open_segment(copy, s, &told, &follow, &why);
    if (st == HARBORAI_E_NOT_FOUND) { /* removed since it was listed */
        s->is_over = true;
        return HARBORAI_OK;
    }
    if (st < 0) {
        if (st == HARBORAI_E_INVALID)
            leave_out(copy, s, &why);
        else
            pass_over(copy, s, &why);
        return HARBORAI_OK;
    }
    st = read_lines(copy, at, follow, limit, error);
    journal_follow_close(follow);
    return st;
}

/* Whether there may be anything in it that was not read yet. */
static bool is_of_interest(const struct drain_segment *s)
{
    return !s->is_over && !(s->is_known && s->is_plain && s->size == s->at.offset);
}

/* Behind a new connection there may be an older state of the store, or an empty one. */
static harborai_status open_store(struct drain_copy *copy, harborai_error *error)
{
    struct drain_store *store = copy->store;
    harborai_status st = store->functions->open(store, error);
    if (st < 0)
        return st;
    if (store->note[0] != '\0')
        log_write(copy->settings.log, LOG_LEVEL_WARN, "drain.set_aside", "store=%s note='%s'",
                  store->functions->name, store->note);
    store->note[0] = '\0';
    if (store->opened != copy->opened)
        drain_copy_forget(copy);
    copy->opened = store->opened;
    return HARBORAI_OK;
}

static harborai_status copy_segments(struct drain_copy *copy, harborai_error *error)
{
    harborai_status st = open_store(copy, error);
    for (size_t i = 0; st == HARBORAI_OK && i < copy->count && !is_to_stop(copy); i++)
        if (is_of_interest(&copy->segments[i]))
            st = copy_segment(copy, i, error);
    if (st == HARBORAI_OK)
        st = commit(copy, error);
    if (st == HARBORAI_OK && copy->is_unread) {
        st = HARBORAI_E_INTERNAL;
        if (error != NULL)
            *error = copy->unread;
    }
    return st;
}

/* As the store has it: what was read beyond has to come again. */
static void go_back(struct drain_copy *copy, harborai_status why)
{
    if (copy->is_open)
        copy->store->functions->rollback(copy->store);
    if (why == HARBORAI_E_TIMEOUT && copy->calls > 1)
        copy->batch = copy->calls / 2;
    copy->singles = copy->is_refused ? copy->calls : 0;
    clear_transaction(copy);
    for (size_t i = 0; i < copy->count; i++)
        if (copy->segments[i].at.offset != copy->segments[i].committed)
            copy->segments[i].is_known = copy->segments[i].is_over = false;
}

/* For who takes old segments away. A mark that cannot be written keeps them, and is tried again. */
static void write_mark(struct drain_copy *copy)
{
    struct buf *mark = &copy->mark;
    harborai_error error = HARBORAI_ERROR_INIT;
    buf_clear(mark);
    for (size_t i = 0; i < copy->count; i++)
        if (!copy->segments[i].is_over)
            buf_printf(mark, "%s\n", copy->segments[i].name);
    if (copy->count > 0)
        buf_printf(mark, "%s~\n", copy->segments[copy->count - 1].name);
    if (copy->count == 0 || mark->failed < 0 ||
        slice_equal(buf_slice(mark), buf_slice(&copy->marked)))
        return;
    buf_clear(&copy->marked);
    if (copied_mark_write(copy->directory, copy->store->functions->name, buf_slice(mark), &error) ==
        HARBORAI_OK)
        buf_add(&copy->marked, buf_slice(mark));
    else
        log_write(copy->settings.log, LOG_LEVEL_WARN, "drain.mark_failed", "store=%s error='%s'",
                  copy->store->functions->name, error.message);
}

harborai_status drain_copy_round(struct drain_copy *copy, harborai_error *error)
{
    harborai_status st = read_list(copy, error);
    if (st < 0)
        return st;
    look_at_sizes(copy);
    do {
        copy->is_refused = copy->is_unread = false;
        st = copy_segments(copy, error);
        if (st < 0)
            go_back(copy, st);
    } while (st < 0 && copy->is_refused && !is_to_stop(copy)); /* the same at once, one by one */
    if (st < 0)
        copy->store->functions->close(copy->store);
    count_backlog(copy);
    write_mark(copy);
    return st;
}
