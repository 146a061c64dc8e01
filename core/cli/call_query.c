/* SPDX-License-Identifier: MIT */
/* Options that say which calls are meant. */
#include <time.h>

#include "base/clock.h"
#include "cli/call_index.h"
#include "config/value.h"

#define DAY_NS (INT64_C(86400) * NS_PER_S)
#define MOST_DAYS 36500

struct reading {
    const struct command *command;
    const struct arguments *arguments;
    bool is_good;
};

static const char *value_of(const struct reading *r, const char *name)
{
    return command_argument(r->command, r->arguments, name);
}

static void refuse(struct reading *r, const char *name, const char *text, const char *wanted)
{
    command_complain("--%s: '%s' is not %s", name, text, wanted);
    r->is_good = false;
}

/* "2026-11-21" or "2026-11-21T11:03:05", in the reader's time zone, or UTC with a Z behind. */
static bool read_moment(const char *text, int64_t *ret_ns)
{
    static const char *const formats[] = {"%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S",
                                          "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"};
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        struct tm when = {.tm_isdst = -1};
        const char *end = strptime(text, formats[i], &when);
        bool is_utc = end != NULL && end[0] == 'Z' && end[1] == '\0';
        if (end == NULL || (*end != '\0' && !is_utc))
            continue;
        *ret_ns = (int64_t)(is_utc ? timegm(&when) : mktime(&when)) * NS_PER_S;
        return *ret_ns > 0;
    }
    return false;
}

static void read_time(struct reading *r, const char *name, int64_t *ns)
{
    const char *text = value_of(r, name);
    if (text != NULL && !read_moment(text, ns))
        refuse(r, name, text, "a time, as 2026-11-21 or 2026-11-21T11:03:05Z");
}

static void read_times(struct reading *r, int64_t *since_ns, int64_t *until_ns)
{
    const char *text = value_of(r, "days");
    uint64_t days = 0;
    if (text != NULL && (!slice_to_u64(slice_of(text), &days) || days == 0 || days > MOST_DAYS))
        refuse(r, "days", text, "a number of days from 1 to 36500");
    else if (text != NULL)
        *since_ns = clock_wall_ns(&clock_system) - (int64_t)days * DAY_NS;
    read_time(r, "since", since_ns);
    read_time(r, "until", until_ns);
}

static void read_text(const struct reading *r, const char *name, harborai_str *text)
{
    *text = slice_of(value_of(r, name));
}

static void read_number(struct reading *r, const char *name, int64_t *number)
{
    const char *text = value_of(r, name);
    uint64_t value;
    if (text == NULL)
        return;
    if (!slice_to_u64(slice_of(text), &value) || value > INT64_MAX)
        refuse(r, name, text, "a whole number");
    else
        *number = (int64_t)value;
}

static void read_amount(struct reading *r, const char *name, int64_t *pico)
{
    const char *text = value_of(r, name);
    if (text != NULL && !call_money_read(slice_of(text), pico))
        refuse(r, name, text, "an amount, as 0.05");
}

static void read_duration(struct reading *r, const char *name, int64_t *ns)
{
    const char *text = value_of(r, name);
    int64_t ms;
    if (text == NULL)
        return;
    if (!value_parse_duration_ms(slice_of(text), &ms) || ms > INT64_MAX / NS_PER_MS)
        refuse(r, name, text, "a duration, as 500ms or 10s");
    else
        *ns = ms * NS_PER_MS;
}

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

static void read_status(struct reading *r, struct log_query *q)
{
    const char *text = value_of(r, "status");
    enum call_outcome outcome;
    if (text == NULL)
        return;
    if (slice_is(slice_of(text), "failed"))
        q->outcomes = ~(1u << CALL_OK) & ((1u << CALL_OUTCOME_COUNT) - 1);
    else if (call_outcome_read(slice_of(text), &outcome))
        q->outcomes = 1u << outcome;
    else if (!read_http_status(slice_of(text), q))
        refuse(r, "status", text,
               "ok, error, cancelled, interrupted, failed, or a status of HTTP as 429 or 5xx");
}

bool call_query_read_times(const struct command *command, const struct arguments *arguments,
                           int64_t *ret_since_ns, int64_t *ret_until_ns)
{
    struct reading r = {command, arguments, true};
    read_times(&r, ret_since_ns, ret_until_ns);
    return r.is_good;
}

bool call_query_read(const struct command *command, const struct arguments *arguments,
                     struct log_query *ret_query)
{
    struct reading r = {command, arguments, true};
    struct log_query *q = ret_query;
    query_init(q);
    read_times(&r, &q->since_ns, &q->until_ns);
    read_text(&r, "model", &q->model);
    read_text(&r, "provider", &q->provider);
    read_text(&r, "plugin", &q->plugin);
    read_text(&r, "client", &q->client);
    read_text(&r, "id", &q->id);
    read_text(&r, "search", &q->text);
    read_status(&r, q);
    read_number(&r, "min-tokens", &q->least_tokens);
    read_number(&r, "max-tokens", &q->most_tokens);
    read_amount(&r, "min-cost", &q->least_cost_pico);
    read_amount(&r, "max-cost", &q->most_cost_pico);
    read_duration(&r, "min-duration", &q->least_duration_ns);
    return r.is_good;
}
