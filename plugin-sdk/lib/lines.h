/* SPDX-License-Identifier: MIT */
/* lines: decodes lines (NDJSON) from bytes in pieces of any size. A line that lies within one piece
 * is handed over as a slice into it. Lines end with LF or CRLF and come without it; empty lines are
 * left out.
 *
 * Compiled into whoever uses it and hidden there; not part of the ABI. One decoder belongs to one
 * thread at a time. */
#ifndef SDK_LINES_H
#define SDK_LINES_H

#include "held.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(hidden)

enum { LINES_LINE_MAX = 16 << 20, LINES_STOPPED = 1 };

/* `line` is borrowed until it returns. Return 0 to go on; anything else stops behind this line. It
 * must neither feed nor release the decoder. */
typedef int lines_line_fn(void *context, harborai_str line);

struct lines { /* zeroed: releasing it is allowed */
    size_t max_line;
    struct held held; /* the start of a line whose end has not come */
};

/* `max_line`: most bytes of a line with its end; 0 = 16 MiB. */
void lines_init(struct lines *d, size_t max_line);
void lines_release(struct lines *d);

/* Decode `bytes`; on_line() runs for each line that ends in them. Returns HARBORAI_OK, or
 * LINES_STOPPED when on_line() said so: *ret_consumed, which may be NULL, is then where the next
 * feed begins, else it is bytes.len. E_PROTOCOL: a line is longer than max_line. E_MEMORY. */
__attribute__((warn_unused_result)) harborai_status lines_feed(struct lines *d, harborai_str bytes,
                                                               lines_line_fn *on_line,
                                                               void *context, size_t *ret_consumed);

/* The stream is over: a last line without an end is handed over too. 0, or LINES_STOPPED. */
harborai_status lines_end(struct lines *d, lines_line_fn *on_line, void *context);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif /* SDK_LINES_H */
