/* SPDX-License-Identifier: MIT */
/* Builds a model map: every name that can be written down beforehand is expanded into one table, so
 * that a look-up has nothing to decide. What could be read in two ways is decided here, or made an
 * error that a look-up finds. */
#include "registry/builder.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"

#define MAP_MEMORY MIB(256)

harborai_status builder_finder_init(struct builder *b, struct finder *f, size_t count)
{
    size_t size = 16;
    while (size < 2 * (count + 1))
        size *= 2;
    f->places = size <= UINT32_MAX ? calloc(size, sizeof *f->places) : NULL;
    f->mask = (uint32_t)(size - 1);
    return f->places != NULL ? HARBORAI_OK : builder_out_of_memory(b);
}

/* ---- Providers ----------------------------------------------------------------------------- */

static harborai_status copy_models(struct builder *b, const struct model_map_provider *from,
                                   struct model_map_provider_part *to)
{
    harborai_str *patterns = arena_alloc(&b->map->arena, (from->model_count + 1) * sizeof *patterns);
    if (patterns == NULL)
        return builder_out_of_memory(b);
    for (size_t i = 0; i < from->model_count; i++) {
        if (!builder_is_name(from->models[i]))
            return harborai_error_set(b->error, HARBORAI_E_CONFIG,
                                      "providers.%s.models[%zu] must have 1 to %d characters and no "
                                      "blank at its ends", to->name.data, i, NAME_MAX_LEN);
        if (!builder_has_star(from->models[i]))
            continue;
        patterns[to->pattern_count] = arena_copy(&b->map->arena, from->models[i]);
        if (patterns[to->pattern_count++].data == NULL)
            return builder_out_of_memory(b);
    }
    to->patterns = patterns;
    return HARBORAI_OK;
}

static bool is_removed(const struct model_map_source *source, harborai_str name)
{
    for (size_t i = 0; i < source->removed_count; i++)
        if (slice_equal(source->removed[i], name))
            return true;
    return false;
}

static harborai_status add_provider(struct builder *b, const struct model_map_provider *from)
{
    struct model_map_provider_part *to = &b->map->providers[b->map->provider_count];
    if (from->name.len == 0 || memchr(from->name.data, '/', from->name.len) != NULL)
        return harborai_error_set(b->error, HARBORAI_E_CONFIG,
                                  "providers.%.*s: a provider's name must not be empty or hold '/'",
                                  SLICE_ARG(from->name));
    if (model_map_provider_named(b->map, from->name) != NULL)
        return harborai_error_set(b->error, HARBORAI_E_CONFIG, "providers.%.*s stands twice",
                                  SLICE_ARG(from->name));
    harborai_str name = arena_copy(&b->map->arena, from->name),
                 why_off = arena_copy(&b->map->arena, from->why_off),
                 why_told = arena_copy(&b->map->arena, from->why_told);
    if (name.data == NULL || why_off.data == NULL || why_told.data == NULL)
        return builder_out_of_memory(b);
    *to = (struct model_map_provider_part){.name = name,
                                           .slot = from->slot,
                                           .manifest = manifest_ref(from->manifest),
                                           .enabled = from->enabled,
                                           .is_removed = is_removed(b->source, from->name),
                                           .why_off = why_off,
                                           .why_told = why_told};
    b->map->provider_count++;
    to->is_open = from->is_open;
    to->priority = from->priority;
    if (from->model_count > 0 || from->is_open)
        return copy_models(b, from, to);
    to->patterns = to->manifest->patterns.items;
    to->pattern_count = to->manifest->patterns.count;
    to->is_open = to->manifest->dynamic_models;
    return HARBORAI_OK;
}

static harborai_status add_off(struct builder *b)
{
    struct model_map *map = b->map;
    map->off = arena_alloc(&map->arena, (b->source->off_count + 1) * sizeof *map->off);
    if (map->off == NULL)
        return builder_out_of_memory(b);
    for (; map->off_count < b->source->off_count; map->off_count++) {
        const struct model_map_off *from = &b->source->off[map->off_count];
        struct model_map_off *to = &map->off[map->off_count];
        *to = (struct model_map_off){arena_copy(&map->arena, from->pattern),
                                     arena_copy(&map->arena, from->why),
                                     arena_copy(&map->arena, from->why_told)};
        if (to->pattern.data == NULL || to->why.data == NULL || to->why_told.data == NULL)
            return builder_out_of_memory(b);
    }
    return HARBORAI_OK;
}

static harborai_status add_dormants(struct builder *b)
{
    struct model_map *map = b->map;
    map->dormants =
        arena_alloc(&map->arena, (b->source->dormant_count + 1) * sizeof *map->dormants);
    map->file = arena_copy(&map->arena, b->source->file);
    if (map->dormants == NULL || map->file.data == NULL)
        return builder_out_of_memory(b);
    for (size_t i = 0; i < b->source->dormant_count; i++) {
        const struct model_map_dormant *from = &b->source->dormants[i];
        harborai_str missing = arena_copy(&map->arena, from->missing);
        if (missing.data == NULL)
            return builder_out_of_memory(b);
        map->dormants[map->dormant_count++] =
            (struct model_map_dormant){manifest_ref(from->manifest), missing};
    }
    return HARBORAI_OK;
}

static harborai_status add_left_out(struct builder *b)
{
    struct model_map *map = b->map;
    map->left_out = arena_alloc(&map->arena, (b->source->left_out_count + 1) * sizeof *map->left_out);
    if (map->left_out == NULL)
        return builder_out_of_memory(b);
    for (; map->left_out_count < b->source->left_out_count; map->left_out_count++) {
        harborai_str name = arena_copy(&map->arena, b->source->left_out[map->left_out_count]);
        if (name.data == NULL)
            return builder_out_of_memory(b);
        map->left_out[map->left_out_count] = name;
    }
    return HARBORAI_OK;
}

static int compare_patterns(const void *left, const void *right)
{
    const struct model_map_pattern *a = left, *b = right;
    if (a->provider->enabled != b->provider->enabled)
        return a->provider->enabled ? -1 : 1;
    if (a->literal != b->literal)
        return a->literal > b->literal ? -1 : 1;
    if (a->provider->priority != b->provider->priority)
        return a->provider->priority > b->provider->priority ? -1 : 1;
    return (a->provider > b->provider) - (a->provider < b->provider); /* in the order of the source */
}

static harborai_status add_patterns(struct builder *b)
{
    size_t count = 0;
    for (size_t i = 0; i < b->map->provider_count; i++)
        count += b->map->providers[i].pattern_count;
    struct model_map_pattern *patterns = arena_alloc(&b->map->arena, (count + 1) * sizeof *patterns);
    if (patterns == NULL)
        return builder_out_of_memory(b);
    for (size_t i = 0; i < b->map->provider_count; i++) {
        const struct model_map_provider_part *p = &b->map->providers[i];
        for (size_t j = 0; j < p->pattern_count; j++) {
            harborai_str text = p->patterns[j];
            const char *star = memchr(text.data, '*', text.len);
            patterns[b->map->pattern_count++] = (struct model_map_pattern){
                text, star != NULL ? (size_t)(star - text.data) : text.len, p};
        }
    }
    qsort(patterns, count, sizeof *patterns, compare_patterns);
    b->map->patterns = patterns;
    return HARBORAI_OK;
}

/* ---- The table ----------------------------------------------------------------------------- */

static harborai_status make_table(struct builder *b)
{
    size_t names = b->source->alias_count, size = 16;
    for (size_t i = 0; i < b->source->provider_count; i++) {
        const struct manifest *m = b->source->providers[i].manifest;
        names += 2 * (b->source->providers[i].model_count + m->model_count);
        for (size_t j = 0; j < m->model_count; j++)
            names += 2 * m->models[j].aliases.count;
    }
    while (size < 2 * (names + 1))
        size *= 2;
    b->entries = arena_alloc(&b->map->arena, size * sizeof *b->entries);
    b->standings = calloc(size, sizeof *b->standings);
    if (b->entries == NULL || b->standings == NULL || size > UINT32_MAX)
        return builder_out_of_memory(b);
    b->map->entries = b->entries;
    b->map->mask = (uint32_t)(size - 1);
    return HARBORAI_OK;
}

/* The entry of that name, or the free one where it belongs. */
static size_t place_of(const struct builder *b, harborai_str name, uint32_t hash)
{
    size_t at = hash & b->map->mask;
    while (b->entries[at].len > 0 &&
           !(b->entries[at].hash == hash &&
             slice_equal((harborai_str){model_map_name(&b->entries[at]), b->entries[at].len}, name)))
        at = (at + 1) & b->map->mask;
    return at;
}

struct model_map_route *builder_new_route(struct builder *b, harborai_status status,
                                          harborai_str name)
{
    struct model_map_route *route = arena_alloc(&b->map->arena, sizeof *route + name.len + 1);
    if (route == NULL)
        return NULL;
    route->status = status;
    route->len = (uint32_t)name.len;
    memcpy(route->name, name.data, name.len);
    return route;
}

static harborai_status make_rivals(struct builder *b, struct model_map_entry *entry,
                                   const struct model_map_route *second)
{
    struct model_map_route *route = builder_new_route(
        b, HARBORAI_E_INVALID, (harborai_str){model_map_name(entry), entry->len});
    if (route == NULL)
        return builder_out_of_memory(b);
    route->rivals[0] = entry->route;
    route->rivals[1] = second;
    entry->route = route;
    return HARBORAI_OK;
}

/* More than 0: `a` holds in place of `b`. */
static int compare_standings(const struct standing *a, const struct standing *b)
{
    if (a->enabled != b->enabled)
        return a->enabled ? 1 : -1;
    if (a->rank != b->rank)
        return a->rank < b->rank ? 1 : -1;
    return (a->priority > b->priority) - (a->priority < b->priority);
}

static harborai_status claim(struct builder *b, harborai_str name,
                             const struct model_map_route *route, struct standing *standing)
{
    static const enum model_claim_kind kinds[] = {[RANK_ALIAS] = MODEL_CLAIM_ALIAS,
                                                  [RANK_EXACT] = MODEL_CLAIM_NAME,
                                                  [RANK_MANIFEST_ALIAS] = MODEL_CLAIM_PLUGINS_ALIAS};
    const struct model_claim claim = {.name = name,
                                      .provider = route->view.provider,
                                      .model = route->view.upstream,
                                      .priority = standing->priority,
                                      .kind = kinds[standing->rank]};
    standing->is_claimed = true;
    return model_claims_add(&b->claims, &claim) ? HARBORAI_OK : builder_out_of_memory(b);
}

/* Of a name that stands in the table already. */
static harborai_status claim_both(struct builder *b, const struct model_map_entry *entry,
                                  struct standing *standing, const struct model_map_route *route,
                                  struct standing *own)
{
    harborai_str name = {model_map_name(entry), entry->len};
    harborai_status st = HARBORAI_OK;
    if (!own->enabled || !standing->enabled || own->rank == RANK_QUALIFIED ||
        standing->rank == RANK_QUALIFIED)
        return HARBORAI_OK; /* who disables or names the provider is in no doubt */
    if (!standing->is_claimed)
        st = claim(b, name, entry->route, standing);
    return st < 0 ? st : claim(b, name, route, own);
}

harborai_status builder_add_name(struct builder *b, const struct model_map_route *route, size_t len,
                                 struct standing own)
{
    harborai_str name = {route->name + (route->len - len), len};
    uint32_t hash = builder_hash(name);
    size_t at = place_of(b, name, hash);
    struct model_map_entry *entry = &b->entries[at];
    struct standing *standing = &b->standings[at];
    if (entry->len > 0) {
        int order = compare_standings(&own, standing);
        harborai_status st = claim_both(b, entry, standing, route, &own);
        if (st < 0)
            return st;
        if (order < 0 || (order == 0 && (!own.enabled || entry->route->status < 0)))
            return HARBORAI_OK; /* of rivals, two are enough to name */
        if (order == 0)
            return entry->route->view.provider.data == route->view.provider.data
                       ? HARBORAI_OK
                       : make_rivals(b, entry, route);
    }
    *entry = (struct model_map_entry){hash, (uint32_t)len, route};
    *standing = own;
    return HARBORAI_OK;
}

/* a/b names the model b of provider a, whatever another provider calls its own. */
static bool is_qualified_elsewhere(const struct builder *b, harborai_str name,
                                   const struct model_map_provider_part *own)
{
    harborai_str head, tail;
    if (!slice_split(name, '/', &head, &tail))
        return false;
    const struct model_map_provider_part *p = model_map_provider_named(b->map, head);
    return p != NULL && p != own && p->enabled && model_map_admits(p, tail);
}

bool builder_is_enabled(const struct builder *b, const struct model_map_provider_part *p,
                        harborai_str name, harborai_str model)
{
    return p->enabled && model_map_off_of(b->map, p->name, model) == NULL &&
           model_map_off_of(b->map, p->name, name) == NULL;
}

/* Both forms of a name: bare and provider/model. *ret_qualified may be NULL. */
static harborai_status add_both(struct builder *b, const struct model_map_provider_part *p,
                                harborai_str name, enum rank rank, const struct route_view *view,
                                harborai_str *ret_qualified)
{
    size_t len = p->name.len + 1 + name.len;
    struct model_map_route *route = arena_alloc(&b->map->arena, sizeof *route + len + 1);
    if (route == NULL)
        return builder_out_of_memory(b);
    bool enabled = builder_is_enabled(b, p, name, view->upstream);
    *route = (struct model_map_route){.status = enabled ? HARBORAI_OK : HARBORAI_E_NOT_FOUND,
                                      .len = (uint32_t)len,
                                      .view = *view};
    snprintf(route->name, len + 1, "%.*s/%.*s", SLICE_ARG(p->name), SLICE_ARG(name));
    struct standing standing = {enabled, RANK_QUALIFIED, p->priority, false};
    harborai_status st = builder_add_name(b, route, len, standing);
    standing.rank = rank;
    if (st == HARBORAI_OK && !is_qualified_elsewhere(b, name, p))
        st = builder_add_name(b, route, name.len, standing);
    if (ret_qualified != NULL)
        *ret_qualified = (harborai_str){route->name, len};
    return st;
}

/* The place of a listing in the finder, or the free one where it belongs. */
static uint32_t *place_of_listing(const struct builder *b, const struct model_map_provider_part *p,
                                  harborai_str model)
{
    for (uint32_t at = builder_hash(model);; at++) {
        uint32_t *place = &b->listed.places[at & b->listed.mask];
        if (*place == 0)
            return place;
        const struct model_listing *l = &b->map->listings[*place - 1];
        if (l->provider.data == p->name.data && slice_equal(l->upstream, model))
            return place;
    }
}

static bool is_listed(const struct builder *b, const struct model_map_provider_part *p,
                      harborai_str model)
{
    return *place_of_listing(b, p, model) != 0;
}

/* A model that is listed, under its name. */
static harborai_status add_model(struct builder *b, const struct model_map_provider_part *p,
                                 harborai_str name, const struct manifest_model *model)
{
    const struct route_view view = {p->slot, p->name, name, model, true};
    struct model_listing *l = &b->map->listings[b->map->listing_count];
    *l = (struct model_listing){.name = name,
                                .upstream = name,
                                .provider = p->name,
                                .slot = p->slot,
                                .model = model,
                                .enabled = builder_is_enabled(b, p, name, name)};
    b->map->listing_count++;
    *place_of_listing(b, p, name) = (uint32_t)b->map->listing_count;
    return add_both(b, p, name, RANK_EXACT, &view, &l->qualified);
}

static harborai_status add_manifest_models(struct builder *b,
                                           const struct model_map_provider_part *p)
{
    for (size_t i = 0; i < p->manifest->model_count; i++) {
        const struct manifest_model *model = &p->manifest->models[i];
        const struct route_view view = {p->slot, p->name, model->name, model, true};
        harborai_status st = add_model(b, p, model->name, model);
        for (size_t j = 0; st == HARBORAI_OK && j < model->aliases.count; j++)
            st = add_both(b, p, model->aliases.items[j], RANK_MANIFEST_ALIAS, &view, NULL);
        if (st < 0)
            return st;
    }
    return HARBORAI_OK;
}

/* One item of the configuration's `models:`, a name as it stands or a glob. */
static harborai_status add_configured(struct builder *b, const struct model_map_provider_part *p,
                                      harborai_str item)
{
    harborai_status st = HARBORAI_OK;
    if (!builder_has_star(item)) {
        harborai_str name = arena_copy(&b->map->arena, item);
        if (name.data == NULL)
            return builder_out_of_memory(b);
        return is_listed(b, p, name)
                   ? HARBORAI_OK
                   : add_model(b, p, name, manifest_model_find(p->manifest, name));
    }
    for (size_t i = 0; st == HARBORAI_OK && i < p->manifest->model_count; i++) {
        const struct manifest_model *model = &p->manifest->models[i];
        if (slice_matches_glob(model->name, item) && !is_listed(b, p, model->name))
            st = add_model(b, p, model->name, model);
    }
    return st;
}

static harborai_status add_models(struct builder *b)
{
    harborai_status st = HARBORAI_OK;
    for (size_t i = 0; st == HARBORAI_OK && i < b->source->provider_count; i++) {
        const struct model_map_provider *from = &b->source->providers[i];
        const struct model_map_provider_part *p = &b->map->providers[i];
        if (from->model_count == 0 && !from->is_open)
            st = add_manifest_models(b, p);
        for (size_t j = 0; st == HARBORAI_OK && j < from->model_count; j++)
            st = add_configured(b, p, from->models[j]);
    }
    return st;
}

static harborai_status make_listings(struct builder *b)
{
    size_t most = b->source->alias_count;
    for (size_t i = 0; i < b->source->provider_count; i++)
        most += b->source->providers[i].model_count + b->source->providers[i].manifest->model_count;
    b->map->listings = arena_alloc(&b->map->arena, (most + 1) * sizeof *b->map->listings);
    return b->map->listings != NULL ? builder_finder_init(b, &b->listed, most)
                                    : builder_out_of_memory(b);
}

/* A model is listed by its bare name where that means it, else by provider/model. */
static void choose_shown_names(struct builder *b)
{
    for (size_t i = 0; i < b->map->listing_count; i++) {
        struct model_listing *l = &b->map->listings[i];
        struct route_view view;
        if (l->is_alias)
            continue;
        if (model_map_find(b->map, l->name, &view) < 0 || view.provider.data != l->provider.data ||
            !slice_equal(view.upstream, l->upstream))
            l->name = l->qualified;
    }
}

/* ---- The whole ----------------------------------------------------------------------------- */

static harborai_status build(struct builder *b)
{
    harborai_status st = make_table(b);
    if (st == HARBORAI_OK)
        st = make_listings(b);
    b->map->providers = arena_alloc(&b->map->arena, (b->source->provider_count + 1) *
                                                        sizeof *b->map->providers);
    if (st == HARBORAI_OK && b->map->providers == NULL)
        st = builder_out_of_memory(b);
    for (size_t i = 0; st == HARBORAI_OK && i < b->source->provider_count; i++)
        st = add_provider(b, &b->source->providers[i]);
    if (st == HARBORAI_OK)
        st = add_off(b);
    if (st == HARBORAI_OK)
        st = add_dormants(b);
    if (st == HARBORAI_OK)
        st = add_left_out(b);
    if (st == HARBORAI_OK)
        st = add_patterns(b);
    if (st == HARBORAI_OK)
        st = add_models(b);
    if (st == HARBORAI_OK)
        st = aliases_add(b);
    if (st == HARBORAI_OK && !(model_claims_add_patterns(&b->claims, b->map) &&
                               model_claims_weigh(&b->claims, b->map)))
        st = builder_out_of_memory(b);
    if (st == HARBORAI_OK)
        choose_shown_names(b);
    return st;
}

harborai_status model_map_create(const struct model_map_source *source, struct model_map **ret_map,
                                 struct config_faults *faults, harborai_error *error)
{
    AUTO(config_faults) own_faults;
    struct builder b = {.map = calloc(1, sizeof *b.map), .source = source, .error = error};
    config_faults_init(&own_faults);
    b.faults = faults != NULL ? faults : &own_faults;
    if (b.map == NULL)
        return builder_out_of_memory(&b);
    arena_init(&b.map->arena, MAP_MEMORY);
    harborai_status st = build(&b);
    free(b.standings);
    model_claims_release(&b.claims);
    free(b.listed.places);
    free(b.aliases.places);
    if (st < 0) {
        model_map_destroy(b.map);
        return st;
    }
    *ret_map = b.map;
    return HARBORAI_OK;
}

void model_map_destroy(struct model_map *map)
{
    if (map == NULL)
        return;
    for (size_t i = 0; i < map->provider_count; i++)
        manifest_unref(map->providers[i].manifest);
    for (size_t i = 0; i < map->dormant_count; i++)
        manifest_unref(map->dormants[i].manifest);
    arena_release(&map->arena);
    free(map);
}
