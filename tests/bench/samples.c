/* SPDX-License-Identifier: MIT */
/* Latencies of a run. No histogram: a difference of 5 in 100 µs must not drown in its buckets. */
#include "tests/bench/samples.h"

#include <stdlib.h>

#include "tests/bench/args.h"

void samples_add(struct samples *samples, uint64_t duration_ns)
{
    if (samples->count == samples->capacity) {
        samples->capacity = samples->capacity ? samples->capacity * 2 : 65536;
        samples->ns = realloc(samples->ns, samples->capacity * sizeof(uint32_t));
        if (!samples->ns)
            args_die("out of memory for %zu samples", samples->capacity);
    }
    samples->ns[samples->count++] = duration_ns < UINT32_MAX ? (uint32_t)duration_ns : UINT32_MAX;
}

static int compare_ns(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

/* Nearest rank, as the samples are many. */
static double percentile_us(const struct samples *samples, size_t percent)
{
    size_t rank = (samples->count * percent + 99) / 100;
    return samples->ns[rank > 0 ? rank - 1 : 0] / 1e3;
}

void samples_print(struct samples *samples, const char *name, FILE *out)
{
    if (samples->count == 0) {
        fprintf(out, "\"%s\":null", name);
        return;
    }
    qsort(samples->ns, samples->count, sizeof(uint32_t), compare_ns);
    fprintf(out, "\"%s\":{\"n\":%zu,\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"max\":%.1f}", name,
            samples->count, percentile_us(samples, 50), percentile_us(samples, 90),
            percentile_us(samples, 99), percentile_us(samples, 100));
}
