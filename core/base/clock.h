/* SPDX-License-Identifier: MIT */
/* Time: monotonic ns for durations, UTC ns for records. The source is injected, so that a test sets
 * the time and nothing has to sleep. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#include "base/attr.h"

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)
#define CLOCK_NEVER_NS (INT64_MAX / 2) /* in 146 years; a sum with any duration fits still */

struct clock {
    int64_t (*monotonic_ns)(const struct clock *self); /* [any] */
    int64_t (*wall_ns)(const struct clock *self);      /* [any] since 1970, UTC */
};

/* The system's. */
extern const struct clock clock_system;

static inline int64_t clock_monotonic_ns(const struct clock *c)
{
    return c->monotonic_ns(c);
}

static inline int64_t clock_wall_ns(const struct clock *c)
{
    return c->wall_ns(c);
}

/* For milliseconds from a stranger: negative ones are 0, and too many of them never come. */
static inline int64_t clock_after_ms(int64_t now_ns, int64_t delay_ms)
{
    if (delay_ms <= 0)
        return now_ns;
    int64_t most_ms = (CLOCK_NEVER_NS - now_ns) / NS_PER_MS;
    return delay_ms < most_ms ? now_ns + delay_ms * NS_PER_MS : CLOCK_NEVER_NS;
}

/* RFC 3339 with milliseconds: 2026-11-21T11:03:05.123Z. 25 bytes with the NUL. */
void clock_format_utc(int64_t wall_ns, char text[static 25]);

/* The Date header of HTTP (RFC 9110, 5.6.7): Sat, 21 Nov 2026 11:03:05 GMT. 30 bytes with NUL. */
void clock_format_http(int64_t wall_ns, char text[static 30]);

#endif
