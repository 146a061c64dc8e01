/* SPDX-License-Identifier: MIT */
/* Reads what people write into conditions of a query. */
#include "store/query_read.h"

#include <time.h>

#include "base/clock.h"
#include "config/value.h"

/* --- RFC 3339 ------------------------------------------------------------------------------------- */

/* `digits` digits off the front, from `least` to `most`. */
static bool take_number(harborai_str *text, size_t digits, int least, int most, int *ret_number)
{
    uint64_t number;
    if (text->len < digits || !slice_to_u64(slice_cut(*text, digits), &number) ||
        number < (uint64_t)least || number > (uint64_t)most)
        return false;
    *ret_number = (int)number;
    *text = slice_from(*text, digits);
    return true;
}

static bool take_char(harborai_str *text, char c)
{
    if (text->len == 0 || text->data[0] != c)
        return false;
    *text = slice_from(*text, 1);
    return true;
}

/* Behind the point: nine digits count. */
static bool take_fraction(harborai_str *text, int64_t *ns)
{
    int64_t unit = NS_PER_S;
    size_t digits = 0;
    for (; digits < text->len && text->data[digits] >= '0' && text->data[digits] <= '9'; digits++) {
        unit /= 10;
        *ns += (text->data[digits] - '0') * unit;
    }
    *text = slice_from(*text, digits);
    return digits > 0;
}

static bool take_hours(harborai_str *text, struct tm *when, int64_t *ns)
{
    if (!take_number(text, 2, 0, 23, &when->tm_hour) || !take_char(text, ':') ||
        !take_number(text, 2, 0, 59, &when->tm_min))
        return false;
    if (!take_char(text, ':'))
        return true;
    if (!take_number(text, 2, 0, 60, &when->tm_sec))
        return false;
    return !take_char(text, '.') || take_fraction(text, ns);
}

/* Z, or how far it is from UTC. */
static bool take_zone(harborai_str *text, int64_t *ret_s)
{
    int hours, minutes;
    *ret_s = 0;
    if (text->len == 0 || take_char(text, 'Z') || take_char(text, 'z'))
        return true;
    int sign = take_char(text, '+') ? 1 : take_char(text, '-') ? -1 : 0;
    if (sign == 0 || !take_number(text, 2, 0, 23, &hours))
        return false;
    (void)take_char(text, ':');
    if (!take_number(text, 2, 0, 59, &minutes))
        return false;
    *ret_s = sign * (hours * INT64_C(3600) + minutes * 60);
    return true;
}

static bool take_day(harborai_str *text, struct tm *when)
{
    if (!take_number(text, 4, 1970, 2261, &when->tm_year) || !take_char(text, '-') ||
        !take_number(text, 2, 1, 12, &when->tm_mon) || !take_char(text, '-') ||
        !take_number(text, 2, 1, 31, &when->tm_mday))
        return false;
    when->tm_year -= 1900;
    when->tm_mon--;
    return true;
}

bool query_read_utc(harborai_str text, int64_t *ret_ns)
{
    struct tm when = {.tm_isdst = 0};
    int64_t ns = 0, zone_s = 0;
    if (!take_day(&text, &when))
        return false;
    bool has_hours = take_char(&text, 'T') || take_char(&text, 't') || take_char(&text, ' ');
    if (has_hours && (!take_hours(&text, &when, &ns) || !take_zone(&text, &zone_s)))
        return false;
    int day = when.tm_mday;
    int64_t seconds = (int64_t)timegm(&when);
    if (text.len > 0 || when.tm_mday != day || seconds < zone_s) /* the 30th of February */
        return false;
    *ret_ns = (seconds - zone_s) * NS_PER_S + ns;
    return true;
}

/* --- A status ------------------------------------------------------------------------------------- */

/* 429, or 4xx. */
static bool read_http_status(harborai_str text, struct log_query *q)
{
    uint64_t number;
    bool is_class = text.len == 3 && slice_equal_ignoring_case(slice_from(text, 1), HARBORAI_STR("xx"));
    if (!slice_to_u64(slice_cut(text, is_class ? 1 : text.len), &number))
        return false;
    if (is_class)
        number *= 100;
    if (number < 100 || number > 599)
        return false;
    q->least_status = (int)number;
    q->most_status = (int)number + (is_class ? 99 : 0);
    return true;
}

bool query_read_status(harborai_str text, struct log_query *query)
{
    enum call_outcome outcome;
    if (slice_is(text, "failed"))
        query->outcomes = QUERY_FAILED;
    else if (call_outcome_read(text, &outcome))
        query->outcomes = 1u << outcome;
    else
        return read_http_status(text, query);
    return true;
}

/* --- What people write --------------------------------------------------------------------------- */

/* "2026-11-21T11:03:05.25+08:00": it says itself where. */
static bool has_zone(harborai_str text)
{
    size_t sign = text.len;
    while (sign > 10 && text.data[sign - 1] != '+' && text.data[sign - 1] != '-')
        sign--;
    return text.len > 10 && (sign > 10 || text.data[text.len - 1] == 'Z' || text.data[text.len - 1] == 'z');
}

#define MOST_S INT64_C(9214646400) /* 2262: soon after ns since 1970 no longer fit */

/* In the reader's time zone. False: there is no such day, as the 30th of February, or no ns for it. */
static bool read_fields(struct tm *when, int64_t *ret_ns)
{
    const struct tm asked = *when;
    int64_t seconds = (int64_t)mktime(when);
    if (when->tm_mday != asked.tm_mday || when->tm_mon != asked.tm_mon || seconds <= 0 ||
        seconds >= MOST_S)
        return false;
    *ret_ns = seconds * NS_PER_S;
    return true;
}

static bool read_local(const char *text, int64_t *ret_ns)
{
    static const char *const formats[] = {
        "%Y-%m-%d",          "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M",
        "%Y-%m-%d %H:%M:%S", "%Y/%m/%d",       "%Y/%m/%d %H:%M",    "%Y/%m/%d %H:%M:%S",
        "%Y年%m月%d日",      "%Y年%m月%d日 %H:%M"};
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        struct tm when = {.tm_isdst = -1};
        const char *end = strptime(text, formats[i], &when);
        if (end != NULL && *end == '\0')
            return read_fields(&when, ret_ns);
    }
    return false;
}

/* "20261121"; or seconds or milliseconds since 1970. */
static bool read_digits(harborai_str text, int64_t *ret_ns)
{
    uint64_t number;
    struct tm when = {.tm_isdst = -1};
    if (!slice_to_u64(text, &number) || number == 0)
        return false;
    if (text.len == 8) {
        when.tm_year = (int)(number / 10000) - 1900;
        when.tm_mon = (int)(number / 100 % 100) - 1;
        when.tm_mday = (int)(number % 100);
        return read_fields(&when, ret_ns);
    }
    uint64_t in_second = text.len == 10 ? 1 : 1000;
    if ((text.len != 10 && text.len != 13) || number >= MOST_S * in_second)
        return false;
    *ret_ns = (int64_t)number * (NS_PER_S / (int64_t)in_second);
    return true;
}

/* "90m", "7d" */
static bool read_duration(harborai_str text, int64_t *ret_ms)
{
    uint64_t days;
    if (slice_ends_with(text, "d") && slice_to_u64(slice_cut(text, text.len - 1), &days) && days < 36500) {
        *ret_ms = (int64_t)days * 86400 * 1000;
        return true;
    }
    bool has_unit = text.len > 0 && (text.data[text.len - 1] < '0' || text.data[text.len - 1] > '9');
    return has_unit && value_parse_duration_ms(text, ret_ms);
}

/* "now", "today", "yesterday"; "90m" or "2h ago", before now. */
static bool read_relative(harborai_str text, int64_t *ret_ns)
{
    int64_t ms, now_ns = clock_wall_ns(&clock_system);
    time_t now = (time_t)(now_ns / NS_PER_S);
    struct tm day;
    if (slice_ends_with(text, " ago"))
        text = slice_cut(text, text.len - strlen(" ago"));
    if (slice_is(text, "today") || slice_is(text, "yesterday")) {
        if (localtime_r(&now, &day) == NULL)
            return false;
        day.tm_hour = day.tm_min = day.tm_sec = 0;
        day.tm_mday -= slice_is(text, "yesterday");
        day.tm_isdst = -1;
        *ret_ns = (int64_t)mktime(&day) * NS_PER_S;
        return true;
    }
    if (slice_is(text, "now"))
        ms = 0;
    else if (!read_duration(text, &ms) || ms <= 0 || ms > now_ns / NS_PER_MS)
        return false;
    *ret_ns = now_ns - ms * NS_PER_MS;
    return true;
}

bool query_read_time(const char *text, int64_t *ret_ns)
{
    harborai_str words = slice_trim(slice_of(text));
    if (has_zone(words) && query_read_utc(words, ret_ns)) {
        *ret_ns += *ret_ns == 0; /* 1970 itself: 0 would be no time at all */
        return true;
    }
    return read_digits(words, ret_ns) || read_local(text, ret_ns) || read_relative(words, ret_ns);
}
