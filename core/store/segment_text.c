/* SPDX-License-Identifier: MIT */
/* Must never follow a symbolic link, nor wait for what is no file. */
#include "store/segment_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "store/frames.h"

/* E_NOT_FOUND: there is none of that name. */
static harborai_status open_file(int directory, harborai_str name, const char *suffix, int *ret_fd,
                                 harborai_error *error)
{
    char file[128], why[128];
    struct stat now;
    int len = snprintf(file, sizeof file, "%.*s%s", SLICE_ARG(name), suffix);
    if (len >= (int)sizeof file)
        return harborai_error_set(error, HARBORAI_E_NOT_FOUND, "there is no segment of that name");
    int fd = openat(directory, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return harborai_error_set(error,
                                  errno == ENOENT ? HARBORAI_E_NOT_FOUND : HARBORAI_E_INTERNAL,
                                  "cannot open '%s': %s", file, error_of_errno(errno, why));
    if (fstat(fd, &now) < 0 || !S_ISREG(now.st_mode)) {
        close(fd);
        return harborai_error_set(error, HARBORAI_E_INTERNAL, "'%s' is no file", file);
    }
    *ret_fd = fd;
    return HARBORAI_OK;
}

/* The plain file first: it goes when the compressed one is there. */
harborai_status segment_text_open(struct segment_text *text, int directory, harborai_str name,
                                  harborai_error *error)
{
    *text = (struct segment_text){.fd = -1};
    harborai_status st = open_file(directory, name, ".jsonl", &text->fd, error);
    if (st != HARBORAI_E_NOT_FOUND)
        return st;
    st = open_file(directory, name, ".jsonl.zst", &text->fd, error);
    if (st == HARBORAI_OK)
        st = frames_open(text->fd, &text->frames, error);
    if (st < 0)
        segment_text_close(text);
    return st;
}

void segment_text_close(struct segment_text *text)
{
    frames_close(text->frames);
    if (text->fd >= 0)
        close(text->fd);
    *text = (struct segment_text){.fd = -1};
}

harborai_status segment_text_size(const struct segment_text *text, uint64_t *ret_size,
                                  harborai_error *error)
{
    struct stat now;
    char why[128];
    if (text->frames != NULL) {
        *ret_size = frames_size(text->frames);
        return HARBORAI_OK;
    }
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
    if (text->frames != NULL)
        return frames_read(text->frames, at, to, len, ret_got, error);
    while (done < len) {
        ssize_t got = pread(text->fd, to + done, len - done, (off_t)(at + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return harborai_error_set(error, HARBORAI_E_INTERNAL, "cannot be read at byte %llu: %s",
                                      (unsigned long long)at + done, error_of_errno(errno, why));
        if (got == 0)
            break;
        done += (size_t)got;
    }
    *ret_got = done;
    return HARBORAI_OK;
}
