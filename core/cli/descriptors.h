/* SPDX-License-Identifier: MIT */
/* How many files and sockets the gateway may have open. */
#ifndef CLI_DESCRIPTORS_H
#define CLI_DESCRIPTORS_H

#include <stdint.h>

#include "base/log.h"

/* Raises the soft limit to the hard one, and warns if that is less than so many connections, each with a
 * call, need. `loops`: 0 = one a core. [init] */
void descriptors_raise(const struct log *log, int64_t loops, int64_t connections);

#endif
