/* SPDX-License-Identifier: MIT */
/* A growable run of bytes that is born with its ceiling. The first failure (memory, ceiling) is
 * remembered and what follows is ignored, so that a writer checks once, at the end. [any]
 *
 *     AUTO(buf) b = BUF_INIT(KIB(64));
 *     buf_add(&b, HARBORAI_STR("…"));
 *     st = buf_status(&b, error);
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/attr.h"
#include "base/slice.h"

struct buf {
    char *data; /* owned; NULL while empty */
    size_t len, capacity, ceiling;
    harborai_status failed; /* HARBORAI_OK or the first failure */
};

#define BUF_INIT(most) {NULL, 0, 0, (most), HARBORAI_OK}

void buf_init(struct buf *b, size_t ceiling);
void buf_release(struct buf *b); /* frees; the ceiling stays, so that it can be used again */
void buf_clear(struct buf *b);   /* empty and without failure; keeps its memory */

/* buf_reserve() where there is not enough yet. */
char *buf_grow(struct buf *b, size_t len);

/* Room for `len` more bytes at the end, NULL (and failed) if there is none; buf_commit() makes
 * what was written there a part of it. Borrowed until the next change. */
static inline char *buf_reserve(struct buf *b, size_t len)
{
    if (b->failed == HARBORAI_OK && b->data != NULL && len <= b->capacity - b->len)
        return b->data + b->len;
    return buf_grow(b, len);
}

static inline void buf_commit(struct buf *b, size_t len)
{
    b->len += len;
}

/* Inline, because a call adds some two hundred pieces, most of them literals of a few bytes. */
static inline void buf_add(struct buf *b, harborai_str text)
{
    char *room = text.len > 0 ? buf_reserve(b, text.len) : NULL;
    if (room == NULL)
        return;
    memcpy(room, text.data, text.len);
    b->len += text.len;
}

static inline void buf_add_char(struct buf *b, char c)
{
    char *room = buf_reserve(b, 1);
    if (room == NULL)
        return;
    *room = c;
    b->len++;
}

void buf_add_u64(struct buf *b, uint64_t value);
PRINTF(2, 3) void buf_printf(struct buf *b, const char *format, ...);

/* Takes `len` bytes off the front. */
void buf_consume(struct buf *b, size_t len);

static inline harborai_str buf_slice(const struct buf *b)
{
    return (harborai_str){b->data, b->len};
}

/* HARBORAI_OK, or the first failure with a message: E_MEMORY, the ceiling or no memory; E_INTERNAL,
 * buf_printf() could not format. */
MUST_CHECK harborai_status buf_status(const struct buf *b, harborai_error *error);

/* Returns the bytes owned and NUL-terminated, and leaves the buffer empty. NULL after a failure. */
char *buf_take(struct buf *b);

#endif
