/* SPDX-License-Identifier: MIT */
/* Marks of removals. Must never take a mark that nobody holds for one that counts. */
#include "store/removal_mark.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/directory.h"
#include "base/file_lock.h"
#include "base/limits.h"

#define PREFIX "removing."
#define READ_FLAGS (O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)

enum { MARKS_MAX = 256, TRIES = 8 };

/* ---- Of this process ------------------------------------------------------------------------ */

static harborai_status refuse(const char *path, harborai_error *error)
{
    if (errno != EWOULDBLOCK)
        return directory_refuse("write", path, error);
    int fd = open(path, READ_FLAGS);
    pid_t by = fd >= 0 ? file_lock_signer(fd) : 0;
    if (fd >= 0)
        close(fd);
    char process[32] = "another process";
    if (by > 0)
        snprintf(process, sizeof process, "process %ld", (long)by);
    return harborai_error_set(error, HARBORAI_E_INTERNAL,
                              "%s removes it already, and has '%s' locked: nothing was changed",
                              process, path);
}

/* Who had the lock before may have taken the file away with it: then there is another one to lock. */
static int open_locked(const char *path)
{
    struct stat status;
    for (unsigned i = 0; i < TRIES; i++) {
        int fd = file_lock_open(path);
        if (fd < 0 && errno == ENOENT)
            continue;
        if (fd < 0)
            return -1;
        bool is_locked = file_lock_wait(fd);
        int number = errno;
        if (is_locked && fstat(fd, &status) == 0 && status.st_nlink > 0)
            return fd;
        close(fd);
        errno = number;
        if (!is_locked)
            return -1;
    }
    errno = EWOULDBLOCK;
    return -1;
}

harborai_status removal_mark_set(struct removal_mark *mark, harborai_str state_dir, harborai_str id,
                                 harborai_error *error)
{
    harborai_status st = HARBORAI_OK;
    char *directory = slice_dup(state_dir), *path;
    if (directory == NULL ||
        asprintf(&path, "%s/" PREFIX "%.*s", directory, SLICE_ARG(id)) < 0) {
        free(directory);
        return harborai_error_set(error, HARBORAI_E_MEMORY, "out of memory");
    }
    int fd = directory_make_given(directory) ? open_locked(path) : -1;
    if (fd < 0)
        st = refuse(path, error);
    else if (!file_lock_sign(fd) || futimens(fd, NULL) != 0) /* who, and since when */
        st = directory_refuse("write", path, error);
    free(directory);
    *mark = (struct removal_mark){path, fd};
    if (st < 0)
        removal_mark_release(mark);
    return st;
}

/* Under its lock: nobody else can hold it then. */
void removal_mark_release(struct removal_mark *mark)
{
    if (mark->fd >= 0) {
        unlink(mark->path);
        close(mark->fd);
    }
    free(mark->path);
    *mark = (struct removal_mark)REMOVAL_MARK_INIT;
}

/* ---- Of all processes ----------------------------------------------------------------------- */

static int is_mark_name(const struct dirent *entry)
{
    harborai_str name = slice_of(entry->d_name);
    return slice_starts_with(name, PREFIX) && name.len > strlen(PREFIX);
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Whether somebody holds the file: who, and its status. */
static bool is_held(const char *path, pid_t *ret_by, struct stat *ret_status)
{
    int fd = open(path, READ_FLAGS);
    if (fd < 0)
        return false;
    bool is_held = fstat(fd, ret_status) == 0 && S_ISREG(ret_status->st_mode) &&
                   flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    *ret_by = is_held ? file_lock_signer(fd) : 0;
    close(fd);
    return is_held;
}

static bool read_mark(const char *path, harborai_str name, struct arena *arena,
                      struct removal_found *ret_removal)
{
    struct stat status;
    char since[25];
    if (!is_held(path, &ret_removal->by, &status))
        return false;
    clock_format_utc((int64_t)status.st_mtim.tv_sec * NS_PER_S, since);
    ret_removal->id = arena_copy(arena, slice_from(name, strlen(PREFIX)));
    ret_removal->since = arena_printf(arena, "%.19sZ", since);
    return ret_removal->id.data != NULL && ret_removal->since.data != NULL;
}

const struct removal_found *removal_mark_list(harborai_str state_dir, struct arena *arena,
                                        size_t *ret_count)
{
    struct dirent **entries = NULL;
    harborai_str directory = arena_printf(arena, "%.*s", SLICE_ARG(state_dir));
    int count = state_dir.len > 0 && directory.data != NULL
                    ? scandir(directory.data, &entries, is_mark_name, compare_names)
                    : 0;
    struct removal_found *list = count > 0 ? arena_alloc(arena, MARKS_MAX * sizeof *list) : NULL;
    *ret_count = 0;
    for (int i = 0; i < count; i++) {
        harborai_str path = arena_printf(arena, "%s/%s", directory.data, entries[i]->d_name);
        if (list != NULL && path.data != NULL && *ret_count < MARKS_MAX &&
            read_mark(path.data, slice_of(entries[i]->d_name), arena, &list[*ret_count]))
            (*ret_count)++;
        free(entries[i]);
    }
    free(entries);
    return list;
}

/* A shared lock will do, which nobody takes for a removal: who waits for it finds that the file has gone. */
static void take_away(const char *path)
{
    int fd = open(path, READ_FLAGS);
    if (fd < 0)
        return;
    if (flock(fd, LOCK_SH | LOCK_NB) == 0)
        unlink(path);
    close(fd);
}

void removal_mark_tidy(harborai_str state_dir)
{
    struct dirent **entries = NULL;
    char *directory = slice_dup(state_dir), *path;
    int count = directory != NULL && state_dir.len > 0
                    ? scandir(directory, &entries, is_mark_name, compare_names)
                    : 0;
    for (int i = 0; i < count; i++) {
        if (asprintf(&path, "%s/%s", directory, entries[i]->d_name) >= 0) {
            take_away(path);
            free(path);
        }
        free(entries[i]);
    }
    free(entries);
    free(directory);
}
