/* SPDX-License-Identifier: MIT */
/* A plugin's deltas collected into one chat.completion object. Not for two threads at once. */
#ifndef CHAT_FOLD_H
#define CHAT_FOLD_H

#include "chat/delta.h"

struct fold;

/* For up to `choices` choices; collects at most `ceiling` bytes. What `answer` points to is
 * borrowed. Returns owned; NULL = no memory left. */
struct fold *fold_create(const struct answer_id *answer, unsigned choices, size_t ceiling);
void fold_destroy(struct fold *fold);

/* Adds a piece; its texts are copied. E_INVALID, E_PROTOCOL: see delta_check(). E_MEMORY: the ceiling. */
MUST_CHECK harborai_status fold_add(struct fold *fold, const harborai_delta *given,
                                    harborai_error *error);

/* Writes the answer. Choices that did not END take `finish_reason`, as an END. `usage` may be NULL. */
MUST_CHECK harborai_status fold_write(struct fold *fold, uint32_t finish_reason,
                                      const harborai_usage *usage, struct buf *b,
                                      harborai_error *error);

/* Of choice 0, as it was written. */
uint32_t fold_finish_reason(const struct fold *fold);

#endif
