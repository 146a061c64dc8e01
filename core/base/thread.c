/* SPDX-License-Identifier: MIT */
/* Starts threads with all signals blocked. */
#include "base/thread.h"

#include <signal.h>

#include "base/error.h"

harborai_status thread_start(pthread_t *ret_thread, const char *name, void *(*run)(void *argument),
                             void *argument, harborai_error *error)
{
    sigset_t all, before;
    char text[128];

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* the new thread inherits it */
    int failed = pthread_create(ret_thread, NULL, run, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "cannot start thread '%s': %s", name,
                                  error_of_errno(failed, text));
    pthread_setname_np(*ret_thread, name);
    return HARBORAI_OK;
}
