/* SPDX-License-Identifier: MIT */
/* Names for calls. A struct ids belongs to one thread: no two of them ever make the same one. */
#ifndef BASE_IDS_H
#define BASE_IDS_H

#include <stdint.h>

#include "base/attr.h"

struct ids {
    uint64_t random[4]; /* state of xoshiro256**, seeded by getrandom() */
    uint32_t counter;   /* of hb_ ids; starts at random and counts up */
};

void ids_init(struct ids *ids);

uint64_t ids_random(struct ids *ids);

/* A record's key: UUIDv7 (RFC 9562, 5.7), 36 characters: its order is the order of time. */
void ids_uuid7(struct ids *ids, int64_t wall_ns, char text[static 37]);

/* hb_<ms since 1970>_<8 hex>, for people. 26 bytes with the NUL, while ms has 13 digits. */
void ids_hb(struct ids *ids, int64_t wall_ns, char text[static 32]);

/* W3C Trace Context: 32 and 16 lower-case hex digits, never all zero. */
void ids_trace(struct ids *ids, char text[static 33]);
void ids_span(struct ids *ids, char text[static 17]);

#endif
