/* SPDX-License-Identifier: MIT */
/* ollama: a vendor over HTTP whose format is not OpenAI's: POST /api/chat of an Ollama server, whose
 * answer is a line of JSON for each piece. It shows how a translation looks, for text alone: tools,
 * and messages in parts, take a few lines more. The host connects, retries, times and counts. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <harborai/plugin.h>

#include "json_value.h" /* plugin-sdk/lib, compiled into the plugin */

HARBORAI_MANIFEST({
    "id": "org.harborai.ollama",
    "version": "1.0.0",
    "provider": "ollama",
    "name": "Ollama",
    "description": "Text from an Ollama server, by its own API",
    "base_url": "http://127.0.0.1:11434",
    "network": [ "127.0.0.1:11434" ],
    "capabilities": [ "chat", "stream", "reasoning" ],
    "dynamic_models": true,
    "config_schema": { "additionalProperties": false }
});

enum { BASE_MOST = 1000 };

struct harborai_provider {
    char url[BASE_MOST + 16];
};

static harborai_status create(const harborai_host *host, harborai_str config,
                              harborai_provider **provider, harborai_error *error)
{
    harborai_str base = host->config(host, "/base_url"); /* the operator's, or the manifest's */
    (void)config;
    if (base.len > BASE_MOST)
        return harborai_error_set(error, HARBORAI_E_CONFIG, "ollama: base_url is too long");
    harborai_provider *self = malloc(sizeof *self);
    if (self == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "ollama: out of memory");
    snprintf(self->url, sizeof self->url, "%.*s/api/chat", (int)base.len, base.data);
    *provider = self;
    return HARBORAI_OK;
}

static void destroy(harborai_provider *self)
{
    free(self);
}

/* The request goes out as it came but for two edits: a stream always, since the host collects where
 * the application wants one answer, and what OpenAI has at the top and this vendor in "options". */
static harborai_status chat(harborai_provider *self, harborai_call *call,
                            const harborai_request *request, harborai_error *error)
{
    int64_t most = -1; /* tokens; none said */
    char options[64];
    if (!json_int64(json_member(request->body, HARBORAI_STR("max_completion_tokens")), &most))
        (void)json_int64(json_member(request->body, HARBORAI_STR("max_tokens")), &most);
    snprintf(options, sizeof options, "{\"num_predict\":%lld}", (long long)most);
    const harborai_edit edits[] = {
        {HARBORAI_STR("/stream"), HARBORAI_STR("true"), HARBORAI_EDIT_JSON, 0},
        {HARBORAI_STR("/options"), {options, strlen(options)}, HARBORAI_EDIT_JSON, 0},
    };
    const harborai_http_request http = {.size = sizeof http,
                                        .url = {self->url, strlen(self->url)},
                                        .body_kind = HARBORAI_BODY_EDITED,
                                        .edits = edits,
                                        .edit_count = most < 0 ? 1 : 2,
                                        .response_kind = HARBORAI_RESPONSE_LINES};
    return call->host->http_start(call, &http, error);
}

/* The text of a JSON string, empty if there is none. What has escapes is decoded into memory that
 * the host frees with the call. */
static harborai_status text_of(harborai_call *call, harborai_str json, harborai_str *ret_text)
{
    *ret_text = HARBORAI_STR("");
    if (json_kind(json) != JSON_STRING || json_string_plain(json, ret_text))
        return HARBORAI_OK;
    char *buffer = call->host->alloc(call, json.len);
    return buffer != NULL ? json_string(json, buffer, json.len, ret_text) : HARBORAI_E_MEMORY;
}

static void finish(harborai_call *call, harborai_str last)
{
    harborai_usage usage = {.size = sizeof usage};
    harborai_str reason = json_member(last, HARBORAI_STR("done_reason"));
    int64_t count;
    if (json_int64(json_member(last, HARBORAI_STR("prompt_eval_count")), &count))
        harborai_usage_set(&usage, HARBORAI_TOKENS_INPUT, count);
    if (json_int64(json_member(last, HARBORAI_STR("eval_count")), &count))
        harborai_usage_set(&usage, HARBORAI_TOKENS_OUTPUT, count);
    bool cut = json_string_equal(reason, HARBORAI_STR("length"));
    (void)harborai_finish(call, cut ? HARBORAI_FINISH_LENGTH : HARBORAI_FINISH_STOP, &usage);
}

/* A line. What emit() returns may be left alone: the host sees to slow readers and to its end. */
static void on_event(harborai_provider *self, harborai_call *call, const harborai_event *event)
{
    harborai_str line = event->data, failed, thought, text;
    bool done = false;
    (void)self;
    if (json_scan(line, NULL, NULL, NULL) < 0) {
        (void)harborai_fail(call, HARBORAI_E_PROTOCOL, "ollama: a line of the answer is not JSON");
        return;
    }
    if (text_of(call, json_member(line, HARBORAI_STR("error")), &failed) < 0 ||
        text_of(call, json_pointer_find(line, HARBORAI_STR("/message/thinking")), &thought) < 0 ||
        text_of(call, json_pointer_find(line, HARBORAI_STR("/message/content")), &text) < 0) {
        (void)harborai_fail(call, HARBORAI_E_MEMORY, "ollama: out of memory");
        return;
    }
    if (failed.len > 0) {
        (void)harborai_fail(call, HARBORAI_E_VENDOR, "ollama: %.*s", (int)failed.len, failed.data);
        return;
    }
    (void)harborai_emit_text(call, HARBORAI_DELTA_REASONING, thought);
    (void)harborai_emit_text(call, HARBORAI_DELTA_TEXT, text);
    if (json_boolean(json_member(line, HARBORAI_STR("done")), &done) && done)
        finish(call, line);
}

/* Comes only if no line was the last. */
static void on_end(harborai_provider *self, harborai_call *call)
{
    (void)self;
    (void)harborai_fail(call, HARBORAI_E_PROTOCOL, "ollama: the answer ends before it is done");
}

static const harborai_plugin table = {
    .size = sizeof table, .abi_major = HARBORAI_ABI_MAJOR, .abi_minor = HARBORAI_ABI_MINOR,
    .id = "org.harborai.ollama", .version = "1.0.0", .create = create, .destroy = destroy,
    .chat = chat, .on_event = on_event, .on_end = on_end, /* chat() streams too */
};

const void *harborai_plugin_query(uint32_t abi_major)
{
    return abi_major == HARBORAI_ABI_MAJOR ? &table : NULL;
}
