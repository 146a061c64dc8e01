/* SPDX-License-Identifier: MIT */
/* How many connections of clients there are, in all and of each address, counted in one place for all
 * loops. A few beyond the limit are taken so that they can be told; the rest is closed at once. [any] */
#ifndef SERVER_CONN_LIMIT_H
#define SERVER_CONN_LIMIT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum { CONN_LIMIT_BUCKETS = 4096 };

struct conn_address; /* one that has connections */

struct conn_limit {
    unsigned most, most_of_address; /* of an address 0 = no limit */
    unsigned surplus_most;
    _Atomic unsigned count, surplus;
    /* Of what follows. No atomic counter does, for addresses come and go; it is held for a look-up, once a
     * connection, and only where addresses are limited. */
    pthread_mutex_t mutex;
    uint64_t seed;
    struct conn_address *buckets[CONN_LIMIT_BUCKETS];
};

/* Why a connection is one too many. */
enum conn_excess { CONN_EXCESS_NONE, CONN_EXCESS_ALL, CONN_EXCESS_ADDRESS };

struct conn_ticket {
    struct conn_address *address; /* NULL: it is not counted for one */
    enum conn_excess excess;
};

/* At most 10,000,000 each. [init] */
void conn_limit_init(struct conn_limit *limit, unsigned most, unsigned most_of_address);
void conn_limit_release(struct conn_limit *limit); /* accepts a zeroed one */

/* False: there is no room, not even to say so; ret_ticket->excess says why. Else conn_limit_leave() is
 * due. */
bool conn_limit_enter(struct conn_limit *limit, const struct sockaddr_storage *address,
                      struct conn_ticket *ret_ticket);
void conn_limit_leave(struct conn_limit *limit, struct conn_ticket *ticket);

/* What the limit of open files allows where the operator says nothing: half of it, since a call has a
 * connection to its vendor, too, less what the process needs for itself. */
unsigned conn_limit_of_files(void);

#endif
