/* SPDX-License-Identifier: MIT */
/* Handlers of the signals that a thread brings upon itself. Nothing but what is async-signal-safe may be
 * called here: the heap, stdio and the log may be what is broken. */
#include "cli/fatal.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "runtime/runtime.h"
#include "store/crash_mark.h"

static size_t add(char *line, size_t at, size_t room, const char *text)
{
    while (*text != '\0' && at < room)
        line[at++] = *text++;
    return at;
}

static void tell(const char *plugin, int number)
{
    const char digits[] = {(char)('0' + number / 10), (char)('0' + number % 10), '\0'};
    char line[256];
    size_t at = add(line, 0, 200, "harborai: plugin '");
    at = add(line, at, 200, plugin);
    at = add(line, at, sizeof line, "' ends the process: signal ");
    at = add(line, at, sizeof line, digits + (number < 10));
    at = add(line, at, sizeof line, "\n");
    ssize_t written = write(STDERR_FILENO, line, at);
    (void)written;
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

/* The handler is gone by now: a fault that comes again ends the process where it is; what was sent by
 * raise() or abort() does not come again by itself. */
static void on_fault(int number, siginfo_t *info, void *context UNUSED)
{
    const char *plugin = find_culprit();
    if (plugin != NULL)
        tell(plugin, number);
    if (info->si_code <= 0)
        raise(number);
}

static void on_exit_call(void)
{
    (void)find_culprit();
}

void fatal_watch(void)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGABRT};
    struct sigaction action = {.sa_sigaction = on_fault,
                               .sa_flags = (int)(SA_SIGINFO | SA_RESETHAND | SA_ONSTACK)};
    struct sigaction before;
    for (size_t i = 0; i < ARRAY_LEN(faults); i++)
        if (sigaction(faults[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
            sigaction(faults[i], &action, NULL);
    atexit(on_exit_call);
}
