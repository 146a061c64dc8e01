/* SPDX-License-Identifier: MIT */
/* Names, makes and locks the journal's files. Must never open an existing file for writing,
 * nor follow a symbolic link to one. */
#include "store/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/directory.h"
#include "base/error.h"
#include "base/limits.h"

#define DIRECTORY "journal"
#define SUFFIX ".jsonl"
#define MOST_COLLISIONS 1000

static harborai_status failed(harborai_error *error, const char *what, const char *path)
{
    char text[128];
    return harborai_error_set(error, HARBORAI_E_CONFIG,
                              "cannot %s '%s': %s; set --state-dir to a directory of your own",
                              what, path, error_of_errno(errno, text));
}

/* <state_dir>/journal/<name>, owned; NULL when out of memory. `name` may be "". */
static char *segment_path(harborai_str state_dir, const char *name)
{
    char *path = NULL;
    if (asprintf(&path, "%.*s/" DIRECTORY "%s%s", SLICE_ARG(state_dir), name[0] != '\0' ? "/" : "",
                 name) < 0)
        return NULL;
    return path;
}

/* -1 with errno EEXIST: the name is taken, or somebody was quicker to lock it, such as a recovery that
 * takes away what is empty and nobody's. */
static int create_file(const char *path)
{
    struct stat now;
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return fd;
    bool is_locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (is_locked && fstat(fd, &now) == 0 && now.st_nlink > 0)
        return fd;
    int reason = is_locked ? EEXIST : errno;
    close(fd);
    errno = reason == EWOULDBLOCK ? EEXIST : reason;
    return -1;
}

static void format_name(char text[static 96], int64_t wall_ns, unsigned loop, unsigned collision)
{
    char t[25], moment[32], suffix[16] = "";
    clock_format_utc(wall_ns, t); /* 2026-11-21T11:03:05.123Z */
    snprintf(moment, sizeof moment, "%.4s%.2s%.2sT%.2s%.2s%.2sZ", t, t + 5, t + 8, t + 11, t + 14,
             t + 17);
    if (collision > 0)
        snprintf(suffix, sizeof suffix, "-%u", collision);
    snprintf(text, 96, "%s-%ld-%u%s" SUFFIX, moment, (long)getpid(), loop, suffix);
}

harborai_status segment_prepare(harborai_str state_dir, harborai_error *error)
{
    char *path = segment_path(state_dir, "");
    harborai_status st = HARBORAI_OK;
    if (state_dir.len == 0)
        st = harborai_error_set(error, HARBORAI_E_CONFIG, "the state directory has no name");
    else if (path == NULL)
        st = harborai_error_set(error, HARBORAI_E_MEMORY, "out of memory");
    else if (!directory_make(path))
        st = failed(error, "make directory", path);
    else if (faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) != 0)
        st = failed(error, "write to directory", path);
    free(path);
    return st;
}

harborai_status segment_create(harborai_str state_dir, int64_t wall_ns, unsigned loop,
                               struct segment *ret_segment, harborai_error *error)
{
    char name[96], *path = NULL;
    harborai_status st = segment_prepare(state_dir, error);
    if (st < 0)
        return st;
    for (unsigned collision = 0; collision < MOST_COLLISIONS; collision++) {
        free(path);
        format_name(name, wall_ns, loop, collision);
        path = segment_path(state_dir, name);
        if (path == NULL)
            return harborai_error_set(error, HARBORAI_E_MEMORY, "out of memory");
        int fd = create_file(path);
        if (fd >= 0) {
            *ret_segment = (struct segment){.fd = fd, .path = path};
            return HARBORAI_OK;
        }
        if (errno != EEXIST)
            break;
    }
    st = failed(error, "make journal segment", path);
    free(path);
    return st;
}

int segment_sync_name(const char *path)
{
    char directory[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int reason = 0;
    snprintf(directory, sizeof directory, "%.*s", (int)(slash - path), path);
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0)
        reason = errno;
    if (fd >= 0)
        close(fd);
    return reason;
}

void segment_close(struct segment *segment)
{
    struct stat now;
    if (segment->path == NULL)
        return;
    /* Under the lock: no reader takes it for a segment that it may finish. */
    if (fstat(segment->fd, &now) == 0 && now.st_size == 0)
        unlink(segment->path);
    close(segment->fd);
    free(segment->path);
    *segment = (struct segment){.fd = -1};
}
