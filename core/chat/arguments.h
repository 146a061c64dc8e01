/* SPDX-License-Identifier: MIT */
/* The arguments of a tool call: JSON in a text that comes in pieces. Says how far it is one JSON
 * value, and gives it a hash that does not change when a client parses and writes it again. [any]
 *
 * The hash is of the value without the blanks between its parts, its strings' escapes decoded
 * (half a surrogate pair as U+FFFD); numbers and the order of members count as they are written.
 * Arguments that are missing or blank have the hash of "{}", which is what a client gets for them.
 * It holds for one process, and is no proof against somebody who wants two to be equal. */
#ifndef CHAT_ARGUMENTS_H
#define CHAT_ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include <harborai/types.h>

enum { ARGUMENTS_DEPTH = 128 }; /* objects and arrays inside each other */

struct arguments { /* private but for its size */
    uint64_t hash;
    uint64_t nest[ARGUMENTS_DEPTH / 64]; /* bit i: what is open at depth i is an object */
    const char *word;                    /* what is due of true, false or null */
    uint16_t unit, high; /* of \uXXXX: digits so far; the first half of a pair */
    uint8_t depth, state, digits;
    bool is_key; /* of the string that is open */
    bool hashes;
};

/* Costs less without the hash. */
void arguments_init(struct arguments *a, bool hashes);

/* Takes the next piece of the text, UTF-8 in whole characters. Returns how many bytes belong to the
 * value: what is left follows a complete one. Of what is no JSON all is taken. */
size_t arguments_feed(struct arguments *a, harborai_str text);
/* The same of a piece as it stands in a chunk: a JSON string's inside, with its escapes. */
size_t arguments_feed_json(struct arguments *a, harborai_str inside);

bool arguments_are_blank(const struct arguments *a);    /* nothing, or nothing but blanks */
bool arguments_are_complete(const struct arguments *a); /* one JSON value, and no more */
bool arguments_are_broken(const struct arguments *a);   /* nothing can make it JSON any more */

/* Of complete or blank arguments that were fed with `hashes`. */
uint64_t arguments_hash(const struct arguments *a);
/* Of a whole text. False: it is neither blank nor one JSON value. */
bool arguments_hash_text(harborai_str text, uint64_t *ret_hash);
/* Of a checked JSON value that stands for arguments: a string with their text, or, as some write
 * it, the object itself. */
bool arguments_hash_value(harborai_str value, uint64_t *ret_hash);

#endif
