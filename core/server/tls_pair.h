/* SPDX-License-Identifier: MIT */
/* Files of a certificate and its key become a context of OpenSSL's, or a reason why not. */
#ifndef SERVER_TLS_PAIR_H
#define SERVER_TLS_PAIR_H

#include <openssl/ssl.h>

#include "base/attr.h"
#include "config/config.h"

/* E_CONFIG: the file, what is wrong with it, and what to do. [any] It waits for the disk. */
MUST_CHECK harborai_status tls_pair_load(const struct config_tls *options, SSL_CTX **ret_context,
                                         harborai_error *error);

/* "2027-01-31 12:00:00 UTC": when the certificate ends. *ret_left_s: how long that is from now. */
void tls_pair_describe_end(SSL_CTX *context, char text[static 32], int64_t *ret_left_s);
/* The same in seconds since 1970. */
int64_t tls_pair_end_s(SSL_CTX *context);

#endif
