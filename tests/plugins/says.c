/* SPDX-License-Identifier: MIT */
/* says: does what the last message tells it, line by line, on the loop or on a thread of its own:
 *
 *     {…                  emit_json() with this line
 *     chunk TEXT          emit_json() with any other text
 *     delta TEXT          emit() of choice 0
 *     reason TEXT         emit() of reasoning
 *     replay JSON         emit() of what it wants back
 *     tool ID NAME JSON   emit() of the next tool call; ID "-": the host makes one
 *     input JSON          … a piece of the last one's arguments
 *     seen                emit() of the messages that it was given, as text
 *     told                emit() of the members that it was told of, but for the messages
 *     usage INPUT OUTPUT  usage()
 *     changed HOW PATH    changed(), HOW a number
 *     wait MS             (thread only, or to hold up the loop)
 *     kill NUMBER         a signal to the process: who tests knows that it came so far
 *     forever INPUT OUTPUT   (thread only) usage() each millisecond, without end
 *     finish REASON       finish(), REASON a number; what follows happens after it
 *     fail CODE TEXT      the end with an error, CODE a number, TEXT its message or nothing
 *     refuse CODE TEXT    the same, as what chat() returns: the first line, and on the loop
 *     ask SECRET          likewise, what http_start() says where there is no such secret
 *     thread              the lines from here on, on a thread
 *     stay                nothing more, until the call is cancelled
 *     cancelled INPUT OUTPUT   what on_cancel() says as usage()
 *
 * A line that the host refuses ends the call with the status that it gave. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <harborai/plugin.h>

#include "json_value.h"

HARBORAI_MANIFEST({
    "id": "test.says",
    "version": "1.0.0",
    "provider": "says",
    "models": [ { "name": "says", "context": 1000 },
                { "name": "says-little", "unsupported": [ "/n", "/seed" ] } ],
    "patterns": [ "says-*" ],
    "replay": "reasoning_content",
    "x-prices-date": "2026-11-21"
});

struct harborai_provider {
    char nothing;
};

struct says { /* harborai_call.state */
    harborai_call *call;
    pthread_t thread;
    int has_thread, stays;
    harborai_error error; /* of changed() */
    uint32_t tools; /* calls begun */
    harborai_str messages;
    const harborai_request *request;
    char *text, *rest; /* what it is told; what is left of it */
    long cancelled_input, cancelled_output;
};

static harborai_status create(const harborai_host *host, harborai_str config,
                              harborai_provider **provider, harborai_error *error)
{
    static struct harborai_provider the_only_one;
    (void)host, (void)config, (void)error;
    *provider = &the_only_one;
    return HARBORAI_OK;
}

static void destroy(harborai_provider *provider)
{
    (void)provider;
}

static harborai_status tell_usage(harborai_call *call, long input, long output)
{
    harborai_usage usage = {.size = sizeof usage};
    harborai_usage_set(&usage, HARBORAI_TOKENS_INPUT, input);
    harborai_usage_set(&usage, HARBORAI_TOKENS_OUTPUT, output);
    return call->host->usage(call, &usage);
}

static harborai_status tell_changed(struct says *s, uint32_t how, const char *path)
{
    return s->call->host->changed(s->call, (harborai_str){path, strlen(path)}, how, &s->error);
}

static void *run_thread(void *context);

static harborai_status start_thread(struct says *s)
{
    s->call->host->hold(s->call);
    s->has_thread = 1;
    if (pthread_create(&s->thread, NULL, run_thread, s) == 0)
        return HARBORAI_OK;
    s->has_thread = 0;
    s->call->host->unhold(s->call);
    return HARBORAI_E_INTERNAL;
}

static harborai_status wait_ms(long ms)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&time, NULL);
    return HARBORAI_OK;
}

static int begins(const char *line, const char *word)
{
    return strncmp(line, word, strlen(word)) == 0;
}

static harborai_str text_of(const char *text)
{
    return (harborai_str){text, strlen(text)};
}

/* "ID NAME JSON", in pieces. */
static harborai_status call_tool(struct says *s, char *rest)
{
    harborai_delta delta = harborai_delta_of_(HARBORAI_DELTA_TOOL_CALL);
    const char *id = strsep(&rest, " "), *name = strsep(&rest, " ");
    delta.tool_index = s->tools++;
    delta.tool_id = strcmp(id, "-") == 0 ? (harborai_str){NULL, 0} : text_of(id);
    delta.tool_name = text_of(name != NULL ? name : "");
    delta.text = text_of(rest != NULL ? rest : "");
    return s->call->host->emit(s->call, &delta);
}

static harborai_status emit_members(const struct says *s)
{
    const harborai_request *request = s->request;
    harborai_status st = HARBORAI_OK;
    for (size_t i = 0; st >= 0 && i < request->member_count; i++) {
        const harborai_member *member = &request->members[i];
        char text[256];
        if (member->value.data == s->messages.data)
            continue;
        snprintf(text, sizeof text, "%.*s%s=%.*s;", (int)member->name.len, member->name.data,
                 (member->flags & HARBORAI_MEMBER_ESCAPED) != 0 ? " (escaped)" : "",
                 (int)member->value.len, member->value.data);
        st = harborai_emit_text(s->call, HARBORAI_DELTA_TEXT, text_of(text));
    }
    return st;
}

static harborai_status emit_line(struct says *s, const char *line, char *rest)
{
    if (begins(line, "reason"))
        return harborai_emit_text(s->call, HARBORAI_DELTA_REASONING, text_of(rest));
    if (begins(line, "replay"))
        return harborai_emit_text(s->call, HARBORAI_DELTA_REPLAY, text_of(rest));
    if (begins(line, "tool"))
        return call_tool(s, rest);
    if (begins(line, "input"))
        return harborai_emit_tool_input(s->call, s->tools - 1, text_of(rest));
    if (begins(line, "seen"))
        return harborai_emit_text(s->call, HARBORAI_DELTA_TEXT, s->messages);
    if (begins(line, "told"))
        return emit_members(s);
    return HARBORAI_OK;
}

static harborai_status do_line(struct says *s, char *line)
{
    const harborai_host *host = s->call->host;
    char *rest = strchr(line, ' ') != NULL ? strchr(line, ' ') + 1 : line + strlen(line);
    char *second;
    long first = strtol(rest, &second, 10);
    if (line[0] == '{')
        return host->emit_json(s->call, (harborai_str){line, strlen(line)});
    if (begins(line, "chunk"))
        return host->emit_json(s->call, (harborai_str){rest, strlen(rest)});
    if (begins(line, "delta"))
        return harborai_emit_text(s->call, HARBORAI_DELTA_TEXT, (harborai_str){rest, strlen(rest)});
    if (begins(line, "changed"))
        return tell_changed(s, (uint32_t)first, second[0] == ' ' ? second + 1 : second);
    if (begins(line, "usage"))
        return tell_usage(s->call, first, strtol(second, NULL, 10));
    if (begins(line, "kill"))
        return kill(getpid(), (int)first) == 0 ? HARBORAI_OK : HARBORAI_E_INTERNAL;
    if (begins(line, "wait"))
        return wait_ms(first);
    while (begins(line, "forever")) {
        (void)tell_usage(s->call, first, strtol(second, NULL, 10));
        (void)wait_ms(1);
    }
    if (begins(line, "finish"))
        return harborai_finish(s->call, (uint32_t)first, NULL);
    if (begins(line, "fail"))
        return harborai_fail(s->call, (harborai_status)first, "%s",
                             second[0] == ' ' ? second + 1 : second);
    if (begins(line, "cancelled")) {
        s->cancelled_input = first;
        s->cancelled_output = strtol(second, NULL, 10);
    }
    return emit_line(s, line, rest);
}

static void run(struct says *s)
{
    for (char *line; (line = strsep(&s->rest, "\n")) != NULL;) {
        if (begins(line, "stay")) {
            s->stays = 1;
            s->call->host->wake(s->call, 600000);
            return;
        }
        harborai_status st = begins(line, "thread") ? start_thread(s) : do_line(s, line);
        if (s->error.code < 0) {
            harborai_result refused = {.size = sizeof refused, .error = &s->error};
            s->call->host->finish(s->call, &refused);
            return;
        }
        if (st < 0) {
            harborai_fail(s->call, st, "'%.40s' gave %d", line, (int)st);
            return;
        }
        if (begins(line, "thread"))
            return;
    }
}

static void *run_thread(void *context)
{
    struct says *s = context;
    run(s);
    s->call->host->unhold(s->call);
    return NULL;
}

static harborai_status ask(harborai_call *call, const char *secret, harborai_error *error)
{
    harborai_header header = {HARBORAI_STR("x-key"), {NULL, 0}, text_of(secret)};
    harborai_http_request http = {.size = sizeof http,
                                  .url = HARBORAI_STR("http://127.0.0.1:1/"),
                                  .headers = &header,
                                  .header_count = 1};
    return call->host->http_start(call, &http, error);
}

static harborai_status refuse(const char *line, harborai_error *error)
{
    char *words;
    long code = strtol(line, &words, 10);
    return harborai_error_set(error, (harborai_status)code, "%s", words[0] == ' ' ? words + 1 : words);
}

static harborai_status chat(harborai_provider *provider, harborai_call *call,
                            const harborai_request *request, harborai_error *error)
{
    struct says *s = call->state;
    struct json_cursor cursor;
    harborai_str last = {NULL, 0}, text;
    (void)provider;
    s->call = call;
    s->error.size = sizeof s->error;
    s->request = request;
    s->messages = json_member(request->body, HARBORAI_STR("messages"));
    cursor = json_open(s->messages);
    while (json_array_next(&cursor, &last))
        ;
    harborai_str content = json_member(last, HARBORAI_STR("content"));
    s->text = malloc(content.len + 1);
    if (s->text == NULL || json_string(content, s->text, content.len, &text) < 0)
        return harborai_error_set(error, HARBORAI_E_INVALID, "no text to act on");
    memmove(s->text, text.data, text.len);
    s->text[text.len] = '\0';
    s->rest = s->text;
    if (begins(s->text, "refuse "))
        return refuse(s->text + strlen("refuse "), error);
    if (begins(s->text, "ask "))
        return ask(call, s->text + strlen("ask "), error);
    run(s);
    return HARBORAI_OK;
}

static void on_cancel(harborai_provider *provider, harborai_call *call)
{
    const struct says *s = call->state;
    (void)provider;
    if (s->cancelled_input > 0)
        tell_usage(call, s->cancelled_input, s->cancelled_output);
}

static void on_release(harborai_provider *provider, harborai_call *call)
{
    struct says *s = call->state;
    (void)provider;
    if (s->has_thread)
        pthread_join(s->thread, NULL);
    free(s->text);
}

static harborai_status pricing(harborai_provider *provider, const harborai_price_query *query,
                               harborai_price *price, harborai_error *error)
{
    (void)provider, (void)query, (void)error;
    memcpy(price->currency, "USD", 4);
    price->known_mask = 1u << HARBORAI_TOKENS_INPUT | 1u << HARBORAI_TOKENS_OUTPUT;
    price->per_unit[HARBORAI_TOKENS_INPUT] = 1000000;
    price->per_unit[HARBORAI_TOKENS_OUTPUT] = 2000000;
    return HARBORAI_OK;
}

static const harborai_plugin table = {.size = sizeof table,
                                      .abi_major = HARBORAI_ABI_MAJOR,
                                      .abi_minor = HARBORAI_ABI_MINOR,
                                      .id = "test.says",
                                      .version = "1.0.0",
                                      .call_state_size = sizeof(struct says),
                                      .create = create,
                                      .destroy = destroy,
                                      .chat = chat,
                                      .on_cancel = on_cancel,
                                      .on_release = on_release,
                                      .pricing = pricing};

const void *harborai_plugin_query(uint32_t abi_major)
{
    return abi_major == HARBORAI_ABI_MAJOR ? &table : NULL;
}
