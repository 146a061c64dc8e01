/* SPDX-License-Identifier: MIT */
/* YAML to nodes: one document, scalars by YAML 1.2's core schema, with ceilings on everything that
 * a hostile or mistaken file could make grow. */
#ifndef CONFIG_YAML_H
#define CONFIG_YAML_H

#include "config/node.h"

#define YAML_ALIASES_MAX 16 /* each one copies: enough for a shared section, no bomb */

/* Reads `text`, which is borrowed during the call. `file` is for messages and must live as long as
 * the nodes. The root is always a mapping; an empty document is an empty one. What is wrong is in
 * `faults`; E_CONFIG: what follows it could not be read, and there is no tree. */
MUST_CHECK harborai_status yaml_tree_read(struct arena *arena, const char *file, harborai_str text,
                                          struct config_faults *faults, struct node **ret_root,
                                          harborai_error *error);

#endif
