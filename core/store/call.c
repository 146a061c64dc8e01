/* SPDX-License-Identifier: MIT */
/* Reads calls from their lines. Must never fail because of a member that it does not know, or that is
 * not what it should be: that one stays unknown. */
#include "store/call.h"

#include "base/error.h"
#include "chat/usage.h"
#include "json_scan.h"
#include "json_value.h"
#include "openai_usage.h"
#include "pricing/money.h"

#define MOST_MEMBERS 128 /* of a line; an end line has about 50 */

enum kind {
    TEXT,   /* harborai_str */
    JSON,   /* harborai_str: an object as it stands */
    NUMBER, /* int64_t */
    COUNT,  /* unsigned */
    CODE,   /* int */
    BYTES,  /* uint64_t */
    FLAG,   /* bool */
    MONEY,  /* int64_t in pico, of a decimal in a string */
    TENTHS, /* int */
    OUTCOME,
    FAULT, /* the object "error" */
    TOKENS,
    KIND,   /* the line's */
    NOTHING /* of the call */
};

struct field {
    harborai_str name;
    enum kind kind;
    size_t offset;      /* in struct call */
    bool is_amendable;  /* an amend line's stands in its place, whether that has it or not */
};

#define FIELD(name, kind, member, is_amendable)                                                    \
    {HARBORAI_STR_INIT(name), kind, offsetof(struct call, member), is_amendable}

/* In the order of the lines as record/line.c writes them: read_in_order() lives on it. */
static const struct field fields[] = {
    FIELD("type", KIND, line, false),
    FIELD("key", TEXT, key, false),
    FIELD("id", TEXT, id, false),
    FIELD("request_id", TEXT, request_id, false),
    FIELD("trace_id", TEXT, trace_id, false),
    FIELD("span_id", TEXT, span_id, false),
    FIELD("client", TEXT, client, false),
    FIELD("provider", TEXT, provider, false),
    FIELD("plugin", TEXT, plugin, false),
    FIELD("model", TEXT, model, false),
    FIELD("upstream_model", TEXT, upstream_model, false),
    FIELD("stream", FLAG, is_stream, false),
    FIELD("tags", JSON, tags, false),
    FIELD("parent_span_id", TEXT, parent_span_id, false),
    FIELD("attempts", COUNT, attempts, false),
    FIELD("begin_ns", NUMBER, begin_ns, false),
    FIELD("end_ns", NUMBER, end_ns, false),
    FIELD("amend_ns", NUMBER, amend_ns, false),
    FIELD("ttft_ns", NUMBER, ttft_ns, false),
    FIELD("status", CODE, status, false),
    FIELD("outcome", OUTCOME, outcome, false),
    FIELD("error", FAULT, error_code, false),
    FIELD("finish_reason", TEXT, finish_reason, false),
    FIELD("vendor_status", CODE, vendor_status, false),
    FIELD("vendor_model", TEXT, vendor_model, false),
    FIELD("vendor_request_id", TEXT, vendor_request_id, false),
    FIELD("service_tier", TEXT, service_tier, false),
    FIELD("changed", TEXT, changed, false),
    FIELD("stream_repairs", COUNT, stream_repairs, false),
    FIELD("tokens", TOKENS, tokens, true),
    FIELD("parsing_method", TEXT, parsing_method, true),
    FIELD("confidence", TENTHS, confidence, true),
    FIELD("parsing_error", TEXT, parsing_error, true),
    FIELD("estimated", FLAG, is_estimated, true),
    FIELD("usage", JSON, usage, true),
    FIELD("cost", MONEY, cost_pico, true),
    FIELD("cost_input", MONEY, cost_input_pico, true),
    FIELD("cost_output", MONEY, cost_output_pico, true),
    FIELD("cost_reason", TEXT, cost_reason, true),
    FIELD("cost_class", TEXT, cost_class, true),
    FIELD("currency", TEXT, currency, true),
    FIELD("price_source", TEXT, price_source, true),
    FIELD("price_date", TEXT, price_date, true),
    FIELD("bytes_in", BYTES, bytes_in, false),
    FIELD("bytes_out", BYTES, bytes_out, false),
    FIELD("vendor_bytes_in", BYTES, vendor_bytes_in, false),
    FIELD("vendor_bytes_out", BYTES, vendor_bytes_out, false),
    FIELD("seq", NOTHING, line, false),
    FIELD("crc", NOTHING, line, false),
};

static const char *const outcome_names[CALL_OUTCOME_COUNT] = {
    [CALL_OK] = "ok",
    [CALL_ERROR] = "error",
    [CALL_CANCELLED] = "cancelled",
    [CALL_INTERRUPTED] = "interrupted",
};

const char *call_outcome_name(enum call_outcome outcome)
{
    return outcome_names[outcome];
}

bool call_outcome_read(harborai_str name, enum call_outcome *ret_outcome)
{
    for (unsigned i = 0; i < CALL_OUTCOME_COUNT; i++)
        if (slice_is(name, outcome_names[i])) {
            *ret_outcome = (enum call_outcome)i;
            return true;
        }
    return false;
}

/* --- Values ----------------------------------------------------------------------------------- */

struct reading {
    struct call *call;
    struct buf *texts;
    size_t room;   /* that `texts` must have at its first use: it must not move afterwards */
    bool is_amend;   /* the line that is being read */
    bool with_names; /* and not only what amend lines have */
    bool has_type;
};

/* A NUL, which was six bytes as an escape, becomes U+FFFD, which has three. */
static size_t replace_nuls(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] != '\0')
            continue;
        memmove(text + i + 3, text + i + 1, len - i - 1);
        memcpy(text + i, "\xef\xbf\xbd", 3);
        len += 2;
    }
    return len;
}

static harborai_str read_text(struct reading *r, harborai_str value)
{
    harborai_str text = SLICE_NONE;
    if (json_string_plain(value, &text))
        return text;
    if (json_kind(value) != JSON_STRING)
        return SLICE_NONE;
    char *room = buf_reserve(r->texts, r->texts->len == 0 ? r->room : value.len);
    if (room == NULL || json_string(value, room, value.len, &text) < 0)
        return SLICE_NONE;
    text = (harborai_str){room, replace_nuls(room, text.len)};
    buf_commit(r->texts, text.len);
    return text;
}

bool call_money_read(harborai_str decimal, int64_t *ret_pico)
{
    harborai_str whole, decimals;
    uint64_t units, pico = 0;
    bool has_point = slice_split(decimal, '.', &whole, &decimals);
    if (!slice_to_u64(whole, &units) || decimals.len > 12 ||
        (has_point && !slice_to_u64(decimals, &pico)))
        return false;
    for (size_t i = decimals.len; i < 12; i++)
        pico *= 10;
    return !__builtin_mul_overflow(units, (uint64_t)MONEY_PICO, &units) &&
           !__builtin_add_overflow(units, pico, ret_pico);
}

/* A number from 0 to 1 with one decimal, as the lines have it. */
static int read_tenths(harborai_str value)
{
    if (slice_is(value, "1") || slice_is(value, "1.0"))
        return 10;
    bool is_tenth = value.len == 3 && slice_starts_with(value, "0.") && value.data[2] >= '0' &&
                    value.data[2] <= '9';
    return is_tenth ? value.data[2] - '0' : 0;
}

void call_tokens_read(harborai_str object, struct call *call)
{
    struct json_cursor cursor = json_open(object);
    struct json_member member;
    while (json_kind(object) == JSON_OBJECT && json_object_next(&cursor, &member)) {
        for (unsigned c = 0; c < HARBORAI_USAGE_CLASSES; c++) {
            const char *name = usage_class_name(c);
            int64_t count;
            if (name == NULL || !slice_is(member.key, name))
                continue;
            if (json_int64(member.value, &count) && count >= 0) {
                call->tokens[c] = count;
                call->known_mask |= UINT32_C(1) << c;
            }
            break;
        }
    }
}

static void read_fault(struct reading *r, harborai_str object)
{
    if (json_kind(object) != JSON_OBJECT)
        return;
    r->call->error_code = read_text(r, json_member(object, HARBORAI_STR("code")));
    r->call->error_message = read_text(r, json_member(object, HARBORAI_STR("message")));
    r->call->vendor_code = read_text(r, json_member(object, HARBORAI_STR("vendor_code")));
}

static void read_money(struct call *call, const struct field *field, harborai_str value)
{
    int64_t *pico = (int64_t *)(void *)((char *)call + field->offset);
    harborai_str decimal;
    bool is_known = json_string_plain(value, &decimal) && call_money_read(decimal, pico);
    if (pico == &call->cost_pico)
        call->is_cost_known = is_known;
}

/* A number of the journal that does not fit its place is not known. */
static int64_t number_of(harborai_str value, int64_t most, int64_t otherwise)
{
    int64_t number;
    bool holds = json_int64(value, &number) && number >= 0 && number <= most;
    return holds ? number : otherwise;
}

static void read_member(struct reading *r, const struct field *field, harborai_str value)
{
    char *at = (char *)r->call + field->offset;
    void *to = at;
    harborai_str text;
    switch (field->kind) {
    case TEXT:
        *(harborai_str *)to = read_text(r, value);
        break;
    case JSON:
        *(harborai_str *)to = json_kind(value) == JSON_OBJECT ? value : SLICE_NONE;
        break;
    case NUMBER:
        *(int64_t *)to = number_of(value, INT64_MAX, *(int64_t *)to);
        break;
    case BYTES:
        *(uint64_t *)to = (uint64_t)number_of(value, INT64_MAX, 0);
        break;
    case COUNT:
        *(unsigned *)to = (unsigned)number_of(value, INT32_MAX, 0);
        break;
    case CODE:
        *(int *)to = (int)number_of(value, 999, 0);
        break;
    case FLAG:
        (void)json_boolean(value, to);
        break;
    case MONEY:
        read_money(r->call, field, value);
        break;
    case TENTHS:
        *(int *)to = read_tenths(value);
        break;
    case OUTCOME:
        (void)call_outcome_read(read_text(r, value), to);
        break;
    case FAULT:
        read_fault(r, value);
        break;
    case TOKENS:
        call_tokens_read(value, r->call);
        break;
    case KIND:
        text = read_text(r, value);
        r->has_type = slice_is(text, r->is_amend ? "amend" : "end");
        break;
    case NOTHING:
        break;
    }
}

/* --- Lines ------------------------------------------------------------------------------------ */

static void forget_amendable(struct call *call)
{
    harborai_str none = SLICE_NONE;
    memset(call->tokens, 0, sizeof call->tokens);
    call->known_mask = 0;
    call->is_estimated = call->is_cost_known = false;
    call->parsing_method = call->parsing_error = call->usage = none;
    call->currency = call->cost_reason = call->cost_class = none;
    call->price_source = call->price_date = none;
    call->confidence = 0;
    call->cost_pico = 0;
    call->cost_input_pico = call->cost_output_pico = -1;
}

static void take_member(struct reading *r, const struct field *field, harborai_str value)
{
    if (r->with_names || field->is_amendable || field->kind == KIND ||
        field->offset == offsetof(struct call, amend_ns))
        read_member(r, field, value);
}

/* Behind `"name":` if that stands at `at`; 0: it does not. */
static size_t behind_key(harborai_str line, size_t at, harborai_str name)
{
    const char *key = line.data + at;
    bool is_key = line.len - at > name.len + 3 && key[0] == '"' && key[1] == name.data[0] &&
                  memcmp(key + 1, name.data, name.len) == 0 && key[name.len + 1] == '"' &&
                  key[name.len + 2] == ':';
    return is_key ? at + name.len + 3 : 0;
}

/* Nearly every line is as record/line.c writes it: members that we know, in that order, each once and
 * without a blank between them. Then one look at each byte is enough. False: it is another one, and
 * what was read of it means nothing. */
static bool read_in_order(struct reading *r, harborai_str line)
{
    static const struct json_limits inside = {JSON_DEPTH_DEFAULT - 1};
    const struct field *field = fields, *last = fields + ARRAY_LEN(fields);
    size_t at = 1, value_at = 0;
    while (at < line.len) {
        for (; field < last && (value_at = behind_key(line, at, field->name)) == 0; field++)
            ;
        if (field == last)
            return false;
        harborai_str value = json_scan_first(slice_from(line, value_at), &inside);
        at = value_at + value.len;
        if (value.len == 0 || at == line.len)
            return false;
        take_member(r, field++, value);
        if (line.data[at] == '}')
            return at + 1 == line.len;
        if (line.data[at++] != ',')
            return false;
    }
    return false;
}

static const struct field *find_field(const struct json_member *member, size_t *from)
{
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        size_t at = (*from + i) % ARRAY_LEN(fields);
        if (json_key_equal(member, fields[at].name)) {
            *from = at + 1;
            return &fields[at];
        }
    }
    return NULL;
}

static harborai_status read_members(struct reading *r, harborai_str line, harborai_error *error)
{
    struct json_member members[MOST_MEMBERS];
    struct json_fault fault = {.reason = "too many members"};
    size_t count, from = 0;
    harborai_status st =
        json_scan_object(line, NULL, members, ARRAY_LEN(members), &count, &fault);
    if (st < 0)
        return harborai_error_set(error, HARBORAI_E_INVALID, "cannot read a line: %s at byte %zu",
                                  fault.reason, fault.at);
    for (size_t i = 0; i < count; i++) {
        const struct field *field = find_field(&members[i], &from);
        if (field != NULL)
            take_member(r, field, members[i].value);
    }
    return HARBORAI_OK;
}

static harborai_status read_line(struct reading *r, harborai_str line, harborai_error *error)
{
    const struct call before = *r->call;
    size_t texts = r->texts->len;
    r->has_type = false;
    if (line.len == 0 || line.data[0] != '{' || !read_in_order(r, line)) {
        *r->call = before;
        r->texts->len = texts;
        r->has_type = false;
        harborai_status st = read_members(r, line, error);
        if (st < 0)
            return st;
    }
    if (!r->has_type)
        return harborai_error_set(error, HARBORAI_E_INVALID, "it is no %s line",
                                  r->is_amend ? "amend" : "end");
    return HARBORAI_OK;
}

static int64_t vendor_total_of(harborai_str usage_json)
{
    harborai_usage usage = USAGE_INIT;
    if (usage_json.len == 0 || usage_parse_openai(usage_json, &usage, NULL) < 0)
        return 0;
    return usage.vendor_total;
}

void call_derive(struct call *call)
{
    harborai_usage usage = USAGE_INIT;
    memcpy(usage.count, call->tokens, sizeof usage.count);
    usage.known_mask = call->known_mask;
    bool has_prompt = (call->known_mask & OPENAI_USAGE_PROMPT) != 0;
    bool has_completion = (call->known_mask & OPENAI_USAGE_COMPLETION) != 0;
    int64_t prompt = usage_input_total(&usage), completion = usage_output_total(&usage);
    call->prompt_tokens = has_prompt ? prompt : -1;
    call->completion_tokens = has_completion ? completion : -1;
    call->total_tokens = has_prompt || has_completion ? prompt + completion : -1;
    int64_t vendor_total = vendor_total_of(call->usage);
    if (vendor_total > 0)
        call->total_tokens = vendor_total;
}

harborai_status call_read(harborai_str end_line, harborai_str amend_line, struct buf *texts,
                          struct call *ret_call, harborai_error *error)
{
    struct call call = {.ttft_ns = -1};
    struct reading r = {.call = &call, .texts = texts, .room = end_line.len + amend_line.len + 1};
    harborai_status st = HARBORAI_OK;
    buf_clear(texts);
    forget_amendable(&call);
    r.with_names = true;
    if (end_line.len > 0)
        st = read_line(&r, end_line, error);
    if (st == HARBORAI_OK && amend_line.len > 0) {
        r.is_amend = true;
        r.with_names = end_line.len == 0;
        forget_amendable(&call);
        st = read_line(&r, amend_line, error);
    }
    if (st < 0)
        return st;
    if ((st = buf_status(texts, error)) < 0)
        return st;
    if (call.key.len == 0 || call.begin_ns <= 0)
        return harborai_error_set(error, HARBORAI_E_INVALID, "its key or begin_ns is missing");
    call_derive(&call);
    call.line = end_line.len > 0 ? end_line : amend_line;
    *ret_call = call;
    return HARBORAI_OK;
}
