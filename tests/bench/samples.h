/* SPDX-License-Identifier: MIT */
#ifndef BENCH_SAMPLES_H
#define BENCH_SAMPLES_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Durations as they were measured, each kept. Zeroed is empty; never freed. */
struct samples {
    uint32_t *ns; /* 4.29 s at most, which no sound run reaches */
    size_t count, capacity;
};

/* Keeps one duration; exits when memory is short. */
void samples_add(struct samples *samples, uint64_t duration_ns);

/* Sorts them and prints `"NAME":{"n":…,"p50":…,"p90":…,"p99":…,"max":…}` in microseconds;
 * null instead of the object when there are none. */
void samples_print(struct samples *samples, const char *name, FILE *out);

#endif
