/* SPDX-License-Identifier: MIT */
/* What of the journal a store has, for who takes old segments away, be it another process:
 * journal/NAME.copied names each segment that the store does not have whole, a line each, and last
 * what comes behind all segments that were looked at, with a '~'. */
#ifndef STORE_COPIED_MARK_H
#define STORE_COPIED_MARK_H

#include "base/attr.h"
#include "base/buf.h"

#define COPIED_MARK ".copied"

/* Puts `text` in its place as a whole. E_INTERNAL: the old one stands. */
MUST_CHECK harborai_status copied_mark_write(int directory, const char *store, harborai_str text,
                                             harborai_error *error);

/* Empty where there is none, or it cannot be read: then nothing is copied. */
void copied_mark_read(int directory, const char *store, struct buf *ret_text);

/* Whether a segment that takes no lines any more is copied. */
bool copied_mark_covers(harborai_str text, harborai_str segment);

#endif
