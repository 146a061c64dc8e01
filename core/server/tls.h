/* SPDX-License-Identifier: MIT */
/* TLS towards clients: a certificate with its key from files, replaced while the gateway runs, and
 * what OpenSSL needs for one connection. Sockets do not block, so nothing here does. */
#ifndef SERVER_TLS_H
#define SERVER_TLS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/log.h"
#include "config/config.h"

/* --- The pair in force: tls.c, tls_pair.c ------------------------------------------------------ */

struct tls_context; /* of all loops */

/* Whether the files are good; without a certificate there are none. E_CONFIG as below. [any] It waits
 * for the disk. */
MUST_CHECK harborai_status tls_check(const struct config_tls *options, harborai_error *error);

/* Reads the files of `options`, which have a certificate. E_CONFIG: the file and what is wrong with
 * it, in words. [init] It waits for the disk. */
MUST_CHECK harborai_status tls_context_create(const struct config_tls *options, const struct log *log,
                                              struct tls_context **ret_context,
                                              harborai_error *error);
/* Reads them again, for connections from now on; those that there are keep theirs. E_CONFIG: what
 * was in force is. [any but a loop] */
MUST_CHECK harborai_status tls_context_replace(struct tls_context *context,
                                               const struct config_tls *options,
                                               const struct log *log, harborai_error *error);
/* When the certificate in force ends: seconds since 1970. [any] */
int64_t tls_context_end_s(const struct tls_context *context);
void tls_context_destroy(struct tls_context *context); /* no loop runs any more. Accepts NULL */

/* --- A connection: tls.c. All [loop] ----------------------------------------------------------- */

struct tls;

/* For a socket that was accepted; borrows it. NULL: no memory. */
struct tls *tls_open(struct tls_context *context, int fd);
/* Tells the peer that this is the end, if it can hear it. Closes no socket. Accepts NULL. */
void tls_close(struct tls *tls);

enum tls_fault {
    TLS_OK,
    TLS_AGAIN,      /* an edge of the socket will come */
    TLS_END,        /* the peer has ended it */
    TLS_PLAIN_HTTP, /* these are no bytes of TLS, but a request */
    TLS_BROKEN      /* tls_reason() says why */
};

/* As many bytes as there are and have room; the handshake goes on by it, too. *ret_len > 0: what
 * comes behind them is told by the next call. `is_last`: the peer has shut its side of the socket, no
 * edge will tell of more. */
enum tls_fault tls_receive(struct tls *tls, char *room, size_t size, bool is_last, size_t *ret_len);
/* TLS_OK: *ret_len > 0 of them. Who has to try again gives the same bytes again, or more. */
enum tls_fault tls_send(struct tls *tls, const char *data, size_t len, size_t *ret_len);
/* "No more": the peer reads the end once it has read all. */
void tls_end(struct tls *tls);

/* An edge of the socket came; whether it is one that tls_receive() waits for. */
bool tls_wakes(struct tls *tls, bool is_writable);
/* Whether tls_receive() may have more without an edge. */
bool tls_has_more(const struct tls *tls);

/* What tls_receive() met last, also where it gave bytes. */
enum tls_fault tls_last_fault(const struct tls *tls);
/* The handshake is complete. */
bool tls_is_up(const struct tls *tls);
/* Something has come of it, or of what follows, and is not complete. */
bool tls_is_within(const struct tls *tls);

/* Why it is TLS_BROKEN, for a person. Borrowed until the next call. */
const char *tls_reason(const struct tls *tls);
/* The subject of the peer's certificate, as "CN=app-1,O=Example"; false: it has shown none. */
bool tls_subject(const struct tls *tls, char *text, size_t size);

#endif
