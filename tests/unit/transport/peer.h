/* SPDX-License-Identifier: MIT */
/* A vendor of the test's own: a listener on 127.0.0.1 with a thread for each connection, which
 * follows a script. It parses nothing but the end of a request. */
#ifndef TESTS_TRANSPORT_PEER_H
#define TESTS_TRANSPORT_PEER_H

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

enum { PEER_CONNECTIONS = 16 };

struct peer;

struct peer_side { /* one accepted connection */
    struct peer *peer;
    pthread_t thread;
    int fd, index;
    SSL *ssl;
    char in[8192]; /* the requests as they came */
    size_t in_len, in_done;
    bool is_reset; /* close by RST */
};

struct peer {
    /* Runs on the connection's thread; the connection is closed after it. */
    void (*serve)(struct peer_side *side);
    void *context; /* the script's */
    const char *key_file, *cert_file; /* TLS, if set */
    int fd, port;
    pthread_t thread;
    SSL_CTX *tls;
    atomic_int accepted, resumed; /* resumed: TLS sessions */
    atomic_ullong body_bytes; /* of what peer_drain() read */
    struct peer_side sides[PEER_CONNECTIONS];
};

void peer_start(struct peer *peer);
void peer_stop(struct peer *peer); /* after the clients have closed their connections */

/* Reads up to the end of the next request, with a body as Content-Length says. Returns its head as
 * a C string, or NULL at the end of the connection. */
const char *peer_request(struct peer_side *side);
/* False: the connection is gone. */
bool peer_send(struct peer_side *side, const char *text, size_t len);
bool peer_say(struct peer_side *side, const char *text);
/* Reads up to `len` bytes; 0 at the end. */
size_t peer_read(struct peer_side *side, char *room, size_t len);
/* Reads and counts until the client closes. */
void peer_drain(struct peer_side *side);

#endif
