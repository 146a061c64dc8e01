/* SPDX-License-Identifier: MIT */
/* Anthropic's usage as HarborAI's classes of tokens. */
#ifndef ANTHROPIC_USAGE_H
#define ANTHROPIC_USAGE_H

#include <stdbool.h>

#include <harborai/plugin.h>

#include "json_value.h"

/* Adds what a usage object says to what is known: its numbers are cumulative. Does not set
 * vendor_json. False: it says nothing of tokens. */
bool usage_add(harborai_usage *usage, harborai_str object);

/* A member of a usage object that means something here; there are USAGE_NAMES of them. */
enum { USAGE_NAMES = 10 };
bool usage_is_name(const struct json_member *member);

/* As harborai_plugin.parse_tokens. */
harborai_status usage_parse(harborai_provider *provider, harborai_str model, harborai_str json,
                            harborai_usage *usage, harborai_error *error);

enum { USAGE_TIER_MOST = 64 };

/* How a message was billed, by its usage object, for pricing(): the service_tier, "fast" for that
 * speed, USAGE_US alone or behind it for inference in the US alone. Empty: as listed. */
#define USAGE_US "us"
harborai_str usage_tier(harborai_str object, char room[static USAGE_TIER_MOST]);

#endif
