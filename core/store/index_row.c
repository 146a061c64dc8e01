/* SPDX-License-Identifier: MIT */
/* A call as a row, there and back, by one table of the columns. What is not known is NULL. */
#include "store/index_parts.h"

enum kind {
    TEXT,
    UUID,    /* … and the three below: as bytes, where that can be */
    TRACE,
    SPAN,
    REQUEST,
    NUMBER,  /* int64_t; less than 0 is not known */
    COUNT,   /* unsigned */
    CODE,    /* int */
    BYTES,   /* uint64_t */
    FLAG,    /* bool */
    OUTCOME,
    TOKENS,
    COST     /* int64_t that holds with is_cost_known */
};

struct column {
    const char *name;
    enum kind kind;
    size_t offset; /* in struct call */
};

#define COLUMN(name, kind, member) {name, kind, offsetof(struct call, member)}

static const struct column columns[] = {
    COLUMN("record_key", UUID, key),
    COLUMN("hb_id", TEXT, id),
    COLUMN("request_id", REQUEST, request_id),
    COLUMN("trace_id", TRACE, trace_id),
    COLUMN("span_id", SPAN, span_id),
    COLUMN("parent_span_id", SPAN, parent_span_id),
    COLUMN("tags", TEXT, tags),
    COLUMN("vendor_request_id", TEXT, vendor_request_id),
    COLUMN("is_stream", FLAG, is_stream),
    COLUMN("attempts", COUNT, attempts),
    COLUMN("begin_ns", NUMBER, begin_ns),
    COLUMN("end_ns", NUMBER, end_ns),
    COLUMN("ttft_ns", NUMBER, ttft_ns),
    COLUMN("amend_ns", NUMBER, amend_ns),
    COLUMN("status", CODE, status),
    COLUMN("vendor_status", CODE, vendor_status),
    COLUMN("outcome", OUTCOME, outcome),
    COLUMN("error_code", TEXT, error_code),
    COLUMN("error_message", TEXT, error_message),
    COLUMN("vendor_code", TEXT, vendor_code),
    COLUMN("finish_reason", TEXT, finish_reason),
    COLUMN("changed", TEXT, changed),
    COLUMN("tokens", TOKENS, tokens),
    COLUMN("is_estimated", FLAG, is_estimated),
    COLUMN("prompt_tokens", NUMBER, prompt_tokens),
    COLUMN("completion_tokens", NUMBER, completion_tokens),
    COLUMN("total_tokens", NUMBER, total_tokens),
    COLUMN("parsing_error", TEXT, parsing_error),
    COLUMN("confidence", CODE, confidence),
    COLUMN("cost_pico", COST, cost_pico),
    COLUMN("cost_input_pico", NUMBER, cost_input_pico),
    COLUMN("cost_output_pico", NUMBER, cost_output_pico),
    COLUMN("cost_reason", TEXT, cost_reason),
    COLUMN("cost_class", TEXT, cost_class),
    COLUMN("bytes_in", BYTES, bytes_in),
    COLUMN("bytes_out", BYTES, bytes_out),
    COLUMN("vendor_bytes_in", BYTES, vendor_bytes_in),
    COLUMN("vendor_bytes_out", BYTES, vendor_bytes_out),
    COLUMN("stream_repairs", COUNT, stream_repairs),
    COLUMN("line_at", BYTES, offset),
};

/* Of the table `routes`. */
static const struct column route_columns[] = {
    COLUMN("provider", TEXT, provider),
    COLUMN("plugin", TEXT, plugin),
    COLUMN("model", TEXT, model),
    COLUMN("upstream_model", TEXT, upstream_model),
    COLUMN("vendor_model", TEXT, vendor_model),
    COLUMN("service_tier", TEXT, service_tier),
    COLUMN("parsing_method", TEXT, parsing_method),
    COLUMN("currency", TEXT, currency),
    COLUMN("price_source", TEXT, price_source),
    COLUMN("price_date", TEXT, price_date),
};

enum { SCRATCH = 2048 }; /* five ids, and each class of tokens with 19 digits */
enum { REFS = 4 }; /* id, route, client, segment, before the columns */

/* --- Lists of columns -------------------------------------------------------------------------- */

void index_row_columns(struct buf *out)
{
    buf_add(out, HARBORAI_STR("id, route, client, segment"));
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        buf_printf(out, ", %s", columns[i].name);
}

void index_row_places(struct buf *out)
{
    buf_add_char(out, '?');
    for (size_t i = 1; i < REFS + ARRAY_LEN(columns); i++)
        buf_add(out, HARBORAI_STR(",?"));
}

void index_row_select(struct buf *out)
{
    index_row_select_by(out, NULL);
}

void index_row_select_by(struct buf *out, const char *by)
{
    buf_add(out, HARBORAI_STR("SELECT c.id, c.route, c.client, c.segment"));
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        buf_printf(out, ", c.%s", columns[i].name);
    for (size_t i = 0; i < ARRAY_LEN(route_columns); i++)
        buf_printf(out, ", r.%s", route_columns[i].name);
    buf_printf(out, ", w.name, s.name FROM calls c%s%s", by != NULL ? " INDEXED BY " : "",
               by != NULL ? by : "");
    buf_add(out, HARBORAI_STR(" JOIN routes r ON r.id = c.route"
                              " LEFT JOIN clients w ON w.id = c.client"
                              " LEFT JOIN segments s ON s.id = c.segment"));
}

/* --- Binding ----------------------------------------------------------------------------------- */

static bool is_packed(enum kind kind, enum index_pack *ret_pack)
{
    static const enum index_pack packs[] = {[UUID] = INDEX_PACK_UUID,
                                            [TRACE] = INDEX_PACK_TRACE,
                                            [SPAN] = INDEX_PACK_SPAN,
                                            [REQUEST] = INDEX_PACK_REQUEST};
    if (kind < UUID || kind > REQUEST)
        return false;
    *ret_pack = packs[kind];
    return true;
}

static void bind_text(sqlite3_stmt *statement, int place, harborai_str text)
{
    if (text.len == 0)
        sqlite3_bind_null(statement, place);
    else
        sqlite3_bind_text64(statement, place, text.data, text.len, SQLITE_STATIC, SQLITE_UTF8);
}

/* Its bytes stay in `scratch` until the statement has run. */
static void bind_id(sqlite3_stmt *statement, int place, enum index_pack pack, harborai_str text,
                    struct buf *scratch)
{
    size_t len;
    char *bytes = text.len > 0 ? buf_reserve(scratch, 16) : NULL;
    if (bytes == NULL || !index_pack(pack, text, (unsigned char *)bytes, &len)) {
        bind_text(statement, place, text);
        return;
    }
    sqlite3_bind_blob64(statement, place, bytes, len, SQLITE_STATIC);
    buf_commit(scratch, len);
}

static void bind_tokens(sqlite3_stmt *statement, int place, const struct call *call,
                        struct buf *scratch)
{
    size_t begin = scratch->len;
    if (call->known_mask != 0)
        call_tokens_write(scratch, call);
    bind_text(statement, place, slice_from(buf_slice(scratch), begin));
}

static void bind_known(sqlite3_stmt *statement, int place, int64_t number, bool is_known)
{
    if (is_known)
        sqlite3_bind_int64(statement, place, number);
    else
        sqlite3_bind_null(statement, place);
}

static void bind_column(sqlite3_stmt *statement, int place, const struct column *column,
                        const struct call *call, struct buf *scratch)
{
    const void *from = (const char *)call + column->offset;
    enum index_pack pack;
    if (is_packed(column->kind, &pack)) {
        bind_id(statement, place, pack, *(const harborai_str *)from, scratch);
        return;
    }
    switch (column->kind) {
    case TEXT:
        bind_text(statement, place, *(const harborai_str *)from);
        break;
    case COST:
        bind_known(statement, place, call->cost_pico, call->is_cost_known);
        break;
    case COUNT:
        sqlite3_bind_int64(statement, place, *(const unsigned *)from);
        break;
    case CODE:
    case OUTCOME:
        sqlite3_bind_int64(statement, place,
                           column->kind == CODE ? *(const int *)from : (int)call->outcome);
        break;
    case BYTES:
        sqlite3_bind_int64(statement, place, (int64_t) * (const uint64_t *)from);
        break;
    case FLAG:
        sqlite3_bind_int64(statement, place, *(const bool *)from);
        break;
    case TOKENS:
        bind_tokens(statement, place, call, scratch);
        break;
    case NUMBER:
    case UUID:
    case TRACE:
    case SPAN:
    case REQUEST:
        bind_known(statement, place, *(const int64_t *)from, *(const int64_t *)from >= 0);
        break;
    }
}

void index_row_bind(sqlite3_stmt *statement, const struct call *call,
                    const struct index_refs *refs, struct buf *scratch)
{
    buf_clear(scratch);
    (void)buf_reserve(scratch, SCRATCH); /* for all that is bound: it must not move */
    bind_known(statement, 1, refs->id, refs->id > 0);
    sqlite3_bind_int64(statement, 2, refs->route);
    bind_known(statement, 3, refs->client, refs->client > 0);
    bind_known(statement, 4, refs->segment, refs->segment > 0);
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        bind_column(statement, (int)(REFS + i + 1), &columns[i], call, scratch);
}

void index_row_route(const struct call *call, struct buf *out)
{
    buf_clear(out);
    for (size_t i = 0; i < ARRAY_LEN(route_columns); i++) {
        const void *from = (const char *)call + route_columns[i].offset;
        buf_add(out, *(const harborai_str *)from);
        buf_add_char(out, '\n');
    }
}

void index_row_bind_route(sqlite3_stmt *statement, const struct call *call)
{
    for (size_t i = 0; i < ARRAY_LEN(route_columns); i++) {
        const void *from = (const char *)call + route_columns[i].offset;
        bind_text(statement, (int)i + 2, *(const harborai_str *)from);
    }
}

/* --- Reading ----------------------------------------------------------------------------------- */

static harborai_str text_at(sqlite3_stmt *statement, int place)
{
    const char *text = (const char *)sqlite3_column_text(statement, place);
    return (harborai_str){text, text != NULL ? (size_t)sqlite3_column_bytes(statement, place) : 0};
}

static harborai_str id_at(sqlite3_stmt *statement, int place, enum index_pack pack,
                          struct buf *texts)
{
    if (sqlite3_column_type(statement, place) != SQLITE_BLOB)
        return text_at(statement, place);
    size_t begin = texts->len, len = (size_t)sqlite3_column_bytes(statement, place);
    index_unpack(pack, sqlite3_column_blob(statement, place), len < 16 ? len : 16, texts);
    return slice_from(buf_slice(texts), begin);
}

static int64_t number_at(sqlite3_stmt *statement, int place, int64_t otherwise)
{
    if (sqlite3_column_type(statement, place) == SQLITE_NULL)
        return otherwise;
    return sqlite3_column_int64(statement, place);
}

static void read_column(sqlite3_stmt *statement, int place, const struct column *column,
                        struct buf *texts, struct call *call)
{
    void *to = (char *)call + column->offset;
    enum index_pack pack;
    int64_t number = column->kind > REQUEST ? number_at(statement, place, -1) : 0;
    if (is_packed(column->kind, &pack)) {
        *(harborai_str *)to = id_at(statement, place, pack, texts);
        return;
    }
    switch (column->kind) {
    case TEXT:
        *(harborai_str *)to = text_at(statement, place);
        break;
    case COST:
        call->is_cost_known = number >= 0;
        call->cost_pico = number >= 0 ? number : 0;
        break;
    case COUNT:
        *(unsigned *)to = number >= 0 ? (unsigned)number : 0;
        break;
    case CODE:
        *(int *)to = number >= 0 ? (int)number : 0;
        break;
    case OUTCOME:
        call->outcome = number >= 0 && number < CALL_OUTCOME_COUNT ? (enum call_outcome)number
                                                                   : CALL_ERROR;
        break;
    case BYTES:
        *(uint64_t *)to = number >= 0 ? (uint64_t)number : 0;
        break;
    case FLAG:
        *(bool *)to = number > 0;
        break;
    case TOKENS:
        call_tokens_read(text_at(statement, place), call);
        break;
    case NUMBER:
    case UUID:
    case TRACE:
    case SPAN:
    case REQUEST:
        *(int64_t *)to = number;
        break;
    }
}

void index_row_read(sqlite3_stmt *statement, struct buf *texts, struct call *ret_call,
                    struct index_refs *ret_refs)
{
    struct call call = {.ttft_ns = -1};
    int place = REFS;
    buf_clear(texts);
    (void)buf_reserve(texts, 256); /* for all the ids: they must not move */
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        read_column(statement, place++, &columns[i], texts, &call);
    for (size_t i = 0; i < ARRAY_LEN(route_columns); i++)
        read_column(statement, place++, &route_columns[i], texts, &call);
    call.client = text_at(statement, place++);
    call.segment = text_at(statement, place);
    if (call.amend_ns < 0)
        call.amend_ns = 0;
    if (call.end_ns < 0)
        call.end_ns = 0;
    *ret_call = call;
    *ret_refs = (struct index_refs){.id = sqlite3_column_int64(statement, 0),
                                    .route = sqlite3_column_int64(statement, 1),
                                    .client = number_at(statement, 2, 0),
                                    .segment = number_at(statement, 3, 0)};
}
