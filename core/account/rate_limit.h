/* SPDX-License-Identifier: MIT */
/* So many a minute, of requests or of tokens, for all loops together: the generic cell rate algorithm,
 * which is a bucket that fills evenly, with one number for its state: when it will be full again.
 *
 * Who has been away for a minute may take a whole minute's worth at once; from then on one comes back
 * every minute / N. No lock, no thread that fills: a compare-and-exchange for each that is taken. */
#ifndef ACCOUNT_RATE_LIMIT_H
#define ACCOUNT_RATE_LIMIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { RATE_LIMIT_MOST = 1000000000 }; /* a minute */

struct rate_limit { /* immutable */
    int64_t per_minute; /* 0 = no limit */
    uint64_t unit;      /* ns in which one comes back, times 2^16 */
};

struct rate_meter {
    _Atomic int64_t full_ns; /* monotonic: when all of it is there again; past = it is */
};

struct rate_state { /* as of a moment */
    int64_t limit;     /* 0 = there is none */
    int64_t remaining;
    int64_t reset_ns;  /* in which all of it is there again */
    int64_t wait_ns;   /* of what was refused: in which it is there; 0 = it was taken */
};

void rate_limit_init(struct rate_limit *limit, int64_t per_minute);

/* Takes `count` where they are there, or nothing. Of more than a minute's worth a whole minute's is taken:
 * they would never be there. *ret_taken, which may be NULL: how many that is. True: taken. [any] */
bool rate_limit_take(const struct rate_limit *limit, struct rate_meter *meter, int64_t now_ns,
                     int64_t count, int64_t *ret_taken, struct rate_state *ret_state);

/* It was more than what was taken, or (negative) less. What is more is owed: the next ones wait for
 * it. [any] */
void rate_limit_settle(const struct rate_limit *limit, struct rate_meter *meter, int64_t now_ns,
                       int64_t more);

/* [any] */
struct rate_state rate_limit_look(const struct rate_limit *limit, const struct rate_meter *meter,
                                  int64_t now_ns);

#endif
