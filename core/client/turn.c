/* SPDX-License-Identifier: MIT */
/* Who drives the loop, one thread at a time, and when functions of the application run. A thread that
 * waits for its call drives until that is over and then hands the loop to the next that waits; one
 * in dispatch goes before all of these. No function of the application is called with the lock. */
#include "client/ask.h"
#include "client/client.h"

/* --- The application's functions ---------------------------------------------------------------- */

void turn_enter_handler(struct harborai_client *c)
{
    c->in_handler = true;
    c->handler = pthread_self();
    pthread_mutex_unlock(&c->lock);
}

void turn_leave_handler(struct harborai_client *c)
{
    pthread_mutex_lock(&c->lock);
    c->in_handler = false;
}

void turn_flush_lines(struct harborai_client *c)
{
    struct buf taken;
    harborai_str line;
    int level;
    while (sink_take(&c->sink, &taken)) {
        harborai_str left = buf_slice(&taken);
        turn_enter_handler(c);
        while (sink_next(&left, &level, &line))
            c->log_fn(c->log_context, level, line);
        turn_leave_handler(c);
        buf_release(&taken);
    }
}

/* What was broken off has ended with its last chunk all the same, if it was quicker. */
static bool may_have_chunk(const struct ask *ask)
{
    return ask->handlers.on_chunk != NULL && (!ask->is_cancelled || ask->has_ended) &&
           (!ask->has_ended || ask->error.code != HARBORAI_E_CANCELLED);
}

/* One ask's chunks, and its end. */
static int deliver_one(struct harborai_client *c, struct ask *ask)
{
    harborai_str json;
    int called = 0;
    while (may_have_chunk(ask) && ask_next(ask, &json)) {
        harborai_chunk chunk;
        if (!piece_read(json, &ask->text, &chunk)) {
            ask->has_lost = true;
            ask_cancel(ask);
            break;
        }
        turn_enter_handler(c);
        ask->handlers.on_chunk(ask->handlers.context, ask->id, &chunk);
        turn_leave_handler(c);
        called++;
    }
    if (!ask->has_ended)
        return called;
    roster_remove(&c->roster, ask->id);
    turn_enter_handler(c);
    if (ask->error.code >= 0)
        ask->error.code = outcome_read(&ask->outcome, &ask->error);
    if (ask->handlers.on_done != NULL)
        ask->handlers.on_done(ask->handlers.context, ask->id, &ask->outcome,
                              ask->error.code < 0 ? &ask->error : NULL);
    ask_unref(ask);
    turn_leave_handler(c);
    return called + 1;
}

int turn_deliver(struct harborai_client *c)
{
    int called = 0;
    for (struct list *item; (item = list_pop(&c->ready)) != NULL;)
        called += deliver_one(c, CONTAINER_OF(item, struct ask, ready));
    if (c->outer != NULL)
        outer_lower(c->outer);
    return called;
}

/* --- Driving ------------------------------------------------------------------------------------ */

/* Nobody drives: who is next. */
static void hand_on(struct harborai_client *c)
{
    if (c->claims > 0 || list_is_empty(&c->waiting))
        pthread_cond_broadcast(&c->handed);
    else
        pthread_cond_signal(&CONTAINER_OF(c->waiting.next, struct ask, waiting)->changed);
}

void turn_claim(struct harborai_client *c, enum client_driver as)
{
    c->claims++;
    while (c->driver != CLIENT_DRIVER_NONE) {
        loop_wake(c->loop); /* whoever drives for a call of his own gives up after this pass */
        pthread_cond_wait(&c->handed, &c->lock);
    }
    c->claims--;
    c->driver = as;
}

void turn_give_up(struct harborai_client *c)
{
    c->driver = CLIENT_DRIVER_NONE;
    hand_on(c);
}

/* Those who do not drive learn of an interruption here. */
static void tell_interrupts(struct harborai_client *c)
{
    unsigned now = atomic_load(&c->interrupts);
    if (now == c->interrupts_seen)
        return;
    c->interrupts_seen = now;
    for (struct list *i = c->waiting.next; i != &c->waiting; i = i->next)
        pthread_cond_signal(&CONTAINER_OF(i, struct ask, waiting)->changed);
}

bool turn_pass(struct harborai_client *c, int wait_ms)
{
    pthread_mutex_unlock(&c->lock);
    bool went_through = loop_turn(c->loop, wait_ms);
    pthread_mutex_lock(&c->lock);
    if (c->outer != NULL)
        outer_settle(c->outer);
    tell_interrupts(c);
    turn_flush_lines(c);
    return went_through;
}

static void drive_for(struct ask *ask, bool (*is_over)(const struct ask *ask))
{
    struct harborai_client *c = ask->client;
    c->driver = CLIENT_DRIVER_WAITER;
    while (!is_over(ask) && c->claims == 0) {
        if (ask->born != atomic_load(&c->interrupts))
            ask_cancel(ask);
        (void)turn_pass(c, -1);
    }
    c->driver = CLIENT_DRIVER_NONE;
}

void turn_wait(struct ask *ask, bool (*is_over)(const struct ask *ask))
{
    struct harborai_client *c = ask->client;
    list_append(&c->waiting, &ask->waiting);
    c->inside++;
    while (!is_over(ask) && !c->is_abandoned) {
        if (ask->born != atomic_load(&c->interrupts))
            ask_cancel(ask);
        if (c->driver == CLIENT_DRIVER_NONE && c->claims == 0 && !c->is_closing)
            drive_for(ask, is_over);
        else
            pthread_cond_wait(&ask->changed, &c->lock);
        if (c->driver == CLIENT_DRIVER_NONE && c->claims > 0)
            hand_on(c);
    }
    list_remove(&ask->waiting);
    c->inside--;
    if (c->driver == CLIENT_DRIVER_NONE)
        hand_on(c);
    else if (c->is_closing)
        pthread_cond_broadcast(&c->handed);
}
