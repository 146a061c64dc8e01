/* SPDX-License-Identifier: MIT */
/* One thread, which opens each file anew: a descriptor of the writer's would hold its lock. Must never
 * hold its own lock while the disk works: the loop takes it. */
#include "store/syncer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/thread.h"
#include "store/segment.h"

#define MOST_FILES KIB(64) /* bytes of paths: a loop writes to one file, and to few more at times */

enum { OLD_NAME = 'o', NEW_NAME = 'n' };

/* 0, or an errno. One that is gone was sealed and compressed meanwhile, by whoever syncs that. */
static int sync_file(const char *path, bool is_new)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), reason = 0;
    if (fd < 0)
        return errno == ENOENT ? 0 : errno;
    if (fdatasync(fd) < 0)
        reason = errno;
    close(fd);
    return reason == 0 && is_new ? segment_sync_name(path) : reason;
}

static void sync_all(struct syncer *s, const struct buf *files)
{
    for (size_t at = 0; at < files->len; at += strlen(files->data + at) + 1) {
        const char *path = files->data + at + 1;
        int reason = sync_file(path, files->data[at] == NEW_NAME);
        if (reason != 0 && !s->has_failed && s->on_failure != NULL)
            s->on_failure(s->context, path, reason);
        s->has_failed = reason != 0;
    }
}

/* Until there is something to do and the time has come. False: it is to end. */
static bool wait_for_work(struct syncer *s)
{
    for (;;) {
        if (s->files.len == 0 && s->is_closing)
            return false;
        if (s->files.len > 0 && (s->is_closing || clock_monotonic_ns(&clock_system) >= s->due_ns))
            return true;
        struct timespec until = {s->due_ns / NS_PER_S, s->due_ns % NS_PER_S};
        if (s->files.len > 0)
            pthread_cond_timedwait(&s->changed, &s->lock, &until);
        else
            pthread_cond_wait(&s->changed, &s->lock);
    }
}

static void *work(void *argument)
{
    struct syncer *s = argument;
    struct buf files = BUF_INIT(MOST_FILES), emptied;
    pthread_mutex_lock(&s->lock);
    while (wait_for_work(s)) {
        emptied = files;
        files = s->files;
        s->files = emptied;
        s->round++;
        s->is_busy = true;
        pthread_mutex_unlock(&s->lock);
        sync_all(s, &files);
        buf_clear(&files);
        pthread_mutex_lock(&s->lock);
        s->is_busy = false;
        pthread_cond_broadcast(&s->changed);
    }
    pthread_mutex_unlock(&s->lock);
    buf_release(&files);
    return NULL;
}

static bool start(struct syncer *s)
{
    if (!s->is_ready) {
        pthread_condattr_t clock;
        pthread_condattr_init(&clock);
        pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
        pthread_mutex_init(&s->lock, NULL);
        pthread_cond_init(&s->changed, &clock);
        pthread_condattr_destroy(&clock);
        buf_init(&s->files, MOST_FILES);
        s->round = 1;
        s->is_ready = true;
    }
    if (!s->has_thread)
        s->has_thread = thread_start(&s->thread, "syncer", work, s, NULL) == HARBORAI_OK;
    return s->has_thread;
}

static bool add_file(struct syncer *s, const char *path, bool is_new)
{
    size_t before = s->files.len;
    buf_add_char(&s->files, is_new ? NEW_NAME : OLD_NAME);
    buf_add(&s->files, (harborai_str){path, strlen(path) + 1});
    if (s->files.failed == HARBORAI_OK)
        return true;
    s->files.len = before;
    s->files.failed = HARBORAI_OK;
    return false;
}

bool syncer_note(struct syncer *s, const char *path, bool is_new, int64_t delay_ns, uint64_t *round)
{
    if (!start(s))
        return false;
    bool is_noted = true;
    pthread_mutex_lock(&s->lock);
    if (*round != s->round) {
        bool is_first = s->files.len == 0;
        is_noted = add_file(s, path, is_new);
        if (is_noted)
            *round = s->round;
        if (is_noted && is_first) {
            s->due_ns = clock_monotonic_ns(&clock_system) + delay_ns;
            pthread_cond_broadcast(&s->changed);
        }
    }
    pthread_mutex_unlock(&s->lock);
    return is_noted;
}

static bool wait_until_done(struct syncer *s, int64_t limit_ns)
{
    int64_t until_ns = clock_monotonic_ns(&clock_system) + limit_ns;
    struct timespec until = {until_ns / NS_PER_S, until_ns % NS_PER_S};
    bool in_time = true;
    pthread_mutex_lock(&s->lock);
    s->is_closing = true;
    pthread_cond_broadcast(&s->changed);
    while ((s->is_busy || s->files.len > 0) && in_time)
        in_time = pthread_cond_timedwait(&s->changed, &s->lock, &until) == 0;
    bool is_done = !s->is_busy && s->files.len == 0;
    pthread_mutex_unlock(&s->lock);
    return is_done;
}

bool syncer_close(struct syncer *s, int64_t limit_ns)
{
    if (!s->is_ready)
        return true;
    if (s->has_thread && !wait_until_done(s, limit_ns))
        return false;
    if (s->has_thread)
        pthread_join(s->thread, NULL);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    buf_release(&s->files);
    s->is_ready = s->has_thread = s->is_closing = false;
    return true;
}
