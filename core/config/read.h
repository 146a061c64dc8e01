/* SPDX-License-Identifier: MIT */
/* From a tree, the environment and overrides to a struct config. */
#ifndef CONFIG_READ_H
#define CONFIG_READ_H

#include "config/field.h"

/* Fills r->config, which has its arena and its variables, in the order of precedence. `root` is
 * NULL without a file. Faults and lack of memory are in `r` afterwards. */
void read_config(struct config_reader *r, struct node *root);

#endif
