/* SPDX-License-Identifier: MIT */
/* The plain text of a segment, to be read at any offset, compressed or not. A file that is not may grow
 * meanwhile, or be compressed, and what stands behind its last line end may be cut off. [job] */
#ifndef STORE_SEGMENT_TEXT_H
#define STORE_SEGMENT_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/slice.h"

struct frames;

struct segment_text {
    int fd;                /* owned; -1 = closed */
    struct frames *frames; /* owned; NULL: the file is the text */
};

static inline bool segment_text_is_compressed(const struct segment_text *text)
{
    return text->frames != NULL;
}

/* The segment of that name, without suffix. E_NOT_FOUND: there is none (any more). E_INTERNAL: it
 * cannot be read. */
MUST_CHECK harborai_status segment_text_open(struct segment_text *text, int directory,
                                             harborai_str name, harborai_error *error);
void segment_text_close(struct segment_text *text); /* a closed one too */

/* How many bytes there are now. */
MUST_CHECK harborai_status segment_text_size(const struct segment_text *text, uint64_t *ret_size,
                                             harborai_error *error);

/* Up to `len` bytes from an offset on: fewer only where the text ends. */
MUST_CHECK harborai_status segment_text_read(struct segment_text *text, uint64_t at, char *to,
                                             size_t len, size_t *ret_got, harborai_error *error);

#endif
