/* SPDX-License-Identifier: MIT */
/* Directories that are made when something is to be put into them. */
#ifndef BASE_DIRECTORY_H
#define BASE_DIRECTORY_H

#include <stdbool.h>

/* mkdir -p: each part of `path` that is missing, with mode 0700. Changes `path` on the way and puts
 * it back. False: errno says why. [any] It waits for the disk. */
bool directory_make(char *path);

#endif
