/* SPDX-License-Identifier: MIT */
/* Whether two readings of a call say the same: one from its lines, the other from the row that a store
 * made of it. Compared is what every store keeps, as exactly as the coarsest of them does (times to the
 * microsecond); not compared: the tags, the vendor's usage object, what a price came from. [any] */
#ifndef STORE_CALL_DIGEST_H
#define STORE_CALL_DIGEST_H

#include "store/call.h"

/* Sums of these over many calls do not depend on their order. An amend line changes `use` alone. */
struct call_digest {
    unsigned char key[16]; /* the UUID's bytes; of a key that is none a hash */
    bool is_uuid;
    uint64_t end; /* of its names, and of how it ended */
    uint64_t use; /* of tokens and cost */
};

void call_digest_make(const struct call *call, struct call_digest *ret_digest);

static inline uint64_t call_digest_sum(const struct call_digest *digest)
{
    return digest->end + digest->use;
}

/* Adds where the two differ, "status: 200, not 500; …", the line's value first. `with_end` and
 * `with_use` say which half of them holds. */
void call_digest_explain(const struct call *line, const struct call *row, bool with_end,
                         bool with_use, struct buf *out);

#endif
