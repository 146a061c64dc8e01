/* SPDX-License-Identifier: MIT */
/* Which provider answers for a name that a client asks for. Immutable once built: the runtime
 * publishes it behind a snapshot, readers take no lock. What a look-up gives is valid as long as the
 * map: a loop copies what it needs after the pass.
 *
 * A name means, in this order:
 *   1. an alias of the configuration            smart
 *   2. provider/model, model being exact, an alias or matched by a pattern of that provider
 *   3. a model's exact name                     gpt-4o
 *   4. an alias in a plugin's manifest          gpt-4o-latest
 *   5. the pattern with the longest text before its first '*'
 * Where two providers stand on the same step the higher priority counts; where that is the same too,
 * the name is ambiguous: nobody guesses. */
#ifndef REGISTRY_MODEL_MAP_H
#define REGISTRY_MODEL_MAP_H

#include "base/attr.h"
#include "base/hash.h"
#include "config/faults.h"
#include "plugin/manifest.h"
#include "plugin/slot.h"

struct model_map_provider {
    struct slot *slot; /* handed out by look-ups; not touched */
    harborai_str name; /* "lab" */
    struct manifest *manifest; /* the map takes a reference of its own */
    const harborai_str *models; /* what it serves in place of the manifest's models, aliases and */
    size_t model_count;         /* patterns; names as they stand, or globs; 0 = the manifest's */
    bool enabled;
    harborai_str why_off;      /* who disabled it, where, and how it is enabled, or what of it went;
                                  may be empty */
    harborai_str why_told;     /* what of that clients over HTTP may know: no path of this machine */
    bool is_open;              /* nothing is the manifest's, and "name/model" takes any model */
    int64_t priority;
};

struct model_map_alias {
    harborai_str name, target; /* models: { smart: openai/gpt-4o } */
    struct config_place place; /* where it was written, for faults; no file: unknown */
};

/* Models that are disabled, whoever serves them; of an alias of a manifest that name of it alone. */
struct model_map_off {
    harborai_str pattern;       /* a glob over provider/model */
    harborai_str why, why_told; /* as `why_off` */
};

/* A plugin that serves nothing, because no provider of it exists: only errors speak of it. */
struct model_map_dormant {
    struct manifest *manifest; /* the map takes a reference of its own */
    harborai_str missing;      /* the variables that would make one: "OPENAI_API_KEY"; empty: the
                                  configuration's file says which there are, and names none */
};

/* Whom an explanation is for. */
enum model_map_reader {
    MODEL_MAP_OVER_HTTP,   /* a client of the gateway */
    MODEL_MAP_IN_PROCESS,  /* the command line, the library */
    MODEL_MAP_IN_A_FILE    /* who wrote an alias */
};

/* Borrowed during model_map_create(), which copies; but for slots and manifests. */
struct model_map_source {
    const struct model_map_provider *providers;
    size_t provider_count;
    const struct model_map_alias *aliases;
    size_t alias_count;
    const struct model_map_off *off;
    size_t off_count;
    const harborai_str *removed; /* names of providers that are not enabled because their plugin went */
    size_t removed_count;
    const struct model_map_dormant *dormants;
    size_t dormant_count;
    harborai_str file; /* where providers are named; empty = nowhere */
    /* Providers that are faults themselves: an alias that may lead to one is no further fault. */
    const harborai_str *missing_providers;
    size_t missing_provider_count;
    /* Providers of the configuration that are not here since no plugin of theirs can be used: only errors
     * speak of them, and of no interim map's alias for one of their models another answers. */
    const harborai_str *left_out;
    size_t left_out_count;
    bool is_interim; /* not what the aliases were checked with: one that leads nowhere is left out */
};

/* Where a call goes. */
struct route_view {
    struct slot *slot;
    harborai_str provider; /* its name */
    harborai_str upstream; /* what the vendor calls the model; for a pattern a part of the name that
                              was looked up, so it lives no longer than that */
    const struct manifest_model *model; /* NULL: the manifest does not know it (model_info "{}") */
    bool is_listed; /* its name stands in the configuration or a manifest; false: a pattern took it */
};

/* A model that is shown by list-models and /v1/models. */
struct model_listing {
    harborai_str name; /* the shortest that a call may use: bare, or provider/model */
    harborai_str qualified;             /* provider/model; of an alias its target's */
    harborai_str upstream;              /* what the vendor calls it */
    harborai_str provider;
    struct slot *slot;
    const struct manifest_model *model; /* NULL: nothing is known of it */
    bool is_alias;                      /* of the configuration */
    bool enabled;                       /* it can be asked: its provider and itself are */
};

/* A name that several providers would answer for, and one of those. */
struct model_claim {
    harborai_str name; /* of patterns: what they begin with, and a star */
    harborai_str provider, model; /* of a pattern the pattern */
    int64_t priority;
    enum model_claim_kind {
        MODEL_CLAIM_ALIAS, /* of the configuration */
        MODEL_CLAIM_NAME,
        MODEL_CLAIM_PLUGINS_ALIAS,
        MODEL_CLAIM_PATTERN
    } kind; /* the first that there is holds */
    enum model_claim_verdict {
        MODEL_CLAIM_CHOSEN,
        MODEL_CLAIM_AMBIGUOUS,
        MODEL_CLAIM_PASSED_OVER
    } verdict;
};

struct model_map;

/* E_CONFIG: an alias is in a cycle, leads nowhere or to an ambiguous name; a name is none; a provider
 * stands twice. `faults`, if not NULL, gets every alias that is wrong; the error has the first of them
 * and how many more there are. [keeper] */
MUST_CHECK harborai_status model_map_create(const struct model_map_source *source,
                                            struct model_map **ret_map,
                                            struct config_faults *faults, harborai_error *error);
void model_map_destroy(struct model_map *map); /* [keeper] no reader has it */

/* OK; E_NOT_FOUND (also if it or its provider is disabled); E_INVALID: ambiguous. *ret_route is written
 * on OK only. Borrows from the map and from `name`. [loop, online] */
MUST_CHECK harborai_status model_map_find(const struct model_map *map, harborai_str name,
                                          struct route_view *ret_route);

/* The error of a name that was not found or is ambiguous: it names the nearest name, the qualified
 * names, or what a plugin that would serve it waits for; vendor_code is "model_not_found" or
 * "model_ambiguous". E_AUTH, without one: nothing but a key is missing. Returns its code. Slow.
 * [loop, online] */
harborai_status model_map_explain(const struct model_map *map, harborai_str name,
                                  enum model_map_reader reader, harborai_error *error);

/* The provider of that name; NULL = none. [loop, online] */
const struct provider *model_map_provider(const struct model_map *map, harborai_str name);

/* OK: there is a provider of this name. Else as above: "provider_not_found", or what one waits for.
 * [loop, online] */
harborai_status model_map_check_provider(const struct model_map *map, harborai_str name,
                                         harborai_error *error);

/* The nearest among the first 4,096 listed names; empty = none is near. Slow. */
harborai_str model_map_suggest(const struct model_map *map, harborai_str name);

/* Everything that is listed: providers in the order of the source, their models in the order of the
 * configuration or the manifest, then the configuration's aliases. Borrowed from the map. */
const struct model_listing *model_map_list(const struct model_map *map, size_t *ret_count);
/* Every claim to a name that providers differ on, by name, the best first. Borrowed likewise. */
const struct model_claim *model_map_claims(const struct model_map *map, size_t *ret_count);
/* Without one nothing can be asked; with one perhaps what is not listed, by a pattern. */
size_t model_map_provider_count(const struct model_map *map);
/* The index-th provider, in the order of the source. False: there are no more. Borrowed likewise.
 * [loop, online] */
bool model_map_provider_at(const struct model_map *map, size_t index, harborai_str *ret_name,
                           struct slot **ret_slot, bool *ret_enabled);
/* Those that wait for variables, in the order of the source. Borrowed likewise. */
const struct model_map_dormant *model_map_dormants(const struct model_map *map, size_t *ret_count);

#endif
