/* SPDX-License-Identifier: MIT */
/* What ended in the last minute, by the second of the wall clock: for who asks how it goes now, and
 * keeps no history. One loop adds, anybody may read, nobody waits. */
#ifndef OBSERVE_RECENT_H
#define OBSERVE_RECENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { RECENT_WINDOW_S = 60, RECENT_SLOTS = 64 };

struct recent_second {
    _Atomic int64_t second; /* whose it is: the slots go round */
    _Atomic int64_t calls, failed, duration_us;
};

struct recent {
    struct recent_second slots[RECENT_SLOTS];
};

struct recent_sum {
    int64_t calls, failed, duration_us;
};

/* [loop] Its own. A call has ended at that moment, UTC. */
void recent_add(struct recent *r, int64_t ended_ns, bool has_failed, int64_t duration_ns);

/* [any] Adds those of the window before `now_ns`, UTC, to `sum`. */
void recent_sum_up(const struct recent *r, int64_t now_ns, struct recent_sum *sum);

#endif
