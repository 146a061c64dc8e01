/* SPDX-License-Identifier: MIT */
/* rogue: does with a call what its model is named after, right and wrong, on the loop and from
 * threads of its own. Where the host answers otherwise than plugin.h promises it logs "BROKEN".
 * What it does stands in rogue_*.c; here is what those share, and the plugin. */
#include "rogue.h"

#include <stdio.h>
#include <stdlib.h>

HARBORAI_MANIFEST({
    "id": "test.rogue",
    "version": "1.0.0",
    "provider": "rogue",
    "patterns": [ "r-*" ]
});

void rogue_expect(struct rogue *r, bool holds, const char *what)
{
    char text[160];
    snprintf(text, sizeof text, "BROKEN %s: %s", r->behaviour->model, what);
    if (!holds)
        fault_say(r->provider->host, text);
}

harborai_status rogue_say(struct rogue *r, const char *text)
{
    return harborai_emit_text(r->call, HARBORAI_DELTA_TEXT, (harborai_str){text, strlen(text)});
}

harborai_status rogue_tell_usage(struct rogue *r, int64_t output)
{
    harborai_usage usage = {.size = sizeof usage};
    harborai_usage_set(&usage, HARBORAI_TOKENS_INPUT, 7);
    harborai_usage_set(&usage, HARBORAI_TOKENS_OUTPUT, output);
    return r->call->host->usage(r->call, &usage);
}

harborai_status rogue_start(struct rogue *r, uint32_t response_kind, harborai_error *error)
{
    const harborai_host *host = r->call->host;
    harborai_http_request http = {.size = sizeof http,
                                  .url = r->provider->base_url,
                                  .body_kind = HARBORAI_BODY_EDITED,
                                  .response_kind = response_kind};
    return host->http_start(r->call, &http, error);
}

harborai_status rogue_fail(harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_UNSUPPORTED, "rogue will not");
}

void rogue_after_the_end(struct rogue *r)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    EXPECT(rogue_say(r, "late") == HARBORAI_E_CLOSED);
    EXPECT(harborai_finish(r->call, HARBORAI_FINISH_STOP, NULL) == HARBORAI_E_CLOSED);
    EXPECT(r->call->host->wake(r->call, 0) == HARBORAI_E_CLOSED);
    EXPECT(rogue_start(r, HARBORAI_RESPONSE_BUFFER, &error) == HARBORAI_E_CLOSED);
    EXPECT(rogue_tell_usage(r, 9) == HARBORAI_OK);
}

void rogue_begin_thread(struct rogue *r, void *(*run)(void *))
{
    r->call->host->hold(r->call);
    pthread_create(&r->threads[r->thread_count++], NULL, run, r);
}

/* --- The plugin ------------------------------------------------------------------------------- */

static const struct behaviour *find(harborai_str model)
{
    static const struct behaviour *const tables[] = {rogue_ends, rogue_exchanges, rogue_pressure,
                                                     rogue_threads};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        for (const struct behaviour *at = tables[i]; at->model != NULL; at++)
            if (harborai_str_equal(model, at->model))
                return at;
    return NULL;
}

static harborai_status chat(harborai_provider *provider, harborai_call *call,
                            const harborai_request *request, harborai_error *error)
{
    struct rogue *r = call->state;
    r->provider = provider;
    r->call = call;
    r->owned = malloc(64);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, NULL);
    r->behaviour = find(request->model);
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
    rogue_after_the_end(r);
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
    EXPECT(rogue_tell_usage(r, 2) == HARBORAI_OK);
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
