/* SPDX-License-Identifier: MIT */
/* Looks at the tables and migrates them. Must never change a database that is not ours, or newer. */
#include "store/postgres_schema.h"

#include <libpq-fe.h>
#include <stdio.h>

#include "base/error.h"
#include "base/limits.h"
#include "store/postgres_sql.h"

/* For as long as the transaction lasts. A gateway that comes second waits and finds it done. */
#define LOCK "SELECT pg_advisory_xact_lock(hashtext('harborai'), hashtext('schema'))"

const char *postgres_schema_state_name(enum postgres_schema_state state)
{
    static const char *const names[] = {
        [POSTGRES_SCHEMA_NONE] = "none",       [POSTGRES_SCHEMA_OLD] = "old",
        [POSTGRES_SCHEMA_CURRENT] = "current", [POSTGRES_SCHEMA_NEWER] = "newer",
        [POSTGRES_SCHEMA_FOREIGN] = "foreign", [POSTGRES_SCHEMA_CHANGED] = "changed"};
    return names[state];
}

/* ---- Looking -------------------------------------------------------------------------------- */

static void copy(char *to, size_t size, const PGresult *result, int column)
{
    snprintf(to, size, "%s", PQgetvalue(result, 0, column));
}

static int number_of(const char *text)
{
    uint64_t number;
    return slice_to_u64(slice_of(text), &number) && number < 1000000 ? (int)number : 0;
}

/* Of the migrations that are applied. */
static void compare(const PGresult *applied, struct postgres_schema *schema)
{
    schema->state = POSTGRES_SCHEMA_CURRENT;
    for (int i = 0; i < PQntuples(applied); i++) {
        int version = number_of(PQgetvalue(applied, i, 0));
        schema->version = version;
        if (version > schema->newest)
            schema->state = POSTGRES_SCHEMA_NEWER;
        else if (version < 1 ||
                 strcmp(PQgetvalue(applied, i, 1), postgres_migrations[version - 1].checksum) != 0)
            schema->state = POSTGRES_SCHEMA_CHANGED;
        if (schema->state != POSTGRES_SCHEMA_CURRENT)
            return;
    }
    if (schema->version < schema->newest)
        schema->state = POSTGRES_SCHEMA_OLD;
}

static harborai_status look_at_versions(struct postgres *pg, struct postgres_schema *schema,
                                        harborai_error *error)
{
    PGresult *applied;
    harborai_status st =
        postgres_ask(pg, "SELECT version, checksum FROM harborai_schema ORDER BY version", 0, NULL,
                     &applied, error);
    if (st < 0)
        return st;
    compare(applied, schema);
    PQclear(applied);
    return HARBORAI_OK;
}

harborai_status postgres_schema_look(struct postgres *pg, struct postgres_schema *ret_schema,
                                     harborai_error *error)
{
    struct postgres_schema schema = {.newest = (int)postgres_migration_count};
    PGresult *result;
    harborai_status st = postgres_ask(pg, postgres_sql_look, 0, NULL, &result, error);
    if (st < 0)
        return st;
    copy(schema.database, sizeof schema.database, result, 0);
    copy(schema.role, sizeof schema.role, result, 1);
    copy(schema.schema, sizeof schema.schema, result, 2);
    copy(schema.foreign, sizeof schema.foreign, result, 4);
    bool has_versions = strcmp(PQgetvalue(result, 0, 3), "t") == 0;
    PQclear(result);
    if (has_versions)
        st = look_at_versions(pg, &schema, error);
    else
        schema.state = schema.foreign[0] != '\0' ? POSTGRES_SCHEMA_FOREIGN : POSTGRES_SCHEMA_NONE;
    if (st == HARBORAI_OK)
        *ret_schema = schema;
    return st;
}

harborai_status postgres_schema_check(const struct postgres_schema *s, bool may_migrate,
                                      harborai_error *error)
{
    const harborai_status code = HARBORAI_E_CONFIG;
    switch (s->state) {
    case POSTGRES_SCHEMA_CURRENT:
        return HARBORAI_OK;
    case POSTGRES_SCHEMA_NONE:
        if (may_migrate && s->schema[0] != '\0')
            return HARBORAI_OK;
        if (s->schema[0] == '\0')
            return harborai_error_set(error, code,
                                      "role '%s' has no schema to make tables in, in database '%s': see "
                                      "its search_path", s->role, s->database);
        return harborai_error_set(error, code,
                                  "database '%s' has no tables of HarborAI's: run 'harborai init-db'",
                                  s->database);
    case POSTGRES_SCHEMA_OLD:
        if (may_migrate)
            return HARBORAI_OK;
        return harborai_error_set(error, code,
                                  "the tables in database '%s' have version %d, and this HarborAI needs "
                                  "%d: run 'harborai db migrate'",
                                  s->database, s->version, s->newest);
    case POSTGRES_SCHEMA_NEWER:
        return harborai_error_set(error, code,
                                  "the tables in database '%s' are those of a newer HarborAI (version "
                                  "%d, this one knows %d): use that one",
                                  s->database, s->version, s->newest);
    case POSTGRES_SCHEMA_FOREIGN:
        return harborai_error_set(error, code,
                                  "database '%s' has a table '%s' that this HarborAI did not make: the "
                                  "Python HarborAI's? Give it another database, or another schema by "
                                  "the role's search_path", s->database, s->foreign);
    case POSTGRES_SCHEMA_CHANGED:
        return harborai_error_set(error, code,
                                  "migration %d of database '%s' is not the one that this HarborAI "
                                  "knows: it comes from another source", s->version, s->database);
    }
    return HARBORAI_OK;
}

/* ---- Changing ------------------------------------------------------------------------------- */

static harborai_status record(struct postgres *pg, int version, const char *by,
                              harborai_error *error)
{
    const struct postgres_migration *migration = &postgres_migrations[version - 1];
    char number[16];
    snprintf(number, sizeof number, "%d", version);
    const char *const values[] = {number, migration->name, migration->checksum, by};
    PGresult *result;
    harborai_status st = postgres_ask(
        pg, "INSERT INTO harborai_schema (version, name, checksum, applied_by) VALUES ($1, $2, $3, $4)",
        ARRAY_LEN(values), values, &result, error);
    if (st == HARBORAI_OK)
        PQclear(result);
    return st;
}

static harborai_status apply(struct postgres *pg, const struct postgres_schema *schema,
                             const char *by, unsigned *ret_steps, harborai_error *error)
{
    harborai_status st = HARBORAI_OK;
    unsigned steps = 0;
    if (schema->state == POSTGRES_SCHEMA_NONE)
        st = postgres_run(pg, postgres_sql_schema, error);
    for (int version = schema->version + 1; st == HARBORAI_OK && version <= schema->newest;
         version++, steps++) {
        st = postgres_run(pg, postgres_migrations[version - 1].sql, error);
        if (st == HARBORAI_OK)
            st = record(pg, version, by, error);
    }
    *ret_steps = steps;
    return st;
}

/* A transaction under the lock, which waits for who has it. */
static harborai_status begin(struct postgres *pg, struct postgres_schema *ret_schema,
                             harborai_error *error)
{
    harborai_status st = postgres_run(pg, "BEGIN; " LOCK, error);
    return st == HARBORAI_OK ? postgres_schema_look(pg, ret_schema, error) : st;
}

static harborai_status end(struct postgres *pg, harborai_status st, harborai_error *error)
{
    if (st == HARBORAI_OK)
        return postgres_run(pg, "COMMIT", error);
    (void)!postgres_run(pg, "ROLLBACK", NULL);
    return st;
}

harborai_status postgres_schema_migrate(struct postgres *pg, const char *by, unsigned *ret_steps,
                                        harborai_error *error)
{
    struct postgres_schema schema;
    unsigned steps = 0;
    harborai_status st = begin(pg, &schema, error);
    if (st == HARBORAI_OK)
        st = postgres_schema_check(&schema, true, error);
    if (st == HARBORAI_OK)
        st = apply(pg, &schema, by, &steps, error);
    st = end(pg, st, error);
    if (st == HARBORAI_OK)
        *ret_steps = steps;
    return st;
}

harborai_status postgres_schema_drop(struct postgres *pg, harborai_error *error)
{
    struct postgres_schema schema;
    harborai_status st = begin(pg, &schema, error);
    if (st == HARBORAI_OK && schema.state != POSTGRES_SCHEMA_CHANGED)
        st = postgres_schema_check(&schema, true, error);
    if (st == HARBORAI_OK && schema.state != POSTGRES_SCHEMA_NONE)
        st = postgres_run(pg, postgres_sql_drop, error);
    return end(pg, st, error);
}

void postgres_schema_write(int version, struct buf *out)
{
    if (version == 0)
        buf_add(out, slice_of(postgres_sql_schema));
    for (unsigned i = (unsigned)version; i < postgres_migration_count; i++) {
        const struct postgres_migration *m = &postgres_migrations[i];
        buf_printf(out, "\n%s\nINSERT INTO harborai_schema (version, name, checksum, applied_by)\n"
                        "    VALUES (%u, '%s', '%s', current_user);\n",
                   m->sql, i + 1, m->name, m->checksum);
    }
}
