/* SPDX-License-Identifier: MIT */
/* One blocking exchange outside a call, by an ordinary libcurl transfer: what a plugin's create()
 * and tick() use. [job] */
#ifndef TRANSPORT_HTTP_WAIT_H
#define TRANSPORT_HTTP_WAIT_H

#include <harborai/plugin.h>

#include "base/attr.h"
#include "base/slice.h"

/* `headers` are complete lines, with secrets put in. `done` runs before this returns, for any
 * status; not at all when there was no answer. Limits: 60 s, 32 MiB. No redirects. */
MUST_CHECK harborai_status http_wait(harborai_str method, harborai_str url, harborai_str headers,
                                     harborai_str body, const char *ca_file,
                                     void (*done)(void *context,
                                                  const harborai_http_response *answer,
                                                  harborai_str body),
                                     void *context, harborai_error *error);

#endif
