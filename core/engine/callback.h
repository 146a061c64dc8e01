/* SPDX-License-Identifier: MIT */
/* Takes the time of a function of a plugin: it is counted, and the log names a plugin that holds up
 * the thread. Two readings of the clock a function, one for an event of a stream: a reading takes
 * some 20 ns, and chunks that are passed through run no function.
 *
 *     int64_t began_ns = callback_begin(a);
 *     table->on_wake(provider, &a->api);
 *     callback_end(a, METER_ON_WAKE, 0, began_ns);
 */
#ifndef ENGINE_CALLBACK_H
#define ENGINE_CALLBACK_H

#include "engine/state.h"

static inline int64_t callback_begin(const struct attempt *a)
{
    return clock_monotonic_ns(loop_clock(a->call->engine->s.loop));
}

/* `input` is how many bytes the function was given. Returns the time that it is: when the next one
 * begins, if one follows at once. [the thread that ran it] */
static inline int64_t callback_end(struct attempt *a, enum meter_callback callback,
                                   size_t input, int64_t began_ns)
{
    int64_t now_ns = callback_begin(a), took_ns = now_ns - began_ns;
    struct meter *meter = a->slot->meter;
    *(a->on_job ? &a->job_ns : &a->call->record.phase_ns[RECORD_PLUGIN]) += took_ns;
    if (meter == NULL)
        return now_ns;
    if (a->on_job)
        meter_add_shared(meter, callback, took_ns);
    else
        meter_add(meter, loop_index(a->call->engine->s.loop), callback, took_ns);
    if (took_ns > NS_PER_MS && took_ns > meter_allowed_ns(input))
        meter_tell_slow(meter, a->call->engine->s.log, callback, input, took_ns, now_ns);
    return now_ns;
}

#endif
