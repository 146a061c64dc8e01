/* SPDX-License-Identifier: MIT */
/* A loop's origins and their idle connections: the newest is used first, so that what a peak
 * opened can grow old; one that has been idle for a minute is closed. */
#ifndef TRANSPORT_POOL_H
#define TRANSPORT_POOL_H

#include "transport/connection.h"

#define POOL_IDLE_MOST 512
#define POOL_IDLE_NS (60 * NS_PER_S) /* below what vendors' front ends allow (75 s and more) */

/* The origin of `url` with this store, with one more connection counted. NULL: no memory left. */
struct origin *pool_origin(struct transport *t, const struct url *url,
                           const struct tls_store *store);
/* One connection less. */
void pool_forget(struct origin *origin);

/* The newest idle connection, BUSY now; NULL if there is none. */
struct connection *pool_take(struct transport *t, struct origin *origin);
/* BUSY becomes IDLE. */
void pool_put(struct connection *c);

void pool_on_due(struct timer *timer);

#endif
