/* SPDX-License-Identifier: MIT */
/* The address of a vendor, taken apart. */
#ifndef TRANSPORT_URL_H
#define TRANSPORT_URL_H

#include "base/attr.h"
#include "base/slice.h"

#define URL_HOST_LEN 253 /* RFC 1035: the longest name */

/* Borrows everything from the text it was made of. */
struct url {
    bool is_tls;
    bool is_ipv6;          /* written in brackets, which `host` is without */
    harborai_str host;     /* as written: compare it ignoring case */
    harborai_str authority; /* host and port as written, for the Host header */
    harborai_str target;   /* path and query; empty, or begins with "/" or "?" */
    uint16_t port;
};

/* [any] E_INVALID with what is wrong. The message quotes no more than scheme and host. */
MUST_CHECK harborai_status url_parse(harborai_str text, struct url *ret_url,
                                     harborai_error *error);

#endif
