/* SPDX-License-Identifier: MIT */
/* JSON (RFC 8259) to the same nodes as YAML, for files whose name ends in .json: what YAML takes
 * beyond JSON is refused, and what JSON has beyond YAML is taken. */
#ifndef CONFIG_JSON_H
#define CONFIG_JSON_H

#include "config/node.h"

/* As yaml_tree_read(). */
MUST_CHECK harborai_status json_tree_read(struct arena *arena, const char *file, harborai_str text,
                                          struct config_faults *faults, struct node **ret_root,
                                          harborai_error *error);

#endif
