/* SPDX-License-Identifier: MIT */
/* Writes beside a file and renames over it. Must never open the file itself for writing: it may be
 * mapped, and a program that is half old and half new crashes. */
#include "base/replacement.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

static harborai_status failed(const struct replacement *r, harborai_error *error)
{
    char text[128];
    return harborai_error_set(error, HARBORAI_E_INTERNAL,
                              "cannot write '%s': %s; it is as it was", r->path,
                              error_of_errno(errno, text));
}

harborai_status replacement_open(struct replacement *r, const char *path, const char *temporary,
                                 mode_t mode, harborai_error *error)
{
    *r = (struct replacement){-1, slice_dup(slice_of(path)), slice_dup(slice_of(temporary))};
    if (r->path == NULL || r->temporary == NULL) {
        replacement_release(r);
        return harborai_error_set(error, HARBORAI_E_MEMORY, "cannot write '%s': out of memory", path);
    }
    if (unlink(temporary) != 0 && errno != ENOENT)
        return failed(r, error);
    r->fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    return r->fd < 0 || fchmod(r->fd, mode) != 0 ? failed(r, error) : HARBORAI_OK;
}

harborai_status replacement_write(struct replacement *r, harborai_str bytes, harborai_error *error)
{
    while (bytes.len > 0) {
        ssize_t written = write(r->fd, bytes.data, bytes.len);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return failed(r, error);
        bytes = slice_from(bytes, (size_t)written);
    }
    return HARBORAI_OK;
}

/* The rename itself must not be lost with the power. */
static bool sync_directory(const char *path)
{
    char *directory = slice_dup((harborai_str){path, (size_t)(strrchr(path, '/') - path) + 1});
    int fd = directory != NULL ? open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    bool is_done = fd >= 0 && (fsync(fd) == 0 || errno == EINVAL);
    if (fd >= 0)
        close(fd);
    free(directory);
    return is_done;
}

harborai_status replacement_commit(struct replacement *r, harborai_error *error)
{
    char text[128];
    if (fsync(r->fd) != 0 || rename(r->temporary, r->path) != 0)
        return failed(r, error);
    close(r->fd);
    r->fd = -1;
    if (!sync_directory(r->path))
        return harborai_error_set(error, HARBORAI_E_INTERNAL,
                                  "'%s' is written, but its directory is perhaps not on the disk: %s",
                                  r->path, error_of_errno(errno, text));
    return HARBORAI_OK;
}

void replacement_release(struct replacement *r)
{
    if (r->fd >= 0) {
        close(r->fd);
        unlink(r->temporary);
    }
    free(r->path);
    free(r->temporary);
    *r = (struct replacement)REPLACEMENT_INIT;
}
