/* SPDX-License-Identifier: MIT */
/* Reads backwards. Invariant between calls: the `held` bytes end with a line end (or are none), and
 * stand in the file at `start`. */
#include "store/tail.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"

/* A block, and behind it a line that begins in it: so much is taken when a line needs it. */
#define BLOCK KIB(32)
#define ROOM (BLOCK + LIMIT_JOURNAL_CONTENT + 1)

static harborai_status read_at(struct segment_text *text, char *to, size_t len, uint64_t at,
                               harborai_error *error)
{
    size_t got;
    harborai_status st = segment_text_read(text, at, to, len, &got, error);
    if (st == HARBORAI_OK && got < len)
        st = harborai_error_set(error, HARBORAI_E_INTERNAL,
                                "cannot be read at byte %llu: it became shorter",
                                (unsigned long long)at + got);
    return st;
}

static harborai_status no_memory(harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
}

/* Puts the block before what is held in front of it. It fits: held <= ROOM - BLOCK. */
static harborai_status read_block(struct tail *tail, harborai_error *error)
{
    size_t len = tail->start < BLOCK ? (size_t)tail->start : BLOCK;
    if (tail->held + len > tail->capacity) {
        char *grown = realloc(tail->bytes, ROOM);
        if (grown == NULL)
            return no_memory(error);
        tail->bytes = grown;
        tail->capacity = ROOM;
    }
    memmove(tail->bytes + len, tail->bytes, tail->held);
    harborai_status st = read_at(tail->text, tail->bytes, len, tail->start - len, error);
    if (st < 0)
        return st;
    tail->start -= len;
    tail->held += len;
    return HARBORAI_OK;
}

/* Drops what stands behind the last line end that is before the end of the file's bytes: at first
 * what is torn, later the rest of a line that is too long. How many bytes that were. */
static harborai_status drop_rest(struct tail *tail, uint64_t *ret_dropped, harborai_error *error)
{
    *ret_dropped = 0;
    for (;;) {
        const char *end = tail->held > 0 ? memrchr(tail->bytes, '\n', tail->held) : NULL;
        size_t kept = end != NULL ? (size_t)(end - tail->bytes) + 1 : 0;
        *ret_dropped += tail->held - kept;
        tail->held = kept;
        if (kept > 0 || tail->start == 0)
            return HARBORAI_OK;
        harborai_status st = read_block(tail, error);
        if (st < 0)
            return st;
    }
}

harborai_status tail_open(struct tail *tail, struct segment_text *text, uint64_t size,
                          harborai_error *error)
{
    *tail = (struct tail){.text = text, .start = size, .bytes = malloc(BLOCK), .capacity = BLOCK};
    if (tail->bytes == NULL)
        return no_memory(error);
    harborai_status st = drop_rest(tail, &tail->torn, error);
    if (st < 0)
        tail_close(tail);
    return st;
}

void tail_close(struct tail *tail)
{
    free(tail->bytes);
    *tail = (struct tail){.text = NULL};
}

enum tail_step tail_previous(struct tail *tail, harborai_str *ret_line, uint64_t *ret_at,
                             harborai_error *error)
{
    uint64_t dropped;
    while (tail->held > 0) {
        size_t len = tail->held - 1; /* without the line's own end */
        const char *before = len > 0 ? memrchr(tail->bytes, '\n', len) : NULL;
        size_t begin = before != NULL ? (size_t)(before - tail->bytes) + 1 : 0;
        bool is_whole = before != NULL || tail->start == 0;
        if (is_whole && len - begin >= LIMIT_JOURNAL_CONTENT) {
            tail->long_lines++;
            tail->held = begin;
        } else if (is_whole) {
            *ret_line = (harborai_str){tail->bytes + begin, len - begin};
            *ret_at = tail->start + begin;
            tail->held = begin;
            return TAIL_LINE;
        } else if (len >= LIMIT_JOURNAL_CONTENT) {
            tail->long_lines++;
            tail->held = 0;
            if (drop_rest(tail, &dropped, error) < 0)
                return TAIL_FAILED;
        } else if (read_block(tail, error) < 0) {
            return TAIL_FAILED;
        }
    }
    return TAIL_END;
}
