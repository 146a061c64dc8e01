/* SPDX-License-Identifier: MIT */
#include "peer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 10000 /* no script waits longer for anything */

static void *serve(void *argument)
{
    struct peer_side *side = argument;
    bool ready = true;
    if (side->peer->tls != NULL) {
        side->ssl = SSL_new(side->peer->tls);
        SSL_set_fd(side->ssl, side->fd);
        ready = SSL_accept(side->ssl) == 1;
        atomic_fetch_add(&side->peer->resumed, ready && SSL_session_reused(side->ssl));
    }
    if (ready)
        side->peer->serve(side);
    if (side->ssl != NULL && ready && !side->is_reset)
        SSL_shutdown(side->ssl);
    SSL_free(side->ssl);
    if (side->is_reset) {
        struct linger linger = {1, 0};
        setsockopt(side->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    }
    close(side->fd);
    return NULL;
}

static void *accept_all(void *argument)
{
    struct peer *peer = argument;
    for (int i = 0; i < PEER_CONNECTIONS; i++) {
        int fd = accept(peer->fd, NULL, NULL), one = 1;
        struct timeval patience = {PATIENCE_MS / 1000, 0};
        if (fd < 0)
            break;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        struct peer_side *side = &peer->sides[i];
        *side = (struct peer_side){.peer = peer, .fd = fd, .index = i};
        pthread_create(&side->thread, NULL, serve, side);
        atomic_fetch_add(&peer->accepted, 1);
    }
    return NULL;
}

void peer_start(struct peer *peer)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    signal(SIGPIPE, SIG_IGN);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(peer->fd, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(peer->fd, 64) < 0 ||
        getsockname(peer->fd, (struct sockaddr *)&address, &len) < 0) {
        perror("peer");
        exit(99);
    }
    peer->port = ntohs(address.sin_port);
    if (peer->cert_file != NULL) {
        peer->tls = SSL_CTX_new(TLS_server_method());
        if (SSL_CTX_use_certificate_chain_file(peer->tls, peer->cert_file) != 1 ||
            SSL_CTX_use_PrivateKey_file(peer->tls, peer->key_file, SSL_FILETYPE_PEM) != 1) {
            fprintf(stderr, "peer: cannot use %s\n", peer->cert_file);
            exit(99);
        }
    }
    pthread_create(&peer->thread, NULL, accept_all, peer);
}

void peer_stop(struct peer *peer)
{
    shutdown(peer->fd, SHUT_RDWR); /* ends accept() */
    pthread_join(peer->thread, NULL);
    for (int i = 0; i < atomic_load(&peer->accepted); i++)
        pthread_join(peer->sides[i].thread, NULL);
    close(peer->fd);
    SSL_CTX_free(peer->tls);
    peer->tls = NULL;
    atomic_store(&peer->accepted, 0);
}

size_t peer_read(struct peer_side *side, char *room, size_t len)
{
    ssize_t n = side->ssl != NULL ? SSL_read(side->ssl, room, (int)len)
                                  : read(side->fd, room, len);
    return n > 0 ? (size_t)n : 0;
}

static size_t body_len(const char *head, const char *end)
{
    const char *field = strstr(head, "content-length: ");
    return field != NULL && field < end ? strtoul(field + 16, NULL, 10) : 0;
}

const char *peer_request(struct peer_side *side)
{
    if (side->in_done == side->in_len)
        side->in_done = side->in_len = 0;
    side->in[side->in_len] = '\0';
    for (;;) {
        char *from = side->in + side->in_done;
        char *end = strstr(from, "\r\n\r\n");
        if (end != NULL) {
            size_t whole = (size_t)(end - from) + 4 + body_len(from, end);
            if (side->in_len - side->in_done >= whole) {
                side->in_done += whole;
                return from;
            }
        }
        size_t room = sizeof side->in - 1 - side->in_len;
        size_t n = room > 0 ? peer_read(side, side->in + side->in_len, room) : 0;
        if (n == 0)
            return NULL;
        side->in_len += n;
        side->in[side->in_len] = '\0';
    }
}

bool peer_send(struct peer_side *side, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = side->ssl != NULL ? SSL_write(side->ssl, text, (int)len)
                                      : send(side->fd, text, len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        text += n;
        len -= (size_t)n;
    }
    return true;
}

bool peer_say(struct peer_side *side, const char *text)
{
    return peer_send(side, text, strlen(text));
}

void peer_drain(struct peer_side *side)
{
    char room[65536];
    for (size_t n; (n = peer_read(side, room, sizeof room)) > 0;)
        atomic_fetch_add(&side->peer->body_bytes, n);
}
