/* SPDX-License-Identifier: MIT */
/* Makes directories. Must never change one that is there. */
#include "base/directory.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

bool directory_make(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool is_there = mkdir(path, 0700) == 0 || errno == EEXIST;
        *slash = '/';
        if (!is_there)
            return false;
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}
