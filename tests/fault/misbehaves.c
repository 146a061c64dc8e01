/* SPDX-License-Identifier: MIT */
/* misbehaves: what no plugin should do, one fault for each word of its options and each model. The
 * system tests build it; what runs before there are options is chosen by a macro. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"

HARBORAI_MANIFEST({
    "id": "test.misbehaves",
    "version": "1.0.0",
    "provider": "misbehaves",
    "models": [ { "name": "m-good" }, { "name": "m-never" }, { "name": "m-leak" }, { "name": "m-drip" },
                { "name": "m-thread" }, { "name": "m-crash" }, { "name": "m-trap" }, { "name": "m-exit" },
                { "name": "m-deep" } ]
});

enum { DRIPS = 20, LEAK = 4 << 20 };

struct state { /* harborai_call.state */
    harborai_provider *provider;
    harborai_call *call;
    pthread_t thread;
    unsigned wakes;
    bool has_thread, is_dripping;
};

/* No signal that is sent: that could be blocked. */
static void crash(void)
{
    int *volatile nowhere = NULL;
    *nowhere = 1;
}

/* After it the program would go on behind the instruction, if nothing ended it. */
static void raise_trap(void)
{
#if defined __x86_64__ || defined __i386__
    __asm__ volatile("int3");
#else
    raise(SIGTRAP);
#endif
}

/* Until there is no room on the stack. */
static int sink(const volatile char *before)
{
    volatile char room[4096];
    room[0] = before != NULL ? before[0] : 0;
    return sink(room) + room[0];
}

static bool is_option(const harborai_host *host, const char *pointer, const char *value)
{
    return harborai_str_equal(host->config(host, pointer), value);
}

/* ---- Where it lives --------------------------------------------------------------------------- */

static void *do_nothing(void *argument)
{
    for (;;)
        pause();
    return argument;
}

/* Nobody joins them. */
static void leave_threads(void)
{
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (int i = 0; i < 3; i++)
        if (pthread_create(&thread, NULL, do_nothing, NULL) == 0)
            pthread_detach(thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* 30 s, or until there is a file of that name. */
static void sleep_long(const harborai_host *host)
{
    char path[256];
    harborai_str gate = host->config(host, "/gate");
    snprintf(path, sizeof path, "%.*s", (int)gate.len, gate.data);
    fault_say(host, "sleeps");
    for (int i = 0; i < 3000 && access(path, F_OK) != 0; i++)
        usleep(10000);
}

/* Each ends by itself, and says nothing of this process. */
static void fork_some(void)
{
    for (int i = 0; i < 2; i++) {
        pid_t child = fork();
        if (child == 0 && i == 0)
            exit(3);
        if (child == 0)
            crash();
        if (child > 0)
            waitpid(child, NULL, 0);
    }
}

static harborai_status create(const harborai_host *host, harborai_str config,
                              harborai_provider **provider, harborai_error *error)
{
    if (is_option(host, "/create", "crash"))
        crash();
    if (is_option(host, "/create", "abort"))
        abort();
    if (is_option(host, "/create", "exit"))
        exit(7);
    if (is_option(host, "/create", "fork"))
        fork_some();
    if (is_option(host, "/create", "sleep") || is_option(host, "/create", "fork"))
        sleep_long(host);
    if (is_option(host, "/create", "threads"))
        leave_threads();
    return fault_create(host, config, provider, error);
}

static int64_t tick(harborai_provider *provider)
{
    if (is_option(provider->host, "/tick", "crash"))
        crash();
    return -1;
}

static void destroy(harborai_provider *provider)
{
    if (is_option(provider->host, "/destroy", "crash"))
        crash();
    fault_destroy(provider);
}

/* ---- Calls ------------------------------------------------------------------------------------ */

static harborai_status say(harborai_call *call, const char *text)
{
    return harborai_emit_text(call, HARBORAI_DELTA_TEXT, (harborai_str){text, strlen(text)});
}

static harborai_status finish(harborai_call *call, const char *text)
{
    (void)say(call, text);
    return harborai_finish(call, HARBORAI_FINISH_STOP, NULL);
}

/* What only the call's own thread may call. */
static void *call_from_elsewhere(void *argument)
{
    struct state *s = argument;
    const harborai_host *host = s->call->host;
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_http_request http = {.size = sizeof http, .url = HARBORAI_STR("http://127.0.0.1:9/")};
    char text[256];
    bool got = host->alloc(s->call, 16) != NULL;
    harborai_status started = host->http_start(s->call, &http, &error);
    snprintf(text, sizeof text, "alloc %s, http_start %d: %.100s", got ? "works" : "refused",
             (int)started, error.message);
    (void)finish(s->call, text);
    host->unhold(s->call);
    return NULL;
}

static harborai_status begin_thread(struct state *s, harborai_error *error)
{
    s->call->host->hold(s->call);
    if (pthread_create(&s->thread, NULL, call_from_elsewhere, s) != 0) {
        s->call->host->unhold(s->call);
        return harborai_error_set(error, HARBORAI_E_INTERNAL, "no thread");
    }
    s->has_thread = true;
    return HARBORAI_OK;
}

static harborai_status leak(harborai_call *call)
{
    void *gone = call->host->alloc(call, LEAK);
    if (gone != NULL)
        memset(gone, 'x', LEAK);
    return finish(call, "leaked");
}

static harborai_status chat(harborai_provider *provider, harborai_call *call,
                            const harborai_request *request, harborai_error *error)
{
    struct state *s = call->state;
    s->provider = provider;
    s->call = call;
    s->is_dripping = harborai_str_equal(request->model, "m-drip");
    if (harborai_str_equal(request->model, "m-crash"))
        crash();
    if (harborai_str_equal(request->model, "m-trap"))
        raise_trap();
    if (harborai_str_equal(request->model, "m-exit"))
        exit(7);
    if (harborai_str_equal(request->model, "m-deep"))
        return finish(call, sink(NULL) != 0 ? "deep" : "");
    if (harborai_str_equal(request->model, "m-leak"))
        return leak(call);
    if (harborai_str_equal(request->model, "m-thread"))
        return begin_thread(s, error);
    if (s->is_dripping || harborai_str_equal(request->model, "m-never"))
        return call->host->wake(call, 20);
    return finish(call, "behaves");
}

static void on_wake(harborai_provider *provider, harborai_call *call)
{
    struct state *s = call->state;
    (void)provider;
    if (s->is_dripping && ++s->wakes == DRIPS)
        (void)finish(call, "end");
    else if (!s->is_dripping || say(call, "drip ") >= 0)
        (void)call->host->wake(call, 20);
}

static void on_release(harborai_provider *provider, harborai_call *call)
{
    struct state *s = call->state;
    (void)provider;
    if (s->has_thread)
        pthread_join(s->thread, NULL);
}

/* ---- The plugin ------------------------------------------------------------------------------- */

#ifdef CRASH_IN_UNLOAD
static void unload(void)
{
    crash();
}
#define UNLOAD unload
#else
#define UNLOAD NULL
#endif

#ifdef CRASH_IN_CONSTRUCTOR
__attribute__((constructor)) static void construct(void)
{
    crash();
}
#endif

static const harborai_plugin table = {
    .size = sizeof table, .abi_major = HARBORAI_ABI_MAJOR, .abi_minor = HARBORAI_ABI_MINOR,
    .id = "test.misbehaves", .version = "1.0.0", .create = create, .destroy = destroy, .chat = chat,
    .call_state_size = sizeof(struct state), .tick = tick, .on_wake = on_wake,
    .on_release = on_release, .unload = UNLOAD,
};

HARBORAI_EXPORT const void *harborai_plugin_query(uint32_t abi_major)
{
#ifdef CRASH_IN_QUERY
    crash();
#endif
    return abi_major == HARBORAI_ABI_MAJOR ? &table : NULL;
}
