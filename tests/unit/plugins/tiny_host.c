/* SPDX-License-Identifier: MIT */
#include "tests/unit/plugins/tiny_host.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/limits.h"
#include "json_value.h"

static struct tiny_host *host_of(harborai_call *call)
{
    return (struct tiny_host *)call->host->data;
}

static void add_line(struct buf *b, harborai_str text)
{
    buf_add(b, text);
    buf_add(b, HARBORAI_STR("\n"));
}

/* ---- What the plugin calls ------------------------------------------------------------------- */

static harborai_str host_config(const harborai_host *host, const char *pointer)
{
    struct tiny_host *t = (struct tiny_host *)host->data;
    harborai_str text, value = json_pointer_find(t->config, slice_of(pointer));
    return json_string_plain(value, &text) ? text : value;
}

static void *host_alloc(harborai_call *call, size_t size)
{
    return arena_alloc(&host_of(call)->arena, size);
}

static harborai_status host_http_start(harborai_call *call, const harborai_http_request *request,
                                       harborai_error *error)
{
    struct tiny_host *t = host_of(call);
    t->wrong += t->is_started || t->is_finished || request->body_kind != HARBORAI_BODY_BYTES;
    t->is_started = true;
    buf_add(&t->url, request->url);
    buf_add(&t->body, request->body);
    for (size_t i = 0; i < request->header_count; i++) {
        const harborai_header *h = &request->headers[i];
        buf_printf(&t->headers, "%.*s: %.*s", SLICE_ARG(h->name), SLICE_ARG(h->value));
        if (h->secret.len > 0)
            buf_printf(&t->headers, " (%.*s)", SLICE_ARG(h->secret));
        buf_add(&t->headers, HARBORAI_STR("\n"));
    }
    (void)error;
    return HARBORAI_OK;
}

static harborai_status host_emit(harborai_call *call, const harborai_delta *delta)
{
    struct tiny_host *t = host_of(call);
    harborai_error error = HARBORAI_ERROR_INIT;
    t->wrong += t->is_finished;
    if (delta->kind == HARBORAI_DELTA_REPLAY)
        add_line(&t->replays, delta->text);
    if (delta->kind == HARBORAI_DELTA_END)
        add_line(&t->words, delta->text);
    harborai_status st = fold_add(t->fold, delta, &error);
    t->wrong += st == HARBORAI_E_INVALID;
    return st;
}

static harborai_status host_usage(harborai_call *call, const harborai_usage *usage)
{
    struct tiny_host *t = host_of(call);
    harborai_str value;
    t->usage = *usage;
    buf_clear(&t->usage_json);
    buf_add(&t->usage_json, usage->vendor_json);
    t->wrong += json_scan(usage->vendor_json, NULL, &value, NULL) < 0 ||
                json_kind(value) != JSON_OBJECT;
    for (int i = 0; i < HARBORAI_USAGE_CLASSES; i++)
        t->wrong += usage->count[i] < 0;
    return HARBORAI_OK;
}

static harborai_status host_finish(harborai_call *call, const harborai_result *result)
{
    struct tiny_host *t = host_of(call);
    t->wrong += t->is_finished;
    t->is_finished = true;
    t->finish_reason = result->finish_reason;
    add_line(&t->words, result->vendor_model);
    add_line(&t->words, result->vendor_finish_reason);
    harborai_status st = HARBORAI_OK;
    if (result->error != NULL) {
        t->error = *result->error;
        error_explain(&t->error, "plugin"); /* the vendor may have said nothing */
    } else {
        st = fold_write(t->fold, result->finish_reason, result->usage, &t->answer, &t->error);
    }
    t->has_failed = result->error != NULL || st == HARBORAI_E_PROTOCOL; /* arguments, no JSON */
    t->wrong += st < 0 && !t->has_failed;
    return HARBORAI_OK;
}

static harborai_status host_changed(harborai_call *call, harborai_str path, uint32_t how,
                                    harborai_error *error)
{
    static const char *const names[] = {"?", "dropped", "adapted", "off"};
    struct tiny_host *t = host_of(call);
    t->wrong += path.len < 2 || path.data[0] != '/' || how < 1 || how > 3 || t->is_started;
    buf_printf(&t->changed, "%.*s;%s ", SLICE_ARG(slice_from(path, 1)), names[how & 3]);
    if (t->is_strict && how == HARBORAI_CHANGED_DROPPED)
        return harborai_error_set(error, HARBORAI_E_INVALID, "params: strict");
    return HARBORAI_OK;
}

static void host_log(const harborai_host *host, harborai_call *call, int32_t level,
                     harborai_str message)
{
    (void)host, (void)call, (void)level, (void)message;
}

/* ---- What the test calls --------------------------------------------------------------------- */

harborai_status tiny_host_open(struct tiny_host *t, const harborai_plugin *plugin,
                               harborai_str config)
{
    struct buf *const all[] = {&t->url,     &t->headers, &t->body,  &t->changed,
                               &t->replays, &t->words,   &t->answer, &t->usage_json};
    *t = (struct tiny_host){.plugin = plugin, .config = config};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        buf_init(all[i], MIB(64));
    t->host = (harborai_host){.size = sizeof t->host,
                              .abi_major = HARBORAI_ABI_MAJOR,
                              .abi_minor = HARBORAI_ABI_MINOR,
                              .data = t,
                              .log = host_log,
                              .config = host_config,
                              .alloc = host_alloc,
                              .http_start = host_http_start,
                              .emit = host_emit,
                              .usage = host_usage,
                              .finish = host_finish,
                              .changed = host_changed};
    t->error = (harborai_error)HARBORAI_ERROR_INIT;
    arena_init(&t->arena, MIB(64));
    return plugin->create(&t->host, config, &t->provider, &t->error);
}

harborai_status tiny_host_chat(struct tiny_host *t, const char *model, harborai_str body)
{
    static const struct answer_id answer = {HARBORAI_STR_INIT("chatcmpl-1"), HARBORAI_STR_INIT("m"),
                                            HARBORAI_STR_INIT("p"), 1};
    const harborai_request request = {.size = sizeof request,
                                      .call_id = HARBORAI_STR("1"),
                                      .model = slice_of(model),
                                      .requested_model = slice_of(model),
                                      .model_info = HARBORAI_STR("{\"max_output\":64000}"),
                                      .body = body};
    t->fold = fold_create(&answer, 1, LIMIT_RESPONSE_BODY);
    t->call = (harborai_call){.size = sizeof t->call,
                              .host = &t->host,
                              .state = arena_alloc(&t->arena, t->plugin->call_state_size)};
    harborai_status st = t->plugin->chat(t->provider, &t->call, &request, &t->error);
    t->wrong += (st >= 0) != (t->is_started || t->is_finished);
    return st;
}

void tiny_host_event(struct tiny_host *t, harborai_str data)
{
    const harborai_event event = {.size = sizeof event, .data = data};
    if (!t->is_finished)
        t->plugin->on_event(t->provider, &t->call, &event);
}

void tiny_host_end(struct tiny_host *t)
{
    if (!t->is_finished)
        t->plugin->on_end(t->provider, &t->call);
    t->wrong += !t->is_finished;
}

void tiny_host_release(struct tiny_host *t)
{
    if (t->plugin->on_release != NULL)
        t->plugin->on_release(t->provider, &t->call);
    fold_destroy(t->fold);
    t->fold = NULL;
}

void tiny_host_close(struct tiny_host *t)
{
    struct buf *const all[] = {&t->url,     &t->headers, &t->body,  &t->changed,
                               &t->replays, &t->words,   &t->answer, &t->usage_json};
    if (t->provider != NULL)
        t->plugin->destroy(t->provider);
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        buf_release(all[i]);
    arena_release(&t->arena);
}
