/* SPDX-License-Identifier: MIT */
/* The front of the engine that the library is. What the engine says, on whatever thread drives the
 * loop, is put where the reader finds it; no function of the application is called here. */
#include "client/ask.h"

#include <stdlib.h>

#include "base/limits.h"

#define QUEUE_MOST (LIMIT_UNDELIVERED_MOST + LIMIT_HELD_BACK + MIB(16)) /* what the engine lets be */
#define RESUME_BELOW (LIMIT_UNDELIVERED / 2)

static void begin(struct message *message);
static void cancel(struct message *message);
static void resume(struct message *message);

struct ask *ask_create(struct harborai_client *client, enum ask_kind kind,
                       const harborai_handlers *handlers, harborai_str body,
                       const harborai_call_options *options, harborai_error *error)
{
    bool streams = kind == ASK_STREAM || (handlers != NULL && handlers->on_chunk != NULL);
    struct ask *ask = calloc(1, sizeof *ask);
    if (ask == NULL) {
        harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
        return NULL;
    }
    ask->client = client;
    atomic_fetch_add(&client->refs, 1);
    atomic_init(&ask->refs, 1);
    ask->kind = kind;
    if (handlers != NULL)
        ask->handlers = *handlers;
    arena_init(&ask->arena, LIMIT_REQUEST_BODY);
    buf_init(&ask->wish.body, LIMIT_REQUEST_BODY);
    ask->begin.run = begin;
    ask->cancel.run = cancel;
    ask->resume.run = resume;
    pthread_cond_init(&ask->changed, NULL);
    buf_init(&ask->queue, QUEUE_MOST);
    buf_init(&ask->reading, QUEUE_MOST);
    buf_init(&ask->text, LIMIT_STREAM_EVENT + MIB(16));
    ask->error = (harborai_error)HARBORAI_ERROR_INIT;
    outcome_init(&ask->outcome);
    if (wish_fill(&ask->wish, &ask->arena, body, streams, options, error) < 0) {
        ask_unref(ask);
        return NULL;
    }
    return ask;
}

static void drop(struct ask *ask, unsigned count)
{
    if (atomic_fetch_sub(&ask->refs, count) > count)
        return;
    outcome_release(&ask->outcome);
    buf_release(&ask->text);
    buf_release(&ask->reading);
    buf_release(&ask->queue);
    pthread_cond_destroy(&ask->changed);
    buf_release(&ask->wish.body);
    arena_release(&ask->arena);
    client_unref(ask->client);
    free(ask);
}

void ask_unref(struct ask *ask)
{
    drop(ask, 1);
}

/* --- To the reader ------------------------------------------------------------------------------ */

/* The lock is held. */
static void notify(struct ask *ask)
{
    struct harborai_client *client = ask->client;
    if (ask->kind != ASK_HANDLERS) {
        pthread_cond_signal(&ask->changed);
        return;
    }
    if (!list_is_linked(&ask->ready))
        list_append(&client->ready, &ask->ready);
    /* Only a thread in dispatch may call handlers: it has to be fetched. */
    if (client->driver == CLIENT_DRIVER_WAITER && client->outer != NULL)
        outer_raise(client->outer);
}

/* The loop has no more to do with it; its reference is still to be dropped. [loop] */
static void end(struct ask *ask)
{
    pthread_mutex_lock(&ask->client->lock);
    if (ask->has_lost && ask->error.code >= 0)
        harborai_error_set(&ask->error, HARBORAI_E_MEMORY, "no memory left for the answer");
    if (ask->error.code == HARBORAI_E_CANCELLED && ask->client->is_closing && !ask->is_cancelled)
        harborai_error_set(&ask->error, HARBORAI_E_CANCELLED,
                           "the client was closed before the answer was complete");
    ask->has_ended = true;
    notify(ask);
    pthread_mutex_unlock(&ask->client->lock);
}

static void on_chunk(void *owner, harborai_str json)
{
    struct ask *ask = owner;
    uint32_t len = (uint32_t)json.len;

    if (!ask->has_chunk)
        outcome_note_chunk(&ask->outcome, json);
    ask->has_chunk = true;
    pthread_mutex_lock(&ask->client->lock);
    char *room = buf_reserve(&ask->queue, sizeof len + json.len);
    if (room != NULL) {
        memcpy(room, &len, sizeof len);
        memcpy(room + sizeof len, json.data, json.len);
        buf_commit(&ask->queue, sizeof len + json.len);
        atomic_fetch_add(&ask->undelivered, json.len);
        notify(ask);
    } else {
        ask->has_lost = true;
        ask_cancel(ask);
    }
    pthread_mutex_unlock(&ask->client->lock);
}

static void on_end(void *owner, const struct call_result *result)
{
    struct ask *ask = owner;
    ask->call = NULL;
    /* What there is no memory for is said in `error`. */
    harborai_status st =
        outcome_fill(&ask->outcome, result->record, result->answer, &ask->error);
    (void)st;
    if (result->error != NULL)
        ask->error = *result->error;
    end(ask);
    ask_unref(ask);
}

static size_t undelivered(const void *owner)
{
    const struct ask *ask = owner;
    return atomic_load(&((struct ask *)(uintptr_t)ask)->undelivered);
}

static const struct call_front front = {on_chunk, on_end, undelivered, .is_http = false};

/* --- To the loop -------------------------------------------------------------------------------- */

static void begin(struct message *message)
{
    struct ask *ask = CONTAINER_OF(message, struct ask, begin);
    struct ask_wish *wish = &ask->wish;
    struct call_params params = {
        .front = &front,
        .owner = ask,
        .body = &wish->body,
        .client = slice_of(ask->client->name),
        .total_ms = wish->timeout_ms,
        .provider = wish->provider,
        .tags = wish->tags,
        .trace_parent = wish->trace_parent,
        .request_id = wish->request_id,
    };
    ask->begun_ns = loop_now_ns(ask->client->loop);
    ask->call = call_start(runtime_engine(ask->client->runtime, 0), &params);
    arena_release(&ask->arena); /* the engine has its copies */
    if (ask->call == NULL) {
        harborai_error_set(&ask->error, HARBORAI_E_MEMORY, "no memory left");
        end(ask);
        ask_unref(ask);
    }
}

/* Nobody waits for the disk here, as on_end would: whoever breaks off has his end at once. */
static void cancel(struct message *message)
{
    struct ask *ask = CONTAINER_OF(message, struct ask, cancel);
    unsigned refs = 1; /* the message's */
    if (ask->call != NULL) {
        harborai_status st =
            outcome_fill(&ask->outcome, call_record(ask->call), SLICE_NONE, &ask->error);
        ask->outcome.total_ns = loop_now_ns(ask->client->loop) - ask->begun_ns;
        call_cancel(ask->call);
        ask->call = NULL;
        if (st >= 0 && !ask->has_lost)
            harborai_error_set(&ask->error, HARBORAI_E_CANCELLED,
                               "the call was broken off before its answer was complete");
        end(ask);
        refs++; /* the loop's */
    }
    drop(ask, refs);
}

static void resume(struct message *message)
{
    struct ask *ask = CONTAINER_OF(message, struct ask, resume);
    pthread_mutex_lock(&ask->client->lock);
    ask->is_resumed = false;
    pthread_mutex_unlock(&ask->client->lock);
    if (ask->call != NULL)
        call_resume(ask->call);
    ask_unref(ask);
}

/* The lock is held, so that the loop is there: it goes only after is_closed is set under it. */
static void post(struct ask *ask, struct message *message)
{
    atomic_fetch_add(&ask->refs, 1);
    loop_post(ask->client->loop, message);
}

void ask_begin(struct ask *ask)
{
    ask->born = atomic_load(&ask->client->interrupts);
    post(ask, &ask->begin); /* its reference is the loop's */
}

void ask_cancel(struct ask *ask)
{
    if (ask->has_ended || ask->is_cancelled || ask->client->is_closed)
        return;
    ask->is_cancelled = true;
    post(ask, &ask->cancel);
}

/* --- The reader --------------------------------------------------------------------------------- */

static void note_delivered(struct ask *ask, size_t len)
{
    size_t before = atomic_fetch_sub(&ask->undelivered, len);
    if (before < RESUME_BELOW || before - len >= RESUME_BELOW || ask->has_ended ||
        ask->is_resumed || ask->client->is_closed)
        return;
    ask->is_resumed = true;
    post(ask, &ask->resume);
}

bool ask_next(struct ask *ask, harborai_str *ret_json)
{
    uint32_t len;
    if (ask->at == ask->reading.len) {
        struct buf empty = ask->reading;
        buf_clear(&empty);
        ask->reading = ask->queue;
        ask->queue = empty;
        ask->at = 0;
    }
    if (ask->at == ask->reading.len)
        return false;
    memcpy(&len, ask->reading.data + ask->at, sizeof len);
    *ret_json = (harborai_str){ask->reading.data + ask->at + sizeof len, len};
    ask->at += sizeof len + len;
    note_delivered(ask, len);
    return true;
}

bool ask_has_ended(const struct ask *ask)
{
    return ask->has_ended;
}

bool ask_has_chunk(const struct ask *ask)
{
    return ask->at < ask->reading.len || ask->queue.len > 0;
}

bool ask_has_news(const struct ask *ask)
{
    return ask->has_ended || ask_has_chunk(ask);
}
