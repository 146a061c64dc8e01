/* SPDX-License-Identifier: MIT */
/* Writes calls and sums in the shapes of the logs' API. */
#include "server/logs_json.h"

#include "base/clock.h"
#include "base/limits.h"
#include "pricing/money.h"
#include "server/cost_json.h"

__extension__ typedef __int128 wide;

/* ---- Values --------------------------------------------------------------------------------- */

static void key(struct json_writer *w, const char *name)
{
    json_write_key(w, slice_of(name));
}

static void number_or_null(struct json_writer *w, const char *name, int64_t number)
{
    json_write_key_scaled_or_null(w, name, number, 0);
}

static void time_or_null(struct json_writer *w, const char *name, int64_t at_ns)
{
    char text[25];
    if (at_ns > 0)
        clock_format_utc(at_ns, text);
    json_write_key_text_or_null(w, name, at_ns > 0 ? slice_of(text) : SLICE_NONE);
}

/* A sum may be more than what one call's cost fits into. */
static void money(struct json_writer *w, wide pico)
{
    AUTO(buf) amount = BUF_INIT(64), decimals = BUF_INIT(64);
    buf_add_u64(&amount, (uint64_t)(pico / MONEY_PICO));
    json_write_decimal(&decimals, (int64_t)(pico % MONEY_PICO), 12);
    buf_add(&amount, slice_from(buf_slice(&decimals), 1)); /* behind its 0 */
    json_write_raw(w, buf_slice(&amount));
}

/* ---- A call --------------------------------------------------------------------------------- */

/* As the seeds of this API call a good end. */
static harborai_str status_of(const struct call *call)
{
    return call->outcome == CALL_OK ? HARBORAI_STR("success")
                                    : slice_of(call_outcome_name(call->outcome));
}

static void write_cost(struct json_writer *w, const struct call *c)
{
    const struct cost_json cost = {.is_known = c->is_cost_known,
                                   .input_pico = c->cost_input_pico,
                                   .output_pico = c->cost_output_pico,
                                   .total_pico = c->cost_pico,
                                   .currency = c->currency,
                                   .source = c->price_source,
                                   .date = c->price_date,
                                   .reason = c->cost_reason};
    key(w, "cost");
    cost_json_write(w, &cost);
}

/* In thousandths; -1: not known. */
static int64_t tokens_per_second(const struct call *c, int64_t duration_ns)
{
    int64_t writing_ns = duration_ns - (c->ttft_ns > 0 ? c->ttft_ns : 0);
    if (c->completion_tokens < 0 || writing_ns <= 0)
        return -1;
    return (int64_t)((double)c->completion_tokens * 1e12 / (double)writing_ns);
}

static void write_performance(struct json_writer *w, const struct call *c)
{
    bool is_timed = c->outcome != CALL_INTERRUPTED && c->end_ns >= c->begin_ns;
    int64_t duration_ns = is_timed ? c->end_ns - c->begin_ns : -1;
    key(w, "performance");
    json_write_object(w);
    json_write_key_scaled_or_null(w, "response_time", duration_ns, 9);
    json_write_key_scaled_or_null(w, "first_token_time", c->ttft_ns, 9);
    json_write_key_scaled_or_null(w, "tokens_per_second", tokens_per_second(c, duration_ns), 3);
    json_write_end(w);
}

static void write_error(struct json_writer *w, const struct call *c)
{
    key(w, "error");
    if (c->error_code.len + c->error_message.len == 0) {
        json_write_null(w);
        return;
    }
    json_write_object(w);
    json_write_key_text_or_null(w, "code", c->error_code);
    json_write_key_text_or_null(w, "message", c->error_message);
    json_write_key_text_or_null(w, "vendor_code", c->vendor_code);
    json_write_end(w);
}

static void write_names(struct json_writer *w, const struct call *c)
{
    json_write_key_string(w, "id", c->key);
    json_write_key_text_or_null(w, "hb_trace_id", c->id);
    json_write_key_text_or_null(w, "otel_trace_id", c->trace_id);
    json_write_key_text_or_null(w, "span_id", c->span_id);
    json_write_key_text_or_null(w, "request_id", c->request_id);
    time_or_null(w, "timestamp", c->begin_ns);
    json_write_key_text_or_null(w, "model", c->model);
    json_write_key_text_or_null(w, "provider", c->provider);
    json_write_key_text_or_null(w, "plugin", c->plugin);
    json_write_key_text_or_null(w, "upstream_model", c->upstream_model);
    json_write_key_text_or_null(w, "client", c->client);
}

static void raw_or_null(struct json_writer *w, const char *name, harborai_str json)
{
    key(w, name);
    if (json.len > 0)
        json_write_raw(w, json);
    else
        json_write_null(w);
}

void logs_json_call(struct json_writer *w, const struct call *call)
{
    write_names(w, call);
    json_write_key_string(w, "status", status_of(call));
    number_or_null(w, "status_code", call->status > 0 ? call->status : -1);
    key(w, "stream");
    json_write_bool(w, call->is_stream);
    json_write_key_int64(w, "attempts", call->attempts);
    number_or_null(w, "input_tokens", call->prompt_tokens);
    number_or_null(w, "output_tokens", call->completion_tokens);
    number_or_null(w, "total_tokens", call->total_tokens);
    json_write_key_text_or_null(w, "finish_reason", call->finish_reason);
    write_cost(w, call);
    write_performance(w, call);
    write_error(w, call);
    raw_or_null(w, "tags", call->tags);
    raw_or_null(w, "request_data", call->request);
    raw_or_null(w, "response_data", call->response);
}

void logs_json_source(struct json_writer *w, const struct call_answer *answer)
{
    json_write_key_string(w, "source", slice_of(call_source_name(answer->source)));
    if (answer->is_postgres_away && answer->is_index_away)
        json_write_key_string(w, "note", HARBORAI_STR("PostgreSQL and the index are away or have not "
                                                      "caught up: the journal was read"));
    else if (answer->is_postgres_away)
        json_write_key_string(w, "note", HARBORAI_STR("PostgreSQL is away or has not caught up: this "
                                                      "is from what this machine has"));
    else if (answer->is_index_away)
        json_write_key_string(w, "note",
                              HARBORAI_STR("the index is not there or has not caught up: the journal was read"));
}

/* ---- Sums ----------------------------------------------------------------------------------- */

/* null where there is no one number: nothing is priced, or in several currencies. */
static void write_total_cost(struct json_writer *w, const struct stats_row *row)
{
    key(w, "total_cost");
    if (row->currencies == 1)
        money(w, row->money[0].pico);
    else if (row->calls == 0)
        json_write_int64(w, 0);
    else
        json_write_null(w);
    json_write_key_text_or_null(w, "currency",
                 row->currencies == 1 ? slice_of(row->money[0].currency) : SLICE_NONE);
    key(w, "costs");
    json_write_object(w);
    for (size_t i = 0; i < row->currencies; i++) {
        key(w, row->money[i].currency);
        money(w, row->money[i].pico);
    }
    json_write_end(w);
}

static void write_tokens(struct json_writer *w, const struct stats_row *row)
{
    json_write_object(w);
    json_write_key_int64(w, "total_input_tokens", row->prompt_tokens);
    json_write_key_int64(w, "total_output_tokens", row->completion_tokens);
    json_write_key_int64(w, "total_tokens", row->total_tokens);
    json_write_end(w);
}

/* In hundredths of a percent; -1: of no calls. */
static int64_t success_rate(const struct stats_row *row)
{
    int64_t good = row->calls - row->failed - row->cancelled - row->interrupted;
    return row->calls > 0 ? (int64_t)((wide)good * 10000 / row->calls) : -1;
}

static void write_models(struct json_writer *w, const struct stats *stats)
{
    key(w, "model_distribution");
    json_write_object(w);
    for (size_t i = 0; i < stats->count; i++)
        json_write_key_int64(w, stats->rows[i].name, stats->rows[i].calls);
    json_write_end(w);
}

harborai_status logs_json_stats(struct json_writer *w, const struct call_answer *answer,
                                harborai_error *error)
{
    static const struct stats_row nothing = {.name = NULL};
    struct stats total = {.rows = NULL};
    harborai_status st = stats_total(&answer->totals, &total, error);
    if (st < 0)
        return st;
    const struct stats_row *row = total.count > 0 ? &total.rows[0] : &nothing;
    key(w, "stats");
    json_write_object(w);
    json_write_key_int64(w, "total_logs", row->calls);
    write_total_cost(w, row);
    json_write_key_scaled_or_null(w, "avg_response_time", stats_mean_ns(row), 9);
    json_write_key_scaled_or_null(w, "success_rate", success_rate(row), 2);
    key(w, "token_usage");
    write_tokens(w, row);
    write_models(w, &answer->totals);
    json_write_end(w);
    stats_release(&total);
    return HARBORAI_OK;
}

void logs_json_pagination(struct json_writer *w, const struct log_query *query,
                          const struct call_answer *answer, bool has_more)
{
    uint64_t limit = query->limit;
    int64_t items = answer->is_count_known ? (int64_t)answer->count : -1;
    key(w, "pagination");
    json_write_object(w);
    json_write_key_int64(w, "current_page", (int64_t)(query->offset / limit) + 1);
    number_or_null(w, "total_pages",
                   items >= 0 ? (int64_t)(((uint64_t)items + limit - 1) / limit) : -1);
    number_or_null(w, "total_items", items);
    key(w, "has_next");
    json_write_bool(w, has_more);
    key(w, "has_prev");
    json_write_bool(w, query->offset > 0);
    json_write_end(w);
}

/* ---- Sums by model, day … ------------------------------------------------------------------- */

static void write_times(struct json_writer *w, const struct stats_row *row)
{
    bool has_parts = row->latency != NULL && row->latency->total > 0;
    json_write_object(w);
    json_write_key_scaled_or_null(w, "avg", stats_mean_ns(row), 9);
    json_write_key_scaled_or_null(w, "p50", has_parts ? histogram_percentile(row->latency, 0.50) : -1, 9);
    json_write_key_scaled_or_null(w, "p95", has_parts ? histogram_percentile(row->latency, 0.95) : -1, 9);
    json_write_key_scaled_or_null(w, "p99", has_parts ? histogram_percentile(row->latency, 0.99) : -1, 9);
    json_write_end(w);
}

static void write_metrics(struct json_writer *w, unsigned metrics, const struct stats_row *row)
{
    json_write_key_int64(w, "total_logs", row->calls);
    if ((metrics & LOGS_COST) != 0) {
        key(w, "cost");
        json_write_object(w);
        write_total_cost(w, row);
        json_write_end(w);
    }
    if ((metrics & LOGS_TOKENS) != 0) {
        key(w, "tokens");
        write_tokens(w, row);
    }
    if ((metrics & LOGS_RESPONSE_TIME) != 0) {
        key(w, "response_time");
        write_times(w, row);
    }
    if ((metrics & LOGS_SUCCESS_RATE) != 0)
        json_write_key_scaled_or_null(w, "success_rate", success_rate(row), 2);
}

static void write_row(struct json_writer *w, const struct logs_query *query,
                      const struct stats_row *row)
{
    json_write_object(w);
    json_write_key_string(w, logs_group_name(query->sums.by), slice_of(row->name));
    for (unsigned i = 0; i < query->sums.also_count; i++)
        json_write_key_string(w, logs_group_name(query->sums.also[i]), slice_of(row->also[i]));
    write_metrics(w, query->metrics, row);
    json_write_end(w);
}

/* Hours that are touched count whole: so the range says. */
static void write_range(struct json_writer *w, const struct stats_query *q)
{
    int64_t unit_ns = stats_unit_ns(q);
    key(w, "time_range");
    json_write_object(w);
    time_or_null(w, "start", q->since_ns / unit_ns * unit_ns);
    time_or_null(w, "end", (q->until_ns + unit_ns - 1) / unit_ns * unit_ns);
    json_write_end(w);
}

static void write_asked(struct json_writer *w, const struct logs_query *query)
{
    key(w, "group_by");
    json_write_array(w);
    json_write_string(w, slice_of(logs_group_name(query->sums.by)));
    for (unsigned i = 0; i < query->sums.also_count; i++)
        json_write_string(w, slice_of(logs_group_name(query->sums.also[i])));
    json_write_end(w);
    key(w, "metrics");
    json_write_array(w);
    for (unsigned m = 1; m < LOGS_ALL_METRICS; m <<= 1)
        if ((query->metrics & m) != 0)
            json_write_string(w, slice_of(logs_metric_name((enum logs_metric)m)));
    json_write_end(w);
}

harborai_status logs_json_sums(struct json_writer *w, const struct logs_query *query,
                               const struct stats *sums, harborai_error *error)
{
    static const struct stats_row nothing = {.name = NULL};
    struct stats total = {.rows = NULL};
    harborai_status st = stats_total(sums, &total, error);
    if (st < 0)
        return st;
    write_range(w, &query->sums);
    write_asked(w, query);
    key(w, "data");
    json_write_array(w);
    for (size_t i = 0; i < sums->count; i++)
        write_row(w, query, &sums->rows[i]);
    json_write_end(w);
    key(w, "total");
    json_write_object(w);
    write_metrics(w, query->metrics, total.count > 0 ? &total.rows[0] : &nothing);
    json_write_end(w);
    stats_release(&total);
    return HARBORAI_OK;
}
