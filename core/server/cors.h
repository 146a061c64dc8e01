/* SPDX-License-Identifier: MIT */
/* Which pages of other sites a browser lets read answers (Fetch, "CORS protocol"). Never with credentials of the
 * browser's own: a page has to have a key. Immutable once made. */
#ifndef SERVER_CORS_H
#define SERVER_CORS_H

#include "base/attr.h"
#include "base/buf.h"

struct cors;
struct http_request_head;

/* Copies `origins`, with commas between them; one that is `*` stands for all. *ret_cors: NULL if there are
 * none. [init] */
MUST_CHECK harborai_status cors_create(harborai_str origins, struct cors **ret_cors,
                                       harborai_error *error);
void cors_destroy(struct cors *cors); /* accepts NULL */

/* What an answer allows whose request has that Origin: itself, `*`, or empty: nobody. Borrowed from `cors`, which
 * may be NULL. [any] */
harborai_str cors_allow(const struct cors *cors, harborai_str origin);

/* Adds the fields of an answer. [any] */
void cors_write(const struct cors *cors, harborai_str allowed, struct buf *out);

/* The question before a request, whether it may be made, and the fields that say it may. [any] */
bool cors_is_preflight(const struct http_request_head *request);
void cors_write_preflight(const struct http_request_head *request, const char *methods,
                          struct buf *out);

#endif
