/* SPDX-License-Identifier: MIT */
/* The failures of vendors. The status decides, unless the vendor's own code says something more
 * exact; the body may be anything that a server, a proxy or a load balancer writes. */
#include "chat/vendor_error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "chat/answer.h"
#include "chat/error_json.h"
#include "json_value.h"

#define TYPE_MAX 64
#define KEY_MAX 320 /* what the setting of a key is called */
#define NO_V1 " (is /v1 missing?)"

/* ---- Codes and types ------------------------------------------------------------------------- */

static const struct word {
    harborai_str text;
    harborai_status code;
    bool is_exact; /* it says more than the status; else only where there is no status */
} words[] = {
    /* OpenAI: 429, but money is gone */
    {HARBORAI_STR_INIT("insufficient_quota"), HARBORAI_E_QUOTA, true},
    {HARBORAI_STR_INIT("credit_balance_exhausted"), HARBORAI_E_QUOTA, true},
    {HARBORAI_STR_INIT("organization_spend_limit_exceeded"), HARBORAI_E_QUOTA, true},
    {HARBORAI_STR_INIT("project_spend_limit_exceeded"), HARBORAI_E_QUOTA, true},
    {HARBORAI_STR_INIT("organization_usage_limit_exceeded"), HARBORAI_E_QUOTA, true},
    {HARBORAI_STR_INIT("billing_hard_limit_reached"), HARBORAI_E_QUOTA, true},
    {HARBORAI_STR_INIT("billing_not_active"), HARBORAI_E_QUOTA, true},
    {HARBORAI_STR_INIT("context_length_exceeded"), HARBORAI_E_CONTEXT, true},
    {HARBORAI_STR_INIT("content_filter"), HARBORAI_E_FILTERED, true},
    {HARBORAI_STR_INIT("content_policy_violation"), HARBORAI_E_FILTERED, true},
    {HARBORAI_STR_INIT("invalid_prompt"), HARBORAI_E_FILTERED, true}, /* OpenAI's usage policy */
    {HARBORAI_STR_INIT("invalid_api_key"), HARBORAI_E_AUTH, true},
    {HARBORAI_STR_INIT("model_not_found"), HARBORAI_E_NOT_FOUND, true},
    {HARBORAI_STR_INIT("rate_limit_exceeded"), HARBORAI_E_RATE_LIMIT, true},
    {HARBORAI_STR_INIT("server_is_overloaded"), HARBORAI_E_OVERLOADED, true},
    {HARBORAI_STR_INIT("overloaded_error"), HARBORAI_E_OVERLOADED, true},
    {HARBORAI_STR_INIT("slow_down"), HARBORAI_E_RATE_LIMIT, false},
    {HARBORAI_STR_INIT("rate_limit_error"), HARBORAI_E_RATE_LIMIT, false},
    {HARBORAI_STR_INIT("service_unavailable_error"), HARBORAI_E_OVERLOADED, false},
    {HARBORAI_STR_INIT("authentication_error"), HARBORAI_E_AUTH, false},
    {HARBORAI_STR_INIT("permission_error"), HARBORAI_E_AUTH, false},
    {HARBORAI_STR_INIT("not_found_error"), HARBORAI_E_NOT_FOUND, false},
    {HARBORAI_STR_INIT("invalid_request_error"), HARBORAI_E_INVALID, false},
    {HARBORAI_STR_INIT("timeout_error"), HARBORAI_E_TIMEOUT, false},
};

/* HARBORAI_OK = the word says nothing. */
static harborai_status class_of_word(const char *text, bool is_success)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if ((words[i].is_exact || is_success) &&
            slice_equal_ignoring_case(slice_of(text), words[i].text))
            return words[i].code;
    return HARBORAI_OK;
}

/* DeepSeek, vLLM and others say it in the message alone. */
static bool is_about_context(const char *message)
{
    return strstr(message, "maximum context length") != NULL ||
           strstr(message, "context window") != NULL;
}

static harborai_status class_of(int http_status, const harborai_error *e, const char *type)
{
    bool is_success = http_status < 300;
    uint64_t number;
    harborai_status code = class_of_word(e->vendor_code, is_success),
                    by_type = class_of_word(type, is_success);
    if (code == HARBORAI_OK || (code == HARBORAI_E_INVALID && by_type != HARBORAI_OK))
        code = by_type; /* DeepSeek's code says invalid_request_error of nearly everything */
    if (code == HARBORAI_OK && is_success && /* a status as the code: OpenRouter */
        slice_to_u64(slice_of(e->vendor_code), &number) && number >= 400 && number < 600)
        code = error_json_class((int)number);
    if (code == HARBORAI_OK)
        code = error_json_class(http_status);
    if (code == HARBORAI_E_INVALID && is_about_context(e->message))
        code = HARBORAI_E_CONTEXT;
    return code;
}

bool vendor_error_is_finish(harborai_str reason)
{
    return slice_is(reason, "\"insufficient_system_resource\""); /* DeepSeek, within a 200 */
}

/* ---- The body -------------------------------------------------------------------------------- */

/* A string's text, cut to the room and without control characters; a number as it stands; "" of
 * anything else. */
static void copy_value(char *to, size_t size, harborai_str value)
{
    size_t len = 0;
    enum json_kind kind = json_kind(value);
    if (kind != JSON_STRING && kind != JSON_NUMBER)
        return;
    const char *p = value.data, *end = value.data + value.len;
    if (kind == JSON_STRING) {
        p++;
        end--;
    }
    while (p < end) {
        char text[4];
        size_t got = json_decode_next(&p, end, text);
        if (len + got >= size)
            break;
        for (size_t i = 0; i < got; i++)
            to[len++] = (unsigned char)text[i] < ' ' || text[i] == '\x7f' ? ' ' : text[i];
    }
    while (len > 0 && !json_is_utf8((harborai_str){to, len})) /* a character that was cut */
        len--;
    to[len] = '\0';
}

/* The member as text. Of {"detail": [{"msg": …}]} and the like, what is inside. */
static void copy_member(char *to, size_t size, harborai_str object, harborai_str name)
{
    harborai_str value = json_member(object, name), first;
    for (int depth = 0; depth < 3; depth++) {
        struct json_cursor cursor = json_open(value);
        if (json_kind(value) == JSON_ARRAY && json_array_next(&cursor, &first))
            value = first;
        else if (json_kind(value) == JSON_OBJECT && json_member(value, HARBORAI_STR("msg")).len > 0)
            value = json_member(value, HARBORAI_STR("msg"));
        else if (json_kind(value) == JSON_OBJECT)
            value = json_member(value, HARBORAI_STR("detail"));
        else
            break;
    }
    if (to[0] == '\0')
        copy_value(to, size, value);
}

/* The object that describes the error, or a string. */
static harborai_str find_error(harborai_str value)
{
    struct json_cursor cursor = json_open(value);
    harborai_str first, inner;
    if (json_kind(value) == JSON_ARRAY && json_array_next(&cursor, &first)) /* Gemini */
        value = first;
    inner = json_member(value, HARBORAI_STR("error"));
    return json_kind(inner) == JSON_OBJECT || json_kind(inner) == JSON_STRING ? inner : value;
}

static void read_error(harborai_error *e, char type[static TYPE_MAX], harborai_str value)
{
    static const harborai_str message_names[] = {
        HARBORAI_STR_INIT("message"), HARBORAI_STR_INIT("msg"), HARBORAI_STR_INIT("error_msg"),
        HARBORAI_STR_INIT("detail"),  HARBORAI_STR_INIT("error_description"),
    };
    harborai_str error = find_error(value);
    if (json_kind(error) == JSON_STRING) {
        copy_value(e->message, sizeof e->message, error);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(message_names); i++)
        copy_member(e->message, sizeof e->message, error, message_names[i]);
    copy_value(type, TYPE_MAX, json_member(error, HARBORAI_STR("type")));
    copy_value(e->param, sizeof e->param, json_member(error, HARBORAI_STR("param")));
    copy_member(e->vendor_code, sizeof e->vendor_code, error, HARBORAI_STR("code"));
    copy_member(e->vendor_code, sizeof e->vendor_code, error,
                HARBORAI_STR("error_code"));
}

static bool is_redirect(int http_status)
{
    return (http_status >= 301 && http_status <= 303) || http_status == 307 || http_status == 308;
}

static void describe(harborai_error *e, harborai_str provider, harborai_str body)
{
    int status = (int)e->http_status;
    const char *what = answer_describe(body);
    const char *hint = "";
    if (slice_is(slice_of(what), "other JSON"))
        what = "JSON that gives no reason";
    else if (slice_is(slice_of(what), "broken JSON") && body.len >= LIMIT_ERROR_BODY)
        what = "more JSON than is read of an error";
    if (is_redirect(status))
        hint = ", a redirect, which is not followed: check the provider's base_url";
    else if (status == 404)
        hint = ": check the provider's base_url" NO_V1;
    else if (status >= 500)
        hint = ": ask again";
    snprintf(e->message, sizeof e->message, "provider '%.*s' answered %d with %s%s",
             SLICE_ARG(provider), status, what, hint);
}

void vendor_error_parse(harborai_str provider, int http_status, int64_t retry_after_ms,
                        harborai_str body, harborai_error *ret_error)
{
    harborai_error e = HARBORAI_ERROR_INIT;
    char type[TYPE_MAX] = "";
    harborai_str value;

    e.http_status = http_status;
    e.retry_after_ms = retry_after_ms;
    if (json_scan(body, NULL, &value, NULL) == HARBORAI_OK)
        read_error(&e, type, value);
    if (e.message[0] == '\0')
        describe(&e, provider, body);
    e.code = class_of(http_status, &e, type);
    e.flags = harborai_error_flags(e.code);
    if (http_status == 409 || http_status == 425) /* another provider has no such conflict */
        e.flags = HARBORAI_ERROR_RETRYABLE;
    *ret_error = e;
}

/* ---- What whoever asked is told -------------------------------------------------------------- */

/* Behind the message; a character that the room's end cuts goes. */
PRINTF(2, 3) static void append(harborai_error *e, const char *format, ...)
{
    size_t len = strlen(e->message);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(e->message + len, sizeof e->message - len, format, arguments);
    va_end(arguments);
    for (len = strlen(e->message); len > 0 && !json_is_utf8((harborai_str){e->message, len});)
        e->message[--len] = '\0';
}

/* In brackets, so that the way out comes first. describe() begins with the provider's name, which
 * the message has already. */
static void quote_vendor(harborai_error *e, harborai_str provider, const char *said)
{
    char name[80];
    snprintf(name, sizeof name, "provider '%.*s' ", SLICE_ARG(provider));
    if (slice_starts_with(slice_of(said), name))
        append(e, " (it %s)", said + strlen(name));
    else if (said[0] != '\0')
        append(e, " (it said: %s)", said);
}

/* What the setting of the key is called: its variable, or its place in the configuration. */
static void name_key(char room[static KEY_MAX], harborai_str provider, harborai_str variable)
{
    if (variable.len > 0)
        snprintf(room, KEY_MAX, "%.*s", SLICE_ARG(variable));
    else
        snprintf(room, KEY_MAX, "providers.%.*s.api_key", SLICE_ARG(provider));
}

bool vendor_error_hide(harborai_error *e, harborai_str provider, harborai_str variable,
                       bool over_http, bool has_answered)
{
    char said[sizeof e->message], key[KEY_MAX];
    const char *whose = over_http ? "the gateway's" : "the";
    bool is_config = e->code == HARBORAI_E_CONFIG;
    if (e->code != HARBORAI_E_AUTH && e->code != HARBORAI_E_QUOTA && !is_config)
        return false;
    if (!over_http && (is_config || !has_answered))
        return false; /* no vendor's words: they stand alone */
    memcpy(said, e->message, sizeof said);
    name_key(key, provider, variable);
    if (is_config)
        snprintf(e->message, sizeof e->message,
                 "the gateway's configuration of provider '%.*s' is at fault: its log says more",
                 SLICE_ARG(provider));
    else if (e->code == HARBORAI_E_QUOTA)
        snprintf(e->message, sizeof e->message,
                 "%s account with provider '%.*s' has no credit left, or has reached "
                 "its spending limit: see the account of %s",
                 whose, SLICE_ARG(provider), key);
    else if (has_answered)
        snprintf(e->message, sizeof e->message, "provider '%.*s' refused %s key: check %s",
                 SLICE_ARG(provider), whose, key);
    else
        snprintf(e->message, sizeof e->message,
                 "%s key for provider '%.*s' is missing or wrong: check %s", whose,
                 SLICE_ARG(provider), key);
    if (!over_http)
        quote_vendor(e, provider, said);
    e->vendor_code[0] = e->param[0] = '\0';
    return true;
}

/* Servers that know the path say which model they do not have. */
static bool is_about_path(int http_status, const harborai_error *e)
{
    return http_status == 404 && e->code == HARBORAI_E_NOT_FOUND &&
           strcasestr(e->vendor_code, "model") == NULL && strcasestr(e->message, "model") == NULL &&
           strstr(e->message, "base_url") == NULL;
}

void vendor_error_name(harborai_error *e, harborai_str provider, int http_status)
{
    harborai_str message = slice_of(e->message);
    bool is_path = is_about_path(http_status, e);
    bool has_delay = e->retry_after_ms > 0 && strcasestr(e->message, "again in") == NULL;
    if (!slice_starts_with(message, "provider '") && !slice_starts_with(message, "plugin '")) {
        if (http_status < 300)
            error_prefix(e, "provider '%.*s': ", SLICE_ARG(provider));
        else
            error_prefix(e, "provider '%.*s' answered %d: ", SLICE_ARG(provider), http_status);
    }
    if (is_path)
        append(e, "; check the provider's base_url" NO_V1);
    if (has_delay)
        append(e, "; ask again in %lld s", (long long)((e->retry_after_ms + 999) / 1000));
}

/* ---- How long to wait ------------------------------------------------------------------------ */

#define DELAY_MOST_MS INT64_C(86400000)

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* One number with up to three decimals, in thousandths. */
static bool parse_milli(const char **p, const char *end, int64_t *ret_milli)
{
    const char *at = *p;
    int64_t milli = 0, place = 100;
    while (at < end && is_digit(*at)) {
        milli = milli * 10 + (*at++ - '0');
        if (milli > DELAY_MOST_MS)
            milli = DELAY_MOST_MS;
    }
    if (at == *p)
        return false;
    milli *= 1000;
    if (at < end && *at == '.')
        for (at++; at < end && is_digit(*at); at++, place /= 10)
            milli += place * (*at - '0');
    *p = at;
    *ret_milli = milli;
    return true;
}

/* Thousandths of a unit in ms; 0 = no such unit. */
static int64_t unit_ms(harborai_str unit)
{
    if (unit.len == 0 || slice_is(unit, "s"))
        return 1000;
    if (slice_is(unit, "ms"))
        return 1;
    if (slice_is(unit, "m"))
        return 60000;
    if (slice_is(unit, "h"))
        return 3600000;
    return slice_is(unit, "d") ? 86400000 : 0;
}

static bool parse_duration(harborai_str value, int64_t *ret_ms)
{
    int64_t total = 0, milli;
    if (value.len == 0)
        return false;
    const char *p = value.data, *end = p + value.len;
    while (p < end) {
        if (!parse_milli(&p, end, &milli))
            return false;
        const char *unit = p;
        while (p < end && *p >= 'a' && *p <= 'z')
            p++;
        int64_t ms = unit_ms((harborai_str){unit, (size_t)(p - unit)});
        if (ms == 0)
            return false;
        total += milli / 1000 >= DELAY_MOST_MS / ms ? DELAY_MOST_MS : milli * ms / 1000;
        if (total > DELAY_MOST_MS)
            total = DELAY_MOST_MS;
    }
    *ret_ms = total;
    return true;
}

/* Days from 1970-01-01 of the Gregorian calendar. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = year / 400, of_era = year % 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool parse_number(harborai_str text, size_t at, size_t len, uint64_t most, int64_t *ret)
{
    uint64_t value;
    if (!slice_to_u64((harborai_str){text.data + at, len}, &value) || value > most)
        return false;
    *ret = (int64_t)value;
    return true;
}

/* IMF-fixdate (RFC 9110, 5.6.7), the one form still written: Sun, 06 Nov 1994 08:49:37 GMT */
static bool parse_date(harborai_str value, int64_t *ret_s)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int64_t day, month = 0, year, hour, minute, second;
    if (value.len != 29 || !slice_is(slice_from(value, 25), " GMT") || value.data[3] != ',')
        return false;
    while (month < 12 && memcmp(months + 3 * month, value.data + 8, 3) != 0)
        month++;
    if (month == 12 || !parse_number(value, 5, 2, 31, &day) ||
        !parse_number(value, 12, 4, 9999, &year) || !parse_number(value, 17, 2, 23, &hour) ||
        !parse_number(value, 20, 2, 59, &minute) || !parse_number(value, 23, 2, 60, &second))
        return false;
    *ret_s = ((days_of(year, month + 1, day) * 24 + hour) * 60 + minute) * 60 + second;
    return true;
}

bool vendor_error_parse_delay(harborai_str value, int64_t wall_ns, int64_t *ret_ms)
{
    int64_t at_s;
    value = slice_trim(value);
    if (parse_duration(value, ret_ms))
        return true;
    if (!parse_date(value, &at_s))
        return false;
    int64_t left_ms = at_s * 1000 - wall_ns / NS_PER_MS;
    *ret_ms = left_ms < 0 ? 0 : left_ms > DELAY_MOST_MS ? DELAY_MOST_MS : left_ms;
    return true;
}

static harborai_str header_of(const harborai_header *headers, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (slice_is(headers[i].name, name))
            return headers[i].value;
    return SLICE_NONE;
}

/* Of requests and tokens, what is used up; of both the later one. */
static int64_t reset_ms(const harborai_header *headers, size_t count, int64_t wall_ns)
{
    static const char *const names[][2] = {
        {"x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"},
        {"x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"},
    };
    int64_t latest = 0, ms;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (slice_is(slice_trim(header_of(headers, count, names[i][0])), "0") &&
            vendor_error_parse_delay(header_of(headers, count, names[i][1]), wall_ns, &ms) &&
            ms > latest)
            latest = ms;
    return latest;
}

int64_t vendor_error_retry_after_ms(int http_status, const harborai_header *headers, size_t count,
                                    int64_t wall_ns)
{
    int64_t ms;
    harborai_str exact = slice_trim(header_of(headers, count, "retry-after-ms"));
    const char *p = exact.data;
    if (exact.len > 0 && parse_milli(&p, exact.data + exact.len, &ms) &&
        p == exact.data + exact.len)
        return ms / 1000 < DELAY_MOST_MS ? ms / 1000 : DELAY_MOST_MS;
    if (vendor_error_parse_delay(header_of(headers, count, "retry-after"), wall_ns, &ms))
        return ms;
    return http_status == 429 ? reset_ms(headers, count, wall_ns) : 0;
}
