/* SPDX-License-Identifier: MIT */
/* Files that are whole or not there. Must never touch what stands under the final name before that. */
#include "cli/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"

#define MODE 0600

const char *output_file_name(const struct output_file *file)
{
    return file->path != NULL ? file->path : "standard output";
}

static harborai_status no_memory(harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
}

static harborai_status fail(const struct output_file *file, int number, harborai_error *error)
{
    char text[128];
    if (number == EPIPE)
        return harborai_error_set(error, HARBORAI_E_CANCELLED, "the reader left");
    return harborai_error_set(error, HARBORAI_E_INTERNAL, "cannot write '%s': %s",
                              output_file_name(file), error_of_errno(number, text));
}

/* A link is followed: what it leads to is replaced, not the link. */
static harborai_status find_path(struct output_file *file, const char *path, harborai_error *error)
{
    struct stat now;
    if (stat(path, &now) != 0) {
        file->path = slice_dup(slice_of(path));
        return file->path != NULL ? HARBORAI_OK : no_memory(error);
    }
    if (!S_ISREG(now.st_mode))
        return harborai_error_set(error, HARBORAI_E_INVALID, "'%s' is no plain file", path);
    if (!file->may_replace)
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "'%s' exists: --force puts another one in its place", path);
    file->path = realpath(path, NULL);
    return file->path != NULL ? HARBORAI_OK : no_memory(error);
}

static int open_named(struct output_file *file, const char *path)
{
    if (asprintf(&file->part, "%s.XXXXXX", path) < 0) {
        file->part = NULL;
        errno = ENOMEM;
        return -1;
    }
    int fd = mkostemp(file->part, O_CLOEXEC);
    if (fd < 0)
        free(take(file->part));
    return fd;
}

static int open_part(struct output_file *file, const char *path)
{
    char *copy = slice_dup(slice_of(path));
    if (copy == NULL) {
        errno = ENOMEM;
        return -1;
    }
    int fd = open(dirname(copy), O_TMPFILE | O_RDWR | O_CLOEXEC, MODE);
    int reason = errno;
    free(copy);
    bool is_unknown = reason == EOPNOTSUPP || reason == EISDIR || reason == EINVAL;
    return fd < 0 && is_unknown ? open_named(file, path) : fd;
}

static harborai_status open_copy(struct output_file *file, harborai_error *error)
{
    char *path = NULL;
    const char *folder = getenv("TMPDIR");
    if (asprintf(&path, "%s/harborai", folder != NULL && folder[0] == '/' ? folder : "/tmp") < 0)
        return no_memory(error);
    file->fd = open_part(file, path);
    file->is_copied = true;
    free(path);
    return file->fd >= 0 ? HARBORAI_OK : fail(file, errno, error);
}

harborai_status output_file_open(struct output_file *file, const char *path, bool may_replace,
                                 bool is_seekable, harborai_error *error)
{
    *file = (struct output_file){.fd = -1, .may_replace = may_replace};
    if (path == NULL || strcmp(path, "-") == 0) {
        if (is_seekable)
            return open_copy(file, error);
        file->fd = STDOUT_FILENO;
        return HARBORAI_OK;
    }
    harborai_status st = find_path(file, path, error);
    if (st < 0)
        return st;
    file->fd = open_part(file, file->path);
    return file->fd >= 0 ? HARBORAI_OK : fail(file, errno, error);
}

void output_file_close(struct output_file *file)
{
    if (file->part != NULL)
        unlink(file->part);
    if (file->fd >= 0 && file->fd != STDOUT_FILENO)
        close(file->fd);
    free(take(file->part));
    free(take(file->path));
    file->fd = -1;
}

static harborai_status write_all(const struct output_file *file, int fd, harborai_str text,
                                 harborai_error *error)
{
    while (text.len > 0) {
        ssize_t len = write(fd, text.data, text.len);
        if (len < 0 && errno != EINTR)
            return fail(file, errno, error);
        if (len > 0)
            text = slice_from(text, (size_t)len);
    }
    return HARBORAI_OK;
}

harborai_status output_file_write(struct output_file *file, harborai_str text,
                                  harborai_error *error)
{
    file->size += text.len;
    return write_all(file, file->fd, text, error);
}

/* --- When it is whole ---------------------------------------------------------------------------- */

static harborai_status copy_to_stdout(struct output_file *file, harborai_error *error)
{
    char bytes[KIB(64)];
    off_t at = 0;
    for (;;) {
        ssize_t len = pread(file->fd, bytes, sizeof bytes, at);
        if (len < 0)
            return fail(file, errno, error);
        if (len == 0)
            return HARBORAI_OK;
        at += len;
        harborai_status st =
            write_all(file, STDOUT_FILENO, (harborai_str){bytes, (size_t)len}, error);
        if (st < 0)
            return st;
    }
}

/* Gives a file without a name one, for which nothing else may stand there. */
static int link_to(const struct output_file *file, const char *path)
{
    char self[64];
    snprintf(self, sizeof self, "/proc/self/fd/%d", file->fd);
    return linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}

/* What has no name gets one beside its place, from where rename() can put it there. */
static int name_part(struct output_file *file)
{
    for (unsigned i = 0; i < 100; i++) {
        if (asprintf(&file->part, "%s.%d-%u", file->path, (int)getpid(), i) < 0) {
            file->part = NULL;
            errno = ENOMEM;
            return -1;
        }
        if (link_to(file, file->part) == 0)
            return 0;
        int reason = errno;
        free(take(file->part));
        errno = reason;
        if (reason != EEXIST)
            return -1;
    }
    return -1;
}

/* The part's name stays and is taken away by output_file_close(). Where there are no hard links it is
 * looked whether there is something, which another process could be faster than. */
static int link_part(const struct output_file *file)
{
    if (link(file->part, file->path) == 0)
        return 0;
    if ((errno != EPERM && errno != EOPNOTSUPP) || access(file->path, F_OK) == 0)
        return -1;
    return rename(file->part, file->path);
}

static int put_in_place(struct output_file *file)
{
    if (!file->may_replace)
        return file->part == NULL ? link_to(file, file->path) : link_part(file);
    if (file->part == NULL && name_part(file) != 0)
        return -1;
    return rename(file->part, file->path);
}

harborai_status output_file_commit(struct output_file *file, harborai_error *error)
{
    struct stat now;
    if (file->fd == STDOUT_FILENO)
        return HARBORAI_OK;
    if (fstat(file->fd, &now) == 0)
        file->size = (uint64_t)now.st_size;
    if (file->is_copied)
        return copy_to_stdout(file, error);
    if (fsync(file->fd) != 0)
        return fail(file, errno, error);
    if (put_in_place(file) == 0)
        return HARBORAI_OK;
    if (errno == EEXIST)
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "'%s' exists meanwhile: --force puts another one in its place",
                                  file->path);
    return fail(file, errno, error);
}
