/* SPDX-License-Identifier: MIT */
#include "cli/signals.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

static sigset_t stop_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    return signals;
}

static sigset_t all_signals(void)
{
    sigset_t signals = stop_signals();
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGUSR1);
    sigaddset(&signals, SIGUSR2);
    return signals;
}

void signals_block(void)
{
    sigset_t signals = all_signals();
    sigprocmask(SIG_BLOCK, &signals, NULL);
}

/* Until a signal is pending, or there is something to read from `fd`: false. Without a descriptor for
 * signals nobody looks at `fd`. */
static bool wait_for_either(const sigset_t *signals, int fd)
{
    struct pollfd fds[] = {{.fd = signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK), .events = POLLIN},
                           {.fd = fd, .events = POLLIN}};
    if (fds[0].fd < 0)
        return true;
    while (poll(fds, ARRAY_LEN(fds), -1) <= 0)
        ;
    close(fds[0].fd);
    return fds[0].revents != 0;
}

int signals_wait(int fd)
{
    sigset_t signals = all_signals();
    int number = 0;
    if (fd >= 0 && !wait_for_either(&signals, fd))
        return 0;
    while (sigwait(&signals, &number) != 0)
        ;
    return number;
}

bool signals_stop(int number)
{
    sigset_t signals = stop_signals();
    return sigismember(&signals, number) == 1;
}

int signals_stop_descriptor(void)
{
    sigset_t signals = stop_signals();
    return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

int signals_take_stop(void)
{
    sigset_t signals = stop_signals();
    const struct timespec none = {0, 0};
    int number = sigtimedwait(&signals, NULL, &none);
    return number > 0 ? number : 0;
}
