/* SPDX-License-Identifier: MIT */
/* Sets and clears the marks of danger of this process. A mark has its name only once it is whole and
 * locked: a reader never takes one that is being made for one of the dead. */
#include "store/crash_mark.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/directory.h"
#include "base/error.h"
#include "base/limits.h"
#include "wire/json_write.h"

#define MARK_SIZE_MAX KIB(16) /* a path of PATH_MAX, escaped, and some */

/* What every mark begins with, and where the digit stands: enum crash_verdict. */
#define SUSPECTED "{\"guilty\":0"
enum { VERDICT_AT = sizeof SUSPECTED - 2 };

/* ---- All that a handler may look at ----------------------------------------------------------- */

/* Of the mark that this thread has set. */
static _Thread_local struct {
    volatile sig_atomic_t is_set, fd;
} own;

/* Descriptors of marks that are set, of all threads; a handler is given no context that could own
 * them. More than there are threads that load: one that found no place stays suspected. */
enum { LIVE_MAX = 64, LIVE_FREE = 0, LIVE_TAKEN = -1 };
static _Atomic int live[LIVE_MAX]; /* descriptor + 1 */
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "a handler may wait for nobody");

static void write_verdict(int fd, enum crash_verdict verdict)
{
    const char digit = (char)('0' + verdict);
    ssize_t written = pwrite(fd, &digit, 1, VERDICT_AT);
    (void)written; /* then it is suspected */
}

/* A place has one owner at a time: its thread, which closes the descriptor after it has it back, or a
 * handler, which keeps it. So no handler writes into what is another file by now. */
static _Atomic int *enlist(int fd)
{
    for (size_t i = 0; i < LIVE_MAX; i++) {
        int before = LIVE_FREE;
        if (atomic_compare_exchange_strong(&live[i], &before, fd + 1))
            return &live[i];
        if (before == LIVE_TAKEN) { /* the process ends, and who ends it is known */
            write_verdict(fd, CRASH_ACQUITTED);
            return NULL;
        }
    }
    return NULL;
}

static bool strike_off(_Atomic int *place, int fd)
{
    int before = fd + 1;
    return place == NULL || atomic_compare_exchange_strong(place, &before, LIVE_FREE);
}

static void acquit_all_but(int fd)
{
    for (size_t i = 0; i < LIVE_MAX; i++) {
        int taken = atomic_exchange(&live[i], LIVE_TAKEN);
        if (taken > LIVE_FREE && taken - 1 != fd)
            write_verdict(taken - 1, CRASH_ACQUITTED);
    }
}

void crash_mark_accuse(void)
{
    int before = errno;
    if (own.is_set) {
        own.is_set = 0;
        write_verdict(own.fd, CRASH_GUILTY);
        acquit_all_but(own.fd);
    }
    errno = before;
}

void crash_mark_acquit(void)
{
    int before = errno;
    acquit_all_but(-1);
    errno = before;
}

/* ---- For all of them -------------------------------------------------------------------------- */

harborai_status crash_marks_init(struct crash_marks *marks, harborai_str state_dir,
                                 const struct clock *clock, harborai_error *error)
{
    *marks = (struct crash_marks){.lock = PTHREAD_MUTEX_INITIALIZER,
                                  .born_ns = clock_wall_ns(clock)};
    list_init(&marks->set);
    if (asprintf(&marks->directory, "%.*s/loading", SLICE_ARG(state_dir)) >= 0)
        return HARBORAI_OK;
    marks->directory = NULL;
    return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
}

void crash_marks_release(struct crash_marks *marks)
{
    if (marks->directory == NULL)
        return;
    crash_marks_withdraw(marks);
    pthread_mutex_destroy(&marks->lock);
    free(marks->directory);
    marks->directory = NULL;
}

/* ---- What it says --------------------------------------------------------------------------- */

static void write_mark(struct buf *out, const struct crash_subject *subject, const char *stage,
                       const struct clock *clock)
{
    struct json_writer w = JSON_WRITER(out);
    char now[25];
    clock_format_utc(clock_wall_ns(clock), now);
    memcpy(now + 19, "Z", 2); /* seconds are enough */
    json_write_object(&w);
    json_write_key_int64(&w, "guilty", CRASH_SUSPECTED);
    json_write_key_int64(&w, "version", 1);
    json_write_key_string(&w, "file", subject->file);
    json_write_key_string(&w, "id", subject->id);
    json_write_key_string(&w, "stage", slice_of(stage));
    json_write_key_string(&w, "since", slice_of(now));
    json_write_key_int64(&w, "inode", (int64_t)subject->inode);
    json_write_key_int64(&w, "size", subject->size);
    json_write_key_int64(&w, "modified_ns", subject->modified_ns);
    json_write_end(&w);
    buf_add_char(out, '\n');
}

static bool write_from(int fd, size_t at, harborai_str text)
{
    harborai_str rest = slice_from(text, at);
    return pwrite(fd, rest.data, rest.len, (off_t)at) == (ssize_t)rest.len &&
           ftruncate(fd, (off_t)text.len) == 0;
}

/* Over what it said before, of which the end may stay for a moment: another process looks at it only
 * once this one is dead. What a handler may have made of the digit stays. */
static bool write_over(int fd, harborai_str text)
{
    return write_from(fd, VERDICT_AT + 1, text);
}

/* ---- Files ---------------------------------------------------------------------------------- */

static harborai_status failed(const struct crash_marks *marks, harborai_error *error)
{
    char text[128];
    return harborai_error_set(error, HARBORAI_E_INTERNAL, "cannot write a mark in '%s': %s",
                              marks->directory, error_of_errno(errno, text));
}

/* A new file, locked, of no name that a reader looks at. */
static int make_file(const char *path, harborai_str text)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && write_from(fd, 0, text))
        return fd;
    int number = errno;
    if (fd >= 0) {
        unlink(path);
        close(fd);
    }
    errno = number;
    return -1;
}

/* Under the lock. */
static harborai_status make(struct crash_marks *marks, struct crash_mark *mark, harborai_str text,
                            harborai_error *error)
{
    char *path, *hidden;
    int len = asprintf(&path, "%s/%lld-%ld-%u", marks->directory, (long long)marks->born_ns,
                       (long)getpid(), marks->count++);
    if (len < 0)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    if (asprintf(&hidden, "%s.new", path) < 0) {
        free(path);
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    }
    int fd = directory_make(marks->directory) ? make_file(hidden, text) : -1;
    _Atomic int *place = fd >= 0 ? enlist(fd) : NULL;
    bool made = fd >= 0 && rename(hidden, path) == 0;
    harborai_status st = made ? HARBORAI_OK : failed(marks, error);
    if (made) {
        mark->path = take(path);
        mark->fd = fd;
        mark->place = place;
        own.fd = fd;
        own.is_set = 1;
        list_append(&marks->set, &mark->link);
    } else if (fd >= 0) {
        unlink(hidden);
        if (strike_off(place, fd))
            close(fd);
    }
    free(hidden);
    free(path);
    return st;
}

/* Under the lock. The descriptor stays open, and with it the lock of the file. */
static void remove_file(struct crash_mark *mark)
{
    list_remove(&mark->link);
    unlink(mark->path);
    free(mark->path);
    *mark = (struct crash_mark){.path = NULL, .fd = mark->fd, .place = mark->place};
}

/* ---- What is asked for ---------------------------------------------------------------------- */

harborai_status crash_mark_set(struct crash_marks *marks, struct crash_mark *mark,
                               const struct crash_subject *subject, const char *stage,
                               const struct clock *clock, harborai_error *error)
{
    AUTO(buf) text = BUF_INIT(MARK_SIZE_MAX);
    write_mark(&text, subject, stage, clock);
    harborai_status st = buf_status(&text, error);
    if (st < 0)
        return st;
    pthread_mutex_lock(&marks->lock);
    if (marks->is_over)
        st = HARBORAI_OK;
    else if (mark->path == NULL)
        st = make(marks, mark, buf_slice(&text), error);
    else if (!write_over(mark->fd, buf_slice(&text)))
        st = failed(marks, error);
    pthread_mutex_unlock(&marks->lock);
    return st;
}

void crash_mark_clear(struct crash_marks *marks, struct crash_mark *mark)
{
    pthread_mutex_lock(&marks->lock);
    own.is_set = 0;
    if (mark->path != NULL) {
        remove_file(mark);
        if (strike_off(mark->place, mark->fd))
            close(mark->fd);
    }
    pthread_mutex_unlock(&marks->lock);
}

/* Whoever has not come back may still look at its descriptor: they stay open. */
void crash_marks_withdraw(struct crash_marks *marks)
{
    if (marks->directory == NULL)
        return;
    pthread_mutex_lock(&marks->lock);
    marks->is_over = true;
    for (struct list *i; !list_is_empty(&marks->set);) {
        i = marks->set.next;
        remove_file(CONTAINER_OF(i, struct crash_mark, link));
    }
    pthread_mutex_unlock(&marks->lock);
}
