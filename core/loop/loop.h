/* SPDX-License-Identifier: MIT */
/* One thread, one epoll, nothing that blocks. A pass has three phases:
 *
 *   run     events, messages from other threads and due timers; calls decide what to do
 *   commit  the hook that writes what must be on record before anything leaves the process
 *   act     the actions that were asked for: requests go out, answers go out
 *
 * Everything here is [loop] (only the thread that runs the loop) unless marked [any]. */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include <stdint.h>
#include <sys/epoll.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/mpsc.h"
#include "base/snapshot.h"
#include "loop/timer.h"

struct loop;

/* A descriptor that the loop watches. Lies in its owner's object. */
struct watch {
    int fd; /* -1 while not watched */
    void (*on_ready)(struct watch *watch, uint32_t events); /* EPOLLIN … */
};

/* Work from another thread. Lies in the sender's object until `run` is called. */
struct message {
    struct mpsc_item item;
    void (*run)(struct message *message);
};

/* Work of the act phase. Asking twice in one pass does it once. */
struct action {
    struct list link;
    void (*run)(struct action *action);
};

/* An object that must outlive the pass, because events of it may still be in hand. */
struct parked {
    struct list link;
    void (*free)(struct parked *parked);
};

/* The commit phase: one hook a loop. */
struct commit_hook {
    void (*run)(struct commit_hook *hook);
};

/* `index` names the loop among those that share `epoch` (below LIMIT_LOOPS). Borrows both. */
MUST_CHECK harborai_status loop_create(unsigned index, struct epoch *epoch,
                                       const struct clock *clock, struct loop **ret_loop,
                                       harborai_error *error);
void loop_destroy(struct loop *loop);

void loop_set_commit_hook(struct loop *loop, struct commit_hook *hook);

/* Passes until loop_stop(). */
void loop_run(struct loop *loop);
/* One pass that waits at most wait_ms for something to do (-1: until there is something). After it
 * the loop is offline: the thread may do what it likes. */
/* False: a signal interrupted the wait. */
bool loop_turn(struct loop *loop, int wait_ms);
void loop_stop(struct loop *loop); /* [any] */
/* [any], and from a signal handler: ends the wait of this pass, or of the next. Keeps errno. */
void loop_wake(struct loop *loop);

/* Readable when a pass has something to do but for timers; not to be read. [any] */
int loop_descriptor(const struct loop *loop);
/* When a pass is due, were nothing to happen before: monotonic; 0 = now, INT64_MAX = never. */
int64_t loop_due_ns(const struct loop *loop);

unsigned loop_index(const struct loop *loop);      /* [any] */
int64_t loop_now_ns(const struct loop *loop);      /* monotonic, of this pass */
int64_t loop_wall_ns(struct loop *loop);           /* UTC; read once a pass */
const struct clock *loop_clock(const struct loop *loop); /* [any] */
/* When the pass began that it is in, monotonic; 0 = it sleeps. [any] */
int64_t loop_busy_since_ns(const struct loop *loop);

/* Watches are edge-triggered: an owner reads or writes until EAGAIN. `events` is a set of EPOLLIN,
 * EPOLLOUT, EPOLLRDHUP, EPOLLEXCLUSIVE, or with EPOLL_LEVEL for level-triggered. */
#define EPOLL_LEVEL (1u << 27)
MUST_CHECK harborai_status loop_watch(struct loop *loop, struct watch *watch, int fd,
                                      uint32_t events, harborai_error *error);
/* Does nothing if it is not watched. Closes nothing. Call before close(). */
void loop_unwatch(struct loop *loop, struct watch *watch);

/* Calls timer->on_due in the first pass at or after at_ns (monotonic). Setting it again moves it. */
void loop_timer_set(struct loop *loop, struct timer *timer, int64_t at_ns);
void loop_timer_clear(struct loop *loop, struct timer *timer);

void loop_post(struct loop *loop, struct message *message); /* [any] */

void loop_act(struct loop *loop, struct action *action);
/* Another pass is needed, now: what the act phase set going waits for its commit. */
void loop_again(struct loop *loop);

void loop_park(struct loop *loop, struct parked *parked, void (*free)(struct parked *parked));

#endif
