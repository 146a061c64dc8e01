/* SPDX-License-Identifier: MIT */
/* Writes the journal's lines. Must never write a line end inside a line, a member of which nothing
 * is known, or content of a request or an answer. */
#include "record/line.h"

#include "base/error.h"
#include "base/limits.h"
#include "chat/usage.h"
#include "wire/json_write.h"
#include "wire/masker.h"

#define MOST_TEXT 512        /* of a name or a message; escaped at most 6 times as long */
#define MOST_USAGE KIB(16)   /* of a vendor's usage object; real ones have 300 bytes */

/* The key with what stands around it is one literal, so that a member costs one copy and its value:
 * these lines are written for every call. Each but the first member begins with a comma. */
#define TEXT(out, key, text) add_text(out, HARBORAI_STR(",\"" key "\":\""), text)
#define MASKED(out, key, text) add_masked(out, HARBORAI_STR(",\"" key "\":\""), text)
#define PLAIN(out, key, text) add_plain(out, HARBORAI_STR(",\"" key "\":\""), text)
#define NUMBER(out, key, number) add_number(out, HARBORAI_STR(",\"" key "\":"), number)

/* Texts that are not known are left out. */
static void add_text(struct buf *out, harborai_str open, harborai_str text)
{
    if (text.len == 0)
        return;
    buf_add(out, open);
    json_write_escaped(out, slice_cut(text, MOST_TEXT));
    buf_add_char(out, '"');
}

/* For texts of our own making, which have nothing to escape. */
static void add_plain(struct buf *out, harborai_str open, const char *text)
{
    if (text == NULL || text[0] == '\0')
        return;
    buf_add(out, open);
    buf_add(out, slice_of(text));
    buf_add_char(out, '"');
}

static void add_number(struct buf *out, harborai_str open, int64_t number)
{
    buf_add(out, open);
    if (number < 0)
        buf_add_char(out, '-');
    buf_add_u64(out, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
}

/* Words of others, who may have quoted what they were sent. */
static void add_masked(struct buf *out, harborai_str open, harborai_str text)
{
    AUTO(buf) masked = BUF_INIT(8 * MOST_TEXT);
    masker_write(&masked, slice_cut(text, MOST_TEXT), MASKER_ALL);
    add_text(out, open, buf_slice(&masked));
}

/* What every kind of line has behind its type. What a client took for a model may be anything. */
static void add_names(struct buf *out, const struct record *r)
{
    PLAIN(out, "key", r->key);
    PLAIN(out, "id", r->hb_id);
    TEXT(out, "request_id", r->request_id);
    PLAIN(out, "trace_id", r->trace_id);
    PLAIN(out, "span_id", r->span_id);
    TEXT(out, "client", r->client);
    TEXT(out, "provider", r->provider);
    TEXT(out, "plugin", r->plugin);
    if (r->provider.len > 0)
        TEXT(out, "model", r->model);
    else
        MASKED(out, "model", r->model);
    TEXT(out, "upstream_model", r->upstream_model);
    buf_add(out, r->is_stream ? HARBORAI_STR(",\"stream\":true")
                              : HARBORAI_STR(",\"stream\":false"));
}

static void add_compact(struct buf *out, harborai_str json);

static void add_tags(struct buf *out, harborai_str tags)
{
    if (tags.len == 0)
        return;
    AUTO(buf) masked = BUF_INIT(LIMIT_JOURNAL_LINE);
    masker_write_json(&masked, tags, MASKER_ALL);
    buf_add(out, HARBORAI_STR(",\"tags\":"));
    add_compact(out, buf_slice(&masked));
}

void line_begin(struct buf *out, const struct record *record)
{
    buf_add(out, HARBORAI_STR("{\"type\":\"begin\""));
    add_names(out, record);
    add_tags(out, record->tags);
    NUMBER(out, "attempt", record->attempts);
    NUMBER(out, "begin_ns", record->attempt_begin_ns);
    NUMBER(out, "call_begin_ns", record->begin_ns);
    buf_add_char(out, '}');
}

static bool has_blanks(harborai_str json)
{
    return memchr(json.data, ' ', json.len) != NULL || memchr(json.data, '\n', json.len) != NULL ||
           memchr(json.data, '\r', json.len) != NULL || memchr(json.data, '\t', json.len) != NULL;
}

/* A vendor may print its JSON over many lines: blanks between its tokens are left out. */
static void add_compact(struct buf *out, harborai_str json)
{
    if (json.len == 0 || !has_blanks(json)) {
        buf_add(out, json);
        return;
    }
    bool in_string = false;
    size_t kept = 0; /* begin of what is not written yet */
    for (size_t i = 0; i < json.len; i++) {
        char c = json.data[i];
        if (c == '\\' && in_string) {
            i++;
        } else if (c == '"') {
            in_string = !in_string;
        } else if (!in_string && (c == ' ' || c == '\n' || c == '\r' || c == '\t')) {
            buf_add(out, (harborai_str){json.data + kept, i - kept});
            kept = i + 1;
        }
    }
    buf_add(out, slice_from(json, kept));
}

static void add_tokens(struct buf *out, const harborai_usage *usage)
{
    const char *separator = "";
    buf_add(out, HARBORAI_STR(",\"tokens\":{"));
    for (int c = 0; c < HARBORAI_USAGE_CLASSES; c++) {
        const char *name = usage_class_name(c);
        if ((usage->known_mask >> c & 1) == 0 || name == NULL)
            continue;
        buf_add(out, slice_of(separator));
        buf_add_char(out, '"');
        buf_add(out, slice_of(name));
        add_number(out, HARBORAI_STR("\":"), usage->count[c]);
        separator = ",";
    }
    buf_add_char(out, '}');
}

static void add_usage(struct buf *out, const struct record *r)
{
    const harborai_usage *usage = &r->usage;
    add_tokens(out, usage);
    if (r->usage_method.len > 0) {
        TEXT(out, "parsing_method", r->usage_method);
        buf_add(out, HARBORAI_STR(",\"confidence\":"));
        json_write_decimal(out, r->usage_confidence, 1);
        TEXT(out, "parsing_error", r->usage_error);
    }
    if ((usage->flags & HARBORAI_USAGE_ESTIMATED) != 0)
        buf_add(out, HARBORAI_STR(",\"estimated\":true"));
    buf_add(out, HARBORAI_STR(",\"usage\":"));
    if (usage->vendor_json.len == 0 || usage->vendor_json.len > MOST_USAGE)
        buf_add(out, HARBORAI_STR("null"));
    else
        add_compact(out, usage->vendor_json);
}

/* The amount is a string: a parser that reads numbers as doubles would round it. */
static void add_cost(struct buf *out, const struct record *r)
{
    if (r->is_cost_known) {
        buf_add(out, HARBORAI_STR(",\"cost\":\""));
        json_write_decimal(out, r->cost_pico, 12);
        buf_add(out, HARBORAI_STR("\",\"cost_input\":\""));
        json_write_decimal(out, r->cost_input_pico, 12);
        buf_add(out, HARBORAI_STR("\",\"cost_output\":\""));
        json_write_decimal(out, r->cost_output_pico, 12);
        buf_add_char(out, '"');
    } else {
        buf_add(out, HARBORAI_STR(",\"cost\":null"));
        TEXT(out, "cost_reason", r->cost_reason);
        PLAIN(out, "cost_class", usage_class_name((unsigned)r->cost_class));
    }
    TEXT(out, "currency", r->cost_currency);
    TEXT(out, "price_source", r->cost_source);
    TEXT(out, "price_date", r->cost_date);
}

static void add_error(struct buf *out, const struct record *r)
{
    if (r->status >= 0)
        return;
    buf_add(out, HARBORAI_STR(",\"error\":{\"code\":\""));
    buf_add(out, slice_of(error_kind_of(r->status)->name));
    buf_add_char(out, '"');
    MASKED(out, "message", r->error_message);
    MASKED(out, "vendor_code", r->vendor_code);
    buf_add_char(out, '}');
}

static const char *outcome_of(harborai_status status)
{
    if (status == HARBORAI_E_CANCELLED)
        return "cancelled";
    return status < 0 ? "error" : "ok";
}

static void add_end(struct buf *out, const struct record *r)
{
    NUMBER(out, "status", r->http_status);
    PLAIN(out, "outcome", outcome_of(r->status));
    add_error(out, r);
    TEXT(out, "finish_reason", r->finish_reason);
    if (r->vendor_status != 0)
        NUMBER(out, "vendor_status", r->vendor_status);
    TEXT(out, "vendor_model", r->vendor_model);
    TEXT(out, "vendor_request_id", r->vendor_request_id);
    TEXT(out, "service_tier", r->service_tier);
    TEXT(out, "changed", r->changed);
}

void line_end(struct buf *out, const struct record *record)
{
    const struct record *r = record;
    buf_add(out, HARBORAI_STR("{\"type\":\"end\""));
    add_names(out, r);
    add_tags(out, r->tags);
    PLAIN(out, "parent_span_id", r->parent_span_id);
    NUMBER(out, "attempts", r->attempts);
    NUMBER(out, "begin_ns", r->begin_ns);
    NUMBER(out, "end_ns", r->begin_ns + r->total_ns);
    if (r->ttft_ns >= 0)
        NUMBER(out, "ttft_ns", r->ttft_ns);
    add_end(out, r);
    if (r->stream_repairs > 0)
        NUMBER(out, "stream_repairs", r->stream_repairs);
    add_usage(out, r);
    add_cost(out, r);
    NUMBER(out, "bytes_in", (int64_t)r->client_bytes_in);
    NUMBER(out, "bytes_out", (int64_t)r->client_bytes_out);
    NUMBER(out, "vendor_bytes_in", (int64_t)r->vendor_bytes_in);
    NUMBER(out, "vendor_bytes_out", (int64_t)r->vendor_bytes_out);
    buf_add_char(out, '}');
}

void line_amend(struct buf *out, const struct record *record)
{
    buf_add(out, HARBORAI_STR("{\"type\":\"amend\""));
    add_names(out, record);
    NUMBER(out, "begin_ns", record->begin_ns);
    NUMBER(out, "amend_ns", record->amend_ns);
    add_usage(out, record);
    add_cost(out, record);
    buf_add_char(out, '}');
}
