/* SPDX-License-Identifier: MIT */
/* Counts in buckets that grow with what they count. */
#include "store/histogram.h"

#include "base/clock.h"

enum { SUB = 16, SUB_BITS = 4, ENTRY = 6 /* bytes: bucket and count, the lowest first */ };

unsigned histogram_bucket(int64_t duration_ns)
{
    uint64_t us = duration_ns > 0 ? (uint64_t)duration_ns / 1000 : 0;
    if (us < SUB)
        return (unsigned)us;
    unsigned shift = 63u - (unsigned)__builtin_clzll(us) - SUB_BITS;
    unsigned bucket = (shift + 1) * SUB + (unsigned)(us >> shift & (SUB - 1));
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

/* The middle of a bucket. */
static int64_t middle_of(unsigned bucket)
{
    if (bucket < SUB)
        return (int64_t)bucket * 1000 + 500;
    unsigned shift = bucket / SUB - 1;
    uint64_t low = (uint64_t)(SUB + bucket % SUB) << shift;
    return (int64_t)(low * 1000 + (UINT64_C(1000) << shift) / 2);
}

static void change(struct histogram *h, unsigned bucket, uint32_t count, int by)
{
    uint32_t *at = &h->counts[bucket];
    uint32_t delta = count;
    if (by < 0)
        delta = *at < count ? *at : count;
    else if (count > UINT32_MAX - *at)
        delta = UINT32_MAX - *at;
    *at = by < 0 ? *at - delta : *at + delta;
    h->total = by < 0 ? h->total - delta : h->total + delta;
}

void histogram_add(struct histogram *h, int64_t duration_ns, int by)
{
    change(h, histogram_bucket(duration_ns), 1, by);
}

void histogram_add_bucket(struct histogram *h, unsigned bucket, uint64_t count)
{
    if (bucket >= HISTOGRAM_BUCKETS)
        bucket = HISTOGRAM_BUCKETS - 1;
    change(h, bucket, count < UINT32_MAX ? (uint32_t)count : UINT32_MAX, 1);
}

int64_t histogram_mean(const struct histogram *h)
{
    double sum_ns = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        sum_ns += (double)h->counts[i] * (double)middle_of(i);
    return h->total > 0 ? (int64_t)(sum_ns / (double)h->total) : 0;
}

int64_t histogram_percentile(const struct histogram *h, double part)
{
    if (h->total == 0)
        return 0;
    uint64_t rank = (uint64_t)(part * (double)h->total), seen = 0;
    if ((double)rank < part * (double)h->total || rank == 0)
        rank++;
    unsigned last = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS && seen < rank; i++) {
        seen += h->counts[i];
        last = i;
    }
    return middle_of(last);
}

void histogram_write(const struct histogram *h, struct buf *out)
{
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        uint32_t count = h->counts[i];
        if (count == 0)
            continue;
        char bytes[ENTRY] = {(char)(i & 255),          (char)(i >> 8),
                             (char)(count & 255),      (char)(count >> 8 & 255),
                             (char)(count >> 16 & 255), (char)(count >> 24)};
        buf_add(out, (harborai_str){bytes, ENTRY});
    }
}

bool histogram_merge(struct histogram *h, harborai_str bytes)
{
    bool is_good = bytes.len % ENTRY == 0;
    for (size_t at = 0; at + ENTRY <= bytes.len; at += ENTRY) {
        const unsigned char *b = (const unsigned char *)bytes.data + at;
        unsigned bucket = b[0] | (unsigned)b[1] << 8;
        if (bucket >= HISTOGRAM_BUCKETS) {
            is_good = false;
            continue;
        }
        change(h, bucket, b[2] | (uint32_t)b[3] << 8 | (uint32_t)b[4] << 16 | (uint32_t)b[5] << 24,
               1);
    }
    return is_good;
}
