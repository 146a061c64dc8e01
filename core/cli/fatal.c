/* SPDX-License-Identifier: MIT */
/* Handlers of the signals that a thread brings upon itself. Nothing but what is async-signal-safe may be
 * called here: the heap, stdio and the log may be what is broken. */
#include "cli/fatal.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/thread.h"
#include "runtime/runtime.h"
#include "store/crash_mark.h"

static pid_t watched; /* the process; no handler is given a context that could own it */

static size_t add(char *line, size_t at, size_t room, const char *text)
{
    while (*text != '\0' && at < room)
        line[at++] = *text++;
    return at;
}

static void tell(const char *plugin, const char *how)
{
    char line[256];
    size_t at = add(line, 0, 200, "harborai: plugin '");
    at = add(line, at, 200, plugin);
    at = add(line, at, sizeof line, "' ends the process: ");
    at = add(line, at, sizeof line, how);
    at = add(line, at, sizeof line, "\n");
    ssize_t written = write(STDERR_FILENO, line, at);
    (void)written;
}

static void tell_signal(const char *plugin, int number)
{
    const char digits[] = {(char)('0' + number / 10), (char)('0' + number % 10), '\0'};
    char how[16];
    size_t at = add(how, 0, sizeof how - 1, "signal ");
    at = add(how, at, sizeof how - 1, digits + (number < 10));
    how[at] = '\0';
    tell(plugin, how);
}

/* What a plugin has forked has our handlers, and our marks open, until it becomes another program; how it
 * ends says nothing of this process. */
static bool is_child(void)
{
    return getpid() != watched;
}

/* A mark of this thread first: what follows goes through memory that may be broken. */
static const char *find_culprit(void)
{
    crash_mark_accuse();
    const char *plugin = runtime_running_plugin();
    if (plugin != NULL)
        crash_mark_acquit();
    return plugin;
}

/* The handler is gone by now, and what is sent here waits until this one has returned: then it ends the
 * process where the fault was, with a core dump that knows its address. Not every fault comes again by
 * itself: no trap does, nor what was sent by raise(). */
static void on_fault(int number, siginfo_t *info, void *context UNUSED)
{
    const char *plugin = is_child() ? NULL : find_culprit();
    if (plugin != NULL)
        tell_signal(plugin, number);
    if (syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), number, info) != 0)
        raise(number);
}

static void on_exit_call(void)
{
    const char *plugin = is_child() ? NULL : find_culprit();
    if (plugin != NULL)
        tell(plugin, "exit()");
}

void fatal_watch(void)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGABRT};
    struct sigaction action = {.sa_sigaction = on_fault,
                               .sa_flags = (int)(SA_SIGINFO | SA_RESETHAND | SA_ONSTACK)};
    struct sigaction before;
    watched = getpid();
    (void)thread_add_fault_stack();
    for (size_t i = 0; i < ARRAY_LEN(faults); i++)
        if (sigaction(faults[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
            sigaction(faults[i], &action, NULL);
    atexit(on_exit_call);
}
