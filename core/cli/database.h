/* SPDX-License-Identifier: MIT */
/* What commands about PostgreSQL have in common. */
#ifndef CLI_DATABASE_H
#define CLI_DATABASE_H

#include "base/log.h"
#include "cli/command.h"
#include "config/config.h"
#include "store/postgres_schema.h"

struct database {
    struct config *config;
    struct postgres_address *address;
    struct postgres pg;
};

/* Reads the configuration and finds out where PostgreSQL is. Complains; database_release() is due in any
 * case, of a zeroed one too. */
enum exit_code database_find(struct database *database, const struct command *command,
                             const struct arguments *arguments);

/* The same, and connects. */
enum exit_code database_open(struct database *database, const struct command *command,
                             const struct arguments *arguments);
void database_release(struct database *database);

/* The exit code of a failure of PostgreSQL's, which it complains of. */
enum exit_code database_fail(const harborai_error *error);

/* Makes or updates the tables, or prints what would be done. */
enum exit_code database_migrate(struct database *database, bool is_dry_run);

#endif
