/* SPDX-License-Identifier: MIT */
/* What the engine has to know of a provider beyond its plugin. The runtime makes one for each slot,
 * as the slot's `owner`; immutable while the slot lives. */
#ifndef ENGINE_TARGET_H
#define ENGINE_TARGET_H

#include "base/slice.h"
#include "config/config.h"
#include "plugin/slot.h"

struct tls_store;

struct target {
    int64_t connect_ns, first_byte_ns, idle_ns, total_ns; /* limits; 0 = none */
    enum config_params params;
    enum config_leave on_disconnect;
    struct tls_store *tls; /* whom it trusts */
};

static inline const struct target *target_of(const struct slot *slot)
{
    return slot->owner;
}

#endif
