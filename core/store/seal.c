/* SPDX-License-Identifier: MIT */
/* Writes NAME.jsonl.zst.new, and gives it its name when it is whole and on the disk; then the plain file
 * goes. Must never take away a plain file whose text is not in the compressed one. */
#include "store/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "store/frames.h"
#include "store/journal_list.h"

#define NAME_MOST (JOURNAL_NAME_MOST + 16)

struct seal_state {
    const struct upkeep_tools *tools;
    const char *segment;
    char plain[NAME_MOST], packed[NAME_MOST], temporary[NAME_MOST]; /* names of files */
    int from, to;         /* locked; -1 = none */
    struct stat now;      /* of the plain file */
    struct frames_writer *writer;
    char *text;           /* owned; FRAMES_MOST */
    uint64_t packed_size;
};

static harborai_status failed(const char *what, const char *file, harborai_error *error)
{
    char why[128];
    return harborai_error_set(error, HARBORAI_E_INTERNAL, "cannot %s '%s': %s", what, file,
                              error_of_errno(errno, why));
}

/* --- The text -------------------------------------------------------------------------------- */

static harborai_status read_text(const struct seal_state *s, uint64_t at, size_t *ret_len,
                                 harborai_error *error)
{
    size_t len = 0;
    while (len < FRAMES_MOST) {
        ssize_t got = pread(s->from, s->text + len, FRAMES_MOST - len, (off_t)(at + len));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return failed("read", s->plain, error);
        if (got == 0)
            break;
        len += (size_t)got;
    }
    *ret_len = len;
    return HARBORAI_OK;
}

static harborai_status write_packed(struct seal_state *s, harborai_str bytes, harborai_error *error)
{
    s->packed_size += bytes.len;
    while (bytes.len > 0) {
        ssize_t wrote = write(s->to, bytes.data, bytes.len);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return failed("write", s->temporary, error);
        bytes = slice_from(bytes, (size_t)wrote);
    }
    return HARBORAI_OK;
}

/* Frames of whole lines, for who reads from one on; a line that is longer than a frame is cut. */
static harborai_status pack_text(struct seal_state *s, enum seal *ret_result, harborai_error *error)
{
    harborai_status st = HARBORAI_OK;
    harborai_str packed;
    size_t len = 0;
    for (uint64_t at = 0; at < (uint64_t)s->now.st_size && st == HARBORAI_OK; at += len) {
        if (upkeep_is_stopped(s->tools)) {
            *ret_result = SEAL_STOPPED;
            return HARBORAI_OK;
        }
        st = read_text(s, at, &len, error);
        if (st < 0)
            return st;
        const char *end = memrchr(s->text, '\n', len);
        if (end == NULL && len == 0)
            return harborai_error_set(error, HARBORAI_E_INTERNAL, "'%s' became shorter", s->plain);
        if (end != NULL)
            len = (size_t)(end - s->text) + 1;
        st = frames_writer_add(s->writer, (harborai_str){s->text, len}, &packed, error);
        if (st == HARBORAI_OK)
            st = write_packed(s, packed, error);
    }
    if (st == HARBORAI_OK)
        st = frames_writer_end(s->writer, &packed, error);
    return st < 0 ? st : write_packed(s, packed, error);
}

/* --- The files ------------------------------------------------------------------------------- */

/* Locked, sealed and still of that name: nobody writes to it any more. */
static harborai_status open_plain(struct seal_state *s, enum seal *ret_result,
                                  harborai_error *error)
{
    *ret_result = SEAL_NOT_NEEDED;
    s->from = openat(s->tools->directory, s->plain, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (s->from < 0)
        return errno == ENOENT ? HARBORAI_OK : failed("open", s->plain, error);
    if (flock(s->from, LOCK_SH | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? HARBORAI_OK : failed("lock", s->plain, error);
    if (fstat(s->from, &s->now) < 0)
        return failed("look at", s->plain, error);
    if (S_ISREG(s->now.st_mode) && s->now.st_nlink > 0 &&
        journal_file_is_sealed(s->from, (uint64_t)s->now.st_size))
        *ret_result = SEAL_DONE;
    return HARBORAI_OK;
}

/* What a killed one left there is nobody's. */
static harborai_status open_packed(struct seal_state *s, harborai_error *error)
{
    (void)unlinkat(s->tools->directory, s->temporary, 0);
    s->to = openat(s->tools->directory, s->temporary,
                   O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    return s->to < 0 ? failed("make", s->temporary, error) : HARBORAI_OK;
}

/* The file's time stays, for it says how old the last line is. */
static harborai_status commit(const struct seal_state *s, harborai_error *error)
{
    const struct timespec times[2] = {s->now.st_atim, s->now.st_mtim};
    int directory = s->tools->directory;
    if (futimens(s->to, times) < 0 || fsync(s->to) < 0)
        return failed("put on the disk", s->temporary, error);
    if (renameat(directory, s->temporary, directory, s->packed) < 0)
        return failed("rename", s->temporary, error);
    if (fsync(directory) < 0)
        return failed("put on the disk the directory of", s->packed, error);
    return unlinkat(directory, s->plain, 0) < 0 ? failed("remove", s->plain, error) : HARBORAI_OK;
}

static harborai_status compress(struct seal_state *s, enum seal *ret_result, harborai_error *error)
{
    s->text = malloc(FRAMES_MOST);
    harborai_status st = s->text != NULL
                             ? frames_writer_create(&s->writer, error)
                             : harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    if (st == HARBORAI_OK)
        st = open_packed(s, error);
    if (st == HARBORAI_OK)
        st = pack_text(s, ret_result, error);
    if (st == HARBORAI_OK && *ret_result == SEAL_DONE)
        st = commit(s, error);
    if (s->to >= 0 && (st < 0 || *ret_result != SEAL_DONE))
        (void)unlinkat(s->tools->directory, s->temporary, 0);
    if (st == HARBORAI_OK && *ret_result == SEAL_DONE)
        log_write(s->tools->log, LOG_LEVEL_INFO, "journal.compressed", "segment=%s from=%lld to=%lld",
                  s->segment, (long long)s->now.st_size, (long long)s->packed_size);
    return st;
}

harborai_status seal_compress(const struct upkeep_tools *tools, const char *segment,
                              enum seal *ret_result, harborai_error *error)
{
    struct seal_state s = {.tools = tools, .segment = segment, .from = -1, .to = -1};
    enum seal result;
    snprintf(s.plain, sizeof s.plain, "%s.jsonl", segment);
    snprintf(s.packed, sizeof s.packed, "%s.jsonl.zst", segment);
    snprintf(s.temporary, sizeof s.temporary, "%s.jsonl.zst.new", segment);
    harborai_status st = open_plain(&s, &result, error);
    if (st == HARBORAI_OK && result == SEAL_DONE)
        st = compress(&s, &result, error);
    frames_writer_destroy(s.writer);
    free(s.text);
    if (s.to >= 0)
        close(s.to);
    if (s.from >= 0)
        close(s.from);
    if (st == HARBORAI_OK)
        *ret_result = result;
    return st;
}
