/* SPDX-License-Identifier: MIT */
/* Usage: a vendor's counts as disjoint classes, and back. A token is counted in exactly one class;
 * classes are never negative. Counts that contradict each other are kept as they came. [any] */
#ifndef CHAT_USAGE_H
#define CHAT_USAGE_H

#include <stdbool.h>

#include "base/buf.h"

#define USAGE_INIT {sizeof(harborai_usage), 0, 0, 0, 0, {NULL, 0}, {0}}

/* openai_usage_parse(), for the rooms above. */
MUST_CHECK harborai_status usage_parse_openai(harborai_str object, harborai_usage *ret_usage,
                                              harborai_error *error);

/* Writes `usage` as OpenAI's usage object: the vendor's own if that has OpenAI's form, else one made of
 * the classes, with the vendor's members behind it under their own names. */
void usage_write_openai(struct buf *b, const harborai_usage *usage);

/* Takes over what `from` knows; vendor_json is borrowed from where `from` borrows it. */
void usage_merge(harborai_usage *usage, const harborai_usage *from);

/* Tokens of all classes of the prompt, and of the answer. */
int64_t usage_input_total(const harborai_usage *usage);
int64_t usage_output_total(const harborai_usage *usage);

/* "input", "cache_read", … as the journal and the metrics have it; NULL = no such class (yet). */
const char *usage_class_name(unsigned usage_class);

#endif
