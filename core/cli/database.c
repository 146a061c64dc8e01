/* SPDX-License-Identifier: MIT */
/* Connects commands with PostgreSQL. */
#include "cli/database.h"

#include <stdio.h>

#include "base/limits.h"
#include "cli/setup.h"

enum exit_code database_fail(const harborai_error *error)
{
    command_complain("%s", error->message);
    return error->code == HARBORAI_E_CONFIG ? EXIT_CONFIG : EXIT_FAILED;
}

enum exit_code database_find(struct database *database, const struct command *command,
                             const struct arguments *arguments)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    database->config = setup_config(command, arguments);
    if (database->config == NULL)
        return EXIT_CONFIG;
    if (postgres_address_create(database->config, &database->address, &error) < 0)
        return database_fail(&error);
    return EXIT_OK;
}

enum exit_code database_open(struct database *database, const struct command *command,
                             const struct arguments *arguments)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    enum exit_code code = database_find(database, command, arguments);
    if (code == EXIT_OK && postgres_open(&database->pg, database->address, -1, &error) < 0)
        code = database_fail(&error);
    return code;
}

void database_release(struct database *database)
{
    postgres_close(&database->pg);
    postgres_address_destroy(database->address);
    config_destroy(database->config);
    *database = (struct database){.config = NULL};
}

static enum exit_code print_sql(const struct postgres_schema *schema)
{
    AUTO(buf) sql = BUF_INIT(MIB(1));
    harborai_error error = HARBORAI_ERROR_INIT;
    postgres_schema_write(schema->version, &sql);
    if (buf_status(&sql, &error) < 0)
        return command_fail(&error);
    if (schema->state == POSTGRES_SCHEMA_CURRENT)
        printf("-- nothing is to be done: the tables are those of version %d\n", schema->version);
    else
        printf("BEGIN;\n%.*sCOMMIT;\n", SLICE_ARG(buf_slice(&sql)));
    return command_finish();
}

enum exit_code database_migrate(struct database *database, bool is_dry_run)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    struct postgres_schema schema;
    unsigned steps = 0;
    harborai_status st = postgres_schema_look(&database->pg, &schema, &error);
    if (st == HARBORAI_OK)
        st = postgres_schema_check(&schema, true, &error);
    if (st == HARBORAI_OK && is_dry_run)
        return print_sql(&schema);
    if (st == HARBORAI_OK)
        st = postgres_schema_migrate(&database->pg, "harborai " PACKAGE_VERSION, &steps, &error);
    if (st < 0)
        return database_fail(&error);
    if (steps == 0)
        printf("database '%s' has the tables already, of version %d\n", schema.database,
               schema.newest);
    else
        printf("database '%s': %s, now of version %d\n", schema.database,
               schema.state == POSTGRES_SCHEMA_NONE ? "the tables are made" : "the tables are migrated",
               schema.newest);
    return command_finish();
}
