/* SPDX-License-Identifier: MIT */
/* Options that say which calls are meant. */
#include "base/clock.h"
#include "cli/call_index.h"
#include "config/value.h"
#include "store/query_read.h"

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

static void read_time(struct reading *r, const char *name, int64_t *ns)
{
    const char *text = value_of(r, name);
    if (text != NULL && !query_read_time(text, ns))
        refuse(r, name, text, "a time, as 2026-11-21, 2026-11-21T11:03:05Z, yesterday or 2h");
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

static void read_status(struct reading *r, struct log_query *q)
{
    const char *text = value_of(r, "status");
    if (text != NULL && !query_read_status(slice_of(text), q))
        refuse(r, "status", text,
               "ok, error, cancelled, interrupted, failed, or a status of HTTP as 429 or 5xx");
}

/* DEBUG asks for nothing: calls that are under way, too. */
static unsigned read_level(struct reading *r)
{
    static const struct {
        const char *name;
        unsigned outcomes;
    } levels[] = {{"debug", 0},
                  {"info", QUERY_ANY_OUTCOME},
                  {"warning", QUERY_FAILED},
                  {"warn", QUERY_FAILED},
                  {"error", 1u << CALL_ERROR | 1u << CALL_INTERRUPTED}};
    const char *text = value_of(r, "level");
    for (size_t i = 0; text != NULL && i < ARRAY_LEN(levels); i++)
        if (slice_equal_ignoring_case(slice_of(text), slice_of(levels[i].name)))
            return levels[i].outcomes;
    if (text != NULL)
        refuse(r, "level", text, "DEBUG, INFO, WARNING or ERROR");
    return 0;
}

/* What all of these ask for at once. */
static void read_outcomes(struct reading *r, struct log_query *q)
{
    read_status(r, q);
    const unsigned wanted[] = {read_level(r), value_of(r, "has-error") != NULL ? QUERY_FAILED : 0,
                               value_of(r, "no-error") != NULL ? 1u << CALL_OK : 0};
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        if (wanted[i] == 0)
            continue;
        q->outcomes = q->outcomes != 0 ? q->outcomes & wanted[i] : wanted[i];
        if (q->outcomes != 0)
            continue;
        command_complain("--status, --level, --has-error and --no-error together mean no call");
        r->is_good = false;
        return;
    }
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
    read_time(&r, "start-time", &q->since_ns);
    read_time(&r, "end-time", &q->until_ns);
    read_text(&r, "model", &q->model);
    read_text(&r, "provider", &q->provider);
    read_text(&r, "plugin", &q->plugin);
    read_text(&r, "client", &q->client);
    read_text(&r, "trace-id", &q->id);
    if (q->id.len == 0)
        read_text(&r, "id", &q->id);
    read_text(&r, "search", &q->text);
    read_outcomes(&r, q);
    read_number(&r, "min-tokens", &q->least_tokens);
    read_number(&r, "max-tokens", &q->most_tokens);
    read_amount(&r, "min-cost", &q->least_cost_pico);
    read_amount(&r, "max-cost", &q->most_cost_pico);
    read_duration(&r, "min-duration", &q->least_duration_ns);
    return r.is_good;
}
