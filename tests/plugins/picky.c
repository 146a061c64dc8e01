/* SPDX-License-Identifier: MIT */
/* picky: OpenAI's format, of which it does not take all. Its manifest names what no model takes, and
 * what the small one does not; by itself it
 *
 *     leaves "temperature" out     DROPPED
 *     renames "max_tokens"         ADAPTED
 *     takes "x_off" for a feature  OFF
 *     "x_late": says so after http_start()
 *     "x_deaf": goes on when it is told to refuse
 */
#include <harborai/plugin.h>

#include "json_value.h"

HARBORAI_MANIFEST({
    "id": "test.picky",
    "version": "1.0.0",
    "provider": "picky",
    "unsupported": [ "/logit_bias", "/logprobs" ],
    "models": [
        { "name": "picky" },
        { "name": "picky-small",
          "unsupported": [ "/n", "/stream_options", "/response_format/json_schema", "/logprobs",
                           "/a~1b", "/metadata/inner", "/metadata" ] } ]
});

struct harborai_provider {
    harborai_str base_url;
};

static harborai_status create(const harborai_host *host, harborai_str config,
                              harborai_provider **provider, harborai_error *error)
{
    static struct harborai_provider the_only_one;
    (void)config, (void)error;
    the_only_one.base_url = host->config(host, "/base_url");
    *provider = &the_only_one;
    return HARBORAI_OK;
}

static void destroy(harborai_provider *provider)
{
    (void)provider;
}

struct change {
    harborai_str path;
    uint32_t how;
};

static harborai_status tell(harborai_call *call, const harborai_request *request,
                            harborai_error *error)
{
    static const struct change changes[] = {
        {HARBORAI_STR_INIT("/temperature"), HARBORAI_CHANGED_DROPPED},
        {HARBORAI_STR_INIT("/max_tokens"), HARBORAI_CHANGED_ADAPTED},
        {HARBORAI_STR_INIT("/x_off"), HARBORAI_CHANGED_OFF},
    };
    int is_deaf = json_pointer_find(request->body, HARBORAI_STR("/x_deaf")).len > 0;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        if (json_pointer_find(request->body, changes[i].path).len == 0)
            continue;
        harborai_status st = call->host->changed(call, changes[i].path, changes[i].how, error);
        if (st < 0 && !is_deaf)
            return st;
    }
    return HARBORAI_OK;
}

static harborai_status chat(harborai_provider *provider, harborai_call *call,
                            const harborai_request *request, harborai_error *error)
{
    harborai_str limit = json_pointer_find(request->body, HARBORAI_STR("/max_tokens"));
    harborai_edit edits[] = {
        {HARBORAI_STR("/temperature"), {NULL, 0}, HARBORAI_EDIT_REMOVE, 0},
        {HARBORAI_STR("/max_tokens"), {NULL, 0}, HARBORAI_EDIT_REMOVE, 0},
        {HARBORAI_STR("/max_completion_tokens"), limit, HARBORAI_EDIT_JSON, 0},
    };
    static const char path[] = "/chat/completions";
    char *url = call->host->alloc(call, provider->base_url.len + sizeof path);
    harborai_status st = url != NULL ? tell(call, request, error) : HARBORAI_E_MEMORY;
    if (st < 0)
        return st;
    memcpy(url, provider->base_url.data, provider->base_url.len);
    memcpy(url + provider->base_url.len, path, sizeof path);
    harborai_http_request http = {.size = sizeof http,
                                  .url = {url, provider->base_url.len + sizeof path - 1},
                                  .body_kind = HARBORAI_BODY_EDITED,
                                  .response_kind = HARBORAI_RESPONSE_PASSTHROUGH,
                                  .edits = edits,
                                  .edit_count = limit.len > 0 ? 3 : 1};
    st = call->host->http_start(call, &http, error);
    if (st >= 0 && json_pointer_find(request->body, HARBORAI_STR("/x_late")).len > 0)
        st = call->host->changed(call, HARBORAI_STR("/x_late"), HARBORAI_CHANGED_ADAPTED, error);
    return st;
}

static const harborai_plugin table = {.size = sizeof table,
                                      .abi_major = HARBORAI_ABI_MAJOR,
                                      .abi_minor = HARBORAI_ABI_MINOR,
                                      .id = "test.picky",
                                      .version = "1.0.0",
                                      .create = create,
                                      .destroy = destroy,
                                      .chat = chat};

const void *harborai_plugin_query(uint32_t abi_major)
{
    return abi_major == HARBORAI_ABI_MAJOR ? &table : NULL;
}
