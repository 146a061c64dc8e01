/* SPDX-License-Identifier: MIT */
/* Meters by name, as of an address, for all loops together: of so many names as use something at a time,
 * for a meter that is full again is no different from none. Where more of them use something than there is
 * room for, those that have used least are forgotten. No lock; memory that is not used is not taken. */
#ifndef ACCOUNT_RATE_TABLE_H
#define ACCOUNT_RATE_TABLE_H

#include <harborai/types.h>

#include "account/rate_limit.h"
#include "base/attr.h"

struct rate_table;

MUST_CHECK harborai_status rate_table_create(struct rate_table **ret_table, harborai_error *error);
void rate_table_destroy(struct rate_table *table); /* accepts NULL */

/* The meter of the name now; another thread may give it to another name once it is full again. [any] */
struct rate_meter *rate_table_find(struct rate_table *table, harborai_str name, int64_t now_ns);

#endif
