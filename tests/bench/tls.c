/* SPDX-License-Identifier: MIT */
/* TLS for the bench's upstream, as vendors have it: OpenSSL's defaults, tickets, no client certificates.
 * Memory and reads are kept low, since the upstream shares the processors with what is measured. */
#include "tests/bench/tls.h"

#include <errno.h>
#include <openssl/err.h>

#include "tests/bench/args.h"

static _Noreturn void die(const char *what, const char *file)
{
    char reason[160];
    ERR_error_string_n(ERR_peek_last_error(), reason, sizeof reason);
    args_die("%s '%s': %s", what, file, reason);
}

SSL_CTX *tls_server(const char *certificate, const char *key)
{
    SSL_CTX *server = SSL_CTX_new(TLS_server_method());
    if (!server)
        die("cannot set up TLS for", certificate);
    if (SSL_CTX_use_certificate_chain_file(server, certificate) != 1)
        die("cannot read the certificate", certificate);
    if (SSL_CTX_use_PrivateKey_file(server, key, SSL_FILETYPE_PEM) != 1)
        die("cannot use the key", key);
    SSL_CTX_set_mode(server, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                 SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(server, 1);
    SSL_CTX_set_session_cache_mode(server, SSL_SESS_CACHE_OFF); /* tickets are enough */
    return server;
}

SSL *tls_accept(SSL_CTX *server, int fd)
{
    SSL *ssl = SSL_new(server);
    if (!ssl || SSL_set_fd(ssl, fd) != 1)
        args_die("out of memory for a connection");
    SSL_set_accept_state(ssl);
    return ssl;
}

/* The count of bytes, 0 for an end, -1 with errno. */
static ssize_t result(const SSL *ssl, int done, size_t len)
{
    if (done > 0)
        return (ssize_t)len;
    int reason = SSL_get_error(ssl, done);
    ERR_clear_error();
    if (reason == SSL_ERROR_ZERO_RETURN)
        return 0;
    errno = reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE ? EAGAIN : ECONNRESET;
    return -1;
}

ssize_t tls_recv(SSL *ssl, void *data, size_t len)
{
    size_t got = 0;
    int done = SSL_read_ex(ssl, data, len, &got);
    return result(ssl, done, got);
}

ssize_t tls_send(SSL *ssl, const void *data, size_t len)
{
    size_t sent = 0;
    int done = SSL_write_ex(ssl, data, len, &sent);
    return result(ssl, done, sent);
}

bool tls_has_pending(const SSL *ssl)
{
    return SSL_has_pending(ssl) == 1;
}
