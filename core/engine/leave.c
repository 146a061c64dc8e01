/* SPDX-License-Identifier: MIT */
/* A client that left, where the operator wants to know what its call took (`on_disconnect: drain`): the
 * vendor goes on to its end, and what comes is looked at for the usage and dropped. Bounded by the
 * limits of time that the call has anyway, by LIMIT_LEFT calls and by LIMIT_LEFT_SIZE for each; a call
 * beyond them is broken off, and accounted with what is known. */
#include "engine/state.h"

/* Only what the vendor may have begun is worth the wait: an error costs nothing, and neither does what
 * was not sent. */
static bool is_begun(const struct call *call)
{
    const struct attempt *a = call->attempt;
    return call->state == CALL_RUNNING && a != NULL && !a->on_job && !a->closed &&
           a->phase != EXCHANGE_WANTED && a->phase != EXCHANGE_REFUSED;
}

/* Whether all of the answer is gathered before anybody looks at it. */
static bool gathers(const struct attempt *a)
{
    return a->response_kind == HARBORAI_RESPONSE_BUFFER ||
           (a->response_kind == HARBORAI_RESPONSE_PASSTHROUGH && !a->streams);
}

static bool has_room(const struct attempt *a, size_t more)
{
    return !gathers(a) ||
           (a->gathered.len <= LIMIT_LEFT_SIZE && more <= LIMIT_LEFT_SIZE - a->gathered.len);
}

static void break_off(struct call *call)
{
    harborai_error error = HARBORAI_ERROR_INIT; /* call_fail() has the words */
    attempt_close(call->attempt, true);
    call_fail(call, &error);
}

bool leave_has_room(struct attempt *a, size_t more)
{
    if (!a->call->is_left || has_room(a, more))
        return true;
    break_off(a->call);
    return false;
}

void leave_limit(struct attempt *a)
{
    if (!a->call->is_left)
        return;
    a->sse.max_event = LIMIT_LEFT_SIZE;
    a->lines.max_line = LIMIT_LEFT_SIZE;
}

static void drop_answer(struct call *call)
{
    struct attempt *a = call->attempt;
    buf_release(&call->held);
    fold_destroy(take(a->fold));
    collect_destroy(take(a->collect));
    leave_limit(a);
}

void call_leave(struct call *call)
{
    struct engine_loop *engine = call->engine;
    if (!is_begun(call) || target_of(call->slot)->on_disconnect != CONFIG_LEAVE_DRAIN ||
        engine->draining || engine->left >= LIMIT_LEFT || !has_room(call->attempt, 0)) {
        call_cancel(call);
        return;
    }
    call->front = NULL;
    call->is_left = true;
    engine->left++;
    drop_answer(call);
    call_resume(call);
}

void engine_loop_break_off_left(struct engine_loop *engine)
{
    for (struct list *i = engine->calls.next, *next; i != &engine->calls; i = next) {
        struct call *call = CONTAINER_OF(i, struct call, link);
        next = i->next;
        if (call->is_left && call->state < CALL_ENDING)
            break_off(call);
    }
}
