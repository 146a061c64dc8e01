/* SPDX-License-Identifier: MIT */
/* Rows of PostgreSQL whose tokens do not fit together: the total is to be what the vendor said, or else
 * the sum of the prompt and the completion, and these the sums of their classes. That is so when a call
 * is copied; what others changed since is found here, and can be mended. Money is never touched: cost
 * comes from the classes, which are never changed. [job] */
#ifndef STORE_TOKENS_H
#define STORE_TOKENS_H

#include "base/buf.h"
#include "store/postgres.h"

struct tokens {
    int64_t prompt, completion, total; /* -1: not known */
};

/* A row that is not as it should be. Borrowed. */
typedef void tokens_row_fn(void *context, const char *key, const struct tokens *is,
                           const struct tokens *should_be);

struct tokens_result {
    uint64_t kept;     /* the vendor's total differs from its parts: that is so, and stays */
    uint64_t wrong, repaired;
};

/* Looks at all rows; with a second connection, `writer`, mends those that are wrong, a thousand in a
 * transaction, with the sums by hour and day of their days. The tables are current. E_CONFIG, E_NETWORK
 * …: what was repaired until then stays so. */
MUST_CHECK harborai_status tokens_check(struct postgres *reader, struct postgres *writer,
                                        tokens_row_fn *on_row, void *context,
                                        struct tokens_result *ret_result, harborai_error *error);

#endif
