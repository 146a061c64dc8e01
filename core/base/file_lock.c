/* SPDX-License-Identifier: MIT */
/* By asking again: flock() itself would wait for ever for a process that hangs. */
#include "base/file_lock.h"

#include <errno.h>
#include <sys/file.h>
#include <time.h>

#include "base/clock.h"

enum { TRIES = 500, PAUSE_MS = 10 };

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
