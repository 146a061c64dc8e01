/* SPDX-License-Identifier: MIT */
/* An OpenAI request as a request of Anthropic's Messages API. */
#ifndef ANTHROPIC_REQUEST_H
#define ANTHROPIC_REQUEST_H

#include <harborai/plugin.h>

#include "json_out.h"
#include "plugins/anthropic/settings.h"

/* Writes the body onto `out`, which is empty, and tells call->host what was changed. E_INVALID and
 * E_UNSUPPORTED name the member in error->param; E_MEMORY. */
harborai_status request_write(const harborai_provider *settings, harborai_call *call,
                              const harborai_request *request, struct json_out *out,
                              harborai_error *error);

#endif
