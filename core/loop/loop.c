/* SPDX-License-Identifier: MIT */
/* The loop: epoll, messages, timers, and the three phases of a pass. Must never block but in
 * epoll_wait. */
#include "loop/loop.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/error.h"

#define EVENTS_A_PASS 256

struct loop {
    unsigned index;
    struct epoch *epoch;
    const struct clock *clock;
    int epoll_fd;
    struct watch wake; /* an eventfd; edge-triggered, so it is never read */
    struct mpsc messages;
    struct timer_heap timers;
    struct commit_hook *commit;
    struct list actions, parked;
    int64_t now_ns, wall_ns; /* wall_ns: 0 = not read in this pass */
    _Atomic int64_t busy_since_ns; /* read by any thread; 0 = it sleeps */
    bool acting, again;
    atomic_bool stopped;
};

static void on_wake(struct watch *watch UNUSED, uint32_t events UNUSED)
{
}

harborai_status loop_create(unsigned index, struct epoch *epoch, const struct clock *clock,
                            struct loop **ret_loop, harborai_error *error)
{
    char text[128];
    struct loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    loop->index = index;
    loop->epoch = epoch;
    loop->clock = clock;
    loop->wake = (struct watch){.fd = -1, .on_ready = on_wake};
    list_init(&loop->actions);
    list_init(&loop->parked);
    loop->now_ns = clock_monotonic_ns(clock);
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->epoll_fd < 0 || wake_fd < 0) {
        harborai_error_set(error, HARBORAI_E_MEMORY, "cannot make a loop: %s",
                           error_of_errno(errno, text));
        goto fail;
    }
    if (loop_watch(loop, &loop->wake, wake_fd, EPOLLIN, error) < 0)
        goto fail;
    *ret_loop = loop;
    return HARBORAI_OK;
fail:
    if (wake_fd >= 0)
        close(wake_fd);
    loop->wake.fd = -1;
    loop_destroy(loop);
    return HARBORAI_E_MEMORY;
}

static void free_parked(struct loop *loop)
{
    for (struct list *item; (item = list_pop(&loop->parked)) != NULL;) {
        struct parked *parked = CONTAINER_OF(item, struct parked, link);
        parked->free(parked);
    }
}

void loop_destroy(struct loop *loop)
{
    if (loop == NULL)
        return;
    free_parked(loop);
    if (loop->wake.fd >= 0)
        close(loop->wake.fd);
    if (loop->epoll_fd >= 0)
        close(loop->epoll_fd);
    timer_heap_release(&loop->timers);
    free(loop);
}

void loop_set_commit_hook(struct loop *loop, struct commit_hook *hook)
{
    loop->commit = hook;
}

unsigned loop_index(const struct loop *loop)
{
    return loop->index;
}

int64_t loop_now_ns(const struct loop *loop)
{
    return loop->now_ns;
}

int64_t loop_wall_ns(struct loop *loop)
{
    if (loop->wall_ns == 0)
        loop->wall_ns = clock_wall_ns(loop->clock);
    return loop->wall_ns;
}

int64_t loop_busy_since_ns(const struct loop *loop)
{
    return atomic_load_explicit(&((struct loop *)(uintptr_t)loop)->busy_since_ns,
                                memory_order_relaxed);
}

const struct clock *loop_clock(const struct loop *loop)
{
    return loop->clock;
}

harborai_status loop_watch(struct loop *loop, struct watch *watch, int fd, uint32_t events,
                           harborai_error *error)
{
    char text[128];
    uint32_t mode = events & EPOLL_LEVEL ? events & ~EPOLL_LEVEL : events | EPOLLET;
    struct epoll_event event = {.events = mode, .data.ptr = watch};

    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "cannot watch a descriptor: %s",
                                  error_of_errno(errno, text));
    watch->fd = fd;
    return HARBORAI_OK;
}

void loop_unwatch(struct loop *loop, struct watch *watch)
{
    if (watch->fd < 0)
        return;
    /* Fails only for a descriptor that was closed under us, and then it is gone already. */
    (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
    watch->fd = -1;
}

void loop_timer_set(struct loop *loop, struct timer *timer, int64_t at_ns)
{
    /* Out of memory a timer is due at once: a call then ends in time rather than never. */
    if (timer_heap_set(&loop->timers, timer, at_ns) < 0)
        timer->on_due(timer);
}

void loop_timer_clear(struct loop *loop, struct timer *timer)
{
    timer_heap_clear(&loop->timers, timer);
}

static void wake_up(struct loop *loop)
{
    uint64_t one = 1;
    /* It fails only when the counter is full, and then the loop is awake anyway. */
    ssize_t written = write(loop->wake.fd, &one, sizeof one);
    (void)written;
}

void loop_post(struct loop *loop, struct message *message)
{
    if (mpsc_push(&loop->messages, &message->item))
        wake_up(loop);
}

void loop_wake(struct loop *loop)
{
    int before = errno;
    wake_up(loop);
    errno = before;
}

int loop_descriptor(const struct loop *loop)
{
    return loop->epoll_fd;
}

int64_t loop_due_ns(const struct loop *loop)
{
    const struct timer *first = timer_heap_first(&loop->timers);
    if (loop->again)
        return 0;
    return first != NULL ? first->at_ns : INT64_MAX;
}

void loop_stop(struct loop *loop)
{
    atomic_store(&loop->stopped, true);
    wake_up(loop);
}

void loop_act(struct loop *loop, struct action *action)
{
    if (!list_is_linked(&action->link))
        list_append(&loop->actions, &action->link);
}

void loop_again(struct loop *loop)
{
    if (loop->acting)
        loop->again = true;
}

void loop_park(struct loop *loop, struct parked *parked, void (*free)(struct parked *parked))
{
    parked->free = free;
    list_append(&loop->parked, &parked->link);
}

/* --- A pass ------------------------------------------------------------------------------ */

static int wait_for(struct loop *loop, int wait_ms)
{
    if (loop->again)
        return 0;
    const struct timer *first = timer_heap_first(&loop->timers);
    if (first == NULL)
        return wait_ms;
    int64_t left_ns = first->at_ns - clock_monotonic_ns(loop->clock);
    if (left_ns <= 0)
        return 0;
    int64_t left_ms = (left_ns + NS_PER_MS - 1) / NS_PER_MS;
    if (left_ms > INT32_MAX)
        left_ms = INT32_MAX;
    return wait_ms < 0 || left_ms < wait_ms ? (int)left_ms : wait_ms;
}

static void run_events(struct epoll_event *events, int count)
{
    for (int i = 0; i < count; i++) {
        struct watch *watch = events[i].data.ptr;
        if (watch->fd >= 0)
            watch->on_ready(watch, events[i].events);
    }
}

static void run_messages(struct loop *loop)
{
    for (struct mpsc_item *item = mpsc_take_all(&loop->messages); item != NULL;) {
        struct message *message = CONTAINER_OF(item, struct message, item);
        item = item->next; /* run() may free the message */
        message->run(message);
    }
}

/* No more than were set when the phase began: a timer that sets itself again for now waits for the
 * next pass, or it would hold up everything else for ever. */
static void run_timers(struct loop *loop)
{
    struct timer *timer;
    for (size_t left = loop->timers.count;
         left > 0 && (timer = timer_heap_first(&loop->timers)) != NULL &&
         timer->at_ns <= loop->now_ns;
         left--) {
        timer_heap_clear(&loop->timers, timer);
        timer->on_due(timer);
    }
}

static void run_actions(struct loop *loop)
{
    loop->acting = true;
    for (struct list *item; (item = list_pop(&loop->actions)) != NULL;) {
        struct action *action = CONTAINER_OF(item, struct action, link);
        action->run(action);
    }
    loop->acting = false;
}

bool loop_turn(struct loop *loop, int wait_ms)
{
    struct epoll_event events[EVENTS_A_PASS];
    int wait = wait_for(loop, wait_ms);

    int count = epoll_wait(loop->epoll_fd, events, EVENTS_A_PASS, wait);
    bool was_interrupted = count < 0 && errno == EINTR;
    epoch_online(loop->epoch, loop->index);
    loop->again = false;
    loop->now_ns = clock_monotonic_ns(loop->clock);
    loop->wall_ns = 0;
    atomic_store_explicit(&loop->busy_since_ns, loop->now_ns, memory_order_relaxed);
    run_events(events, count); /* interrupted: count is -1 */
    run_messages(loop);
    run_timers(loop);
    if (loop->commit != NULL)
        loop->commit->run(loop->commit);
    run_actions(loop);
    free_parked(loop);
    atomic_store_explicit(&loop->busy_since_ns, 0, memory_order_relaxed);
    epoch_offline(loop->epoch, loop->index);
    return !was_interrupted;
}

void loop_run(struct loop *loop)
{
    while (!atomic_load(&loop->stopped))
        (void)loop_turn(loop, -1);
}
