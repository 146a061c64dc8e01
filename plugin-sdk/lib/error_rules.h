/* SPDX-License-Identifier: MIT */
/* error_rules: a vendor's own error codes as a table, for harborai_plugin.map_error. The host has
 * filled the error in from the status, Retry-After and OpenAI's format before; a rule says what is
 * odd. Pure, no allocation.
 *
 * Compiled into whoever uses it and hidden there; not part of the ABI. All functions are [any]. */
#ifndef SDK_ERROR_RULES_H
#define SDK_ERROR_RULES_H

#include <stdbool.h>

#include <harborai/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(hidden)

struct error_rule {
    const char *code;       /* the vendor's; a `*` at its begin or end stands for anything. NULL = any */
    const char *phrase;     /* is in the vendor's message; NULL = any */
    harborai_status status; /* HARBORAI_E_…, with its flags */
    const char *message;    /* in place of the vendor's; NULL = the vendor's words stand */
};

/* Applies the first rule that fits: true. Else nothing changes. */
bool error_rules_apply(const struct error_rule *rules, size_t count, harborai_error *error);

/* Where the vendor's header x-should-retry says whether the same request may succeed, that holds. */
void error_rules_should_retry(const harborai_http_response *response, harborai_error *error);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif /* SDK_ERROR_RULES_H */
