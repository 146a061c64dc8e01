/* SPDX-License-Identifier: MIT */
/* Open addressing, with so few steps that a full set costs nothing to ask. */
#include "base/once.h"

enum { STEPS = 16 };

bool once_is_first(struct once *once, uint64_t hash)
{
    uint64_t wanted = hash != 0 ? hash : 1;
    for (unsigned i = 0; i < STEPS; i++) {
        _Atomic uint64_t *at = &once->hash[(wanted + i) % ONCE_MOST];
        uint64_t found = atomic_load(at);
        if (found == 0 && atomic_compare_exchange_strong(at, &found, wanted))
            return true;
        if (found == wanted)
            return false;
    }
    return false;
}
