/* SPDX-License-Identifier: MIT */
/* Writes columns of calls as array literals. What goes in is refused by no type of PostgreSQL's: JSON has
 * its NULs and half characters taken out. */
#include "store/postgres_row.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "chat/usage.h"
#include "store/histogram.h"
#include "wire/json_write.h"

#define NUMBER_MOST 1000
#define NS_PER_DAY (INT64_C(86400) * NS_PER_S)

enum kind {
    TEXT,   /* empty: NULL */
    JSON,   /* likewise; or with a number that jsonb does not hold */
    TIME,   /* ns; 0: NULL */
    AMOUNT, /* int64_t; -1: NULL */
    CODE,   /* int; 0: NULL */
    COUNT,  /* unsigned */
    BYTES,  /* uint64_t */
    FLAG,   /* bool */
    MADE    /* by a function */
};

struct column {
    const char *name, *type;
    enum kind kind;
    size_t offset;                                   /* in struct call */
    bool (*make)(const struct call *, struct buf *); /* false: NULL */
};

/* ---- What has to be made -------------------------------------------------------------------- */

static bool make_outcome(const struct call *call, struct buf *out)
{
    buf_add(out, slice_of(call_outcome_name(call->outcome)));
    return true;
}

/* In ms, of ns. */
static bool add_ms(int64_t ns, struct buf *out)
{
    json_write_decimal(out, ns, 6);
    return true;
}

static bool make_duration(const struct call *call, struct buf *out)
{
    return call->end_ns >= call->begin_ns && add_ms(call->end_ns - call->begin_ns, out);
}

static bool make_first_token(const struct call *call, struct buf *out)
{
    return call->ttft_ns >= 0 && add_ms(call->ttft_ns, out);
}

static bool make_bucket(const struct call *call, struct buf *out)
{
    if (call->outcome == CALL_INTERRUPTED || call->end_ns < call->begin_ns)
        return false;
    buf_add_u64(out, histogram_bucket(call->end_ns - call->begin_ns));
    return true;
}

static bool make_tokens(const struct call *call, struct buf *out)
{
    struct json_writer w = JSON_WRITER(out);
    if (call->known_mask == 0)
        return false;
    json_write_object(&w);
    for (unsigned c = 0; c < HARBORAI_USAGE_CLASSES; c++)
        if ((call->known_mask >> c & 1) != 0 && usage_class_name(c) != NULL)
            json_write_key_int64(&w, usage_class_name(c), call->tokens[c]);
    json_write_end(&w);
    return true;
}

static bool make_confidence(const struct call *call, struct buf *out)
{
    if (call->parsing_method.len == 0)
        return false;
    json_write_decimal(out, call->confidence, 1);
    return true;
}

static bool add_cost(const struct call *call, int64_t pico, struct buf *out)
{
    if (!call->is_cost_known || pico < 0)
        return false;
    json_write_decimal(out, pico, 12);
    return true;
}

static bool make_cost(const struct call *call, struct buf *out)
{
    return add_cost(call, call->cost_pico, out);
}

static bool make_input_cost(const struct call *call, struct buf *out)
{
    return add_cost(call, call->cost_input_pico, out);
}

static bool make_output_cost(const struct call *call, struct buf *out)
{
    return add_cost(call, call->cost_output_pico, out);
}

static bool make_pricing(const struct call *call, struct buf *out)
{
    struct json_writer w = JSON_WRITER(out);
    if (call->price_date.len + call->cost_reason.len + call->cost_class.len == 0)
        return false;
    json_write_object(&w);
    if (call->price_date.len > 0)
        json_write_key_string(&w, "price_date", call->price_date);
    if (call->cost_reason.len > 0)
        json_write_key_string(&w, "reason", call->cost_reason);
    if (call->cost_class.len > 0)
        json_write_key_string(&w, "class", call->cost_class);
    json_write_end(&w);
    return true;
}

/* ---- The columns ---------------------------------------------------------------------------- */

#define PLAIN(name, type, kind, member) {name, type, kind, offsetof(struct call, member), NULL}
#define MAKE(name, type, make) {name, type, MADE, 0, make}

static const struct column columns[] = {
    PLAIN("record_key", "uuid", TEXT, key),
    PLAIN("timestamp", "timestamptz", TIME, begin_ns),
    PLAIN("ended_at", "timestamptz", TIME, end_ns),
    PLAIN("amended_at", "timestamptz", TIME, amend_ns),
    PLAIN("hb_trace_id", "text", TEXT, id),
    PLAIN("otel_trace_id", "text", TEXT, trace_id),
    PLAIN("span_id", "text", TEXT, span_id),
    PLAIN("parent_span_id", "text", TEXT, parent_span_id),
    PLAIN("request_id", "text", TEXT, request_id),
    PLAIN("client", "text", TEXT, client),
    PLAIN("tags", "jsonb", JSON, tags),
    PLAIN("provider", "text", TEXT, provider),
    PLAIN("plugin", "text", TEXT, plugin),
    PLAIN("model", "text", TEXT, model),
    PLAIN("upstream_model", "text", TEXT, upstream_model),
    PLAIN("vendor_model", "text", TEXT, vendor_model),
    PLAIN("vendor_request_id", "text", TEXT, vendor_request_id),
    PLAIN("service_tier", "text", TEXT, service_tier),
    PLAIN("is_stream", "boolean", FLAG, is_stream),
    PLAIN("attempts", "integer", COUNT, attempts),
    MAKE("outcome", "text", make_outcome),
    PLAIN("status_code", "integer", CODE, status),
    PLAIN("vendor_status", "integer", CODE, vendor_status),
    PLAIN("error_code", "text", TEXT, error_code),
    PLAIN("error_message", "text", TEXT, error_message),
    PLAIN("vendor_code", "text", TEXT, vendor_code),
    PLAIN("finish_reason", "text", TEXT, finish_reason),
    PLAIN("changed", "text", TEXT, changed),
    MAKE("duration_ms", "double precision", make_duration),
    MAKE("ttft_ms", "double precision", make_first_token),
    MAKE("latency_bucket", "smallint", make_bucket),
    PLAIN("bytes_in", "bigint", BYTES, bytes_in),
    PLAIN("bytes_out", "bigint", BYTES, bytes_out),
    PLAIN("vendor_bytes_in", "bigint", BYTES, vendor_bytes_in),
    PLAIN("vendor_bytes_out", "bigint", BYTES, vendor_bytes_out),
    PLAIN("stream_repairs", "integer", COUNT, stream_repairs),
    PLAIN("prompt_tokens", "bigint", AMOUNT, prompt_tokens),
    PLAIN("completion_tokens", "bigint", AMOUNT, completion_tokens),
    PLAIN("total_tokens", "bigint", AMOUNT, total_tokens),
    MAKE("tokens", "jsonb", make_tokens),
    PLAIN("parsing_method", "text", TEXT, parsing_method),
    MAKE("confidence", "double precision", make_confidence),
    PLAIN("parsing_error", "text", TEXT, parsing_error),
    PLAIN("is_estimated", "boolean", FLAG, is_estimated),
    PLAIN("raw_usage_data", "jsonb", JSON, usage),
    MAKE("input_cost", "numeric", make_input_cost),
    MAKE("output_cost", "numeric", make_output_cost),
    MAKE("total_cost", "numeric", make_cost),
    PLAIN("currency", "text", TEXT, currency),
    PLAIN("pricing_source", "text", TEXT, price_source),
    MAKE("pricing_details", "jsonb", make_pricing),
    PLAIN("request_data", "jsonb", JSON, request),
    PLAIN("response_data", "jsonb", JSON, response),
};
_Static_assert(ARRAY_LEN(columns) <= POSTGRES_COLUMNS_MOST, "there are more columns than room");

int postgres_rows_columns(void)
{
    return (int)ARRAY_LEN(columns);
}

static void write_columns(struct buf *out)
{
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        buf_printf(out, "%s$%zu::%s[]", i > 0 ? ", " : "        ", i + 1, columns[i].type);
    buf_add(out, HARBORAI_STR(") AS given("));
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        buf_printf(out, "%s\"%s\"", i > 0 ? ", " : "", columns[i].name);
    buf_add_char(out, ')');
}

void postgres_rows_write_statement(const char *sql, struct buf *out)
{
    static const char mark[] = "/* COLUMNS */";
    const char *at = strstr(sql, mark);
    buf_add(out, (harborai_str){sql, (size_t)(at - sql)});
    write_columns(out);
    buf_add(out, slice_of(at + sizeof mark - 1));
}

/* ---- Values --------------------------------------------------------------------------------- */

/* An element of an array, in quotes. Texts of calls have no NUL. */
static void add_quoted(struct buf *out, harborai_str text)
{
    size_t from = 0;
    buf_add_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] != '"' && text.data[i] != '\\')
            continue;
        buf_add(out, (harborai_str){text.data + from, i - from});
        buf_add_char(out, '\\');
        from = i;
    }
    buf_add(out, slice_from(text, from));
    buf_add_char(out, '"');
}

static int hex_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Of "\u0041" at `at`; -1: it is none. */
static int code_unit_at(harborai_str json, size_t at)
{
    int unit = 0;
    if (at + 6 > json.len || json.data[at] != '\\' || json.data[at + 1] != 'u')
        return -1;
    for (size_t i = at + 2; i < at + 6; i++) {
        if (hex_of(json.data[i]) < 0)
            return -1;
        unit = unit * 16 + hex_of(json.data[i]);
    }
    return unit;
}

static bool is_high(int unit)
{
    return unit >= 0xd800 && unit < 0xdc00;
}

static bool is_low(int unit)
{
    return unit >= 0xdc00 && unit < 0xe000;
}

/* Behind the string that begins at `at`. */
static size_t behind_string(harborai_str json, size_t at)
{
    for (at++; at < json.len && json.data[at] != '"'; at++)
        at += json.data[at] == '\\';
    return at + 1;
}

static bool is_of_number(char c)
{
    return (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' || (c | 0x20) == 'e';
}

/* Whether a number of it may be beyond what jsonb holds, which is a number of 131,072 digits: one that is
 * longer than NUMBER_MOST, or has an exponent of more than three digits. */
static bool has_vast_number(harborai_str json)
{
    size_t len = 0, exponent = 0; /* digits; of the exponent with its sign, and its 'e' */
    for (size_t i = 0; i < json.len; i++) {
        char c = json.data[i];
        if (c == '"')
            i = behind_string(json, i) - 1;
        if (c == '"' || !is_of_number(c)) {
            len = exponent = 0;
            continue;
        }
        len++;
        exponent += exponent > 0 || (len > 1 && (c | 0x20) == 'e');
        if (len > NUMBER_MOST || exponent > 5)
            return true;
    }
    return false;
}

/* jsonb knows neither the character NUL nor half of a pair: U+FFFD stands for them, as in texts. */
static void add_json(struct buf *out, harborai_str json, struct buf *scratch)
{
    size_t from = 0;
    buf_clear(scratch);
    for (size_t i = 0; i < json.len; i++) {
        if (json.data[i] != '\\')
            continue;
        int unit = code_unit_at(json, i);
        bool is_pair = is_high(unit) && is_low(code_unit_at(json, i + 6));
        bool is_wrong = unit == 0 || (is_high(unit) && !is_pair) || is_low(unit);
        if (is_wrong) {
            buf_add(scratch, (harborai_str){json.data + from, i - from});
            buf_add(scratch, HARBORAI_STR("\\ufffd"));
            from = i + 6;
        }
        i += is_pair ? 11 : unit >= 0 ? 5 : 1;
    }
    if (from < json.len)
        buf_add(scratch, slice_from(json, from));
    add_quoted(out, buf_slice(scratch));
}

/* With microseconds, which is what PostgreSQL keeps. */
static void add_time(struct buf *out, int64_t at_ns)
{
    char text[25];
    clock_format_utc(at_ns, text);
    buf_printf(out, "\"%.23s%03dZ\"", text, (int)(at_ns / 1000 % 1000));
}

static void add_text(struct buf *out, harborai_str text)
{
    if (text.len > 0)
        add_quoted(out, text);
    else
        buf_add(out, HARBORAI_STR("NULL"));
}

static void add_number(struct buf *out, int64_t number, bool is_known)
{
    if (is_known)
        json_write_decimal(out, number, 0);
    else
        buf_add(out, HARBORAI_STR("NULL"));
}

static void add_value(const struct column *column, const struct call *call, struct buf *out,
                      struct buf *scratch)
{
    const void *field = (const char *)call + column->offset;
    switch (column->kind) {
    case TEXT:
        add_text(out, *(const harborai_str *)field);
        return;
    case JSON:
        if (((const harborai_str *)field)->len > 0 &&
            !has_vast_number(*(const harborai_str *)field))
            add_json(out, *(const harborai_str *)field, scratch);
        else
            add_text(out, SLICE_NONE);
        return;
    case TIME:
        if (*(const int64_t *)field > 0)
            add_time(out, *(const int64_t *)field);
        else
            add_text(out, SLICE_NONE);
        return;
    case AMOUNT:
        add_number(out, *(const int64_t *)field, *(const int64_t *)field >= 0);
        return;
    case CODE:
        add_number(out, *(const int *)field, *(const int *)field != 0);
        return;
    case COUNT:
        add_number(out, *(const unsigned *)field, *(const unsigned *)field <= INT32_MAX);
        return;
    case BYTES:
        add_number(out, (int64_t) * (const uint64_t *)field,
                   *(const uint64_t *)field <= INT64_MAX);
        return;
    case FLAG:
        buf_add_char(out, *(const bool *)field ? 't' : 'f');
        return;
    case MADE:
        buf_clear(scratch);
        if (column->make(call, scratch))
            add_quoted(out, buf_slice(scratch));
        else
            add_text(out, SLICE_NONE);
        return;
    }
}

/* ---- Rows ----------------------------------------------------------------------------------- */

void postgres_rows_init(struct postgres_rows *rows)
{
    *rows = (struct postgres_rows){.count = 0};
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        buf_init(&rows->columns[i], MIB(64));
    postgres_rows_clear(rows);
}

void postgres_rows_release(struct postgres_rows *rows)
{
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        buf_release(&rows->columns[i]);
}

void postgres_rows_clear(struct postgres_rows *rows)
{
    rows->count = rows->day_count = 0;
    for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
        buf_clear(&rows->columns[i]);
        rows->is_known[i] = false;
    }
}

static bool add_day(struct postgres_rows *rows, int64_t day)
{
    for (size_t i = 0; i < rows->day_count; i++)
        if (rows->days[i] == day)
            return true;
    if (rows->day_count == ARRAY_LEN(rows->days))
        return false;
    rows->days[rows->day_count++] = day;
    return true;
}

bool postgres_rows_add(struct postgres_rows *rows, const struct call *call)
{
    AUTO(buf) scratch = BUF_INIT(MIB(1));
    if (!add_day(rows, call->begin_ns / NS_PER_DAY))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
        buf_add_char(&rows->columns[i], rows->count == 0 ? '{' : ',');
        size_t before = rows->columns[i].len;
        add_value(&columns[i], call, &rows->columns[i], &scratch);
        rows->is_known[i] |= !slice_is(slice_from(buf_slice(&rows->columns[i]), before), "NULL");
        if (scratch.failed < 0)
            rows->columns[i].failed = scratch.failed;
    }
    rows->count++;
    return true;
}

/* The brackets and the NUL stand behind what is there, and are written over by what comes. unnest()
 * fills what is short with NULLs: of most calls a third of the columns is not known. */
harborai_status postgres_rows_values(struct postgres_rows *rows,
                                     const char *ret_values[POSTGRES_COLUMNS_MOST],
                                     harborai_error *error)
{
    for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
        struct buf *column = &rows->columns[i];
        char *end = buf_reserve(column, 2);
        if (end == NULL || column->failed < 0)
            return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
        memcpy(end, "}", 2);
        ret_values[i] = rows->is_known[i] ? column->data : "{}";
    }
    return HARBORAI_OK;
}
