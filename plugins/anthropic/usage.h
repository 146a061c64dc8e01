/* SPDX-License-Identifier: MIT */
/* Anthropic's usage as HarborAI's classes of tokens. */
#ifndef ANTHROPIC_USAGE_H
#define ANTHROPIC_USAGE_H

#include <stdbool.h>

#include <harborai/plugin.h>

/* Adds what a usage object says to what is known: its numbers are cumulative. Does not set
 * vendor_json. False: it says nothing of tokens. */
bool usage_add(harborai_usage *usage, harborai_str object);

/* As harborai_plugin.parse_tokens. */
harborai_status usage_parse(harborai_provider *provider, harborai_str model, harborai_str json,
                            harborai_usage *usage, harborai_error *error);

#endif
