/* SPDX-License-Identifier: MIT */
#include "engine/phase.h"

void phase_begin(struct call *call, int64_t admit_ns)
{
    call->record.phase_ns[RECORD_ADMIT] = admit_ns;
    call->mark_ns = call->started_ns + admit_ns;
}

/* The plugin's, since the mark. */
static int64_t plugin_ns(const struct call *call)
{
    return call->record.phase_ns[RECORD_PLUGIN] - call->plugin_mark_ns;
}

/* The time of a pass may be older than the mark. */
void phase_end_at(struct call *call, enum record_phase phase, int64_t now_ns)
{
    int64_t spent_ns = now_ns - call->mark_ns - plugin_ns(call);
    if (spent_ns > 0)
        call->record.phase_ns[phase] += spent_ns;
    if (now_ns > call->mark_ns)
        call->mark_ns = now_ns;
    call->plugin_mark_ns = call->record.phase_ns[RECORD_PLUGIN];
}

void phase_end(struct call *call, enum record_phase phase)
{
    phase_end_at(call, phase, clock_monotonic_ns(loop_clock(call->engine->s.loop)));
}

void phase_begin_upstream(struct attempt *a)
{
    phase_end_upstream(a);
    phase_end_at(a->call, RECORD_QUEUE, a->call->engine->act_ns);
    a->is_upstream = true;
}

void phase_end_upstream(struct attempt *a)
{
    if (!a->is_upstream)
        return;
    a->is_upstream = false;
    phase_end_at(a->call, RECORD_UPSTREAM, loop_now_ns(a->call->engine->s.loop));
}

int64_t phase_overhead_ns(const struct call *call)
{
    return call->mark_ns - call->started_ns - call->record.phase_ns[RECORD_UPSTREAM] +
           plugin_ns(call);
}

int64_t phase_write_since_ns(const struct call *call)
{
    return call->mark_ns + plugin_ns(call);
}
