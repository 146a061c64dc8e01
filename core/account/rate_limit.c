/* SPDX-License-Identifier: MIT */
/* The arithmetic of a limit by the minute. Must never wait: loops of all threads count here. */
#include "account/rate_limit.h"

#include "base/clock.h"

#define MINUTE_NS (60 * NS_PER_S)
#define SCALE 16

__extension__ typedef unsigned __int128 wide;

void rate_limit_init(struct rate_limit *limit, int64_t per_minute)
{
    limit->per_minute = per_minute > RATE_LIMIT_MOST ? RATE_LIMIT_MOST : per_minute;
    limit->unit = per_minute > 0 ? ((uint64_t)MINUTE_NS << SCALE) / (uint64_t)limit->per_minute : 0;
}

/* What is more than that is as good as never. */
static int64_t time_of(const struct rate_limit *limit, int64_t count)
{
    wide ns = (wide)(uint64_t)count * limit->unit >> SCALE;
    return ns < (wide)CLOCK_NEVER_NS / 2 ? (int64_t)ns : CLOCK_NEVER_NS / 2;
}

static struct rate_state state_of(const struct rate_limit *limit, int64_t full_ns, int64_t now_ns)
{
    struct rate_state state = {.limit = limit->per_minute};
    if (full_ns > now_ns)
        state.reset_ns = full_ns - now_ns;
    if (state.reset_ns < MINUTE_NS)
        state.remaining = (int64_t)(((uint64_t)(MINUTE_NS - state.reset_ns) << SCALE) / limit->unit);
    if (state.remaining > state.limit)
        state.remaining = state.limit;
    return state;
}

bool rate_limit_take(const struct rate_limit *limit, struct rate_meter *meter, int64_t now_ns,
                     int64_t count, int64_t *ret_taken, struct rate_state *ret_state)
{
    int64_t before = atomic_load_explicit(&meter->full_ns, memory_order_relaxed), after;
    if (count > limit->per_minute)
        count = limit->per_minute;
    int64_t cost_ns = time_of(limit, count);
    do {
        after = (before > now_ns ? before : now_ns) + cost_ns;
        if (after - now_ns > MINUTE_NS) {
            *ret_state = state_of(limit, before, now_ns);
            ret_state->wait_ns = after - now_ns - MINUTE_NS;
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(&meter->full_ns, &before, after,
                                                    memory_order_relaxed, memory_order_relaxed));
    if (ret_taken != NULL)
        *ret_taken = count;
    *ret_state = state_of(limit, after, now_ns);
    return true;
}

void rate_limit_settle(const struct rate_limit *limit, struct rate_meter *meter, int64_t now_ns,
                       int64_t more)
{
    int64_t before = atomic_load_explicit(&meter->full_ns, memory_order_relaxed), after;
    if (more == 0)
        return;
    int64_t ns = time_of(limit, more > 0 ? more : -more);
    do {
        if (more < 0)
            after = before - ns;
        else
            after = (before > now_ns ? before : now_ns) + ns;
        if (after > CLOCK_NEVER_NS)
            after = CLOCK_NEVER_NS;
    } while (!atomic_compare_exchange_weak_explicit(&meter->full_ns, &before, after,
                                                    memory_order_relaxed, memory_order_relaxed));
}

struct rate_state rate_limit_look(const struct rate_limit *limit, const struct rate_meter *meter,
                                  int64_t now_ns)
{
    if (limit->per_minute == 0)
        return (struct rate_state){.limit = 0};
    return state_of(limit, atomic_load_explicit(&meter->full_ns, memory_order_relaxed), now_ns);
}
