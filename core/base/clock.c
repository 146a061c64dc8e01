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

/* By the Gregorian calendar's eras of 400 years, whose first day is 1 March. Not by gmtime_r(), which
 * reads TZ and the time zone's file though it needs neither. */
static void set_date(struct tm *parts, int64_t days)
{
    int64_t since = days + 719468; /* 1 March of the year 0 */
    int64_t era = since / 146097, day = since % 146097;
    int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    int64_t day_of_year = day - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * day_of_year + 2) / 153; /* 0 is March */
    parts->tm_mday = (int)(day_of_year - (153 * month + 2) / 5 + 1);
    parts->tm_mon = (int)(month < 10 ? month + 2 : month - 10);
    parts->tm_year = (int)(era * 400 + year + (month >= 10)) - 1900;
    parts->tm_wday = (int)((days + 4) % 7); /* 1 January 1970 was a Thursday */
}

static struct tm utc(int64_t wall_ns)
{
    int64_t seconds = wall_ns / NS_PER_S, in_day = seconds % 86400;
    struct tm parts = {.tm_hour = (int)(in_day / 3600),
                       .tm_min = (int)(in_day / 60 % 60),
                       .tm_sec = (int)(in_day % 60)};
    set_date(&parts, seconds / 86400);
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
