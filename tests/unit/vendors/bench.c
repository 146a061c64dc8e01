/* SPDX-License-Identifier: MIT */
#include "bench.h"

#include <dlfcn.h>

#include "../unit.h"
#include "json_edit.h"
#include "json_value.h"

static struct bench *bench_of(const harborai_host *host)
{
    return host->data;
}

static void append(char *to, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void append(char *to, size_t size, const char *format, ...)
{
    size_t len = strlen(to);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(to + len, size - len, format, arguments);
    va_end(arguments);
}

static harborai_str config(const harborai_host *host, const char *pointer)
{
    harborai_str found, text;
    found = json_pointer_find(bench_of(host)->config, (harborai_str){pointer, strlen(pointer)});
    return json_string_plain(found, &text) ? text : found;
}

static void *alloc(harborai_call *call, size_t size)
{
    struct bench *b = bench_of(call->host);
    if (b->memory_count == sizeof b->memory / sizeof *b->memory)
        return NULL;
    return b->memory[b->memory_count++] = calloc(1, size);
}

static harborai_status changed(harborai_call *call, harborai_str path, uint32_t how,
                               harborai_error *error)
{
    struct bench *b = bench_of(call->host);
    append(b->changed, sizeof b->changed, "%.*s %s\n", (int)path.len, path.data,
           how == HARBORAI_CHANGED_DROPPED   ? "dropped"
           : how == HARBORAI_CHANGED_ADAPTED ? "adapted"
           : how == HARBORAI_CHANGED_OFF     ? "off"
                                             : "?");
    if (b->is_strict && how == HARBORAI_CHANGED_DROPPED)
        return harborai_error_set(error, HARBORAI_E_INVALID, "strict");
    return HARBORAI_OK;
}

static void *edit_alloc(void *context, size_t size)
{
    (void)context;
    return malloc(size);
}

static harborai_status http_start(harborai_call *call, const harborai_http_request *http,
                                  harborai_error *error)
{
    struct bench *b = bench_of(call->host);
    const struct json_edit_body body = {.text = b->body};
    struct json_pieces pieces;
    void *memory;
    harborai_status st = json_edit_apply(&body, http->edits, http->edit_count, edit_alloc, NULL,
                                         &pieces, &memory, error);
    for (size_t i = 0; st >= 0 && i < pieces.count; i++)
        append(b->sent, sizeof b->sent, "%.*s", (int)pieces.piece[i].len, pieces.piece[i].data);
    for (size_t i = 0; i < http->header_count; i++)
        append(b->headers, sizeof b->headers, "%.*s: %.*s\n", (int)http->headers[i].name.len,
               http->headers[i].name.data, (int)http->headers[i].value.len,
               http->headers[i].value.data);
    free(memory);
    return st;
}

harborai_status bench_create(struct bench *b, const char *name, const char *text)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/plugins/%s/.libs/%s.so", BUILD_DIRECTORY, name, name);
    *b = (struct bench){.object = dlopen(path, RTLD_NOW | RTLD_LOCAL),
                        .config = {text, strlen(text)},
                        .error = HARBORAI_ERROR_INIT};
    if (b->object == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        abort();
    }
    harborai_plugin_query_fn query;
    void *symbol = dlsym(b->object, HARBORAI_PLUGIN_QUERY_SYMBOL);
    memcpy(&query, &symbol, sizeof query);
    b->plugin = query(HARBORAI_ABI_MAJOR);
    b->host = (harborai_host){.size = sizeof b->host, .data = b, .config = config, .alloc = alloc,
                              .changed = changed, .http_start = http_start};
    return b->plugin->create(&b->host, b->config, &b->provider, &b->error);
}

void bench_open(struct bench *b, const char *name, const char *text)
{
    if (bench_create(b, name, text) < 0) {
        fprintf(stderr, "%s: %s\n", name, b->error.message);
        abort();
    }
}

void bench_close(struct bench *b)
{
    if (b->provider != NULL)
        b->plugin->destroy(b->provider);
    dlclose(b->object);
}

static harborai_status run_chat(struct bench *b, const harborai_request *request)
{
    bool streams = (request->flags & HARBORAI_REQUEST_STREAM) != 0;
    harborai_call call = {.size = sizeof call, .host = &b->host};
    b->sent[0] = b->headers[0] = b->changed[0] = '\0';
    b->memory_count = 0;
    harborai_status st = (streams ? b->plugin->stream : b->plugin->chat)(b->provider, &call,
                                                                         request, &b->error);
    while (b->memory_count > 0)
        free(b->memory[--b->memory_count]);
    return st;
}

/* The same request with its members noted, as the host does that, must lead to the same. */
static void run_with_members(struct bench *b, const harborai_request *like, harborai_status before)
{
    static struct bench noted;
    struct json_member found[256];
    harborai_member members[256];
    harborai_request request = *like;
    if (json_scan_object(like->body, NULL, found, 256, &request.member_count, NULL) < 0)
        return;
    for (size_t i = 0; i < request.member_count; i++)
        members[i] = (harborai_member){found[i].key, found[i].value,
                                       found[i].key_escaped ? HARBORAI_MEMBER_ESCAPED : 0, 0};
    request.members = members;
    noted = *b;
    noted.host.data = &noted;
    harborai_status st = run_chat(&noted, &request);
    if (st != before || strcmp(noted.sent, b->sent) != 0 ||
        strcmp(noted.headers, b->headers) != 0 || strcmp(noted.changed, b->changed) != 0) {
        fprintf(stderr, "with members noted: %s\nwithout: %s\n", noted.sent, b->sent);
        abort();
    }
}

harborai_status bench_chat(struct bench *b, const char *model, const char *text, bool streams)
{
    harborai_request request = {.size = sizeof request,
                                .flags = streams ? HARBORAI_REQUEST_STREAM : 0,
                                .model = {model, strlen(model)},
                                .requested_model = {model, strlen(model)},
                                .model_info = HARBORAI_STR("{}")};
    b->body = request.body = unit_tight((harborai_str){text, strlen(text)});
    harborai_status st = run_chat(b, &request);
    run_with_members(b, &request, st);
    unit_drop(b->body);
    return st;
}
