/* SPDX-License-Identifier: MIT */
/* Sealed segments do not change any more: they are compressed, NAME.jsonl to NAME.jsonl.zst, line for
 * line. Killed at any moment it leaves the plain file, or both, whole; the next one goes on. Only who
 * holds the lock of the upkeep does it. [job] */
#ifndef STORE_SEAL_H
#define STORE_SEAL_H

#include "store/upkeep_tools.h"

enum seal {
    SEAL_NOT_NEEDED, /* it is gone, not sealed, or somebody's */
    SEAL_DONE,
    SEAL_STOPPED     /* and the plain file is there still */
};

/* E_INTERNAL: the disk is full, or fails. The plain file is there still. */
MUST_CHECK harborai_status seal_compress(const struct upkeep_tools *tools, const char *segment,
                                         enum seal *ret_result, harborai_error *error);

#endif
