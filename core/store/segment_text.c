/* SPDX-License-Identifier: MIT */
/* Must never follow a symbolic link, nor wait for what is no file. */
#include "store/segment_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

harborai_status segment_text_open(struct segment_text *text, int directory, harborai_str name,
                                  harborai_error *error)
{
    char file[128], why[128];
    struct stat now;
    *text = (struct segment_text){.fd = -1};
    if (snprintf(file, sizeof file, "%.*s.jsonl", SLICE_ARG(name)) >= (int)sizeof file)
        return harborai_error_set(error, HARBORAI_E_NOT_FOUND, "there is no segment of that name");
    int fd = openat(directory, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return harborai_error_set(error,
                                  errno == ENOENT ? HARBORAI_E_NOT_FOUND : HARBORAI_E_INTERNAL,
                                  "cannot open segment '%s': %s", file, error_of_errno(errno, why));
    if (fstat(fd, &now) < 0 || !S_ISREG(now.st_mode)) {
        close(fd);
        return harborai_error_set(error, HARBORAI_E_INTERNAL, "segment '%s' is no file", file);
    }
    text->fd = fd;
    return HARBORAI_OK;
}

void segment_text_close(struct segment_text *text)
{
    if (text->fd >= 0)
        close(text->fd);
    text->fd = -1;
}

harborai_status segment_text_size(const struct segment_text *text, uint64_t *ret_size,
                                  harborai_error *error)
{
    struct stat now;
    char why[128];
    if (fstat(text->fd, &now) < 0)
        return harborai_error_set(error, HARBORAI_E_INTERNAL, "cannot look at the segment: %s",
                                  error_of_errno(errno, why));
    *ret_size = (uint64_t)now.st_size;
    return HARBORAI_OK;
}

harborai_status segment_text_read(struct segment_text *text, uint64_t at, char *to, size_t len,
                                  size_t *ret_got, harborai_error *error)
{
    size_t done = 0;
    char why[128];
    while (done < len) {
        ssize_t got = pread(text->fd, to + done, len - done, (off_t)(at + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return harborai_error_set(error, HARBORAI_E_INTERNAL, "cannot be read at byte %llu: %s",
                                      (unsigned long long)(at + done), error_of_errno(errno, why));
        if (got == 0)
            break;
        done += (size_t)got;
    }
    *ret_got = done;
    return HARBORAI_OK;
}
