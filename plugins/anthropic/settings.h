/* SPDX-License-Identifier: MIT */
/* One account, as it is configured: `providers.*.options` and base_url. */
#ifndef ANTHROPIC_SETTINGS_H
#define ANTHROPIC_SETTINGS_H

#include <stdbool.h>

#include <harborai/plugin.h>

/* Texts are the host's, valid until destroy(), or literals. */
struct harborai_provider {
    harborai_str version;  /* of the API */
    bool drops_sampling;   /* this version knows no temperature, top_p, top_k */
    bool is_bearer;        /* the key goes out as "authorization: Bearer" */
    harborai_str beta;     /* the header anthropic-beta; empty = none */
    int64_t max_tokens;    /* where the request says nothing; 0 = what the model can */
    harborai_str effort;   /* reasoning_effort where the request says nothing; empty = nothing */
    harborai_str display;  /* thinking.display; empty = "summarized" where reasoning is asked for */
    size_t url_len;
    char url[]; /* of the messages */
};

harborai_status settings_create(const harborai_host *host, harborai_str config,
                                harborai_provider **provider, harborai_error *error);
void settings_destroy(harborai_provider *provider);

#endif
