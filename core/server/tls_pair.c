/* SPDX-License-Identifier: MIT */
/* Reads and checks. Everything that would make each handshake fail is said here, before the first. */
#include "server/tls_pair.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/slice.h"

/* RFC 9325 (4.2.1): what TLS 1.2 may use; 1.3 has none other. */
#define CIPHERS_TLS12 "ECDHE+AESGCM:ECDHE+CHACHA20"
#define SESSION_NAME "harborai"

/* ---- Words ----------------------------------------------------------------------------------- */

/* OpenSSL's own, of the first thing that went wrong; its queue is empty then. */
static const char *library_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    ERR_clear_error();
    return reason != NULL ? reason : "no reason is known";
}

static bool is_no_pem(void)
{
    unsigned long first = ERR_peek_error();
    return ERR_GET_LIB(first) == ERR_LIB_PEM && ERR_GET_REASON(first) == PEM_R_NO_START_LINE;
}

static harborai_status refuse(const char *what, harborai_str file, const char *why,
                              harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_CONFIG, "the %s '%.*s' %s", what, SLICE_ARG(file),
                              why);
}

/* OpenSSL says little about a file that it cannot open, and would wait for what is a pipe's. */
static harborai_status check_readable(const char *what, harborai_str file, harborai_error *error)
{
    char text[128], byte;
    struct stat status = {.st_mode = S_IFREG};
    int fd = open(file.data, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int fault = fd < 0 || fstat(fd, &status) != 0 || read(fd, &byte, 1) < 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))
        return refuse(what, file, "is no regular file: it is read again upon SIGHUP", error);
    if (fault == 0)
        return HARBORAI_OK;
    return harborai_error_set(error, HARBORAI_E_CONFIG, "the %s '%.*s' cannot be read: %s", what,
                              SLICE_ARG(file), error_of_errno(fault, text));
}

/* ---- The certificate ------------------------------------------------------------------------- */

static void format_moment(const ASN1_TIME *moment, char text[static 32])
{
    struct tm parts;
    if (ASN1_TIME_to_tm(moment, &parts) != 1 ||
        strftime(text, 32, "%Y-%m-%d %H:%M:%S UTC", &parts) == 0)
        memcpy(text, "an unknown time", sizeof "an unknown time");
}

static harborai_status check_period(SSL_CTX *context, harborai_str file, harborai_error *error)
{
    const X509 *leaf = SSL_CTX_get0_certificate(context);
    const ASN1_TIME *begin = X509_get0_notBefore(leaf), *end = X509_get0_notAfter(leaf);
    char moment[32], why[160];
    if (X509_cmp_current_time(end) < 0) {
        format_moment(end, moment);
        snprintf(why, sizeof why, "expired on %s: renew it", moment);
        return refuse("certificate", file, why, error);
    }
    if (X509_cmp_current_time(begin) > 0) {
        format_moment(begin, moment);
        snprintf(why, sizeof why, "is not valid before %s: check the clock of this machine", moment);
        return refuse("certificate", file, why, error);
    }
    return HARBORAI_OK;
}

static harborai_status load_certificate(SSL_CTX *context, harborai_str file, harborai_error *error)
{
    char why[256];
    harborai_status st = check_readable("certificate", file, error);
    if (st < 0)
        return st;
    if (SSL_CTX_use_certificate_chain_file(context, file.data) == 1)
        return check_period(context, file, error);
    if (is_no_pem()) {
        ERR_clear_error();
        return refuse("certificate", file,
                      "is none in PEM format, which begins with -----BEGIN CERTIFICATE-----: of DER "
                      "'openssl x509 -inform der' makes it", error);
    }
    snprintf(why, sizeof why, "cannot be used: %s", library_reason());
    return refuse("certificate", file, why, error);
}

/* ---- The key --------------------------------------------------------------------------------- */

static int ask_for_passphrase(char *text UNUSED, int size UNUSED, int is_writing UNUSED, void *asked)
{
    *(bool *)asked = true;
    return -1; /* nobody is there to be asked */
}

static EVP_PKEY *read_key(const char *file, bool *ret_encrypted)
{
    BIO *bio = BIO_new_file(file, "r");
    EVP_PKEY *key = bio != NULL
                        ? PEM_read_bio_PrivateKey(bio, NULL, ask_for_passphrase, ret_encrypted)
                        : NULL;
    BIO_free(bio);
    return key;
}

static harborai_status check_key(SSL_CTX *context, EVP_PKEY *key, const struct config_tls *options,
                                 harborai_error *error)
{
    char why[512];
    if (X509_check_private_key(SSL_CTX_get0_certificate(context), key) != 1) {
        ERR_clear_error();
        snprintf(why, sizeof why, "does not belong to the certificate '%.*s': set both to files of one "
                 "pair", SLICE_ARG(slice_cut(options->certificate, 300)));
        return refuse("key", options->key, why, error);
    }
    if (SSL_CTX_use_PrivateKey(context, key) == 1)
        return HARBORAI_OK;
    snprintf(why, sizeof why, "cannot be used: %s", library_reason());
    return refuse("key", options->key, why, error);
}

static harborai_status load_key(SSL_CTX *context, const struct config_tls *options,
                                harborai_error *error)
{
    bool is_encrypted = false;
    harborai_status st = check_readable("key", options->key, error);
    if (st < 0)
        return st;
    EVP_PKEY *key = read_key(options->key.data, &is_encrypted);
    if (key != NULL) {
        st = check_key(context, key, options, error);
        EVP_PKEY_free(key);
        return st;
    }
    ERR_clear_error();
    if (is_encrypted)
        return refuse("key", options->key,
                      "is encrypted, and nobody can be asked for its passphrase: 'openssl pkey' writes "
                      "one without, for a file that only the gateway can read", error);
    /* Not with its dashes: what follows them is a secret to who masks the log. */
    return refuse("key", options->key,
                  "is none in PEM format, or not whole: its first line says BEGIN PRIVATE KEY and its last "
                  "one END", error);
}

/* ---- Certificates of clients ----------------------------------------------------------------- */

static harborai_status load_client_ca(SSL_CTX *context, harborai_str file, harborai_error *error)
{
    harborai_status st = check_readable("CA file of clients", file, error);
    if (st < 0)
        return st;
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(file.data);
    if (names == NULL || SSL_CTX_load_verify_file(context, file.data) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        ERR_clear_error();
        return refuse("CA file of clients", file, "holds no certificate in PEM format", error);
    }
    SSL_CTX_set_client_CA_list(context, names); /* what clients are told to choose by; owns it */
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return HARBORAI_OK;
}

/* ---- The context ----------------------------------------------------------------------------- */

/* RFC 7301 (3.2): with no name in common the handshake fails, so that no client waits for HTTP/2. */
static int choose_protocol(SSL *ssl UNUSED, const unsigned char **ret_name, unsigned char *ret_len,
                           const unsigned char *offered, unsigned len, void *context UNUSED)
{
    static const unsigned char ours[] = "\x08http/1.1\x08http/1.0";
    unsigned char *name;
    if (SSL_select_next_proto(&name, ret_len, ours, sizeof ours - 1, offered, len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *ret_name = name;
    return SSL_TLSEXT_ERR_OK;
}

/* Sessions are resumed by tickets, which need no memory here and are good until the pair is read
 * again: no client gets in by the session of a CA that is not trusted any more. An idle connection
 * has no buffers. One read takes all that is there, not a record's head and then its body. */
static bool set_up(SSL_CTX *context, enum config_tls_version least)
{
    static const int versions[] = {[CONFIG_TLS_1_2] = TLS1_2_VERSION,
                                   [CONFIG_TLS_1_3] = TLS1_3_VERSION};
    static const unsigned char name[] = SESSION_NAME;
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    return SSL_CTX_set_num_tickets(context, 1) == 1 &&
           SSL_CTX_set_session_id_context(context, name, sizeof name - 1) == 1 &&
           SSL_CTX_set_min_proto_version(context, versions[least]) == 1 &&
           SSL_CTX_set_cipher_list(context, CIPHERS_TLS12) == 1;
}

harborai_status tls_pair_load(const struct config_tls *options, SSL_CTX **ret_context,
                              harborai_error *error)
{
    ERR_clear_error();
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (context == NULL || !set_up(context, options->min_version)) {
        SSL_CTX_free(context);
        return harborai_error_set(error, HARBORAI_E_CONFIG, "OpenSSL cannot make a context for TLS: %s",
                                  library_reason());
    }
    harborai_status st = load_certificate(context, options->certificate, error);
    if (st >= 0)
        st = load_key(context, options, error);
    if (st >= 0 && options->client_ca.len > 0)
        st = load_client_ca(context, options->client_ca, error);
    if (st < 0) {
        SSL_CTX_free(context);
        return st;
    }
    *ret_context = context;
    return HARBORAI_OK;
}

void tls_pair_describe_end(SSL_CTX *context, char text[static 32], int64_t *ret_left_s)
{
    const ASN1_TIME *end = X509_get0_notAfter(SSL_CTX_get0_certificate(context));
    int days = 0, seconds = 0;
    format_moment(end, text);
    (void)ASN1_TIME_diff(&days, &seconds, NULL, end);
    *ret_left_s = INT64_C(86400) * days + seconds;
}

int64_t tls_pair_end_s(SSL_CTX *context)
{
    struct tm end;
    if (ASN1_TIME_to_tm(X509_get0_notAfter(SSL_CTX_get0_certificate(context)), &end) != 1)
        return 0;
    return timegm(&end);
}
