/* SPDX-License-Identifier: MIT */
/* The end lines that come into a journal from now on, whichever process writes them. It sleeps until the
 * journal's directory changes. [job]
 *
 *     st = journal_watch_open(state_dir, on_fault, context, &watch, error);
 *     while (poll(…journal_watch_fd(watch)…) > 0)
 *         st = journal_watch_read(watch, on_end, context, error);
 */
#ifndef STORE_JOURNAL_WATCH_H
#define STORE_JOURNAL_WATCH_H

#include "store/journal_follow.h"

struct journal_watch;

/* Looks where each segment ends now. There need not be a journal yet. Copies `state_dir`; `on_fault` may
 * be NULL. Returns owned. E_CONFIG: there is no such directory, it cannot be read, or the system gives
 * no word of changes. */
MUST_CHECK harborai_status journal_watch_open(harborai_str state_dir,
                                              journal_follow_fault_fn *on_fault, void *context,
                                              struct journal_watch **ret_watch,
                                              harborai_error *error);
void journal_watch_close(struct journal_watch *watch); /* NULL too */

/* The descriptor that is readable when there may be something to read. */
int journal_watch_fd(const struct journal_watch *watch);

/* One end line; false: no more are wanted now. Borrowed until it returns. */
typedef bool journal_watch_fn(void *context, harborai_str line);

/* Takes the changes that there were and gives the end lines that they brought, of one segment in
 * their order. What of a segment cannot be read is told to `on_fault`. E_CONFIG, E_MEMORY. */
MUST_CHECK harborai_status journal_watch_read(struct journal_watch *watch,
                                              journal_watch_fn *on_end, void *context,
                                              harborai_error *error);

#endif
