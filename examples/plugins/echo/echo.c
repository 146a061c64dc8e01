/* SPDX-License-Identifier: MIT */
/* echo: answers with the user's last message, word by word, from a thread of its own: what a local
 * inference engine looks like as a plugin. It needs neither network nor key. */
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

#include <harborai/plugin.h>

#include "json_value.h" /* plugin-sdk/lib, compiled into the plugin */

HARBORAI_MANIFEST({
    "id": "org.harborai.echo",
    "version": "1.0.0",
    "provider": "echo",
    "name": "Echo",
    "description": "Answers with the user's last message, word by word",
    "capabilities": [ "chat", "stream" ],
    "config_schema": { "additionalProperties": false },
    "models": [ { "name": "echo", "context": 8192, "max_output": 8192 } ]
});

struct turn { /* harborai_call.state, zeroed by the host */
    struct turn *next;
    harborai_call *call;
    harborai_str rest; /* of the answer; lives as long as the call */
    int64_t words;
    bool paused, cancelled;
};

struct harborai_provider {
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows and of the turns; held while the engine emits: an
                             on_resume() that comes before emit() has returned PAUSE has to wait */
    pthread_cond_t changed;
    struct turn *turns;
    bool stop;
};

enum { PIECE_MOST = 16 << 10 }; /* a slow reader is not sent much more than it takes */

/* One word, with the blanks before it, or as much of it as makes a piece. */
static harborai_str next_piece(harborai_str rest)
{
    size_t len = 0;
    while (len < rest.len && rest.data[len] == ' ')
        len++;
    while (len < rest.len && rest.data[len] != ' ')
        len++;
    if (len > PIECE_MOST)
        for (len = PIECE_MOST; len > 1 && (rest.data[len] & 0xc0) == 0x80;)
            len--; /* a character is not cut */
    return (harborai_str){rest.data, len};
}

/* Emits one piece. False: the turn is over. */
static bool step(struct turn *turn)
{
    harborai_status st = HARBORAI_OK;
    if (!turn->cancelled && turn->rest.len > 0) {
        harborai_str piece = next_piece(turn->rest);
        st = harborai_emit_text(turn->call, HARBORAI_DELTA_TEXT, piece);
        turn->rest = (harborai_str){piece.data + piece.len, turn->rest.len - piece.len};
        turn->words += turn->rest.len == 0 || turn->rest.data[0] == ' ';
        turn->paused = st == HARBORAI_PAUSE;
        if (st >= HARBORAI_OK)
            return true;
    }
    if (st < HARBORAI_OK && st != HARBORAI_E_CLOSED) { /* without that piece it is no answer */
        (void)harborai_fail(turn->call, st, "echo: the host did not take a piece of the answer");
        return false;
    }
    harborai_usage usage = {.size = sizeof usage, .flags = HARBORAI_USAGE_ESTIMATED};
    harborai_usage_set(&usage, HARBORAI_TOKENS_OUTPUT, turn->words); /* words are no tokens */
    (void)harborai_finish(turn->call, HARBORAI_FINISH_STOP, &usage);
    return false;
}

/* The engine: one word of each turn at a time, so that a slow reader holds up nobody else. */
static void *run(void *argument)
{
    harborai_provider *self = argument;
    pthread_mutex_lock(&self->lock);
    while (!self->stop) {
        bool idle = true;
        for (struct turn **at = &self->turns; *at != NULL;) {
            struct turn *turn = *at;
            bool waits = turn->paused && !turn->cancelled;
            idle = idle && waits;
            if (waits || step(turn)) {
                at = &turn->next;
                continue;
            }
            *at = turn->next;
            turn->call->host->unhold(turn->call); /* the turn may be gone now */
        }
        if (idle)
            pthread_cond_wait(&self->changed, &self->lock);
        pthread_mutex_unlock(&self->lock); /* let the functions below in */
        pthread_mutex_lock(&self->lock);
    }
    pthread_mutex_unlock(&self->lock);
    return NULL;
}

static harborai_status create(const harborai_host *host, harborai_str config,
                              harborai_provider **provider, harborai_error *error)
{
    sigset_t all, before;
    (void)host, (void)config;
    harborai_provider *self = calloc(1, sizeof *self);
    if (self == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "echo: out of memory");
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->changed, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are for the application's threads */
    int failed = pthread_create(&self->thread, NULL, run, self);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        free(self);
        return harborai_error_set(error, HARBORAI_E_MEMORY, "echo: cannot start a thread");
    }
    *provider = self;
    return HARBORAI_OK;
}

static void destroy(harborai_provider *self)
{
    pthread_mutex_lock(&self->lock);
    self->stop = true;
    pthread_cond_signal(&self->changed);
    pthread_mutex_unlock(&self->lock);
    pthread_join(self->thread, NULL);
    pthread_cond_destroy(&self->changed);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

/* The content of the last message of the user, JSON: a string, or parts of which one has it. */
static harborai_str last_content(harborai_str body)
{
    harborai_str message, part, content = {NULL, 0};
    struct json_cursor messages = json_open(json_member(body, HARBORAI_STR("messages")));
    while (json_array_next(&messages, &message))
        if (json_string_equal(json_member(message, HARBORAI_STR("role")), HARBORAI_STR("user")))
            content = json_member(message, HARBORAI_STR("content"));
    struct json_cursor parts = json_open(content);
    while (json_kind(content) == JSON_ARRAY && json_array_next(&parts, &part))
        if (json_string_equal(json_member(part, HARBORAI_STR("type")), HARBORAI_STR("text")))
            return json_member(part, HARBORAI_STR("text"));
    return content;
}

static harborai_status chat(harborai_provider *self, harborai_call *call,
                            const harborai_request *request, harborai_error *error)
{
    struct turn *turn = call->state;
    harborai_str content = last_content(request->body);
    char *buffer = call->host->alloc(call, content.len + 1);
    if (buffer == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "echo: out of memory");
    if (json_string(content, buffer, content.len, &turn->rest) < 0)
        return harborai_error_set(error, HARBORAI_E_INVALID, "echo: no message has the user's text");
    turn->call = call;
    call->host->hold(call); /* for the engine's thread */
    pthread_mutex_lock(&self->lock);
    turn->next = self->turns;
    self->turns = turn;
    pthread_cond_signal(&self->changed);
    pthread_mutex_unlock(&self->lock);
    return HARBORAI_OK;
}

static void change(harborai_provider *self, bool *flag, bool value)
{
    pthread_mutex_lock(&self->lock);
    *flag = value;
    pthread_cond_signal(&self->changed);
    pthread_mutex_unlock(&self->lock);
}

static void on_resume(harborai_provider *self, harborai_call *call)
{
    change(self, &((struct turn *)call->state)->paused, false);
}

static void on_cancel(harborai_provider *self, harborai_call *call)
{
    change(self, &((struct turn *)call->state)->cancelled, true);
}

static const harborai_plugin table = {
    .size = sizeof table, .abi_major = HARBORAI_ABI_MAJOR, .abi_minor = HARBORAI_ABI_MINOR,
    .id = "org.harborai.echo", .version = "1.0.0", .call_state_size = sizeof(struct turn),
    .create = create, .destroy = destroy, .chat = chat,
    .on_resume = on_resume, .on_cancel = on_cancel,
};

const void *harborai_plugin_query(uint32_t abi_major)
{
    return abi_major == HARBORAI_ABI_MAJOR ? &table : NULL;
}
