/* SPDX-License-Identifier: MIT */
/* The CPU time of other processes, which costs a system call each to read. */
#include "tests/bench/clocks.h"

#include <string.h>

#include "tests/bench/args.h"

void clocks_open(struct clocks *clocks, const char *pids)
{
    const char *at = pids, *end = at ? at + strlen(at) : NULL;
    while (at && at < end) {
        pid_t pid = (pid_t)args_number(at, end, &at);
        if (clocks->count == CLOCKS_MAX || (at < end && *at++ != ','))
            args_die("option '--pids' needs at most %d numbers with commas", CLOCKS_MAX);
        if (clock_getcpuclockid(pid, &clocks->ids[clocks->count++]) != 0)
            args_die("cannot read the CPU clock of process %d", (int)pid);
    }
}

uint64_t clocks_read_ns(const struct clocks *clocks)
{
    uint64_t sum_ns = 0;
    for (size_t i = 0; i < clocks->count; i++) {
        struct timespec cpu;
        if (clock_gettime(clocks->ids[i], &cpu) != 0)
            args_die("a process of the server ended during the run");
        sum_ns += (uint64_t)cpu.tv_sec * 1000000000u + (uint64_t)cpu.tv_nsec;
    }
    return sum_ns;
}
