/* SPDX-License-Identifier: MIT */
/* The engine of one loop. */
#include "engine/engine.h"

#include <stdlib.h>

#include "engine/state.h"

harborai_status engine_loop_create(const struct engine_services *services,
                                   struct engine_loop **ret_engine, harborai_error *error)
{
    struct engine_loop *engine = calloc(1, sizeof *engine);
    if (engine == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    engine->s = *services;
    ids_init(&engine->ids);
    list_init(&engine->calls);
    buf_init(&engine->chunk, LIMIT_UNDELIVERED_MOST);
    commit_init(engine);
    *ret_engine = engine;
    return HARBORAI_OK;
}

void engine_loop_destroy(struct engine_loop *engine)
{
    if (engine == NULL)
        return;
    commit_release(engine);
    buf_release(&engine->chunk);
    free(engine);
}

void engine_loop_break_off(struct engine_loop *engine)
{
    engine->draining = true;
    for (struct list *i = engine->calls.next, *next; i != &engine->calls; i = next) {
        struct call *call = CONTAINER_OF(i, struct call, link);
        next = i->next;
        if (call->state >= CALL_ENDING)
            continue;
        if (call->attempt != NULL)
            attempt_close(call->attempt, true);
        call_fail_with(call, HARBORAI_E_CANCELLED, "this process is shutting down: ask again");
    }
}

/* An earlier limit of its own stays. */
static void drain(struct call *call, int64_t limit_ms)
{
    struct loop *loop = call->engine->s.loop;
    int64_t at_ns = clock_after_ms(loop_now_ns(loop), limit_ms);
    if (timer_is_set(&call->total) && call->total.at_ns <= at_ns)
        return;
    call->drain_limit_ms = limit_ms;
    call->is_draining = true;
    loop_timer_set(loop, &call->total, at_ns);
}

void engine_loop_drain(struct engine_loop *engine, const struct slot *slot, int64_t limit_ms)
{
    for (struct list *i = engine->calls.next; i != &engine->calls; i = i->next) {
        struct call *call = CONTAINER_OF(i, struct call, link);
        if (call->slot_is_pinned && call->slot == slot && call->state < CALL_ENDING)
            drain(call, limit_ms);
    }
}

bool engine_loop_is_idle(const struct engine_loop *engine)
{
    return list_is_empty(&engine->calls);
}

bool engine_loop_refuses(const struct engine_loop *engine, const char **ret_why)
{
    return fanout_refuses(engine->s.fanout, ret_why);
}

unsigned engine_loop_left(const struct engine_loop *engine)
{
    return engine->left;
}

unsigned engine_loop_waiting(const struct engine_loop *engine)
{
    return atomic_load_explicit(&((struct engine_loop *)(uintptr_t)engine)->waiting,
                                memory_order_relaxed);
}

struct loop *engine_loop_of(const struct engine_loop *engine)
{
    return engine->s.loop;
}
