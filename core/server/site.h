/* SPDX-License-Identifier: MIT */
/* Where a request comes from that a browser sends: browsers say of which page it is, in Origin and
 * Sec-Fetch-Site, and pages cannot change that. Programs say nothing of the kind. [loop] */
#ifndef SERVER_SITE_H
#define SERVER_SITE_H

#include <stdbool.h>

#include "base/slice.h"

struct conn;
struct http_request_head;

/* Whether a Host, or what an origin has behind its scheme, can only lead to the machine that it is used on:
 * a loopback address, or localhost and what ends with it. Without one: true. */
bool site_is_local(harborai_str host);

/* Whether it is of a page that this gateway has not served itself, as far as Host and Origin tell. */
bool site_is_another(const struct http_request_head *request);

/* Of a request that changes or costs something, without a key: whether a page may send it that
 * server.cors.origins does not name. False: it may not, and has been told. */
bool site_admit(struct conn *conn, const struct http_request_head *request);

#endif
