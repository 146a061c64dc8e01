/* SPDX-License-Identifier: MIT */
#include "play.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/slice.h"
#include "chat/usage.h"
#include "config/config.h"
#include "record/record.h"

#define PATIENCE_NS (20 * NS_PER_S)

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "check_wire: %s\n", what);
    abort();
}

/* --- The stage ---------------------------------------------------------------------------------- */

static const char *get_nothing(const struct environment *self UNUSED, const char *name UNUSED)
{
    return NULL;
}

static const struct environment no_environment = {get_nothing};

void stage_open(struct stage *stage, const char *name, struct json_object *provider,
                const char *plugins)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    struct config *config = NULL;
    struct json_object *path;
    char url[256], text[8192];
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC); /* an error a line, of thousands */

    must(fd >= 0, "/dev/null");
    log_init(&stage->log, fd, LOG_LEVEL_ERROR);
    peer_open(&stage->peer);
    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", stage->peer.port,
             json_object_object_get_ex(provider, "base_path", &path) ? json_object_get_string(path)
                                                                      : "");
    json_object_object_del(provider, "base_path");
    json_object_object_add(provider, "base_url", json_object_new_string(url));
    json_object_object_add(provider, "api_key", json_object_new_string("sk-wire-0001"));
    snprintf(text, sizeof text, "plugin_path: %s\nproviders:\n  %s: %s\n", plugins, name,
             json_object_to_json_string_ext(provider, JSON_C_TO_STRING_NOSLASHESCAPE));
    struct config_sources sources = {.file = "wire.yaml", .text = slice_of(text)};
    struct runtime_options options = {.log = &stage->log, .loops = 1};
    if (config_load(&sources, &no_environment, &config, NULL, &error) < 0 ||
        runtime_create(config, &options, &stage->runtime, &error) < 0)
        must(false, error.message);
}

void stage_close(struct stage *stage)
{
    runtime_destroy(stage->runtime);
    peer_close(&stage->peer);
    close(stage->log.fd);
}

/* --- The call ----------------------------------------------------------------------------------- */

struct asked {
    struct stage *stage;
    struct message begin;
    struct buf body;
    bool ended;
    struct outcome *outcome;
};

static void on_chunk(void *owner, harborai_str json)
{
    struct outcome *o = ((struct asked *)owner)->outcome;
    fold_chunk(&o->fold, json);
    buf_add(&o->out, json);
    buf_add_char(&o->out, '\n');
}

static struct json_object *tokens_of(const harborai_usage *usage)
{
    struct json_object *tokens = json_object_new_object();
    for (unsigned c = 0; c < HARBORAI_USAGE_CLASSES; c++)
        if ((usage->known_mask >> c & 1) != 0 && usage_class_name(c) != NULL)
            json_object_object_add(tokens, usage_class_name(c),
                                   json_object_new_int64(usage->count[c]));
    return tokens;
}

static void on_end(void *owner, const struct call_result *result)
{
    struct asked *asked = owner;
    struct outcome *o = asked->outcome;
    asked->ended = true;
    o->has_failed = result->error != NULL;
    if (o->has_failed)
        o->error = *result->error;
    if (!o->has_failed && !result->streamed) {
        fold_whole(&o->fold, result->answer);
        buf_add(&o->out, result->answer);
    }
    if (!o->has_failed)
        fold_end(&o->fold);
    o->tokens = tokens_of(&result->record->usage);
    snprintf(o->changed, sizeof o->changed, "%.*s", SLICE_ARG(result->record->changed));
}

static size_t undelivered(const void *owner UNUSED)
{
    return 0;
}

static const struct call_front front = {on_chunk, on_end, undelivered, .is_http = true};

static void begin(struct message *message)
{
    struct asked *asked = CONTAINER_OF(message, struct asked, begin);
    struct call_params params = {.front = &front, .owner = asked, .body = &asked->body,
                                 .request_id = HARBORAI_STR("wire"),
                                 .client = HARBORAI_STR("wire")};
    must(call_start(runtime_engine(asked->stage->runtime, 0), &params) != NULL, "call_start");
}

static void turn(struct stage *stage, int wait_ms)
{
    loop_turn(runtime_loop(stage->runtime, 0), wait_ms);
}

/* Turns until the peer has the request. False: the call ended without one. */
static bool await_request(struct asked *asked, int64_t until_ns)
{
    while (!asked->ended && clock_monotonic_ns(&clock_system) < until_ns) {
        if (peer_has_request(&asked->stage->peer))
            return true;
        turn(asked->stage, 1);
    }
    return false;
}

static struct json_object *note_request(const struct peer *peer)
{
    static const char *const fields[] = {"authorization", "x-api-key", "anthropic-version",
                                         "anthropic-beta", "content-type", "appid", "accept",
                                         "openai-organization", "openai-project"};
    struct json_object *sent = json_object_new_object(), *headers = json_object_new_object();
    harborai_str line = peer_request_line(peer), body = peer_request_body(peer), method, rest;
    slice_split(line, ' ', &method, &rest);
    slice_split(rest, ' ', &line, &rest);
    json_object_object_add(sent, "path", json_object_new_string_len(line.data, (int)line.len));
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        harborai_str value = peer_request_field(peer, fields[i]);
        if (value.len > 0)
            json_object_object_add(headers, fields[i],
                                   json_object_new_string_len(value.data, (int)value.len));
    }
    json_object_object_add(sent, "headers", headers);
    struct json_tokener *tokener = json_tokener_new_ex(256);
    json_object_object_add(sent, "body", json_tokener_parse_ex(tokener, body.data, (int)body.len));
    json_tokener_free(tokener);
    return sent;
}

/* --- The answer --------------------------------------------------------------------------------- */

static void send_head(struct stage *stage, const struct exchange_text *text, size_t length)
{
    char head[2048];
    int len = snprintf(head, sizeof head, "HTTP/1.1 %d Said\r\n%.*scontent-length: %zu\r\n\r\n",
                       text->status, SLICE_ARG(text->headers), length);
    must(len > 0 && len < (int)sizeof head, "the head is too long");
    peer_send(&stage->peer, (harborai_str){head, (size_t)len});
}

static void send_answer(struct asked *asked, const struct exchange_text *text, enum cut cut,
                        size_t at)
{
    struct peer *peer = &asked->stage->peer;
    size_t len = text->answer.len;
    peer_next(peer);
    send_head(asked->stage, text, cut == CUT_OFF ? at : len);
    switch (cut) {
    case CUT_NOT:
        peer_send(peer, text->answer);
        return;
    case CUT_IN_TWO:
        peer_send(peer, slice_cut(text->answer, at));
        turn(asked->stage, 5);
        peer_send(peer, slice_from(text->answer, at));
        return;
    case CUT_BY_BYTE:
        for (size_t i = 0; i < len; i++) {
            turn(asked->stage, 5);
            peer_send(peer, (harborai_str){text->answer.data + i, 1});
        }
        return;
    case CUT_OFF:
        peer_send(peer, slice_cut(text->answer, at));
        return;
    case CUT_HANG_UP:
        peer_send(peer, slice_cut(text->answer, at));
        peer_hang_up(peer);
        return;
    }
}

bool play(struct stage *stage, const struct exchange_text *text, enum cut cut, size_t at,
          struct outcome *outcome)
{
    struct asked asked = {.stage = stage, .begin.run = begin, .outcome = outcome};
    int64_t until_ns = clock_monotonic_ns(&clock_system) + PATIENCE_NS;
    memset(outcome, 0, sizeof *outcome);
    outcome->error = (harborai_error)HARBORAI_ERROR_INIT;
    fold_init(&outcome->fold);
    buf_init(&outcome->out, MIB(64));
    buf_init(&asked.body, MIB(64));
    buf_add(&asked.body, text->request);
    loop_post(runtime_loop(stage->runtime, 0), &asked.begin);
    if (await_request(&asked, until_ns)) {
        outcome->sent_to = note_request(&stage->peer);
        send_answer(&asked, text, cut, at);
    }
    while (!asked.ended && clock_monotonic_ns(&clock_system) < until_ns)
        turn(stage, 10);
    buf_release(&asked.body);
    return asked.ended;
}

void outcome_release(struct outcome *outcome)
{
    json_object_put(outcome->sent_to);
    json_object_put(outcome->tokens);
    fold_release(&outcome->fold);
    buf_release(&outcome->out);
}
