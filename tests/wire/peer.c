/* SPDX-License-Identifier: MIT */
#include "peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/slice.h"

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    perror(what);
    abort();
}

void peer_open(struct peer *peer)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    *peer = (struct peer){.fd = -1};
    buf_init(&peer->in, MIB(64));
    peer->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    must(peer->listener >= 0 && bind(peer->listener, (struct sockaddr *)&address, len) == 0 &&
             listen(peer->listener, 8) == 0 &&
             getsockname(peer->listener, (struct sockaddr *)&address, &len) == 0,
         "listener");
    peer->port = ntohs(address.sin_port);
}

void peer_close(struct peer *peer)
{
    peer_hang_up(peer);
    close(peer->listener);
    buf_release(&peer->in);
}

static void take_connection(struct peer *peer)
{
    int fd = accept4(peer->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;
    if (fd < 0)
        return;
    peer_hang_up(peer);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    peer->fd = fd;
}

static void measure(struct peer *peer)
{
    const char *end = peer->in.len > 0 ? memmem(peer->in.data, peer->in.len, "\r\n\r\n", 4) : NULL;
    if (end == NULL)
        return;
    peer->head = (size_t)(end - peer->in.data) + 4;
    uint64_t len;
    must(slice_to_u64(peer_request_field(peer, "content-length"), &len), "content-length");
    peer->body = (size_t)len;
}

bool peer_has_request(struct peer *peer)
{
    take_connection(peer);
    while (peer->fd >= 0) {
        char *room = buf_reserve(&peer->in, KIB(64));
        must(room != NULL, "memory");
        ssize_t got = recv(peer->fd, room, KIB(64), 0);
        if (got == 0) {
            peer_hang_up(peer);
            return false;
        }
        if (got < 0) {
            must(errno == EAGAIN || errno == ECONNRESET, "recv");
            if (errno == ECONNRESET)
                peer_hang_up(peer);
            break;
        }
        buf_commit(&peer->in, (size_t)got);
    }
    if (peer->head == 0)
        measure(peer);
    return peer->head > 0 && peer->in.len >= peer->head + peer->body;
}

harborai_str peer_request_line(const struct peer *peer)
{
    const char *end = memchr(peer->in.data, '\r', peer->head);
    return (harborai_str){peer->in.data, (size_t)(end - peer->in.data)};
}

harborai_str peer_request_body(const struct peer *peer)
{
    return (harborai_str){peer->in.data + peer->head, peer->body};
}

harborai_str peer_request_field(const struct peer *peer, const char *name)
{
    const char *line = peer->in.data, *end = line + peer->head;
    size_t len = strlen(name);
    while ((line = memchr(line, '\n', (size_t)(end - line))) != NULL && ++line < end)
        if ((size_t)(end - line) > len && strncasecmp(line, name, len) == 0 && line[len] == ':') {
            const char *stop = memchr(line, '\r', (size_t)(end - line));
            return slice_trim((harborai_str){line + len + 1, (size_t)(stop - line) - len - 1});
        }
    return SLICE_NONE;
}

void peer_next(struct peer *peer)
{
    buf_clear(&peer->in);
    peer->head = peer->body = 0;
}

void peer_send(struct peer *peer, harborai_str bytes)
{
    while (bytes.len > 0 && peer->fd >= 0) {
        ssize_t sent = send(peer->fd, bytes.data, bytes.len, MSG_NOSIGNAL);
        if (sent < 0) { /* it may have read enough to be sure that something is wrong */
            must(errno == EPIPE || errno == ECONNRESET, "send");
            peer_hang_up(peer);
            return;
        }
        bytes = slice_from(bytes, (size_t)sent);
    }
}

void peer_hang_up(struct peer *peer)
{
    if (peer->fd < 0)
        return;
    close(peer->fd);
    peer->fd = -1;
    peer_next(peer);
}
