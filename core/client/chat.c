/* SPDX-License-Identifier: MIT */
/* The three ways to make a call. */
#include <stdlib.h>

#include "client/ask.h"

/* --- Whole -------------------------------------------------------------------------------------- */

/* The outcome leaves the ask; NULL: no memory. */
static struct harborai_reply *take_outcome(struct ask *ask, harborai_error *error)
{
    struct harborai_reply *reply = malloc(sizeof *reply);
    if (reply == NULL || outcome_read(&ask->outcome, error) < 0) {
        harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left for the answer");
        free(reply);
        return NULL;
    }
    *reply = ask->outcome;
    outcome_init(&ask->outcome);
    return reply;
}

static void give_error(const struct ask *ask, harborai_error *error)
{
    if (error == NULL)
        return;
    uint32_t size = error->size;
    if (ask->is_left) {
        harborai_error_set(error, HARBORAI_E_CANCELLED,
                           "the call was broken off; a plugin or a handler that does not return "
                           "holds up the client");
        return;
    }
    memcpy(error, &ask->error, size > 0 && size < sizeof *error ? size : sizeof *error);
    error->size = size;
}

harborai_reply *harborai_chat_with(harborai_client *client, harborai_str body,
                                   const harborai_call_options *options, harborai_error *error)
{
    if (client_enter(client, true, error) < 0)
        return NULL;
    client_leave(client); /* the body is copied without the lock */
    struct ask *ask = ask_create(client, ASK_WHOLE, NULL, body, options, error);
    if (ask == NULL)
        return NULL;
    struct harborai_reply *reply = NULL;
    if (client_enter(client, true, error) >= 0) {
        ask_begin(ask);
        turn_wait(ask, ask_has_ended);
        client_leave(client);
        if (ask->is_left || ask->error.code < 0)
            give_error(ask, error);
        else
            reply = take_outcome(ask, error);
    }
    ask_unref(ask);
    return reply;
}

harborai_reply *harborai_chat(harborai_client *client, harborai_str body, harborai_error *error)
{
    return harborai_chat_with(client, body, NULL, error);
}

/* --- Piece by piece ----------------------------------------------------------------------------- */

/* A stream is its ask: there is no struct harborai_stream. */
static struct ask *ask_of(const struct harborai_stream *stream)
{
    return (struct ask *)(uintptr_t)stream;
}

harborai_stream *harborai_chat_stream_with(harborai_client *client, harborai_str body,
                                           const harborai_call_options *options,
                                           harborai_error *error)
{
    if (client_enter(client, false, error) < 0)
        return NULL;
    client_leave(client);
    struct ask *ask = ask_create(client, ASK_STREAM, NULL, body, options, error);
    if (ask == NULL)
        return NULL;
    if (client_enter(client, false, error) < 0) {
        ask_unref(ask);
        return NULL;
    }
    ask_begin(ask);
    client_leave(client);
    return (harborai_stream *)ask;
}

harborai_stream *harborai_chat_stream(harborai_client *client, harborai_str body,
                                      harborai_error *error)
{
    return harborai_chat_stream_with(client, body, NULL, error);
}

/* An interruption takes with it what was not read, even if the answer is complete. The lock is
 * held. */
static bool is_cut(struct ask *ask)
{
    bool is_interrupted = ask->born != atomic_load(&ask->client->interrupts) &&
                          (!ask->has_ended || ask_has_chunk(ask));
    if (is_interrupted)
        ask_cancel(ask);
    if (ask->is_cancelled && !ask->has_ended)
        turn_wait(ask, ask_has_ended);
    if (!ask->has_ended)
        return ask->is_left;
    if (is_interrupted && ask->error.code >= 0)
        harborai_error_set(&ask->error, HARBORAI_E_CANCELLED,
                           "the call was broken off before its answer was read to the end");
    return is_interrupted || ask->error.code == HARBORAI_E_CANCELLED;
}

/* Nobody but the reader reads the queue once the lock is taken: the chunk stays where it is. */
static bool wait_for_chunk(struct ask *ask, harborai_str *ret_json)
{
    struct harborai_client *client = ask->client;
    pthread_mutex_lock(&client->lock);
    if (!ask_has_news(ask))
        turn_wait(ask, ask_has_news);
    bool is_any = !is_cut(ask) && ask_next(ask, ret_json);
    pthread_mutex_unlock(&client->lock);
    return is_any;
}

/* There is no memory for what came. */
static void lose(struct ask *ask)
{
    struct harborai_client *client = ask->client;
    pthread_mutex_lock(&client->lock);
    ask->has_lost = true;
    ask_cancel(ask);
    if (!ask->has_ended)
        turn_wait(ask, ask_has_ended);
    ask->at = ask->reading.len;
    buf_clear(&ask->queue);
    if (ask->has_ended && ask->error.code >= 0)
        harborai_error_set(&ask->error, HARBORAI_E_MEMORY, "no memory left for the answer");
    pthread_mutex_unlock(&client->lock);
}

static bool refuse_stream(const struct harborai_stream *stream, harborai_error *error)
{
    if (stream == NULL) {
        client_refuse_nothing(error, "stream");
        return true;
    }
    struct harborai_client *client = ask_of(stream)->client;
    if (client_is_forked(client)) {
        harborai_error_set(error, HARBORAI_E_INVALID,
                           "the stream belongs to the process that forked this one");
        return true;
    }
    pthread_mutex_lock(&client->lock);
    bool is_handler = client->in_handler && pthread_equal(client->handler, pthread_self());
    pthread_mutex_unlock(&client->lock);
    if (is_handler)
        harborai_error_set(error, HARBORAI_E_INVALID,
                           "a handler may not wait: start the call by harborai_chat_start()");
    return is_handler;
}

bool harborai_stream_next(harborai_stream *stream, harborai_chunk *chunk, harborai_error *error)
{
    harborai_str json;
    if (refuse_stream(stream, error))
        return false;
    struct ask *ask = ask_of(stream);
    if (wait_for_chunk(ask, &json)) {
        if (piece_read(json, &ask->text, chunk))
            return true;
        lose(ask);
    }
    give_error(ask, error);
    return false;
}

const harborai_reply *harborai_stream_reply(const harborai_stream *stream)
{
    if (stream == NULL || client_is_forked(ask_of(stream)->client))
        return NULL;
    struct ask *ask = ask_of(stream);
    pthread_mutex_lock(&ask->client->lock);
    bool has_ended = ask->has_ended;
    pthread_mutex_unlock(&ask->client->lock);
    return has_ended ? &ask->outcome : NULL;
}

void harborai_stream_close(harborai_stream *stream)
{
    if (stream == NULL || client_is_forked(ask_of(stream)->client))
        return;
    struct ask *ask = ask_of(stream);
    struct harborai_client *client = ask->client;
    pthread_mutex_lock(&client->lock);
    bool is_handler = client->in_handler && pthread_equal(client->handler, pthread_self());
    ask_cancel(ask);
    /* One pass, so that it is on record; a handler leaves that to who drives. */
    if (!is_handler && !ask->has_ended)
        turn_wait(ask, ask_has_ended);
    pthread_mutex_unlock(&client->lock);
    ask_unref(ask);
}

/* --- With handlers ------------------------------------------------------------------------------ */

static harborai_status take_handlers(const harborai_handlers *given, harborai_handlers *handlers,
                                     harborai_error *error)
{
    *handlers = (harborai_handlers){.size = sizeof *handlers};
    if (given == NULL || given->size < offsetof(harborai_handlers, on_done))
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "harborai_handlers is missing, or its size is not set");
    memcpy(handlers, given, given->size < sizeof *handlers ? given->size : sizeof *handlers);
    return HARBORAI_OK;
}

/* 0: refused. */
static harborai_call_id start(struct harborai_client *client, struct ask *ask,
                              harborai_error *error)
{
    if (client_enter(client, false, error) < 0)
        return 0;
    harborai_call_id id = ask->id = roster_add(&client->roster, ask);
    if (id == 0)
        harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    else
        ask_begin(ask); /* the reader's reference is the roster's from here on */
    client_leave(client);
    return id;
}

harborai_call_id harborai_chat_start_with(harborai_client *client, harborai_str body,
                                          const harborai_handlers *handlers,
                                          const harborai_call_options *options,
                                          harborai_error *error)
{
    harborai_handlers own;
    if (client_enter(client, false, error) < 0)
        return 0;
    client_leave(client);
    if (take_handlers(handlers, &own, error) < 0)
        return 0;
    struct ask *ask = ask_create(client, ASK_HANDLERS, &own, body, options, error);
    if (ask == NULL)
        return 0;
    harborai_call_id id = start(client, ask, error);
    if (id == 0)
        ask_unref(ask);
    return id;
}

harborai_call_id harborai_chat_start(harborai_client *client, harborai_str body,
                                     const harborai_handlers *handlers, harborai_error *error)
{
    return harborai_chat_start_with(client, body, handlers, NULL, error);
}

void harborai_call_cancel(harborai_client *client, harborai_call_id id)
{
    if (client_enter(client, false, NULL) < 0)
        return;
    struct ask *ask = roster_find(&client->roster, id);
    if (ask != NULL)
        ask_cancel(ask);
    client_leave(client);
}
