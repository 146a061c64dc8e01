/* SPDX-License-Identifier: MIT */
/* Threads of the plugin's own, which know of each other or do not. */
#include "rogue.h"

#include <unistd.h>

enum { PIECES = 100 };

static void *emit_some(void *argument)
{
    struct rogue *r = argument;
    for (int i = 0; i < PIECES; i++) {
        EXPECT(rogue_say(r, "x") >= HARBORAI_OK);
        if (i % 10 == 0)
            EXPECT(rogue_tell_usage(r, i) == HARBORAI_OK);
        if (i % 25 == 0)
            EXPECT(r->call->host->wake(r->call, 0) == HARBORAI_OK);
    }
    if (atomic_fetch_sub(&r->threads_left, 1) == 1) {
        EXPECT(rogue_tell_usage(r, THREADS * PIECES) == HARBORAI_OK);
        EXPECT(harborai_finish(r->call, HARBORAI_FINISH_STOP, NULL) == HARBORAI_OK);
    }
    r->call->host->unhold(r->call);
    return NULL;
}

static harborai_status four_threads(struct rogue *r, harborai_error *error)
{
    (void)error;
    atomic_store(&r->threads_left, THREADS);
    for (int i = 0; i < THREADS; i++)
        rogue_begin_thread(r, emit_some);
    return HARBORAI_OK;
}

/* Everything that can go wrong between threads that do not know of each other. */
static void *emit_and_finish(void *argument)
{
    struct rogue *r = argument;
    for (int i = 0; i < PIECES; i++)
        (void)rogue_say(r, "y");
    (void)harborai_finish(r->call, HARBORAI_FINISH_STOP, NULL);
    (void)rogue_say(r, "late");
    (void)rogue_tell_usage(r, 5);
    (void)r->call->host->wake(r->call, 0);
    r->call->host->unhold(r->call);
    return NULL;
}

static harborai_status all_finish(struct rogue *r, harborai_error *error)
{
    (void)error;
    for (int i = 0; i < THREADS; i++)
        rogue_begin_thread(r, emit_and_finish);
    return HARBORAI_OK;
}

/* So that the error of chat() comes first. */
static void *emit_until_closed(void *argument)
{
    struct rogue *r = argument;
    while (rogue_say(r, "y") != HARBORAI_E_CLOSED && usleep(100) == 0)
        ;
    EXPECT(harborai_finish(r->call, HARBORAI_FINISH_STOP, NULL) == HARBORAI_E_CLOSED);
    r->call->host->unhold(r->call);
    return NULL;
}

static harborai_status error_after_hold(struct rogue *r, harborai_error *error)
{
    rogue_begin_thread(r, emit_until_closed);
    return rogue_fail(error);
}

static void *only_unhold(void *argument)
{
    struct rogue *r = argument;
    r->call->host->unhold(r->call);
    return NULL;
}

static harborai_status unhold_unfinished(struct rogue *r, harborai_error *error)
{
    (void)error;
    rogue_begin_thread(r, only_unhold);
    return HARBORAI_OK;
}

static void *wait_for_cancel(void *argument)
{
    struct rogue *r = argument;
    (void)rogue_say(r, "begun");
    pthread_mutex_lock(&r->lock);
    while (!r->cancelled)
        pthread_cond_wait(&r->changed, &r->lock);
    pthread_mutex_unlock(&r->lock);
    EXPECT(rogue_say(r, "late") == HARBORAI_E_CLOSED);
    EXPECT(rogue_tell_usage(r, 3) == HARBORAI_OK);
    EXPECT(harborai_finish(r->call, HARBORAI_FINISH_STOP, NULL) == HARBORAI_E_CLOSED);
    r->call->host->unhold(r->call);
    return NULL;
}

static harborai_status wait_chat(struct rogue *r, harborai_error *error)
{
    (void)error;
    rogue_begin_thread(r, wait_for_cancel);
    return HARBORAI_OK;
}

const struct behaviour rogue_threads[] = {
    {"r-error-after-hold", error_after_hold, NULL, NULL, NULL, NULL},
    {"r-four-threads", four_threads, NULL, NULL, NULL, NULL},
    {"r-all-finish", all_finish, NULL, NULL, NULL, NULL},
    {"r-unhold-unfinished", unhold_unfinished, NULL, NULL, NULL, NULL},
    {"r-wait", wait_chat, NULL, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
