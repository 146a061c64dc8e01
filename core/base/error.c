/* SPDX-License-Identifier: MIT */
/* The table of error codes. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct error_kind kinds[] = {
    {HARBORAI_E_INVALID, "E_INVALID", 400, "invalid_request_error", NULL},
    {HARBORAI_E_AUTH, "E_AUTH", 502, "api_error", "provider_auth"},
    {HARBORAI_E_NOT_FOUND, "E_NOT_FOUND", 404, "invalid_request_error", "model_not_found"},
    {HARBORAI_E_RATE_LIMIT, "E_RATE_LIMIT", 429, "rate_limit_error", "rate_limit_exceeded"},
    {HARBORAI_E_QUOTA, "E_QUOTA", 502, "api_error", "provider_quota"},
    {HARBORAI_E_CONTEXT, "E_CONTEXT", 400, "invalid_request_error", "context_length_exceeded"},
    {HARBORAI_E_FILTERED, "E_FILTERED", 400, "invalid_request_error", "content_filter"},
    {HARBORAI_E_OVERLOADED, "E_OVERLOADED", 503, "service_unavailable_error", "overloaded"},
    {HARBORAI_E_VENDOR, "E_VENDOR", 502, "api_error", "provider_error"},
    {HARBORAI_E_PROTOCOL, "E_PROTOCOL", 502, "api_error", "provider_protocol"},
    {HARBORAI_E_NETWORK, "E_NETWORK", 502, "api_error", "provider_unreachable"},
    {HARBORAI_E_TIMEOUT, "E_TIMEOUT", 504, "api_error", "timeout"},
    {HARBORAI_E_CANCELLED, "E_CANCELLED", 499, "api_error", "cancelled"},
    {HARBORAI_E_UNSUPPORTED, "E_UNSUPPORTED", 501, "invalid_request_error", "unsupported"},
    {HARBORAI_E_CONFIG, "E_CONFIG", 500, "api_error", "provider_config"},
    {HARBORAI_E_MEMORY, "E_MEMORY", 500, "api_error", "out_of_memory"},
    {HARBORAI_E_CLOSED, "E_CLOSED", 500, "api_error", "closed"},
    {HARBORAI_E_INTERNAL, "E_INTERNAL", 500, "api_error", "internal_error"},
};

const struct error_kind *error_kind_of(harborai_status code)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i].code == code)
            return &kinds[i];
    return &kinds[ARRAY_LEN(kinds) - 1];
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
