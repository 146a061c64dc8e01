/* SPDX-License-Identifier: MIT */
/* The table of error codes. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A client is told 4xx of what it can mend itself, and libraries ask again upon 5xx: so 400 where its request wants
 * what there is not, and 502 where the operator's key or account is at fault. Some libraries then ask twice for
 * nothing; but any 4xx would blame the caller, 401 his own key, and what stands before several gateways would not
 * try another one, whose key is good. */
static const struct error_kind kinds[] = {
    {HARBORAI_E_INVALID, "E_INVALID", 400, "invalid_request_error", NULL,
     "the request is wrong", "correct it: the same again cannot help"},
    {HARBORAI_E_AUTH, "E_AUTH", 502, "api_error", "provider_auth",
     "the vendor refused the key", "check the provider's api_key and what it is allowed to do"},
    {HARBORAI_E_NOT_FOUND, "E_NOT_FOUND", 404, "invalid_request_error", "model_not_found",
     "there is no such model", "'harborai list-models' shows those that there are"},
    {HARBORAI_E_RATE_LIMIT, "E_RATE_LIMIT", 429, "rate_limit_error", "rate_limit_exceeded",
     "too many requests or tokens", "ask again later, or ask for a higher limit"},
    {HARBORAI_E_QUOTA, "E_QUOTA", 502, "api_error", "provider_quota",
     "the account has no credit left", "see the account with the vendor"},
    {HARBORAI_E_CONTEXT, "E_CONTEXT", 400, "invalid_request_error", "context_length_exceeded",
     "the conversation is longer than the model's context window",
     "shorten it, or take a model with a larger window"},
    {HARBORAI_E_FILTERED, "E_FILTERED", 400, "invalid_request_error", "content_filter",
     "the vendor's content policy refused it", "word it differently"},
    {HARBORAI_E_OVERLOADED, "E_OVERLOADED", 503, "service_unavailable_error", "overloaded",
     "there is no capacity", "ask again later"},
    {HARBORAI_E_VENDOR, "E_VENDOR", 502, "api_error", "provider_error",
     "the vendor failed", "ask again later, or another provider"},
    {HARBORAI_E_PROTOCOL, "E_PROTOCOL", 502, "api_error", "provider_protocol",
     "the answer is not what the vendor's API promises",
     "check the provider's base_url and plugin"},
    {HARBORAI_E_NETWORK, "E_NETWORK", 502, "api_error", "provider_unreachable",
     "the vendor was not reached, or the connection broke",
     "check the provider's base_url, the network and any proxy"},
    {HARBORAI_E_TIMEOUT, "E_TIMEOUT", 504, "api_error", "timeout",
     "a time limit passed", "ask again, or raise the limit under timeouts"},
    {HARBORAI_E_CANCELLED, "E_CANCELLED", 499, "api_error", "cancelled",
     "the caller left", "nothing"},
    {HARBORAI_E_UNSUPPORTED, "E_UNSUPPORTED", 400, "invalid_request_error", "unsupported",
     "the model or its plugin cannot do that",
     "leave it out of the request, or take another model"},
    {HARBORAI_E_CONFIG, "E_CONFIG", 500, "api_error", "provider_config",
     "the configuration is wrong", "correct it: 'harborai list-models' tells which provider"},
    {HARBORAI_E_MEMORY, "E_MEMORY", 500, "api_error", "out_of_memory",
     "no memory left, or a limit of it was reached", "ask for less, or give the process more"},
    {HARBORAI_E_CLOSED, "E_CLOSED", 500, "api_error", "closed",
     "the call has ended already", "stop working on it"},
    {HARBORAI_E_INTERNAL, "E_INTERNAL", 500, "api_error", "internal_error",
     "a bug of the plugin's", "tell the plugin's author"},
};

const struct error_kind *error_kind_of(harborai_status code)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i].code == code)
            return &kinds[i];
    return &kinds[ARRAY_LEN(kinds) - 1];
}

#define FULL_RETRY_MS 1000 /* most calls end within seconds */

harborai_status error_set_full(harborai_error *error)
{
    if (error == NULL)
        return HARBORAI_E_OVERLOADED;
    harborai_error_set(error, HARBORAI_E_OVERLOADED,
                       "no memory left for this request: ask again in a moment");
    error_set_code(error, "out_of_memory");
    error->retry_after_ms = FULL_RETRY_MS;
    return HARBORAI_E_OVERLOADED;
}

void error_explain(harborai_error *error, const char *who)
{
    const struct error_kind *kind = error_kind_of(error->code);
    if (error->message[0] == '\0')
        snprintf(error->message, sizeof error->message, "%s gave no reason: %s; %s", who,
                 kind->meaning, kind->way_out);
}

const char *error_of_errno(int number, char text[static 128])
{
    return strerror_r(number, text, 128);
}

harborai_status error_set_list(harborai_error *error, harborai_status code, const char *format,
                               va_list arguments)
{
    if (error == NULL)
        return code;
    harborai_error_set(error, code, "%s", "");
    vsnprintf(error->message, sizeof error->message, format, arguments);
    return code;
}

void error_set_code(harborai_error *error, const char *code)
{
    if (error == NULL)
        return;
    snprintf(error->vendor_code, sizeof error->vendor_code, "%s", code);
    error->flags |= HARBORAI_ERROR_OPENAI_CODE;
}

void error_check_code(harborai_error *error)
{
    if (error->code != HARBORAI_E_INVALID || error->vendor_code[0] == '\0')
        error->flags &= ~(uint32_t)HARBORAI_ERROR_OPENAI_CODE;
}

void error_prefix(harborai_error *error, const char *format, ...)
{
    char message[sizeof error->message];
    va_list arguments;

    if (error == NULL)
        return;
    memcpy(message, error->message, sizeof message);
    va_start(arguments, format);
    int len = vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    if (len >= 0 && (size_t)len < sizeof error->message)
        snprintf(error->message + len, sizeof error->message - (size_t)len, "%s", message);
}
