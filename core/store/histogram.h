/* SPDX-License-Identifier: MIT */
/* A distribution of durations that can be added up: 16 buckets for each doubling, so that a percentile
 * is within 3 % of the truth, from 1 us to 38 hours. As bytes it has what was counted only. [any] */
#ifndef STORE_HISTOGRAM_H
#define STORE_HISTOGRAM_H

#include <stdint.h>

#include "base/buf.h"

enum { HISTOGRAM_BUCKETS = 16 * 34 };

struct histogram {
    uint64_t total;
    uint32_t counts[HISTOGRAM_BUCKETS];
};

/* The number of the bucket that counts a duration. */
unsigned histogram_bucket(int64_t duration_ns);

/* by: 1 or -1. What would be less than nothing stays 0. */
void histogram_add(struct histogram *h, int64_t duration_ns, int by);

/* `count` of them in one bucket; beyond the last: in that. */
void histogram_add_bucket(struct histogram *h, unsigned bucket, uint64_t count);

/* The mean, in ns, within 3 %; 0 of an empty one. */
int64_t histogram_mean(const struct histogram *h);

/* The duration that `part` of them, from 0 to 1, do not exceed; 0 of an empty one. */
int64_t histogram_percentile(const struct histogram *h, double part);

void histogram_write(const struct histogram *h, struct buf *out);

/* Adds what was written. False: it is no histogram; what of it was good is added. */
bool histogram_merge(struct histogram *h, harborai_str bytes);

#endif
