/* SPDX-License-Identifier: MIT */
/* A plugin's config_schema in the words of configuration files. [any] */
#ifndef PLUGIN_SCHEMA_WORDS_H
#define PLUGIN_SCHEMA_WORDS_H

#include "base/buf.h"
#include "wire/json_schema.h"

/* Adds what a value has to be: "a whole number from 1 on", "low, medium or high", "a list". */
void schema_words_add_wanted(harborai_str schema, struct buf *out);

/* Whether nothing fits it: what has it must be left out. */
bool schema_words_is_never(harborai_str schema);

/* Adds the way out for a member that `schema`, an object's, does not know: ", did you mean
 * 'reasoning'?", or what there is. */
void schema_words_add_hint(harborai_str schema, harborai_str key, struct buf *out);

#endif
