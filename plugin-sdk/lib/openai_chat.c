/* SPDX-License-Identifier: MIT */
/* The exchange with a vendor that speaks OpenAI's Chat Completions. Must never look at a key: the
 * host puts it into the header, or leaves the header out where the operator says `api_key: none`. */
#include "openai_chat.h"

#include <stdlib.h>

struct harborai_provider {
    size_t url_len;
    char url[]; /* of chat completions */
};

harborai_status openai_chat_create(const harborai_host *host, harborai_str config,
                                   harborai_provider **provider, harborai_error *error)
{
    static const char path[] = "/chat/completions";
    /* The operator's or the manifest's, which must have one; without a slash at its end. */
    harborai_str base = host->config(host, "/base_url");
    (void)config;
    if (base.len == 0)
        return harborai_error_set(error, HARBORAI_E_CONFIG, "there is no base_url");
    *provider = malloc(sizeof **provider + base.len + sizeof path);
    if (*provider == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "out of memory");
    memcpy((*provider)->url, base.data, base.len);
    memcpy((*provider)->url + base.len, path, sizeof path);
    (*provider)->url_len = base.len + sizeof path - 1;
    return HARBORAI_OK;
}

void openai_chat_destroy(harborai_provider *provider)
{
    free(provider);
}

harborai_status openai_chat_start(const harborai_provider *provider, harborai_call *call,
                                  const harborai_edit *edits, size_t edit_count,
                                  harborai_error *error)
{
    static const harborai_header key = {HARBORAI_STR_INIT("authorization"),
                                        HARBORAI_STR_INIT("Bearer %s"),
                                        HARBORAI_STR_INIT("api_key")};
    const harborai_http_request http = {.size = sizeof http,
                                        .url = {provider->url, provider->url_len},
                                        .headers = &key,
                                        .header_count = 1,
                                        .body_kind = HARBORAI_BODY_EDITED,
                                        .edits = edits,
                                        .edit_count = edit_count,
                                        .response_kind = HARBORAI_RESPONSE_PASSTHROUGH};
    return call->host->http_start(call, &http, error);
}
