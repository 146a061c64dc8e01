/* SPDX-License-Identifier: MIT */
/* A connection's TLS: bytes in and out, and what the log and the client are told where it fails. */
#include <errno.h>

#include "base/clock.h"
#include "server/conn_io.h"
#include "server/gate.h"
#include "server/reply.h"

#define TELL_EVERY_NS (10 * NS_PER_S) /* a handshake that failed: whoever can connect can have it */

bool conn_begin_tls(struct conn *conn, struct gate *gate, int fd,
                    const struct sockaddr_storage *address)
{
    if (gate->tls == NULL || address->ss_family == AF_UNIX)
        return true;
    conn->tls = tls_open(gate->tls, fd);
    return conn->tls != NULL;
}

/* --- Words for the log ------------------------------------------------------------------------ */

void conn_tell_handshake(struct conn *conn, const char *reason)
{
    struct gate *gate = conn->gate;
    int64_t now_ns = loop_now_ns(gate->loop);
    if (conn->tls == NULL || conn->tls_told || !tls_is_within(conn->tls))
        return;
    conn->tls_told = true;
    gate_count(conn->gate, METRIC_HANDSHAKES_FAILED, 1);
    if (gate->tls_told_ns != 0 && now_ns - gate->tls_told_ns < TELL_EVERY_NS) {
        gate->tls_untold++;
        return;
    }
    log_write(gate->log, LOG_LEVEL_WARN, "tls.handshake_failed", "client=%s reason='%s' untold=%u",
              conn->client, reason, gate->tls_untold);
    gate->tls_told_ns = now_ns;
    gate->tls_untold = 0;
}

static void tell_client(struct conn *conn)
{
    char subject[256];
    conn->tls_told = true;
    gate_count(conn->gate, METRIC_HANDSHAKES_OK, 1);
    if (log_is_on(conn->gate->log, LOG_LEVEL_INFO) &&
        tls_subject(conn->tls, subject, sizeof subject))
        log_write(conn->gate->log, LOG_LEVEL_INFO, "tls.client", "client=%s subject='%s'",
                  conn->client, subject);
}

/* --- Bytes ------------------------------------------------------------------------------------ */

static ssize_t as_socket_does(enum tls_fault fault, size_t len)
{
    if (fault == TLS_OK)
        return (ssize_t)len;
    if (fault == TLS_END)
        return 0;
    errno = fault == TLS_AGAIN ? EAGAIN : EPROTO;
    return -1;
}

ssize_t conn_receive_tls(struct conn *conn, char *room, size_t size)
{
    size_t len;
    enum tls_fault fault = tls_receive(conn->tls, room, size, conn->peer_ended, &len);
    if (!conn->tls_told && tls_is_up(conn->tls))
        tell_client(conn);
    return as_socket_does(fault, len);
}

ssize_t conn_send_tls(struct conn *conn, const char *data, size_t len)
{
    size_t sent = 0;
    enum tls_fault fault = tls_send(conn->tls, data, len, &sent);
    return as_socket_does(fault == TLS_END ? TLS_BROKEN : fault, sent);
}

/* A handshake that the client gave up may have its reason in what came last. */
void conn_wake_tls(struct conn *conn, uint32_t events)
{
    bool is_gone = (events & (EPOLLERR | EPOLLHUP)) != 0;
    conn->readable |= tls_wakes(conn->tls, (events & EPOLLOUT) != 0);
    if (!is_gone || conn->tls_told || conn->state != CONN_HEAD)
        return;
    conn->readable = true;
    conn_read(conn);
}

/* Answered as it was asked: without TLS. What it asked was taken for a handshake, and is gone. */
static void refuse_plain_http(struct conn *conn)
{
    gate_count(conn->gate, METRIC_HANDSHAKES_FAILED, 1);
    tls_close(take(conn->tls));
    conn_forget_request(conn);
    conn->keep_alive = false;
    conn->body_unread = true;
    reply_refuse(conn, 400, "https_required",
                 "this port speaks TLS, and the request came without: ask https:// in place of http://");
}

void conn_lose(struct conn *conn)
{
    if (conn->tls != NULL && conn->state != CONN_LINGER) {
        if (tls_last_fault(conn->tls) == TLS_PLAIN_HTTP) {
            refuse_plain_http(conn);
            return;
        }
        conn_tell_handshake(conn, tls_reason(conn->tls));
    }
    conn_close(conn);
}
