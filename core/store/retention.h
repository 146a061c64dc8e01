/* SPDX-License-Identifier: MIT */
/* How long segments stay. [job] */
#ifndef STORE_RETENTION_H
#define STORE_RETENTION_H

#include "store/journal_list.h"
#include "store/upkeep_tools.h"

enum { RETENTION_SQLITE = 1, RETENTION_POSTGRES = 2 }; /* stores that are to have a segment first */

/* Takes away the segments whose last line is older than `age_ns`, but never one that a process may
 * write to, nor one that a store of `stores` does not have; they leave the list. *ret_next_ns: when
 * the next one is so old, by the wall clock; CLOCK_NEVER_NS. *ret_kept: how many stay for the stores.
 * E_INTERNAL: one of them could not be removed; the others are. */
MUST_CHECK harborai_status retention_run(const struct upkeep_tools *tools, struct journal_list *list,
                                         int64_t age_ns, unsigned stores, int64_t *ret_next_ns,
                                         size_t *ret_kept,
                                         harborai_error *error);

#endif
