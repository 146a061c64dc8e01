/* SPDX-License-Identifier: MIT */
/* The journal's files. One segment belongs to one loop of one process, which holds its lock
 * (flock) as long as it may write there:
 *
 *     <state_dir>/journal/20261121T110305Z-4711-0.jsonl      start in UTC, process, loop
 *
 * Directories that are missing are made with mode 0700, files with 0600: records name people. */
#ifndef STORE_SEGMENT_H
#define STORE_SEGMENT_H

#include "base/attr.h"
#include "base/slice.h"

struct segment {
    int fd;     /* -1 = closed */
    char *path; /* owned */
};

/* [init] Makes the directory and sees that segments can be made in it. E_CONFIG: they cannot. */
MUST_CHECK harborai_status segment_prepare(harborai_str state_dir, harborai_error *error);

/* [init or loop] Makes a new, empty segment and locks it. Two processes, or two loops, never get the same
 * one: a name that is taken gets a suffix. E_CONFIG: the directory cannot be made or written; the
 * message names it. */
MUST_CHECK harborai_status segment_create(harborai_str state_dir, int64_t wall_ns, unsigned loop,
                                          struct segment *ret_segment, harborai_error *error);

/* Waits until the disk knows the name of a file. 0, or an errno. */
int segment_sync_name(const char *path);

/* Gives the lock up, and takes the file away if nothing was written. A zeroed or closed segment is
 * left alone. */
void segment_close(struct segment *segment);

#endif
