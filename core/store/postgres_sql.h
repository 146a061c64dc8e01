/* SPDX-License-Identifier: MIT */
/* The statements of sql/, as they are written there: made by sql/embed when this is built. */
#ifndef STORE_POSTGRES_SQL_H
#define STORE_POSTGRES_SQL_H

struct postgres_migration {
    const char *name; /* "0001_calls": the version, in order, and what for */
    const char *sql;
    const char *checksum; /* SHA-256 of the file */
};

extern const struct postgres_migration postgres_migrations[];
extern const unsigned postgres_migration_count;

/* put, give_way and amend have "COLUMNS" in a comment where the arrays' types and names stand. */
extern const char postgres_sql_0001_calls[], postgres_sql_amend[], postgres_sql_drop[],
    postgres_sql_give_way[], postgres_sql_look[], postgres_sql_put[], postgres_sql_rows[], postgres_sql_schema[],
    postgres_sql_tokens_check[], postgres_sql_tokens_set[], postgres_sql_tokens_sums[],
    postgres_sql_status[];

#endif
