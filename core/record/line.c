/* SPDX-License-Identifier: MIT */
/* Writes the journal's lines. Must never write a line end inside a line, a member of which nothing
 * is known, or content of a request or an answer. */
#include "record/line.h"

#include "base/error.h"
#include "base/limits.h"
#include "record/usage_class.h"
#include "wire/json_write.h"

#define MOST_TEXT 512        /* of a name or a message; escaped at most 6 times as long */
#define MOST_USAGE KIB(16)   /* of a vendor's usage object; real ones have 300 bytes */

/* Texts that are not known are left out. */
static void add_text(struct json_writer *w, const char *key, harborai_str text)
{
    if (text.len > 0)
        json_write_key_string(w, key, slice_cut(text, MOST_TEXT));
}

static void add_bool(struct json_writer *w, const char *key, bool value)
{
    json_write_key(w, slice_of(key));
    json_write_bool(w, value);
}

static void add_null(struct json_writer *w, const char *key)
{
    json_write_key(w, slice_of(key));
    json_write_null(w);
}

/* What both kinds of line begin with. */
static void add_names(struct json_writer *w, const char *type, const struct record *r)
{
    json_write_object(w);
    json_write_key_string(w, "type", slice_of(type));
    add_text(w, "key", slice_of(r->key));
    add_text(w, "id", slice_of(r->hb_id));
    add_text(w, "request_id", r->request_id);
    add_text(w, "trace_id", slice_of(r->trace_id));
    add_text(w, "span_id", slice_of(r->span_id));
    add_text(w, "client", r->client);
    add_text(w, "provider", r->provider);
    add_text(w, "model", r->model);
    add_text(w, "upstream_model", r->upstream_model);
    add_bool(w, "stream", r->is_stream);
}

void line_begin(struct buf *out, const struct record *record)
{
    struct json_writer w = JSON_WRITER(out);
    add_names(&w, "begin", record);
    json_write_key_int64(&w, "attempt", record->attempts);
    json_write_key_int64(&w, "begin_ns", record->attempt_begin_ns);
    json_write_end(&w);
}

/* A vendor may print its JSON over many lines: blanks between its tokens are left out. */
static void add_compact(struct json_writer *w, harborai_str json)
{
    bool in_string = false;
    size_t kept = 0; /* begin of what is not written yet */
    json_write_raw(w, slice_cut(json, 0));
    for (size_t i = 0; i < json.len; i++) {
        char c = json.data[i];
        if (c == '\\' && in_string) {
            i++;
        } else if (c == '"') {
            in_string = !in_string;
        } else if (!in_string && (c == ' ' || c == '\n' || c == '\r' || c == '\t')) {
            buf_add(w->out, (harborai_str){json.data + kept, i - kept});
            kept = i + 1;
        }
    }
    buf_add(w->out, slice_from(json, kept));
}

static void add_usage(struct json_writer *w, const harborai_usage *usage)
{
    json_write_key(w, HARBORAI_STR("tokens"));
    json_write_object(w);
    for (int c = 0; c < HARBORAI_USAGE_CLASSES; c++) {
        const char *name = usage_class_name(c);
        if ((usage->known_mask >> c & 1) != 0 && name != NULL)
            json_write_key_int64(w, name, usage->count[c]);
    }
    json_write_end(w);
    if ((usage->flags & HARBORAI_USAGE_ESTIMATED) != 0)
        add_bool(w, "estimated", true);
    if (usage->vendor_json.len == 0 || usage->vendor_json.len > MOST_USAGE) {
        add_null(w, "usage");
        return;
    }
    json_write_key(w, HARBORAI_STR("usage"));
    add_compact(w, usage->vendor_json);
}

/* The amount is a string: a parser that reads numbers as doubles would round it. */
static void add_cost(struct json_writer *w, const struct record *r)
{
    if (r->is_cost_known) {
        json_write_key(w, HARBORAI_STR("cost"));
        json_write_raw(w, HARBORAI_STR("\""));
        json_write_decimal(w->out, r->cost_pico);
        buf_add_char(w->out, '"');
    } else {
        add_null(w, "cost");
        add_text(w, "cost_reason", r->cost_reason);
        add_text(w, "cost_class", slice_of(usage_class_name(r->cost_class)));
    }
    add_text(w, "currency", r->cost_currency);
    add_text(w, "price_source", r->cost_source);
    add_text(w, "price_date", r->cost_date);
}

static void add_error(struct json_writer *w, const struct record *r)
{
    if (r->status >= 0)
        return;
    json_write_key(w, HARBORAI_STR("error"));
    json_write_object(w);
    json_write_key_string(w, "code", slice_of(error_kind_of(r->status)->name));
    add_text(w, "message", r->error_message);
    add_text(w, "vendor_code", r->vendor_code);
    json_write_end(w);
}

static const char *outcome_of(harborai_status status)
{
    if (status == HARBORAI_E_CANCELLED)
        return "cancelled";
    return status < 0 ? "error" : "ok";
}

void line_end(struct buf *out, const struct record *record)
{
    const struct record *r = record;
    struct json_writer w = JSON_WRITER(out);
    add_names(&w, "end", r);
    add_text(&w, "parent_span_id", slice_of(r->parent_span_id));
    json_write_key_int64(&w, "attempts", r->attempts);
    json_write_key_int64(&w, "begin_ns", r->begin_ns);
    json_write_key_int64(&w, "end_ns", r->begin_ns + r->total_ns);
    if (r->ttft_ns >= 0)
        json_write_key_int64(&w, "ttft_ns", r->ttft_ns);
    json_write_key_int64(&w, "status", r->http_status);
    json_write_key_string(&w, "outcome", slice_of(outcome_of(r->status)));
    add_error(&w, r);
    add_text(&w, "finish_reason", r->finish_reason);
    if (r->vendor_status != 0)
        json_write_key_int64(&w, "vendor_status", r->vendor_status);
    add_text(&w, "vendor_model", r->vendor_model);
    add_text(&w, "vendor_request_id", r->vendor_request_id);
    add_text(&w, "service_tier", r->service_tier);
    add_usage(&w, &r->usage);
    add_cost(&w, r);
    json_write_key_int64(&w, "bytes_in", (int64_t)r->client_bytes_in);
    json_write_key_int64(&w, "bytes_out", (int64_t)r->client_bytes_out);
    json_write_key_int64(&w, "vendor_bytes_in", (int64_t)r->vendor_bytes_in);
    json_write_key_int64(&w, "vendor_bytes_out", (int64_t)r->vendor_bytes_out);
    json_write_end(&w);
}
