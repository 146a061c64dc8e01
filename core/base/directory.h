/* SPDX-License-Identifier: MIT */
/* Directories that are made when something is to be put into them. */
#ifndef BASE_DIRECTORY_H
#define BASE_DIRECTORY_H

#include <stdbool.h>

#include <harborai/types.h>

/* mkdir -p: each part of `path` that is missing, with mode 0700. Changes `path` on the way and puts
 * it back. False: errno says why. [any] It waits for the disk. */
bool directory_make(char *path);

/* What root makes in a directory of somebody else is that one's, who has to read it. Gives him the file
 * that is open as `fd`, which this process has just made there as `path`: never one that was there,
 * which may be a link to anything. False: errno says why. [any] It waits for the disk. */
bool directory_give(int fd, const char *path);

/* directory_make(), and each part that was missing is given, too. */
bool directory_make_given(char *path);

/* E_CONFIG: what cannot be done with `path` in a state directory ("write"), by errno. [any] */
harborai_status directory_refuse(const char *what, const char *path, harborai_error *error);

#endif
