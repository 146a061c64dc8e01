/* SPDX-License-Identifier: MIT */
/* What an ended call asked and was answered, where the journal has it: a line right before its end line.
 * Values are borrowed from that line. */
#ifndef STORE_CALL_CONTENT_H
#define STORE_CALL_CONTENT_H

#include "base/attr.h"
#include "base/buf.h"

struct call_content { /* JSON objects as they stand; empty: none */
    harborai_str request, response;
};

/* False: it is no content line of the call with that key. [any] */
bool call_content_parse(harborai_str line, harborai_str key, struct call_content *ret_content);

/* Of the call whose end line stands at `offset` of a segment, in plain text. `line` is cleared, and has a
 * ceiling of LIMIT_JOURNAL_CONTENT at least. E_NOT_FOUND: the journal has none of it, or it is damaged.
 * [job] */
MUST_CHECK harborai_status call_content_read(int directory, harborai_str segment, uint64_t offset,
                                             harborai_str key, struct buf *line,
                                             struct call_content *ret_content,
                                             harborai_error *error);

#endif
