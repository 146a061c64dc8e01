/* SPDX-License-Identifier: MIT */
/* What plugins for vendors with OpenAI's Chat Completions API do alike: one POST to
 * base_url/chat/completions with "Bearer <api_key>", the application's body with a few edits, the
 * answer passed through. The functions fit into harborai_plugin as they stand.
 *
 * Compiled into whoever uses it and hidden there; not part of the ABI. */
#ifndef SDK_OPENAI_CHAT_H
#define SDK_OPENAI_CHAT_H

#include <harborai/plugin.h>

#pragma GCC visibility push(hidden)

/* [job] E_CONFIG: no address. The manifest needs "base_url" and the secret "api_key". */
harborai_status openai_chat_create(const harborai_host *host, harborai_str config,
                                   harborai_provider **provider, harborai_error *error);

/* [job] */
void openai_chat_destroy(harborai_provider *provider);

/* What an exchange has of its own. */
struct openai_chat {
    const harborai_header *headers; /* of the vendor's, after the key's; at most 8 */
    size_t header_count;
    const harborai_edit *edits;
    size_t edit_count;
    uint32_t flags; /* HARBORAI_HTTP_… */
};

/* [call] Begins the exchange. Nothing of `what` is needed afterwards. */
harborai_status openai_chat_start(const harborai_provider *provider, harborai_call *call,
                                  const struct openai_chat *what, harborai_error *error);

/* [any] The usage object alone, a whole answer or one chunk of a stream, of which the last that has a
 * usage holds. E_NOT_FOUND: there is none; E_INVALID: not JSON. */
harborai_status openai_chat_parse_tokens(harborai_provider *provider, harborai_str model,
                                         harborai_str json, harborai_usage *usage,
                                         harborai_error *error);

#pragma GCC visibility pop
#endif
