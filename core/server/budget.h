/* SPDX-License-Identifier: MIT */
/* What the bodies of all requests may hold together, counted in one place for all loops. A body is
 * charged as its buffer grows, and released when its memory goes: with its call, which may outlast
 * its connection, or with its connection if no call has taken it. What the engine makes of a body is
 * charged likewise.
 *
 * An answer that waits for its reader counts, too, but is never refused its room: who has been let in
 * is answered. So this may come to more than the ceiling; then nobody new is let in, and streams whose
 * readers are slow are paused at once. */
#ifndef SERVER_BUDGET_H
#define SERVER_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct budget {
    _Atomic size_t used;
    size_t ceiling;
};

/* [init] */
void budget_init(struct budget *b, size_t ceiling);

/* False: that would be more than the ceiling, and nothing was charged. [any] */
bool budget_charge(struct budget *b, size_t bytes);
void budget_release(struct budget *b, size_t bytes); /* [any] */
void budget_add(struct budget *b, size_t bytes);     /* in any case [any] */
/* Whether so much more fits at present. [any] */
bool budget_fits(const struct budget *b, size_t bytes);

/* The memory of this machine, or of the control group (v1 or v2) that the process is in if that is
 * less. `cgroup_file`: "/proc/self/cgroup"; `mount`: "/sys/fs/cgroup". What cannot be read limits
 * nothing. [init] */
uint64_t budget_memory(const char *cgroup_file, const char *mount);

#endif
