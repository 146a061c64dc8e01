/* SPDX-License-Identifier: MIT */
/* Questions as conditions on a call, and as SQL. Must never put a text of a stranger into SQL. */
#include "store/query.h"

#include "base/clock.h"
#include "base/limits.h"
#include "store/index_parts.h"

/* How far a hb_ id's time may be from its call's begin: they are read one after the other. */
#define ID_SLACK_NS (2 * NS_PER_S)

void query_init(struct log_query *query)
{
    *query = (struct log_query){.least_tokens = -1, .most_tokens = -1, .least_cost_pico = -1,
                                .most_cost_pico = -1};
}

bool query_is_open(const struct log_query *q)
{
    return q->id.len + q->provider.len + q->plugin.len + q->model.len + q->client.len +
                   q->text.len == 0 &&
           q->outcomes == 0 && q->least_status == 0 && q->most_status == 0 && q->since_ns == 0 &&
           q->until_ns == 0 && q->least_tokens < 0 && q->most_tokens < 0 &&
           q->least_cost_pico < 0 && q->most_cost_pico < 0 && q->least_duration_ns == 0;
}

harborai_str query_bare_id(harborai_str id)
{
    return slice_starts_with(id, "chatcmpl-hb_") ? slice_from(id, strlen("chatcmpl-")) : id;
}

bool query_id_time(harborai_str id, int64_t *ret_ms)
{
    harborai_str head, rest;
    uint64_t ms;
    if (!slice_starts_with(id, "hb_"))
        return false;
    (void)slice_split(slice_from(id, 3), '_', &head, &rest);
    if (!slice_to_u64(head, &ms) || ms == 0 || ms > INT64_MAX / NS_PER_MS / 2)
        return false;
    *ret_ms = (int64_t)ms;
    return true;
}

/* --- On a call ----------------------------------------------------------------------------------- */

static bool is_like(harborai_str text, harborai_str wanted)
{
    return wanted.len == 0 || slice_matches_glob(text, wanted);
}

static bool has_text(harborai_str in, harborai_str text)
{
    for (size_t i = 0; i + text.len <= in.len; i++)
        if (slice_equal_ignoring_case(slice_cut(slice_from(in, i), text.len), text))
            return true;
    return false;
}

static bool matches_id(harborai_str id, const struct call *call)
{
    harborai_str bare = query_bare_id(id);
    return id.len == 0 || slice_equal(id, call->key) || slice_equal(bare, call->id) ||
           slice_equal(id, call->trace_id) || slice_equal(id, call->request_id);
}

static bool matches_numbers(const struct log_query *q, const struct call *c)
{
    bool has_status = q->least_status > 0 || q->most_status > 0;
    bool has_cost = q->least_cost_pico >= 0 || q->most_cost_pico >= 0;
    if (has_status && (c->status < q->least_status ||
                       (q->most_status > 0 && c->status > q->most_status)))
        return false;
    if (q->least_tokens >= 0 && c->total_tokens < q->least_tokens)
        return false;
    if (q->most_tokens >= 0 && (c->total_tokens < 0 || c->total_tokens > q->most_tokens))
        return false;
    if (has_cost && (!c->is_cost_known || c->cost_pico < q->least_cost_pico ||
                     (q->most_cost_pico >= 0 && c->cost_pico > q->most_cost_pico)))
        return false;
    return c->end_ns - c->begin_ns >= q->least_duration_ns || q->least_duration_ns == 0;
}

bool query_matches(const struct log_query *q, const struct call *c)
{
    if (!matches_id(q->id, c) || !is_like(c->provider, q->provider) ||
        !is_like(c->plugin, q->plugin) || !is_like(c->model, q->model) ||
        !is_like(c->client, q->client) || !matches_numbers(q, c))
        return false;
    if (q->outcomes != 0 && (q->outcomes >> c->outcome & 1) == 0)
        return false;
    if (q->text.len > 0 && !has_text(c->error_message, q->text) &&
        !has_text(c->error_code, q->text) && !has_text(c->tags, q->text))
        return false;
    return (q->since_ns == 0 || c->begin_ns >= q->since_ns) &&
           (q->until_ns == 0 || c->begin_ns < q->until_ns);
}

/* --- As SQL -------------------------------------------------------------------------------------- */

void query_sql_init(struct query_sql *sql)
{
    buf_init(&sql->text, KIB(16));
    buf_init(&sql->texts, KIB(64));
    sql->count = 0;
}

void query_sql_release(struct query_sql *sql)
{
    buf_release(&sql->text);
    buf_release(&sql->texts);
}

/* Each condition in both dialects; every '?' of one stands for its one value. */
struct condition {
    const char *sqlite, *postgres;
};

/* Immutable, so that the planner leaves out other days. A double has room for microseconds till 2255. */
#define PG_MOMENT(ns) "to_timestamp(" ns "::bigint / 1000 / 1e6::float8)"
#define ROUTE(column, test) "c.route IN (SELECT id FROM routes WHERE " column test ")"

/* Calls that the lists of ids name, and those that came after them: any of them may have another id. */
#define LISTED(column)                                                                             \
    "c.id IN (SELECT value FROM json_each(calls_with_id(?)) UNION ALL"                             \
    " SELECT id FROM calls WHERE id > (SELECT listed FROM state)) AND c." column " = ?"

enum what {
    KEY,
    HB_ID,
    TRACE_ID,
    REQUEST_ID,
    PROVIDER,
    PROVIDER_LIKE,
    PLUGIN,
    PLUGIN_LIKE,
    MODEL,
    MODEL_LIKE,
    CLIENT,
    CLIENT_LIKE,
    HAS_TEXT,
    LEAST_STATUS,
    MOST_STATUS,
    SINCE,
    UNTIL,
    LEAST_TOKENS,
    MOST_TOKENS,
    LEAST_COST,
    MOST_COST,
    LEAST_DURATION
};

static const struct condition conditions[] = {
    [KEY] = {"c.id IN (SELECT id FROM calls WHERE record_key = ?)", "l.id = ?::uuid"},
    [HB_ID] = {"c.hb_id = ?", "l.hb_trace_id = ?"},
    [TRACE_ID] = {LISTED("trace_id"), "l.otel_trace_id = ?"},
    [REQUEST_ID] = {LISTED("request_id"), "l.request_id = ?"},
    [PROVIDER] = {ROUTE("provider", " = ?"), "l.provider = ?"},
    [PROVIDER_LIKE] = {ROUTE("provider", " GLOB ?"), "l.provider LIKE ?"},
    [PLUGIN] = {ROUTE("plugin", " = ?"), "l.plugin = ?"},
    [PLUGIN_LIKE] = {ROUTE("plugin", " GLOB ?"), "l.plugin LIKE ?"},
    [MODEL] = {ROUTE("model", " = ?"), "l.model = ?"},
    [MODEL_LIKE] = {ROUTE("model", " GLOB ?"), "l.model LIKE ?"},
    [CLIENT] = {"c.client IN (SELECT id FROM clients WHERE name = ?)", "l.client = ?"},
    [CLIENT_LIKE] = {"c.client IN (SELECT id FROM clients WHERE name GLOB ?)", "l.client LIKE ?"},
    [HAS_TEXT] = {"(c.error_message LIKE ? ESCAPE '\\' OR c.error_code LIKE ? ESCAPE '\\'"
                  " OR c.tags LIKE ? ESCAPE '\\')",
                  "(l.error_message ILIKE ? OR l.error_code ILIKE ? OR l.tags::text ILIKE ?)"},
    [LEAST_STATUS] = {"c.status >= ?", "l.status_code >= ?::int"},
    [MOST_STATUS] = {"c.status <= ?", "l.status_code <= ?::int"},
    [SINCE] = {"c.begin_ns >= ?", "l.\"timestamp\" >= " PG_MOMENT("?")},
    [UNTIL] = {"c.begin_ns < ?", "l.\"timestamp\" < " PG_MOMENT("?")},
    [LEAST_TOKENS] = {"c.total_tokens >= ?", "t.total_tokens >= ?::bigint"},
    [MOST_TOKENS] = {"c.total_tokens <= ?", "t.total_tokens <= ?::bigint"},
    [LEAST_COST] = {"c.cost_pico >= ?", "m.total_cost >= ?::bigint * 1e-12"},
    [MOST_COST] = {"c.cost_pico <= ?", "m.total_cost <= ?::bigint * 1e-12"},
    [LEAST_DURATION] = {"c.end_ns - c.begin_ns >= ?", "l.duration_ms >= ?::bigint / 1e6"},
};

struct writing {
    enum query_dialect dialect;
    struct query_sql *sql;
    const char *joint; /* before the next condition */
};

static void add_place(struct writing *w)
{
    buf_add_char(&w->sql->text, w->dialect == QUERY_SQLITE ? '?' : '$');
    buf_add_u64(&w->sql->text, w->sql->count);
}

static void add_value(struct writing *w, struct query_value value)
{
    if (w->sql->count < QUERY_VALUES)
        w->sql->values[w->sql->count++] = value;
}

static void add_condition(struct writing *w, enum what what, struct query_value value)
{
    const char *text = w->dialect == QUERY_SQLITE ? conditions[what].sqlite
                                                  : conditions[what].postgres;
    buf_add(&w->sql->text, slice_of(w->joint));
    w->joint = " AND ";
    add_value(w, value);
    for (; *text != '\0'; text++) {
        if (*text == '?')
            add_place(w);
        else
            buf_add_char(&w->sql->text, *text);
    }
}

static void add_number(struct writing *w, enum what what, int64_t number)
{
    add_condition(w, what, (struct query_value){.kind = QUERY_NUMBER, .number = number});
}

/* A pattern of ours in the words of SQLite's GLOB, or of LIKE. */
static harborai_str pattern_of(struct writing *w, harborai_str text, bool is_like)
{
    struct buf *texts = &w->sql->texts;
    size_t begin = texts->len;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        bool is_special = is_like ? c == '%' || c == '_' || c == '\\' : c == '?' || c == '[';
        if (c == '*' && is_like)
            buf_add_char(texts, '%');
        else if (is_special)
            buf_printf(texts, is_like ? "\\%.*s" : "[%.*s]", 1, &text.data[i]);
        else
            buf_add_char(texts, c);
    }
    return slice_from(buf_slice(texts), begin);
}

static void add_name(struct writing *w, enum what exact, enum what like, harborai_str name)
{
    struct query_value value = {.kind = QUERY_TEXT, .text = name};
    if (name.len == 0)
        return;
    bool is_pattern = memchr(name.data, '*', name.len) != NULL;
    if (is_pattern)
        value.text = pattern_of(w, name, w->dialect == QUERY_POSTGRES);
    add_condition(w, is_pattern ? like : exact, value);
}

static void add_text(struct writing *w, harborai_str text)
{
    if (text.len == 0)
        return;
    size_t begin = w->sql->texts.len;
    buf_add_char(&w->sql->texts, '%');
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '%' || c == '_' || c == '\\')
            buf_add_char(&w->sql->texts, '\\');
        buf_add_char(&w->sql->texts, c);
    }
    buf_add_char(&w->sql->texts, '%');
    add_condition(w, HAS_TEXT,
                  (struct query_value){.kind = QUERY_TEXT,
                                       .text = slice_from(buf_slice(&w->sql->texts), begin)});
}

/* An id may be of several kinds: clients write UUIDs as request ids, too. */
static void add_id(struct writing *w, harborai_str id)
{
    unsigned char bytes[16];
    size_t len;
    int64_t ms;
    if (id.len == 0)
        return;
    harborai_str bare = query_bare_id(id);
    if (query_id_time(bare, &ms)) {
        add_number(w, SINCE, ms * NS_PER_MS - ID_SLACK_NS);
        add_number(w, UNTIL, ms * NS_PER_MS + ID_SLACK_NS);
        add_condition(w, HB_ID, (struct query_value){.kind = QUERY_TEXT, .text = bare});
        return;
    }
    buf_add(&w->sql->text, slice_of(w->joint));
    w->joint = "(";
    if (index_pack(INDEX_PACK_UUID, id, bytes, &len)) {
        add_condition(w, KEY, (struct query_value){.kind = QUERY_UUID, .text = id});
        w->joint = " OR ";
    }
    if (index_pack(INDEX_PACK_TRACE, id, bytes, &len)) {
        add_condition(w, TRACE_ID, (struct query_value){.kind = QUERY_TRACE, .text = id});
        w->joint = " OR ";
    }
    add_condition(w, REQUEST_ID, (struct query_value){.kind = QUERY_REQUEST, .text = id});
    buf_add_char(&w->sql->text, ')');
}

/* In words of the table, no values: an index of failures serves where the text itself says so. */
static void add_outcomes(struct writing *w, unsigned outcomes)
{
    const char *separator = "";
    if (outcomes == 0)
        return;
    bool is_sqlite = w->dialect == QUERY_SQLITE;
    if ((outcomes & ~QUERY_FAILED) == 0) {
        buf_printf(&w->sql->text, "%s%s", w->joint,
                   is_sqlite ? "c.outcome <> 0" : "l.outcome <> 'ok'");
        w->joint = " AND ";
        if (outcomes == QUERY_FAILED)
            return;
    }
    buf_printf(&w->sql->text, "%s%s IN (", w->joint, is_sqlite ? "c.outcome" : "l.outcome");
    w->joint = " AND ";
    for (unsigned o = 0; o < CALL_OUTCOME_COUNT; o++) {
        if ((outcomes >> o & 1) == 0)
            continue;
        buf_add(&w->sql->text, slice_of(separator));
        if (is_sqlite)
            buf_add_u64(&w->sql->text, o);
        else
            buf_printf(&w->sql->text, "'%s'", call_outcome_name((enum call_outcome)o));
        separator = ",";
    }
    buf_add_char(&w->sql->text, ')');
}

static void add_limits(struct writing *w, const struct log_query *q)
{
    if (q->least_status > 0)
        add_number(w, LEAST_STATUS, q->least_status);
    if (q->most_status > 0)
        add_number(w, MOST_STATUS, q->most_status);
    if (q->since_ns > 0)
        add_number(w, SINCE, q->since_ns);
    if (q->until_ns > 0)
        add_number(w, UNTIL, q->until_ns);
    if (q->least_tokens >= 0)
        add_number(w, LEAST_TOKENS, q->least_tokens);
    if (q->most_tokens >= 0)
        add_number(w, MOST_TOKENS, q->most_tokens);
    if (q->least_cost_pico >= 0)
        add_number(w, LEAST_COST, q->least_cost_pico);
    if (q->most_cost_pico >= 0)
        add_number(w, MOST_COST, q->most_cost_pico);
    if (q->least_duration_ns > 0)
        add_number(w, LEAST_DURATION, q->least_duration_ns);
}

static void add_conditions(struct writing *w, const struct log_query *q)
{
    size_t names = q->provider.len + q->plugin.len + q->model.len + q->client.len + q->text.len;
    (void)buf_reserve(&w->sql->texts, 3 * names + 16); /* for all patterns: they must not move */
    add_id(w, q->id);
    add_outcomes(w, q->outcomes);
    add_name(w, PROVIDER, PROVIDER_LIKE, q->provider);
    add_name(w, PLUGIN, PLUGIN_LIKE, q->plugin);
    add_name(w, MODEL, MODEL_LIKE, q->model);
    add_name(w, CLIENT, CLIENT_LIKE, q->client);
    add_text(w, q->text);
    add_limits(w, q);
}

static harborai_status finish(const struct query_sql *sql, harborai_error *error)
{
    harborai_status st = buf_status(&sql->text, error);
    return st < 0 ? st : buf_status(&sql->texts, error);
}

harborai_status query_conditions(const struct log_query *query, enum query_dialect dialect,
                                 struct query_sql *sql, harborai_error *error)
{
    struct writing w = {.dialect = dialect, .sql = sql, .joint = " WHERE "};
    add_conditions(&w, query);
    return finish(sql, error);
}

/* PostgreSQL leaves out days by the first condition only. */
static void add_cursor(struct writing *w, const struct log_query *q)
{
    unsigned begin = (unsigned)w->sql->count + 1, key = begin + 1;
    if (q->before_key.len == 0)
        return;
    buf_add(&w->sql->text, slice_of(w->joint));
    add_value(w, (struct query_value){.kind = QUERY_NUMBER, .number = q->before_ns});
    add_value(w, (struct query_value){.kind = QUERY_UUID, .text = q->before_key});
    if (w->dialect == QUERY_SQLITE)
        buf_printf(&w->sql->text,
                   "(c.begin_ns, c.id) < (?%u, (SELECT id FROM calls WHERE record_key = ?%u))", begin,
                   key);
    else
        buf_printf(&w->sql->text,
                   "l.\"timestamp\" <= " PG_MOMENT("$%u") " AND (l.\"timestamp\", l.record_key) < ("
                   PG_MOMENT("$%u") ", $%u::uuid)", begin, begin, key);
}

harborai_status query_where(const struct log_query *query, enum query_dialect dialect,
                            struct query_sql *sql, harborai_error *error)
{
    struct writing w = {.dialect = dialect, .sql = sql, .joint = " WHERE "};
    add_conditions(&w, query);
    add_cursor(&w, query);
    buf_add(&sql->text, dialect == QUERY_SQLITE
                            ? HARBORAI_STR(" ORDER BY c.begin_ns DESC, c.id DESC")
                            : HARBORAI_STR(" ORDER BY l.\"timestamp\" DESC, l.record_key DESC"));
    if (query->limit > 0)
        buf_printf(&sql->text, " LIMIT %llu", (unsigned long long)query->limit);
    else if (query->offset > 0 && dialect == QUERY_SQLITE)
        buf_add(&sql->text, HARBORAI_STR(" LIMIT -1"));
    if (query->offset > 0)
        buf_printf(&sql->text, " OFFSET %llu", (unsigned long long)query->offset);
    return finish(sql, error);
}
