/* SPDX-License-Identifier: MIT */
/* The example plugin, loaded as any other, with a stand-in for the engine's half of the host: it
 * notes what is emitted, and says PAUSE after each third piece. */
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "../unit.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "plugin/slot.h"

extern const CU_TestInfo echo_tests[];

struct echo_call {
    harborai_call call; /* first */
    struct arena arena;
    pthread_mutex_t lock; /* of what follows: emitted by the plugin's thread */
    struct buf answer;
    unsigned pieces, holds, finishes, after_pause;
    bool paused, closed;
    int64_t words;
    sem_t changed; /* paused or released */
};

static struct echo_call *of(harborai_call *call)
{
    return CONTAINER_OF(call, struct echo_call, call);
}

static void *call_alloc(harborai_call *call, size_t size)
{
    return arena_alloc(&of(call)->arena, size);
}

static harborai_status call_emit(harborai_call *call, const harborai_delta *delta)
{
    struct echo_call *c = of(call);
    pthread_mutex_lock(&c->lock);
    harborai_status st = c->closed ? HARBORAI_E_CLOSED : HARBORAI_OK;
    if (st == HARBORAI_OK) {
        buf_add(&c->answer, delta->text);
        c->after_pause += c->paused;
        c->paused = ++c->pieces % 3 == 0;
        if (c->paused)
            sem_post(&c->changed);
        st = c->paused ? HARBORAI_PAUSE : HARBORAI_OK;
    }
    pthread_mutex_unlock(&c->lock);
    return st;
}

static harborai_status call_finish(harborai_call *call, const harborai_result *result)
{
    struct echo_call *c = of(call);
    pthread_mutex_lock(&c->lock);
    c->finishes++;
    c->words = result->usage != NULL ? result->usage->count[HARBORAI_TOKENS_OUTPUT] : -1;
    harborai_status st = c->closed ? HARBORAI_E_CLOSED : HARBORAI_OK;
    pthread_mutex_unlock(&c->lock);
    return st;
}

static void call_hold(harborai_call *call)
{
    of(call)->holds++;
}

static void call_unhold(harborai_call *call)
{
    struct echo_call *c = of(call);
    pthread_mutex_lock(&c->lock);
    c->holds--;
    pthread_mutex_unlock(&c->lock);
    sem_post(&c->changed);
}

static const harborai_host call_functions = {.alloc = call_alloc,
                                             .emit = call_emit,
                                             .finish = call_finish,
                                             .hold = call_hold,
                                             .unhold = call_unhold};

/* Jobs run where they are asked for: there is nothing here that could be held up. */
static harborai_status run_job(const struct provider_services *services, enum provider_duty duty,
                               struct job *job, harborai_error *error)
{
    (void)services, (void)duty, (void)error;
    job->run(job);
    return HARBORAI_OK;
}

static void post(struct slot_waiter *waiter)
{
    CU_ASSERT(waiter->status == HARBORAI_OK);
}

struct echo_world {
    struct plugin_catalog *catalog;
    struct plugin_loader *loader;
    struct provider_services services;
    struct slot *slot;
    const struct slot_provider *plugin;
};

static void echo_open(struct echo_world *w)
{
    const struct discover_options where = {.environment = ECHO_DIRECTORY};
    struct slot_waiter waiter = {.post = post};
    CU_ASSERT_FATAL(plugin_catalog_create(&where, &w->catalog, NULL) == HARBORAI_OK);
    CU_ASSERT_FATAL(plugin_loader_create(&w->loader, NULL) == HARBORAI_OK);
    const struct plugin_file *file = plugin_catalog_find(w->catalog, HARBORAI_STR("echo"));
    CU_ASSERT_FATAL(file != NULL);
    const struct provider_options provider = {.name = HARBORAI_STR("echo"), .file = file};
    w->services = (struct provider_services){.clock = &clock_system, .run_job = run_job};
    const struct slot_options options = {.provider = &provider,
                                         .services = &w->services,
                                         .loader = w->loader,
                                         .call_functions = &call_functions,
                                         .loop_count = 1};
    CU_ASSERT_FATAL(slot_create(&options, &w->slot, NULL) == HARBORAI_OK);
    slot_pin(w->slot, 0);
    CU_ASSERT_FATAL(slot_request_load(w->slot, &waiter, NULL) == HARBORAI_PAUSE);
    w->plugin = slot_acquire_fast(w->slot);
    CU_ASSERT_FATAL(w->plugin != NULL);
}

static void echo_close(struct echo_world *w)
{
    slot_unpin(w->slot, 0);
    slot_close(w->slot);
    slot_destroy(w->slot);
    plugin_loader_destroy(w->loader);
    plugin_catalog_destroy(w->catalog);
}

static void call_open(struct echo_call *c, struct echo_world *w)
{
    memset(c, 0, sizeof *c);
    c->call = (harborai_call){.size = sizeof c->call, .host = w->plugin->host};
    arena_init(&c->arena, MIB(1));
    buf_init(&c->answer, MIB(1));
    pthread_mutex_init(&c->lock, NULL);
    sem_init(&c->changed, 0, 0);
    c->call.state = arena_alloc(&c->arena, w->plugin->table->call_state_size);
    CU_ASSERT_FATAL(c->call.state != NULL);
}

static void call_close(struct echo_call *c)
{
    arena_release(&c->arena);
    buf_release(&c->answer);
    pthread_mutex_destroy(&c->lock);
    sem_destroy(&c->changed);
}

static harborai_status call_begin(struct echo_call *c, struct echo_world *w, const char *body)
{
    const harborai_request request = {.size = sizeof request, .body = slice_of(body)};
    return w->plugin->table->chat(w->plugin->provider, &c->call, &request, NULL);
}

/* Until the plugin let go of the call; resumed at each PAUSE. */
static void call_await(struct echo_call *c, struct echo_world *w)
{
    for (;;) {
        sem_wait(&c->changed);
        pthread_mutex_lock(&c->lock);
        bool released = c->holds == 0, resume = c->paused;
        c->paused = false;
        pthread_mutex_unlock(&c->lock);
        if (released)
            return;
        if (resume)
            w->plugin->table->on_resume(w->plugin->provider, &c->call);
    }
}

static const struct {
    const char *body, *want; /* want NULL: E_INVALID */
} rows[] = {
    {"{\"messages\":[{\"role\":\"user\",\"content\":\"one two  three four five six seven\"}]}",
     "one two  three four five six seven"},
    {"{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"user\",\"content\":\"b c\"},"
     "{\"role\":\"assistant\",\"content\":\"d\"}]}", "b c"},
    {"{\"messages\":[{\"role\":\"user\",\"content\":\" \\u00e4\\n\\\"x\\\" \"}]}", " \xc3\xa4\n\"x\" "},
    {"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"text\":\"no\"},"
     "{\"type\":\"text\",\"text\":\"in parts\"}]}]}", "in parts"},
    {"{\"messages\":[{\"role\":\"user\",\"content\":\"\"}]}", ""},
    {"{\"messages\":[{\"role\":\"system\",\"content\":\"x\"}]}", NULL},
    {"{\"messages\":[{\"role\":\"user\",\"content\":null}]}", NULL},
    {"{\"messages\":{}}", NULL},
    {"{}", NULL},
};

static void test_answers(void)
{
    struct echo_world w;
    echo_open(&w);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct echo_call c;
        call_open(&c, &w);
        harborai_status st = call_begin(&c, &w, rows[i].body);
        ROW(rows[i].body, st == (rows[i].want != NULL ? HARBORAI_OK : HARBORAI_E_INVALID));
        if (st == HARBORAI_OK) {
            call_await(&c, &w);
            ROW(rows[i].body, slice_is(buf_slice(&c.answer), rows[i].want));
            ROW(rows[i].body, c.finishes == 1 && c.after_pause == 0 && c.words == c.pieces);
        }
        call_close(&c);
    }
    echo_close(&w);
}

/* A word of any length is one word, in pieces that a slow reader can take; no character is cut. */
static void test_long_word(void)
{
    struct echo_world w;
    struct echo_call c;
    AUTO(buf) body = BUF_INIT(KIB(256)), want = BUF_INIT(KIB(256));
    for (int i = 0; i < 20000; i++)
        buf_add(&want, HARBORAI_STR("\xe4\xb8\xad"));
    buf_printf(&body, "{\"messages\":[{\"role\":\"user\",\"content\":\"%.*s\"}]}",
               SLICE_ARG(buf_slice(&want)));
    buf_add_char(&body, '\0');
    echo_open(&w);
    call_open(&c, &w);
    CU_ASSERT(call_begin(&c, &w, body.data) == HARBORAI_OK);
    call_await(&c, &w);
    CU_ASSERT(slice_equal(buf_slice(&c.answer), buf_slice(&want)));
    CU_ASSERT(c.pieces == 4 && c.words == 1 && c.finishes == 1);
    call_close(&c);
    echo_close(&w);
}

/* A call that is paused and cancelled is let go, with its usage, while another goes on. */
static void test_cancel(void)
{
    struct echo_world w;
    struct echo_call gone, other;
    echo_open(&w);
    call_open(&gone, &w);
    call_open(&other, &w);
    CU_ASSERT(call_begin(&gone, &w, rows[0].body) == HARBORAI_OK);
    sem_wait(&gone.changed); /* three words, then PAUSE */
    CU_ASSERT(call_begin(&other, &w, rows[0].body) == HARBORAI_OK);
    call_await(&other, &w);
    CU_ASSERT(slice_is(buf_slice(&other.answer), rows[0].want));
    pthread_mutex_lock(&gone.lock);
    gone.closed = true;
    pthread_mutex_unlock(&gone.lock);
    w.plugin->table->on_cancel(w.plugin->provider, &gone.call);
    call_await(&gone, &w);
    CU_ASSERT(slice_is(buf_slice(&gone.answer), "one two  three"));
    CU_ASSERT(gone.words == 3 && gone.after_pause == 0);
    call_close(&gone);
    call_close(&other);
    echo_close(&w);
}

const CU_TestInfo echo_tests[] = {
    {"the user's last words", test_answers},
    {"a long word", test_long_word},
    {"cancelled while paused", test_cancel},
    CU_TEST_INFO_NULL,
};
