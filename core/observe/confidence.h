/* SPDX-License-Identifier: MIT */
/* How far the usage of calls is to be trusted, as a histogram for each provider and method: a list that
 * one loop adds to and anybody may read. Names come from the configuration and from plugins, never from
 * clients. */
#ifndef OBSERVE_CONFIDENCE_H
#define OBSERVE_CONFIDENCE_H

#include <stdatomic.h>

#include "base/slice.h"

enum { CONFIDENCE_LEVELS = 11 }; /* tenths, from 0 to 1 */

struct confidence_series {
    _Atomic(struct confidence_series *) next; /* owned */
    char *provider, *method;                  /* owned; never change */
    _Atomic int64_t counts[CONFIDENCE_LEVELS];
};

struct confidence {
    _Atomic(struct confidence_series *) first; /* owned */
    unsigned count;
};

void confidence_release(struct confidence *c);

/* [loop] Its own. The first of a name allocates; those after 256 count as "_other". */
void confidence_add(struct confidence *c, harborai_str provider, harborai_str method,
                    int tenths);

/* [any] The sums over all of them as harborai_token_parsing_confidence. */
struct prometheus;
void confidence_write(const struct confidence *const *all, size_t count, struct prometheus *p);

#endif
