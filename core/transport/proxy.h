/* SPDX-License-Identifier: MIT */
/* The proxies that the environment names (http_proxy, https_proxy, all_proxy, no_proxy), read once:
 * a loop must know whose name to resolve, so libcurl is not left to find out. */
#ifndef TRANSPORT_PROXY_H
#define TRANSPORT_PROXY_H

#include "base/attr.h"
#include "base/slice.h"

struct proxies;

struct proxy {
    const char *url;   /* for CURLOPT_PROXY; "" = none. May hold a password: never logged */
    harborai_str host; /* empty = none */
    uint16_t port;
};

/* [init] Copies what it finds. */
MUST_CHECK harborai_status proxies_create(struct proxies **ret_proxies, harborai_error *error);
void proxies_destroy(struct proxies *proxies);

/* [any] Borrowed from `proxies`. */
struct proxy proxy_for(const struct proxies *proxies, bool is_tls, harborai_str host);

#endif
