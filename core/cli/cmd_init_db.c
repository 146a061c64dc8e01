/* SPDX-License-Identifier: MIT */
/* harborai init-db: makes the tables in PostgreSQL; harborai db migrate: brings them up to date. */
#include <stdio.h>

#include "cli/database.h"

static const struct option_spec init_options[] = {
    {"force", 0, NULL, "drop HarborAI's tables with all calls in them, and make them anew"},
    {"dry-run", 0, NULL, "print the SQL, change nothing"},
    {NULL, 0, NULL, NULL},
};

static const struct option_spec migrate_options[] = {
    {"dry-run", 0, NULL, "print the SQL, change nothing"},
    {NULL, 0, NULL, NULL},
};

static bool has(const struct command *command, const struct arguments *arguments,
                const char *option)
{
    return command_argument(command, arguments, option) != NULL;
}

static enum exit_code run_init(const struct arguments *arguments)
{
    struct database database = {.config = NULL};
    harborai_error error = HARBORAI_ERROR_INIT;
    bool is_forced = has(&command_init_db, arguments, "force");
    bool is_dry_run = has(&command_init_db, arguments, "dry-run");
    if (is_forced && is_dry_run) {
        command_complain("--force and --dry-run do not go together");
        return EXIT_USAGE;
    }
    enum exit_code code = database_open(&database, &command_init_db, arguments);
    if (code == EXIT_OK && is_forced && postgres_schema_drop(&database.pg, &error) < 0)
        code = database_fail(&error);
    if (code == EXIT_OK)
        code = database_migrate(&database, is_dry_run);
    database_release(&database);
    return code;
}

static enum exit_code run_migrate(const struct arguments *arguments)
{
    struct database database = {.config = NULL};
    enum exit_code code = database_open(&database, &command_db_migrate, arguments);
    if (code == EXIT_OK)
        code = database_migrate(&database, has(&command_db_migrate, arguments, "dry-run"));
    database_release(&database);
    return code;
}

const struct command command_init_db = {
    .name = "init-db",
    .summary = "Make the tables in PostgreSQL",
    .more = "The gateway does it by itself when it first connects, unless store.postgres.migrate is\n"
            "manual. With --force calls come back from the journal, as far as that reaches.",
    .options = init_options,
    .run = run_init,
};

const struct command command_db_migrate = {
    .name = "db migrate",
    .summary = "Bring the tables in PostgreSQL up to date",
    .options = migrate_options,
    .run = run_migrate,
};
