/* SPDX-License-Identifier: MIT */
/* Calls as columns: PostgreSQL is given an array for each, so that one statement takes many rows. */
#ifndef STORE_POSTGRES_ROW_H
#define STORE_POSTGRES_ROW_H

#include "base/buf.h"
#include "store/call.h"

enum { POSTGRES_COLUMNS_MOST = 64 };

struct postgres_rows {
    struct buf columns[POSTGRES_COLUMNS_MOST]; /* array literals, without the bracket at the end */
    bool is_known[POSTGRES_COLUMNS_MOST];      /* some row has a value in it */
    size_t count;                              /* rows */
    int64_t days[512];                         /* since 1970, of the begins */
    size_t day_count;
};

void postgres_rows_init(struct postgres_rows *rows);
void postgres_rows_release(struct postgres_rows *rows);
void postgres_rows_clear(struct postgres_rows *rows);

/* Copies what of the call is stored. False: there are too many days.
 * Memory is told by postgres_rows_values(). */
MUST_CHECK bool postgres_rows_add(struct postgres_rows *rows, const struct call *call);

/* The arrays, for postgres_ask(); as long as nothing is added. E_MEMORY. */
MUST_CHECK harborai_status postgres_rows_values(struct postgres_rows *rows,
                                                const char *ret_values[POSTGRES_COLUMNS_MOST],
                                                harborai_error *error);

int postgres_rows_columns(void);

/* Adds a statement of sql/, with the columns where its text has COLUMNS in a comment. */
void postgres_rows_write_statement(const char *sql, struct buf *out);

#endif
