/* SPDX-License-Identifier: MIT */
/* parallel dispatch|thread CONFIG STATE THREADS STARTED WAITED: each of so many threads starts calls with
 * handlers and then makes calls that wait, whole and as streams, all on one client. Handlers run on
 * the main thread (dispatch) or on the library's. Prints how many were answered. */
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

#include "driver.h"

enum { THREADS_MOST = 64 };

struct shared {
    harborai_client *client;
    int started, waited;         /* for each thread */
    atomic_int answered, failed; /* of the calls that waited */
    atomic_int dones, errors;    /* of the others */
    atomic_int inside;           /* handlers that run now: never two */
    atomic_int most;             /* calls that had begun and not ended */
    atomic_int running;
    atomic_bool has_overlapped;
};

struct one { /* a call with handlers */
    struct shared *shared;
    size_t len;
    bool streams;
};

static void note_begin(struct shared *s)
{
    int now = atomic_fetch_add(&s->running, 1) + 1, most = atomic_load(&s->most);
    while (now > most && !atomic_compare_exchange_weak(&s->most, &most, now))
        ;
}

static void enter(struct shared *s)
{
    if (atomic_fetch_add(&s->inside, 1) != 0)
        atomic_store(&s->has_overlapped, true);
}

static void on_chunk(void *context, harborai_call_id id, const harborai_chunk *chunk)
{
    struct one *one = context;
    enter(one->shared);
    MUST(id != 0);
    one->len += chunk->text.len;
    atomic_fetch_sub(&one->shared->inside, 1);
}

static void on_done(void *context, harborai_call_id id, const harborai_reply *reply,
                    const harborai_error *error)
{
    struct one *one = context;
    struct shared *s = one->shared;
    enter(s);
    MUST(id != 0);
    size_t len = one->streams ? one->len : strlen(harborai_reply_text(reply));
    if (error != NULL)
        fprintf(stderr, "%s\n", error->message);
    atomic_fetch_add(error == NULL && len > 0 ? &s->dones : &s->errors, 1);
    atomic_fetch_sub(&s->running, 1);
    atomic_fetch_sub(&s->inside, 1);
    free(one);
}

static void start_one(struct shared *s, harborai_str body, bool streams)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    struct one *one = calloc(1, sizeof *one);
    MUST(one != NULL);
    one->shared = s;
    one->streams = streams;
    harborai_handlers handlers = {sizeof handlers, streams ? on_chunk : NULL, on_done, one};
    note_begin(s);
    MUST(harborai_chat_start(s->client, body, &handlers, &error) != 0);
}

static bool wait_whole(struct shared *s, harborai_str body, harborai_error *error)
{
    harborai_reply *reply = harborai_chat(s->client, body, error);
    bool good = reply != NULL && harborai_reply_text(reply)[0] != '\0';
    harborai_reply_free(reply);
    return good;
}

static bool wait_stream(struct shared *s, harborai_str body, harborai_error *error)
{
    size_t len = 0;
    harborai_stream *stream = harborai_chat_stream(s->client, body, error);
    for (harborai_chunk chunk; harborai_stream_next(stream, &chunk, error);)
        len += chunk.text.len;
    harborai_stream_close(stream);
    return error->code == HARBORAI_OK && len > 0;
}

static void *work(void *argument)
{
    struct shared *s = argument;
    harborai_body *body = driver_body("gpt-4o", "sim:{\"text\":\"one two three\",\"wait_ms\":50}");
    harborai_str text = harborai_body_str(body, NULL);
    for (int i = 0; i < s->started; i++)
        start_one(s, text, i % 2 != 0);
    for (int i = 0; i < s->waited; i++) {
        harborai_error error = HARBORAI_ERROR_INIT;
        note_begin(s);
        bool good = i % 2 != 0 ? wait_stream(s, text, &error) : wait_whole(s, text, &error);
        if (!good)
            fprintf(stderr, "%s\n", error.message);
        atomic_fetch_add(good ? &s->answered : &s->failed, 1);
        atomic_fetch_sub(&s->running, 1);
    }
    harborai_body_free(body);
    return NULL;
}

int main(int argc, char **argv)
{
    MUST(argc == 7);
    pthread_t threads[THREADS_MOST];
    int count = (int)strtol(argv[4], NULL, 10);
    struct shared s = {.client = driver_open(argv),
                       .started = (int)strtol(argv[5], NULL, 10),
                       .waited = (int)strtol(argv[6], NULL, 10)};
    bool dispatches = strcmp(argv[1], "dispatch") == 0;
    struct pollfd fd = {.fd = -1, .events = POLLIN};

    MUST(count <= THREADS_MOST);
    if (dispatches)
        fd.fd = harborai_client_fd(s.client, NULL);
    else
        MUST(harborai_client_run_thread(s.client, NULL) == HARBORAI_OK);
    for (int i = 0; i < count; i++)
        MUST(pthread_create(&threads[i], NULL, work, &s) == 0);
    while (dispatches && s.dones + s.errors < count * s.started) {
        MUST(poll(&fd, 1, 60000) == 1);
        MUST(harborai_client_dispatch(s.client, 0, NULL) >= 0);
    }
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    while (s.dones + s.errors < count * s.started)
        poll(NULL, 0, 5);
    MUST(harborai_client_close(s.client) == HARBORAI_OK);
    MUST(!s.has_overlapped);
    printf("%d started and %d waited for were answered, %d failed, %d at once\n", s.dones, s.answered,
           s.errors + s.failed, s.most);
    return 0;
}
