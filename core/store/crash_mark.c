/* SPDX-License-Identifier: MIT */
/* Sets and clears the marks of danger of this process. A mark has its name only once it is whole and
 * locked: a reader never takes one that is being made for one of the dead. */
#include "store/crash_mark.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
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

/* What every mark begins with, and where the digit stands. */
#define INNOCENT "{\"guilty\":0"
enum { GUILTY_AT = sizeof INNOCENT - 2 };

/* Of the mark that this thread has set: all that a handler may look at. */
static _Thread_local struct {
    volatile sig_atomic_t is_set, fd;
} own;

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

static void write_mark(struct buf *out, const struct crash_marks *marks,
                       const struct crash_subject *subject, const char *stage,
                       const struct clock *clock)
{
    struct json_writer w = JSON_WRITER(out);
    char now[25], process[64];
    snprintf(process, sizeof process, "%lld-%ld", (long long)marks->born_ns, (long)getpid());
    clock_format_utc(clock_wall_ns(clock), now);
    memcpy(now + 19, "Z", 2); /* seconds are enough */
    json_write_object(&w);
    json_write_key_int64(&w, "guilty", 0); /* INNOCENT */
    json_write_key_int64(&w, "version", 1);
    json_write_key_string(&w, "file", subject->file);
    json_write_key_string(&w, "id", subject->id);
    json_write_key_string(&w, "stage", slice_of(stage));
    json_write_key_string(&w, "process", slice_of(process));
    json_write_key_string(&w, "since", slice_of(now));
    json_write_key_int64(&w, "inode", (int64_t)subject->inode);
    json_write_key_int64(&w, "size", subject->size);
    json_write_key_int64(&w, "modified_ns", subject->modified_ns);
    json_write_end(&w);
    buf_add_char(out, '\n');
}

/* Over what it said before, of which the end may stay for a moment: another process looks at it only
 * once this one is dead. */
static bool write_over(int fd, harborai_str text)
{
    return pwrite(fd, text.data, text.len, 0) == (ssize_t)text.len &&
           ftruncate(fd, (off_t)text.len) == 0;
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
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && write_over(fd, text))
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
    bool made = fd >= 0 && rename(hidden, path) == 0;
    harborai_status st = made ? HARBORAI_OK : failed(marks, error);
    if (made) {
        mark->path = take(path);
        mark->fd = fd;
        own.fd = fd;
        own.is_set = 1;
        list_append(&marks->set, &mark->link);
    } else if (fd >= 0) {
        unlink(hidden);
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
    *mark = (struct crash_mark){.path = NULL, .fd = mark->fd};
}

/* ---- What is asked for ---------------------------------------------------------------------- */

harborai_status crash_mark_set(struct crash_marks *marks, struct crash_mark *mark,
                               const struct crash_subject *subject, const char *stage,
                               const struct clock *clock, harborai_error *error)
{
    AUTO(buf) text = BUF_INIT(MARK_SIZE_MAX);
    write_mark(&text, marks, subject, stage, clock);
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
        close(mark->fd);
    }
    pthread_mutex_unlock(&marks->lock);
}

void crash_mark_accuse(void)
{
    int before = errno;
    if (own.is_set) {
        own.is_set = 0;
        ssize_t written = pwrite(own.fd, "1", 1, GUILTY_AT);
        (void)written; /* then all are suspected */
    }
    errno = before;
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
