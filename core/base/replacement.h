/* SPDX-License-Identifier: MIT */
/* A file that is replaced as a whole: what is there stays until the new one is complete and on the
 * disk, whoever is killed meanwhile and wherever. Readers see the old file or the new one.
 *
 *     AUTO(replacement) r = REPLACEMENT_INIT;
 *     st = replacement_open(&r, path, temporary, 0600, error);
 *     if (st == HARBORAI_OK)
 *         st = replacement_write(&r, text, error);
 *     return st < 0 ? st : replacement_commit(&r, error);
 *
 * Everything waits for the disk: [init] or [job]. */
#ifndef BASE_REPLACEMENT_H
#define BASE_REPLACEMENT_H

#include <sys/types.h>

#include "base/attr.h"
#include "base/slice.h"

struct replacement {
    int fd;                /* owned; -1 = none */
    char *path, *temporary; /* owned */
};

#define REPLACEMENT_INIT {-1, NULL, NULL}

/* Begins a new file for `path`, which has a '/' and need not be there. `temporary` is a path in the same directory
 * that nobody else uses: the caller has a lock. What a killed process left there is written over.
 * E_INTERNAL: it cannot be made; the message names the file, and says why. */
MUST_CHECK harborai_status replacement_open(struct replacement *r, const char *path,
                                            const char *temporary, mode_t mode,
                                            harborai_error *error);

/* E_INTERNAL: the disk is full, or fails. */
MUST_CHECK harborai_status replacement_write(struct replacement *r, harborai_str bytes,
                                             harborai_error *error);

/* Puts it on the disk and in its place. E_INTERNAL: the old file is there still, unless the message
 * says that only the directory could not be put on the disk. */
MUST_CHECK harborai_status replacement_commit(struct replacement *r, harborai_error *error);

/* Takes away what was not committed. */
void replacement_release(struct replacement *r);

#endif
