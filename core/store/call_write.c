/* SPDX-License-Identifier: MIT */
/* Writes calls as the journal's end lines have them. What is not known is left out, but for `usage` and
 * `cost`, as there. */
#include "chat/usage.h"
#include "store/call.h"
#include "wire/json_write.h"

static void add_text(struct json_writer *w, const char *key, harborai_str text)
{
    if (text.len > 0)
        json_write_key_string(w, key, text);
}

static void add_json(struct json_writer *w, const char *key, harborai_str json)
{
    json_write_key(w, slice_of(key));
    json_write_raw(w, json);
}

static void add_above(struct json_writer *w, const char *key, int64_t number, int64_t least)
{
    if (number >= least)
        json_write_key_int64(w, key, number);
}

static void add_money(struct json_writer *w, const char *key, int64_t pico)
{
    AUTO(buf) decimal = BUF_INIT(64);
    json_write_decimal(&decimal, pico, 12);
    json_write_key_string(w, key, buf_slice(&decimal));
}

static void add_names(struct json_writer *w, const struct call *c)
{
    add_text(w, "key", c->key);
    add_text(w, "id", c->id);
    add_text(w, "request_id", c->request_id);
    add_text(w, "trace_id", c->trace_id);
    add_text(w, "span_id", c->span_id);
    add_text(w, "client", c->client);
    add_text(w, "provider", c->provider);
    add_text(w, "plugin", c->plugin);
    add_text(w, "model", c->model);
    add_text(w, "upstream_model", c->upstream_model);
    json_write_key(w, HARBORAI_STR("stream"));
    json_write_bool(w, c->is_stream);
    if (c->tags.len > 0)
        add_json(w, "tags", c->tags);
    add_text(w, "parent_span_id", c->parent_span_id);
}

static void add_fault(struct json_writer *w, const struct call *c)
{
    if (c->error_code.len == 0 && c->error_message.len == 0)
        return;
    json_write_key(w, HARBORAI_STR("error"));
    json_write_object(w);
    add_text(w, "code", c->error_code);
    add_text(w, "message", c->error_message);
    add_text(w, "vendor_code", c->vendor_code);
    json_write_end(w);
}

static void add_end(struct json_writer *w, const struct call *c)
{
    json_write_key_int64(w, "attempts", c->attempts);
    json_write_key_int64(w, "begin_ns", c->begin_ns);
    json_write_key_int64(w, "end_ns", c->end_ns);
    add_above(w, "ttft_ns", c->ttft_ns, 0);
    add_above(w, "amend_ns", c->amend_ns, 1);
    json_write_key_int64(w, "status", c->status);
    json_write_key_string(w, "outcome", slice_of(call_outcome_name(c->outcome)));
    add_fault(w, c);
    add_text(w, "finish_reason", c->finish_reason);
    add_above(w, "vendor_status", c->vendor_status, 1);
    add_text(w, "vendor_model", c->vendor_model);
    add_text(w, "vendor_request_id", c->vendor_request_id);
    add_text(w, "service_tier", c->service_tier);
    add_text(w, "changed", c->changed);
    add_above(w, "stream_repairs", c->stream_repairs, 1);
}

static void add_tokens(struct json_writer *w, const struct call *c)
{
    json_write_object(w);
    for (unsigned i = 0; i < HARBORAI_USAGE_CLASSES; i++)
        if ((c->known_mask >> i & 1) != 0 && usage_class_name(i) != NULL)
            json_write_key_int64(w, usage_class_name(i), c->tokens[i]);
    json_write_end(w);
}

void call_tokens_write(struct buf *out, const struct call *call)
{
    struct json_writer w = JSON_WRITER(out);
    add_tokens(&w, call);
}

static void add_usage(struct json_writer *w, const struct call *c)
{
    json_write_key(w, HARBORAI_STR("tokens"));
    add_tokens(w, c);
    if (c->parsing_method.len > 0) {
        add_text(w, "parsing_method", c->parsing_method);
        json_write_key(w, HARBORAI_STR("confidence"));
        json_write_scaled(w, c->confidence, 1);
        add_text(w, "parsing_error", c->parsing_error);
    }
    if (c->is_estimated)
        add_json(w, "estimated", HARBORAI_STR("true"));
    add_json(w, "usage", c->usage.len > 0 ? c->usage : HARBORAI_STR("null"));
}

static void add_cost(struct json_writer *w, const struct call *c)
{
    if (c->is_cost_known) {
        add_money(w, "cost", c->cost_pico);
        if (c->cost_input_pico >= 0)
            add_money(w, "cost_input", c->cost_input_pico);
        if (c->cost_output_pico >= 0)
            add_money(w, "cost_output", c->cost_output_pico);
    } else {
        add_json(w, "cost", HARBORAI_STR("null"));
        add_text(w, "cost_reason", c->cost_reason);
        add_text(w, "cost_class", c->cost_class);
    }
    add_text(w, "currency", c->currency);
    add_text(w, "price_source", c->price_source);
    add_text(w, "price_date", c->price_date);
}

void call_write(struct buf *out, const struct call *call)
{
    struct json_writer w = JSON_WRITER(out);
    json_write_object(&w);
    json_write_key_string(&w, "type", HARBORAI_STR("end"));
    add_names(&w, call);
    add_end(&w, call);
    add_usage(&w, call);
    add_cost(&w, call);
    json_write_key_int64(&w, "bytes_in", (int64_t)call->bytes_in);
    json_write_key_int64(&w, "bytes_out", (int64_t)call->bytes_out);
    json_write_key_int64(&w, "vendor_bytes_in", (int64_t)call->vendor_bytes_in);
    json_write_key_int64(&w, "vendor_bytes_out", (int64_t)call->vendor_bytes_out);
    if (call->request.len > 0)
        add_json(&w, "request", call->request);
    if (call->response.len > 0)
        add_json(&w, "response", call->response);
    json_write_end(&w);
}
