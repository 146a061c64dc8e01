/* SPDX-License-Identifier: MIT */
/* The tables in PostgreSQL: what is there, and what has to be done. Each step is one transaction under a
 * lock that all gateways take, so that what fails has changed nothing. sql/ has the statements. [job] */
#ifndef STORE_POSTGRES_SCHEMA_H
#define STORE_POSTGRES_SCHEMA_H

#include "base/buf.h"
#include "store/postgres.h"

enum postgres_schema_state {
    POSTGRES_SCHEMA_NONE,    /* nothing of ours: it can be made */
    POSTGRES_SCHEMA_OLD,     /* ours, and migrations are missing */
    POSTGRES_SCHEMA_CURRENT,
    POSTGRES_SCHEMA_NEWER,   /* of a newer HarborAI */
    POSTGRES_SCHEMA_FOREIGN, /* tables of these names that are not ours: the Python HarborAI's */
    POSTGRES_SCHEMA_CHANGED  /* a migration was applied that is not the one that we know */
};

struct postgres_schema {
    enum postgres_schema_state state;
    int version, newest; /* applied, that we know; 0 = none */
    char database[64], role[64], schema[64], foreign[64]; /* a table that is in the way */
};

/* Changes nothing. */
MUST_CHECK harborai_status postgres_schema_look(struct postgres *pg, struct postgres_schema *ret_schema,
                                                harborai_error *error);

/* E_CONFIG for a state that waiting does not mend: with `may_migrate`, all but those in which
 * postgres_schema_migrate() can do something. The message has the way out. */
MUST_CHECK harborai_status postgres_schema_check(const struct postgres_schema *schema,
                                                 bool may_migrate, harborai_error *error);

/* Makes the tables, or brings them up to date; does nothing to current ones. `by` is told in
 * harborai_schema. How many steps it took. */
MUST_CHECK harborai_status postgres_schema_migrate(struct postgres *pg, const char *by,
                                                   unsigned *ret_steps, harborai_error *error);

/* Takes away everything that is ours, with all calls. E_CONFIG: it is not ours, or newer. */
MUST_CHECK harborai_status postgres_schema_drop(struct postgres *pg, harborai_error *error);

/* What postgres_schema_migrate() would do to a database of that version, as SQL. */
void postgres_schema_write(int version, struct buf *out);

/* "none", "old", "current", "newer", "foreign", "changed" */
const char *postgres_schema_state_name(enum postgres_schema_state state);

#endif
