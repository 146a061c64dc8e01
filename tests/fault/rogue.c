/* SPDX-License-Identifier: MIT */
/* rogue: does with a call what its model is named after, right and wrong, on the loop and from
 * threads of its own. Where the host answers otherwise than plugin.h promises it logs "BROKEN". */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fault.h"

HARBORAI_MANIFEST({
    "id": "test.rogue",
    "version": "1.0.0",
    "provider": "rogue",
    "patterns": [ "r-*" ]
});

enum { THREADS = 4, PIECES = 100, WAKES = 1000 };

struct rogue { /* harborai_call.state */
    harborai_provider *provider;
    harborai_call *call;
    const struct behaviour *behaviour;
    void *owned; /* by malloc(): whoever forgets on_release() leaks it */
    pthread_t threads[THREADS];
    unsigned thread_count;
    atomic_uint threads_left;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    bool paused, cancelled, resumed;
    unsigned wakes, errors, events, ends;
};

struct behaviour {
    const char *model;
    harborai_status (*chat)(struct rogue *r, harborai_error *error);
    void (*on_end)(struct rogue *r);
    harborai_status (*map_error)(struct rogue *r, harborai_error *error);
    void (*on_wake)(struct rogue *r);
    void (*on_release)(struct rogue *r);
};

static void expect(struct rogue *r, bool holds, const char *what)
{
    char text[160];
    snprintf(text, sizeof text, "BROKEN %s: %s", r->behaviour->model, what);
    if (!holds)
        fault_say(r->provider->host, text);
}
#define EXPECT(condition) expect(r, (condition), #condition)

static harborai_status say(struct rogue *r, const char *text)
{
    return harborai_emit_text(r->call, HARBORAI_DELTA_TEXT, (harborai_str){text, strlen(text)});
}

static harborai_status tell_usage(struct rogue *r, int64_t output)
{
    harborai_usage usage = {.size = sizeof usage};
    harborai_usage_set(&usage, HARBORAI_TOKENS_INPUT, 7);
    harborai_usage_set(&usage, HARBORAI_TOKENS_OUTPUT, output);
    return r->call->host->usage(r->call, &usage);
}

static harborai_status start(struct rogue *r, uint32_t response_kind, harborai_error *error)
{
    const harborai_host *host = r->call->host;
    harborai_http_request http = {.size = sizeof http,
                                  .url = r->provider->base_url,
                                  .body_kind = HARBORAI_BODY_EDITED,
                                  .response_kind = response_kind};
    return host->http_start(r->call, &http, error);
}

static harborai_status fail(harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_UNSUPPORTED, "rogue will not");
}

/* --- Ends --------------------------------------------------------------------------------- */

static void after_the_end(struct rogue *r)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    EXPECT(say(r, "late") == HARBORAI_E_CLOSED);
    EXPECT(harborai_finish(r->call, HARBORAI_FINISH_STOP, NULL) == HARBORAI_E_CLOSED);
    EXPECT(r->call->host->wake(r->call, 0) == HARBORAI_E_CLOSED);
    EXPECT(start(r, HARBORAI_RESPONSE_BUFFER, &error) == HARBORAI_E_CLOSED);
    EXPECT(tell_usage(r, 9) == HARBORAI_OK);
}

static harborai_status finish_twice(struct rogue *r, harborai_error *error)
{
    (void)error;
    (void)say(r, "once");
    EXPECT(harborai_finish(r->call, HARBORAI_FINISH_STOP, NULL) == HARBORAI_OK);
    after_the_end(r);
    return HARBORAI_OK;
}

static harborai_status do_nothing(struct rogue *r, harborai_error *error)
{
    (void)r, (void)error;
    return HARBORAI_OK;
}

static harborai_status error_only(struct rogue *r, harborai_error *error)
{
    (void)r;
    return fail(error);
}

static harborai_status error_without_text(struct rogue *r, harborai_error *error)
{
    (void)r, (void)error;
    return HARBORAI_E_UNSUPPORTED;
}

static harborai_status error_unterminated(struct rogue *r, harborai_error *error)
{
    (void)r;
    error->code = HARBORAI_E_UNSUPPORTED;
    memset(error->message, 'x', sizeof error->message);
    memset(error->vendor_code, 'y', sizeof error->vendor_code);
    memset(error->param, 'z', sizeof error->param);
    return HARBORAI_E_UNSUPPORTED;
}

static harborai_status error_after_emit(struct rogue *r, harborai_error *error)
{
    (void)say(r, "half");
    (void)tell_usage(r, 1);
    return fail(error);
}

static harborai_status finish_with_77(struct rogue *r, harborai_error *error)
{
    (void)error;
    (void)say(r, "once");
    return harborai_finish(r->call, 77, NULL);
}

static harborai_status emit_wrong(struct rogue *r, harborai_error *error)
{
    harborai_delta delta = {.size = sizeof delta, .kind = 99};
    harborai_status st = r->call->host->emit(r->call, &delta);
    return st < 0 ? harborai_error_set(error, st, "%s", "refused, says rogue")
                  : harborai_finish(r->call, HARBORAI_FINISH_STOP, NULL);
}

static harborai_status blame_client(struct rogue *r, harborai_error *error)
{
    (void)r;
    return harborai_error_set(error, HARBORAI_E_INVALID, "%s", "rogue dislikes the request");
}

static harborai_status error_after_start(struct rogue *r, harborai_error *error)
{
    EXPECT(start(r, HARBORAI_RESPONSE_SSE, error) == HARBORAI_OK);
    return fail(error);
}

static harborai_status error_after_finish(struct rogue *r, harborai_error *error)
{
    (void)say(r, "good");
    EXPECT(harborai_finish(r->call, HARBORAI_FINISH_STOP, NULL) == HARBORAI_OK);
    return fail(error);
}

static harborai_status error_after_wake(struct rogue *r, harborai_error *error)
{
    EXPECT(r->call->host->wake(r->call, 0) == HARBORAI_OK);
    return fail(error);
}

static harborai_status start_twice(struct rogue *r, harborai_error *error)
{
    harborai_error second = HARBORAI_ERROR_INIT;
    harborai_status st = start(r, HARBORAI_RESPONSE_SSE, error);
    EXPECT(start(r, HARBORAI_RESPONSE_SSE, &second) == HARBORAI_E_INVALID);
    return st;
}

static harborai_status start_nowhere(struct rogue *r, harborai_error *error)
{
    harborai_http_request http = {.size = sizeof http, .url = HARBORAI_STR("http://192.0.2.1/x")};
    harborai_status st = r->call->host->http_start(r->call, &http, error);
    EXPECT(st == HARBORAI_E_INVALID);
    return st;
}

static void talk_in_release(struct rogue *r)
{
    after_the_end(r);
}

/* For a job thread: at work until the loop has ended the call. */
static harborai_status until_closed(struct rogue *r, harborai_error *error)
{
    fault_say(r->provider->host, "begun");
    while (r->call->host->wake(r->call, 1) != HARBORAI_E_CLOSED)
        if (r->call->host->alloc(r->call, 16) == NULL || usleep(100) != 0)
            break;
    EXPECT(start(r, HARBORAI_RESPONSE_SSE, error) == HARBORAI_E_CLOSED);
    EXPECT(say(r, "late") == HARBORAI_E_CLOSED);
    return fail(error);
}

/* --- wake() -------------------------------------------------------------------------------- */

static harborai_status wake_chat(struct rogue *r, harborai_error *error)
{
    (void)error;
    return r->call->host->wake(r->call, 0);
}

static void wake_again(struct rogue *r)
{
    if (++r->wakes < WAKES) {
        EXPECT(r->call->host->wake(r->call, 0) == HARBORAI_OK);
        return;
    }
    (void)say(r, "awake");
    (void)harborai_finish(r->call, HARBORAI_FINISH_STOP, NULL);
}

static void wake_for_ever(struct rogue *r)
{
    (void)r->call->host->wake(r->call, 0);
}

/* --- The vendor's exchange ------------------------------------------------------------------ */

static harborai_status start_sse(struct rogue *r, harborai_error *error)
{
    return start(r, HARBORAI_RESPONSE_SSE, error);
}

static harborai_status start_lines(struct rogue *r, harborai_error *error)
{
    return start(r, HARBORAI_RESPONSE_LINES, error);
}

static harborai_status start_bytes(struct rogue *r, harborai_error *error)
{
    return start(r, HARBORAI_RESPONSE_BYTES, error);
}

static harborai_status start_buffer(struct rogue *r, harborai_error *error)
{
    return start(r, HARBORAI_RESPONSE_BUFFER, error);
}

static harborai_status start_passthrough(struct rogue *r, harborai_error *error)
{
    return start(r, HARBORAI_RESPONSE_PASSTHROUGH, error);
}

static void finish_at_end(struct rogue *r)
{
    (void)tell_usage(r, (int64_t)r->events);
    EXPECT(harborai_finish(r->call, HARBORAI_FINISH_STOP, NULL) == HARBORAI_OK);
}

static void start_another(struct rogue *r)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    if (++r->ends == 3)
        finish_at_end(r);
    else
        EXPECT(start(r, HARBORAI_RESPONSE_SSE, &error) == HARBORAI_OK);
}

static void do_nothing_at_end(struct rogue *r)
{
    (void)r;
}

static harborai_status again_with_start(struct rogue *r, harborai_error *error)
{
    harborai_error own = HARBORAI_ERROR_INIT;
    (void)error;
    r->errors++;
    EXPECT(start(r, HARBORAI_RESPONSE_PASSTHROUGH, &own) == HARBORAI_OK);
    return HARBORAI_AGAIN;
}

static harborai_status again_with_wake(struct rogue *r, harborai_error *error)
{
    (void)error;
    r->errors++;
    EXPECT(r->call->host->wake(r->call, 1) == HARBORAI_OK);
    return HARBORAI_AGAIN;
}

static void start_on_wake(struct rogue *r)
{
    harborai_error own = HARBORAI_ERROR_INIT;
    EXPECT(start(r, HARBORAI_RESPONSE_PASSTHROUGH, &own) == HARBORAI_OK);
}

static harborai_status again_with_nothing(struct rogue *r, harborai_error *error)
{
    (void)r, (void)error;
    return HARBORAI_AGAIN;
}

static harborai_status map_to_nothing(struct rogue *r, harborai_error *error)
{
    (void)r;
    error->code = HARBORAI_OK;
    memset(error->message, 'x', sizeof error->message);
    return HARBORAI_OK;
}

/* --- Threads -------------------------------------------------------------------------------- */

static void begin_thread(struct rogue *r, void *(*run)(void *))
{
    r->call->host->hold(r->call);
    pthread_create(&r->threads[r->thread_count++], NULL, run, r);
}

static void *emit_some(void *argument)
{
    struct rogue *r = argument;
    for (int i = 0; i < PIECES; i++) {
        EXPECT(say(r, "x") >= HARBORAI_OK);
        if (i % 10 == 0)
            EXPECT(tell_usage(r, i) == HARBORAI_OK);
        if (i % 25 == 0)
            EXPECT(r->call->host->wake(r->call, 0) == HARBORAI_OK);
    }
    if (atomic_fetch_sub(&r->threads_left, 1) == 1) {
        EXPECT(tell_usage(r, THREADS * PIECES) == HARBORAI_OK);
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
        begin_thread(r, emit_some);
    return HARBORAI_OK;
}

/* Everything that can go wrong between threads that do not know of each other. */
static void *emit_and_finish(void *argument)
{
    struct rogue *r = argument;
    for (int i = 0; i < PIECES; i++)
        (void)say(r, "y");
    (void)harborai_finish(r->call, HARBORAI_FINISH_STOP, NULL);
    (void)say(r, "late");
    (void)tell_usage(r, 5);
    (void)r->call->host->wake(r->call, 0);
    r->call->host->unhold(r->call);
    return NULL;
}

static harborai_status all_finish(struct rogue *r, harborai_error *error)
{
    (void)error;
    for (int i = 0; i < THREADS; i++)
        begin_thread(r, emit_and_finish);
    return HARBORAI_OK;
}

/* So that the error of chat() comes first. */
static void *emit_until_closed(void *argument)
{
    struct rogue *r = argument;
    while (say(r, "y") != HARBORAI_E_CLOSED && usleep(100) == 0)
        ;
    EXPECT(harborai_finish(r->call, HARBORAI_FINISH_STOP, NULL) == HARBORAI_E_CLOSED);
    r->call->host->unhold(r->call);
    return NULL;
}

static harborai_status error_after_hold(struct rogue *r, harborai_error *error)
{
    begin_thread(r, emit_until_closed);
    return fail(error);
}

/* No fault at all: one piece that is longer than what may come after PAUSE. */
static void *one_long_piece(void *argument)
{
    static char text[(3 << 20) / 2];
    struct rogue *r = argument;
    memset(text, 'w', sizeof text);
    harborai_str piece = {text, sizeof text};
    EXPECT(harborai_emit_text(r->call, HARBORAI_DELTA_TEXT, piece) >= HARBORAI_OK);
    EXPECT(harborai_finish(r->call, HARBORAI_FINISH_STOP, NULL) == HARBORAI_OK);
    r->call->host->unhold(r->call);
    return NULL;
}

static harborai_status long_piece(struct rogue *r, harborai_error *error)
{
    (void)error;
    begin_thread(r, one_long_piece);
    return HARBORAI_OK;
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
    begin_thread(r, only_unhold);
    return HARBORAI_OK;
}

static void *flood(void *argument)
{
    static char text[4096];
    struct rogue *r = argument;
    memset(text, 'f', sizeof text - 1);
    for (int i = 0; i < 1024 && say(r, text) != HARBORAI_E_CLOSED; i++)
        ;
    (void)harborai_finish(r->call, HARBORAI_FINISH_STOP, NULL);
    r->call->host->unhold(r->call);
    return NULL;
}

static harborai_status ignore_pause(struct rogue *r, harborai_error *error)
{
    (void)error;
    begin_thread(r, flood);
    return HARBORAI_OK;
}

/* The same on the call's own thread. */
static harborai_status flood_in_chat(struct rogue *r, harborai_error *error)
{
    static char text[4096];
    (void)error;
    memset(text, 'f', sizeof text - 1);
    for (int i = 0; i < 1024 && say(r, text) != HARBORAI_E_CLOSED; i++)
        ;
    (void)harborai_finish(r->call, HARBORAI_FINISH_STOP, NULL);
    return HARBORAI_OK;
}

/* The same behind an exchange that never counts. */
static harborai_status flood_after_start(struct rogue *r, harborai_error *error)
{
    static char text[65536];
    harborai_status st = start(r, HARBORAI_RESPONSE_SSE, error);
    if (st < 0)
        return st;
    memset(text, 'f', sizeof text - 1);
    for (int i = 0; i < 1024 && say(r, text) != HARBORAI_E_CLOSED; i++)
        ;
    (void)harborai_finish(r->call, HARBORAI_FINISH_STOP, NULL);
    return HARBORAI_OK;
}

/* A usage object that is too long to be held back. */
static harborai_status large_usage(struct rogue *r, harborai_error *error)
{
    enum { LEN = 1200000 };
    static const char head[] = "{\"prompt_tokens\":1,\"completion_tokens\":1,\"x\":\"";
    char *object = r->call->host->alloc(r->call, LEN);
    harborai_usage usage = {.size = sizeof usage, .vendor_json = {object, LEN}};
    if (object == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory");
    memset(object, 'u', LEN);
    memcpy(object, head, sizeof head - 1);
    memcpy(object + LEN - 2, "\"}", 2);
    harborai_usage_set(&usage, HARBORAI_TOKENS_INPUT, 1);
    harborai_usage_set(&usage, HARBORAI_TOKENS_OUTPUT, 1);
    (void)say(r, "word");
    (void)harborai_finish(r->call, HARBORAI_FINISH_STOP, &usage);
    return HARBORAI_OK;
}

/* As plugin.h asks for: stops at PAUSE until on_resume(), which may come first. */
static void *emit_politely(void *argument)
{
    char text[1025];
    struct rogue *r = argument;
    memset(text, 'p', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    pthread_mutex_lock(&r->lock);
    for (int i = 0; i < 512 && !r->cancelled; i++) {
        pthread_mutex_unlock(&r->lock);
        harborai_status st = say(r, text);
        pthread_mutex_lock(&r->lock);
        while (st == HARBORAI_PAUSE && !r->resumed && !r->cancelled)
            pthread_cond_wait(&r->changed, &r->lock);
        if (st == HARBORAI_PAUSE)
            r->resumed = false;
    }
    pthread_mutex_unlock(&r->lock);
    (void)tell_usage(r, 512);
    (void)harborai_finish(r->call, HARBORAI_FINISH_STOP, NULL);
    r->call->host->unhold(r->call);
    return NULL;
}

static harborai_status polite(struct rogue *r, harborai_error *error)
{
    (void)error;
    begin_thread(r, emit_politely);
    return HARBORAI_OK;
}

static void *wait_for_cancel(void *argument)
{
    struct rogue *r = argument;
    (void)say(r, "begun");
    pthread_mutex_lock(&r->lock);
    while (!r->cancelled)
        pthread_cond_wait(&r->changed, &r->lock);
    pthread_mutex_unlock(&r->lock);
    EXPECT(say(r, "late") == HARBORAI_E_CLOSED);
    EXPECT(tell_usage(r, 3) == HARBORAI_OK);
    EXPECT(harborai_finish(r->call, HARBORAI_FINISH_STOP, NULL) == HARBORAI_E_CLOSED);
    r->call->host->unhold(r->call);
    return NULL;
}

static harborai_status wait_chat(struct rogue *r, harborai_error *error)
{
    (void)error;
    begin_thread(r, wait_for_cancel);
    return HARBORAI_OK;
}

/* --- The table ------------------------------------------------------------------------------- */

static const struct behaviour behaviours[] = {
    {"r-finish-twice", finish_twice, NULL, NULL, NULL, NULL},
    {"r-idle", do_nothing, NULL, NULL, NULL, NULL},
    {"r-error", error_only, NULL, NULL, NULL, NULL},
    {"r-error-without-text", error_without_text, NULL, NULL, NULL, NULL},
    {"r-error-unterminated", error_unterminated, NULL, NULL, NULL, NULL},
    {"r-error-after-emit", error_after_emit, NULL, NULL, NULL, NULL},
    {"r-error-after-start", error_after_start, NULL, NULL, NULL, NULL},
    {"r-error-after-finish", error_after_finish, NULL, NULL, NULL, NULL},
    {"r-error-after-wake", error_after_wake, NULL, NULL, NULL, NULL},
    {"r-error-after-hold", error_after_hold, NULL, NULL, NULL, NULL},
    {"r-until-closed", until_closed, NULL, NULL, NULL, NULL},
    {"r-start-twice", start_twice, finish_at_end, NULL, NULL, NULL},
    {"r-start-nowhere", start_nowhere, NULL, NULL, NULL, NULL},
    {"r-release-talks", finish_twice, NULL, NULL, NULL, talk_in_release},
    {"r-wake", wake_chat, NULL, NULL, wake_again, NULL},
    {"r-wake-for-ever", wake_chat, NULL, NULL, wake_for_ever, NULL},
    {"r-wake-idle", wake_chat, NULL, NULL, NULL, NULL},
    {"r-sse", start_sse, finish_at_end, NULL, NULL, NULL},
    {"r-lines", start_lines, finish_at_end, NULL, NULL, NULL},
    {"r-bytes", start_bytes, finish_at_end, NULL, NULL, NULL},
    {"r-buffer", start_buffer, finish_at_end, NULL, NULL, NULL},
    {"r-three-exchanges", start_sse, start_another, NULL, NULL, NULL},
    {"r-idle-at-end", start_sse, do_nothing_at_end, NULL, NULL, NULL},
    {"r-finish-early", start_sse, do_nothing_at_end, NULL, NULL, NULL},
    {"r-again-with-start", start_passthrough, NULL, again_with_start, NULL, NULL},
    {"r-again-with-wake", start_passthrough, NULL, again_with_wake, start_on_wake, NULL},
    {"r-again-with-nothing", start_passthrough, NULL, again_with_nothing, NULL, NULL},
    {"r-map-to-nothing", start_passthrough, NULL, map_to_nothing, NULL, NULL},
    {"r-four-threads", four_threads, NULL, NULL, NULL, NULL},
    {"r-all-finish", all_finish, NULL, NULL, NULL, NULL},
    {"r-long-piece", long_piece, NULL, NULL, NULL, NULL},
    {"r-unhold-unfinished", unhold_unfinished, NULL, NULL, NULL, NULL},
    {"r-ignore-pause", ignore_pause, NULL, NULL, NULL, NULL},
    {"r-flood-in-chat", flood_in_chat, NULL, NULL, NULL, NULL},
    {"r-flood-after-start", flood_after_start, NULL, NULL, NULL, NULL},
    {"r-large-usage", large_usage, NULL, NULL, NULL, NULL},
    {"r-finish-77", finish_with_77, NULL, NULL, NULL, NULL},
    {"r-emit-wrong", emit_wrong, NULL, NULL, NULL, NULL},
    {"r-blame-client", blame_client, NULL, NULL, NULL, NULL},
    {"r-polite", polite, NULL, NULL, NULL, NULL},
    {"r-wait", wait_chat, NULL, NULL, NULL, NULL},
};

static harborai_status chat(harborai_provider *provider, harborai_call *call,
                            const harborai_request *request, harborai_error *error)
{
    struct rogue *r = call->state;
    r->provider = provider;
    r->call = call;
    r->owned = malloc(64);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, NULL);
    for (size_t i = 0; i < sizeof behaviours / sizeof behaviours[0]; i++)
        if (harborai_str_equal(request->model, behaviours[i].model))
            r->behaviour = &behaviours[i];
    if (r->behaviour == NULL)
        return harborai_error_set(error, HARBORAI_E_NOT_FOUND, "no such behaviour");
    return r->behaviour->chat(r, error);
}

static void give(struct rogue *r, harborai_str text)
{
    r->events++;
    (void)harborai_emit_text(r->call, HARBORAI_DELTA_TEXT, text);
    if (strcmp(r->behaviour->model, "r-finish-early") != 0)
        return;
    EXPECT(harborai_finish(r->call, HARBORAI_FINISH_STOP, NULL) == HARBORAI_OK);
    after_the_end(r);
}

static void on_data(harborai_provider *provider, harborai_call *call, harborai_str bytes)
{
    (void)provider;
    give(call->state, bytes);
}

static void on_event(harborai_provider *provider, harborai_call *call, const harborai_event *event)
{
    (void)provider;
    give(call->state, event->data);
}

static void on_end(harborai_provider *provider, harborai_call *call)
{
    struct rogue *r = call->state;
    (void)provider;
    if (r->behaviour->on_end != NULL)
        r->behaviour->on_end(r);
}

static harborai_status map_error(harborai_provider *provider, harborai_call *call,
                                 const harborai_http_response *response, harborai_str body,
                                 harborai_error *error)
{
    struct rogue *r = call->state;
    (void)provider, (void)response, (void)body;
    return r->behaviour->map_error != NULL ? r->behaviour->map_error(r, error) : HARBORAI_OK;
}

static void on_wake(harborai_provider *provider, harborai_call *call)
{
    struct rogue *r = call->state;
    (void)provider;
    if (r->behaviour->on_wake != NULL)
        r->behaviour->on_wake(r);
}

static void tell(struct rogue *r, bool *flag)
{
    pthread_mutex_lock(&r->lock);
    *flag = true;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

static void on_resume(harborai_provider *provider, harborai_call *call)
{
    struct rogue *r = call->state;
    (void)provider;
    tell(r, &r->resumed);
}

static void on_cancel(harborai_provider *provider, harborai_call *call)
{
    struct rogue *r = call->state;
    fault_say(provider->host, "cancelled");
    tell(r, &r->cancelled);
    EXPECT(tell_usage(r, 2) == HARBORAI_OK);
}

static void on_release(harborai_provider *provider, harborai_call *call)
{
    struct rogue *r = call->state;
    for (unsigned i = 0; i < r->thread_count; i++)
        pthread_join(r->threads[i], NULL); /* unhold() was their last word */
    if (r->behaviour != NULL && r->behaviour->on_release != NULL)
        r->behaviour->on_release(r);
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
    free(r->owned);
    r->owned = NULL;
    fault_say(provider->host, "released");
}

/* Several at once, on several threads: so not those of fault.h. */
static harborai_status create(const harborai_host *host, harborai_str config,
                              harborai_provider **provider, harborai_error *error)
{
    (void)config;
    *provider = calloc(1, sizeof **provider);
    if (*provider == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "out of memory");
    (*provider)->host = host;
    (*provider)->base_url = host->config(host, "/base_url");
    fault_say(host, "created");
    return HARBORAI_OK;
}

static void destroy(harborai_provider *provider)
{
    fault_say(provider->host, "destroyed");
    free(provider);
}

static const harborai_plugin table = {
    .size = sizeof table, .abi_major = HARBORAI_ABI_MAJOR, .abi_minor = HARBORAI_ABI_MINOR,
    .id = "test.rogue", .version = "1.0.0", .create = create, .destroy = destroy, .chat = chat,
    .call_state_size = sizeof(struct rogue), .on_data = on_data, .on_event = on_event,
    .on_end = on_end, .map_error = map_error, .on_wake = on_wake, .on_resume = on_resume,
    .on_cancel = on_cancel, .on_release = on_release,
};

const void *harborai_plugin_query(uint32_t abi_major)
{
    return abi_major == HARBORAI_ABI_MAJOR ? &table : NULL;
}
