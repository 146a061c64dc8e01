/* SPDX-License-Identifier: MIT */
/* What the files that build a model map share, and no others: the map in the making. A function that fails
 * has set b->error. */
#ifndef REGISTRY_BUILDER_H
#define REGISTRY_BUILDER_H

#include "base/error.h"
#include "registry/model_claims.h"
#include "registry/model_map_parts.h"

#define NAME_MAX_LEN 256

/* Which of two meanings of a name holds: the lower. */
enum rank { RANK_ALIAS, RANK_QUALIFIED, RANK_EXACT, RANK_MANIFEST_ALIAS };

struct standing {
    bool enabled;
    enum rank rank;
    int64_t priority;
    bool is_claimed; /* it is among the claims */
};

/* Finds an item of an array by a name in it. Freed at the end. */
struct finder {
    uint32_t *places; /* at most half of them taken: the item's number + 1; 0: free */
    uint32_t mask;
};

struct builder {
    struct model_map *map;
    const struct model_map_source *source;
    struct finder listed, aliases; /* map->listings by provider and model; source->aliases */
    struct model_map_entry *entries; /* the map's, still writable */
    struct standing *standings;      /* one an entry; freed at the end */
    struct model_claims claims;
    struct config_faults *faults;
    harborai_error *error;
};

static inline harborai_status builder_out_of_memory(struct builder *b)
{
    return harborai_error_set(b->error, HARBORAI_E_MEMORY, "cannot map the models: out of memory");
}

static inline bool builder_has_star(harborai_str text)
{
    return text.len > 0 && memchr(text.data, '*', text.len) != NULL;
}

static inline bool builder_is_name(harborai_str text)
{
    return text.len > 0 && text.len <= NAME_MAX_LEN && slice_trim(text).len == text.len;
}

static inline uint32_t builder_hash(harborai_str name)
{
    return (uint32_t)hash_slice(name, MODEL_MAP_SEED);
}

/* --- model_map_build.c --- */

/* For so many items. */
MUST_CHECK harborai_status builder_finder_init(struct builder *b, struct finder *f, size_t count);

/* Of a name, which is copied; NULL: no memory left. */
struct model_map_route *builder_new_route(struct builder *b, harborai_status status,
                                          harborai_str name);

/* The last `len` bytes of the route's name lead there. */
MUST_CHECK harborai_status builder_add_name(struct builder *b, const struct model_map_route *route,
                                            size_t len, struct standing own);

/* Both the model and this name of it. */
bool builder_is_enabled(const struct builder *b, const struct model_map_provider_part *p,
                        harborai_str name, harborai_str model);

/* --- aliases.c --- */

/* Those of the configuration, after all that providers serve. */
MUST_CHECK harborai_status aliases_add(struct builder *b);

#endif
