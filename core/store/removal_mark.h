/* SPDX-License-Identifier: MIT */
/* That a plugin's file is being taken away: as long as <state_dir>/removing.ID is locked by the process
 * that does it, its calls may end, and it gets no new ones. The lock goes with that process, however it
 * ends: what it did not finish was never begun. */
#ifndef STORE_REMOVAL_MARK_H
#define STORE_REMOVAL_MARK_H

#include <sys/types.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/slice.h"

/* ---- Of this process ------------------------------------------------------------------------ */

struct removal_mark {
    char *path; /* owned; NULL: it is not set */
    int fd;     /* owned; locked */
};

#define REMOVAL_MARK_INIT {NULL, -1}

/* Makes the state directory. E_CONFIG: it cannot be written there; E_INTERNAL: another process has had
 * the mark for 5 s. [job] */
MUST_CHECK harborai_status removal_mark_set(struct removal_mark *mark, harborai_str state_dir,
                                            harborai_str id, harborai_error *error);
/* Does nothing to one that is not set. [job] */
void removal_mark_release(struct removal_mark *mark);

/* ---- Of all processes ----------------------------------------------------------------------- */

struct removal_found {
    harborai_str id, since; /* with a NUL behind them; "2026-11-22T10:00:00Z" */
    pid_t by;               /* the process that does it; 0: it has not said so yet */
};

/* Those that are under way, in `arena`, in the order of their names. What cannot be read is passed
 * over. [init] or [job] */
const struct removal_found *removal_mark_list(harborai_str state_dir, struct arena *arena,
                                        size_t *ret_count);

/* Takes away what dead processes left there. [init] */
void removal_mark_tidy(harborai_str state_dir);

#endif
