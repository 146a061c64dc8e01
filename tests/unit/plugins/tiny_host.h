/* SPDX-License-Identifier: MIT */
/* A host for one call of a plugin, without network: what the plugin sends and says is kept, and
 * what it emits is checked and folded by the same code that the gateway uses. */
#ifndef TESTS_TINY_HOST_H
#define TESTS_TINY_HOST_H

#include <harborai/plugin.h>

#include "base/arena.h"
#include "base/buf.h"
#include "chat/fold.h"

struct tiny_host {
    harborai_host host;
    harborai_call call;
    const harborai_plugin *plugin;
    harborai_provider *provider;
    harborai_str config; /* an object, with base_url */
    struct arena arena;
    struct fold *fold;
    struct buf url, headers, body; /* of the request that was started; headers "name: value\n" */
    struct buf changed;            /* "temperature;dropped " … */
    struct buf replays;            /* a line each */
    struct buf words;              /* texts of END, vendor_model, vendor_finish_reason: a line each */
    struct buf answer;             /* the whole one, as a client gets it */
    struct buf usage_json;
    harborai_usage usage;
    harborai_error error; /* of create(), chat(), or finish() */
    uint32_t finish_reason;
    bool is_started, is_finished, has_failed, is_strict;
    unsigned wrong; /* breaches of the contract */
};

/* create() with this configuration. Its status; t->error says more. */
harborai_status tiny_host_open(struct tiny_host *t, const harborai_plugin *plugin,
                               harborai_str config);
/* A call: chat(), then tiny_host_event() for each, tiny_host_end(), tiny_host_release(). */
harborai_status tiny_host_chat(struct tiny_host *t, const char *model, harborai_str body);
void tiny_host_event(struct tiny_host *t, harborai_str data);
void tiny_host_end(struct tiny_host *t);
void tiny_host_release(struct tiny_host *t);
void tiny_host_close(struct tiny_host *t);

#endif
