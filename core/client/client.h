/* SPDX-License-Identifier: MIT */
/* The library's own view of a client. Private to this room, as every header of it is but
 * harborai.h.
 *
 * A client has a runtime with one loop, and one thread at a time drives that. Everything below
 * `lock` is guarded by it; it is held for a few instructions, never while the loop turns or a
 * function of the application runs. */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include <harborai/harborai.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/slice.h"
#include "client/sink.h"
#include "client/totals.h"
#include "loop/loop.h"
#include "loop/outer.h"
#include "runtime/runtime.h"

struct ask;

enum client_driver {
    CLIENT_DRIVER_NONE,
    CLIENT_DRIVER_WAITER,   /* a thread that waits for a call of its own */
    CLIENT_DRIVER_DISPATCH, /* harborai_client_dispatch() */
    CLIENT_DRIVER_THREAD,   /* the library's thread, until the end */
    CLIENT_DRIVER_CLOSE
};

/* The asks by their ids: the low half is a place in it, the high half how often that was used. */
struct roster {
    struct roster_entry {
        struct ask *ask; /* NULL: free, and `next` is the next that is */
        uint32_t age, next;
    } *entries;
    uint32_t capacity, free;
};

struct harborai_client {
    pid_t pid; /* who opened it */
    struct runtime *runtime;
    struct loop *loop;
    struct log log;
    struct sink sink; /* of the log, on their way to the application */
    harborai_log_fn *log_fn; /* NULL: there are no lines */
    void *log_context;
    struct totals totals;
    char *name;
    int64_t opened_ns, opening_ns; /* when, by the monotonic clock, and how long it took */
    atomic_uint refs;              /* the application's, and one for each ask */
    atomic_uint interrupts;        /* counts harborai_client_interrupt() */

    pthread_mutex_t lock;
    enum client_driver driver;
    unsigned claims;       /* threads that want to drive and go before those that wait for a call */
    pthread_cond_t handed; /* nobody drives, and there are claims; nobody is inside, at the end */
    struct list waiting;   /* asks whose thread waits */
    struct list ready;     /* asks whose handlers are due */
    struct roster roster;
    struct outer *outer;   /* NULL until somebody asked for the descriptor */
    unsigned interrupts_seen;
    unsigned inside;       /* threads that wait for a call, or for the turn to dispatch */
    int64_t pass_began_ns; /* monotonic; 0: whoever drives is in no pass */
    bool has_thread, is_dispatched, is_closing, is_closed;
    bool is_abandoned;     /* threads are inside for ever: nobody may wait for a call */
    bool in_handler;       /* a function of the application runs, on thread `handler` */
    pthread_t thread, handler;
};

/* Checks who calls, and takes the lock: E_INVALID for no client, a child of fork(), one that is
 * being closed. `waits`: from inside a function of the application it is refused too. An error that
 * `error` already has stands when there is no client. */
MUST_CHECK harborai_status client_enter(struct harborai_client *client, bool waits,
                                        harborai_error *error);
void client_leave(struct harborai_client *client);

/* Of NULL that came of an earlier failure: that error stands. Else E_INVALID. */
harborai_status client_refuse_nothing(harborai_error *error, const char *what);

bool client_is_forked(const struct harborai_client *client);

void client_unref(struct harborai_client *client);

/* --- turn.c: who drives. The lock is held, and given up meanwhile. --- */
/* Until `is_over(ask)`; drives the loop itself where nobody does. Sets ask->is_left if it gave up:
 * the client is abandoned, or the call was broken off and no pass comes to its end. */
void turn_wait(struct ask *ask, bool (*is_over)(const struct ask *ask));
/* Becomes the driver, before those who wait for calls. False: the client is being closed; or, as
 * CLIENT_DRIVER_CLOSE, whoever drives is in a plugin that did not return for 10 s. */
MUST_CHECK bool turn_claim(struct harborai_client *c, enum client_driver as);
void turn_give_up(struct harborai_client *c);
/* One pass, and lines of the log to the application. False: a signal interrupted it. */
bool turn_pass(struct harborai_client *c, int wait_ms);
/* Calls the handlers that are due; how many. */
int turn_deliver(struct harborai_client *c);
/* A function of the application begins and ends. */
void turn_enter_handler(struct harborai_client *c);
void turn_leave_handler(struct harborai_client *c);
/* Gives the lines that wait to the log function. */
void turn_flush_lines(struct harborai_client *c);
/* Lets go who waits, and has no function of the application called after the last lines. */
void turn_abandon(struct harborai_client *c);

/* --- roster.c: asks by their ids. The lock is held. --- */
/* 0: no memory. */
harborai_call_id roster_add(struct roster *roster, struct ask *ask);
struct ask *roster_find(const struct roster *roster, harborai_call_id id);
void roster_remove(struct roster *roster, harborai_call_id id);
void roster_release(struct roster *roster);

#endif
