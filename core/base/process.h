/* SPDX-License-Identifier: MIT */
/* What the kernel knows of this process. [any] None of it waits for a disk. */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include <stdint.h>

struct process_memory {
    uint64_t resident_bytes, virtual_bytes; /* 0: it could not be read */
};

struct process_memory process_memory_now(void);

/* Of all its threads, in user and kernel mode. */
int64_t process_cpu_ns(void);

/* How many descriptors it may have open; 0: no limit is known. */
uint64_t process_most_descriptors(void);

#endif
