/* SPDX-License-Identifier: MIT */
/* Makes directories. Must never change one that is there. */
#include "base/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

bool directory_give(int fd, const char *path)
{
    char above[PATH_MAX];
    struct stat status;
    if (geteuid() != 0)
        return true;
    const char *slash = strrchr(path, '/');
    int len = snprintf(above, sizeof above, "%.*s/.", slash != NULL ? (int)(slash - path) : 1,
                       slash != NULL ? path : ".");
    if (len < 0 || (size_t)len >= sizeof above) {
        errno = ENAMETOOLONG;
        return false;
    }
    return stat(above, &status) == 0 &&
           (status.st_uid == 0 || fchown(fd, status.st_uid, status.st_gid) == 0);
}

/* It was just made; that it still is what was made is looked at where it is open. */
static bool give_directory(const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return false;
    bool is_ours = fstat(fd, &status) == 0 && status.st_uid == 0 &&
                   (status.st_mode & 07777) == 0700 && status.st_nlink <= 2;
    bool is_given = !is_ours || directory_give(fd, path);
    close(fd);
    return is_given;
}

static bool make_one(const char *path, bool is_given)
{
    if (mkdir(path, 0700) != 0)
        return errno == EEXIST;
    return !is_given || geteuid() != 0 || give_directory(path);
}

static bool make(char *path, bool is_given)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool is_there = make_one(path, is_given);
        *slash = '/';
        if (!is_there)
            return false;
    }
    return make_one(path, is_given);
}

bool directory_make(char *path)
{
    return make(path, false);
}

bool directory_make_given(char *path)
{
    return make(path, true);
}

harborai_status directory_refuse(const char *what, const char *path, harborai_error *error)
{
    char text[128];
    return harborai_error_set(error, HARBORAI_E_CONFIG,
                              "cannot %s '%s': %s; see whose it is, or set --state-dir to a directory "
                              "of your own", what, path, error_of_errno(errno, text));
}
