/* SPDX-License-Identifier: MIT */
/* dawdles: takes 5 ms of the loop where its model's name says so: "d-chat", "d-wake", "d-event" (in
 * each event of its vendor's stream); "d-quick" nowhere. */
#include <time.h>

#include "fault.h"

HARBORAI_MANIFEST({
    "id": "test.dawdles",
    "version": "1.0.0",
    "provider": "dawdles",
    "patterns": [ "d-*" ]
});

static void dawdle(void)
{
    struct timespec began, now;
    clock_gettime(CLOCK_MONOTONIC, &began);
    do
        clock_gettime(CLOCK_MONOTONIC, &now);
    while ((now.tv_sec - began.tv_sec) * 1000000000 + now.tv_nsec - began.tv_nsec < 5000000);
}

static harborai_status answer(harborai_call *call)
{
    harborai_emit_text(call, HARBORAI_DELTA_TEXT, HARBORAI_STR("at last"));
    return harborai_finish(call, HARBORAI_FINISH_STOP, NULL);
}

static harborai_status ask(harborai_provider *provider, harborai_call *call, harborai_error *error)
{
    harborai_http_request http = {.size = sizeof http,
                                  .url = provider->base_url,
                                  .body_kind = HARBORAI_BODY_EDITED,
                                  .response_kind = HARBORAI_RESPONSE_SSE};
    return call->host->http_start(call, &http, error);
}

static harborai_status chat(harborai_provider *provider, harborai_call *call,
                            const harborai_request *request, harborai_error *error)
{
    if (harborai_str_equal(request->model, "d-wake"))
        return call->host->wake(call, 0);
    if (harborai_str_equal(request->model, "d-event"))
        return ask(provider, call, error);
    if (harborai_str_equal(request->model, "d-chat"))
        dawdle();
    return answer(call);
}

static void on_wake(harborai_provider *provider, harborai_call *call)
{
    (void)provider;
    dawdle();
    (void)answer(call);
}

static void on_event(harborai_provider *provider, harborai_call *call, const harborai_event *event)
{
    (void)provider;
    dawdle();
    if (harborai_str_equal(event->data, "[DONE]"))
        (void)answer(call);
}

static const harborai_plugin table = {
    FAULT_TABLE(sizeof(harborai_plugin), "test.dawdles", "1.0.0", fault_create, chat),
    .on_wake = on_wake, .on_event = on_event,
};

const void *harborai_plugin_query(uint32_t abi_major)
{
    return abi_major == HARBORAI_ABI_MAJOR ? &table : NULL;
}
