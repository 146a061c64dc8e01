/* SPDX-License-Identifier: MIT */
/* Errors: {"type":"error","error":{"type","message","details":{"error_code"}},"request_id"}.
 * [D] platform.claude.com/docs/en/api/errors; [SDK] anthropic 2.12.0, _exceptions.py (where
 * error_code stands), types/shared/…_spend_limit_reached_error.py. The type decides; the message
 * only where the vendor has no other word. Whether to try again: x-should-retry, which wins in the
 * vendor's own client ([SDK] _base_client.py, _should_retry). Must never repeat a key: the
 * vendor's text quotes none. */
#include "plugins/anthropic/errors.h"

#include <stdbool.h>
#include <stdio.h>

#include "error_rules.h"
#include "json_value.h"

struct word {
    const char *text;
    harborai_status code;
};

static const struct word types[] = {
    {"invalid_request_error", HARBORAI_E_INVALID}, {"authentication_error", HARBORAI_E_AUTH},
    {"billing_error", HARBORAI_E_QUOTA},           {"permission_error", HARBORAI_E_AUTH},
    {"not_found_error", HARBORAI_E_NOT_FOUND},     {"request_too_large", HARBORAI_E_INVALID},
    {"rate_limit_error", HARBORAI_E_RATE_LIMIT},   {"api_error", HARBORAI_E_VENDOR},
    {"conflict_error", HARBORAI_E_VENDOR},         {"timeout_error", HARBORAI_E_TIMEOUT},
    {"overloaded_error", HARBORAI_E_OVERLOADED},
};

/* Of the status, where the body says nothing: a proxy's, or one that was cut. */
static const struct {
    int32_t status;
    harborai_status code;
} statuses[] = {
    {402, HARBORAI_E_QUOTA},  {409, HARBORAI_E_VENDOR},  {413, HARBORAI_E_INVALID},
    {504, HARBORAI_E_TIMEOUT}, {529, HARBORAI_E_OVERLOADED},
};

/* Under 429, but waiting does not help: the money is gone. */
static const struct word codes[] = {
    {"enforced_spend_limit_reached", HARBORAI_E_QUOTA},
    {"contract_spend_limit_reached", HARBORAI_E_QUOTA},
    {"linked_organization_spend_limit_reached", HARBORAI_E_QUOTA},
    {"linked_organization_billing_unavailable", HARBORAI_E_QUOTA},
    {"organization_on_hold", HARBORAI_E_QUOTA},
};

/* Under 400 without a code of their own. The first two: github.com/BerriAI/litellm,
 * exception_mapping_utils, and many issues (second-hand); the others likewise of the console. */
static const struct word messages[] = {
    {"prompt is too long", HARBORAI_E_CONTEXT},
    {"exceed context limit", HARBORAI_E_CONTEXT},
    {"credit balance is too low", HARBORAI_E_QUOTA},
    {"specified API usage limits", HARBORAI_E_QUOTA},
    {"blocked by content filtering policy", HARBORAI_E_FILTERED}, /* claude-code's issues */
};

static harborai_status find(const struct word *words, size_t count, harborai_str text)
{
    for (size_t i = 0; i < count; i++)
        if (json_string_equal(text, (harborai_str){words[i].text, strlen(words[i].text)}))
            return words[i].code;
    return HARBORAI_OK;
}

#define FIND(words, text) find((words), sizeof(words) / sizeof *(words), (text))

static harborai_status find_in_message(const char *message)
{
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++)
        if (strstr(message, messages[i].text) != NULL)
            return messages[i].code;
    return HARBORAI_OK;
}

static void copy_text(char *to, size_t size, harborai_str value)
{
    size_t len = 0;
    if (json_kind(value) != JSON_STRING)
        return;
    const char *p = value.data + 1, *end = value.data + value.len - 1;
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

/* Class and code of an `error` object. `error->message` is the vendor's already. */
static void classify(harborai_str object, int32_t status, harborai_error *error)
{
    harborai_str type = json_member(object, HARBORAI_STR("type"));
    harborai_str code = json_pointer_find(object, HARBORAI_STR("/details/error_code"));
    if (code.len == 0) /* second-hand */
        code = json_member(object, HARBORAI_STR("error_code"));
    harborai_status class = FIND(codes, code);
    if (class == HARBORAI_OK && (status == 400 || status == 413 || status < 300))
        class = find_in_message(error->message);
    if (class == HARBORAI_OK)
        class = FIND(types, type);
    for (size_t i = 0; class == HARBORAI_OK && i < sizeof statuses / sizeof *statuses; i++)
        if (statuses[i].status == status)
            class = statuses[i].code;
    if (json_kind(code) == JSON_STRING || json_kind(type) == JSON_STRING)
        copy_text(error->vendor_code, sizeof error->vendor_code,
                  json_kind(code) == JSON_STRING ? code : type);
    if (class == HARBORAI_OK)
        return;
    error->code = class;
    error->flags = harborai_error_flags(class);
    if (class == HARBORAI_E_QUOTA)
        error->retry_after_ms = 0;
}

harborai_status errors_map(harborai_provider *provider, harborai_call *call,
                           const harborai_http_response *response, harborai_str body,
                           harborai_error *error)
{
    harborai_str value = {NULL, 0};
    (void)provider, (void)call;
    if (json_scan(body, NULL, &value, NULL) < 0)
        value.len = 0;
    classify(json_member(value, HARBORAI_STR("error")), response->status, error);
    if (response->status == 413 && error->code == HARBORAI_E_INVALID)
        harborai_error_set(error, HARBORAI_E_INVALID,
                           "the request is larger than the 32 MB that Anthropic takes: send "
                           "smaller images, or fewer");
    else if (error->code == HARBORAI_E_NOT_FOUND && strncmp(error->message, "model: ", 7) == 0)
        harborai_error_set(error, HARBORAI_E_NOT_FOUND,
                           "Anthropic does not have this model, or not any more");
    if (error->code != HARBORAI_E_QUOTA) /* no second time brings the money back */
        error_rules_should_retry(response, error);
    return HARBORAI_OK;
}

void errors_read_event(harborai_str json, harborai_error *error)
{
    harborai_str object = json_member(json, HARBORAI_STR("error"));
    harborai_error_set(error, HARBORAI_E_VENDOR, "Anthropic broke off without saying why");
    copy_text(error->message, sizeof error->message, json_member(object, HARBORAI_STR("message")));
    classify(object, 200, error);
}
