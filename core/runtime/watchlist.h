/* SPDX-License-Identifier: MIT */
/* Watches over plugin directories and single files, by inotify: it says that something of them may
 * have changed, not what. What is not there yet is watched for, too. One thread at a time. */
#ifndef RUNTIME_WATCHLIST_H
#define RUNTIME_WATCHLIST_H

#include <stdbool.h>

#include <harborai/types.h>

#include "base/attr.h"

struct watchlist;

/* E_MEMORY: the system gives no more of them, and the message says which limit that is. */
MUST_CHECK harborai_status watchlist_create(struct watchlist **ret_list, harborai_error *error);
void watchlist_destroy(struct watchlist *list); /* accepts NULL */

/* Readable when something happened; edges suffice. [any] */
int watchlist_descriptor(const struct watchlist *list);

/* What is added between these two is watched in place of all that was: by absolute paths, which are
 * copied; others are left out. A symlink on the way to one may be made to lead somewhere else.
 * E_MEMORY: it is not watched, or only in part. Who watches before looking misses nothing. */
void watchlist_begin(struct watchlist *list);
/* The files in it that may be plugins, and the directory itself. */
MUST_CHECK harborai_status watchlist_add_directory(struct watchlist *list, const char *path,
                                                   harborai_error *error);
MUST_CHECK harborai_status watchlist_add_file(struct watchlist *list, const char *path,
                                              harborai_error *error);
void watchlist_end(struct watchlist *list);

/* Takes what has happened; true: something that counts, or too much to tell. A file counts once it
 * was written to its end, renamed, linked, removed, or given another mode or owner. */
bool watchlist_read(struct watchlist *list);

#endif
