/* SPDX-License-Identifier: MIT */
/* Writes metrics in Prometheus' text format 0.0.4. A family first, then its samples: [any]
 *
 *     prometheus_family(&b, "harborai_calls_total", PROMETHEUS_COUNTER, "Calls that ended.");
 *     const struct prometheus_label labels[] = {{"status", HARBORAI_STR_INIT("200")}};
 *     prometheus_sample(&b, "harborai_calls_total", NULL, labels, 1, 42);
 *
 * Names come from tables of ours and are not checked; values of labels may be any text. A failure
 * of the buffer is sticky. */
#ifndef WIRE_PROMETHEUS_H
#define WIRE_PROMETHEUS_H

#include "base/buf.h"

#define PROMETHEUS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum prometheus_type {
    PROMETHEUS_COUNTER,
    PROMETHEUS_GAUGE,
    PROMETHEUS_HISTOGRAM,
    PROMETHEUS_SUMMARY,
    PROMETHEUS_UNTYPED
};

struct prometheus_label {
    const char *name;
    harborai_str value;
};

/* The HELP and TYPE lines. */
void prometheus_family(struct buf *b, const char *name, enum prometheus_type type,
                       const char *help);

/* A sample. `suffix` is appended to the name ("_bucket", "_sum", "_count"); NULL = none. */
void prometheus_sample(struct buf *b, const char *name, const char *suffix,
                       const struct prometheus_label *labels, size_t label_count, int64_t value);

/* The same with number * 10^-scale, exactly: money has scale 12, seconds from nanoseconds 9. */
void prometheus_sample_decimal(struct buf *b, const char *name, const char *suffix,
                               const struct prometheus_label *labels, size_t label_count,
                               int64_t number, unsigned scale);

#endif
