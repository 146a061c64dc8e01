/* SPDX-License-Identifier: MIT */
/* A ring of seconds. A reader that meets a slot while it passes to its next second counts it not at
 * all, or a call too few: nothing is kept of it, so nothing goes wrong with it. */
#include "observe/recent.h"

#include "base/clock.h"

static int64_t value_of(const _Atomic int64_t *value)
{
    return atomic_load_explicit((_Atomic int64_t *)(uintptr_t)value, memory_order_relaxed);
}

static void set(_Atomic int64_t *value, int64_t to)
{
    atomic_store_explicit(value, to, memory_order_relaxed);
}

static void pass_on(struct recent_second *slot, int64_t second)
{
    set(&slot->second, 0); /* nobody's meanwhile */
    set(&slot->calls, 0);
    set(&slot->failed, 0);
    set(&slot->duration_us, 0);
    atomic_store_explicit(&slot->second, second, memory_order_release);
}

void recent_add(struct recent *r, int64_t ended_ns, bool has_failed, int64_t duration_ns)
{
    int64_t second = ended_ns / NS_PER_S;
    struct recent_second *slot = &r->slots[(uint64_t)second % RECENT_SLOTS];
    if (value_of(&slot->second) != second)
        pass_on(slot, second);
    set(&slot->calls, value_of(&slot->calls) + 1);
    set(&slot->failed, value_of(&slot->failed) + has_failed);
    set(&slot->duration_us, value_of(&slot->duration_us) + duration_ns / NS_PER_US);
}

void recent_sum_up(const struct recent *r, int64_t now_ns, struct recent_sum *sum)
{
    int64_t now = now_ns / NS_PER_S;
    for (unsigned i = 0; i < RECENT_SLOTS; i++) {
        const struct recent_second *slot = &r->slots[i];
        int64_t second = atomic_load_explicit(
            &((struct recent_second *)(uintptr_t)slot)->second, memory_order_acquire);
        if (second <= now - RECENT_WINDOW_S || second > now)
            continue;
        sum->calls += value_of(&slot->calls);
        sum->failed += value_of(&slot->failed);
        sum->duration_us += value_of(&slot->duration_us);
    }
}
