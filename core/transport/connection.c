/* SPDX-License-Identifier: MIT */
/* Connections: their states, and bytes in and out. A plain one is a bare socket that libcurl
 * connected for us; one with TLS keeps its curl handle, through which every byte goes. */
#include "transport/connection.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/error.h"
#include "transport/connect.h"
#include "transport/curl_loop.h"
#include "transport/exchange_io.h"
#include "transport/pool.h"
#include "transport/waiter.h"

struct connection *connection_create(struct transport *t)
{
    struct connection *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    c->transport = t;
    c->watch = (struct watch){.fd = -1, .on_ready = exchange_on_ready};
    c->timer.on_due = exchange_on_due;
    buf_init(&c->io.head, HEAD_LEN);
    list_append(&t->connections, &c->link);
    return c;
}

harborai_status connection_open(struct connection *c, int fd, harborai_error *error)
{
    harborai_status st = loop_watch(c->transport->loop, &c->watch, fd,
                                    EPOLLIN | EPOLLOUT | EPOLLRDHUP, error);
    if (st < 0)
        return st;
    c->state = CONNECTION_BUSY;
    counter_add(&c->transport->counters.open, 1);
    return HARBORAI_OK;
}

static void connection_free(struct parked *parked)
{
    free(CONTAINER_OF(parked, struct connection, parked));
}

static void close_socket(struct connection *c)
{
    int fd = c->watch.fd;
    if (fd < 0)
        return;
    /* Out of epoll first: curl may close the descriptor, whose number may be used again at once. */
    loop_unwatch(c->transport->loop, &c->watch);
    if (c->easy == NULL)
        close(fd);
    counter_add(&c->transport->counters.open, -1);
}

void connection_close(struct connection *c)
{
    struct transport *t = c->transport;
    if (c->state == CONNECTION_CLOSED)
        return;
    if (c->state == CONNECTION_IDLE)
        counter_add(&t->counters.idle, -1);
    c->state = CONNECTION_CLOSED;
    connect_abandon(c);
    close_socket(c);
    curl_loop_remove(c);
    loop_timer_clear(t->loop, &c->timer);
    list_remove(&c->link);
    list_remove(&c->idle_link);
    list_remove(&c->again_link);
    if (c->origin != NULL)
        pool_forget(c->origin);
    free(take(c->io.unsent));
    buf_release(&c->io.head);
    loop_park(t->loop, &c->parked, connection_free);
}

void connection_again(struct connection *c)
{
    struct transport *t = c->transport;
    if (!list_is_linked(&c->again_link))
        list_append(&t->again, &c->again_link);
    loop_act(t->loop, &t->again_action);
}

/* --- Bytes ---------------------------------------------------------------------------------- */

static harborai_status failed_by_errno(struct connection *c, harborai_error *error)
{
    char text[128];
    if (errno == EAGAIN || errno == EINTR)
        return WAITER_PENDING;
    return harborai_error_set(error, HARBORAI_E_NETWORK, "connection to %s: %s; ask again",
                              c->origin->label, error_of_errno(errno, text));
}

static harborai_status failed_by_curl(struct connection *c, CURLcode code, harborai_error *error)
{
    long number = 0;
    char text[128];
    if (code == CURLE_AGAIN)
        return WAITER_PENDING;
    curl_easy_getinfo(c->easy, CURLINFO_OS_ERRNO, &number);
    return harborai_error_set(
        error, HARBORAI_E_NETWORK, "connection to %s: %s; ask again", c->origin->label,
        number != 0 ? error_of_errno((int)number, text) : curl_easy_strerror(code));
}

/* What one record takes of the pieces: an own one for each would cost a system call, too, and wake the
 * vendor for the head alone. A send that is tried again finds the same bytes, as OpenSSL wants it. */
static harborai_str record_fill(struct transport *t, const harborai_str *pieces, size_t count)
{
    size_t len = 0;
    if (count == 1 || pieces[0].len >= SEND_LEN)
        return pieces[0];
    for (size_t i = 0; i < count && len < SEND_LEN; i++) {
        size_t part = pieces[i].len < SEND_LEN - len ? pieces[i].len : SEND_LEN - len;
        memcpy(t->record + len, pieces[i].data, part);
        len += part;
    }
    return (harborai_str){t->record, len};
}

harborai_status connection_send(struct connection *c, const harborai_str *pieces, size_t count,
                                size_t *ret_sent, harborai_error *error)
{
    struct iovec parts[CONNECTION_SEND_MAX];
    if (c->easy != NULL) {
        harborai_str record = record_fill(c->transport, pieces, count);
        CURLcode code = curl_easy_send(c->easy, record.data, record.len, ret_sent);
        return code == CURLE_OK ? HARBORAI_OK : failed_by_curl(c, code, error);
    }
    for (size_t i = 0; i < count; i++)
        parts[i] = (struct iovec){(void *)(uintptr_t)pieces[i].data, pieces[i].len};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
    ssize_t sent = sendmsg(c->watch.fd, &message, MSG_NOSIGNAL);
    if (sent < 0)
        return failed_by_errno(c, error);
    *ret_sent = (size_t)sent;
    return HARBORAI_OK;
}

/* The tickets after a handshake leave OpenSSL with a buffer to write, 16 KiB, until the next request, which for
 * a stream is its whole life. Up to 3.0.13 SSL_free_buffers() forgot a record of which only the header has
 * come ("RH": none has). */
static void slim(struct connection *c)
{
    struct curl_tlssessioninfo *info = NULL;
    if (curl_easy_getinfo(c->easy, CURLINFO_TLS_SSL_PTR, &info) != CURLE_OK || info == NULL ||
        info->backend != CURLSSLBACKEND_OPENSSL || info->internals == NULL)
        return;
    SSL *ssl = info->internals;
    if (strcmp(SSL_rstate_string(ssl), "RH") == 0 && SSL_free_buffers(ssl) == 1)
        c->is_slim = c->has_read; /* tickets come before what was asked for */
}

static harborai_status receive_tls(struct connection *c, char *room, size_t len, size_t *ret_received,
                                   harborai_error *error)
{
    CURLcode code = curl_easy_recv(c->easy, room, len, ret_received);
    c->has_read = c->has_read || code == CURLE_OK;
    if (code == CURLE_AGAIN && !c->is_slim)
        slim(c);
    return code == CURLE_OK ? HARBORAI_OK : failed_by_curl(c, code, error);
}

harborai_status connection_receive(struct connection *c, char *room, size_t len,
                                   size_t *ret_received, harborai_error *error)
{
    if (c->easy != NULL)
        return receive_tls(c, room, len, ret_received, error);
    ssize_t received = recv(c->watch.fd, room, len, 0);
    if (received < 0)
        return failed_by_errno(c, error);
    *ret_received = (size_t)received;
    return HARBORAI_OK;
}
