/* SPDX-License-Identifier: MIT */
/* Reads foreign bytes: every number of the table is held to the file before it is used. */
#include "store/frames.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zstd.h>

#include "base/error.h"
#include "store/frames_table.h"

struct frames {
    int fd; /* borrowed */
    struct frame {
        uint64_t packed, plain; /* where it begins, in the file and in the text */
    } *table; /* owned; one more than there are, which is the end */
    size_t count;
    char *plain;     /* owned; of frame `unpacked` */
    size_t unpacked; /* SIZE_MAX: none */
    size_t largest;  /* of plain text */
    ZSTD_DCtx *context;
};

static harborai_status no_memory(harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
}

static harborai_status read_at(int fd, void *to, size_t len, uint64_t at, harborai_error *error)
{
    char why[128];
    for (size_t done = 0; done < len;) {
        ssize_t got = pread(fd, (char *)to + done, len - done, (off_t)(at + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return harborai_error_set(error, HARBORAI_E_INTERNAL, "cannot be read at byte %llu: %s",
                                      (unsigned long long)at + done,
                                      got < 0 ? error_of_errno(errno, why) : "it became shorter");
        done += (size_t)got;
    }
    return HARBORAI_OK;
}

/* --- The table ------------------------------------------------------------------------------- */

static harborai_status bad_table(harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_INVALID,
                              "its end is not as HarborAI wrote it; 'zstd -d' may unpack it");
}

static bool take_entries(struct frames *f, const unsigned char *entry, uint64_t packed_size)
{
    struct frame at = {0, 0};
    for (size_t i = 0; i < f->count; i++, entry += FRAMES_ENTRY) {
        uint32_t packed = frames_get32(entry), plain = frames_get32(entry + 4);
        if (packed == 0 || plain == 0 || plain > FRAMES_MOST || packed > packed_size - at.packed ||
            packed > ZSTD_compressBound(FRAMES_MOST))
            return false;
        f->table[i] = at;
        at.packed += packed;
        at.plain += plain;
        if (f->largest < plain)
            f->largest = plain;
    }
    f->table[f->count] = at;
    return at.packed == packed_size;
}

/* `size` bytes of table, with what stands around its entries. */
static harborai_status read_entries(struct frames *f, uint64_t file_size, uint64_t size,
                                    harborai_error *error)
{
    unsigned char *bytes = malloc((size_t)size);
    f->table = calloc(f->count + 1, sizeof *f->table);
    harborai_status st = bytes != NULL && f->table != NULL ? HARBORAI_OK : no_memory(error);
    if (st == HARBORAI_OK)
        st = read_at(f->fd, bytes, (size_t)size, file_size - size, error);
    if (st == HARBORAI_OK &&
        (frames_get32(bytes) != FRAMES_SKIPPABLE || frames_get32(bytes + 4) != size - FRAMES_HEAD ||
         !take_entries(f, bytes + FRAMES_HEAD, file_size - size)))
        st = bad_table(error);
    free(bytes);
    return st;
}

static harborai_status read_table(struct frames *f, harborai_error *error)
{
    unsigned char foot[FRAMES_FOOT];
    struct stat now;
    if (fstat(f->fd, &now) < 0 || now.st_size < FRAMES_HEAD + FRAMES_FOOT)
        return bad_table(error);
    uint64_t size = (uint64_t)now.st_size;
    harborai_status st = read_at(f->fd, foot, sizeof foot, size - sizeof foot, error);
    if (st < 0)
        return st;
    f->count = frames_get32(foot);
    uint64_t table = FRAMES_HEAD + (uint64_t)f->count * FRAMES_ENTRY + FRAMES_FOOT;
    if (frames_get32(foot + 5) != FRAMES_MAGIC || foot[4] != 0 || table > size)
        return bad_table(error);
    return read_entries(f, size, table, error);
}

harborai_status frames_open(int fd, struct frames **ret_frames, harborai_error *error)
{
    struct frames *f = calloc(1, sizeof *f);
    if (f == NULL)
        return no_memory(error);
    f->fd = fd;
    f->unpacked = SIZE_MAX;
    harborai_status st = read_table(f, error);
    if (st == HARBORAI_OK) {
        f->plain = malloc(f->largest > 0 ? f->largest : 1);
        f->context = ZSTD_createDCtx();
        if (f->plain == NULL || f->context == NULL)
            st = no_memory(error);
    }
    if (st < 0) {
        frames_close(f);
        return st;
    }
    *ret_frames = f;
    return HARBORAI_OK;
}

void frames_close(struct frames *f)
{
    if (f == NULL)
        return;
    ZSTD_freeDCtx(f->context);
    free(f->plain);
    free(f->table);
    free(f);
}

uint64_t frames_size(const struct frames *f)
{
    return f->table[f->count].plain;
}

/* --- A frame --------------------------------------------------------------------------------- */

static harborai_status unpack(struct frames *f, size_t i, harborai_error *error)
{
    const struct frame *frame = &f->table[i];
    size_t packed_len = (size_t)(frame[1].packed - frame->packed);
    size_t len = (size_t)(frame[1].plain - frame->plain);
    char *packed = malloc(packed_len);
    f->unpacked = SIZE_MAX;
    if (packed == NULL)
        return no_memory(error);
    harborai_status st = read_at(f->fd, packed, packed_len, frame->packed, error);
    if (st == HARBORAI_OK &&
        ZSTD_decompressDCtx(f->context, f->plain, len, packed, packed_len) != len)
        st = harborai_error_set(error, HARBORAI_E_INVALID, "bytes %llu to %llu of it are damaged",
                                (unsigned long long)frame->plain,
                                (unsigned long long)frame[1].plain);
    free(packed);
    if (st == HARBORAI_OK)
        f->unpacked = i;
    return st;
}

/* The frame in which the byte stands; there is one. */
static size_t find(const struct frames *f, uint64_t at)
{
    size_t low = 0, high = f->count; /* it is at low or behind, and before high */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (f->table[middle].plain <= at)
            low = middle;
        else
            high = middle;
    }
    return low;
}

uint64_t frames_after(const struct frames *f, uint64_t at)
{
    return f->table[find(f, at) + 1].plain;
}

harborai_status frames_read(struct frames *f, uint64_t at, char *to, size_t len, size_t *ret_got,
                            harborai_error *error)
{
    size_t done = 0;
    while (done < len && at < frames_size(f)) {
        size_t i = find(f, at);
        harborai_status st = i != f->unpacked ? unpack(f, i, error) : HARBORAI_OK;
        if (st < 0)
            return st;
        size_t begin = (size_t)(at - f->table[i].plain);
        size_t some = (size_t)(f->table[i + 1].plain - at);
        if (some > len - done)
            some = len - done;
        memcpy(to + done, f->plain + begin, some);
        done += some;
        at += some;
    }
    *ret_got = done;
    return HARBORAI_OK;
}
