/* SPDX-License-Identifier: MIT */
/* What stands in the cells of an export. Must never round an amount. */
#include "cli/export_value.h"

#include <stdio.h>

#include "base/attr.h"
#include "base/clock.h"
#include "wire/json_write.h"

enum source {
    TEXT,    /* harborai_str */
    OBJECT,  /* harborai_str: JSON */
    TIME,    /* int64_t; 0 is not known */
    MS,      /* int64_t in ns, less than 0 is not known */
    TOKENS,  /* int64_t, likewise */
    MONEY,   /* int64_t, likewise, and all with is_cost_known */
    BYTES,   /* uint64_t */
    COUNT,   /* unsigned */
    CODE,    /* int; 0 is not known */
    FLAG,    /* bool */
    OUTCOME,
    DURATION,
    CONFIDENCE,
    CLASSES  /* tokens by class */
};

static const struct column {
    const char *name;
    enum source source;
    size_t offset; /* in struct call */
} columns[] = {
#define COLUMN(name, source, member) {name, source, offsetof(struct call, member)}
    COLUMN("timestamp", TIME, begin_ns),
    COLUMN("ended_at", TIME, end_ns),
    COLUMN("hb_trace_id", TEXT, id),
    COLUMN("otel_trace_id", TEXT, trace_id),
    COLUMN("span_id", TEXT, span_id),
    COLUMN("parent_span_id", TEXT, parent_span_id),
    COLUMN("request_id", TEXT, request_id),
    COLUMN("record_key", TEXT, key),
    COLUMN("client", TEXT, client),
    COLUMN("provider", TEXT, provider),
    COLUMN("plugin", TEXT, plugin),
    COLUMN("model", TEXT, model),
    COLUMN("upstream_model", TEXT, upstream_model),
    COLUMN("vendor_model", TEXT, vendor_model),
    COLUMN("vendor_request_id", TEXT, vendor_request_id),
    COLUMN("service_tier", TEXT, service_tier),
    COLUMN("is_stream", FLAG, is_stream),
    COLUMN("attempts", COUNT, attempts),
    COLUMN("outcome", OUTCOME, outcome),
    COLUMN("status_code", CODE, status),
    COLUMN("vendor_status", CODE, vendor_status),
    COLUMN("error_code", TEXT, error_code),
    COLUMN("error_message", TEXT, error_message),
    COLUMN("vendor_code", TEXT, vendor_code),
    COLUMN("finish_reason", TEXT, finish_reason),
    COLUMN("changed", TEXT, changed),
    COLUMN("stream_repairs", COUNT, stream_repairs),
    COLUMN("duration_ms", DURATION, end_ns),
    COLUMN("first_token_latency_ms", MS, ttft_ns),
    COLUMN("prompt_tokens", TOKENS, prompt_tokens),
    COLUMN("completion_tokens", TOKENS, completion_tokens),
    COLUMN("total_tokens", TOKENS, total_tokens),
    COLUMN("tokens", CLASSES, tokens),
    COLUMN("is_estimated", FLAG, is_estimated),
    COLUMN("parsing_method", TEXT, parsing_method),
    COLUMN("confidence", CONFIDENCE, confidence),
    COLUMN("parsing_error", TEXT, parsing_error),
    COLUMN("input_cost", MONEY, cost_input_pico),
    COLUMN("output_cost", MONEY, cost_output_pico),
    COLUMN("total_cost", MONEY, cost_pico),
    COLUMN("currency", TEXT, currency),
    COLUMN("cost_reason", TEXT, cost_reason),
    COLUMN("pricing_source", TEXT, price_source),
    COLUMN("price_date", TEXT, price_date),
    COLUMN("amended_at", TIME, amend_ns),
    COLUMN("bytes_in", BYTES, bytes_in),
    COLUMN("bytes_out", BYTES, bytes_out),
    COLUMN("vendor_bytes_in", BYTES, vendor_bytes_in),
    COLUMN("vendor_bytes_out", BYTES, vendor_bytes_out),
    COLUMN("tags", OBJECT, tags),
#undef COLUMN
};

size_t export_value_count(void)
{
    return ARRAY_LEN(columns);
}

const char *export_value_name(size_t column)
{
    return columns[column].name;
}

static struct export_value text_value(enum export_kind kind, harborai_str text)
{
    return (struct export_value){.kind = kind, .is_known = text.len > 0, .text = text};
}

static struct export_value number_value(enum export_kind kind, int64_t number, unsigned scale,
                                        bool is_known)
{
    return (struct export_value){
        .kind = kind, .is_known = is_known, .number = number, .scale = scale};
}

static struct export_value classes_value(const struct call *call, struct buf *scratch)
{
    buf_clear(scratch);
    if (call->known_mask != 0)
        call_tokens_write(scratch, call);
    return text_value(EXPORT_JSON, buf_slice(scratch));
}

struct export_value export_value_of(size_t column, const struct call *call, struct buf *scratch)
{
    const void *at = (const char *)call + columns[column].offset;
    switch (columns[column].source) {
    case TEXT:
        return text_value(EXPORT_TEXT, *(const harborai_str *)at);
    case OBJECT:
        return text_value(EXPORT_JSON, *(const harborai_str *)at);
    case TIME:
        return number_value(EXPORT_TIME, *(const int64_t *)at, 0, *(const int64_t *)at > 0);
    case MS:
        return number_value(EXPORT_NUMBER, *(const int64_t *)at, 6, *(const int64_t *)at >= 0);
    case TOKENS:
        return number_value(EXPORT_NUMBER, *(const int64_t *)at, 0, *(const int64_t *)at >= 0);
    case MONEY:
        return number_value(EXPORT_MONEY, *(const int64_t *)at, 12,
                            call->is_cost_known && *(const int64_t *)at >= 0);
    case BYTES:
        return number_value(EXPORT_NUMBER, (int64_t) * (const uint64_t *)at, 0, true);
    case COUNT:
        return number_value(EXPORT_NUMBER, *(const unsigned *)at, 0, true);
    case CODE:
        return number_value(EXPORT_NUMBER, *(const int *)at, 0, *(const int *)at > 0);
    case FLAG:
        return number_value(EXPORT_FLAG, *(const bool *)at, 0, true);
    case OUTCOME:
        return text_value(EXPORT_TEXT, slice_of(call_outcome_name(call->outcome)));
    case DURATION:
        return number_value(EXPORT_NUMBER, call->end_ns - call->begin_ns, 6,
                            call->end_ns >= call->begin_ns);
    case CONFIDENCE:
        return number_value(EXPORT_NUMBER, call->confidence, 1, call->parsing_method.len > 0);
    case CLASSES:
        return classes_value(call, scratch);
    }
    return (struct export_value){.is_known = false};
}

/* 2026-11-21T11:03:05.123456Z: what PostgreSQL keeps of it, too. */
static void write_time(int64_t ns, struct buf *out)
{
    char text[25];
    clock_format_utc(ns, text);
    buf_printf(out, "%.19s.%06dZ", text, (int)(ns % NS_PER_S / 1000));
}

void export_value_write(const struct export_value *value, struct buf *out)
{
    if (!value->is_known)
        return;
    switch (value->kind) {
    case EXPORT_TEXT:
    case EXPORT_JSON:
        buf_add(out, value->text);
        break;
    case EXPORT_NUMBER:
    case EXPORT_MONEY:
        json_write_decimal(out, value->number, value->scale);
        break;
    case EXPORT_TIME:
        write_time(value->number, out);
        break;
    case EXPORT_FLAG:
        buf_add(out, value->number != 0 ? HARBORAI_STR("true") : HARBORAI_STR("false"));
        break;
    }
}
