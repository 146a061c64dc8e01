/* SPDX-License-Identifier: MIT */
/* A segment's lines from the last to the first, a block at a time: what stands far from the end is never
 * read. It may grow meanwhile; what comes after tail_open() is not seen. */
#ifndef STORE_TAIL_H
#define STORE_TAIL_H

#include "base/attr.h"
#include "base/buf.h"
#include "store/segment_text.h"

struct tail {
    struct segment_text *text; /* borrowed */
    uint64_t start; /* offset of the bytes that are held */
    size_t held;    /* of `bytes`: what is not given out yet */
    char *bytes;    /* owned */
    size_t capacity;
    uint64_t torn;  /* bytes behind the last line end */
    uint64_t long_lines; /* skipped, because they are longer than LIMIT_JOURNAL_CONTENT */
};

/* What tail_previous() found. */
enum tail_step { TAIL_LINE, TAIL_END, TAIL_FAILED };

/* [job] Finds the end of the last whole line. It has `size` bytes now. E_MEMORY;
 * E_INTERNAL: it cannot be read. */
MUST_CHECK harborai_status tail_open(struct tail *tail, struct segment_text *text,
                                     uint64_t size, harborai_error *error);
void tail_close(struct tail *tail); /* a zeroed one too; the text stays open */

/* [job] The line before, without its end, borrowed until the next call, and its offset. TAIL_FAILED:
 * E_INTERNAL. */
enum tail_step tail_previous(struct tail *tail, harborai_str *ret_line, uint64_t *ret_at,
                             harborai_error *error);

#endif
