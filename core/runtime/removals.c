/* SPDX-License-Identifier: MIT */
/* Whoever removes a plugin holds a lock meanwhile. If he dies nothing tells the gateway so: it has to look
 * again, as long as there is such a lock and no longer. Must never finish what another began. [keeper] */
#include "runtime/state.h"

#define LOOK_NS (500 * NS_PER_MS)
#define RETRY_NS (5 * NS_PER_S) /* where plugins.json cannot be read, which the log says each time */

static void look_again(struct runtime *runtime, int64_t wait_ns)
{
    reminder_set(&runtime->removals, clock_monotonic_ns(&clock_system) + wait_ns);
}

static void look(struct reminder *reminder)
{
    struct runtime *runtime = CONTAINER_OF(reminder, struct runtime, removals);
    if (runtime->has_left || !plugin_state_is_removing(runtime->switches))
        return;
    bool is_changed =
        plugin_state_removals_changed(runtime->switches, slice_of(runtime->state_dir));
    look_again(runtime, is_changed && watcher_order(runtime) ? RETRY_NS : LOOK_NS);
}

void removals_init(struct runtime *runtime)
{
    reminder_init(&runtime->removals, runtime->loops[0].loop, runtime->keeper, look);
}

void removals_watch(struct runtime *runtime)
{
    if (runtime->switches != NULL && plugin_state_is_removing(runtime->switches))
        look_again(runtime, LOOK_NS);
}
