/* SPDX-License-Identifier: MIT */
/* Failed connections in words. Must never quote a proxy's URL, which may hold a password. */
#include <errno.h>
#include <openssl/x509_vfy.h>

#include "base/error.h"
#include "transport/connect.h"
#include "transport/tls_store.h"

#define WAY_OUT "set tls.ca_file or providers.<name>.tls.ca_file"

static void explain_certificate(struct connection *c, harborai_error *error)
{
    const char *label = c->origin->label;
    long reason = X509_V_OK;
    curl_easy_getinfo(c->easy, CURLINFO_SSL_VERIFYRESULT, &reason);
    switch (reason) {
    case X509_V_OK: /* the chain was good, so it was the name … */
    case X509_V_ERR_UNSPECIFIED: /* … which libcurl 7.88 checks before it asks for the result */
        harborai_error_set(
            error, HARBORAI_E_NETWORK,
            "cannot trust %s: its certificate is for another name: base_url must have "
            "the name that it is for",
            label);
        break;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        harborai_error_set(
            error, HARBORAI_E_NETWORK,
            "cannot trust %s: its certificate has expired: who runs it must renew it, "
            "unless this machine's clock is wrong",
            label);
        break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        harborai_error_set(error, HARBORAI_E_NETWORK,
                           "cannot trust %s: its certificate is not valid yet; is this machine's "
                           "clock right?",
                           label);
        break;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        harborai_error_set(error, HARBORAI_E_NETWORK,
                           "cannot trust %s: its certificate is signed by an authority that is not "
                           "in '%s'; " WAY_OUT,
                           label, tls_store_file(c->origin->store));
        break;
    default:
        harborai_error_set(error, HARBORAI_E_NETWORK, "cannot trust %s: %s; " WAY_OUT, label,
                           X509_verify_cert_error_string(reason));
    }
}

static void explain_connect(struct connection *c, CURLcode code, const char *curl_words,
                            harborai_error *error)
{
    long number = 0;
    char text[128];
    curl_easy_getinfo(c->easy, CURLINFO_OS_ERRNO, &number);
    const char *reason = number != 0             ? error_of_errno((int)number, text)
                         : curl_words[0] != '\0' ? curl_words
                                                 : curl_easy_strerror(code);
    harborai_error_set(error, HARBORAI_E_NETWORK,
                       "cannot connect to %s: %s; check the provider's base_url, and the network",
                       c->origin->label, reason);
}

/* Ours to mend, not the vendor's. */
static void explain_socket(struct connection *c, int fault, harborai_error *error)
{
    char text[128];
    const char *way_out = fault == EMFILE ? "LimitNOFILE (ulimit -n) of this process"
                                          : "fs.file-max of this machine";
    harborai_error_set(error, HARBORAI_E_NETWORK,
                       "cannot open a socket to connect to %s: %s: raise %s", c->origin->label,
                       error_of_errno(fault, text), way_out);
}

static void explain_proxy(struct connection *c, CURLcode code, harborai_error *error)
{
    long status = 0;
    curl_easy_getinfo(c->easy, CURLINFO_HTTP_CONNECTCODE, &status);
    if (status != 0)
        harborai_error_set(error, HARBORAI_E_NETWORK,
                           "cannot connect to %s: the proxy answered %ld; see https_proxy and "
                           "no_proxy in the environment",
                           c->origin->label, status);
    else
        harborai_error_set(
            error, HARBORAI_E_NETWORK,
            "cannot connect to %s by the proxy of the environment: %s; see https_proxy "
            "and no_proxy there",
            c->origin->label, curl_easy_strerror(code));
}

void connect_explain(struct connection *c, CURLcode code, int fault, const char *curl_words,
                     harborai_error *error)
{
    long proxied = 0;
    curl_easy_getinfo(c->easy, CURLINFO_HTTP_CONNECTCODE, &proxied);
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        explain_certificate(c, error);
    else if (code == CURLE_OPERATION_TIMEDOUT)
        harborai_error_set(error, HARBORAI_E_TIMEOUT,
                           "no connection to %s in time; raise timeouts.connect if it is but slow",
                           c->origin->label);
    else if (code == CURLE_OUT_OF_MEMORY)
        harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left to connect to %s",
                           c->origin->label);
    else if (code == CURLE_SSL_CONNECT_ERROR)
        harborai_error_set(error, HARBORAI_E_NETWORK,
                           "no TLS with %s: %s; if it speaks none, base_url begins with http://",
                           c->origin->label,
                           curl_words[0] != '\0' ? curl_words : curl_easy_strerror(code));
    else if (code == CURLE_COULDNT_RESOLVE_PROXY || code == CURLE_PROXY ||
             (proxied != 0 && proxied != 200))
        explain_proxy(c, code, error);
    else if (fault == EMFILE || fault == ENFILE)
        explain_socket(c, fault, error);
    else
        explain_connect(c, code, curl_words, error);
}
