/* SPDX-License-Identifier: MIT */
/* A vendor's failure, from its answer: what class it is, and what the vendor says. [any] */
#ifndef CHAT_VENDOR_ERROR_H
#define CHAT_VENDOR_ERROR_H

#include <harborai/plugin.h>

#include "base/slice.h"

/* Fills *ret_error whole from an answer's status and body, which may be anything; a body as long as
 * LIMIT_ERROR_BODY was cut there. What the vendor does not say is said of `provider`. For an error
 * inside a 2xx answer or event give that status and the body, or the `error` found in it. A message
 * of the vendor's may quote the request or a part of the key: vendor_error_hide() for what the
 * client must not see. */
void vendor_error_parse(harborai_str provider, int http_status, int64_t retry_after_ms,
                        harborai_str body, harborai_error *ret_error);

/* Whether a finish_reason, a JSON string, tells that the answer failed. It is its own `error` then. */
bool vendor_error_is_finish(harborai_str reason);

/* For an error that is the operator's (E_AUTH, E_QUOTA, E_CONFIG): true, and what the vendor or its
 * plugin said is replaced by a message that names the provider and the variable of its key ("" = the
 * setting). Else false, and nothing changes. Log the error before. `over_http`: a client of the gateway
 * asked, and learns no more; else the operator did, and the vendor's words follow, and a plugin's stay:
 * those of E_CONFIG, and all unless the vendor `has_answered`. */
bool vendor_error_hide(harborai_error *error, harborai_str provider, harborai_str variable,
                       bool over_http, bool has_answered);

/* For whoever sees nothing but the message: says whose words it has, for a 404 that is about no model
 * that base_url may be wrong, and how long the vendor asks to wait. */
void vendor_error_name(harborai_error *e, harborai_str provider, int http_status);

/* How long a vendor asks to wait, in ms; 0 = it does not say. retry-after-ms goes before
 * retry-after; without both, at 429, the x-ratelimit-reset-* of what is used up. */
int64_t vendor_error_retry_after_ms(int http_status, const harborai_header *headers, size_t count,
                                    int64_t wall_ns);

/* One such value: seconds ("2", "1.5"), a duration ("6m0s", "120ms", "1h2m3.5s"), or an HTTP date,
 * of which the time from `wall_ns` on is left. At most a day. False: none of these. */
bool vendor_error_parse_delay(harborai_str value, int64_t wall_ns, int64_t *ret_ms);

#endif
