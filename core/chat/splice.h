/* SPDX-License-Identifier: MIT */
/* Replacements in a text that was read already: what none of them touches is copied as it stands.
 * Memory is kept from text to text. Not for two threads at once. */
#ifndef CHAT_SPLICE_H
#define CHAT_SPLICE_H

#include "base/buf.h"

struct splice {
    const char *from; /* in the text */
    size_t len;       /* of what goes */
    size_t at, text_len; /* what comes: in `text` below */
};

struct splices {
    struct splice *list; /* owned, sorted */
    unsigned count, capacity;
    struct buf text;
};

/* `ceiling`: of all that comes together. */
void splices_init(struct splices *s, size_t ceiling);
void splices_release(struct splices *s);
void splices_clear(struct splices *s);

/* Replaces `old`, a part of the text, by what is added to the buffer that is returned, until the
 * next call of any of these. Parts must not overlap; empty ones are inserted at, in the order of
 * the calls. */
struct buf *splices_begin(struct splices *s, harborai_str old);
void splices_end(struct splices *s);
void splices_replace(struct splices *s, harborai_str old, harborai_str by);

/* Writes the text with its replacements. E_MEMORY: some are lost, or `out` is full. */
MUST_CHECK harborai_status splices_apply(const struct splices *s, harborai_str text,
                                         struct buf *out, harborai_error *error);

#endif
