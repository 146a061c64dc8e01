/* SPDX-License-Identifier: MIT */
/* Writes metrics in Prometheus' text format 0.0.4, or in OpenMetrics 1.0. A family first, then its
 * samples: [any]
 *
 *     struct prometheus p = {&buf, .is_open = false};
 *     prometheus_family(&p, "harborai_calls_total", PROMETHEUS_COUNTER, "Calls that ended.");
 *     const struct prometheus_label labels[] = {{"status", HARBORAI_STR_INIT("200")}};
 *     prometheus_sample(&p, "harborai_calls_total", NULL, labels, 1, 42);
 *     prometheus_end(&p);
 *
 * Names come from tables of ours and are not checked: those of counters end in _total, and what is
 * counted in seconds or bytes says so at its end, or before that. Values of labels may be any text. A
 * failure of the buffer is sticky. */
#ifndef WIRE_PROMETHEUS_H
#define WIRE_PROMETHEUS_H

#include <stdbool.h>

#include "base/buf.h"

#define PROMETHEUS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define PROMETHEUS_OPEN_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

enum prometheus_type {
    PROMETHEUS_COUNTER,
    PROMETHEUS_GAUGE,
    PROMETHEUS_HISTOGRAM,
    PROMETHEUS_SUMMARY,
    PROMETHEUS_UNTYPED
};

struct prometheus {
    struct buf *out;
    bool is_open; /* OpenMetrics */
};

struct prometheus_label {
    const char *name;
    harborai_str value;
};

/* The HELP and TYPE lines, and what OpenMetrics has besides. */
void prometheus_family(struct prometheus *p, const char *name, enum prometheus_type type,
                       const char *help);

/* A sample. `suffix` is appended to the name ("_bucket", "_sum", "_count"); NULL = none. */
void prometheus_sample(struct prometheus *p, const char *name, const char *suffix,
                       const struct prometheus_label *labels, size_t label_count, int64_t value);

/* The same with number * 10^-scale, exactly: money has scale 12, seconds from nanoseconds 9. */
void prometheus_sample_decimal(struct prometheus *p, const char *name, const char *suffix,
                               const struct prometheus_label *labels, size_t label_count,
                               int64_t number, unsigned scale);

/* Behind the last family. */
void prometheus_end(struct prometheus *p);

#endif
