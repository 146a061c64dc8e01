/* SPDX-License-Identifier: MIT */
/* A histogram of durations in steps of 1, 2.5 and 5 from 1 us to 100 s. One loop adds, anybody may
 * read; both without a lock. */
#ifndef OBSERVE_DURATIONS_H
#define OBSERVE_DURATIONS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct prometheus;
struct prometheus_label;

enum { DURATIONS_BOUNDS = 25, DURATIONS_LABELS = 3 };

struct durations {
    _Atomic int64_t counts[DURATIONS_BOUNDS + 1]; /* the last: of those beyond the last bound */
    _Atomic int64_t sum_ns;
};

struct durations_sum {
    int64_t counts[DURATIONS_BOUNDS + 1], sum_ns;
};

/* The index of the first bound that is not less, or DURATIONS_BOUNDS. */
unsigned durations_bucket(int64_t ns);

/* [loop] Its own. */
static inline void durations_add(struct durations *d, int64_t ns)
{
    _Atomic int64_t *count = &d->counts[durations_bucket(ns)];
    atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + 1,
                          memory_order_relaxed);
    atomic_store_explicit(&d->sum_ns, atomic_load_explicit(&d->sum_ns, memory_order_relaxed) + ns,
                          memory_order_relaxed);
}

/* [any] Adds what was counted. */
void durations_sum_up(const struct durations *d, struct durations_sum *sum);

/* The samples of one histogram with these labels, at most DURATIONS_LABELS. [any] */
void durations_write(struct prometheus *p, const char *family, const struct prometheus_label *labels,
                     size_t label_count, const struct durations_sum *sum);

#endif
