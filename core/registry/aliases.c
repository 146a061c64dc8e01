/* SPDX-License-Identifier: MIT */
/* The configuration's aliases: where each leads, however many stand on the way, and what is wrong with it.
 * They come last into the table, for they mean what providers serve. */
#include "registry/builder.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* The place of an alias in the finder, or the free one where it belongs. */
static uint32_t *place_of_alias(const struct builder *b, harborai_str name)
{
    for (uint32_t at = builder_hash(name);; at++) {
        uint32_t *place = &b->aliases.places[at & b->aliases.mask];
        if (*place == 0 || slice_equal(b->source->aliases[*place - 1].name, name))
            return place;
    }
}

static const struct model_map_alias *alias_named(const struct builder *b, harborai_str name)
{
    uint32_t place = *place_of_alias(b, name);
    return place != 0 ? &b->source->aliases[place - 1] : NULL;
}

/* Of a name that stands twice the first is found. */
static harborai_status find_aliases(struct builder *b)
{
    size_t count = b->source->alias_count;
    harborai_status st = builder_finder_init(b, &b->aliases, count);
    for (size_t i = 0; st == HARBORAI_OK && i < count; i++) {
        uint32_t *place = place_of_alias(b, b->source->aliases[i].name);
        if (*place == 0)
            *place = (uint32_t)i + 1;
    }
    return st;
}

/* The next alias is looked at all the same. */
PRINTF(3, 4)
static harborai_status fault(struct builder *b, const struct model_map_alias *alias,
                             const char *format, ...)
{
    char text[sizeof b->error->message];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    config_faults_add(b->faults, alias->place, "models.%.*s: %s", SLICE_ARG(alias->name), text);
    return HARBORAI_E_CONFIG;
}

/* The end of a chain of aliases. */
static harborai_status follow(struct builder *b, const struct model_map_alias *alias,
                              harborai_str *ret_target)
{
    const struct model_map_alias *at = alias, *next;
    for (size_t steps = 0; (next = alias_named(b, at->target)) != NULL; at = next)
        if (steps++ == b->source->alias_count)
            return fault(b, alias, "its alias '%.*s' leads back to itself",
                         SLICE_ARG(alias->target));
    *ret_target = at->target;
    return HARBORAI_OK;
}

/* Whether a provider that is missing could have served the name. */
static bool may_be_missing(const struct builder *b, harborai_str target)
{
    harborai_str head, tail;
    if (!slice_split(target, '/', &head, &tail))
        return b->source->missing_provider_count > 0;
    for (size_t i = 0; i < b->source->missing_provider_count; i++)
        if (slice_equal(b->source->missing_providers[i], head))
            return true;
    return false;
}

/* Who reads this cannot list the models: nothing runs with such a configuration. */
static harborai_status lead_nowhere(struct builder *b, const struct model_map_alias *alias,
                                    harborai_str target)
{
    harborai_error why = HARBORAI_ERROR_INIT;
    if (may_be_missing(b, target))
        return HARBORAI_E_CONFIG; /* that provider was complained of */
    (void)model_map_explain(b->map, target, MODEL_MAP_IN_A_FILE, &why);
    return fault(b, alias, "%s", why.message);
}

/* Aliases are not in the table yet: what is found is a provider's. */
static harborai_status resolve(struct builder *b, const struct model_map_alias *alias,
                               struct route_view *ret_view)
{
    harborai_str target;
    if (!builder_is_name(alias->name) || builder_has_star(alias->name) || alias_named(b, alias->name) != alias)
        return fault(b, alias, "is no name for an alias, or stands twice");
    harborai_status st = follow(b, alias, &target);
    if (st < 0)
        return st;
    st = model_map_find(b->map, target, ret_view);
    if (st == HARBORAI_OK) {
        ret_view->upstream = arena_copy(&b->map->arena, ret_view->upstream);
        return ret_view->upstream.data != NULL ? HARBORAI_OK : builder_out_of_memory(b);
    }
    struct model_map_disabled disabled;
    if (model_map_find_disabled(b->map, target, &disabled)) {
        harborai_str upstream = arena_copy(&b->map->arena, disabled.upstream);
        *ret_view = (struct route_view){disabled.provider->slot, disabled.provider->name, upstream,
                                        NULL, false};
        return upstream.data != NULL ? HARBORAI_OK : builder_out_of_memory(b);
    }
    *ret_view = (struct route_view){.upstream = target};
    return lead_nowhere(b, alias, target);
}

static harborai_status add_alias(struct builder *b, const struct model_map_alias *alias,
                                 const struct route_view *view)
{
    struct model_listing *l = &b->map->listings[b->map->listing_count];
    struct model_map_route *route = builder_new_route(b, HARBORAI_OK, alias->name);
    harborai_str qualified = arena_printf(&b->map->arena, "%.*s/%.*s", SLICE_ARG(view->provider),
                                          SLICE_ARG(view->upstream));
    bool enabled = builder_is_enabled(b, model_map_provider_named(b->map, view->provider), view->upstream,
                              view->upstream);
    if (route == NULL || qualified.data == NULL)
        return builder_out_of_memory(b);
    harborai_str name = {route->name, route->len};
    *l = (struct model_listing){.name = name,
                                .qualified = qualified,
                                .upstream = view->upstream,
                                .provider = view->provider,
                                .slot = view->slot,
                                .model = view->model,
                                .is_alias = true,
                                .enabled = enabled};
    b->map->listing_count++;
    route->status = enabled ? HARBORAI_OK : HARBORAI_E_NOT_FOUND;
    route->view = *view;
    /* While it is disabled the name means nothing else. */
    return builder_add_name(b, route, name.len, (struct standing){true, RANK_ALIAS, 0, false});
}

/* Whether an alias that leads nowhere may mean a model of a provider that is left out; *ret_provider is
 * empty where it could be one of several. */
static bool is_of_left_out(const struct builder *b, harborai_str target, harborai_str *ret_provider)
{
    const struct model_map *map = b->map;
    if (target.len == 0 || map->left_out_count == 0)
        return false;
    *ret_provider = model_map_find_left_out(map, target);
    if (ret_provider->len > 0 || memchr(target.data, '/', target.len) != NULL)
        return ret_provider->len > 0;
    *ret_provider = map->left_out_count == 1 ? map->left_out[0] : HARBORAI_STR("");
    return true;
}

/* Nobody else answers for it meanwhile. */
static harborai_status add_left_out(struct builder *b, const struct model_map_alias *alias,
                                    const struct route_view *view)
{
    harborai_str provider;
    if (!is_of_left_out(b, view->upstream, &provider))
        return HARBORAI_OK;
    struct model_map_route *route = builder_new_route(b, HARBORAI_E_NOT_FOUND, alias->name);
    if (route == NULL)
        return builder_out_of_memory(b);
    route->view = (struct route_view){.provider = provider, .upstream = HARBORAI_STR("")};
    return builder_add_name(b, route, route->len, (struct standing){true, RANK_ALIAS, 0, false});
}

harborai_status aliases_add(struct builder *b)
{
    size_t count = b->source->alias_count;
    harborai_status st = HARBORAI_OK;
    struct route_view *targets = calloc(count + 1, sizeof *targets);
    if (targets == NULL)
        return builder_out_of_memory(b);
    st = find_aliases(b);
    for (size_t i = 0; (st == HARBORAI_OK || st == HARBORAI_E_CONFIG) && i < count; i++) {
        harborai_status resolved = resolve(b, &b->source->aliases[i], &targets[i]);
        if (resolved == HARBORAI_E_CONFIG && b->source->is_interim)
            targets[i].provider = SLICE_NONE;
        else
            st = resolved < 0 ? resolved : st;
    }
    if (st == HARBORAI_E_CONFIG)
        (void)config_faults_summarise(b->faults, b->error);
    for (size_t i = 0; st == HARBORAI_OK && i < count; i++)
        st = targets[i].provider.len > 0 ? add_alias(b, &b->source->aliases[i], &targets[i])
                                         : add_left_out(b, &b->source->aliases[i], &targets[i]);
    free(targets);
    return st;
}
