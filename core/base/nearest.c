/* SPDX-License-Identifier: MIT */
/* Names that may have been meant. Must never name one only because it is short. */
#include "base/nearest.h"

/* Edits that a slip of the pen makes: two; of three letters one; of fewer none, which are near to
 * everything. */
static unsigned slips_of(harborai_str given, harborai_str name)
{
    size_t len = given.len < name.len ? given.len : name.len;
    return len <= 2 ? 0 : len == 3 ? 1 : 2;
}

void nearest_consider(struct nearest *n, harborai_str name)
{
    unsigned slips = slips_of(n->given, name);
    unsigned distance = slice_distance(n->given, name, slips);
    if (distance <= slips && distance < n->distance) {
        n->name = name;
        n->distance = distance;
    }
}

bool nearest_is_near(harborai_str given, harborai_str name)
{
    unsigned slips = slips_of(given, name);
    return slice_distance(given, name, slips) <= slips;
}
