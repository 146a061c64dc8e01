/* SPDX-License-Identifier: MIT */
/* The vendors' error bodies as they document them, through the host's own reading and then map_error():
 *   DeepSeek  https://api-docs.deepseek.com/quick_start/error_codes (2026-11-21)
 *   Qianfan   https://cloud.baidu.com/doc/qianfan-api/s/rmwbl43x7 (2026-11-11), version 1:
 *             https://ai.baidu.com/ai-doc/WENXINWORKSHOP/tlmyncueh (2025-09-05)
 *   Ark       https://www.volcengine.com/docs/82379/1099476, codes for calls of models
 *   OpenAI    https://platform.openai.com/docs/guides/error-codes; servers of its format by presets
 * Status 200 is an `error` within an answer or a stream. */
#include "../unit.h"
#include "base/attr.h"
#include "bench.h"
#include "chat/vendor_error.h"

#define R HARBORAI_ERROR_RETRYABLE
#define F HARBORAI_ERROR_FALLBACK
#define N HARBORAI_ERROR_NOT_BILLED
#define O HARBORAI_ERROR_OPENAI_CODE

#define DEEPSEEK(message)                                                                          \
    "{\"error\":{\"message\":\"" message "\",\"type\":\"invalid_request_error\",\"param\":null,"   \
    "\"code\":\"invalid_request_error\"}}"
#define QIANFAN(code, message, type)                                                               \
    "{\"error\":{\"code\":\"" code "\",\"message\":\"" message "\",\"type\":\"" type "\"},"        \
    "\"id\":\"as-t2z8xi6mm8\"}"
#define ARK(code, message, type)                                                                   \
    "{\"error\":{\"code\":\"" code "\",\"message\":\"" message " Request id: 021\","               \
    "\"param\":\"\",\"type\":\"" type "\"}}"

#define OPENAI(code)                                                                               \
    "{\"error\":{\"message\":\"no reason\",\"type\":\"invalid_request_error\",\"param\":null,"      \
    "\"code\":" code "}}"

static const struct row {
    const char *name, *plugin;
    int http_status;
    const char *body;
    harborai_status code;
    uint32_t flags;
    const char *message; /* a part of it */
} rows[] = {
    {"format", "deepseek", 400, DEEPSEEK("Invalid format"), HARBORAI_E_INVALID, N, "Invalid format"},
    {"model", "deepseek", 400, DEEPSEEK("Model Not Exist"), HARBORAI_E_NOT_FOUND, F | N,
     "list-models"},
    {"risk", "deepseek", 400, DEEPSEEK("Content Exists Risk"), HARBORAI_E_FILTERED, 0, "Risk"},
    {"context", "deepseek", 400,
     DEEPSEEK("This model's maximum context length is 131072 tokens. However, you requested 131134 "
              "tokens"),
     HARBORAI_E_CONTEXT, F | N, "131134"},
    {"reasoning", "deepseek", 400,
     DEEPSEEK("The reasoning_content in the thinking mode must be passed back to the API."),
     HARBORAI_E_INVALID, N, "passed back"},
    {"key", "deepseek", 401,
     "{\"error\":{\"message\":\"Authentication Fails\",\"type\":\"authentication_error\","
     "\"param\":null,\"code\":\"invalid_request_error\"}}",
     HARBORAI_E_AUTH, F | N, "Authentication Fails"},
    {"balance", "deepseek", 402,
     "{\"error\":{\"message\":\"Insufficient Balance\",\"type\":\"unknown_error\",\"param\":null,"
     "\"code\":\"invalid_request_error\"}}",
     HARBORAI_E_QUOTA, F | N, "Insufficient Balance"},
    {"balance within a stream", "deepseek", 200, DEEPSEEK("Insufficient Balance"), HARBORAI_E_QUOTA,
     F | N, "Insufficient Balance"},
    {"key within a stream", "deepseek", 200,
     "{\"error\":{\"message\":\"no\",\"type\":\"authentication_error\",\"param\":null,"
     "\"code\":\"invalid_request_error\"}}",
     HARBORAI_E_AUTH, F | N, "no"},
    {"parameters", "deepseek", 422, DEEPSEEK("Invalid Parameters"), HARBORAI_E_INVALID, N, ""},
    {"rate", "deepseek", 429, DEEPSEEK("Rate limit reached"), HARBORAI_E_RATE_LIMIT, R | F | N, ""},
    {"server", "deepseek", 500, DEEPSEEK("Server Error"), HARBORAI_E_VENDOR, R | F, ""},
    {"overloaded", "deepseek", 503, DEEPSEEK("Server Overloaded"), HARBORAI_E_OVERLOADED, R | F | N,
     ""},
    {"resources", "deepseek", 200, "\"insufficient_system_resource\"", HARBORAI_E_OVERLOADED,
     R | F | N, "ran out of resources"},

    {"JSON", "wenxin", 400, QIANFAN("malformed_json", "Invalid Argument", "invalid_request_error"),
     HARBORAI_E_INVALID, N, "Invalid Argument"},
    {"no model", "wenxin", 400, QIANFAN("invalid_model", "model is empty", "invalid_request_error"),
     HARBORAI_E_INVALID, N, "model is empty"},
    {"messages", "wenxin", 400,
     QIANFAN("invalid_messages", "the content of message 1 is empty", "invalid_request_error"),
     HARBORAI_E_INVALID, N, "message 1"},
    {"characters", "wenxin", 400,
     QIANFAN("characters_too_long", "the max input characters is 516096", "invalid_request_error"),
     HARBORAI_E_CONTEXT, F | N, "516096"},
    {"tokens", "wenxin", 400,
     QIANFAN("tokens_too_long", "Prompt tokens too long", "invalid_request_error"),
     HARBORAI_E_CONTEXT, F | N, "too long"},
    {"argument", "wenxin", 400,
     QIANFAN("invalid_argument", "temperature must be in (0, 1]", "invalid_request_error"),
     HARBORAI_E_INVALID, N, "temperature"},
    {"image", "wenxin", 400,
     QIANFAN("image_url_unsafe", "the content of image_url.url is unsafe", "unsafe_request"),
     HARBORAI_E_FILTERED, 0, "unsafe"},
    {"parameter", "wenxin", 401,
     QIANFAN("no_parameter_permission", "no permission for web_search", "access_denied"),
     HARBORAI_E_UNSUPPORTED, F | N, "web_search"},
    {"model's permission", "wenxin", 401,
     QIANFAN("invalid_model", "No permission to use the model", "invalid_request_error"),
     HARBORAI_E_NOT_FOUND, F | N, "list-models"},
    {"appid", "wenxin", 401,
     QIANFAN("invalid_appid", "No permission to use the appid", "invalid_request_error"),
     HARBORAI_E_AUTH, F | N, "check the option appid"},
    {"key", "wenxin", 401,
     QIANFAN("invalid_iam_token", "IAM authentication failed", "invalid_request_error"),
     HARBORAI_E_AUTH, F | N, "bce-v3/ALTAK-"},
    {"key within a stream", "wenxin", 200,
     QIANFAN("invalid_iam_token", "IAM authentication failed", "access_denied"), HARBORAI_E_AUTH,
     F | N, "bce-v3/ALTAK-"},
    {"system", "wenxin", 403,
     QIANFAN("system_unsafe", "the content of system field is invalid", "unsafe_request"),
     HARBORAI_E_FILTERED, 0, "system field"},
    {"user", "wenxin", 403,
     QIANFAN("user_setting_unsafe", "the content of user field is invalid", "unsafe_request"),
     HARBORAI_E_FILTERED, 0, ""},
    {"functions", "wenxin", 403,
     QIANFAN("functions_unsafe", "the content of functions field is invalid", "unsafe_request"),
     HARBORAI_E_FILTERED, 0, ""},
    {"overdue", "wenxin", 403, QIANFAN("account_overdue", "account overdue", "access_denied"),
     HARBORAI_E_QUOTA, F | N, ""},
    {"offline", "wenxin", 403,
     QIANFAN("model_offline", "ernie-4.5-turbo-128k has been taken offline", "access_denied"),
     HARBORAI_E_NOT_FOUND, F | N, "offline"},
    {"method", "wenxin", 405,
     QIANFAN("method_not_supported", "Only POST requests are accepted", "invalid_request_error"),
     HARBORAI_E_INVALID, N, "POST"},
    {"requests a minute", "wenxin", 429,
     QIANFAN("rpm_rate_limit_exceeded", "Rate limit reached for RPM", "rate_limit_exceeded"),
     HARBORAI_E_RATE_LIMIT, R | F | N, "RPM"},
    {"input tokens a minute", "wenxin", 429,
     QIANFAN("input_tpm_rate_limit_exceeded", "Rate limit reached", "rate_limit_exceeded"),
     HARBORAI_E_RATE_LIMIT, R | F | N, ""},
    {"cluster", "wenxin", 429,
     QIANFAN("cluster_rpm_rate_limit_exceeded", "Rate limit reached", "rate_limit_exceeded"),
     HARBORAI_E_RATE_LIMIT, R | F | N, ""},
    {"preemptible", "wenxin", 429,
     QIANFAN("preemptible_rate_limit_exceeded", "Rate limit reached", "rate_limit_exceeded"),
     HARBORAI_E_RATE_LIMIT, R | F | N, ""},
    {"internal", "wenxin", 500, QIANFAN("internal_error", "Internal error", "internal_error"),
     HARBORAI_E_VENDOR, R | F, ""},
    {"dispatch", "wenxin", 500, QIANFAN("dispatch_internal_error", "Internal error", "internal_error"),
     HARBORAI_E_VENDOR, R | F, ""},
    {"within a stream", "wenxin", 200,
     QIANFAN("tpm_rate_limit_exceeded", "Rate limit reached", "rate_limit_exceeded"),
     HARBORAI_E_RATE_LIMIT, R | F | N, ""},
    {"unsafe within a stream", "wenxin", 200, QIANFAN("system_unsafe", "no", "unsafe_request"),
     HARBORAI_E_FILTERED, 0, ""},
    {"internal within a stream", "wenxin", 200, QIANFAN("internal_error", "no", "internal_error"),
     HARBORAI_E_VENDOR, R | F, ""},
    {"v1 token", "wenxin", 401,
     "{\"error_code\":110,\"error_msg\":\"Access token invalid or no longer valid\"}", HARBORAI_E_AUTH,
     F | N, "no longer valid: Qianfan takes a key of version 2"},
    {"v1 daily limit", "wenxin", 400,
     "{\"error_code\":17,\"error_msg\":\"Open api daily request limit reached\"}", HARBORAI_E_QUOTA,
     F | N, "daily"},
    {"v1 pace", "wenxin", 400,
     "{\"error_code\":18,\"error_msg\":\"Open api qps request limit reached\"}", HARBORAI_E_RATE_LIMIT,
     R | F | N, ""},
    {"v1 unavailable", "wenxin", 500,
     "{\"error_code\":2,\"error_msg\":\"Service temporarily unavailable\"}", HARBORAI_E_OVERLOADED,
     R | F | N, ""},
    {"no JSON", "wenxin", 502, "<html>", HARBORAI_E_VENDOR, R | F, "answered 502"},

    {"missing", "doubao", 400,
     ARK("MissingParameter", "The request failed because it is missing one parameter", "BadRequest"),
     HARBORAI_E_INVALID, N, "missing"},
    {"parameter", "doubao", 400,
     ARK("InvalidParameter", "One or more parameters specified in the request are not valid.",
         "BadRequest"),
     HARBORAI_E_INVALID, N, "not valid"},
    {"context", "doubao", 400,
     ARK("InvalidParameter", "Input length 203743 exceeds the maximum length 202752", "BadRequest"),
     HARBORAI_E_CONTEXT, F | N, "203743"},
    {"context with images", "doubao", 400,
     ARK("InvalidParameter", "Total tokens of image and text exceed max message tokens",
         "BadRequest"),
     HARBORAI_E_CONTEXT, F | N, ""},
    {"closed", "doubao", 400,
     ARK("InvalidEndpoint.ClosedEndpoint", "an endpoint that is currently closed", "BadRequest"),
     HARBORAI_E_NOT_FOUND, F | N, "closed"},
    {"sensitive", "doubao", 400,
     ARK("SensitiveContentDetected.SevereViolation", "sensitive", "BadRequest"),
     HARBORAI_E_FILTERED, 0, ""},
    {"sensitive input", "doubao", 400,
     ARK("InputTextSensitiveContentDetected", "sensitive", "BadRequest"), HARBORAI_E_FILTERED, 0, ""},
    {"sensitive image", "doubao", 400,
     ARK("InputImageSensitiveContentDetected.PolicyViolation", "sensitive", "BadRequest"),
     HARBORAI_E_FILTERED, 0, ""},
    {"risk of the input", "doubao", 400,
     ARK("InputTextRiskDetection", "violates ContentSecurityDetection", "BadRequest"),
     HARBORAI_E_FILTERED, 0, ""},
    {"risk of the output", "doubao", 200,
     ARK("OutputTextRiskDetection", "violates ContentSecurityDetection", "BadRequest"),
     HARBORAI_E_FILTERED, 0, ""},
    {"key", "doubao", 401,
     ARK("AuthenticationError", "The API key or AK/SK in the request is missing or invalid.",
         "Unauthorized"),
     HARBORAI_E_AUTH, F | N, ""},
    {"overdue", "doubao", 403,
     ARK("AccountOverdueError", "your account has an overdue balance", "Forbidden"),
     HARBORAI_E_QUOTA, F | N, ""},
    {"access", "doubao", 403, ARK("AccessDenied", "you do not have access", "Forbidden"),
     HARBORAI_E_AUTH, F | N, ""},
    {"service not open", "doubao", 403,
     ARK("OperationDenied.ServiceNotOpen", "account 2100 has not", "Forbidden"),
     HARBORAI_E_NOT_FOUND, F | N, "has not activated this model"},
    {"service overdue", "doubao", 403, ARK("OperationDenied.ServiceOverdue", "overdue", "Forbidden"),
     HARBORAI_E_QUOTA, F | N, ""},
    {"not found", "doubao", 404,
     ARK("InvalidEndpointOrModel.NotFound", "The model or endpoint x does not exist", "NotFound"),
     HARBORAI_E_NOT_FOUND, F | N, "model or endpoint"},
    {"not open", "doubao", 404,
     ARK("ModelNotOpen", "Your account 2100 has not activated the model x", "NotFound"),
     HARBORAI_E_NOT_FOUND, F | N, "activate it in the console"},
    {"disabled", "doubao", 404,
     ARK("InvalidEndpointOrModel.ModelIDAccessDisabled", "account 2100", "NotFound"),
     HARBORAI_E_NOT_FOUND, F | N, "model or endpoint"},
    {"unsupported", "doubao", 404, ARK("UnsupportedModel", "does not support chat", "NotFound"),
     HARBORAI_E_NOT_FOUND, F | N, "chat"},
    {"requests", "doubao", 429,
     ARK("RateLimitExceeded.EndpointRPMExceeded", "RPM", "TooManyRequests"), HARBORAI_E_RATE_LIMIT,
     R | F | N, "RPM"},
    {"tokens", "doubao", 429,
     ARK("RateLimitExceeded.EndpointTPMExceeded", "TPM", "TooManyRequests"), HARBORAI_E_RATE_LIMIT,
     R | F | N, ""},
    {"model's requests", "doubao", 429,
     ARK("ModelAccountRpmRateLimitExceeded", "RPM", "TooManyRequests"), HARBORAI_E_RATE_LIMIT,
     R | F | N, ""},
    {"model's tokens within a stream", "doubao", 200,
     ARK("ModelAccountTpmRateLimitExceeded", "TPM", "TooManyRequests"), HARBORAI_E_RATE_LIMIT,
     R | F | N, ""},
    {"account", "doubao", 429, ARK("AccountRateLimitExceeded", "x", "TooManyRequests"),
     HARBORAI_E_RATE_LIMIT, R | F | N, ""},
    {"burst", "doubao", 429, ARK("RequestBurstTooFast", "x", "TooManyRequests"),
     HARBORAI_E_RATE_LIMIT, R | F | N, ""},
    {"batch", "doubao", 429, ARK("InflightBatchsizeExceeded", "x", "TooManyRequests"),
     HARBORAI_E_RATE_LIMIT, R | F | N, ""},
    {"overloaded", "doubao", 429, ARK("ServerOverloaded", "x", "TooManyRequests"),
     HARBORAI_E_OVERLOADED, R | F | N, ""},
    {"quota", "doubao", 429, ARK("QuotaExceeded", "account 2100 has exhausted its free trial quota",
                                 "TooManyRequests"),
     HARBORAI_E_QUOTA, F | N, ""},
    {"set limit", "doubao", 429, ARK("SetLimitExceeded", "x", "TooManyRequests"), HARBORAI_E_QUOTA,
     F | N, ""},
    {"internal", "doubao", 500, ARK("InternalServiceError", "x", "InternalServerError"),
     HARBORAI_E_VENDOR, R | F, ""},
    {"internal within a stream", "doubao", 200,
     ARK("InternalServiceError", "x", "InternalServerError"), HARBORAI_E_VENDOR, R | F, ""},
    {"OpenAI's word", "openai", 400, OPENAI("\"unsupported_parameter\""), HARBORAI_E_INVALID, N | O,
     "no reason"},
    {"of another class", "openai", 429, OPENAI("\"rate_limit_exceeded\""), HARBORAI_E_RATE_LIMIT,
     R | F | N, ""},
    {"none", "openai", 400, OPENAI("null"), HARBORAI_E_INVALID, N, ""},
    {"vLLM's number", "openai", 400, OPENAI("400"), HARBORAI_E_INVALID, N, ""},
    {"a server's own", "openai", 400, OPENAI("\"InvalidParameter\""), HARBORAI_E_INVALID, N, ""},
};

static void check_row(const struct bench *b, const struct row *row)
{
    const harborai_http_response response = {.size = sizeof response, .status = row->http_status};
    harborai_str body = unit_tight((harborai_str){row->body, strlen(row->body)});
    harborai_error error;
    vendor_error_parse(HARBORAI_STR("lab"), row->http_status, 0, body, &error);
    harborai_status st = b->plugin->map_error(NULL, NULL, &response, body, &error);
    ROW(row->name, st == HARBORAI_OK);
    ROW(row->name, error.code == row->code);
    ROW(row->name, error.flags == row->flags);
    ROW(row->name, strstr(error.message, row->message) != NULL);
    if (error.code != row->code || error.flags != row->flags)
        fprintf(stderr, "  %s %d: code %d flags %#x\n", row->plugin, row->http_status,
                error.code, error.flags);
    unit_drop(body);
}

static void test_rows(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bench b;
        bench_open(&b, rows[i].plugin, "{\"base_url\":\"https://example.com\"}");
        check_row(&b, &rows[i]);
        bench_close(&b);
    }
}

/* The numbers of operators' accounts are nobody's business. */
static void test_accounts(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const harborai_http_response response = {.size = sizeof response,
                                                 .status = rows[i].http_status};
        harborai_str body = {rows[i].body, strlen(rows[i].body)};
        harborai_error error;
        struct bench b;
        bench_open(&b, rows[i].plugin, "{\"base_url\":\"https://example.com\"}");
        vendor_error_parse(HARBORAI_STR("lab"), rows[i].http_status, 0, body, &error);
        (void)b.plugin->map_error(NULL, NULL, &response, body, &error);
        vendor_error_hide(&error, HARBORAI_STR("lab"), HARBORAI_STR("LAB_KEY"), true, true);
        ROW(rows[i].name, strstr(error.message, "2100") == NULL);
        bench_close(&b);
    }
}

const CU_TestInfo errors_tests[] = {{"rows", test_rows},
                                    {"accounts", test_accounts},
                                    CU_TEST_INFO_NULL};
