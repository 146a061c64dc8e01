/* SPDX-License-Identifier: MIT */
/* The commit and act phases of the engine: begin lines before requests go out, end lines before
 * answers end, amend lines when plugins are done with calls. One write() a pass. */
#include "account/cost.h"
#include "engine/state.h"
#include "record/fanout.h"

void commit_starting(struct attempt *a)
{
    struct engine_loop *engine = a->call->engine;
    list_remove(&a->starting);
    list_append(&engine->starting, &a->starting);
    loop_again(engine->s.loop);
}

void commit_ending(struct call *call)
{
    struct engine_loop *engine = call->engine;
    list_append(&engine->ending, &call->ending);
    loop_again(engine->s.loop);
}

void commit_amending(struct call *call)
{
    struct engine_loop *engine = call->engine;
    list_append(&engine->amending, &call->amending);
    loop_again(engine->s.loop);
}

/* --- Commit -------------------------------------------------------------------------------- */

static void commit_begin(struct attempt *a)
{
    struct engine_loop *engine = a->call->engine;
    struct record *r = &a->call->record;
    r->attempts = a->number + 1;
    r->attempt_begin_ns = loop_wall_ns(engine->s.loop);
    fanout_attempt(engine->s.fanout, r);
}

static void account_cost(struct call *call, const struct attempt *a)
{
    struct record *r = &call->record;
    struct cost_query query = {
        .plugin = a->provider->table,
        .provider = a->provider->provider,
        .prices_date = a->provider->spec->manifest->prices_date,
        .model = call->upstream_model,
        .service_tier = r->service_tier,
        .at_unix_s = r->begin_ns / NS_PER_S,
    };
    cost_of(&query, &a->usage, &call->cost);
    r->usage = a->usage;
    r->is_cost_known = call->cost.reason == TARIFF_KNOWN;
    r->cost_pico = call->cost.pico;
    r->cost_currency = slice_of(call->cost.currency);
    r->cost_source = slice_of(call->cost.source);
    r->cost_date = slice_of(call->cost.date);
    r->cost_reason = slice_of(tariff_reason_name(call->cost.reason));
    r->cost_class = call->cost.usage_class;
}

static void note_end(struct call *call)
{
    struct record *r = &call->record;
    const struct attempt *a = call->last_attempt;
    r->total_ns = loop_now_ns(call->engine->s.loop) - call->started_ns;
    r->http_status = 200;
    if (call->error != NULL) {
        r->http_status = call->chunks > 0 ? 200 : error_json_status(&call->error->base);
        r->error_message = slice_of(call->error->base.message);
        r->vendor_code = slice_of(call->error->base.vendor_code);
    } else if (!call->request.is_stream) {
        r->client_bytes_out = call->answer_body.len;
    }
    if (a == NULL)
        return;
    r->vendor_bytes_out += a->exchange.bytes_sent;
    r->vendor_bytes_in += a->exchange.bytes_received;
    account_cost(call, a);
}

static void commit_end(struct call *call)
{
    struct engine_loop *engine = call->engine;
    note_end(call);
    fanout_end(engine->s.fanout, &call->record);
    call->is_on_record = true;
}

static void commit_amend(struct call *call)
{
    struct engine_loop *engine = call->engine;
    call->record.amend_ns = loop_wall_ns(engine->s.loop);
    account_cost(call, call->last_attempt);
    fanout_amend(engine->s.fanout, &call->record);
}

static void move_all(struct list *from, struct list *to)
{
    for (struct list *item; (item = list_pop(from)) != NULL;)
        list_append(to, item);
}

static void on_commit(struct commit_hook *hook)
{
    struct engine_loop *engine = CONTAINER_OF(hook, struct engine_loop, commit);
    if (list_is_empty(&engine->starting) && list_is_empty(&engine->ending) &&
        list_is_empty(&engine->amending))
        return;
    for (struct list *i = engine->starting.next; i != &engine->starting; i = i->next)
        commit_begin(CONTAINER_OF(i, struct attempt, starting));
    for (struct list *i = engine->ending.next; i != &engine->ending; i = i->next)
        commit_end(CONTAINER_OF(i, struct call, ending));
    for (struct list *i = engine->amending.next; i != &engine->amending; i = i->next)
        commit_amend(CONTAINER_OF(i, struct call, amending));
    fanout_commit(engine->s.fanout);
    move_all(&engine->starting, &engine->started);
    move_all(&engine->ending, &engine->ended);
    for (struct list *item; (item = list_pop(&engine->amending)) != NULL;)
        call_settle(CONTAINER_OF(item, struct call, amending));
    loop_act(engine->s.loop, &engine->act);
}

/* --- Act ------------------------------------------------------------------------------------ */

static void start_exchange(struct attempt *a)
{
    if (a->closed || a->phase != EXCHANGE_WANTED)
        return;
    a->phase = EXCHANGE_OPEN;
    exchange_start(&a->exchange, a->call->engine->s.transport, &a->http);
}

static void tell_front(struct call *call)
{
    const struct call_front *front = call->front;
    call->state = CALL_OVER;
    if (front != NULL) {
        struct call_result result = {
            .error = call->error != NULL ? &call->error->base : NULL,
            .error_type = call->error != NULL ? call->error->type : "",
            .streamed = call->request.is_stream,
            .answer = call->answer_body,
            .record = &call->record,
        };
        if (call->error == NULL)
            output_held(call);
        result.chunks = call->chunks;
        if (call->front != NULL) { /* it may have left just now */
            call->front = NULL;
            front->on_end(call->owner, &result);
        }
    }
    call_settle(call);
}

static void on_act(struct action *action)
{
    struct engine_loop *engine = CONTAINER_OF(action, struct engine_loop, act);
    for (struct list *item; (item = list_pop(&engine->started)) != NULL;)
        start_exchange(CONTAINER_OF(item, struct attempt, starting));
    for (struct list *item; (item = list_pop(&engine->ended)) != NULL;)
        tell_front(CONTAINER_OF(item, struct call, ending));
}

void commit_init(struct engine_loop *engine)
{
    engine->commit.run = on_commit;
    engine->act.run = on_act;
    loop_set_commit_hook(engine->s.loop, &engine->commit);
}
