/* SPDX-License-Identifier: MIT */
/* harborai list-models --conflicts. */
#ifndef CLI_CONFLICTS_H
#define CLI_CONFLICTS_H

#include "registry/model_map.h"

/* Writes to stdout, and the ways out to stderr. `provider`: only names that it would answer for, too;
 * NULL: all. */
void conflicts_print(const struct model_map *map, const char *provider, bool as_json,
                     bool with_color);

#endif
