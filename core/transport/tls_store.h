/* SPDX-License-Identifier: MIT */
/* Certificates of the authorities that we trust: a file is parsed once a process, on a job thread
 * (16 ms for Debian's bundle), and every connection shares what came out. */
#ifndef TRANSPORT_TLS_STORE_H
#define TRANSPORT_TLS_STORE_H

#include <openssl/x509_vfy.h>

#include "base/attr.h"
#include "transport/transport.h"
#include "transport/waiter.h"

struct tls_stores;

/* [init] All stores of a process. No thread is started before a file has to be parsed. */
MUST_CHECK harborai_status tls_stores_create(struct tls_stores **ret_stores,
                                             harborai_error *error);
/* Every reference must be gone. Waits for a file that is being read, without limit. */
void tls_stores_destroy(struct tls_stores *stores);
/* [any] A file is being read: tls_stores_destroy() would have to wait. */
MUST_CHECK bool tls_stores_are_busy(struct tls_stores *stores);

/* [any] What tls_store_get() does. */
MUST_CHECK harborai_status tls_stores_get(struct tls_stores *stores, harborai_str ca_file,
                                          struct tls_store **ret_store, harborai_error *error);
struct tls_store *tls_store_ref(struct tls_store *store); /* [any] */

/* [loop] HARBORAI_OK: it is parsed. WAITER_PENDING: waiter->on_done will be called. A file that
 * could not be read is tried again by the next who asks. */
MUST_CHECK harborai_status tls_store_ask(struct tls_store *store, struct waiter *waiter,
                                         harborai_error *error);
/* [loop] True: on_done will not come. False: it is on its way. */
MUST_CHECK bool tls_store_cancel(struct tls_store *store, struct waiter *waiter);

/* [loop] Once it is parsed. Borrowed from the store. */
X509_STORE *tls_store_x509(const struct tls_store *store);
const char *tls_store_file(const struct tls_store *store); /* [any] borrowed from the store */

#endif
