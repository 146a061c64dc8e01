/* SPDX-License-Identifier: MIT */
/* What becomes of segments whose process is gone without sealing them: a torn last line is cut off,
 * calls without an end get an end line `"outcome":"interrupted"`, and the seal line is written. Nothing
 * else of what stands there changes, ever.
 *
 * A process holds the lock (flock) of its segment as long as it lives; whoever recovers it takes that
 * lock, so that it is one at a time. Killed at any moment, the next one goes on: what was written holds,
 * and a torn last line is cut off again. [job] */
#ifndef STORE_RECOVERY_H
#define STORE_RECOVERY_H

#include "store/upkeep_tools.h"

enum recovery {
    RECOVERY_NOT_NEEDED, /* it is sealed, or gone */
    RECOVERY_LIVE,       /* a process may write to it */
    RECOVERY_DONE,       /* it is sealed now */
    RECOVERY_REMOVED,    /* no whole line was in it */
    RECOVERY_STOPPED
};

/* One segment, without suffix. E_INTERNAL: the disk is full, or fails; E_MEMORY. Then it is as it was,
 * or nearer to being recovered. */
MUST_CHECK harborai_status recovery_run(const struct upkeep_tools *tools, const char *segment,
                                        enum recovery *ret_result, harborai_error *error);

#endif
