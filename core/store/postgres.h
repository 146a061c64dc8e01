/* SPDX-License-Identifier: MIT */
/* A connection to PostgreSQL, by libpq, that waits in one place: for the server, but no longer than a
 * limit, and for whoever wants it to stop. Not for two threads at once. [job]
 *
 * libpq looks a host's name up by itself, which neither ends: the resolver's limits do. */
#ifndef STORE_POSTGRES_H
#define STORE_POSTGRES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/slice.h"

struct config;
struct pg_conn;
struct pg_result;

/* ---- Where it is ---------------------------------------------------------------------------- */

struct postgres_address; /* immutable; holds the password */

/* From store.postgres, which is copied. E_CONFIG: the URL cannot be read, or it is not configured; the
 * message quotes nothing of the URL. */
MUST_CHECK harborai_status postgres_address_create(const struct config *config,
                                                   struct postgres_address **ret_address,
                                                   harborai_error *error);
void postgres_address_destroy(struct postgres_address *address); /* NULL too; wipes it */

/* "db.example.com:5432/harborai": for people; no user, no password. Borrowed. */
const char *postgres_address_text(const struct postgres_address *address);
bool postgres_address_equal(const struct postgres_address *a, const struct postgres_address *b);

/* For libpq: as many of both, then NULL. */
const char *const *postgres_address_keywords(const struct postgres_address *address);
const char *const *postgres_address_values(const struct postgres_address *address);

/* ---- The connection ------------------------------------------------------------------------- */

struct postgres {
    struct pg_conn *connection; /* owned */
    const struct postgres_address *address;
    int stop_fd;        /* borrowed; readable: stop. -1 = none */
    int64_t limit_ms;   /* of one statement */
    char sqlstate[6];   /* of the last failure; "" = it had none */
};

#define POSTGRES_CONNECT_MS 10000
#define POSTGRES_STATEMENT_MS 60000

/* Connects, and makes the session as it has to be. E_CONFIG: wrong password, no such database, TLS is
 * asked for and absent, a certificate that nobody vouches for, a server before 13, an encoding other than
 * UTF8: waiting does not mend it. E_NETWORK, E_TIMEOUT: it is not to be had now. E_CANCELLED: stop_fd.
 * Borrows `address` as long as it is open. */
MUST_CHECK harborai_status postgres_open(struct postgres *pg, const struct postgres_address *address,
                                         int stop_fd, harborai_error *error);

/* The same of who has no POSTGRES_CONNECT_MS; statements get as long as the connection. */
MUST_CHECK harborai_status postgres_open_within(struct postgres *pg,
                                                const struct postgres_address *address,
                                                int stop_fd, int64_t limit_ms,
                                                harborai_error *error);
void postgres_close(struct postgres *pg); /* also a zeroed or closed one; waits for nothing */

/* Runs statements, without parameters; the results are thrown away. */
MUST_CHECK harborai_status postgres_run(struct postgres *pg, const char *sql, harborai_error *error);

/* One statement with `count` parameters as text, each NUL-terminated or NULL. *ret_result is owned: to be
 * given to PQclear(). Errors: E_INVALID, a value is refused (classes 22, 23, 54); E_CONFIG, a right or
 * a table is missing; E_OVERLOADED, another transaction was in the way, try again; E_TIMEOUT: no answer
 * within limit_ms, or within the session's statement_timeout; E_NETWORK, E_CANCELLED: the connection is of
 * no use any more, or the server takes no writes; E_INTERNAL. */
MUST_CHECK harborai_status postgres_ask(struct postgres *pg, const char *sql, int count,
                                        const char *const *values, struct pg_result **ret_result,
                                        harborai_error *error);

/* The same of what postgres_prepare() gave a name. */
MUST_CHECK harborai_status postgres_prepare(struct postgres *pg, const char *name, const char *sql,
                                            harborai_error *error);
MUST_CHECK harborai_status postgres_ask_prepared(struct postgres *pg, const char *name, int count,
                                                 const char *const *values,
                                                 struct pg_result **ret_result,
                                                 harborai_error *error);

/* The server's, as 150020. */
int postgres_version(const struct postgres *pg);

#endif
