/* SPDX-License-Identifier: MIT */
/* The look-up: one probe into a table of every exact name; patterns are reached on a miss only.
 * How the map is built stands in model_map_build.c. */
#include "registry/model_map.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/nearest.h"
#include "registry/model_map_parts.h"

#define SUGGEST_MOST 4096 /* models that are compared: it runs on a loop */

/* memcmp() of a length that is not known costs as much as the rest of a look-up. */
static inline bool is_same(const char *a, const char *b, size_t len)
{
    uint64_t left, right;
    if (len < sizeof left)
        return memcmp(a, b, len) == 0;
    for (size_t at = 0; at + sizeof left < len; at += sizeof left) {
        memcpy(&left, a + at, sizeof left);
        memcpy(&right, b + at, sizeof right);
        if (left != right)
            return false;
    }
    memcpy(&left, a + len - sizeof left, sizeof left);
    memcpy(&right, b + len - sizeof right, sizeof right);
    return left == right;
}

static inline const struct model_map_route *find_exact(const struct model_map *map,
                                                       harborai_str name)
{
    uint32_t hash = (uint32_t)hash_slice(name, MODEL_MAP_SEED);
    for (uint32_t at = hash;; at++) {
        const struct model_map_entry *e = &map->entries[at & map->mask];
        if (e->len == 0)
            return NULL;
        if (e->hash == hash && e->len == name.len && is_same(model_map_name(e), name.data, name.len))
            return e->route;
    }
}

const struct model_map_provider_part *model_map_provider_named(const struct model_map *map,
                                                               harborai_str name)
{
    for (size_t i = 0; i < map->provider_count; i++)
        if (slice_equal(map->providers[i].name, name))
            return &map->providers[i];
    return NULL;
}

bool model_map_admits(const struct model_map_provider_part *p, harborai_str model)
{
    for (size_t i = 0; i < p->pattern_count; i++)
        if (slice_matches_glob(model, p->patterns[i]))
            return true;
    return p->is_open && model.len > 0;
}

const struct model_map_off *model_map_off_of(const struct model_map *map, harborai_str provider,
                                             harborai_str model)
{
    char text[512];
    if (map->off_count == 0)
        return NULL;
    int len = snprintf(text, sizeof text, "%.*s/%.*s", SLICE_ARG(provider), SLICE_ARG(model));
    if (len < 0 || (size_t)len >= sizeof text)
        return &map->off[0]; /* longer than any name: it must not slip through */
    for (size_t i = 0; i < map->off_count; i++)
        if (slice_matches_glob((harborai_str){text, (size_t)len}, map->off[i].pattern))
            return &map->off[i];
    return NULL;
}

static harborai_status give(const struct model_map *map, const struct model_map_provider_part *p,
                            harborai_str upstream, struct route_view *ret_route)
{
    if (!p->enabled || model_map_off_of(map, p->name, upstream) != NULL)
        return HARBORAI_E_NOT_FOUND;
    *ret_route = (struct route_view){p->slot, p->name, upstream, NULL, false};
    return HARBORAI_OK;
}

/* provider/model where the model is not listed. */
static bool find_qualified(const struct model_map *map, harborai_str name,
                           const struct model_map_provider_part **ret_provider,
                           harborai_str *ret_model)
{
    harborai_str head, tail;
    if (!slice_split(name, '/', &head, &tail))
        return false;
    const struct model_map_provider_part *p = model_map_provider_named(map, head);
    if (p == NULL || !model_map_admits(p, tail))
        return false;
    *ret_provider = p;
    *ret_model = tail;
    return true;
}

static bool is_level(const struct model_map_pattern *a, const struct model_map_pattern *b)
{
    return a->literal == b->literal && a->provider->priority == b->provider->priority;
}

/* Those that are level with the first that matches are rivals of it. What is disabled counts where
 * there is nothing else. */
static harborai_status find_pattern(const struct model_map *map, harborai_str name,
                                    const struct model_map_pattern **ret_first,
                                    const struct model_map_pattern **ret_second)
{
    const struct model_map_pattern *first = NULL, *disabled = NULL;
    for (size_t i = 0; i < map->pattern_count; i++) {
        const struct model_map_pattern *pattern = &map->patterns[i];
        if (first != NULL && !is_level(pattern, first))
            break;
        if ((first != NULL && pattern->provider == first->provider) ||
            !slice_matches_glob(name, pattern->text))
            continue;
        if (!pattern->provider->enabled ||
            model_map_off_of(map, pattern->provider->name, name) != NULL) {
            disabled = disabled != NULL ? disabled : pattern;
            continue;
        }
        if (first != NULL) {
            *ret_second = pattern;
            *ret_first = first;
            return HARBORAI_E_INVALID;
        }
        first = pattern;
    }
    first = first != NULL ? first : disabled;
    *ret_first = first;
    return first != NULL ? HARBORAI_OK : HARBORAI_E_NOT_FOUND;
}

static harborai_status find_unlisted(const struct model_map *map, harborai_str name,
                                     struct route_view *ret_route)
{
    const struct model_map_provider_part *p;
    const struct model_map_pattern *first, *second;
    harborai_str model;
    if (name.len == 0 || slice_trim(name).len != name.len)
        return HARBORAI_E_NOT_FOUND;
    if (find_qualified(map, name, &p, &model))
        return give(map, p, model, ret_route);
    harborai_status st = find_pattern(map, name, &first, &second);
    return st < 0 ? st : give(map, first->provider, name, ret_route);
}

harborai_status model_map_find(const struct model_map *map, harborai_str name,
                               struct route_view *ret_route)
{
    const struct model_map_route *route = find_exact(map, name);
    if (route == NULL)
        return find_unlisted(map, name, ret_route);
    if (route->status == HARBORAI_OK) {
        *ret_route = route->view;
        ret_route->is_listed = true;
    }
    return route->status;
}

/* ---- Why not ------------------------------------------------------------------------------- */

harborai_str model_map_suggest(const struct model_map *map, harborai_str name)
{
    struct nearest nearest = NEAREST_TO(name);
    for (size_t i = 0; i < map->listing_count && i < SUGGEST_MOST; i++) {
        const struct model_listing *l = &map->listings[i];
        if (!l->enabled)
            continue;
        nearest_consider(&nearest, l->name);
        nearest_consider(&nearest, l->qualified);
    }
    return nearest.name;
}

/* A client's name in a message: short, and nothing of it can end a line. */
static harborai_str shown(harborai_str name, char text[static MODEL_MAP_SHOWN])
{
    size_t len = name.len < MODEL_MAP_SHOWN ? name.len : MODEL_MAP_SHOWN;
    for (size_t i = 0; i < len; i++)
        text[i] = (unsigned char)name.data[i] < 0x20 || name.data[i] == 0x7f ? '?' : name.data[i];
    return (harborai_str){text, len};
}

static harborai_status set_code(harborai_error *error, const char *code, harborai_status st)
{
    error_set_code(error, code);
    if (error != NULL)
        snprintf(error->param, sizeof error->param, "/model");
    return st;
}

static harborai_status ambiguous(const struct model_map *map, harborai_str name,
                                 harborai_error *error)
{
    char text[MODEL_MAP_SHOWN];
    harborai_str model = shown(name, text), providers[2] = {SLICE_NONE, SLICE_NONE},
                 upstream[2] = {model, model};
    const struct model_map_route *route = find_exact(map, name);
    if (route != NULL) {
        for (int i = 0; i < 2; i++) {
            providers[i] = route->rivals[i]->view.provider;
            upstream[i] = route->rivals[i]->view.upstream;
        }
    } else {
        const struct model_map_pattern *both[2] = {NULL, NULL};
        if (find_pattern(map, name, &both[0], &both[1]) == HARBORAI_E_INVALID)
            for (int i = 0; i < 2; i++)
                providers[i] = both[i]->provider->name;
    }
    (void)harborai_error_set(
        error, HARBORAI_E_INVALID,
        "the model '%.*s' is ambiguous: use '%.*s/%.*s' or '%.*s/%.*s', or make it an alias",
        SLICE_ARG(model), SLICE_ARG(providers[0]), SLICE_ARG(upstream[0]), SLICE_ARG(providers[1]),
        SLICE_ARG(upstream[1]));
    return set_code(error, "model_ambiguous", HARBORAI_E_INVALID);
}

static harborai_str without_provider(harborai_str name, const struct model_map_provider_part *p)
{
    harborai_str head, tail;
    return slice_split(name, '/', &head, &tail) && slice_equal(head, p->name) ? tail : name;
}

bool model_map_find_disabled(const struct model_map *map, harborai_str name,
                             struct model_map_disabled *ret_disabled)
{
    const struct model_map_route *route = find_exact(map, name);
    const struct model_map_provider_part *p = NULL;
    const struct model_map_pattern *first, *second;
    harborai_str model = name;
    if (route != NULL && route->status != HARBORAI_E_NOT_FOUND)
        return false;
    if (route != NULL) {
        p = model_map_provider_named(map, route->view.provider);
        model = route->view.upstream;
    } else if (!find_qualified(map, name, &p, &model) &&
               find_pattern(map, name, &first, &second) == HARBORAI_OK) {
        p = first->provider;
    }
    if (p == NULL)
        return false;
    const struct model_map_off *off = p->enabled ? model_map_off_of(map, p->name, model) : NULL;
    if (off == NULL && p->enabled) /* not the model, but this other name of it */
        off = model_map_off_of(map, p->name, without_provider(name, p));
    *ret_disabled = (struct model_map_disabled){p, model, off};
    return !p->enabled || off != NULL;
}

/* What a reader may know of who did it. */
static harborai_str why_of(const struct model_map_disabled *d, enum model_map_reader reader)
{
    if (d->off != NULL)
        return reader == MODEL_MAP_OVER_HTTP ? d->off->why_told : d->off->why;
    return reader == MODEL_MAP_OVER_HTTP ? d->provider->why_told : d->provider->why_off;
}

static void is_disabled(harborai_str name, const struct model_map_disabled *d,
                        enum model_map_reader reader, harborai_error *error)
{
    harborai_str why = why_of(d, reader);
    if (d->off != NULL)
        (void)harborai_error_set(error, HARBORAI_E_NOT_FOUND, "the model '%.*s' is disabled%s%.*s",
                                 SLICE_ARG(name), why.len > 0 ? " " : "", SLICE_ARG(why));
    else if (d->provider->is_removed)
        (void)harborai_error_set(error, HARBORAI_E_NOT_FOUND,
                                 "the model '%.*s' is not served: the plugin of provider '%.*s' was "
                                 "removed%s%.*s", SLICE_ARG(name), SLICE_ARG(d->provider->name),
                                 why.len > 0 ? ": " : "", SLICE_ARG(why));
    else
        (void)harborai_error_set(
            error, HARBORAI_E_NOT_FOUND,
            "the model '%.*s' is not served: provider '%.*s' is disabled%s%.*s", SLICE_ARG(name),
            SLICE_ARG(d->provider->name), why.len > 0 ? " " : "", SLICE_ARG(why));
}

harborai_str model_map_find_left_out(const struct model_map *map, harborai_str name)
{
    const struct model_map_route *route = find_exact(map, name);
    harborai_str provider, model;
    if (route != NULL && route->status != HARBORAI_E_NOT_FOUND)
        return SLICE_NONE;
    if (route != NULL)
        provider = route->view.provider;
    else if (!slice_split(name, '/', &provider, &model))
        return SLICE_NONE;
    for (size_t i = 0; i < map->left_out_count; i++)
        if (slice_equal(map->left_out[i], provider))
            return map->left_out[i];
    return SLICE_NONE;
}

static void is_left_out(harborai_str name, harborai_str provider, harborai_error *error)
{
    (void)harborai_error_set(error, HARBORAI_E_NOT_FOUND,
                             "the model '%.*s' is not served: provider '%.*s' is left out, since its "
                             "plugin cannot be used; the gateway's log and 'harborai plugin doctor' say "
                             "why", SLICE_ARG(name), SLICE_ARG(provider));
}

static bool would_serve(const struct manifest *m, harborai_str name)
{
    harborai_str head, tail;
    bool is_qualified = slice_split(name, '/', &head, &tail) && slice_equal(head, m->provider);
    harborai_str model = is_qualified ? tail : name;
    if (manifest_model_find(m, model) != NULL || (is_qualified && m->dynamic_models))
        return true;
    for (size_t i = 0; i < m->patterns.count; i++)
        if (slice_matches_glob(model, m->patterns.items[i]))
            return true;
    return false;
}

static const struct model_map_dormant *dormant_one(const struct model_map *map, harborai_str name)
{
    for (size_t i = 0; i < map->dormant_count; i++)
        if (would_serve(map->dormants[i].manifest, name))
            return &map->dormants[i];
    return NULL;
}

/* Nothing but its key is missing: the operator's business, as a key that is refused. */
static harborai_status lacks_key(harborai_str name, const struct model_map_dormant *dormant,
                                 enum model_map_reader reader, harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_AUTH,
                              "%s: set %.*s, and plugin '%.*s' serves '%.*s'",
                              reader == MODEL_MAP_OVER_HTTP ? "the gateway has no key" : "no key",
                              SLICE_ARG(dormant->missing), SLICE_ARG(dormant->manifest->provider),
                              SLICE_ARG(name));
}

/* Where the file is, is none of the business of who asks over HTTP. */
static void lacks_provider(const struct model_map *map, harborai_str name,
                           const struct model_map_dormant *dormant, enum model_map_reader reader,
                           harborai_error *error)
{
    harborai_str provider = dormant->manifest->provider;
    harborai_str file = reader == MODEL_MAP_OVER_HTTP ? HARBORAI_STR("the gateway's configuration")
                                                      : map->file;
    (void)harborai_error_set(error, HARBORAI_E_NOT_FOUND,
                             "no provider serves '%.*s': plugin '%.*s' would; add '%.*s: {}' to "
                             "providers in %.*s", SLICE_ARG(name), SLICE_ARG(provider),
                             SLICE_ARG(provider), SLICE_ARG(file));
}

static void does_not_exist(const struct model_map *map, harborai_str name, harborai_str model,
                           enum model_map_reader reader, harborai_error *error)
{
    static const char *const ways_out[] = {
        [MODEL_MAP_OVER_HTTP] = "'harborai list-models' and GET /v1/models show those that do, "
                                "'harborai list-plugins' why a plugin is not used",
        [MODEL_MAP_IN_PROCESS] = "'harborai list-models' shows those that do, 'harborai "
                                 "list-plugins' why a plugin is not used",
        [MODEL_MAP_IN_A_FILE] = "correct it, or name the model in the provider's models",
    };
    harborai_str near = model_map_suggest(map, name);
    if (near.len > 0)
        (void)harborai_error_set(error, HARBORAI_E_NOT_FOUND,
                                 "the model '%.*s' does not exist; did you mean '%.*s'?",
                                 SLICE_ARG(model), SLICE_ARG(near));
    else
        (void)harborai_error_set(
            error, HARBORAI_E_NOT_FOUND,
            reader == MODEL_MAP_IN_A_FILE ? "no provider serves '%.*s': %s"
                                          : "the model '%.*s' does not exist: %s",
            SLICE_ARG(model), ways_out[reader]);
}

harborai_status model_map_explain(const struct model_map *map, harborai_str name,
                                  enum model_map_reader reader, harborai_error *error)
{
    struct route_view ignored;
    char text[MODEL_MAP_SHOWN];
    harborai_str model = shown(name, text);
    harborai_status st = model_map_find(map, name, &ignored);
    if (st == HARBORAI_OK)
        return st;
    if (st == HARBORAI_E_INVALID)
        return ambiguous(map, name, error);
    struct model_map_disabled disabled;
    bool disables = model_map_find_disabled(map, name, &disabled);
    harborai_str left_out = model_map_find_left_out(map, name);
    const struct model_map_dormant *dormant = left_out.len == 0 ? dormant_one(map, name) : NULL;
    if (!disables && dormant != NULL && dormant->missing.len > 0)
        return lacks_key(model, dormant, reader, error);
    if (disables)
        is_disabled(model, &disabled, reader, error);
    else if (left_out.len > 0)
        is_left_out(model, left_out, error);
    else if (dormant != NULL)
        lacks_provider(map, model, dormant, reader, error);
    else
        does_not_exist(map, name, model, reader, error);
    return set_code(error, "model_not_found", st);
}

const struct provider *model_map_provider(const struct model_map *map, harborai_str name)
{
    const struct model_map_provider_part *p = model_map_provider_named(map, name);
    return p != NULL ? p->slot->provider : NULL;
}

harborai_status model_map_check_provider(const struct model_map *map, harborai_str name,
                                         harborai_error *error)
{
    char text[MODEL_MAP_SHOWN];
    size_t count;
    const struct model_map_dormant *dormants = model_map_dormants(map, &count);
    if (model_map_provider_named(map, name) != NULL)
        return HARBORAI_OK;
    for (size_t i = 0; i < count; i++)
        if (slice_equal(dormants[i].manifest->provider, name))
            return harborai_error_set(error, HARBORAI_E_AUTH, "there is no provider '%.*s': set %.*s",
                                      SLICE_ARG(shown(name, text)), SLICE_ARG(dormants[i].missing));
    (void)harborai_error_set(error, HARBORAI_E_NOT_FOUND,
                             "there is no provider '%.*s': 'harborai list-models' shows those that "
                             "there are", SLICE_ARG(shown(name, text)));
    return set_code(error, "provider_not_found", HARBORAI_E_NOT_FOUND);
}

const struct model_listing *model_map_list(const struct model_map *map, size_t *ret_count)
{
    *ret_count = map->listing_count;
    return map->listings;
}

const struct model_map_dormant *model_map_dormants(const struct model_map *map, size_t *ret_count)
{
    *ret_count = map->file.len == 0 ? map->dormant_count : 0;
    return map->dormants;
}

size_t model_map_provider_count(const struct model_map *map)
{
    return map->provider_count;
}

bool model_map_provider_at(const struct model_map *map, size_t index, harborai_str *ret_name,
                           struct slot **ret_slot, bool *ret_enabled)
{
    if (index >= map->provider_count)
        return false;
    *ret_name = map->providers[index].name;
    *ret_slot = map->providers[index].slot;
    *ret_enabled = map->providers[index].enabled;
    return true;
}

const struct model_claim *model_map_claims(const struct model_map *map, size_t *ret_count)
{
    *ret_count = map->claim_count;
    return map->claims;
}
