/* SPDX-License-Identifier: MIT */
/* What the readers of YAML and JSON have in common: nodes with ceilings, and the faults that both
 * can meet. Private to the two. */
#ifndef CONFIG_TREE_H
#define CONFIG_TREE_H

#include "config/node.h"

#define TREE_MEMBERS_MAX 4096 /* of one mapping: the search for duplicates is quadratic */

struct tree {
    struct arena *arena;
    const char *file; /* for messages; lives as long as the nodes */
    harborai_str text;
    struct config_faults *faults;
    unsigned nodes;
};

/* E_CONFIG: more than LIMIT_CONFIG_NODES, which has become a fault. */
MUST_CHECK harborai_status tree_make_node(struct tree *tree, struct config_place place,
                                          struct node **ret_node, harborai_error *error);

/* E_CONFIG: deeper than LIMIT_CONFIG_DEPTH, which has become a fault. */
MUST_CHECK harborai_status tree_check_depth(struct tree *tree, struct config_place place,
                                            unsigned depth);

/* Makes `value` the member of that name. A key that stands there already is a fault, and the second
 * value is dropped. E_CONFIG: an empty key, too many members. */
MUST_CHECK harborai_status tree_add_member(struct tree *tree, struct node *parent,
                                           struct config_place place, harborai_str key,
                                           struct node *value, harborai_error *error);

/* The place of the byte at `offset`. */
struct config_place tree_place_of(const struct tree *tree, size_t offset);

#endif
