/* SPDX-License-Identifier: MIT */
/* Sorts and compares; decides nothing about the map, whose rules are those of model_map.h. */
#include "registry/model_claims.h"

#include <stdlib.h>

bool model_claims_add(struct model_claims *claims, const struct model_claim *claim)
{
    if (claims->count == claims->room) {
        size_t room = claims->room > 0 ? 2 * claims->room : 16;
        struct model_claim *items = realloc(claims->items, room * sizeof *items);
        if (items == NULL)
            return false;
        claims->items = items;
        claims->room = room;
    }
    claims->items[claims->count++] = *claim;
    return true;
}

/* Two may match the same name if they begin alike. */
bool model_claims_add_patterns(struct model_claims *claims, const struct model_map *map)
{
    for (size_t i = 0; i < map->pattern_count; i++) {
        const struct model_map_pattern *p = &map->patterns[i];
        const struct model_claim claim = {.name = slice_cut(p->text, p->literal + 1),
                                          .provider = p->provider->name,
                                          .model = p->text,
                                          .priority = p->provider->priority,
                                          .kind = MODEL_CLAIM_PATTERN};
        if (p->provider->enabled && !model_claims_add(claims, &claim))
            return false;
    }
    return true;
}

static int compare_texts(harborai_str a, harborai_str b)
{
    int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* Below 0: `a` holds in place of `b`. */
static int compare_weights(const struct model_claim *a, const struct model_claim *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->kind == MODEL_CLAIM_ALIAS)
        return 0;
    return (a->priority < b->priority) - (a->priority > b->priority);
}

static int compare_claims(const void *left, const void *right)
{
    const struct model_claim *a = left, *b = right;
    int order = compare_texts(a->name, b->name);
    if (order == 0)
        order = compare_weights(a, b);
    if (order == 0)
        order = compare_texts(a->provider, b->provider);
    return order != 0 ? order : compare_texts(a->model, b->model);
}

/* All claims to one name. */
static bool differ(const struct model_claim *claims, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (!slice_equal(claims[i].provider, claims[0].provider))
            return true;
    return false;
}

static void judge(struct model_claim *claims, size_t count)
{
    size_t best = 1;
    while (best < count && compare_weights(&claims[0], &claims[best]) == 0)
        best++;
    bool is_ambiguous = differ(claims, best);
    for (size_t i = 0; i < count; i++)
        claims[i].verdict = i >= best      ? MODEL_CLAIM_PASSED_OVER
                            : is_ambiguous ? MODEL_CLAIM_AMBIGUOUS
                                           : MODEL_CLAIM_CHOSEN;
}

bool model_claims_weigh(struct model_claims *claims, struct model_map *map)
{
    struct model_claim *list = arena_alloc(&map->arena, (claims->count + 1) * sizeof *list);
    size_t kept = 0, next;
    if (list == NULL)
        return false;
    if (claims->count > 0)
        qsort(claims->items, claims->count, sizeof *claims->items, compare_claims);
    for (size_t first = 0; first < claims->count; first = next) {
        struct model_claim *group = &claims->items[first];
        for (next = first + 1; next < claims->count; next++)
            if (!slice_equal(claims->items[next].name, group->name))
                break;
        if (!differ(group, next - first))
            continue;
        judge(group, next - first);
        memcpy(&list[kept], group, (next - first) * sizeof *group);
        kept += next - first;
    }
    map->claims = list;
    map->claim_count = kept;
    return true;
}

void model_claims_release(struct model_claims *claims)
{
    free(claims->items);
    *claims = (struct model_claims){NULL, 0, 0};
}
