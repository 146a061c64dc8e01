/* SPDX-License-Identifier: MIT */
/* chat.completion.chunk objects that a vendor wrote, collected into one chat.completion as OpenAI's
 * own clients do it. Of a delta: strings are appended, objects merged member by member, arrays of
 * objects with an `index` merged by it, other arrays appended, of anything else the last holds; a
 * null replaces nothing. `id`, `type`, `role`, `name` and `format` come whole, so that their last
 * text holds. `logprobs` of a choice is merged like a delta; of its other members, and of the
 * chunk's own, the last value holds. Not for two threads at once. */
#ifndef CHAT_COLLECT_H
#define CHAT_COLLECT_H

#include "chat/delta.h"

struct collect;

/* For `choices` choices; collects at most `ceiling` bytes. What `answer` points to is borrowed.
 * Returns owned; NULL = no memory left. */
struct collect *collect_create(const struct answer_id *answer, unsigned choices, size_t ceiling);
void collect_destroy(struct collect *c);

/* Adds a chunk; copied. Its id, object, created, model and usage are left to collect_write().
 * E_INVALID: not a JSON object, no chunk but a whole answer, or more than 128 choices, 128 tool
 * calls in one, or 256 members in an object. E_MEMORY: the ceiling. */
MUST_CHECK harborai_status collect_add(struct collect *c, harborai_str chunk,
                                       harborai_error *error);

/* Writes the answer. Choices without a finish_reason take this one. `usage` may be NULL. */
MUST_CHECK harborai_status collect_write(struct collect *c, uint32_t finish_reason,
                                         const harborai_usage *usage, struct buf *b,
                                         harborai_error *error);

#endif
