/* SPDX-License-Identifier: MIT */
/* OpenSSL over sockets that do not block. Must never leave anything in its queue of errors, by which
 * the next connection of this thread would be judged. */
#include "server/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/slice.h"
#include "server/tls_pair.h"

#define SOON_S (INT64_C(14) * 86400) /* a certificate's end, of which the log warns */

struct tls_context {
    pthread_mutex_t lock; /* of `pair`, for as long as it takes to count one more who has it */
    SSL_CTX *pair;
    _Atomic int64_t end_s; /* its certificate's */
    BIO_METHOD *socket; /* how OpenSSL reads and writes */
};

struct tls {
    SSL *ssl;
    int fd;
    bool is_drained; /* the socket gave less than it was asked for: before an edge there is no more */
    bool is_last;    /* … but there may be its end */
    bool is_over;    /* which has come */
    bool is_dry;     /* tls_receive() has given all */
    bool has_begun;  /* a byte came */
    bool is_up, is_broken, has_ended;
    bool wants_to_write; /* to go on reading */
    enum tls_fault fault; /* of the last call */
    unsigned long reason; /* OpenSSL's */
    long verdict;         /* on the peer's certificate */
};

/* ---- The socket, as OpenSSL sees it ---------------------------------------------------------- */

static int read_socket(BIO *bio, char *room, int size)
{
    struct tls *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t len = -1;
    errno = EAGAIN;
    if (!tls->is_drained)
        do
            len = recv(tls->fd, room, (size_t)size, 0);
        while (len < 0 && errno == EINTR);
    tls->is_drained = len < size && !tls->is_last;
    tls->is_over = len == 0;
    tls->has_begun |= len > 0;
    if (len < 0 && errno == EAGAIN)
        BIO_set_retry_read(bio);
    return (int)len;
}

static int write_socket(BIO *bio, const char *data, int len)
{
    const struct tls *tls = BIO_get_data(bio);
    ssize_t sent;
    BIO_clear_retry_flags(bio);
    do
        sent = send(tls->fd, data, (size_t)len, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent < 0 && errno == EAGAIN)
        BIO_set_retry_write(bio);
    return (int)sent;
}

static long control_socket(BIO *bio, int what, long number UNUSED, void *pointer UNUSED)
{
    const struct tls *tls = BIO_get_data(bio);
    return what == BIO_CTRL_FLUSH || (what == BIO_CTRL_EOF && tls->is_over);
}

static BIO_METHOD *make_socket(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "gateway");
    if (method != NULL && BIO_meth_set_read(method, read_socket) == 1 &&
        BIO_meth_set_write(method, write_socket) == 1 &&
        BIO_meth_set_ctrl(method, control_socket) == 1)
        return method;
    BIO_meth_free(method);
    return NULL;
}

/* ---- The pair in force ----------------------------------------------------------------------- */

static void tell(const struct config_tls *options, SSL_CTX *pair, const struct log *log)
{
    int64_t left_s;
    char end[32];
    tls_pair_describe_end(pair, end, &left_s);
    log_write(log, left_s < SOON_S ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, "tls.loaded",
              "certificate='%.*s' expires='%s'", SLICE_ARG(options->certificate), end);
}

harborai_status tls_check(const struct config_tls *options, harborai_error *error)
{
    SSL_CTX *pair = NULL;
    if (options->certificate.len == 0)
        return HARBORAI_OK;
    harborai_status st = tls_pair_load(options, &pair, error);
    SSL_CTX_free(pair);
    return st;
}

harborai_status tls_context_create(const struct config_tls *options, const struct log *log,
                                   struct tls_context **ret_context, harborai_error *error)
{
    struct tls_context *context = calloc(1, sizeof *context);
    if (context == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    pthread_mutex_init(&context->lock, NULL);
    context->socket = make_socket();
    harborai_status st = context->socket != NULL
                             ? tls_pair_load(options, &context->pair, error)
                             : harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    if (st < 0) {
        tls_context_destroy(context);
        return st;
    }
    atomic_store(&context->end_s, tls_pair_end_s(context->pair));
    tell(options, context->pair, log);
    *ret_context = context;
    return HARBORAI_OK;
}

harborai_status tls_context_replace(struct tls_context *context, const struct config_tls *options,
                                    const struct log *log, harborai_error *error)
{
    SSL_CTX *next;
    harborai_status st = tls_pair_load(options, &next, error);
    if (st < 0)
        return st;
    tell(options, next, log);
    pthread_mutex_lock(&context->lock);
    SSL_CTX *before = context->pair;
    context->pair = next;
    pthread_mutex_unlock(&context->lock);
    atomic_store(&context->end_s, tls_pair_end_s(next));
    SSL_CTX_free(before);
    return HARBORAI_OK;
}

int64_t tls_context_end_s(const struct tls_context *context)
{
    return atomic_load(&context->end_s);
}

void tls_context_destroy(struct tls_context *context)
{
    if (context == NULL)
        return;
    SSL_CTX_free(context->pair);
    BIO_meth_free(context->socket);
    pthread_mutex_destroy(&context->lock);
    free(context);
}

/* ---- A connection ---------------------------------------------------------------------------- */

static SSL *make_ssl(struct tls_context *context)
{
    pthread_mutex_lock(&context->lock);
    SSL_CTX *pair = context->pair;
    (void)SSL_CTX_up_ref(pair); /* fails for a count of 0 alone */
    pthread_mutex_unlock(&context->lock);
    SSL *ssl = SSL_new(pair);
    SSL_CTX_free(pair);
    return ssl;
}

struct tls *tls_open(struct tls_context *context, int fd)
{
    struct tls *tls = calloc(1, sizeof *tls);
    SSL *ssl = tls != NULL ? make_ssl(context) : NULL;
    BIO *bio = ssl != NULL ? BIO_new(context->socket) : NULL;
    if (bio == NULL) {
        SSL_free(ssl);
        free(tls);
        ERR_clear_error();
        return NULL;
    }
    *tls = (struct tls){.ssl = ssl, .fd = fd};
    BIO_set_data(bio, tls);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio); /* owns it */
    SSL_set_accept_state(ssl);
    return tls;
}

void tls_end(struct tls *tls)
{
    if (!tls->is_up || tls->is_broken || tls->has_ended)
        return;
    tls->has_ended = true;
    ERR_clear_error();
    (void)SSL_shutdown(tls->ssl); /* what does not fit now is not worth waiting for */
    ERR_clear_error();
}

void tls_close(struct tls *tls)
{
    if (tls == NULL)
        return;
    tls_end(tls);
    SSL_free(tls->ssl);
    free(tls);
}

static bool is_reason(const struct tls *tls, int reason)
{
    return ERR_GET_LIB(tls->reason) == ERR_LIB_SSL && ERR_GET_REASON(tls->reason) == reason;
}

/* What a call that did not succeed means. */
static enum tls_fault judge(struct tls *tls)
{
    int kind = SSL_get_error(tls->ssl, 0);
    if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE)
        return TLS_AGAIN;
    if (kind == SSL_ERROR_ZERO_RETURN)
        return TLS_END;
    if (!tls->is_broken) {
        tls->reason = ERR_peek_error();
        tls->verdict = SSL_get_verify_result(tls->ssl);
    }
    tls->is_broken = true;
    ERR_clear_error();
    return is_reason(tls, SSL_R_HTTP_REQUEST) ? TLS_PLAIN_HTTP : TLS_BROKEN;
}

enum tls_fault tls_receive(struct tls *tls, char *room, size_t size, bool is_last, size_t *ret_len)
{
    enum tls_fault fault = TLS_OK;
    size_t len = 0, more;
    tls->is_last = is_last;
    tls->is_drained = tls->is_drained && !is_last;
    ERR_clear_error();
    while (len < size && fault == TLS_OK) {
        if (SSL_read_ex(tls->ssl, room + len, size - len, &more) == 1)
            len += more;
        else
            fault = judge(tls);
    }
    tls->is_dry = fault == TLS_AGAIN;
    tls->wants_to_write = fault == TLS_AGAIN && SSL_want_write(tls->ssl);
    tls->is_up = tls->is_up || SSL_is_init_finished(tls->ssl);
    tls->fault = fault;
    *ret_len = len;
    return len > 0 ? TLS_OK : fault;
}

enum tls_fault tls_send(struct tls *tls, const char *data, size_t len, size_t *ret_len)
{
    ERR_clear_error();
    if (tls->is_broken || !tls->is_up)
        return TLS_BROKEN;
    return SSL_write_ex(tls->ssl, data, len, ret_len) == 1 ? TLS_OK : judge(tls);
}

bool tls_wakes(struct tls *tls, bool is_writable)
{
    tls->is_drained = false;
    return is_writable && tls->wants_to_write;
}

bool tls_has_more(const struct tls *tls)
{
    return !tls->is_dry;
}

bool tls_is_up(const struct tls *tls)
{
    return tls->is_up;
}

enum tls_fault tls_last_fault(const struct tls *tls)
{
    return tls->fault;
}

bool tls_is_within(const struct tls *tls)
{
    return tls->is_up ? SSL_has_pending(tls->ssl) == 1 : tls->has_begun;
}

/* ---- Words ----------------------------------------------------------------------------------- */

const char *tls_reason(const struct tls *tls)
{
    const char *reason = ERR_reason_error_string(tls->reason);
    if (!tls->is_broken)
        return "the client closed the connection";
    if (is_reason(tls, SSL_R_CERTIFICATE_VERIFY_FAILED))
        return X509_verify_cert_error_string(tls->verdict);
    return reason != NULL ? reason : "the connection was reset";
}

bool tls_subject(const struct tls *tls, char *text, size_t size)
{
    X509 *peer = SSL_get0_peer_certificate(tls->ssl);
    BIO *memory = peer != NULL ? BIO_new(BIO_s_mem()) : NULL;
    if (memory == NULL)
        return false;
    (void)X509_NAME_print_ex(memory, X509_get_subject_name(peer), 0,
                             XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB);
    int len = BIO_read(memory, text, (int)size - 1);
    text[len > 0 ? len : 0] = '\0';
    BIO_free(memory);
    ERR_clear_error();
    return true;
}
