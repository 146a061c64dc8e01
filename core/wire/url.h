/* SPDX-License-Identifier: MIT */
/* The address of a vendor, taken apart. */
#ifndef WIRE_URL_H
#define WIRE_URL_H

#include "base/attr.h"
#include "base/slice.h"

#define URL_HOST_LEN 253   /* RFC 1035: the longest name */
#define URL_BASE_LEN 2048

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

/* [any] Whether it can be a base_url: a URL without query and fragment, so that a path may follow it,
 * and without anything that would have to be quoted, in JSON or in a head. */
bool url_is_base(harborai_str text);

#endif
