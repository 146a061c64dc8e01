/* SPDX-License-Identifier: MIT */
/* Takes out of a text what must not be written down: keys of vendors and passwords, e-mail addresses,
 * phone numbers, identity numbers and bank cards. The one masker, for every place that text of others
 * goes to: the application log, the journal, databases, exports, traces. [any]
 *
 * It goes by form: a vendor's key has its prefix, a card its check digit. It reads through percent,
 * JSON and base64 encoding. What has no form of its own (a name, an address of a street) stays. */
#ifndef WIRE_MASKER_H
#define WIRE_MASKER_H

#include "base/buf.h"

enum masker_what { MASKER_KEYS = 1, MASKER_PERSONS = 2, MASKER_ALL = MASKER_KEYS | MASKER_PERSONS };

/* Adds `text` with "[masked:key]", "[masked:email]", "[masked:phone]", "[masked:id]" or "[masked:card]"
 * in place of each such thing of what is asked for. Masking what is masked changes nothing. Returns how many there were;
 * without memory for a decoded view of the text, "[masked:all]" stands for the whole. */
size_t masker_write(struct buf *out, harborai_str text, enum masker_what what);

/* Whether there is any such thing in a text. True without memory to look. */
bool masker_finds(harborai_str text, enum masker_what what);

/* Masks a NUL-terminated text in its place; what no longer fits into `size` is cut off. */
void masker_apply(char *text, size_t size, enum masker_what what);

void masker_apply_all(char *text, size_t size); /* the same with MASKER_ALL */

/* As masker_write(), for a JSON value, which stays one: only strings and numbers are changed, a masked number
 * becomes a string. What is no JSON is masked as text. */
size_t masker_write_json(struct buf *out, harborai_str json, enum masker_what what);

#endif
