/* SPDX-License-Identifier: MIT */
/* The index as db verify looks at it. [job] */
#ifndef STORE_VERIFY_INDEX_H
#define STORE_VERIFY_INDEX_H

#include "store/verify.h"

/* Calls that began longer ago than `age_ns` leave the index (index_keep()); 0: none does. Copies
 * `state_dir`. Returns owned. E_MEMORY. */
MUST_CHECK harborai_status verify_index_create(harborai_str state_dir, int64_t age_ns,
                                               struct verify_store **ret_store,
                                               harborai_error *error);

#endif
