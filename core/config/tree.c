/* SPDX-License-Identifier: MIT */
/* Nodes with ceilings. Knows neither YAML nor JSON. */
#include "config/tree.h"

#include "base/limits.h"

static harborai_status out_of_memory(harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
}

harborai_status tree_make_node(struct tree *tree, struct config_place place,
                               struct node **ret_node, harborai_error *error)
{
    if (++tree->nodes > LIMIT_CONFIG_NODES) {
        config_faults_add(tree->faults, place, "more than %d values in one file",
                          LIMIT_CONFIG_NODES);
        return HARBORAI_E_CONFIG;
    }
    struct node *node = arena_alloc(tree->arena, sizeof *node);
    if (node == NULL)
        return out_of_memory(error);
    node->place = place;
    *ret_node = node;
    return HARBORAI_OK;
}

harborai_status tree_check_depth(struct tree *tree, struct config_place place, unsigned depth)
{
    if (depth <= LIMIT_CONFIG_DEPTH)
        return HARBORAI_OK;
    config_faults_add(tree->faults, place, "nested deeper than %d levels", LIMIT_CONFIG_DEPTH);
    return HARBORAI_E_CONFIG;
}

harborai_status tree_add_member(struct tree *tree, struct node *parent, struct config_place place,
                                harborai_str key, struct node *value, harborai_error *error)
{
    const struct node *twin = node_member(parent, key);
    if (key.len == 0) {
        config_faults_add(tree->faults, place, "a key is empty");
        return HARBORAI_E_CONFIG;
    }
    if (twin != NULL) {
        config_faults_add(tree->faults, place, "duplicate key '%.*s': it stands in line %u already",
                          SLICE_ARG(node_excerpt(key)), twin->key_place.line);
        return HARBORAI_OK;
    }
    if (parent->count == TREE_MEMBERS_MAX) {
        config_faults_add(tree->faults, place, "more than %d members in one mapping",
                          TREE_MEMBERS_MAX);
        return HARBORAI_E_CONFIG;
    }
    value->key = arena_copy(tree->arena, key);
    if (value->key.data == NULL)
        return out_of_memory(error);
    value->key_place = place;
    node_append(parent, value);
    return HARBORAI_OK;
}

struct config_place tree_place_of(const struct tree *tree, size_t offset)
{
    struct config_place place = {tree->file, 1, 1};
    for (size_t i = 0; i < offset && i < tree->text.len; i++) {
        unsigned char c = (unsigned char)tree->text.data[i];
        if (c == '\n') {
            place.line++;
            place.column = 1;
        } else if ((c & 0xc0) != 0x80) {
            place.column++;
        }
    }
    return place;
}
