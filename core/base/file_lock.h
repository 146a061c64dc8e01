/* SPDX-License-Identifier: MIT */
/* flock() among processes that hold a file for no longer than it takes to write a small one. */
#ifndef BASE_FILE_LOCK_H
#define BASE_FILE_LOCK_H

#include <stdbool.h>

#include "base/attr.h"

/* Opens a file to be locked, or makes it, with mode 0600 and as directory_give() has it. -1: errno says why.
 * It waits for the disk. [job] */
MUST_CHECK int file_lock_open(const char *path);

/* Locks the open file for this descriptor alone, until that is closed. Waits for another process, 5 s at
 * most. False: errno says why, EWOULDBLOCK that the other one still has it. [job] */
MUST_CHECK bool file_lock_wait(int fd);

#endif
