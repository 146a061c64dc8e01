/* SPDX-License-Identifier: MIT */
/* odd_usage: calls something the vendor's usage object that is none: what would break a line of the
 * journal in two, what is no object, and what would make other members of the line. */
#include <pthread.h>
#include <stdbool.h>

#include "fault.h"

HARBORAI_MANIFEST({
    "id": "test.odd",
    "version": "1.0.0",
    "provider": "odd",
    "patterns": [ "o-*" ]
});

struct state {
    bool has_thread;
    pthread_t thread;
};

static harborai_status say_all(harborai_call *call)
{
    static const harborai_str odd[] = {HARBORAI_STR_INIT("\"a\nb"), HARBORAI_STR_INIT("[1]"),
                                       HARBORAI_STR_INIT("}oops,\"type\":\"end\"")};
    harborai_usage usage = {.size = sizeof usage};
    harborai_usage_set(&usage, HARBORAI_TOKENS_OUTPUT, 4711);
    for (int i = 0; i < 3; i++) {
        usage.vendor_json = odd[i];
        if (call->host->usage(call, &usage) < 0)
            fault_say(call->host, "BROKEN usage() is refused");
    }
    (void)harborai_emit_text(call, HARBORAI_DELTA_TEXT, HARBORAI_STR("counted"));
    harborai_result result = {
        .size = sizeof result, .finish_reason = HARBORAI_FINISH_STOP, .usage = &usage};
    return call->host->finish(call, &result);
}

static void *run(void *argument)
{
    harborai_call *call = argument;
    (void)say_all(call);
    call->host->unhold(call);
    return NULL;
}

static harborai_status chat(harborai_provider *provider, harborai_call *call,
                            const harborai_request *request, harborai_error *error)
{
    struct state *state = call->state;
    (void)provider;
    if (!harborai_str_equal(request->model, "o-thread"))
        return say_all(call);
    call->host->hold(call);
    if (pthread_create(&state->thread, NULL, run, call) != 0)
        return harborai_error_set(error, HARBORAI_E_INTERNAL, "no thread");
    state->has_thread = true;
    return HARBORAI_OK;
}

static void on_release(harborai_provider *provider, harborai_call *call)
{
    struct state *state = call->state;
    (void)provider;
    if (state->has_thread)
        pthread_join(state->thread, NULL);
}

static const harborai_plugin table = {
    FAULT_TABLE(sizeof table, "test.odd", "1.0.0", fault_create, chat),
    .call_state_size = sizeof(struct state),
    .on_release = on_release,
};

const void *harborai_plugin_query(uint32_t abi_major)
{
    return abi_major == HARBORAI_ABI_MAJOR ? &table : NULL;
}
