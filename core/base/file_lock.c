/* SPDX-License-Identifier: MIT */
/* By asking again: flock() itself would wait for ever for a process that hangs. */
#include "base/file_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/directory.h"
#include "base/slice.h"

enum { TRIES = 500, PAUSE_MS = 10 };

int file_lock_open(const char *path)
{
    const int how = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    int fd = open(path, how | O_CREAT | O_EXCL, 0600);
    if (fd < 0)
        return errno == EEXIST ? open(path, how) : -1;
    if (directory_give(fd, path))
        return fd;
    close(fd);
    return -1;
}

bool file_lock_wait(int fd)
{
    const struct timespec pause = {0, PAUSE_MS * NS_PER_MS};
    for (unsigned i = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; i++) {
        if (errno != EWOULDBLOCK || i == TRIES)
            return false;
        nanosleep(&pause, NULL);
    }
    return true;
}

bool file_lock_sign(int fd)
{
    char pid[24];
    int len = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    return ftruncate(fd, 0) == 0 && pwrite(fd, pid, (size_t)len, 0) == len;
}

pid_t file_lock_signer(int fd)
{
    char text[24];
    uint64_t pid;
    ssize_t len = pread(fd, text, sizeof text, 0);
    return len > 0 && slice_to_u64(slice_trim((harborai_str){text, (size_t)len}), &pid) && pid <= INT32_MAX
               ? (pid_t)pid
               : 0;
}

static harborai_status not_locked(const char *path, harborai_error *error)
{
    if (errno != EWOULDBLOCK)
        return directory_refuse("lock", path, error);
    return harborai_error_set(error, HARBORAI_E_INTERNAL,
                              "another process keeps '%s' locked: nothing was changed; try again", path);
}

harborai_status file_lock_take(char *directory, const char *path, int *ret_fd, harborai_error *error)
{
    if (!directory_make_given(directory))
        return directory_refuse("make directory", directory, error);
    int fd = file_lock_open(path);
    if (fd < 0)
        return directory_refuse("write", path, error);
    if (!file_lock_wait(fd)) {
        harborai_status st = not_locked(path, error);
        close(fd);
        return st;
    }
    *ret_fd = fd;
    return HARBORAI_OK;
}
