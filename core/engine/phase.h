/* SPDX-License-Identifier: MIT */
/* Where the time of a call goes: its record has a sum for each phase, and no moment counts twice. What
 * has passed since the mark belongs to the phase that ends, but for the time in functions of the
 * plugin, which is a phase of its own. Reads the clock where a phase is shorter than a pass of the loop,
 * else takes the pass' time: then it includes what the pass did before. [loop] */
#ifndef ENGINE_PHASE_H
#define ENGINE_PHASE_H

#include "engine/state.h"

/* What the front took to admit the call is a part of what has passed since its pass began. */
void phase_begin(struct call *call, int64_t admit_ns);
void phase_end_at(struct call *call, enum record_phase phase, int64_t now_ns);
/* By the clock. */
void phase_end(struct call *call, enum record_phase phase);

/* The request goes out; the vendor's answer has ended, or is not waited for any more, if one was. */
void phase_begin_upstream(struct attempt *a);
void phase_end_upstream(struct attempt *a);

/* What has passed up to the mark, with the plugin's time since, and was not the vendor's. */
int64_t phase_overhead_ns(const struct call *call);
/* From when on the answer is written, without the plugin's time since. */
int64_t phase_write_since_ns(const struct call *call);

#endif
