/* SPDX-License-Identifier: MIT */
/* One table says what of a call counts, for its digest and for what is told of a difference. Must never
 * see a difference where a store only rounds, or leaves out what it has no place for. */
#include "store/call_digest.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/limits.h"

#define MOST_SHOWN 60 /* bytes of a text */

enum kind {
    TEXT,
    NUMBER, /* int64_t; -1: not known */
    COUNT,  /* unsigned */
    CODE,   /* int */
    BYTES,  /* uint64_t */
    FLAG,   /* bool */
    OUTCOME,
    CLASSES /* of tokens */
};

struct field {
    const char *name;
    enum kind kind;
    size_t offset; /* in struct call */
    bool is_use;   /* an amend line's takes its place */
};

#define END(name, kind, member) {name, kind, offsetof(struct call, member), false}
#define USE(name, kind, member) {name, kind, offsetof(struct call, member), true}

static const struct field fields[] = {
    END("id", TEXT, id),
    END("request_id", TEXT, request_id),
    END("trace_id", TEXT, trace_id),
    END("span_id", TEXT, span_id),
    END("client", TEXT, client),
    END("provider", TEXT, provider),
    END("plugin", TEXT, plugin),
    END("model", TEXT, model),
    END("upstream_model", TEXT, upstream_model),
    END("stream", FLAG, is_stream),
    END("attempts", COUNT, attempts),
    END("begin_ns", NUMBER, begin_ns),
    END("duration_ns", NUMBER, end_ns),
    END("ttft_ns", NUMBER, ttft_ns),
    END("status", CODE, status),
    END("vendor_status", CODE, vendor_status),
    END("outcome", OUTCOME, outcome),
    END("error code", TEXT, error_code),
    END("error message", TEXT, error_message),
    END("finish_reason", TEXT, finish_reason),
    END("bytes_in", BYTES, bytes_in),
    END("bytes_out", BYTES, bytes_out),
    END("vendor_bytes_in", BYTES, vendor_bytes_in),
    END("vendor_bytes_out", BYTES, vendor_bytes_out),
    USE("amend_ns", NUMBER, amend_ns),
    USE("tokens", CLASSES, tokens),
    USE("prompt_tokens", NUMBER, prompt_tokens),
    USE("completion_tokens", NUMBER, completion_tokens),
    USE("total_tokens", NUMBER, total_tokens),
    USE("parsing_method", TEXT, parsing_method),
    USE("confidence", CODE, confidence),
    USE("estimated", FLAG, is_estimated),
    USE("cost_pico", NUMBER, cost_pico),
    USE("cost_input_pico", NUMBER, cost_input_pico),
    USE("cost_output_pico", NUMBER, cost_output_pico),
    USE("currency", TEXT, currency),
};

/* What a store keeps of a call: end_ns becomes how long it took, or -1. */
static struct call as_stored(const struct call *call)
{
    struct call c = *call;
    bool has_end = c.end_ns >= c.begin_ns;
    c.end_ns = has_end ? c.end_ns - c.begin_ns : -1;
    c.ttft_ns = has_end ? c.ttft_ns : -1;
    c.begin_ns -= c.begin_ns % NS_PER_US;
    c.amend_ns -= c.amend_ns % NS_PER_US;
    if (c.parsing_method.len == 0)
        c.confidence = 0;
    if (c.parsing_method.len == 0 && c.total_tokens < 0) { /* then there is no row of token_usage */
        c.known_mask = 0;
        c.is_estimated = false;
    }
    if (!c.is_cost_known)
        c.cost_pico = c.cost_input_pico = c.cost_output_pico = -1;
    return c;
}

/* --- Digests ----------------------------------------------------------------------------------- */

static uint64_t add_number(uint64_t hash, uint64_t number)
{
    return hash_mix(hash + UINT64_C(0x9e3779b97f4a7c15), number ^ UINT64_C(0xd6e8feb86659fd93));
}

static uint64_t add_classes(uint64_t hash, const struct call *call)
{
    hash = add_number(hash, call->known_mask);
    for (unsigned i = 0; i < HARBORAI_USAGE_CLASSES; i++)
        if ((call->known_mask >> i & 1) != 0)
            hash = add_number(hash, (uint64_t)call->tokens[i]);
    return hash;
}

/* As a number, of all that are one. */
static int64_t number_of(const struct field *field, const struct call *call)
{
    const void *at = (const char *)call + field->offset;
    switch (field->kind) {
    case NUMBER:
        return *(const int64_t *)at;
    case COUNT:
        return *(const unsigned *)at;
    case CODE:
        return *(const int *)at;
    case BYTES:
        return (int64_t) * (const uint64_t *)at;
    case FLAG:
        return *(const bool *)at;
    case OUTCOME:
        return call->outcome;
    case TEXT:
    case CLASSES:
        break;
    }
    return 0;
}

static harborai_str text_of(const struct field *field, const struct call *call)
{
    const void *at = (const char *)call + field->offset;
    return *(const harborai_str *)at;
}

static uint64_t add_field(uint64_t hash, const struct field *field, const struct call *call)
{
    if (field->kind == TEXT)
        return add_number(hash, hash_slice(text_of(field, call), hash));
    if (field->kind == CLASSES)
        return add_classes(hash, call);
    return add_number(hash, (uint64_t)number_of(field, call));
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 8-4-4-4-12 digits, in whatever case. */
static bool read_uuid(harborai_str text, unsigned char bytes[static 16])
{
    size_t digits = 0;
    if (text.len != 36)
        return false;
    memset(bytes, 0, 16);
    for (size_t i = 0; i < text.len; i++) {
        bool is_hyphen = i == 8 || i == 13 || i == 18 || i == 23;
        int digit = digit_of(text.data[i]);
        if (is_hyphen ? text.data[i] != '-' : digit < 0)
            return false;
        if (is_hyphen)
            continue;
        bytes[digits / 2] = (unsigned char)(bytes[digits / 2] << 4 | digit);
        digits++;
    }
    return true;
}

void call_digest_make(const struct call *call, struct call_digest *ret_digest)
{
    struct call c = as_stored(call);
    struct call_digest d = {.is_uuid = read_uuid(call->key, d.key)};
    uint64_t hashes[2] = {hash_slice(call->key, 1), hash_slice(call->key, 2)};
    if (!d.is_uuid)
        memcpy(d.key, hashes, sizeof d.key);
    d.end = hash_slice((harborai_str){(const char *)d.key, sizeof d.key}, 0);
    d.use = hash_slice((harborai_str){(const char *)d.key, sizeof d.key}, 1);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (fields[i].is_use)
            d.use = add_field(d.use, &fields[i], &c);
        else
            d.end = add_field(d.end, &fields[i], &c);
    *ret_digest = d;
}

/* --- Differences ------------------------------------------------------------------------------- */

static bool is_same(const struct field *field, const struct call *a, const struct call *b)
{
    if (field->kind == TEXT)
        return slice_equal(text_of(field, a), text_of(field, b));
    if (field->kind == CLASSES)
        return add_classes(0, a) == add_classes(0, b);
    return number_of(field, a) == number_of(field, b);
}

static void add_value(const struct field *field, const struct call *call, struct buf *out)
{
    if (field->kind == TEXT)
        buf_printf(out, "'%.*s'", SLICE_ARG(slice_cut(text_of(field, call), MOST_SHOWN)));
    else if (field->kind == CLASSES)
        call_tokens_write(out, call);
    else if (field->kind == OUTCOME)
        buf_add(out, slice_of(call_outcome_name(call->outcome)));
    else
        buf_printf(out, "%lld", (long long)number_of(field, call));
}

void call_digest_explain(const struct call *line, const struct call *row, bool with_end,
                         bool with_use, struct buf *out)
{
    struct call a = as_stored(line), b = as_stored(row);
    const char *separator = "";
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        const struct field *field = &fields[i];
        if ((field->is_use ? !with_use : !with_end) || is_same(field, &a, &b))
            continue;
        buf_printf(out, "%s%s: ", separator, field->name);
        add_value(field, &a, out);
        buf_add(out, HARBORAI_STR(", not "));
        add_value(field, &b, out);
        separator = "; ";
    }
}
