/* SPDX-License-Identifier: MIT */
/* Looks up what a vendor's code means. Adds no text of its own. */
#include "error_rules.h"

#include <string.h>

static bool code_fits(const char *pattern, const char *code)
{
    size_t len = strlen(pattern), given = strlen(code);
    if (len > 0 && pattern[0] == '*')
        return given >= len - 1 && strcmp(code + given - (len - 1), pattern + 1) == 0;
    if (len > 0 && pattern[len - 1] == '*')
        return strncmp(code, pattern, len - 1) == 0;
    return strcmp(code, pattern) == 0;
}

bool error_rules_apply(const struct error_rule *rules, size_t count, harborai_error *error)
{
    for (size_t i = 0; i < count; i++) {
        const struct error_rule *rule = &rules[i];
        if ((rule->code != NULL && !code_fits(rule->code, error->vendor_code)) ||
            (rule->phrase != NULL && strstr(error->message, rule->phrase) == NULL))
            continue;
        if (rule->message != NULL) {
            harborai_error_set(error, rule->status, "%s", rule->message);
        } else {
            error->code = rule->status;
            error->flags = harborai_error_flags(rule->status);
        }
        return true;
    }
    return false;
}

void error_rules_should_retry(const harborai_http_response *response, harborai_error *error)
{
    for (size_t i = 0; i < response->header_count; i++) {
        if (!harborai_str_equal(response->headers[i].name, "x-should-retry"))
            continue;
        if (harborai_str_equal(response->headers[i].value, "true"))
            error->flags |= HARBORAI_ERROR_RETRYABLE;
        else if (harborai_str_equal(response->headers[i].value, "false"))
            error->flags &= ~(uint32_t)HARBORAI_ERROR_RETRYABLE;
    }
}
