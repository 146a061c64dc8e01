/* SPDX-License-Identifier: MIT */
/* YAML to nodes: one document, scalars by YAML 1.2's core schema, with ceilings on everything that
 * a hostile or mistaken file could make grow. JSON is YAML: it may be given too. */
#ifndef CONFIG_YAML_H
#define CONFIG_YAML_H

#include "config/node.h"

#define YAML_ALIASES_MAX 16    /* each one copies: enough for a shared section, no bomb */
#define YAML_MEMBERS_MAX 4096  /* of one mapping: the search for duplicates is quadratic */

/* Reads `text`, which is borrowed during the call. `file` is for messages and must live as long as
 * the nodes. The root is always a mapping; an empty document is an empty one. E_CONFIG: the first
 * thing that is wrong is in `faults`. */
MUST_CHECK harborai_status yaml_tree_read(struct arena *arena, const char *file, harborai_str text,
                                          struct config_faults *faults, struct node **ret_root,
                                          harborai_error *error);

#endif
