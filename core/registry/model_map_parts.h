/* SPDX-License-Identifier: MIT */
/* What a model map is made of: for the two files that build and read it, and no others. */
#ifndef REGISTRY_MODEL_MAP_PARTS_H
#define REGISTRY_MODEL_MAP_PARTS_H

#include "base/arena.h"
#include "registry/model_map.h"

#define MODEL_MAP_SEED UINT64_C(0x6861726230726169) /* fixed: names come from the operator's files */
#define MODEL_MAP_SHOWN 128                         /* of a client's name, in a message */

struct model_map_provider_part {
    harborai_str name;
    struct slot *slot;
    struct manifest *manifest; /* owned reference */
    const harborai_str *patterns;
    size_t pattern_count;
    bool is_open; /* any model, if the provider is named: dynamic_models, or a preset */
    bool enabled, is_removed;
    harborai_str why_off, why_told;
    int64_t priority;
};

struct model_map_pattern {
    harborai_str text;
    size_t literal; /* bytes before the first star */
    const struct model_map_provider_part *provider;
};

/* A name and where it leads, in one piece of memory: what a look-up compares and what it gives. A
 * bare name is the end of its provider/model and shares its route. */
struct model_map_route {
    harborai_status status; /* what a look-up says */
    uint32_t len;           /* of `name` */
    union {
        struct route_view view;
        const struct model_map_route *rivals[2]; /* E_INVALID: the two that it could mean */
    };
    char name[];
};

struct model_map_entry {
    uint32_t hash, len; /* of the name: so much of the end of the route's; 0: free */
    const struct model_map_route *route;
};

static inline const char *model_map_name(const struct model_map_entry *entry)
{
    return entry->route->name + (entry->route->len - entry->len);
}

struct model_map {
    const struct model_map_entry *entries; /* at most half of them taken */
    uint32_t mask;
    const struct model_map_pattern *patterns; /* enabled providers' first; longest literal, highest
                                                 priority first */
    size_t pattern_count;
    struct model_map_provider_part *providers;
    size_t provider_count;
    struct model_map_off *off;
    size_t off_count;
    struct model_map_dormant *dormants; /* owned references */
    size_t dormant_count;
    harborai_str file; /* that names the providers; with it dormants wait for nothing but a name there */
    harborai_str *left_out; /* names of providers */
    size_t left_out_count;
    struct model_listing *listings;
    size_t listing_count;
    const struct model_claim *claims;
    size_t claim_count;
    struct arena arena; /* everything above */
};

const struct model_map_provider_part *model_map_provider_named(const struct model_map *map,
                                                               harborai_str name);
/* Whether a provider serves a model that it does not list. */
bool model_map_admits(const struct model_map_provider_part *p, harborai_str model);
/* What disables that model of a provider by itself; NULL = nothing. */
const struct model_map_off *model_map_off_of(const struct model_map *map, harborai_str provider,
                                             harborai_str model);

/* A name that would be served if nothing were disabled. */
struct model_map_disabled {
    const struct model_map_provider_part *provider;
    harborai_str upstream;
    const struct model_map_off *off; /* NULL: it is the provider that is disabled */
};

/* The provider that would serve the name if its plugin could be used: one that is left out, and an alias
 * or "provider/model" leads to; empty = none. */
harborai_str model_map_find_left_out(const struct model_map *map, harborai_str name);

bool model_map_find_disabled(const struct model_map *map, harborai_str name,
                             struct model_map_disabled *ret_disabled);

#endif
