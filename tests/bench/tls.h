/* SPDX-License-Identifier: MIT */
#ifndef BENCH_TLS_H
#define BENCH_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* What all connections of a server share, of two PEM files. Exits when they are no good. */
SSL_CTX *tls_server(const char *certificate, const char *key);

/* The server's side of a connection on a non-blocking socket, which shakes hands as it is read. */
SSL *tls_accept(SSL_CTX *server, int fd);

/* As recv() and send() of a non-blocking socket: -1 with EAGAIN in errno when they must wait. */
ssize_t tls_recv(SSL *ssl, void *data, size_t len);
ssize_t tls_send(SSL *ssl, const void *data, size_t len);

/* Whether bytes wait that the socket does not tell of any more. */
bool tls_has_pending(const SSL *ssl);

#endif
