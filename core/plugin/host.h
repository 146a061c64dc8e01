/* SPDX-License-Identifier: MIT */
/* The functions that a provider gets from the host, one set a provider. The half about calls is the
 * engine's and only copied here. */
#ifndef PLUGIN_HOST_H
#define PLUGIN_HOST_H

#include "plugin/provider.h"

struct host_text;

struct provider_host {
    harborai_host functions; /* what the plugin sees; .data = this */
    struct slot *slot;
    const struct provider *provider;
    const struct provider_services *services;
    struct arena texts;        /* decoded by config(); valid until destroy() */
    struct host_text *decoded; /* what was decoded already */
};

/* Borrows everything but `call_functions`, of which the members from alloc on are copied. `h` must
 * not move. */
void provider_host_init(struct provider_host *h, struct slot *slot,
                        const struct provider *provider, const struct provider_services *services,
                        const harborai_host *call_functions);
void provider_host_release(struct provider_host *h);

/* The host that a plugin function was given. [any] */
static inline struct provider_host *provider_host_of(const harborai_host *host)
{
    return host->data;
}

#endif
