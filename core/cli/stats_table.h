/* SPDX-License-Identifier: MIT */
/* Sums over calls, for people and programs. */
#ifndef CLI_STATS_TABLE_H
#define CLI_STATS_TABLE_H

#include "cli/stores.h"
#include "store/stats.h"

/* `total` has the one row that is the sum of all, or none. To stdout. */
void stats_table_print(const struct stats *stats, const struct stats *total, enum stats_by by,
                       bool with_color);

/* With the member "database" if `stores` is not NULL. */
void stats_table_print_json(const struct stats *stats, const struct stats *total, enum stats_by by,
                            const struct stores *stores);

#endif
