/* SPDX-License-Identifier: MIT */
/* The name that is nearest to one that nobody has, for "did you mean". [any]
 *
 *     struct nearest nearest = NEAREST_TO(given);
 *     for (…)
 *         nearest_consider(&nearest, name);
 *     if (nearest.name.len > 0) …
 */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include "base/slice.h"

struct nearest {
    harborai_str given; /* borrowed */
    harborai_str name;  /* borrowed: the first of the nearest; empty: none is near */
    unsigned distance;  /* of `name` */
};

#define NEAREST_TO(text) {(text), SLICE_NONE, ~0U}

void nearest_consider(struct nearest *n, harborai_str name);

/* Whether the one may be a slip of the pen for the other. */
bool nearest_is_near(harborai_str given, harborai_str name);

#endif
