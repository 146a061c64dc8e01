/* SPDX-License-Identifier: MIT */
/* What lies between a connection and its socket: nothing, or TLS. recv() and send() as they are, for
 * a plain one at the cost of a comparison. All functions are [loop]. */
#ifndef SERVER_CONN_IO_H
#define SERVER_CONN_IO_H

#include <sys/socket.h>

#include "server/conn.h"
#include "server/tls.h"

/* conn_tls.c. TLS for those of `gate` that come over a network. False: no memory. */
MUST_CHECK bool conn_begin_tls(struct conn *conn, struct gate *gate, int fd,
                               const struct sockaddr_storage *address);
ssize_t conn_receive_tls(struct conn *conn, char *room, size_t size);
ssize_t conn_send_tls(struct conn *conn, const char *data, size_t len);
/* An edge came. */
void conn_wake_tls(struct conn *conn, uint32_t events);
/* Nothing more can be received: closes it; who speaks plain HTTP to TLS is told so before. */
void conn_lose(struct conn *conn);
/* Tells the log, now and then, that the handshake failed, if it is under way. */
void conn_tell_handshake(struct conn *conn, const char *reason);

/* What a lingering connection gives is thrown away: nobody has to decipher it. */
static inline bool conn_is_raw(const struct conn *conn)
{
    return conn->tls == NULL || conn->state == CONN_LINGER;
}

static inline ssize_t conn_receive(struct conn *conn, char *room, size_t size)
{
    return conn_is_raw(conn) ? recv(conn->watch.fd, room, size, 0)
                             : conn_receive_tls(conn, room, size);
}

/* After so many of the bytes that were asked for. Edge-triggered: after a short read the next byte,
 * and the end, bring a new edge. */
static inline bool conn_has_more(const struct conn *conn, size_t len, size_t size)
{
    return conn_is_raw(conn) ? len == size || conn->peer_ended : tls_has_more(conn->tls);
}

static inline ssize_t conn_send(struct conn *conn, const char *data, size_t len)
{
    return conn->tls == NULL ? send(conn->watch.fd, data, len, MSG_NOSIGNAL)
                             : conn_send_tls(conn, data, len);
}

#endif
