/* SPDX-License-Identifier: MIT */
/* Looks after the segments of a state directory, on a thread of its own: finishes those whose process
 * is gone, compresses those that are sealed, takes away those that are too old. It is woken when a file
 * of the journal is closed, by whatever process and however that ends, and when the next one is too
 * old; nothing polls. Of all processes that share the directory one does it at a time (flock on
 * journal/upkeep.lock); who finds it locked waits for the other to be done, or gone. */
#ifndef STORE_UPKEEP_H
#define STORE_UPKEEP_H

#include "store/retention.h"
#include "store/upkeep_tools.h"

struct upkeep_settings {
    int64_t retention_ns; /* 0: segments stay for ever */
    unsigned stores;      /* RETENTION_…: that have a segment before it goes */
    bool compresses;
};

/* What a pass has found. */
struct upkeep_result {
    size_t recovered, removed, compressed; /* segments */
    size_t kept;     /* that are old, and that a store does not have */
    bool is_unsure;  /* one was locked by somebody who only looked: come again soon */
    int64_t next_ns; /* by the wall clock: when there is something to do again by itself */
};

/* One pass over all segments; the caller has the lock. What fails is passed over; the first error is
 * returned. [job] */
MUST_CHECK harborai_status upkeep_pass(const struct upkeep_tools *tools,
                                       const struct upkeep_settings *settings,
                                       struct upkeep_result *ret_result, harborai_error *error);

struct upkeep;

/* Starts the thread, which makes its first pass at once. Borrows clock and log. Returns owned.
 * E_NOT_FOUND: there is no journal. E_CONFIG: its directory cannot be used. E_MEMORY. [init] */
MUST_CHECK harborai_status upkeep_create(harborai_str state_dir, const struct clock *clock,
                                         const struct log *log,
                                         const struct upkeep_settings *settings,
                                         struct upkeep **ret_upkeep, harborai_error *error);

/* New settings, in force at once. [any] */
void upkeep_set(struct upkeep *u, const struct upkeep_settings *settings);

/* Breaks a pass off, and waits for the thread; what was not done is done by who comes next. NULL too. */
void upkeep_destroy(struct upkeep *u);

#endif
