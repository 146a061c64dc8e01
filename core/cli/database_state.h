/* SPDX-License-Identifier: MIT */
/* What becomes of calls in PostgreSQL: the state that a gateway of this configuration would be in, and
 * what is there. */
#ifndef CLI_DATABASE_STATE_H
#define CLI_DATABASE_STATE_H

#include "cli/database.h"
#include "store/drain.h"
#include "store/postgres_status.h"
#include "wire/json_write.h"

struct database_state {
    enum drain_state state;
    int server;
    struct postgres_schema schema;
    struct postgres_status status;
    harborai_error error;
};

/* Connects. */
void database_state_look(struct database *database, struct database_state *ret_state);

/* Members of an object that is open. */
void database_state_write(const struct database *database, const struct database_state *state,
                          struct json_writer *w);
void database_state_print(const struct database *database, const struct database_state *state);

#endif
