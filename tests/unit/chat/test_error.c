/* SPDX-License-Identifier: MIT */
#include "chat/error_json.h"

#include "../unit.h"
#include "base/clock.h"
#include "base/limits.h"
#include "chat/vendor_error.h"
#include "json_scan.h"
#include "json_value.h"

extern const CU_TestInfo error_tests[];

enum { R = HARBORAI_ERROR_RETRYABLE, F = HARBORAI_ERROR_FALLBACK, N = HARBORAI_ERROR_NOT_BILLED };

static const struct vendors_row {
    const char *name;
    int status;
    const char *body;
    harborai_status code;
    uint32_t flags;
    int seen; /* by the client */
    const char *vendor_code, *message;
} vendors[] = {
    {"openai 400", 400,
     "{\"error\":{\"message\":\"bad role\",\"type\":\"invalid_request_error\","
     "\"param\":\"messages.[0].role\",\"code\":null}}",
     HARBORAI_E_INVALID, N, 400, "", "bad role"},
    {"context", 400,
     "{\"error\":{\"message\":\"too long\",\"type\":\"invalid_request_error\",\"param\":"
     "\"messages\",\"code\":\"context_length_exceeded\"}}",
     HARBORAI_E_CONTEXT, F | N, 400, "context_length_exceeded", NULL},
    {"context in words", 400,
     "{\"error\":{\"message\":\"This model's maximum context length is 131072 tokens\","
     "\"type\":\"invalid_request_error\",\"code\":\"invalid_request_error\"}}",
     HARBORAI_E_CONTEXT, F | N, 400, "invalid_request_error", NULL},
    {"filter", 400, "{\"error\":{\"message\":\"x\",\"code\":\"content_filter\"}}",
     HARBORAI_E_FILTERED, 0, 400, "content_filter", NULL},
    {"key", 401,
     "{\"error\":{\"message\":\"Incorrect API key provided: sk-x\",\"type\":"
     "\"invalid_request_error\",\"param\":null,\"code\":\"invalid_api_key\"}}",
     HARBORAI_E_AUTH, F | N, 502, "invalid_api_key", NULL},
    {"deepseek's key", 401,
     "{\"error\":{\"message\":\"x\",\"type\":\"authentication_error\",\"param\":null,"
     "\"code\":\"invalid_request_error\"}}",
     HARBORAI_E_AUTH, F | N, 502, "invalid_request_error", "x"},
    {"402", 402, "{\"error\":{\"message\":\"Insufficient Balance\"}}", HARBORAI_E_QUOTA, F | N,
     502, "", NULL},
    {"403", 403, "{}", HARBORAI_E_AUTH, F | N, 502, "",
     "provider 'lab' answered 403 with JSON that gives no reason"},
    {"model", 404,
     "{\"error\":{\"message\":\"no such model\",\"code\":\"model_not_found\"}}",
     HARBORAI_E_NOT_FOUND, F | N, 404, "model_not_found", NULL},
    {"model by 403", 403, "{\"error\":{\"message\":\"x\",\"code\":\"model_not_found\"}}",
     HARBORAI_E_NOT_FOUND, F | N, 404, "model_not_found", NULL},
    {"404 page", 404, "<html><body>nginx</body></html>", HARBORAI_E_NOT_FOUND, F | N, 404, "",
     "provider 'lab' answered 404 with an HTML page: check the provider's base_url (is /v1 missing?)"},
    {"308", 308, "", HARBORAI_E_CONFIG, F | N, 500, "",
     "provider 'lab' answered 308 with an empty body, a redirect, which is not followed: check the "
     "provider's base_url"},
    {"304", 304, "", HARBORAI_E_CONFIG, F | N, 500, "",
     "provider 'lab' answered 304 with an empty body"},
    {"408", 408, "", HARBORAI_E_TIMEOUT, R | F, 408, "", NULL},
    {"409", 409, "{\"error\":{\"message\":\"x\"}}", HARBORAI_E_VENDOR, R, 409, "", NULL},
    {"425", 425, "", HARBORAI_E_VENDOR, R, 425, "", NULL},
    {"413", 413, "", HARBORAI_E_INVALID, N, 413, "", NULL},
    {"422 of FastAPI", 422,
     "{\"detail\":[{\"loc\":[\"body\"],\"msg\":\"field required\",\"type\":\"missing\"}]}",
     HARBORAI_E_INVALID, N, 422, "", "field required"},
    {"422 of Mistral", 422,
     "{\"object\":\"error\",\"message\":{\"detail\":[{\"msg\":\"bad\"}]},\"type\":\"t\"}",
     HARBORAI_E_INVALID, N, 422, "", "bad"},
    {"429", 429,
     "{\"error\":{\"message\":\"slow\",\"type\":\"rate_limit_error\","
     "\"code\":\"rate_limit_exceeded\"}}",
     HARBORAI_E_RATE_LIMIT, R | F | N, 429, "rate_limit_exceeded", NULL},
    {"429 quota", 429,
     "{\"error\":{\"message\":\"x\",\"type\":\"insufficient_quota\",\"code\":"
     "\"insufficient_quota\"}}",
     HARBORAI_E_QUOTA, F | N, 502, "insufficient_quota", NULL},
    {"429 quota by type", 429,
     "{\"error\":{\"message\":\"x\",\"type\":\"insufficient_quota\"}}",
     HARBORAI_E_QUOTA, F | N, 502, "", NULL},
    {"429 spend limit", 429,
     "{\"error\":{\"message\":\"x\",\"code\":\"project_spend_limit_exceeded\"}}",
     HARBORAI_E_QUOTA, F | N, 502, "project_spend_limit_exceeded", NULL},
    {"429 empty", 429, "", HARBORAI_E_RATE_LIMIT, R | F | N, 429, "",
     "provider 'lab' answered 429 with an empty body"},
    {"500", 500, "{\"error\":{\"message\":\"oops\",\"type\":\"server_error\"}}",
     HARBORAI_E_VENDOR, R | F, 500, "", "oops"},
    {"502 page", 502, "<html>", HARBORAI_E_VENDOR, R | F, 502, "",
     "provider 'lab' answered 502 with an HTML page: ask again"},
    {"503", 503, "no server is available", HARBORAI_E_OVERLOADED, R | F | N, 503, "",
     "provider 'lab' answered 503 with text that is not JSON: ask again"},
    {"504", 504, "", HARBORAI_E_VENDOR, R | F, 504, "", NULL},
    {"529 of Anthropic", 529,
     "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
     "\"message\":\"Overloaded\"}}",
     HARBORAI_E_OVERLOADED, R | F | N, 529, "", "Overloaded"},
    {"overloaded by 500", 500,
     "{\"error\":{\"message\":\"x\",\"code\":\"server_is_overloaded\"}}",
     HARBORAI_E_OVERLOADED, R | F | N, 503, "server_is_overloaded", NULL},
    {"gemini's array", 400, "[{\"error\":{\"code\":400,\"message\":\"m\",\"status\":\"X\"}}]",
     HARBORAI_E_INVALID, N, 400, "400", "m"},
    {"text error", 400, "{\"error\":\"just text\"}", HARBORAI_E_INVALID, N, 400, "",
     "just text"},
    {"qianfan v1", 400, "{\"error_code\":336003,\"error_msg\":\"m\"}", HARBORAI_E_INVALID, N,
     400, "336003", "m"},
    {"inside a 200", 200, "{\"message\":\"m\",\"type\":\"invalid_request_error\"}",
     HARBORAI_E_INVALID, N, 400, "", "m"},
    {"inside a 200, text", 200, "\"oops\"", HARBORAI_E_VENDOR, R | F, 502, "", "oops"},
    {"inside a 200, a status", 200, "{\"error\":{\"code\":429,\"message\":\"m\"}}",
     HARBORAI_E_RATE_LIMIT, R | F | N, 429, "429", "m"},
    {"inside a 200, unknown", 200, "{\"error\":{}}", HARBORAI_E_VENDOR, R | F, 502, "",
     NULL},
    {"control characters", 400, "{\"error\":{\"message\":\"a\\nb\\u0007\\ud83d\\ude00\"}}",
     HARBORAI_E_INVALID, N, 400, "", "a b \xf0\x9f\x98\x80"},
};

static void test_vendors(void)
{
    for (size_t i = 0; i < ARRAY_LEN(vendors); i++) {
        harborai_error e;
        vendor_error_parse(HARBORAI_STR("lab"), vendors[i].status, 1500, slice_of(vendors[i].body),
                           &e);
        ROW(vendors[i].name, e.code == vendors[i].code);
        ROW(vendors[i].name, e.flags == vendors[i].flags);
        ROW(vendors[i].name, e.http_status == vendors[i].status);
        ROW(vendors[i].name, e.retry_after_ms == 1500);
        ROW(vendors[i].name, error_json_status(&e) == vendors[i].seen);
        ROW(vendors[i].name, strcmp(e.vendor_code, vendors[i].vendor_code) == 0);
        ROW(vendors[i].name, vendors[i].message == NULL || strcmp(e.message, vendors[i].message) == 0);
        if (vendors[i].message != NULL && strcmp(e.message, vendors[i].message) != 0)
            fprintf(stderr, "  %s\n", e.message);
    }
}

/* OpenAI's, as openai 3.52.0 and its guide to error codes tell them apart. */
static const struct openai_row {
    int status;
    const char *type, *code;
    harborai_status want;
    bool retry;
} openai_errors[] = {
    {400, "invalid_request_error", "", HARBORAI_E_INVALID, false},
    {400, "invalid_request_error", "unsupported_value", HARBORAI_E_INVALID, false},
    {400, "invalid_request_error", "context_length_exceeded", HARBORAI_E_CONTEXT, false},
    {400, "invalid_request_error", "content_policy_violation", HARBORAI_E_FILTERED, false},
    {401, "invalid_request_error", "invalid_api_key", HARBORAI_E_AUTH, false},
    {403, "request_forbidden", "unsupported_country_region_territory", HARBORAI_E_AUTH, false},
    {404, "invalid_request_error", "model_not_found", HARBORAI_E_NOT_FOUND, false},
    {408, "", "", HARBORAI_E_TIMEOUT, true},
    {409, "", "", HARBORAI_E_VENDOR, true},
    {422, "invalid_request_error", "", HARBORAI_E_INVALID, false},
    {429, "rate_limit_error", "rate_limit_exceeded", HARBORAI_E_RATE_LIMIT, true},
    {429, "rate_limit_error", "slow_down", HARBORAI_E_RATE_LIMIT, true},
    {429, "insufficient_quota", "insufficient_quota", HARBORAI_E_QUOTA, false},
    {429, "insufficient_quota", "", HARBORAI_E_QUOTA, false},
    {429, "", "credit_balance_exhausted", HARBORAI_E_QUOTA, false},
    {429, "", "organization_spend_limit_exceeded", HARBORAI_E_QUOTA, false},
    {429, "", "project_spend_limit_exceeded", HARBORAI_E_QUOTA, false},
    {429, "", "organization_usage_limit_exceeded", HARBORAI_E_QUOTA, false},
    {500, "server_error", "", HARBORAI_E_VENDOR, true},
    {502, "", "", HARBORAI_E_VENDOR, true},
    {503, "service_unavailable_error", "server_is_overloaded", HARBORAI_E_OVERLOADED, true},
    {503, "", "", HARBORAI_E_OVERLOADED, true},
    {504, "", "", HARBORAI_E_VENDOR, true},
};

static void test_openai(void)
{
    for (size_t i = 0; i < ARRAY_LEN(openai_errors); i++) {
        const struct openai_row *row = &openai_errors[i];
        harborai_error e;
        char body[256], name[64];
        snprintf(name, sizeof name, "%d %s", row->status, row->code);
        snprintf(body, sizeof body,
                 "{\"error\":{\"message\":\"x\",\"type\":\"%s\",\"param\":null,\"code\":\"%s\"}}",
                 row->type, row->code);
        vendor_error_parse(HARBORAI_STR("openai"), row->status, 0, slice_of(body), &e);
        ROW(name, e.code == row->want);
        ROW(name, ((e.flags & R) != 0) == row->retry);
        ROW(name, strcmp(e.vendor_code, row->code) == 0);
    }
}

/* A message longer than its room is cut between characters. */
static void test_long_message(void)
{
    AUTO(buf) b = BUF_INIT(KIB(64));
    for (int shift = 0; shift < 4; shift++) {
        harborai_error e;
        buf_clear(&b);
        buf_add(&b, HARBORAI_STR("{\"error\":{\"message\":\""));
        for (int i = 0; i < shift; i++)
            buf_add_char(&b, 'x');
        for (int i = 0; i < 300; i++)
            buf_add(&b, HARBORAI_STR("\xe4\xb8\xad"));
        buf_add(&b, HARBORAI_STR("\"}}"));
        vendor_error_parse(HARBORAI_STR("lab"), 400, 0, buf_slice(&b), &e);
        CU_ASSERT(strlen(e.message) > 500 && json_is_utf8(slice_of(e.message)));
    }
}

#define WRITTEN(message, type, param, code)                                                        \
    "{\"error\":{\"message\":\"" message "\",\"type\":\"" type "\",\"param\":" param ",\"code\":" code
#define INVALID(param, code) WRITTEN("x", "invalid_request_error", param, code)

static void test_write(void)
{
    static const struct row {
        const char *name;
        harborai_error error;
        const char *want;
    } rows[] = {
        {"ours", {.code = HARBORAI_E_INVALID, .flags = HARBORAI_ERROR_OPENAI_CODE,
                  .vendor_code = "invalid_json", .message = "a \"b\""},
         WRITTEN("a \\\"b\\\"", "invalid_request_error", "null", "\"invalid_json\"}}")},
        {"ours of another class", {.code = HARBORAI_E_NOT_FOUND, .flags = HARBORAI_ERROR_OPENAI_CODE,
                                   .vendor_code = "provider_not_found", .message = "x"},
         INVALID("null", "\"provider_not_found\"}}")},
        {"ours, which is none", {.code = HARBORAI_E_INVALID, .flags = HARBORAI_ERROR_OPENAI_CODE,
                                 .message = "x"}, INVALID("null", "null}}")},
        {"pointer", {.code = HARBORAI_E_INVALID, .param = "/messages/0/content/12/a~1b~0c",
                     .message = "x"},
         INVALID("\"messages[0].content[12].a/b~c\"", "null}}")},
        {"vendor's param", {.code = HARBORAI_E_INVALID, .param = "messages.[0].role",
                            .message = "x"}, INVALID("\"messages.[0].role\"", "null}}")},
        {"vendor's code", {.code = HARBORAI_E_INVALID, .vendor_code = "InvalidParameter",
                           .message = "x"},
         INVALID("null", "null,\"vendor_code\":\"InvalidParameter\"}}")},
        {"operator's", {.code = HARBORAI_E_AUTH, .vendor_code = "invalid_api_key",
                        .message = "x"},
         WRITTEN("x", "api_error", "null", "\"provider_auth\"}}")},
        {"operator's, marked", {.code = HARBORAI_E_QUOTA, .flags = HARBORAI_ERROR_OPENAI_CODE,
                                .vendor_code = "insufficient_quota", .message = "x"},
         WRITTEN("x", "api_error", "null", "\"provider_quota\"}}")},
        {"context", {.code = HARBORAI_E_CONTEXT, .vendor_code = "context_length_exceeded",
                     .message = "x"}, INVALID("null", "\"context_length_exceeded\"}}")},
        {"context, in the vendor's words", {.code = HARBORAI_E_CONTEXT,
                                            .vendor_code = "InvalidParameter", .message = "x"},
         INVALID("null", "\"context_length_exceeded\",\"vendor_code\":\"InvalidParameter\"}}")},
        {"filtered", {.code = HARBORAI_E_FILTERED, .vendor_code = "invalid_request_error",
                      .message = "x"},
         INVALID("null", "\"content_filter\",\"vendor_code\":\"invalid_request_error\"}}")},
        {"rate limit", {.code = HARBORAI_E_RATE_LIMIT, .vendor_code = "slow_down", .message = "x"},
         WRITTEN("x", "rate_limit_error", "null",
                 "\"rate_limit_exceeded\",\"vendor_code\":\"slow_down\"}}")},
        {"vendor's number", {.code = HARBORAI_E_VENDOR, .vendor_code = "336000", .message = "x"},
         WRITTEN("x", "api_error", "null", "\"provider_error\",\"vendor_code\":\"336000\"}}")},
        {"unknown model", {.code = HARBORAI_E_NOT_FOUND, .message = "x"},
         INVALID("null", "\"model_not_found\"}}")},
        {"not text", {.code = HARBORAI_E_TIMEOUT, .message = "x\n"},
         WRITTEN("x\\n", "api_error", "null", "\"timeout\"}}")},
    };
    AUTO(buf) b = BUF_INIT(KIB(64));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf_clear(&b);
        error_json_write(&b, &rows[i].error);
        ROW(rows[i].name, slice_is(buf_slice(&b), rows[i].want));
        if (!slice_is(buf_slice(&b), rows[i].want))
            fprintf(stderr, "  %.*s\n", SLICE_ARG(buf_slice(&b)));
    }
}

static void test_hide(void)
{
    harborai_error e;
    vendor_error_parse(HARBORAI_STR("lab"), 401, 0,
                       HARBORAI_STR("{\"error\":{\"message\":\"key sk-1\",\"code\":"
                                    "\"invalid_api_key\",\"type\":\"t\"}}"), &e);
    CU_ASSERT(vendor_error_hide(&e, HARBORAI_STR("lab"), HARBORAI_STR("LAB_KEY"), true, true));
    CU_ASSERT(strcmp(e.message, "provider 'lab' refused the gateway's key: check LAB_KEY") ==
              0);
    CU_ASSERT(e.vendor_code[0] == '\0');
    CU_ASSERT(error_json_status(&e) == 502);
    vendor_error_parse(HARBORAI_STR("lab"), 402, 0, HARBORAI_STR("{}"), &e);
    CU_ASSERT(vendor_error_hide(&e, HARBORAI_STR("lab"), SLICE_NONE, true, true));
    CU_ASSERT(strstr(e.message, "provider 'lab' has no credit left") != NULL);
    CU_ASSERT(strstr(e.message, "see the account of providers.lab.api_key") != NULL);
    vendor_error_parse(HARBORAI_STR("lab"), 400, 0, HARBORAI_STR("{}"), &e);
    CU_ASSERT(!vendor_error_hide(&e, HARBORAI_STR("lab"), SLICE_NONE, true, true));
}

/* A client over HTTP learns whose business it is, whether the vendor has said it or its plugin. */
static void test_hide_words(void)
{
    static const struct {
        harborai_status code;
        bool has_answered;
        const char *want;
    } hidden[] = {
        {HARBORAI_E_AUTH, true, "provider 'lab' refused the gateway's key: check LAB_KEY"},
        {HARBORAI_E_AUTH, false,
         "the gateway's key for provider 'lab' is missing or wrong: check LAB_KEY"},
        {HARBORAI_E_QUOTA, false,
         "the gateway's account with provider 'lab' has no credit left, or has reached its spending "
         "limit: see the account of LAB_KEY"},
        {HARBORAI_E_CONFIG, false,
         "the gateway's configuration of provider 'lab' is at fault: its log says more"},
        {HARBORAI_E_CONFIG, true,
         "the gateway's configuration of provider 'lab' is at fault: its log says more"},
    };
    const harborai_str lab = HARBORAI_STR("lab"), key = HARBORAI_STR("LAB_KEY");
    for (size_t i = 0; i < ARRAY_LEN(hidden); i++) {
        bool has_answered = hidden[i].has_answered;
        harborai_error e = HARBORAI_ERROR_INIT;
        harborai_error_set(&e, hidden[i].code, "%s", "see /etc/account");
        bool is_kept = hidden[i].code == HARBORAI_E_CONFIG || !has_answered;
        ROW(hidden[i].want, vendor_error_hide(&e, lab, key, false, has_answered) == !is_kept);
        ROW(hidden[i].want, strstr(e.message, "see /etc/account") != NULL);
        ROW(hidden[i].want, vendor_error_hide(&e, lab, key, true, has_answered));
        ROW(hidden[i].want, strcmp(e.message, hidden[i].want) == 0);
    }
}

#define BY_MODEL "{\"error\":{\"message\":\"The Model 'x' is gone\"}}"
#define BY_PATH "{\"error\":{\"message\":\"Invalid URL (POST /chat/completions)\"}}"

/* What the operator reads, who sees nothing but the message. */
static const struct {
    int status, retry_after_ms;
    const char *body, *want;
} told[] = {
    {401, 0, "{\"error\":{\"message\":\"Incorrect API key provided.\"}}",
     "provider 'lab' refused the key: check LAB_KEY (it said: Incorrect API key provided.)"},
    {403, 0, "<html>", "provider 'lab' refused the key: check LAB_KEY (it answered 403 with an HTML "
     "page)"},
    {402, 0, "{\"message\":\"Insufficient Balance\"}",
     "the account with provider 'lab' has no credit left, or has reached its spending limit: see the "
     "account of LAB_KEY (it said: Insufficient Balance)"},
    {429, 1001, "{\"message\":\"slow down\"}",
     "provider 'lab' answered 429: slow down; ask again in 2 s"},
    {429, 1001, "{\"message\":\"Please try again in 1.001s.\"}",
     "provider 'lab' answered 429: Please try again in 1.001s."},
    {429, 0, "{\"message\":\"slow down\"}", "provider 'lab' answered 429: slow down"},
    {404, 0, BY_PATH, "provider 'lab' answered 404: Invalid URL (POST /chat/completions); check the "
     "provider's base_url (is /v1 missing?)"},
    {404, 0, BY_MODEL, "provider 'lab' answered 404: The Model 'x' is gone"},
    {404, 0, "<html>", "provider 'lab' answered 404 with an HTML page: check the provider's base_url "
     "(is /v1 missing?)"},
    {200, 0, "{\"error\":{\"message\":\"broken\"}}", "provider 'lab': broken"},
};

static void test_told(void)
{
    for (size_t i = 0; i < ARRAY_LEN(told); i++) {
        const harborai_str lab = HARBORAI_STR("lab"), key = HARBORAI_STR("LAB_KEY");
        harborai_error e;
        vendor_error_parse(lab, told[i].status, told[i].retry_after_ms, slice_of(told[i].body), &e);
        if (!vendor_error_hide(&e, lab, key, false, true))
            vendor_error_name(&e, lab, told[i].status);
        ROW(told[i].want, strcmp(e.message, told[i].want) == 0);
        if (strcmp(e.message, told[i].want) != 0)
            fprintf(stderr, "    said: %s\n", e.message);
    }
}

/* A message as long as there is room, of characters that the end cuts. */
static void test_told_at_length(void)
{
    const harborai_str lab = HARBORAI_STR("lab");
    harborai_error e = HARBORAI_ERROR_INIT;
    e.code = HARBORAI_E_AUTH;
    for (size_t i = 0; i + 2 < sizeof e.message; i += 2)
        memcpy(e.message + i, "\xc3\xa4", 3);
    for (int shift = 0; shift < 2; shift++) {
        harborai_error copy = e;
        CU_ASSERT(vendor_error_hide(&copy, lab, shift ? HARBORAI_STR("A") : HARBORAI_STR("AB"), false, true));
        CU_ASSERT(json_is_utf8(slice_of(copy.message)));
    }
}

/* 2026-11-21T11:03:05Z */
#define WALL_NS (INT64_C(1795258985) * NS_PER_S)

static void test_delay(void)
{
    static const struct row {
        const char *value;
        int64_t want; /* -1 = refused */
    } rows[] = {
        {"2", 2000},          {" 2 ", 2000},      {"0", 0},           {"1.5", 1500},
        {"0.0015", 1},        {"120ms", 120},     {"6m0s", 360000},   {"1h2m3.5s", 3723500},
        {"1d", 86400000},     {"99d", 86400000},  {"99999999999999999999", 86400000},
        {"", -1},             {"soon", -1},       {"-1", -1},         {"1x", -1},
        {"1s x", -1},         {".5", -1},
        {"Sat, 21 Nov 2026 11:03:35 GMT", 30000}, {"Sat, 21 Nov 2026 11:03:00 GMT", 0},
        {"Sun, 22 Nov 2026 01:03:05 GMT", 50400000}, {"Mon, 21 Nov 2095 01:03:05 GMT", 86400000},
        {"Sun, 06 Nov 1994 08:49:37 GMT", 0},     {"Sat, 21 Nox 2026 11:03:35 GMT", -1},
        {"Sat, 21 Nov 2026 11:63:35 GMT", -1},    {"Saturday, 21-Nov-26 11:03:35 GMT", -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t ms = -1;
        vendor_error_parse_delay(slice_of(rows[i].value), WALL_NS, &ms);
        ROW(rows[i].value, ms == rows[i].want);
    }
}

static void test_headers(void)
{
    static const struct row {
        const char *name;
        int status;
        harborai_header headers[4];
        int64_t want;
    } rows[] = {
        {"none", 429, {{HARBORAI_STR_INIT("date"), HARBORAI_STR_INIT("x"), {NULL, 0}}}, 0},
        {"seconds", 503, {{HARBORAI_STR_INIT("retry-after"), HARBORAI_STR_INIT("7"), {NULL, 0}}},
         7000},
        {"ms first", 429,
         {{HARBORAI_STR_INIT("retry-after"), HARBORAI_STR_INIT("7"), {NULL, 0}},
          {HARBORAI_STR_INIT("retry-after-ms"), HARBORAI_STR_INIT("250"), {NULL, 0}}}, 250},
        {"ms broken", 429,
         {{HARBORAI_STR_INIT("retry-after"), HARBORAI_STR_INIT("7"), {NULL, 0}},
          {HARBORAI_STR_INIT("retry-after-ms"), HARBORAI_STR_INIT("x"), {NULL, 0}}}, 7000},
        {"reset of what is used up", 429,
         {{HARBORAI_STR_INIT("x-ratelimit-remaining-requests"), HARBORAI_STR_INIT("3"), {NULL, 0}},
          {HARBORAI_STR_INIT("x-ratelimit-reset-requests"), HARBORAI_STR_INIT("9s"), {NULL, 0}},
          {HARBORAI_STR_INIT("x-ratelimit-remaining-tokens"), HARBORAI_STR_INIT("0"), {NULL, 0}},
          {HARBORAI_STR_INIT("x-ratelimit-reset-tokens"), HARBORAI_STR_INIT("120ms"), {NULL, 0}}},
         120},
        {"reset without 429", 500,
         {{HARBORAI_STR_INIT("x-ratelimit-remaining-tokens"), HARBORAI_STR_INIT("0"), {NULL, 0}},
          {HARBORAI_STR_INIT("x-ratelimit-reset-tokens"), HARBORAI_STR_INIT("120ms"), {NULL, 0}}},
         0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ROW(rows[i].name, vendor_error_retry_after_ms(rows[i].status, rows[i].headers, 4,
                                                      WALL_NS) == rows[i].want);
}

const CU_TestInfo error_tests[] = {
    {"vendors' errors", test_vendors},
    {"OpenAI's, row by row", test_openai},
    {"long messages", test_long_message},
    {"as OpenAI writes them", test_write},
    {"the operator's errors", test_hide},
    {"whose business it is", test_hide_words},
    {"what the operator is told", test_told},
    {"the same at length", test_told_at_length},
    {"delays", test_delay},
    {"retry headers", test_headers},
    CU_TEST_INFO_NULL,
};
