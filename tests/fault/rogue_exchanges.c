/* SPDX-License-Identifier: MIT */
/* What comes between: the exchanges with the vendor, tries after its errors, and wake(). */
#include "rogue.h"

enum { WAKES = 1000 };

/* --- wake() -------------------------------------------------------------------------------- */

static harborai_status wake_chat(struct rogue *r, harborai_error *error)
{
    (void)error;
    return r->call->host->wake(r->call, 0);
}

static void wake_again(struct rogue *r)
{
    if (++r->wakes < WAKES) {
        EXPECT(r->call->host->wake(r->call, 0) == HARBORAI_OK);
        return;
    }
    (void)rogue_say(r, "awake");
    (void)harborai_finish(r->call, HARBORAI_FINISH_STOP, NULL);
}

static void wake_for_ever(struct rogue *r)
{
    (void)r->call->host->wake(r->call, 0);
}

/* --- The vendor's exchange ------------------------------------------------------------------ */

static harborai_status start_sse(struct rogue *r, harborai_error *error)
{
    return rogue_start(r, HARBORAI_RESPONSE_SSE, error);
}

static harborai_status start_lines(struct rogue *r, harborai_error *error)
{
    return rogue_start(r, HARBORAI_RESPONSE_LINES, error);
}

static harborai_status start_bytes(struct rogue *r, harborai_error *error)
{
    return rogue_start(r, HARBORAI_RESPONSE_BYTES, error);
}

static harborai_status start_buffer(struct rogue *r, harborai_error *error)
{
    return rogue_start(r, HARBORAI_RESPONSE_BUFFER, error);
}

static harborai_status start_passthrough(struct rogue *r, harborai_error *error)
{
    return rogue_start(r, HARBORAI_RESPONSE_PASSTHROUGH, error);
}

static void finish_at_end(struct rogue *r)
{
    (void)rogue_tell_usage(r, (int64_t)r->events);
    EXPECT(harborai_finish(r->call, HARBORAI_FINISH_STOP, NULL) == HARBORAI_OK);
}

static void start_another(struct rogue *r)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    if (++r->ends == 3)
        finish_at_end(r);
    else
        EXPECT(rogue_start(r, HARBORAI_RESPONSE_SSE, &error) == HARBORAI_OK);
}

static void do_nothing_at_end(struct rogue *r)
{
    (void)r;
}

static harborai_status start_twice(struct rogue *r, harborai_error *error)
{
    harborai_error second = HARBORAI_ERROR_INIT;
    harborai_status st = rogue_start(r, HARBORAI_RESPONSE_SSE, error);
    EXPECT(rogue_start(r, HARBORAI_RESPONSE_SSE, &second) == HARBORAI_E_INVALID);
    return st;
}

static harborai_status start_nowhere(struct rogue *r, harborai_error *error)
{
    harborai_http_request http = {.size = sizeof http, .url = HARBORAI_STR("http://192.0.2.1/x")};
    harborai_status st = r->call->host->http_start(r->call, &http, error);
    EXPECT(st == HARBORAI_E_INVALID);
    return st;
}

static harborai_status start_with_flags(struct rogue *r, uint32_t response_kind, uint32_t flags,
                                        harborai_error *error)
{
    harborai_http_request http = {.size = sizeof http,
                                  .url = r->provider->base_url,
                                  .response_kind = response_kind,
                                  .flags = flags};
    harborai_status st = r->call->host->http_start(r->call, &http, error);
    EXPECT(st == HARBORAI_E_INVALID);
    return st;
}

static harborai_status start_with_odd_flags(struct rogue *r, harborai_error *error)
{
    (void)start_with_flags(r, HARBORAI_RESPONSE_PASSTHROUGH, HARBORAI_HTTP_THINK_TAGS << 1, error);
    return start_with_flags(r, HARBORAI_RESPONSE_SSE, HARBORAI_HTTP_THINK_TAGS, error);
}

static harborai_status again_with_start(struct rogue *r, harborai_error *error)
{
    harborai_error own = HARBORAI_ERROR_INIT;
    (void)error;
    r->errors++;
    EXPECT(rogue_start(r, HARBORAI_RESPONSE_PASSTHROUGH, &own) == HARBORAI_OK);
    return HARBORAI_AGAIN;
}

static harborai_status again_with_wake(struct rogue *r, harborai_error *error)
{
    (void)error;
    r->errors++;
    EXPECT(r->call->host->wake(r->call, 1) == HARBORAI_OK);
    return HARBORAI_AGAIN;
}

static void start_on_wake(struct rogue *r)
{
    harborai_error own = HARBORAI_ERROR_INIT;
    EXPECT(rogue_start(r, HARBORAI_RESPONSE_PASSTHROUGH, &own) == HARBORAI_OK);
}

static harborai_status again_with_nothing(struct rogue *r, harborai_error *error)
{
    (void)r, (void)error;
    return HARBORAI_AGAIN;
}

static harborai_status map_to_nothing(struct rogue *r, harborai_error *error)
{
    (void)r;
    error->code = HARBORAI_OK;
    memset(error->message, 'x', sizeof error->message);
    return HARBORAI_OK;
}

const struct behaviour rogue_exchanges[] = {
    {"r-wake", wake_chat, NULL, NULL, wake_again, NULL},
    {"r-wake-for-ever", wake_chat, NULL, NULL, wake_for_ever, NULL},
    {"r-wake-idle", wake_chat, NULL, NULL, NULL, NULL},
    {"r-start-twice", start_twice, finish_at_end, NULL, NULL, NULL},
    {"r-start-nowhere", start_nowhere, NULL, NULL, NULL, NULL},
    {"r-start-flags", start_with_odd_flags, NULL, NULL, NULL, NULL},
    {"r-sse", start_sse, finish_at_end, NULL, NULL, NULL},
    {"r-lines", start_lines, finish_at_end, NULL, NULL, NULL},
    {"r-bytes", start_bytes, finish_at_end, NULL, NULL, NULL},
    {"r-buffer", start_buffer, finish_at_end, NULL, NULL, NULL},
    {"r-three-exchanges", start_sse, start_another, NULL, NULL, NULL},
    {"r-idle-at-end", start_sse, do_nothing_at_end, NULL, NULL, NULL},
    {"r-finish-early", start_sse, do_nothing_at_end, NULL, NULL, NULL},
    {"r-again-with-start", start_passthrough, NULL, again_with_start, NULL, NULL},
    {"r-again-with-wake", start_passthrough, NULL, again_with_wake, start_on_wake, NULL},
    {"r-again-with-nothing", start_passthrough, NULL, again_with_nothing, NULL, NULL},
    {"r-map-to-nothing", start_passthrough, NULL, map_to_nothing, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
