/* SPDX-License-Identifier: MIT */
/* Reads the parameters of questions about calls. Must never guess: what it does not know is refused, by
 * its name. */
#include "server/logs_query.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "config/value.h"
#include "json_scan.h"
#include "server/percent.h"
#include "store/query_read.h"

#define MOST_TEXT 1024 /* bytes of a value */
#define MOST_OFFSET 1000000000

struct parameter {
    const char *name;
    unsigned kinds; /* enum logs_kind */
    const char *wanted;
    bool (*read)(struct logs_query *query, harborai_str value);
};

/* ---- Values --------------------------------------------------------------------------------- */

static bool read_start(struct logs_query *q, harborai_str value)
{
    bool is_good = query_read_utc(value, &q->calls.since_ns);
    q->sums.since_ns = q->calls.since_ns;
    return is_good;
}

static bool read_end(struct logs_query *q, harborai_str value)
{
    bool is_good = query_read_utc(value, &q->calls.until_ns) && q->calls.until_ns > 0;
    q->sums.until_ns = q->calls.until_ns;
    return is_good;
}

static bool read_text(harborai_str value, harborai_str *ret_text)
{
    *ret_text = value;
    return value.len > 0;
}

static bool read_id(struct logs_query *q, harborai_str value)
{
    return read_text(value, &q->calls.id);
}

static bool read_model(struct logs_query *q, harborai_str value)
{
    q->sums.model = value;
    return read_text(value, &q->calls.model);
}

static bool read_provider(struct logs_query *q, harborai_str value)
{
    q->sums.provider = value;
    return read_text(value, &q->calls.provider);
}

static bool read_plugin(struct logs_query *q, harborai_str value)
{
    return read_text(value, &q->calls.plugin);
}

static bool read_client(struct logs_query *q, harborai_str value)
{
    return read_text(value, &q->calls.client);
}

static bool read_search(struct logs_query *q, harborai_str value)
{
    return read_text(value, &q->calls.text);
}

static bool read_status(struct logs_query *q, harborai_str value)
{
    return query_read_status(slice_is(value, "success") ? HARBORAI_STR("ok") : value, &q->calls);
}

static bool read_u64(harborai_str value, uint64_t least, uint64_t most, uint64_t *number)
{
    return slice_to_u64(value, number) && *number >= least && *number <= most;
}

static bool read_limit(struct logs_query *q, harborai_str value)
{
    return read_u64(value, 1, LOGS_PAGE_MOST, &q->calls.limit);
}

static bool read_offset(struct logs_query *q, harborai_str value)
{
    return read_u64(value, 0, MOST_OFFSET, &q->calls.offset);
}

static bool read_tokens(harborai_str value, int64_t *tokens)
{
    uint64_t number = 0;
    bool is_good = read_u64(value, 0, INT64_MAX, &number);
    *tokens = (int64_t)number;
    return is_good;
}

static bool read_least_tokens(struct logs_query *q, harborai_str value)
{
    return read_tokens(value, &q->calls.least_tokens);
}

static bool read_most_tokens(struct logs_query *q, harborai_str value)
{
    return read_tokens(value, &q->calls.most_tokens);
}

static bool read_least_cost(struct logs_query *q, harborai_str value)
{
    return call_money_read(value, &q->calls.least_cost_pico);
}

static bool read_most_cost(struct logs_query *q, harborai_str value)
{
    return call_money_read(value, &q->calls.most_cost_pico);
}

static bool read_least_duration(struct logs_query *q, harborai_str value)
{
    int64_t ms;
    if (!value_parse_duration_ms(value, &ms) || ms > INT64_MAX / NS_PER_MS)
        return false;
    q->calls.least_duration_ns = ms * NS_PER_MS;
    return true;
}

static bool read_with_totals(struct logs_query *q, harborai_str value)
{
    q->with_totals = slice_is(value, "true") || slice_is(value, "1");
    return q->with_totals || slice_is(value, "false") || slice_is(value, "0");
}

/* ---- Lists ---------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum stats_by by;
} groups[] = {
    {"model", STATS_BY_MODEL}, {"provider", STATS_BY_PROVIDER}, {"date", STATS_BY_DAY},
    {"hour", STATS_BY_HOUR},
};

const char *logs_group_name(enum stats_by by)
{
    for (size_t i = 0; i < ARRAY_LEN(groups); i++)
        if (groups[i].by == by)
            return groups[i].name;
    return "";
}

static bool has_group(const struct stats_query *q, unsigned count, enum stats_by by)
{
    bool has = count > 0 && q->by == by;
    for (unsigned i = 1; i < count; i++)
        has = has || q->also[i - 1] == by;
    return has;
}

static bool add_group(struct stats_query *q, unsigned count, harborai_str name)
{
    size_t i = 0;
    while (i < ARRAY_LEN(groups) && !slice_is(name, groups[i].name))
        i++;
    if (i == ARRAY_LEN(groups) || count == STATS_KEYS || has_group(q, count, groups[i].by))
        return false;
    if (count == 0)
        q->by = groups[i].by;
    else
        q->also[q->also_count++] = groups[i].by;
    return true;
}

static bool read_groups(struct logs_query *q, harborai_str value)
{
    unsigned count = 0;
    bool has_more = true;
    while (has_more) {
        harborai_str name;
        has_more = slice_split(value, ',', &name, &value);
        if (!add_group(&q->sums, count++, slice_trim(name)))
            return false;
    }
    return true;
}

static const char *const metric_names[] = {"cost", "tokens", "response_time", "success_rate"};

const char *logs_metric_name(enum logs_metric metric)
{
    return metric_names[__builtin_ctz((unsigned)metric)];
}

static bool read_metrics(struct logs_query *q, harborai_str value)
{
    bool has_more = true;
    q->metrics = 0;
    while (has_more) {
        harborai_str name;
        size_t i = 0;
        has_more = slice_split(value, ',', &name, &value);
        while (i < ARRAY_LEN(metric_names) && !slice_is(slice_trim(name), metric_names[i]))
            i++;
        if (i == ARRAY_LEN(metric_names))
            return false;
        q->metrics |= 1u << i;
    }
    return true;
}

/* ---- The parameters ------------------------------------------------------------------------- */

#define BOTH (LOGS_QUERY | LOGS_STATS)
#define A_TIME "a time, as 2026-11-21 or 2026-11-21T11:03:05Z; a '+' before a zone is written %2B"

static const struct parameter parameters[] = {
    {"start_time", BOTH, A_TIME, read_start},
    {"end_time", BOTH, A_TIME, read_end},
    {"model", BOTH, "the name of a model", read_model},
    {"provider", BOTH, "the name of a provider", read_provider},
    {"trace_id", LOGS_QUERY, "an id", read_id},
    {"plugin", LOGS_QUERY, "the id of a plugin", read_plugin},
    {"client", LOGS_QUERY, "the name of a client", read_client},
    {"search", LOGS_QUERY, "a text", read_search},
    {"status", LOGS_QUERY,
     "success, error, cancelled, interrupted, failed, or a status of HTTP as 429 or 5xx",
     read_status},
    {"limit", LOGS_QUERY, "a number from 1 to 1000", read_limit},
    {"offset", LOGS_QUERY, "a number from 0 to 1000000000", read_offset},
    {"include_stats", LOGS_QUERY, "true or false", read_with_totals},
    {"min_tokens", LOGS_QUERY, "a whole number", read_least_tokens},
    {"max_tokens", LOGS_QUERY, "a whole number", read_most_tokens},
    {"min_cost", LOGS_QUERY, "an amount, as 0.05", read_least_cost},
    {"max_cost", LOGS_QUERY, "an amount, as 0.05", read_most_cost},
    {"min_duration", LOGS_QUERY, "a duration, as 500ms or 10s", read_least_duration},
    {"group_by", LOGS_STATS, "a list of at most three of model, provider, date and hour",
     read_groups},
    {"metrics", LOGS_STATS, "a list of cost, tokens, response_time and success_rate", read_metrics},
};
_Static_assert(ARRAY_LEN(parameters) <= 32, "`seen` has a bit for each");

PRINTF(3, 4)
static harborai_status refuse(harborai_error *error, harborai_str name, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    harborai_status st = error_set_list(error, HARBORAI_E_INVALID, format, arguments);
    va_end(arguments);
    if (error != NULL)
        snprintf(error->param, sizeof error->param, "%.*s", SLICE_ARG(slice_cut(name, 60)));
    return st;
}

static harborai_status refuse_name(harborai_error *error, enum logs_kind kind, harborai_str name)
{
    AUTO(buf) known = BUF_INIT(KIB(1));
    for (size_t i = 0; i < ARRAY_LEN(parameters); i++)
        if ((parameters[i].kinds & kind) != 0)
            buf_printf(&known, "%s%s", known.len > 0 ? ", " : ": there are ", parameters[i].name);
    return refuse(error, name, "there is no parameter '%.*s' here%.*s",
                  SLICE_ARG(slice_cut(name, 60)), SLICE_ARG(buf_slice(&known)));
}

/* Into `texts`, which has room for all. */
static bool take_value(struct logs_query *q, harborai_str raw, harborai_str *ret_value)
{
    size_t begin = q->texts.len;
    if (!percent_decode_form(raw, &q->texts))
        return false;
    *ret_value = slice_from(buf_slice(&q->texts), begin);
    return ret_value->len <= MOST_TEXT && json_is_utf8(*ret_value) &&
           memchr(ret_value->data, '\0', ret_value->len) == NULL;
}

static harborai_status read_one(struct logs_query *q, enum logs_kind kind, harborai_str pair,
                                uint32_t *seen, harborai_error *error)
{
    harborai_str name, raw, value;
    size_t i = 0;
    (void)slice_split(pair, '=', &name, &raw);
    while (i < ARRAY_LEN(parameters) &&
           ((parameters[i].kinds & kind) == 0 || !slice_is(name, parameters[i].name)))
        i++;
    if (i == ARRAY_LEN(parameters))
        return refuse_name(error, kind, name);
    if ((*seen >> i & 1) != 0)
        return refuse(error, name, "'%s' stands there twice", parameters[i].name);
    *seen |= UINT32_C(1) << i;
    if (!take_value(q, raw, &value))
        return refuse(error, name,
                      "the value of '%s' is not percent-encoded UTF-8, or longer than %d bytes",
                      parameters[i].name, MOST_TEXT);
    if (!parameters[i].read(q, value))
        return refuse(error, name, "%s: '%.*s' is not %s", parameters[i].name,
                      SLICE_ARG(slice_cut(value, 100)), parameters[i].wanted);
    return HARBORAI_OK;
}

static bool has_star(harborai_str text)
{
    return text.len > 0 && memchr(text.data, '*', text.len) != NULL;
}

static harborai_status check(const struct logs_query *q, enum logs_kind kind,
                             harborai_error *error)
{
    if (q->calls.until_ns > 0 && q->calls.since_ns >= q->calls.until_ns)
        return refuse(error, HARBORAI_STR("end_time"), "end_time is not behind start_time");
    if (kind == LOGS_STATS && (has_star(q->sums.model) || has_star(q->sums.provider)))
        return refuse(error, HARBORAI_STR("model"),
                      "sums are of one model or provider, or of all: '*' stands for nothing here");
    return HARBORAI_OK;
}

void logs_query_init(struct logs_query *query)
{
    *query = (struct logs_query){.metrics = LOGS_ALL_METRICS};
    query_init(&query->calls);
    query->calls.limit = LOGS_PAGE_USUAL;
}

void logs_query_release(struct logs_query *query)
{
    buf_release(&query->texts);
}

harborai_status logs_query_read(struct logs_query *query, enum logs_kind kind, harborai_str text,
                                harborai_error *error)
{
    harborai_status st = HARBORAI_OK;
    uint32_t seen = 0;
    buf_init(&query->texts, text.len + 1);
    if (buf_reserve(&query->texts, text.len + 1) == NULL) /* texts must not move */
        return buf_status(&query->texts, error);
    while (st == HARBORAI_OK && text.len > 0) {
        harborai_str pair;
        (void)slice_split(text, '&', &pair, &text);
        if (pair.len > 0)
            st = read_one(query, kind, pair, &seen, error);
    }
    return st == HARBORAI_OK ? check(query, kind, error) : st;
}
