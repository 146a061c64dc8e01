/* SPDX-License-Identifier: MIT */
/* passes_through: a table that ends behind chat(), as a plugin of an older minor would have it. */
#include <stddef.h>

#include "fault.h"

HARBORAI_MANIFEST({
    "id": "test.brief",
    "version": "1.0.0",
    "provider": "brief",
    "patterns": [ "s-*" ]
});

static harborai_status chat(harborai_provider *provider, harborai_call *call,
                            const harborai_request *request, harborai_error *error)
{
    const harborai_host *host = call->host;
    harborai_http_request http = {.size = sizeof http,
                                  .url = provider->base_url,
                                  .body_kind = HARBORAI_BODY_EDITED,
                                  .response_kind = HARBORAI_RESPONSE_PASSTHROUGH};
    if (harborai_str_equal(request->model, "s-wake"))
        return host->wake(call, 0); /* though it has no on_wake() */
    if (harborai_str_equal(request->model, "s-sse"))
        http.response_kind = HARBORAI_RESPONSE_SSE; /* though it has no on_event() */
    return host->http_start(call, &http, error);
}

static const harborai_plugin table = {
    FAULT_TABLE(offsetof(harborai_plugin, stream), "test.brief", "1.0.0", fault_create, chat),
};

const void *harborai_plugin_query(uint32_t abi_major)
{
    return abi_major == HARBORAI_ABI_MAJOR ? &table : NULL;
}
