/* SPDX-License-Identifier: MIT */
#include "observe/durations.h"

#include "base/attr.h"
#include "base/clock.h"
#include "wire/prometheus.h"

#define DECADE(unit) (unit), (unit) * 5 / 2, (unit) * 5

static const int64_t bounds[DURATIONS_BOUNDS] = {
    DECADE(NS_PER_US), DECADE(10 * NS_PER_US), DECADE(100 * NS_PER_US), DECADE(NS_PER_MS),
    DECADE(10 * NS_PER_MS), DECADE(100 * NS_PER_MS), DECADE(NS_PER_S), DECADE(10 * NS_PER_S),
    100 * NS_PER_S};

/* In seconds, as Go writes such numbers: both formats want that. */
static const char *const names[DURATIONS_BOUNDS] = {
    "1e-06", "2.5e-06", "5e-06", "1e-05", "2.5e-05", "5e-05", "0.0001", "0.00025", "0.0005",
    "0.001", "0.0025",  "0.005", "0.01",  "0.025",   "0.05",  "0.1",    "0.25",    "0.5",
    "1",     "2.5",     "5",     "10",    "25",      "50",    "100"};

/* The first bound that a number of so many binary digits may be below. Between two powers of 2 there
 * is at most one. */
static const uint8_t first[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10,
                                11, 12, 13, 14, 15, 16, 17, 18, 19, 19, 20, 21, 22, 23, 24};

unsigned durations_bucket(int64_t ns)
{
    if (ns <= 0)
        return 0;
    size_t digits = 64 - (size_t)__builtin_clzll((unsigned long long)ns);
    if (digits >= ARRAY_LEN(first))
        return DURATIONS_BOUNDS;
    return first[digits] + (ns > bounds[first[digits]]);
}

void durations_sum_up(const struct durations *d, struct durations_sum *sum)
{
    struct durations *from = (struct durations *)(uintptr_t)d;
    for (unsigned i = 0; i <= DURATIONS_BOUNDS; i++)
        sum->counts[i] += atomic_load_explicit(&from->counts[i], memory_order_relaxed);
    sum->sum_ns += atomic_load_explicit(&from->sum_ns, memory_order_relaxed);
}

void durations_write(struct prometheus *p, const char *family, const struct prometheus_label *labels,
                     size_t label_count, const struct durations_sum *sum)
{
    struct prometheus_label with_bound[DURATIONS_LABELS + 1];
    int64_t below = 0;
    for (size_t i = 0; i < label_count; i++)
        with_bound[i] = labels[i];
    for (unsigned i = 0; i <= DURATIONS_BOUNDS; i++) {
        below += sum->counts[i];
        with_bound[label_count] = (struct prometheus_label){
            "le", i < DURATIONS_BOUNDS ? slice_of(names[i]) : HARBORAI_STR("+Inf")};
        prometheus_sample(p, family, "_bucket", with_bound, label_count + 1, below);
    }
    prometheus_sample_decimal(p, family, "_sum", labels, label_count, sum->sum_ns, 9);
    prometheus_sample(p, family, "_count", labels, label_count, below);
}
