/* SPDX-License-Identifier: MIT */
/* More than the client takes: with regard for PAUSE and without, on the loop and elsewhere. */
#include "rogue.h"

/* No fault at all: one piece that is longer than what may come after PAUSE. */
static void *one_long_piece(void *argument)
{
    static char text[3 << 20];
    struct rogue *r = argument;
    memset(text, 'w', sizeof text);
    harborai_str piece = {text, sizeof text};
    EXPECT(harborai_emit_text(r->call, HARBORAI_DELTA_TEXT, piece) >= HARBORAI_OK);
    EXPECT(harborai_finish(r->call, HARBORAI_FINISH_STOP, NULL) == HARBORAI_OK);
    r->call->host->unhold(r->call);
    return NULL;
}

static harborai_status long_piece(struct rogue *r, harborai_error *error)
{
    (void)error;
    rogue_begin_thread(r, one_long_piece);
    return HARBORAI_OK;
}

/* More than there is memory for, and as if nothing were missing. */
static void *one_piece_too_long(void *argument)
{
    struct rogue *r = argument;
    harborai_str piece = {"gap", PTRDIFF_MAX - 4096};
    (void)rogue_say(r, "before");
    EXPECT(harborai_emit_text(r->call, HARBORAI_DELTA_TEXT, piece) == HARBORAI_E_MEMORY);
    (void)rogue_say(r, "behind");
    EXPECT(harborai_finish(r->call, HARBORAI_FINISH_STOP, NULL) == HARBORAI_OK);
    r->call->host->unhold(r->call);
    return NULL;
}

static harborai_status lost_piece(struct rogue *r, harborai_error *error)
{
    (void)error;
    rogue_begin_thread(r, one_piece_too_long);
    return HARBORAI_OK;
}

static void *flood(void *argument)
{
    static char text[4096];
    struct rogue *r = argument;
    memset(text, 'f', sizeof text - 1);
    for (int i = 0; i < 1024 && rogue_say(r, text) != HARBORAI_E_CLOSED; i++)
        ;
    (void)harborai_finish(r->call, HARBORAI_FINISH_STOP, NULL);
    r->call->host->unhold(r->call);
    return NULL;
}

static harborai_status ignore_pause(struct rogue *r, harborai_error *error)
{
    (void)error;
    rogue_begin_thread(r, flood);
    return HARBORAI_OK;
}

/* The same on the call's own thread. */
static harborai_status flood_in_chat(struct rogue *r, harborai_error *error)
{
    static char text[4096];
    (void)error;
    memset(text, 'f', sizeof text - 1);
    for (int i = 0; i < 1024 && rogue_say(r, text) != HARBORAI_E_CLOSED; i++)
        ;
    (void)harborai_finish(r->call, HARBORAI_FINISH_STOP, NULL);
    return HARBORAI_OK;
}

/* The same behind an exchange that never counts. */
static harborai_status flood_after_start(struct rogue *r, harborai_error *error)
{
    static char text[65536];
    harborai_status st = rogue_start(r, HARBORAI_RESPONSE_SSE, error);
    if (st < 0)
        return st;
    memset(text, 'f', sizeof text - 1);
    for (int i = 0; i < 1024 && rogue_say(r, text) != HARBORAI_E_CLOSED; i++)
        ;
    (void)harborai_finish(r->call, HARBORAI_FINISH_STOP, NULL);
    return HARBORAI_OK;
}

/* A usage object that is too long to be held back. */
static harborai_status large_usage(struct rogue *r, harborai_error *error)
{
    enum { LEN = 1200000 };
    static const char head[] = "{\"prompt_tokens\":1,\"completion_tokens\":1,\"x\":\"";
    char *object = r->call->host->alloc(r->call, LEN);
    harborai_usage usage = {.size = sizeof usage, .vendor_json = {object, LEN}};
    if (object == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory");
    memset(object, 'u', LEN);
    memcpy(object, head, sizeof head - 1);
    memcpy(object + LEN - 2, "\"}", 2);
    harborai_usage_set(&usage, HARBORAI_TOKENS_INPUT, 1);
    harborai_usage_set(&usage, HARBORAI_TOKENS_OUTPUT, 1);
    (void)rogue_say(r, "word");
    (void)harborai_finish(r->call, HARBORAI_FINISH_STOP, &usage);
    return HARBORAI_OK;
}

/* As plugin.h asks for: stops at PAUSE until on_resume(), which may come first. */
static void *emit_politely(void *argument)
{
    char text[1025];
    struct rogue *r = argument;
    memset(text, 'p', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    pthread_mutex_lock(&r->lock);
    for (int i = 0; i < 512 && !r->cancelled; i++) {
        pthread_mutex_unlock(&r->lock);
        harborai_status st = rogue_say(r, text);
        pthread_mutex_lock(&r->lock);
        while (st == HARBORAI_PAUSE && !r->resumed && !r->cancelled)
            pthread_cond_wait(&r->changed, &r->lock);
        if (st == HARBORAI_PAUSE)
            r->resumed = false;
    }
    pthread_mutex_unlock(&r->lock);
    (void)rogue_tell_usage(r, 512);
    (void)harborai_finish(r->call, HARBORAI_FINISH_STOP, NULL);
    r->call->host->unhold(r->call);
    return NULL;
}

static harborai_status polite(struct rogue *r, harborai_error *error)
{
    (void)error;
    rogue_begin_thread(r, emit_politely);
    return HARBORAI_OK;
}

const struct behaviour rogue_pressure[] = {
    {"r-long-piece", long_piece, NULL, NULL, NULL, NULL},
    {"r-lost-piece", lost_piece, NULL, NULL, NULL, NULL},
    {"r-ignore-pause", ignore_pause, NULL, NULL, NULL, NULL},
    {"r-flood-in-chat", flood_in_chat, NULL, NULL, NULL, NULL},
    {"r-flood-after-start", flood_after_start, NULL, NULL, NULL, NULL},
    {"r-large-usage", large_usage, NULL, NULL, NULL, NULL},
    {"r-polite", polite, NULL, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
