/* SPDX-License-Identifier: MIT */
/* Who drives the loop, one thread at a time, and when functions of the application run. A thread that
 * waits for its call drives until that is over and then hands the loop to the next that waits; one
 * in dispatch goes before all of these. No function of the application is called with the lock. */
#include "client/ask.h"
#include "client/client.h"

#define STUCK_NS (10 * NS_PER_S) /* in one pass, and somebody wants to close */
#define LEAVE_NS NS_PER_S        /* after a call was broken off, without a pass that ends it */
#define LOOK_NS NS_PER_S         /* how often a thread that does not drive looks around */

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

static void give_lines(struct harborai_client *c)
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

void turn_flush_lines(struct harborai_client *c)
{
    if (!c->is_abandoned)
        give_lines(c);
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
    for (struct list *item; !c->is_abandoned && (item = list_pop(&c->ready)) != NULL;)
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

/* Until somebody signals it, at most until that moment. */
static void wait_for(struct harborai_client *c, pthread_cond_t *changed, int64_t until_ns)
{
    const struct timespec until = {until_ns / NS_PER_S, until_ns % NS_PER_S};
    (void)pthread_cond_clockwait(changed, &c->lock, CLOCK_MONOTONIC, &until);
}

/* When the pass that goes on has lasted too long for who closes since then. Functions of the
 * application may take the time that they want. */
static int64_t stuck_at_ns(const struct harborai_client *c, int64_t since_ns)
{
    if (c->pass_began_ns == 0)
        return INT64_MAX;
    return (c->pass_began_ns > since_ns ? c->pass_began_ns : since_ns) + STUCK_NS;
}

static bool claim_to_close(struct harborai_client *c)
{
    int64_t since_ns = clock_monotonic_ns(&clock_system), now_ns = since_ns;
    while (c->driver != CLIENT_DRIVER_NONE && now_ns < stuck_at_ns(c, since_ns)) {
        int64_t stuck_ns = stuck_at_ns(c, since_ns);
        loop_wake(c->loop);
        wait_for(c, &c->handed, stuck_ns < now_ns + LOOK_NS ? stuck_ns : now_ns + LOOK_NS);
        now_ns = clock_monotonic_ns(&clock_system);
    }
    return c->driver == CLIENT_DRIVER_NONE;
}

static bool claim_to_dispatch(struct harborai_client *c)
{
    c->inside++;
    while (c->driver != CLIENT_DRIVER_NONE && !c->is_closing) {
        loop_wake(c->loop); /* whoever drives for a call of his own gives up after this pass */
        pthread_cond_wait(&c->handed, &c->lock);
    }
    c->inside--;
    if (c->is_closing)
        pthread_cond_broadcast(&c->handed);
    return !c->is_closing;
}

bool turn_claim(struct harborai_client *c, enum client_driver as)
{
    c->claims++;
    bool is_ours = as == CLIENT_DRIVER_CLOSE ? claim_to_close(c) : claim_to_dispatch(c);
    c->claims--;
    if (is_ours)
        c->driver = as;
    return is_ours;
}

void turn_give_up(struct harborai_client *c)
{
    c->driver = CLIENT_DRIVER_NONE;
    hand_on(c);
}

static void tell_waiting(struct harborai_client *c)
{
    for (struct list *i = c->waiting.next; i != &c->waiting; i = i->next)
        pthread_cond_signal(&CONTAINER_OF(i, struct ask, waiting)->changed);
}

/* Those who do not drive learn of an interruption here. */
static void tell_interrupts(struct harborai_client *c)
{
    unsigned now = atomic_load(&c->interrupts);
    if (now == c->interrupts_seen)
        return;
    c->interrupts_seen = now;
    tell_waiting(c);
}

void turn_abandon(struct harborai_client *c)
{
    c->is_abandoned = true;
    tell_waiting(c);
    give_lines(c);
}

bool turn_pass(struct harborai_client *c, int wait_ms)
{
    c->pass_began_ns = clock_monotonic_ns(&clock_system);
    pthread_mutex_unlock(&c->lock);
    bool went_through = loop_turn(c->loop, wait_ms);
    pthread_mutex_lock(&c->lock);
    c->pass_began_ns = 0;
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
    while (!is_over(ask) && c->claims == 0 && !c->is_abandoned) {
        if (ask->born != atomic_load(&c->interrupts))
            ask_cancel(ask);
        (void)turn_pass(c, -1);
    }
    c->driver = CLIENT_DRIVER_NONE;
}

/* False: not worth it any more. A plugin may hold up who drives, so that no pass tells of an
 * interruption, and none ends what was broken off. */
static bool wait_for_change(struct ask *ask, int64_t *left_at_ns)
{
    int64_t now_ns = clock_monotonic_ns(&clock_system);
    if (ask->is_cancelled && *left_at_ns == INT64_MAX)
        *left_at_ns = now_ns + LEAVE_NS;
    if (ask->client->is_abandoned || now_ns >= *left_at_ns)
        return false;
    wait_for(ask->client, &ask->changed, now_ns + LOOK_NS);
    return true;
}

void turn_wait(struct ask *ask, bool (*is_over)(const struct ask *ask))
{
    struct harborai_client *c = ask->client;
    int64_t left_at_ns = INT64_MAX;
    list_append(&c->waiting, &ask->waiting);
    c->inside++;
    while (!is_over(ask) && !ask->is_left) {
        if (ask->born != atomic_load(&c->interrupts))
            ask_cancel(ask);
        if (c->driver == CLIENT_DRIVER_NONE && c->claims == 0 && !c->is_closing)
            drive_for(ask, is_over);
        else
            ask->is_left = !wait_for_change(ask, &left_at_ns);
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
