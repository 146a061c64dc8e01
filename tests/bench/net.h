/* SPDX-License-Identifier: MIT */
#ifndef BENCH_NET_H
#define BENCH_NET_H

#include <stdint.h>

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t net_now_ns(void);

/* Raises the soft limit of open files to the hard one. */
void net_raise_file_limit(void);

/* A non-blocking socket that listens on 127.0.0.1; `port` 0 takes any free one. Exits on failure.
 * *ret_port is the port in use. */
int net_listen(uint16_t port, uint16_t *ret_port);

/* Connects to 127.0.0.1 within two seconds and returns a non-blocking socket without Nagle's
 * delay, or -1 with errno. */
int net_connect(uint16_t port);

/* Takes one waiting connection as net_connect() makes them, or -1 when none waits. */
int net_accept(int listener);

#endif
