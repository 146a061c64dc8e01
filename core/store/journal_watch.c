/* SPDX-License-Identifier: MIT */
/* Follows all segments of a journal. Must never keep one open: there may be many, and any may be
 * compressed and removed meanwhile; a position means the same in what takes its place. */
#include "store/journal_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "store/line_check.h"
#include "store/segment_text.h"
#include "store/tail.h"

#define PLAIN ".jsonl"

struct followed {
    struct journal_position at;
    bool is_over; /* it gets no lines any more */
};

struct journal_watch {
    char *state_dir; /* owned */
    int directory;   /* of the journal; -1: there is none yet */
    int notify_fd;
    int state_watch, journal_watch;
    struct followed *segments; /* owned; the oldest first, as they were listed last */
    size_t count;
    journal_follow_fault_fn *on_fault;
    void *context;
};

static harborai_status no_memory(harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
}

/* --- Segments -------------------------------------------------------------------------------------- */

/* Both lists have the same order, so that what is known is found in one pass. */
static const struct followed *find_segment(const struct journal_watch *w, const char *name,
                                           size_t *from)
{
    for (size_t i = *from; i < w->count; i++)
        if (strcmp(w->segments[i].at.segment, name) == 0) {
            *from = i + 1;
            return &w->segments[i];
        }
    return NULL;
}

/* Behind its last whole line. What cannot be read now is read from its begin when it grows. */
static void go_to_end(struct journal_watch *w, struct followed *s)
{
    struct segment_text text = {.fd = -1};
    struct tail tail = {.text = NULL};
    harborai_str line;
    uint64_t size, at;
    if (segment_text_open(&text, w->directory, slice_of(s->at.segment), NULL) == HARBORAI_OK &&
        segment_text_size(&text, &size, NULL) == HARBORAI_OK &&
        tail_open(&tail, &text, size, NULL) == HARBORAI_OK &&
        tail_previous(&tail, &line, &at, NULL) == TAIL_LINE) {
        s->at.offset = at + line.len + 1;
        if (line_verify(line, &s->at.seq) == LINE_WHOLE)
            s->at.seq++;
    }
    tail_close(&tail);
    segment_text_close(&text);
}

/* Segments that came: at first from their ends on, later from their begins, whatever has become of them
 * already. */
static void take_segment(struct journal_watch *w, const struct journal_file *file,
                         const struct followed *known, bool is_first, struct followed *s)
{
    if (known != NULL) {
        *s = *known;
        return;
    }
    snprintf(s->at.segment, sizeof s->at.segment, "%s", file->name);
    s->is_over = is_first && (file->is_sealed || file->is_compressed);
    if (is_first && !s->is_over)
        go_to_end(w, s);
}

static harborai_status look_for_segments(struct journal_watch *w, bool is_first,
                                         harborai_error *error)
{
    struct journal_list list = {.files = NULL};
    size_t from = 0;
    harborai_status st = journal_list_read(w->directory, &list, error);
    struct followed *segments = calloc(list.count + 1, sizeof *segments);
    if (st == HARBORAI_OK && segments == NULL)
        st = no_memory(error);
    if (st == HARBORAI_OK) {
        for (size_t i = 0; i < list.count; i++)
            take_segment(w, &list.files[i], find_segment(w, list.files[i].name, &from), is_first,
                         &segments[i]);
        free(w->segments);
        w->segments = take(segments);
        w->count = list.count;
    }
    free(segments);
    journal_list_release(&list);
    return st;
}

/* --- Opening --------------------------------------------------------------------------------------- */

static harborai_status watch_state(struct journal_watch *w, harborai_error *error)
{
    char why[128];
    w->notify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (w->notify_fd >= 0)
        w->state_watch = inotify_add_watch(w->notify_fd, w->state_dir,
                                           IN_CREATE | IN_MOVED_TO | IN_ONLYDIR);
    if (w->notify_fd >= 0 && w->state_watch >= 0)
        return HARBORAI_OK;
    if (errno == EMFILE || errno == ENOSPC)
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "the system gives no word of changes in '%s': raise "
                                  "fs.inotify.max_user_instances and max_user_watches",
                                  w->state_dir);
    return harborai_error_set(error, HARBORAI_E_CONFIG, "cannot watch '%s': %s", w->state_dir,
                              error_of_errno(errno, why));
}

/* Before it is looked at, so that no change falls between. */
static harborai_status open_journal(struct journal_watch *w, harborai_error *error)
{
    char *path = NULL;
    if (w->directory >= 0)
        return HARBORAI_OK;
    if (asprintf(&path, "%s/journal", w->state_dir) < 0)
        return no_memory(error);
    w->journal_watch =
        inotify_add_watch(w->notify_fd, path, IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_ONLYDIR);
    free(path);
    if (w->journal_watch < 0)
        return HARBORAI_OK;
    return journal_directory_open(slice_of(w->state_dir), &w->directory, error);
}

harborai_status journal_watch_open(harborai_str state_dir, journal_follow_fault_fn *on_fault,
                                   void *context, struct journal_watch **ret_watch,
                                   harborai_error *error)
{
    struct journal_watch *w = calloc(1, sizeof *w);
    if (w == NULL)
        return no_memory(error);
    *w = (struct journal_watch){.state_dir = slice_dup(state_dir),
                                .directory = -1,
                                .notify_fd = -1,
                                .journal_watch = -1,
                                .on_fault = on_fault,
                                .context = context};
    harborai_status st = w->state_dir != NULL ? watch_state(w, error) : no_memory(error);
    if (st == HARBORAI_OK)
        st = open_journal(w, error);
    if (st == HARBORAI_OK && w->directory >= 0)
        st = look_for_segments(w, true, error);
    if (st < 0) {
        journal_watch_close(w);
        return st;
    }
    *ret_watch = w;
    return HARBORAI_OK;
}

void journal_watch_close(struct journal_watch *watch)
{
    if (watch == NULL)
        return;
    if (watch->directory >= 0)
        close(watch->directory);
    if (watch->notify_fd >= 0)
        close(watch->notify_fd);
    free(watch->segments);
    free(watch->state_dir);
    free(watch);
}

int journal_watch_fd(const struct journal_watch *watch)
{
    return watch->notify_fd;
}

/* --- Reading --------------------------------------------------------------------------------------- */

/* What of it means that there may be segments that are not known. */
static bool take_event(struct journal_watch *w, const struct inotify_event *event)
{
    if (event->wd == w->journal_watch && (event->mask & IN_IGNORED) != 0 && w->directory >= 0) {
        close(w->directory); /* it was removed; another one may come */
        w->directory = -1;
        w->count = 0;
    }
    return (event->mask & IN_Q_OVERFLOW) != 0 ||
           (event->wd == w->journal_watch && (event->mask & (IN_CREATE | IN_MOVED_TO)) != 0);
}

static bool read_changes(struct journal_watch *w)
{
    _Alignas(struct inotify_event) char bytes[4096];
    bool has_new = false;
    ssize_t len;
    while ((len = read(w->notify_fd, bytes, sizeof bytes)) > 0) {
        for (char *at = bytes; at < bytes + len;) {
            const struct inotify_event *event = (const void *)at;
            has_new = take_event(w, event) || has_new;
            at += sizeof *event + event->len;
        }
    }
    return has_new;
}

/* Whether it has got longer; one that is gone may stand there compressed. */
static bool has_grown(const struct journal_watch *w, const struct followed *s)
{
    char name[JOURNAL_NAME_MOST + sizeof PLAIN];
    struct stat now;
    snprintf(name, sizeof name, "%s" PLAIN, s->at.segment);
    return fstatat(w->directory, name, &now, AT_SYMLINK_NOFOLLOW) != 0 ||
           (uint64_t)now.st_size != s->at.offset;
}

static void tell(const struct journal_watch *w, const struct followed *s,
                 const harborai_error *error)
{
    if (w->on_fault != NULL)
        w->on_fault(w->context, s->at.segment, s->at.offset, error->message);
}

/* False: no more are wanted. */
static bool read_segment(struct journal_watch *w, struct followed *s, journal_watch_fn *on_end,
                         void *context)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    struct journal_follow *follow;
    struct journal_line line;
    enum journal_follow_step step;
    bool goes_on = true;
    harborai_status st =
        journal_follow_open(w->directory, &s->at, w->on_fault, w->context, &follow, &error);
    if (st < 0) {
        s->is_over = true;
        if (st != HARBORAI_E_NOT_FOUND)
            tell(w, s, &error);
        return true;
    }
    while (goes_on &&
           (step = journal_follow_next(follow, &line, &error)) == JOURNAL_FOLLOW_LINE)
        if (line.kind == JOURNAL_LINE_END)
            goes_on = on_end(context, line.text);
    s->at = *journal_follow_position(follow);
    s->is_over = goes_on && (step == JOURNAL_FOLLOW_OVER || step == JOURNAL_FOLLOW_FAILED);
    if (goes_on && step == JOURNAL_FOLLOW_FAILED)
        tell(w, s, &error);
    journal_follow_close(follow);
    return goes_on;
}

harborai_status journal_watch_read(struct journal_watch *watch, journal_watch_fn *on_end,
                                   void *context, harborai_error *error)
{
    bool has_new = read_changes(watch), goes_on = true;
    harborai_status st = open_journal(watch, error);
    if (st < 0 || watch->directory < 0)
        return st;
    if (has_new || watch->count == 0)
        st = look_for_segments(watch, false, error);
    for (size_t i = 0; st == HARBORAI_OK && goes_on && i < watch->count; i++) {
        struct followed *s = &watch->segments[i];
        if (!s->is_over && has_grown(watch, s))
            goes_on = read_segment(watch, s, on_end, context);
    }
    return st;
}
