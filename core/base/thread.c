/* SPDX-License-Identifier: MIT */
/* Starts threads with all signals blocked but those that a thread brings upon itself. */
#include "base/thread.h"

#include <signal.h>

#include "base/error.h"

harborai_status thread_start(pthread_t *ret_thread, const char *name, void *(*run)(void *argument),
                             void *argument, harborai_error *error)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGABRT};
    sigset_t blocked, before;
    char text[128];

    sigfillset(&blocked);
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) /* blocked they end the process past all handlers */
        sigdelset(&blocked, faults[i]);
    pthread_sigmask(SIG_SETMASK, &blocked, &before); /* the new thread inherits it */
    int failed = pthread_create(ret_thread, NULL, run, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "cannot start thread '%s': %s", name,
                                  error_of_errno(failed, text));
    pthread_setname_np(*ret_thread, name);
    return HARBORAI_OK;
}
