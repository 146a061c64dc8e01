/* SPDX-License-Identifier: MIT */
/* JSON of others, and text, in a line of ours: a line end would end a server-sent event. [any] */
#ifndef CHAT_JSON_LINE_H
#define CHAT_JSON_LINE_H

#include "base/buf.h"

/* Writes JSON that json_scan has checked, without the line ends between its values; where it has
 * none, as it stands. "null" if `json` is empty. */
void json_line_write(struct buf *b, harborai_str json);

/* How much of a string's inside, as it stands in JSON, is no longer than `most` and ends with a whole
 * character or escape. */
size_t json_line_cut(harborai_str inside, size_t most);

/* Writes `text` as a JSON string, with its quotes. */
void json_line_text(struct buf *b, harborai_str text);

#endif
