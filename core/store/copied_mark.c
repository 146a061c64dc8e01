/* SPDX-License-Identifier: MIT */
/* Writes and reads marks. Must never take a part of one for the whole: then it would cover too much. */
#include "store/copied_mark.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"

harborai_status copied_mark_write(int directory, const char *store, harborai_str text,
                                  harborai_error *error)
{
    char name[64], temporary[64], why[128];
    snprintf(name, sizeof name, "%s" COPIED_MARK, store);
    snprintf(temporary, sizeof temporary, "%s" COPIED_MARK ".new", store);
    int fd = openat(directory, temporary,
                    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool is_written = fd >= 0 && write(fd, text.data, text.len) == (ssize_t)text.len &&
                      renameat(directory, temporary, directory, name) == 0;
    int reason = errno;
    if (fd >= 0)
        close(fd); /* wakes who takes segments away, once the mark has its name */
    if (is_written)
        return HARBORAI_OK;
    return harborai_error_set(error, HARBORAI_E_INTERNAL, "cannot write '%s': %s", name,
                              error_of_errno(reason, why));
}

void copied_mark_read(int directory, const char *store, struct buf *ret_text)
{
    char name[64], *room;
    ssize_t len = 1;
    buf_clear(ret_text);
    snprintf(name, sizeof name, "%s" COPIED_MARK, store);
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    while (fd >= 0 && len > 0 && (room = buf_reserve(ret_text, KIB(4))) != NULL)
        if ((len = read(fd, room, KIB(4))) > 0)
            buf_commit(ret_text, (size_t)len);
    if (fd >= 0)
        close(fd);
    if (len != 0 || !slice_ends_with(buf_slice(ret_text), "~\n"))
        buf_clear(ret_text);
}

static bool is_before(harborai_str a, harborai_str b)
{
    int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
    return order != 0 ? order < 0 : a.len < b.len;
}

bool copied_mark_covers(harborai_str text, harborai_str segment)
{
    harborai_str line = SLICE_NONE;
    while (slice_split(text, '\n', &line, &text)) {
        if (slice_ends_with(line, "~"))
            return is_before(segment, line);
        if (slice_equal(line, segment))
            return false;
    }
    return false;
}
