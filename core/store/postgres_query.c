/* SPDX-License-Identifier: MIT */
/* Asks PostgreSQL for calls and their sums. Must never change anything there, nor put a text of a
 * stranger into SQL. */
#include "store/postgres_query.h"

#include <libpq-fe.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/limits.h"
#include "json_value.h"
#include "pricing/money.h"

__extension__ typedef __int128 wide;

/* ---- Asking --------------------------------------------------------------------------------- */

/* libpq wants texts with a NUL. */
struct values {
    struct buf texts;
    size_t at[QUERY_VALUES];
    const char *values[QUERY_VALUES];
};

static harborai_status fill_values(struct values *v, const struct query_sql *sql,
                                   harborai_error *error)
{
    buf_init(&v->texts, KIB(256));
    for (size_t i = 0; i < sql->count; i++) {
        v->at[i] = v->texts.len;
        if (sql->values[i].kind == QUERY_NUMBER)
            buf_printf(&v->texts, "%lld", (long long)sql->values[i].number);
        else
            buf_add(&v->texts, sql->values[i].text);
        buf_add_char(&v->texts, '\0');
    }
    for (size_t i = 0; i < sql->count; i++)
        v->values[i] = v->texts.data + v->at[i];
    return buf_status(&v->texts, error);
}

static harborai_status ask(struct postgres *pg, struct buf *text, const struct query_sql *sql,
                           PGresult **ret_result, harborai_error *error)
{
    struct values values;
    harborai_status st = fill_values(&values, sql, error);
    buf_add_char(text, '\0');
    if (st == HARBORAI_OK)
        st = buf_status(text, error);
    if (st == HARBORAI_OK)
        st = postgres_ask(pg, text->data, (int)sql->count, values.values, ret_result, error);
    buf_release(&values.texts);
    return st;
}

static harborai_str text_at(const PGresult *result, int row, int column)
{
    if (PQgetisnull(result, row, column))
        return SLICE_NONE;
    return (harborai_str){PQgetvalue(result, row, column),
                          (size_t)PQgetlength(result, row, column)};
}

static int64_t number_at(const PGresult *result, int row, int column, int64_t otherwise)
{
    harborai_str text = text_at(result, row, column);
    bool is_negative = text.len > 0 && text.data[0] == '-';
    uint64_t number;
    if (!slice_to_u64(slice_from(text, is_negative), &number) || number > INT64_MAX)
        return otherwise;
    return is_negative ? -(int64_t)number : (int64_t)number;
}

/* ---- A row as a call ------------------------------------------------------------------------ */

enum kind {
    TEXT,
    NUMBER, /* int64_t; NULL: -1 */
    COUNT,  /* unsigned; NULL: 0 */
    CODE,   /* int; NULL: 0 */
    BYTES,  /* uint64_t; NULL: 0 */
    FLAG,   /* bool */
    MICRO,  /* int64_t in ns, of us; NULL: 0 */
    NANO,   /* int64_t; NULL: -1 */
    MONEY,  /* int64_t in pico; NULL: -1 */
    OUTCOME,
    TOKENS
};

struct column {
    const char *expression;
    enum kind kind;
    size_t offset; /* in struct call */
};

#define COLUMN(expression, kind, member) {expression, kind, offsetof(struct call, member)}
#define US(time) "(extract(epoch FROM " time ") * 1000000)::bigint"

static const struct column columns[] = {
    COLUMN("l.record_key", TEXT, key),
    COLUMN("l.hb_trace_id", TEXT, id),
    COLUMN("l.request_id", TEXT, request_id),
    COLUMN("l.otel_trace_id", TEXT, trace_id),
    COLUMN("x.span_id", TEXT, span_id),
    COLUMN("x.parent_span_id", TEXT, parent_span_id),
    COLUMN("l.client", TEXT, client),
    COLUMN("l.tags", TEXT, tags),
    COLUMN("l.provider", TEXT, provider),
    COLUMN("l.plugin", TEXT, plugin),
    COLUMN("l.model", TEXT, model),
    COLUMN("l.upstream_model", TEXT, upstream_model),
    COLUMN("l.vendor_model", TEXT, vendor_model),
    COLUMN("l.vendor_request_id", TEXT, vendor_request_id),
    COLUMN("l.service_tier", TEXT, service_tier),
    COLUMN("l.is_stream", FLAG, is_stream),
    COLUMN("l.attempts", COUNT, attempts),
    COLUMN(US("l.\"timestamp\""), MICRO, begin_ns),
    COLUMN("(l.duration_ms * 1000000)::bigint", NANO, end_ns), /* a duration, at first */
    COLUMN("(p.first_token_latency_ms * 1000000)::bigint", NANO, ttft_ns),
    COLUMN(US("m.amended_at"), MICRO, amend_ns),
    COLUMN("l.status_code", CODE, status),
    COLUMN("l.vendor_status", CODE, vendor_status),
    COLUMN("l.outcome", OUTCOME, outcome),
    COLUMN("l.error_code", TEXT, error_code),
    COLUMN("l.error_message", TEXT, error_message),
    COLUMN("l.vendor_code", TEXT, vendor_code),
    COLUMN("l.finish_reason", TEXT, finish_reason),
    COLUMN("l.changed", TEXT, changed),
    COLUMN("t.tokens", TOKENS, tokens),
    COLUMN("t.is_estimated", FLAG, is_estimated),
    COLUMN("t.prompt_tokens", NUMBER, prompt_tokens),
    COLUMN("t.completion_tokens", NUMBER, completion_tokens),
    COLUMN("t.total_tokens", NUMBER, total_tokens),
    COLUMN("t.parsing_method", TEXT, parsing_method),
    COLUMN("t.parsing_error", TEXT, parsing_error),
    COLUMN("(t.confidence * 10)::int", CODE, confidence),
    COLUMN("t.raw_usage_data", TEXT, usage),
    COLUMN("m.total_cost", MONEY, cost_pico),
    COLUMN("m.input_cost", MONEY, cost_input_pico),
    COLUMN("m.output_cost", MONEY, cost_output_pico),
    COLUMN("m.currency", TEXT, currency),
    COLUMN("m.pricing_source", TEXT, price_source),
    COLUMN("m.pricing_details->>'price_date'", TEXT, price_date),
    COLUMN("m.pricing_details->>'reason'", TEXT, cost_reason),
    COLUMN("m.pricing_details->>'class'", TEXT, cost_class),
    COLUMN("l.request_data", TEXT, request),
    COLUMN("l.response_data", TEXT, response),
    COLUMN("l.bytes_in", BYTES, bytes_in),
    COLUMN("l.bytes_out", BYTES, bytes_out),
    COLUMN("l.vendor_bytes_in", BYTES, vendor_bytes_in),
    COLUMN("l.vendor_bytes_out", BYTES, vendor_bytes_out),
    COLUMN("l.stream_repairs", COUNT, stream_repairs),
};

static int64_t money_of(harborai_str text)
{
    int64_t pico;
    return text.len > 0 && call_money_read(text, &pico) ? pico : -1;
}

static void read_value(const PGresult *result, int row, int place, struct call *call)
{
    const struct column *column = &columns[place];
    void *field = (char *)call + column->offset;
    harborai_str text = text_at(result, row, place);
    switch (column->kind) {
    case TEXT:
        *(harborai_str *)field = text;
        return;
    case NUMBER:
    case NANO:
        *(int64_t *)field = number_at(result, row, place, -1);
        return;
    case COUNT:
        *(unsigned *)field = (unsigned)number_at(result, row, place, 0);
        return;
    case CODE:
        *(int *)field = (int)number_at(result, row, place, 0);
        return;
    case BYTES:
        *(uint64_t *)field = (uint64_t)number_at(result, row, place, 0);
        return;
    case FLAG:
        *(bool *)field = slice_is(text, "t");
        return;
    case MICRO:
        *(int64_t *)field = number_at(result, row, place, 0) * 1000;
        return;
    case MONEY:
        *(int64_t *)field = money_of(text);
        return;
    case OUTCOME:
        if (!call_outcome_read(text, field))
            *(enum call_outcome *)field = CALL_ERROR;
        return;
    case TOKENS:
        call_tokens_read(text, call);
        return;
    }
}

static void read_call(const PGresult *result, int row, struct call *ret_call)
{
    *ret_call = (struct call){.begin_ns = 0};
    for (int i = 0; i < (int)ARRAY_LEN(columns); i++)
        read_value(result, row, i, ret_call);
    ret_call->end_ns = ret_call->end_ns >= 0 ? ret_call->begin_ns + ret_call->end_ns : 0;
    ret_call->is_cost_known = ret_call->cost_pico >= 0;
    if (!ret_call->is_cost_known)
        ret_call->cost_pico = 0;
}

#define FEW 5000 /* calls that are in memory at once */

/* ---- Calls ---------------------------------------------------------------------------------- */

/* Between which begins all calls are that are asked for; 0 is open. Each table is told, as a constant:
 * to plan for the days of a season takes longer than to look into those of the answer. */
struct span {
    int64_t from_us, to_us; /* both are in it */
};

static struct span span_of(const struct log_query *q)
{
    return (struct span){.from_us = q->since_ns / NS_PER_US,
                         .to_us = q->until_ns > 0 ? (q->until_ns - 1) / NS_PER_US : 0};
}

static void add_span(const char *table, const struct span *span, struct buf *out)
{
    if (span->from_us > 0)
        buf_printf(out, " AND %s.\"timestamp\" >= to_timestamp(%lld / 1e6::float8)", table,
                   (long long)span->from_us);
    if (span->to_us > 0)
        buf_printf(out, " AND %s.\"timestamp\" <= to_timestamp(%lld / 1e6::float8)", table,
                   (long long)span->to_us);
}

/* A table that has something about some calls, under this name. */
static void add_join(const char *table, const char *name, const struct span *span, struct buf *out)
{
    buf_printf(out, " LEFT JOIN %s %s ON %s.log_id = l.id AND %s.\"timestamp\" = l.\"timestamp\"",
               table, name, name, name);
    add_span(name, span, out);
}

static void add_usage_and_cost(const struct span *span, struct buf *out)
{
    add_join("token_usage", "t", span, out);
    add_join("cost_info", "m", span, out);
}

static void add_tables(const struct log_query *q, struct buf *out)
{
    struct span span = span_of(q);
    bool needs_more = q->least_tokens >= 0 || q->most_tokens >= 0 || q->least_cost_pico >= 0 ||
                      q->most_cost_pico >= 0;
    buf_add(out, HARBORAI_STR(" FROM api_logs l"));
    if (needs_more)
        add_usage_and_cost(&span, out);
}

static void add_columns(struct buf *out)
{
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        buf_printf(out, "%s%s", i > 0 ? ", " : "SELECT ", columns[i].expression);
}

/* What else is known of the calls of `l`, the newest first. */
static void add_rest(const struct span *span, struct buf *out)
{
    add_usage_and_cost(span, out);
    add_join("tracing_info", "x", span, out);
    add_join("performance_metrics", "p", span, out);
    buf_add(out, HARBORAI_STR(" ORDER BY l.\"timestamp\" DESC, l.record_key DESC"));
}

/* All in one: which calls, and what else is known of these. */
static void write_find(const struct log_query *query, const struct query_sql *sql, struct buf *out)
{
    struct span span = span_of(query);
    buf_add(out, HARBORAI_STR("DECLARE harborai_calls NO SCROLL CURSOR FOR "));
    add_columns(out);
    buf_add(out, HARBORAI_STR(" FROM (SELECT l.*"));
    add_tables(query, out);
    buf_add(out, buf_slice(&sql->text));
    buf_add(out, HARBORAI_STR(") l"));
    add_rest(&span, out);
}

/* False: no more are wanted. */
static bool give_calls(const PGresult *result, query_call_fn *on_call, void *context)
{
    struct call call;
    for (int row = 0; row < PQntuples(result); row++) {
        read_call(result, row, &call);
        if (!on_call(context, &call))
            return false;
    }
    return true;
}

/* Many of them: a few at a time, in one transaction, which whoever reads slowly keeps open. */
static harborai_status fetch_calls(struct postgres *pg, query_call_fn *on_call, void *context,
                                   harborai_error *error)
{
    PGresult *result;
    bool goes_on = true;
    harborai_status st = HARBORAI_OK;
    while (st == HARBORAI_OK && goes_on &&
           (st = postgres_ask(pg, "FETCH 500 FROM harborai_calls", 0, NULL, &result, error)) ==
               HARBORAI_OK) {
        goes_on = PQntuples(result) > 0 && give_calls(result, on_call, context);
        PQclear(result);
    }
    return st;
}

static harborai_status find_many(struct postgres *pg, const struct log_query *query,
                                 const struct query_sql *sql, query_call_fn *on_call, void *context,
                                 harborai_error *error)
{
    AUTO(buf) text = BUF_INIT(KIB(64));
    PGresult *result;
    write_find(query, sql, &text);
    harborai_status st = postgres_run(
        pg,
        "BEGIN READ ONLY; SET LOCAL idle_in_transaction_session_timeout = 0;"
        " SET LOCAL cursor_tuple_fraction = 1;"
        /* Of the calls of a day few are asked for, and disks have no heads by now: at the default of
         * 4 whole tables would be read for them. */
        " SET LOCAL random_page_cost = 1.1",
        error);
    if (st == HARBORAI_OK)
        st = ask(pg, &text, sql, &result, error);
    if (st == HARBORAI_OK) {
        PQclear(result);
        st = fetch_calls(pg, on_call, context, error);
    }
    harborai_status ended = postgres_run(pg, "ROLLBACK", st == HARBORAI_OK ? error : NULL);
    return st < 0 ? st : ended;
}

/* The keys of a few calls and their begins, as arrays; the newest first. */
static harborai_status write_keys(const PGresult *found, struct buf *keys, struct buf *begins,
                                  harborai_error *error)
{
    for (int row = 0; row < PQntuples(found); row++) {
        buf_printf(keys, "%c%s", row == 0 ? '{' : ',', PQgetvalue(found, row, 0));
        buf_printf(begins, "%c%s", row == 0 ? '{' : ',', PQgetvalue(found, row, 1));
    }
    buf_add(keys, (harborai_str){"}", 2}); /* with its NUL */
    buf_add(begins, (harborai_str){"}", 2});
    harborai_status st = buf_status(keys, error);
    return st < 0 ? st : buf_status(begins, error);
}

/* Now it is known of which days they are. */
static harborai_status give_found(struct postgres *pg, const PGresult *found,
                                  query_call_fn *on_call, void *context, harborai_error *error)
{
    AUTO(buf) keys = BUF_INIT(KIB(256)), begins = BUF_INIT(KIB(256)), text = BUF_INIT(KIB(16));
    struct span span = {.from_us = number_at(found, PQntuples(found) - 1, 1, 0),
                        .to_us = number_at(found, 0, 1, 0)};
    PGresult *result;
    harborai_status st = write_keys(found, &keys, &begins, error);
    add_columns(&text);
    buf_add(&text, HARBORAI_STR(" FROM unnest($1::uuid[], $2::bigint[]) AS given(key, us)"
                                " JOIN api_logs l ON l.id = given.key AND l.\"timestamp\" ="
                                " to_timestamp(given.us / 1e6::float8)"));
    add_span("l", &span, &text);
    add_rest(&span, &text);
    buf_add_char(&text, '\0');
    if (st == HARBORAI_OK)
        st = buf_status(&text, error);
    const char *const values[] = {keys.data, begins.data};
    if (st == HARBORAI_OK)
        st = postgres_ask(pg, text.data, ARRAY_LEN(values), values, &result, error);
    if (st < 0)
        return st;
    (void)give_calls(result, on_call, context);
    PQclear(result);
    return HARBORAI_OK;
}

/* First which calls they are, from api_logs alone as a rule; then what is known of these. */
static harborai_status find_few(struct postgres *pg, const struct log_query *query,
                                const struct query_sql *sql, query_call_fn *on_call, void *context,
                                harborai_error *error)
{
    AUTO(buf) text = BUF_INIT(KIB(64));
    PGresult *found;
    buf_add(&text, HARBORAI_STR("SELECT l.id, " US("l.\"timestamp\"")));
    add_tables(query, &text);
    buf_add(&text, buf_slice(&sql->text));
    harborai_status st = ask(pg, &text, sql, &found, error);
    if (st < 0)
        return st;
    if (PQntuples(found) > 0)
        st = give_found(pg, found, on_call, context, error);
    PQclear(found);
    return st;
}

harborai_status postgres_find(struct postgres *pg, const struct log_query *query,
                              query_call_fn *on_call, void *context, harborai_error *error)
{
    AUTO(query_sql) sql;
    query_sql_init(&sql);
    harborai_status st = query_where(query, QUERY_POSTGRES, &sql, error);
    if (st < 0)
        return st;
    return query->limit > 0 && query->limit <= FEW
               ? find_few(pg, query, &sql, on_call, context, error)
               : find_many(pg, query, &sql, on_call, context, error);
}

harborai_status postgres_count(struct postgres *pg, const struct log_query *query,
                               uint64_t *ret_count, harborai_error *error)
{
    AUTO(query_sql) sql;
    AUTO(buf) text = BUF_INIT(KIB(64));
    PGresult *result;
    query_sql_init(&sql);
    harborai_status st = query_conditions(query, QUERY_POSTGRES, &sql, error);
    if (st < 0)
        return st;
    buf_add(&text, HARBORAI_STR("SELECT count(*)"));
    add_tables(query, &text);
    buf_add(&text, buf_slice(&sql.text));
    st = ask(pg, &text, &sql, &result, error);
    if (st < 0)
        return st;
    *ret_count = (uint64_t)number_at(result, 0, 0, 0);
    PQclear(result);
    return HARBORAI_OK;
}

/* ---- Sums ----------------------------------------------------------------------------------- */

/* A sum may be more than what one call's cost fits into. */
static wide money_sum(harborai_str text)
{
    harborai_str head, tail;
    uint64_t units = 0, digits = 0, scale = MONEY_PICO;
    (void)slice_split(text, '.', &head, &tail);
    (void)slice_to_u64(head, &units);
    tail = slice_cut(tail, 12);
    if (tail.len > 0 && slice_to_u64(tail, &digits))
        for (size_t i = 0; i < tail.len; i++)
            scale /= 10;
    return (wide)units * MONEY_PICO + (tail.len > 0 ? (wide)digits * (wide)scale : 0);
}

/* The columns from `from` on: outcome, currency, calls, priced, tokens of three kinds, cost, calls with
 * a duration, durations in us. */
static harborai_status add_cell(const PGresult *result, int row, int from,
                                const struct stats_names *names, struct stats *stats,
                                harborai_error *error)
{
    enum call_outcome outcome = CALL_ERROR;
    struct stats_cell cell = {.calls = number_at(result, row, from + 2, 0),
                              .currency = text_at(result, row, from + 1),
                              .priced = number_at(result, row, from + 3, 0),
                              .prompt_tokens = number_at(result, row, from + 4, 0),
                              .completion_tokens = number_at(result, row, from + 5, 0),
                              .total_tokens = number_at(result, row, from + 6, 0),
                              .cost_pico = money_sum(text_at(result, row, from + 7)),
                              .timed = number_at(result, row, from + 8, 0),
                              .duration_us = number_at(result, row, from + 9, 0)};
    (void)call_outcome_read(text_at(result, row, from), &outcome);
    if (outcome == CALL_ERROR)
        cell.failed = cell.calls;
    else if (outcome == CALL_CANCELLED)
        cell.cancelled = cell.calls;
    else if (outcome == CALL_INTERRUPTED)
        cell.interrupted = cell.calls;
    return stats_add(stats, names, &cell, error);
}

harborai_status postgres_totals(struct postgres *pg, const struct log_query *query,
                                struct stats *stats, harborai_error *error)
{
    AUTO(query_sql) sql;
    AUTO(buf) text = BUF_INIT(KIB(64));
    struct span span = span_of(query);
    PGresult *result;
    query_sql_init(&sql);
    harborai_status st = query_conditions(query, QUERY_POSTGRES, &sql, error);
    if (st < 0)
        return st;
    buf_add(&text,
            HARBORAI_STR("SELECT l.model, l.outcome, m.currency, count(*), count(m.total_cost),"
                         " coalesce(sum(t.prompt_tokens), 0), coalesce(sum(t.completion_tokens), 0),"
                         " coalesce(sum(t.total_tokens), 0), coalesce(sum(m.total_cost), 0),"
                         " count(l.duration_ms) FILTER (WHERE l.outcome <> 'interrupted'),"
                         " coalesce(sum(l.duration_ms * 1000)"
                         " FILTER (WHERE l.outcome <> 'interrupted'), 0)::bigint"
                         " FROM api_logs l"));
    add_usage_and_cost(&span, &text);
    buf_add(&text, buf_slice(&sql.text));
    buf_add(&text, HARBORAI_STR(" GROUP BY 1, 2, 3"));
    st = ask(pg, &text, &sql, &result, error);
    if (st < 0)
        return st;
    for (int row = 0; st == HARBORAI_OK && row < PQntuples(result); row++) {
        struct stats_names names = {.names = {text_at(result, row, 0)}, .count = 1};
        st = add_cell(result, row, 1, &names, stats, error);
    }
    PQclear(result);
    return st;
}

/* ---- Sums of many days ---------------------------------------------------------------------- */

static const char *const hour_columns[STATS_BY_COUNT] = {
    [STATS_BY_MODEL] = "model",
    [STATS_BY_PROVIDER] = "provider",
    [STATS_BY_DAY] = "to_char(hour AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
    [STATS_BY_HOUR] = "to_char(hour AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24')"};

static void add_keys(const struct stats_query *q, struct buf *out)
{
    buf_printf(out, "SELECT %s", hour_columns[q->by]);
    for (unsigned i = 0; i < q->also_count; i++)
        buf_printf(out, ", %s", hour_columns[q->also[i]]);
}

static void add_condition(struct query_sql *sql, const char *text, struct query_value value)
{
    sql->values[sql->count++] = value;
    buf_printf(&sql->text, "%s%s$%zu", sql->count == 1 ? " WHERE " : " AND ", text, sql->count);
}

#define HOUR_OF "to_timestamp(3600::float8 * " /* immutable: not worked out for each row */

/* Both tables have these. */
static void add_conditions(const struct stats_query *q, bool is_by_day, struct query_sql *sql)
{
    int64_t unit_ns = stats_unit_ns(q);
    struct query_value since = {.kind = QUERY_NUMBER, .number = q->since_ns / unit_ns},
                       until = {.kind = QUERY_NUMBER,
                                .number = (q->until_ns + unit_ns - 1) / unit_ns};
    add_condition(sql, is_by_day ? "day >= date '1970-01-01' + (" : "hour >= " HOUR_OF, since);
    buf_add(&sql->text, is_by_day ? HARBORAI_STR("::int)") : HARBORAI_STR("::bigint)"));
    if (q->until_ns > 0) {
        add_condition(sql, is_by_day ? "day < date '1970-01-01' + (" : "hour < " HOUR_OF, until);
        buf_add(&sql->text, is_by_day ? HARBORAI_STR("::int)") : HARBORAI_STR("::bigint)"));
    }
    if (q->provider.len > 0)
        add_condition(sql, "provider = ", (struct query_value){.text = q->provider});
    if (q->model.len > 0)
        add_condition(sql, "model = ", (struct query_value){.text = q->model});
}

static void add_groups(unsigned count, struct buf *out)
{
    buf_add(out, HARBORAI_STR(" GROUP BY 1"));
    for (unsigned i = 2; i <= count; i++)
        buf_printf(out, ", %u", i);
    buf_add(out, HARBORAI_STR(" ORDER BY 1"));
    for (unsigned i = 2; i <= count; i++)
        buf_printf(out, ", %u", i);
}

static void read_names(const PGresult *result, int row, unsigned count, struct stats_names *ret)
{
    *ret = (struct stats_names){.count = count};
    for (unsigned i = 0; i < count; i++)
        ret->names[i] = text_at(result, row, (int)i);
}

static harborai_status add_hours(struct postgres *pg, const struct stats_query *q,
                                 const struct query_sql *sql, struct stats *stats,
                                 harborai_error *error)
{
    AUTO(buf) text = BUF_INIT(KIB(16));
    unsigned keys = 1 + q->also_count;
    struct stats_names names;
    PGresult *result;
    add_keys(q, &text);
    buf_add(&text,
            HARBORAI_STR(", outcome, currency, sum(calls)::bigint, sum(priced)::bigint,"
                         " sum(prompt_tokens), sum(completion_tokens), sum(total_tokens),"
                         " sum(total_cost), (sum(calls) FILTER (WHERE outcome <> 'interrupted'))"
                         "::bigint, (sum(duration_ms) FILTER (WHERE outcome <> 'interrupted')"
                         " * 1000)::bigint FROM call_hours"));
    buf_add(&text, buf_slice(&sql->text));
    add_groups(keys + 2, &text);
    harborai_status st = ask(pg, &text, sql, &result, error);
    if (st < 0)
        return st;
    for (int row = 0; st == HARBORAI_OK && row < PQntuples(result); row++) {
        read_names(result, row, keys, &names);
        if (number_at(result, row, (int)keys + 2, 0) > 0)
            st = add_cell(result, row, (int)keys, &names, stats, error);
    }
    PQclear(result);
    return st;
}

static harborai_status add_latencies(struct postgres *pg, const struct stats_query *q,
                                     const struct query_sql *sql, struct stats *stats,
                                     harborai_error *error)
{
    AUTO(buf) text = BUF_INIT(KIB(16));
    unsigned keys = 1 + q->also_count;
    struct stats_names names;
    PGresult *result;
    add_keys(q, &text);
    buf_add(&text, HARBORAI_STR(", bucket, sum(calls)::bigint FROM call_latencies"));
    buf_add(&text, buf_slice(&sql->text));
    add_groups(keys + 1, &text);
    harborai_status st = ask(pg, &text, sql, &result, error);
    if (st < 0)
        return st;
    for (int row = 0; st == HARBORAI_OK && row < PQntuples(result); row++) {
        int64_t calls = number_at(result, row, (int)keys + 1, 0);
        read_names(result, row, keys, &names);
        if (calls > 0)
            st = stats_add_latency(stats, &names,
                                   (unsigned)number_at(result, row, (int)keys, 0),
                                   (uint64_t)calls, error);
    }
    PQclear(result);
    return st;
}

/* The same columns, but for what is not known of clients: outcomes and durations. */
static harborai_status add_clients(struct postgres *pg, const struct query_sql *sql,
                                   struct stats *stats, harborai_error *error)
{
    AUTO(buf) text = BUF_INIT(KIB(16));
    PGresult *result;
    buf_add(&text, HARBORAI_STR("SELECT client, 'ok', currency, sum(calls)::bigint,"
                                " sum(priced)::bigint, sum(prompt_tokens), sum(completion_tokens),"
                                " sum(total_tokens), sum(total_cost), 0, 0, sum(failed)::bigint"
                                " FROM client_days"));
    buf_add(&text, buf_slice(&sql->text));
    add_groups(3, &text);
    harborai_status st = ask(pg, &text, sql, &result, error);
    if (st < 0)
        return st;
    for (int row = 0; st == HARBORAI_OK && row < PQntuples(result); row++) {
        struct stats_names names = {.names = {text_at(result, row, 0)}, .count = 1};
        const struct stats_cell failed = {.failed = number_at(result, row, 11, 0)};
        st = add_cell(result, row, 1, &names, stats, error);
        if (st == HARBORAI_OK)
            st = stats_add(stats, &names, &failed, error);
    }
    PQclear(result);
    return st;
}

static bool has_sums(const struct stats_query *q)
{
    bool is_good = q->by == STATS_BY_CLIENT || hour_columns[q->by] != NULL;
    for (unsigned i = 0; i < q->also_count; i++)
        is_good = is_good && hour_columns[q->also[i]] != NULL;
    return is_good;
}

harborai_status postgres_stats(struct postgres *pg, const struct stats_query *query,
                               struct stats *ret_stats, harborai_error *error)
{
    AUTO(query_sql) sql;
    struct stats stats = {.rows = NULL};
    bool is_by_day = query->by == STATS_BY_CLIENT;
    query_sql_init(&sql);
    if (!has_sums(query))
        return harborai_error_set(error, HARBORAI_E_UNSUPPORTED,
                                  "PostgreSQL has no sums by plugin");
    add_conditions(query, is_by_day, &sql);
    harborai_status st = buf_status(&sql.text, error);
    if (st == HARBORAI_OK && is_by_day)
        st = add_clients(pg, &sql, &stats, error);
    else if (st == HARBORAI_OK)
        st = add_hours(pg, query, &sql, &stats, error);
    if (st == HARBORAI_OK && !is_by_day)
        st = add_latencies(pg, query, &sql, &stats, error);
    if (st < 0) {
        stats_release(&stats);
        return st;
    }
    stats_sort(&stats, query->by);
    *ret_stats = stats;
    return HARBORAI_OK;
}
