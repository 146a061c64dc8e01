/* SPDX-License-Identifier: MIT */
/* Questions to the index. Must never change it. */
#include "base/limits.h"
#include "store/index_parts.h"

static void bind_value(sqlite3_stmt *s, int place, const struct query_value *value)
{
    static const enum index_pack packs[] = {[QUERY_UUID] = INDEX_PACK_UUID,
                                            [QUERY_TRACE] = INDEX_PACK_TRACE,
                                            [QUERY_REQUEST] = INDEX_PACK_REQUEST};
    unsigned char bytes[16];
    size_t len;
    if (value->kind == QUERY_NUMBER)
        sqlite3_bind_int64(s, place, value->number);
    else if (value->kind != QUERY_TEXT && index_pack(packs[value->kind], value->text, bytes, &len))
        sqlite3_bind_blob64(s, place, bytes, len, SQLITE_TRANSIENT);
    else
        sqlite3_bind_text64(s, place, value->text.len > 0 ? value->text.data : "",
                            value->text.len, SQLITE_TRANSIENT, SQLITE_UTF8);
}

static harborai_status prepare(struct index *index, const struct buf *text,
                               const struct query_sql *sql, sqlite3_stmt **ret_statement,
                               harborai_error *error)
{
    if (text->failed < 0)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    if (sqlite3_prepare_v2(index->db, text->data, (int)text->len, ret_statement, NULL) !=
        SQLITE_OK)
        return index_fail(index, "ask", error);
    for (size_t i = 0; sql != NULL && i < sql->count; i++)
        bind_value(*ret_statement, (int)i + 1, &sql->values[i]);
    return HARBORAI_OK;
}

static harborai_status give_calls(struct index *index, sqlite3_stmt *s, query_call_fn *on_call,
                                  void *context, harborai_error *error)
{
    int step;
    struct call call;
    struct index_refs refs;
    while ((step = sqlite3_step(s)) == SQLITE_ROW) {
        index_row_read(s, &index->texts, &call, &refs);
        if (index->texts.failed < 0)
            return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
        if (!on_call(context, &call))
            return HARBORAI_OK;
    }
    return step == SQLITE_DONE ? HARBORAI_OK : index_fail(index, "read", error);
}

#define FEW 5000

/* An index that has the rows in the order in which they are given: of all rows none is to be sorted, for
 * which there may be no memory. NULL: they are few. */
static const char *order_of(const struct log_query *q)
{
    bool are_failures = q->outcomes != 0 && (q->outcomes >> CALL_OK & 1) == 0;
    if ((q->limit > 0 && q->limit <= FEW) || q->id.len > 0)
        return NULL;
    return are_failures ? "calls_that_failed" : "calls_by_begin";
}

/* Of some: which rows, by the indexes alone where that can be; then what they are. */
static void write_find(const struct log_query *query, const struct query_sql *sql, struct buf *out)
{
    const char *order = order_of(query);
    index_row_select_by(out, order);
    if (order == NULL)
        buf_add(out, HARBORAI_STR(" WHERE c.id IN (SELECT c.id FROM calls c"));
    buf_add(out, buf_slice(&sql->text));
    if (order == NULL)
        buf_add(out, HARBORAI_STR(") ORDER BY c.begin_ns DESC, c.id DESC"));
}

harborai_status index_find(struct index *index, const struct log_query *query,
                           query_call_fn *on_call, void *context, harborai_error *error)
{
    AUTO(query_sql) sql;
    AUTO(buf) text = BUF_INIT(KIB(32));
    sqlite3_stmt *s = NULL;
    query_sql_init(&sql);
    harborai_status st = query_where(query, QUERY_SQLITE, &sql, error);
    if (st < 0)
        return st;
    write_find(query, &sql, &text);
    st = prepare(index, &text, &sql, &s, error);
    if (st == HARBORAI_OK)
        st = give_calls(index, s, on_call, context, error);
    sqlite3_finalize(s);
    return st;
}

harborai_status index_count(struct index *index, const struct log_query *query,
                            uint64_t *ret_count, harborai_error *error)
{
    AUTO(query_sql) sql;
    AUTO(buf) text = BUF_INIT(KIB(32));
    sqlite3_stmt *s = NULL;
    query_sql_init(&sql);
    harborai_status st = query_conditions(query, QUERY_SQLITE, &sql, error);
    if (st < 0)
        return st;
    buf_add(&text, HARBORAI_STR("SELECT count(*) FROM calls c"));
    buf_add(&text, buf_slice(&sql.text));
    st = prepare(index, &text, &sql, &s, error);
    if (st == HARBORAI_OK && sqlite3_step(s) == SQLITE_ROW)
        *ret_count = (uint64_t)sqlite3_column_int64(s, 0);
    else if (st == HARBORAI_OK)
        st = index_fail(index, "read", error);
    sqlite3_finalize(s);
    return st;
}

/* --- Limits -------------------------------------------------------------------------------------- */

#define STEPS_BETWEEN 20000 /* of SQLite's machine: less than a millisecond */

static int ask_whether_over(void *argument)
{
    const struct index *index = argument;
    return index->is_over(index->is_over_context);
}

void index_set_limit(struct index *index, bool (*is_over)(void *context), void *context)
{
    index->is_over = is_over;
    index->is_over_context = context;
    sqlite3_progress_handler(index->db, STEPS_BETWEEN, ask_whether_over, index);
}

/* --- Sums ---------------------------------------------------------------------------------------- */

/* What a row is called by; of times the hour, as a number. */
static const char *const hour_columns[STATS_BY_COUNT] = {
    [STATS_BY_MODEL] = "r.model",        [STATS_BY_PROVIDER] = "r.provider",
    [STATS_BY_PLUGIN] = "r.plugin",      [STATS_BY_CLIENT] = "''",
    [STATS_BY_DAY] = "h.hour / 24 * 24", [STATS_BY_HOUR] = "h.hour"};

/* Both give: three names, outcome, calls, priced, tokens of three kinds, cost, currency, latency. */
static void write_hours(const struct stats_query *q, struct buf *out)
{
    buf_printf(out, "SELECT %s", hour_columns[q->by]);
    for (unsigned i = 0; i + 1 < STATS_KEYS; i++)
        buf_printf(out, ", %s", i < q->also_count ? hour_columns[q->also[i]] : "NULL");
    buf_add(out,
            HARBORAI_STR(", h.outcome, h.calls, h.priced, h.prompt_tokens, h.completion_tokens,"
                         " h.total_tokens, h.cost_pico, r.currency, h.latency FROM hours h"
                         " JOIN routes r ON r.id = h.route WHERE h.calls > 0 AND h.hour >= ?1"
                         " AND h.hour < ?2"));
    if (q->provider.len > 0)
        buf_add(out, HARBORAI_STR(" AND r.provider = ?3"));
    if (q->model.len > 0)
        buf_add(out, HARBORAI_STR(" AND r.model = ?4"));
}

static void write_days(struct buf *out)
{
    buf_add(out, HARBORAI_STR("SELECT w.name, NULL, NULL, d.failed, d.calls, d.priced, d.prompt_tokens,"
                              " d.completion_tokens, d.total_tokens, d.cost_pico, d.currency, NULL"
                              " FROM days d JOIN clients w ON w.id = d.client"
                              " WHERE d.calls > 0 AND d.day >= ?1 AND d.day < ?2"));
}

static harborai_str text_at(sqlite3_stmt *s, int place)
{
    const char *text = (const char *)sqlite3_column_text(s, place);
    return (harborai_str){text, text != NULL ? (size_t)sqlite3_column_bytes(s, place) : 0};
}

static harborai_str name_at(sqlite3_stmt *s, int place, enum stats_by by, char text[static 32])
{
    if (by != STATS_BY_DAY && by != STATS_BY_HOUR)
        return text_at(s, place);
    return stats_time_name(by, sqlite3_column_int64(s, place) * 3600, text);
}

static harborai_status add_cell(sqlite3_stmt *s, const struct stats_query *q, struct stats *stats,
                                harborai_error *error)
{
    char texts[STATS_KEYS][32];
    struct stats_names names = {.names = {name_at(s, 0, q->by, texts[0])},
                                .count = 1 + q->also_count};
    int64_t second = sqlite3_column_int64(s, 3); /* an outcome; of days how many failed */
    struct stats_cell cell = {.calls = sqlite3_column_int64(s, 4),
                              .priced = sqlite3_column_int64(s, 5),
                              .prompt_tokens = sqlite3_column_int64(s, 6),
                              .completion_tokens = sqlite3_column_int64(s, 7),
                              .total_tokens = sqlite3_column_int64(s, 8),
                              .cost_pico = sqlite3_column_int64(s, 9),
                              .currency = text_at(s, 10),
                              .latency = {sqlite3_column_blob(s, 11),
                                          (size_t)sqlite3_column_bytes(s, 11)}};
    for (unsigned i = 0; i < q->also_count; i++)
        names.names[i + 1] = name_at(s, (int)i + 1, q->also[i], texts[i + 1]);
    if (q->by == STATS_BY_CLIENT)
        cell.failed = second;
    else if (second == CALL_ERROR)
        cell.failed = cell.calls;
    else if (second == CALL_CANCELLED)
        cell.cancelled = cell.calls;
    else if (second == CALL_INTERRUPTED)
        cell.interrupted = cell.calls;
    return stats_add(stats, &names, &cell, error);
}

static void bind_times(sqlite3_stmt *s, const struct stats_query *q)
{
    int64_t unit_ns = stats_unit_ns(q);
    int64_t until = q->until_ns > 0 ? (q->until_ns + unit_ns - 1) / unit_ns : INT64_MAX;
    sqlite3_bind_int64(s, 1, q->since_ns / unit_ns);
    sqlite3_bind_int64(s, 2, until);
    if (q->by == STATS_BY_CLIENT)
        return;
    sqlite3_bind_text64(s, 3, q->provider.data, q->provider.len, SQLITE_STATIC, SQLITE_UTF8);
    sqlite3_bind_text64(s, 4, q->model.data, q->model.len, SQLITE_STATIC, SQLITE_UTF8);
}

/* Millionths and the rest apart: a sum of all would not fit. */
static const char totals_sql[] =
    "SELECT r.model, c.outcome, r.currency, count(*), count(c.cost_pico),"
    " coalesce(sum(c.prompt_tokens), 0), coalesce(sum(c.completion_tokens), 0),"
    " coalesce(sum(c.total_tokens), 0), coalesce(sum(c.cost_pico / 1000000), 0),"
    " coalesce(sum(c.cost_pico % 1000000), 0), count(c.end_ns),"
    " coalesce(sum((c.end_ns - c.begin_ns) / 1000), 0)"
    " FROM calls c JOIN routes r ON r.id = c.route";

static harborai_status add_total(sqlite3_stmt *s, struct stats *stats, harborai_error *error)
{
    int64_t outcome = sqlite3_column_int64(s, 1), calls = sqlite3_column_int64(s, 3);
    bool is_timed = outcome != CALL_INTERRUPTED;
    const struct stats_names names = {.names = {text_at(s, 0)}, .count = 1};
    struct stats_cell cell = {.calls = calls,
                              .failed = outcome == CALL_ERROR ? calls : 0,
                              .cancelled = outcome == CALL_CANCELLED ? calls : 0,
                              .interrupted = outcome == CALL_INTERRUPTED ? calls : 0,
                              .currency = text_at(s, 2),
                              .priced = sqlite3_column_int64(s, 4),
                              .prompt_tokens = sqlite3_column_int64(s, 5),
                              .completion_tokens = sqlite3_column_int64(s, 6),
                              .total_tokens = sqlite3_column_int64(s, 7),
                              .timed = is_timed ? sqlite3_column_int64(s, 10) : 0,
                              .duration_us = is_timed ? sqlite3_column_int64(s, 11) : 0};
    cell.cost_pico = sqlite3_column_int64(s, 8);
    cell.cost_pico = cell.cost_pico * 1000000 + sqlite3_column_int64(s, 9);
    return stats_add(stats, &names, &cell, error);
}

harborai_status index_totals(struct index *index, const struct log_query *query,
                             struct stats *stats, harborai_error *error)
{
    AUTO(query_sql) sql;
    AUTO(buf) text = BUF_INIT(KIB(32));
    sqlite3_stmt *s = NULL;
    int step = SQLITE_DONE;
    query_sql_init(&sql);
    harborai_status st = query_conditions(query, QUERY_SQLITE, &sql, error);
    if (st < 0)
        return st;
    buf_add(&text, slice_of(totals_sql));
    buf_add(&text, buf_slice(&sql.text));
    buf_add(&text, HARBORAI_STR(" GROUP BY c.route, c.outcome"));
    st = prepare(index, &text, &sql, &s, error);
    while (st == HARBORAI_OK && (step = sqlite3_step(s)) == SQLITE_ROW)
        st = add_total(s, stats, error);
    if (st == HARBORAI_OK && step != SQLITE_DONE)
        st = index_fail(index, "read", error);
    sqlite3_finalize(s);
    return st;
}

harborai_status index_stats(struct index *index, const struct stats_query *query,
                            struct stats *ret_stats, harborai_error *error)
{
    AUTO(buf) text = BUF_INIT(KIB(4));
    struct stats stats = {.rows = NULL};
    sqlite3_stmt *s = NULL;
    int step = SQLITE_DONE;
    if (query->by == STATS_BY_CLIENT)
        write_days(&text);
    else
        write_hours(query, &text);
    harborai_status st = prepare(index, &text, NULL, &s, error);
    if (st == HARBORAI_OK)
        bind_times(s, query);
    while (st == HARBORAI_OK && (step = sqlite3_step(s)) == SQLITE_ROW)
        st = add_cell(s, query, &stats, error);
    if (st == HARBORAI_OK && step != SQLITE_DONE)
        st = index_fail(index, "read", error);
    sqlite3_finalize(s);
    if (st < 0) {
        stats_release(&stats);
        return st;
    }
    stats_sort(&stats, query->by);
    *ret_stats = stats;
    return HARBORAI_OK;
}
