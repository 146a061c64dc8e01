/* SPDX-License-Identifier: MIT */
/* Reads segments line by line in bounded memory. Must never write, and never take a lock: it may
 * look at what a gateway is writing. */
#include "store/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "store/segment.h"

#define PIECE KIB(64)

harborai_status reader_open(struct reader *reader, harborai_str state_dir, harborai_error *error)
{
    struct reader fresh = {.fd = -1,
                           .text = BUF_INIT(LIMIT_JOURNAL_LINE + PIECE),
                           .failure = HARBORAI_ERROR_INIT};
    fresh.state_dir = slice_dup(state_dir);
    if (fresh.state_dir == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "out of memory");
    harborai_status st = segment_list(state_dir, &fresh.names, &fresh.name_count, error);
    if (st < 0) {
        free(fresh.state_dir);
        return st;
    }
    *reader = fresh;
    return HARBORAI_OK;
}

static void close_segment(struct reader *reader)
{
    if (reader->fd >= 0)
        close(reader->fd);
    reader->fd = -1;
}

void reader_close(struct reader *reader)
{
    if (reader->state_dir == NULL)
        return;
    close_segment(reader);
    for (size_t i = 0; i < reader->name_count; i++)
        free(reader->names[i]);
    free(reader->names);
    free(reader->state_dir);
    buf_release(&reader->text);
    *reader = (struct reader){.fd = -1};
}

static void fail(struct reader *reader, const char *what)
{
    char text[128];
    harborai_error_set(&reader->failure, HARBORAI_E_CONFIG, "cannot %s journal segment '%s': %s",
                       what, reader_segment(reader), error_of_errno(errno, text));
}

bool reader_next_segment(struct reader *reader)
{
    close_segment(reader);
    while (reader->next < reader->name_count && reader->failure.code == HARBORAI_OK) {
        char *path =
            segment_path(slice_of(reader->state_dir), reader->names[reader->next++]);
        if (path == NULL) {
            harborai_error_set(&reader->failure, HARBORAI_E_MEMORY, "out of memory");
            return false;
        }
        reader->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        free(path);
        reader->is_at_end = false;
        reader->at = 0;
        buf_clear(&reader->text);
        if (reader->fd >= 0)
            return true;
        if (errno != ENOENT)
            fail(reader, "open");
    }
    return false;
}

/* Reads on, after what was given out is dropped. */
static void fill(struct reader *reader)
{
    ssize_t got;
    buf_consume(&reader->text, reader->at);
    reader->at = 0;
    char *room = buf_reserve(&reader->text, PIECE);
    if (room == NULL) {
        (void)harborai_error_set(&reader->failure, HARBORAI_E_MEMORY, "out of memory");
        return;
    }
    do
        got = read(reader->fd, room, PIECE);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        fail(reader, "read");
    else if (got == 0)
        reader->is_at_end = true;
    else
        buf_commit(&reader->text, (size_t)got);
}

bool reader_next_line(struct reader *reader, harborai_str *ret_line)
{
    bool is_too_long = false; /* its begin was dropped already */
    while (reader->fd >= 0 && reader->failure.code == HARBORAI_OK) {
        harborai_str rest = slice_from(buf_slice(&reader->text), reader->at);
        const char *end = rest.len > 0 ? memchr(rest.data, '\n', rest.len) : NULL;
        if (end != NULL) {
            size_t len = (size_t)(end - rest.data);
            reader->at += len + 1;
            if (!is_too_long && len < LIMIT_JOURNAL_LINE) {
                *ret_line = slice_cut(rest, len);
                return true;
            }
            is_too_long = false;
            reader->skipped++;
        } else if (reader->is_at_end) {
            return false;
        } else {
            if (rest.len >= LIMIT_JOURNAL_LINE) {
                is_too_long = true;
                reader->at += rest.len;
            }
            fill(reader);
        }
    }
    return false;
}

const char *reader_segment(const struct reader *reader)
{
    return reader->next > 0 ? reader->names[reader->next - 1] : "";
}

harborai_status reader_status(const struct reader *reader, harborai_error *error)
{
    if (reader->failure.code != HARBORAI_OK && error != NULL)
        *error = reader->failure;
    return reader->failure.code;
}
