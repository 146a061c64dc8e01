/* SPDX-License-Identifier: MIT */
/* What there is of plugins and providers, as the control socket tells it. */
#ifndef SERVER_PLUGINS_JSON_H
#define SERVER_PLUGINS_JSON_H

#include "runtime/listing.h"
#include "wire/json_write.h"

/* What is to be told: everything, or what a name stands for. */
struct plugins_choice {
    const struct runtime_listing *listing;
    harborai_str name; /* of a plugin (short, id, file) or a provider; empty: all */
};

/* How many plugins and providers that are. [any] */
size_t plugins_json_count(const struct plugins_choice *choice);

/* The calls under way that go to none of them any more when they have ended. [any] */
size_t plugins_json_leaving(const struct plugins_choice *choice);

/* The latest of the objects that serve; 0 = nothing is loaded. [any] */
uint64_t plugins_json_generation(const struct plugins_choice *choice);

/* The members "calls", "leaving", "plugins" and "providers" of an open object. [any] */
void plugins_json_write(struct json_writer *w, const struct plugins_choice *choice);

#endif
