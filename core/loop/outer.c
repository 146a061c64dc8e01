/* SPDX-License-Identifier: MIT */
/* An epoll over the loop's own one, a timer and an event. Level-triggered: whoever polls it may come
 * as late as he likes. */
#include "loop/outer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/error.h"

struct outer {
    struct loop *loop;
    int epoll_fd, timer_fd, flag_fd;
    int64_t due_ns; /* what timer_fd is set to; INT64_MAX = nothing */
    bool is_raised;
};

static bool watch(const struct outer *outer, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    return fd >= 0 && epoll_ctl(outer->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

harborai_status outer_create(struct loop *loop, struct outer **ret_outer, harborai_error *error)
{
    char text[128];
    struct outer *outer = calloc(1, sizeof *outer);
    if (outer == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    outer->loop = loop;
    outer->due_ns = INT64_MAX;
    outer->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    outer->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    outer->flag_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (outer->epoll_fd < 0 || !watch(outer, outer->timer_fd) || !watch(outer, outer->flag_fd) ||
        !watch(outer, loop_descriptor(loop))) {
        harborai_status st = harborai_error_set(error, HARBORAI_E_MEMORY,
                                                "cannot make a descriptor to poll: %s",
                                                error_of_errno(errno, text));
        outer_destroy(outer);
        return st;
    }
    *ret_outer = outer;
    return HARBORAI_OK;
}

void outer_destroy(struct outer *outer)
{
    if (outer == NULL)
        return;
    const int fds[] = {outer->epoll_fd, outer->timer_fd, outer->flag_fd};
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    free(outer);
}

int outer_descriptor(const struct outer *outer)
{
    return outer->epoll_fd;
}

void outer_settle(struct outer *outer)
{
    int64_t due_ns = loop_due_ns(outer->loop);
    if (due_ns == outer->due_ns)
        return;
    /* Zero would disarm it: what is due now was due 1 ns after the machine began. */
    int64_t at_ns = due_ns == INT64_MAX ? 0 : due_ns > 0 ? due_ns : 1;
    struct itimerspec at = {.it_value = {at_ns / NS_PER_S, at_ns % NS_PER_S}};
    if (timerfd_settime(outer->timer_fd, TFD_TIMER_ABSTIME, &at, NULL) == 0)
        outer->due_ns = due_ns;
}

void outer_raise(struct outer *outer)
{
    uint64_t one = 1;
    if (outer->is_raised)
        return;
    outer->is_raised = write(outer->flag_fd, &one, sizeof one) == sizeof one;
}

void outer_lower(struct outer *outer)
{
    uint64_t count;
    if (!outer->is_raised)
        return;
    outer->is_raised = read(outer->flag_fd, &count, sizeof count) != sizeof count;
}
