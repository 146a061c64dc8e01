/* SPDX-License-Identifier: MIT */
/* A client drives its runtime's only loop on the caller's thread, one call at a time. */
#include "client/client.h"

#include <stdlib.h>

#include "base/limits.h"
#include "chat/usage.h"
#include "engine/call.h"
#include "pricing/money.h"

struct client {
    struct runtime *runtime;
};

/* Begin and cancel are messages, because both belong in a pass of the loop. */
struct waiting {
    struct engine_loop *engine;
    struct buf *body;
    struct call *call; /* NULL before it began and after it ended */
    struct message begin, cancel;
    bool (*on_chunk)(void *context, harborai_str chunk);
    void *context;
    struct client_answer *answer;
    bool has_ended, breaks_off;
};

void client_answer_release(struct client_answer *answer)
{
    buf_release(&answer->json);
    buf_release(&answer->summary);
}

harborai_status client_open(struct config *config, const struct runtime_options *options,
                            struct client **ret_client, harborai_error *error)
{
    struct runtime_options single = *options;
    struct client *client = calloc(1, sizeof *client);
    if (client == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    single.loops = 1;
    harborai_status st = runtime_create(config, &single, &client->runtime, error);
    if (st < 0) {
        free(client);
        return st;
    }
    *ret_client = client;
    return HARBORAI_OK;
}

void client_close(struct client *client)
{
    if (client == NULL)
        return;
    runtime_destroy(client->runtime);
    free(client);
}

struct runtime *client_runtime(struct client *client)
{
    return client->runtime;
}

/* --- The front --------------------------------------------------------------------------------- */

static void on_chunk(void *owner, harborai_str json)
{
    struct waiting *w = owner;
    if (!w->breaks_off && !w->on_chunk(w->context, json))
        w->breaks_off = true;
}

static void summarise(struct buf *b, const struct record *r)
{
    if (r->provider.len == 0)
        return;
    buf_printf(b, "%.*s/%.*s", SLICE_ARG(r->provider), SLICE_ARG(r->upstream_model));
    if (r->usage.known_mask != 0)
        buf_printf(b, ", %lld + %lld tokens", (long long)usage_input_total(&r->usage),
                   (long long)usage_output_total(&r->usage));
    if (r->is_cost_known) {
        char amount[MONEY_TEXT];
        money_print(r->cost_pico, amount);
        buf_printf(b, ", %s %.*s", amount, SLICE_ARG(r->cost_currency));
    }
}

static void on_end(void *owner, const struct call_result *result)
{
    struct waiting *w = owner;
    if (result->error != NULL)
        w->answer->error = *result->error;
    buf_add(&w->answer->json, result->answer);
    summarise(&w->answer->summary, result->record);
    w->has_ended = true;
}

static size_t undelivered(const void *owner UNUSED)
{
    return 0; /* on_chunk returns when the chunk was dealt with */
}

static const struct call_front front = {on_chunk, on_end, undelivered, .is_http = false};

static void begin(struct message *message)
{
    struct waiting *w = CONTAINER_OF(message, struct waiting, begin);
    struct call_params params = {
        .front = &front, .owner = w, .body = w->body, .client = HARBORAI_STR("cli")};
    w->call = call_start(w->engine, &params);
    if (w->call == NULL) {
        harborai_error_set(&w->answer->error, HARBORAI_E_MEMORY, "no memory left");
        w->has_ended = true;
    }
}

static void cancel(struct message *message)
{
    struct waiting *w = CONTAINER_OF(message, struct waiting, cancel);
    if (w->has_ended)
        return;
    call_cancel(w->call);
    harborai_error_set(&w->answer->error, HARBORAI_E_CANCELLED, "broken off");
    w->has_ended = true;
}

void client_call(struct client *client, struct buf *body,
                 bool (*chunk_fn)(void *context, harborai_str chunk), void *context,
                 struct client_answer *ret_answer)
{
    struct loop *loop = runtime_loop(client->runtime, 0);
    struct waiting w = {.engine = runtime_engine(client->runtime, 0), .body = body,
                        .begin = {.run = begin}, .cancel = {.run = cancel},
                        .on_chunk = chunk_fn, .context = context, .answer = ret_answer};

    *ret_answer = (struct client_answer){.error = HARBORAI_ERROR_INIT};
    buf_init(&ret_answer->json, LIMIT_RESPONSE_BODY);
    buf_init(&ret_answer->summary, KIB(4));
    loop_post(loop, &w.begin);
    for (bool told = false; !w.has_ended;) {
        loop_turn(loop, -1);
        w.breaks_off |= !w.has_ended && !chunk_fn(context, SLICE_NONE);
        /* The message lies here: of a call that is over, nobody would wait for it. */
        if (w.breaks_off && !told && !w.has_ended) {
            told = true;
            loop_post(loop, &w.cancel);
        }
    }
}
