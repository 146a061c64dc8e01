/* SPDX-License-Identifier: MIT */
/* The signals that `harborai serve` lives by: blocked in all threads, and waited for on the first one. */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

#include <stdbool.h>

#include "base/attr.h"

/* Before threads start: they inherit it. [init] */
void signals_block(void);

/* Waits for the next signal, and returns its number; 0: there is something to read from `fd` (borrowed;
 * -1 = none) instead. */
int signals_wait(int fd);
/* Whether that number ends the gateway. */
bool signals_stop(int number);

/* A descriptor that is readable as soon as a signal has come that ends the gateway; not to be read. Owned;
 * -1: there is none to be had. */
int signals_stop_descriptor(void);
/* The signal that made it readable, which it is not any more; 0: none did. */
int signals_take_stop(void);

#endif
