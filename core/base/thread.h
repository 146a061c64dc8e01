/* SPDX-License-Identifier: MIT */
/* Threads of ours: named, and with every signal blocked, so that an application's handlers run on
 * its own threads only; but for faults, which come to the thread that has them or end the process. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>

#include "base/attr.h"
#include "base/slice.h"

/* `name` has at most 15 characters; it shows in top and gdb. E_MEMORY: no thread to be had. */
MUST_CHECK harborai_status thread_start(pthread_t *ret_thread, const char *name,
                                        void *(*run)(void *argument), void *argument,
                                        harborai_error *error);

/* A stack for this thread's handlers (SA_ONSTACK), such as those started above have: who has used up his
 * own has none for them. What somebody has put there before stays. Returns it, to be left where it is;
 * NULL: there is no room. [any] */
void *thread_add_fault_stack(void);

#endif
