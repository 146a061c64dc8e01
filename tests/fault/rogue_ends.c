/* SPDX-License-Identifier: MIT */
/* How a call may end: errors at every moment, ends that come twice or not at all. */
#include "rogue.h"

#include <unistd.h>

static harborai_status finish_twice(struct rogue *r, harborai_error *error)
{
    (void)error;
    (void)rogue_say(r, "once");
    EXPECT(harborai_finish(r->call, HARBORAI_FINISH_STOP, NULL) == HARBORAI_OK);
    rogue_after_the_end(r);
    return HARBORAI_OK;
}

static harborai_status do_nothing(struct rogue *r, harborai_error *error)
{
    (void)r, (void)error;
    return HARBORAI_OK;
}

static harborai_status error_only(struct rogue *r, harborai_error *error)
{
    (void)r;
    return rogue_fail(error);
}

static harborai_status error_without_text(struct rogue *r, harborai_error *error)
{
    (void)r, (void)error;
    return HARBORAI_E_UNSUPPORTED;
}

static harborai_status error_unterminated(struct rogue *r, harborai_error *error)
{
    (void)r;
    error->code = HARBORAI_E_UNSUPPORTED;
    memset(error->message, 'x', sizeof error->message);
    memset(error->vendor_code, 'y', sizeof error->vendor_code);
    memset(error->param, 'z', sizeof error->param);
    return HARBORAI_E_UNSUPPORTED;
}

static harborai_status error_after_emit(struct rogue *r, harborai_error *error)
{
    (void)rogue_say(r, "half");
    (void)rogue_tell_usage(r, 1);
    return rogue_fail(error);
}

static harborai_status finish_with_77(struct rogue *r, harborai_error *error)
{
    (void)error;
    (void)rogue_say(r, "once");
    return harborai_finish(r->call, 77, NULL);
}

static harborai_status emit_wrong(struct rogue *r, harborai_error *error)
{
    harborai_delta delta = {.size = sizeof delta, .kind = 99};
    harborai_status st = r->call->host->emit(r->call, &delta);
    return st < 0 ? harborai_error_set(error, st, "%s", "refused, says rogue")
                  : harborai_finish(r->call, HARBORAI_FINISH_STOP, NULL);
}

static harborai_status blame_client(struct rogue *r, harborai_error *error)
{
    (void)r;
    return harborai_error_set(error, HARBORAI_E_INVALID, "%s", "rogue dislikes the request");
}

static harborai_status error_after_start(struct rogue *r, harborai_error *error)
{
    EXPECT(rogue_start(r, HARBORAI_RESPONSE_SSE, error) == HARBORAI_OK);
    return rogue_fail(error);
}

static harborai_status error_after_finish(struct rogue *r, harborai_error *error)
{
    (void)rogue_say(r, "good");
    EXPECT(harborai_finish(r->call, HARBORAI_FINISH_STOP, NULL) == HARBORAI_OK);
    return rogue_fail(error);
}

static harborai_status error_after_wake(struct rogue *r, harborai_error *error)
{
    EXPECT(r->call->host->wake(r->call, 0) == HARBORAI_OK);
    return rogue_fail(error);
}

static void talk_in_release(struct rogue *r)
{
    rogue_after_the_end(r);
}

/* For a job thread: at work until the loop has ended the call. */
static harborai_status until_closed(struct rogue *r, harborai_error *error)
{
    fault_say(r->provider->host, "begun");
    while (r->call->host->wake(r->call, 1) != HARBORAI_E_CLOSED)
        if (r->call->host->alloc(r->call, 16) == NULL || usleep(100) != 0)
            break;
    EXPECT(rogue_start(r, HARBORAI_RESPONSE_SSE, error) == HARBORAI_E_CLOSED);
    EXPECT(rogue_say(r, "late") == HARBORAI_E_CLOSED);
    return rogue_fail(error);
}

const struct behaviour rogue_ends[] = {
    {"r-finish-twice", finish_twice, NULL, NULL, NULL, NULL},
    {"r-idle", do_nothing, NULL, NULL, NULL, NULL},
    {"r-error", error_only, NULL, NULL, NULL, NULL},
    {"r-error-without-text", error_without_text, NULL, NULL, NULL, NULL},
    {"r-error-unterminated", error_unterminated, NULL, NULL, NULL, NULL},
    {"r-error-after-emit", error_after_emit, NULL, NULL, NULL, NULL},
    {"r-error-after-start", error_after_start, NULL, NULL, NULL, NULL},
    {"r-error-after-finish", error_after_finish, NULL, NULL, NULL, NULL},
    {"r-error-after-wake", error_after_wake, NULL, NULL, NULL, NULL},
    {"r-until-closed", until_closed, NULL, NULL, NULL, NULL},
    {"r-release-talks", finish_twice, NULL, NULL, NULL, talk_in_release},
    {"r-finish-77", finish_with_77, NULL, NULL, NULL, NULL},
    {"r-emit-wrong", emit_wrong, NULL, NULL, NULL, NULL},
    {"r-blame-client", blame_client, NULL, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
