/* SPDX-License-Identifier: MIT */
/* PostgreSQL as db verify looks at it. [job] */
#ifndef STORE_VERIFY_POSTGRES_H
#define STORE_VERIFY_POSTGRES_H

#include "store/verify.h"

struct config;

/* Connects to nothing yet. Copies what it needs of `config`. Returns owned. E_CONFIG: store.postgres
 * is not configured, or its URL cannot be read. E_MEMORY. */
MUST_CHECK harborai_status verify_postgres_create(const struct config *config,
                                                  struct verify_store **ret_store,
                                                  harborai_error *error);

#endif
