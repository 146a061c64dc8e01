/* SPDX-License-Identifier: MIT */
/* Anthropic's errors as HarborAI's classes. */
#ifndef ANTHROPIC_ERRORS_H
#define ANTHROPIC_ERRORS_H

#include <harborai/plugin.h>

/* As harborai_plugin.map_error: `error` is filled in already, and put right here. */
harborai_status errors_map(harborai_provider *provider, harborai_call *call,
                           const harborai_http_response *response, harborai_str body,
                           harborai_error *error);

/* Fills `error` from an "error" event within a stream; `json` was checked. */
void errors_read_event(harborai_str json, harborai_error *error);

#endif
