/* SPDX-License-Identifier: MIT */
/* The system's clock, and how moments are written. Locale-free. */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static int64_t system_monotonic_ns(const struct clock *self UNUSED)
{
    return read_clock(CLOCK_MONOTONIC);
}

static int64_t system_wall_ns(const struct clock *self UNUSED)
{
    return read_clock(CLOCK_REALTIME);
}

const struct clock clock_system = {system_monotonic_ns, system_wall_ns};

static struct tm utc(int64_t wall_ns)
{
    time_t seconds = (time_t)(wall_ns / NS_PER_S);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    return parts;
}

void clock_format_utc(int64_t wall_ns, char text[static 25])
{
    struct tm t = utc(wall_ns);
    snprintf(text, 25, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", (unsigned)(t.tm_year + 1900) % 10000,
             (unsigned)(t.tm_mon + 1) % 100, (unsigned)t.tm_mday % 100, (unsigned)t.tm_hour % 100,
             (unsigned)t.tm_min % 100, (unsigned)t.tm_sec % 100,
             (unsigned)(wall_ns / NS_PER_MS % 1000));
}

void clock_format_http(int64_t wall_ns, char text[static 30])
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct tm t = utc(wall_ns);
    snprintf(text, 30, "%s, %02u %s %04u %02u:%02u:%02u GMT", days[t.tm_wday],
             (unsigned)t.tm_mday % 100, months[t.tm_mon], (unsigned)(t.tm_year + 1900) % 10000,
             (unsigned)t.tm_hour % 100, (unsigned)t.tm_min % 100, (unsigned)t.tm_sec % 100);
}
