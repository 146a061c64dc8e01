/* SPDX-License-Identifier: MIT */
/* flock() among processes, and who has it. */
#ifndef BASE_FILE_LOCK_H
#define BASE_FILE_LOCK_H

#include <stdbool.h>
#include <sys/types.h>

#include <harborai/types.h>

#include "base/attr.h"

/* Opens a file to be locked, or makes it, with mode 0600 and as directory_give() has it. -1: errno says why.
 * It waits for the disk. [job] */
MUST_CHECK int file_lock_open(const char *path);

/* Locks the open file for this descriptor alone, until that is closed. Waits for another process, 5 s at
 * most. False: errno says why, EWOULDBLOCK that the other one still has it. [job] */
MUST_CHECK bool file_lock_wait(int fd);

/* For a change of a file in a state directory: makes `directory` if it is missing, opens the lock `path` in
 * it and waits for it. *ret_fd: closing it gives the lock up. Changes `directory` on the way and puts it
 * back. [job] */
MUST_CHECK harborai_status file_lock_take(char *directory, const char *path, int *ret_fd,
                                          harborai_error *error);

/* Writes the process into the file that it has locked. False: errno says why. [job] or [init] */
MUST_CHECK bool file_lock_sign(int fd);
/* Who did so last; 0: nobody. It is true as long as somebody has the lock. [any] */
pid_t file_lock_signer(int fd);

#endif
