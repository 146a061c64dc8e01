/* SPDX-License-Identifier: MIT */
/* The exchange with a vendor that speaks OpenAI's Chat Completions. Must never look at a key: the
 * host puts it into the header, or leaves the header out where the operator says `api_key: none`. */
#include "openai_chat.h"

#include <stdlib.h>

#include "json_scan.h"
#include "openai_usage.h"

enum { HEADERS_MOST = 8 };

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
                                  const struct openai_chat *what, harborai_error *error)
{
    harborai_header all[1 + HEADERS_MOST] = {{HARBORAI_STR("authorization"),
                                              HARBORAI_STR("Bearer %s"), HARBORAI_STR("api_key")}};
    if (what->header_count > HEADERS_MOST)
        return harborai_error_set(error, HARBORAI_E_INTERNAL, "more than %d headers", HEADERS_MOST);
    if (what->header_count > 0)
        memcpy(all + 1, what->headers, what->header_count * sizeof *all);
    const harborai_http_request http = {.size = sizeof http,
                                        .url = {provider->url, provider->url_len},
                                        .headers = all,
                                        .header_count = 1 + what->header_count,
                                        .body_kind = HARBORAI_BODY_EDITED,
                                        .edits = what->edits,
                                        .edit_count = what->edit_count,
                                        .response_kind = HARBORAI_RESPONSE_PASSTHROUGH,
                                        .flags = what->flags};
    return call->host->http_start(call, &http, error);
}

harborai_status openai_chat_parse_tokens(harborai_provider *provider, harborai_str model,
                                         harborai_str json, harborai_usage *usage,
                                         harborai_error *error)
{
    const uint32_t size = usage->size;
    harborai_usage found;
    struct json_fault fault;
    (void)provider, (void)model;
    if (json_scan(json, NULL, &json, &fault) < 0)
        return harborai_error_set(error, HARBORAI_E_INVALID, "not JSON: %s at byte %zu",
                                  fault.reason, fault.at);
    bool is_whole = size >= sizeof found; /* a host of today, or younger */
    harborai_status st = openai_usage_parse(json, is_whole ? usage : &found, error);
    if (st < 0)
        return st;
    if (!is_whole)
        memcpy(usage, &found, size);
    usage->size = size;
    return HARBORAI_OK;
}
