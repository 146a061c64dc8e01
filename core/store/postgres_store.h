/* SPDX-License-Identifier: MIT */
/* PostgreSQL as a store of a drain: rows are gathered and go in one transaction with the positions.
 * What it says of the tables is in sql/. */
#ifndef STORE_POSTGRES_STORE_H
#define STORE_POSTGRES_STORE_H

#include "store/drain.h"

struct config;
struct postgres_store;

/* Connects to nothing yet. Copies what it needs of `config`. Returns owned. E_CONFIG: store.postgres
 * is not configured, or its URL cannot be read. [init] */
MUST_CHECK harborai_status postgres_store_create(const struct config *config,
                                                 struct postgres_store **ret_store,
                                                 harborai_error *error);
void postgres_store_destroy(struct postgres_store *store); /* NULL too; after its drain */

/* For drain_start() and drain_once(). Borrowed. */
struct drain_store *postgres_store_of(struct postgres_store *store);

/* Whatever it waits for in the server ends with E_CANCELLED, from now on: for who cannot wait. [any] */
void postgres_store_interrupt(struct postgres_store *store);

/* Whether the configuration asks for this very store. NULL: it asks for none. [any] */
bool postgres_store_is_of(const struct postgres_store *store, const struct config *config);

/* "db.example.com:5432/harborai". Borrowed. [any] */
const char *postgres_store_address(const struct postgres_store *store);

/* A state of a drain, as the seeds call it: POSTGRES_ACTIVE, FILE_FALLBACK, INITIALIZING, ERROR. A drain
 * that stands by is active: another process copies. [any] */
const char *postgres_store_state_name(enum drain_state state);

/* The same as the number that harborai_fallback_logger_state gives: 0, 1, 2, 3. [any] */
int postgres_store_state_number(enum drain_state state);

#endif
