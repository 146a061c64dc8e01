/* SPDX-License-Identifier: MIT */
/* The commit and act phases of the engine: begin lines before requests go out, end lines before
 * answers end, amend lines when plugins are done with calls. One write() a pass.
 *
 * The rule, also for a disk that is full or fails: nobody outside learns that an attempt begins or
 * a call ends before its line is on record. When a write fails, all whose line was made wait, and
 * so do those who come after them; a timer tries again after 100 ms, then twice as long each time
 * up to 1 s, and when it succeeds all go on. A line is made only while there is room for the
 * longest: until then its attempt or call waits with it unmade, and none is lost. Chunks of streams
 * under way go on, and calls that are refused because too much waits have no line and end at once.
 * At shutdown nobody waits, and who has no line is not told that all went well.
 *
 * Where the disk is slow, or is waited for, a write is under way while the loop goes on: then no line
 * is made until it is over, and those that come meanwhile are written together. */
#include "account/cost.h"
#include "chat/error_json.h"
#include "engine/phase.h"
#include "record/fanout.h"

#define RETRY_FIRST_MS 100
#define RETRY_MOST_MS 1000
#define LAST_WAIT_MS 2000 /* at shutdown, for a write that is under way */

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
    list_append(call->record.is_refused ? &engine->refused : &engine->ending, &call->ending);
    loop_again(engine->s.loop);
}

void commit_amending(struct call *call)
{
    struct engine_loop *engine = call->engine;
    list_append(&engine->amending, &call->amending);
    loop_again(engine->s.loop);
}

/* --- Commit -------------------------------------------------------------------------------- */

/* An attempt is one exchange: a further one has a number and a line of its own, the first has the
 * line that was made when the plugin was asked. */
static void commit_begin(struct attempt *a)
{
    struct engine_loop *engine = a->call->engine;
    struct record *r = &a->call->record;
    if (r->attempts > a->number) {
        if (!a->has_started)
            return;
        a->number = a->call->attempts++;
    }
    r->attempts = a->number + 1;
    r->attempt_begin_ns = loop_wall_ns(engine->s.loop);
    fanout_attempt(engine->s.fanout, r);
}

static void account_cost(struct call *call, struct attempt *a)
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
    usage_check(a);
    r->is_cost_known = call->cost.reason == TARIFF_KNOWN;
    r->cost_pico = call->cost.pico;
    r->cost_input_pico = call->cost.pico_input;
    r->cost_output_pico = call->cost.pico_output;
    r->cost_currency = slice_of(call->cost.currency);
    r->cost_source = slice_of(call->cost.source);
    r->cost_date = slice_of(call->cost.date);
    r->cost_reason = slice_of(tariff_reason_name(call->cost.reason));
    r->cost_class = call->cost.usage_class;
}

/* Before the next exchange of the attempt forgets those of the last. */
static void take_bytes(struct attempt *a)
{
    struct record *r = &a->call->record;
    r->vendor_bytes_out += a->exchange.bytes_sent;
    r->vendor_bytes_in += a->exchange.bytes_received;
    a->exchange.bytes_sent = a->exchange.bytes_received = 0;
}

static void note_end(struct call *call)
{
    struct record *r = &call->record;
    struct attempt *a = call->last_attempt;
    r->total_ns = loop_now_ns(call->engine->s.loop) - call->started_ns;
    r->http_status = 200;
    if (call->error != NULL) {
        r->http_status =
            call->chunks > 0 || call->has_head ? 200 : error_json_status(call->error);
        r->error_message = slice_of(call->error->message);
        r->vendor_code = slice_of(call->error->vendor_code);
    } else {
        r->client_bytes_out += call->answer_body.len + output_held_size(call);
    }
    if (!call->is_http)
        r->http_status = 0;
    if (a == NULL)
        return;
    take_bytes(a);
    account_cost(call, a);
}

static void commit_end(struct call *call)
{
    struct engine_loop *engine = call->engine;
    note_end(call);
    content_commit(call);
    fanout_end(engine->s.fanout, &call->record);
    call->is_on_record = true;
    if (call->guard != NULL)
        call->guard->settle(call->account, &call->record, call->reserved,
                            loop_now_ns(engine->s.loop));
}

static void commit_amend(struct call *call)
{
    struct engine_loop *engine = call->engine;
    call->record.amend_ns = loop_wall_ns(engine->s.loop);
    account_cost(call, call->last_attempt);
    fanout_amend(engine->s.fanout, &call->record);
}

/* The next whose line is due, if there is room for it. At shutdown there is no later. */
static struct list *pop_with_room(const struct engine_loop *engine, struct list *due)
{
    if (list_is_empty(due) || !(fanout_has_room(engine->s.fanout) || engine->draining))
        return NULL;
    return list_pop(due);
}

static void make_begin_lines(struct engine_loop *engine)
{
    for (struct list *item; (item = pop_with_room(engine, &engine->starting)) != NULL;) {
        commit_begin(CONTAINER_OF(item, struct attempt, starting));
        list_append(&engine->begun, item);
    }
}

static void make_end_lines(struct engine_loop *engine)
{
    for (struct list *item; (item = pop_with_room(engine, &engine->ending)) != NULL;) {
        commit_end(CONTAINER_OF(item, struct call, ending));
        list_append(&engine->finished, item);
    }
}

static void make_amend_lines(struct engine_loop *engine)
{
    for (struct list *item; (item = pop_with_room(engine, &engine->amending)) != NULL;) {
        struct call *call = CONTAINER_OF(item, struct call, amending);
        commit_amend(call);
        call_settle(call);
    }
}

static void make_lines(struct engine_loop *engine)
{
    make_begin_lines(engine);
    if (list_is_empty(&engine->starting)) /* no end before its begin */
        make_end_lines(engine);
    make_amend_lines(engine);
}

static void end_refused(struct engine_loop *engine)
{
    for (struct list *item; (item = list_pop(&engine->refused)) != NULL;) {
        commit_end(CONTAINER_OF(item, struct call, ending));
        list_append(&engine->ended, item);
    }
}

static bool is_due(const struct engine_loop *engine)
{
    return !list_is_empty(&engine->starting) || !list_is_empty(&engine->ending) ||
           !list_is_empty(&engine->amending) || !list_is_empty(&engine->refused);
}

static void move_all(struct list *from, struct list *to)
{
    for (struct list *item; (item = list_pop(from)) != NULL;)
        list_append(to, item);
}

static void go_on(struct engine_loop *engine)
{
    move_all(&engine->begun, &engine->started);
    move_all(&engine->finished, &engine->ended);
}

/* The process ends, and the disk fails still. */
static void give_up(struct engine_loop *engine)
{
    for (struct list *i = engine->finished.next; i != &engine->finished; i = i->next) {
        struct call *call = CONTAINER_OF(i, struct call, ending);
        if (call->error != NULL)
            continue;
        call->error = &call->failure;
        call->answer_body = SLICE_NONE;
        call->failure = (harborai_error)HARBORAI_ERROR_INIT;
        harborai_error_set(&call->failure, HARBORAI_E_OVERLOADED,
                           "this process is shutting down, and cannot record this call: ask again");
    }
    go_on(engine);
}

/* Makes the lines that are due and writes them. */
static enum fanout_commit write_lines(struct engine_loop *engine)
{
    end_refused(engine);
    while (is_due(engine) || engine->behind != FANOUT_ON_RECORD) {
        if (engine->behind != FANOUT_WAITS)
            make_lines(engine);
        if (timer_is_set(&engine->retry) && engine->behind != FANOUT_LAGS)
            return FANOUT_FAILS; /* the disk is left alone until then */
        engine->behind = fanout_commit(engine->s.fanout);
        if (engine->behind > FANOUT_LAGS)
            return engine->behind;
        go_on(engine);
        if (engine->behind == FANOUT_LAGS)
            return FANOUT_LAGS;
        if (is_due(engine) && !fanout_has_room(engine->s.fanout))
            return FANOUT_FAILS; /* out of memory */
    }
    return FANOUT_ON_RECORD;
}

/* The commit phase of the pass in which it is due does the rest. */
static void on_retry(struct timer *timer UNUSED)
{
}

static void retry_later(struct engine_loop *engine)
{
    struct loop *loop = engine->s.loop;
    if (timer_is_set(&engine->retry))
        return;
    engine->retry_ms = engine->retry_ms > 0 ? engine->retry_ms * 2 : RETRY_FIRST_MS;
    if (engine->retry_ms > RETRY_MOST_MS)
        engine->retry_ms = RETRY_MOST_MS;
    loop_timer_set(loop, &engine->retry, loop_now_ns(loop) + engine->retry_ms * NS_PER_MS);
}

/* The process ends, and a write is under way: it may hang. */
static void wait_a_little(struct engine_loop *engine)
{
    struct loop *loop = engine->s.loop;
    if (engine->give_up_ns == 0)
        engine->give_up_ns = loop_now_ns(loop) + LAST_WAIT_MS * NS_PER_MS;
    if (loop_now_ns(loop) < engine->give_up_ns) {
        loop_timer_set(loop, &engine->retry, engine->give_up_ns);
        return;
    }
    make_lines(engine);
    give_up(engine);
}

static void on_commit(struct commit_hook *hook)
{
    struct engine_loop *engine = CONTAINER_OF(hook, struct engine_loop, commit);
    bool is_later = engine->behind == FANOUT_LAGS && timer_is_set(&engine->retry);
    if (!is_due(engine) && (engine->behind == FANOUT_ON_RECORD || is_later))
        return;
    if (engine->draining)
        loop_timer_clear(engine->s.loop, &engine->retry);
    enum fanout_commit became = write_lines(engine);
    if (became == FANOUT_ON_RECORD) {
        loop_timer_clear(engine->s.loop, &engine->retry);
        engine->retry_ms = 0;
    } else if (became == FANOUT_LAGS) {
        retry_later(engine);
    } else if (became == FANOUT_FAILS && engine->draining) {
        give_up(engine);
    } else if (engine->draining) {
        wait_a_little(engine);
    } else if (became == FANOUT_FAILS) {
        retry_later(engine);
    }
    if (!list_is_empty(&engine->started) || !list_is_empty(&engine->ended))
        loop_act(engine->s.loop, &engine->act);
}

/* --- Act ------------------------------------------------------------------------------------ */

static void start_exchange(struct attempt *a)
{
    if (a->closed || a->phase != EXCHANGE_WANTED)
        return;
    a->phase = EXCHANGE_OPEN;
    a->has_started = true;
    take_bytes(a);
    phase_begin_upstream(a);
    exchange_start(&a->exchange, a->call->engine->s.transport, &a->http);
}

static void tell_front(struct call *call)
{
    const struct call_front *front = call->front;
    call->state = CALL_OVER;
    call->record.write_since_ns = phase_write_since_ns(call);
    if (call->chunks == 0 && !call->has_head)
        call->record.overhead_ns = call->engine->act_ns - call->started_ns -
                                   call->record.phase_ns[RECORD_UPSTREAM];
    if (front != NULL) {
        struct call_result result = {
            .error = call->error,
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
    engine->act_ns = clock_monotonic_ns(loop_clock(engine->s.loop));
    for (struct list *item; (item = list_pop(&engine->started)) != NULL;)
        start_exchange(CONTAINER_OF(item, struct attempt, starting));
    for (struct list *item; (item = list_pop(&engine->ended)) != NULL;)
        tell_front(CONTAINER_OF(item, struct call, ending));
}

void commit_init(struct engine_loop *engine)
{
    struct list *const lists[] = {&engine->starting, &engine->begun, &engine->started,
                                  &engine->ending, &engine->finished, &engine->ended,
                                  &engine->refused, &engine->amending};
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        list_init(lists[i]);
    engine->commit.run = on_commit;
    engine->act.run = on_act;
    engine->retry.on_due = on_retry;
    loop_set_commit_hook(engine->s.loop, &engine->commit);
}

void commit_release(struct engine_loop *engine)
{
    loop_timer_clear(engine->s.loop, &engine->retry);
    loop_set_commit_hook(engine->s.loop, NULL);
}
