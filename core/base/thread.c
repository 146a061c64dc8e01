/* SPDX-License-Identifier: MIT */
/* Starts threads with all signals blocked but those that a thread brings upon itself, and with a stack
 * for the handlers of these. */
#include "base/thread.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/error.h"
#include "base/limits.h"

/* The kernel alone puts up to 11 KiB of registers there. None of it is memory before it is used. */
#define FAULT_STACK_SIZE KIB(64)

struct start {
    void *(*run)(void *argument);
    void *argument;
};

void *thread_add_fault_stack(void)
{
    stack_t before, stack = {.ss_size = FAULT_STACK_SIZE};
    if (sigaltstack(NULL, &before) != 0 || (before.ss_flags & SS_DISABLE) == 0)
        return NULL; /* a sanitizer's, or an application's */
    stack.ss_sp = mmap(NULL, stack.ss_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack.ss_sp == MAP_FAILED)
        return NULL;
    if (sigaltstack(&stack, NULL) == 0)
        return stack.ss_sp;
    munmap(stack.ss_sp, stack.ss_size);
    return NULL;
}

static void remove_fault_stack(void *room)
{
    const stack_t none = {.ss_flags = SS_DISABLE};
    if (room != NULL && sigaltstack(&none, NULL) == 0)
        munmap(room, FAULT_STACK_SIZE);
}

static void *run_started(void *argument)
{
    const struct start start = *(struct start *)argument;
    free(argument);
    void *room = thread_add_fault_stack();
    void *result = start.run(start.argument);
    remove_fault_stack(room);
    return result;
}

harborai_status thread_start(pthread_t *ret_thread, const char *name, void *(*run)(void *argument),
                             void *argument, harborai_error *error)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGABRT};
    sigset_t blocked, before;
    char text[128];
    struct start *start = malloc(sizeof *start);
    if (start == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    *start = (struct start){run, argument};

    sigfillset(&blocked);
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) /* blocked they end the process past all handlers */
        sigdelset(&blocked, faults[i]);
    pthread_sigmask(SIG_SETMASK, &blocked, &before); /* the new thread inherits it */
    int failed = pthread_create(ret_thread, NULL, run_started, start);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0) {
        free(start);
        return harborai_error_set(error, HARBORAI_E_MEMORY, "cannot start thread '%s': %s", name,
                                  error_of_errno(failed, text));
    }
    pthread_setname_np(*ret_thread, name);
    return HARBORAI_OK;
}
