/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CLOCKS_H
#define BENCH_CLOCKS_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum { CLOCKS_MAX = 64 };

/* The CPU clocks of a server's processes. Zeroed has none. */
struct clocks {
    clockid_t ids[CLOCKS_MAX];
    size_t count;
};

/* Opens those of processes, decimal numbers with commas, or of none if NULL. Exits on failure. */
void clocks_open(struct clocks *clocks, const char *pids);

/* User and system time of them all; exits if one of them has ended. */
uint64_t clocks_read_ns(const struct clocks *clocks);

#endif
