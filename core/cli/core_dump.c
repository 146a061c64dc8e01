/* SPDX-License-Identifier: MIT */
/* By the limit of its size, which leaves debuggers and /proc alone, other than PR_SET_DUMPABLE. */
#include "cli/core_dump.h"

#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* For a file that is less than the least that the kernel writes. A handler of /proc/sys/kernel/core_pattern
 * is not bound by the limit, not even by 0, but by 1, with which the kernel starts none (fs/coredump.c). */
#define NO_CORE 1

/* False: the hard limit is below `least`. */
static bool set_limit(rlim_t least, rlim_t wanted)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_CORE, &limit) < 0 || limit.rlim_max < least)
        return false;
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    return setrlimit(RLIMIT_CORE, &limit) == 0;
}

void core_dump_forbid(void)
{
    if (!set_limit(NO_CORE, NO_CORE))
        (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void core_dump_allow(void)
{
    (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    (void)set_limit(0, RLIM_INFINITY);
}
