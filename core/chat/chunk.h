/* SPDX-License-Identifier: MIT */
/* A plugin's deltas as chat.completion.chunk objects, one for each delta. [any] */
#ifndef CHAT_CHUNK_H
#define CHAT_CHUNK_H

#include "chat/delta.h"

struct chunk_writer {
    struct answer_id answer; /* borrowed */
    struct delta_order order;
    harborai_str head; /* of every chunk, up to its choices; in the arena */
};

/* For up to `choices` choices. E_MEMORY: the arena is full. */
MUST_CHECK harborai_status chunk_writer_init(struct chunk_writer *w, struct arena *arena,
                                             const struct answer_id *answer, unsigned choices,
                                             harborai_error *error);

/* Appends the chunk of `delta` to `b`: one JSON object without line ends, or nothing if there is
 * nothing to say (empty text). E_INVALID, E_PROTOCOL: see delta_check(). E_MEMORY: `b` is full. */
MUST_CHECK harborai_status chunk_write(struct chunk_writer *w, const harborai_delta *given,
                                       struct buf *b, harborai_error *error);

/* The first choice that END did not come for; == choices: all have ended. What finish() says ends
 * them: write an END delta for each. */
unsigned chunk_next_open(const struct chunk_writer *w);

/* Appends the chunk with the usage and without choices. */
void chunk_write_usage(const struct chunk_writer *w, const harborai_usage *usage, struct buf *b);

#endif
