/* SPDX-License-Identifier: MIT */
/* What the index's files share among themselves. */
#ifndef STORE_INDEX_PARTS_H
#define STORE_INDEX_PARTS_H

#include <sqlite3.h>

#include "store/index.h"

enum index_statement {
    INDEX_BEGIN,
    INDEX_COMMIT,
    INDEX_GENERATION,
    INDEX_POSITION,
    INDEX_SET_POSITION,
    INDEX_FIND_ROUTE,
    INDEX_ADD_ROUTE,
    INDEX_FIND_CLIENT,
    INDEX_ADD_CLIENT,
    INDEX_FIND_SEGMENT,
    INDEX_ADD_SEGMENT,
    INDEX_PUT,
    INDEX_REPLACE,
    INDEX_FIND_CALL,
    INDEX_FIND_HOUR,
    INDEX_SET_HOUR,
    INDEX_ADD_DAY,
    INDEX_LISTED,
    INDEX_LAST_CALL,
    INDEX_READ_IDS,
    INDEX_ADD_BLOCK,
    INDEX_ADD_IDS,
    INDEX_SET_LISTED,
    INDEX_FIND_IDS,
    INDEX_DROP_IDS,
    INDEX_DROP_BLOCKS,
    INDEX_EXPIRE,
    INDEX_UNLIST,
    INDEX_STATEMENT_COUNT
};

/* Texts that stand in a table of their own: the id of each is looked up once and remembered. */
struct index_name {
    uint64_t hash; /* of the text */
    char *text;    /* owned; NULL: an empty place */
    size_t len;
    int64_t id;
};
enum { INDEX_NAMES = 256 };

/* Sums of an open transaction that are not in the database yet. */
struct index_rollup {
    struct index_hour *hours; /* owned */
    size_t hour_count, hour_capacity;
    struct index_day *days; /* owned */
    size_t day_count, day_capacity;
};

struct index {
    struct drain_store store;
    char *path; /* owned */
    sqlite3 *db;
    sqlite3_stmt *statements[INDEX_STATEMENT_COUNT]; /* made when first used */
    bool is_broken;      /* set aside when it is opened next */
    bool in_transaction;
    int64_t age_ns;      /* index_keep() */
    int64_t generation;  /* of the names: they hold as long as this is the database's */
    struct index_name routes[INDEX_NAMES], clients[INDEX_NAMES], segments[4];
    struct index_rollup rollup;
    struct buf scratch, texts;
    bool (*is_over)(void *context); /* index_set_limit() */
    void *is_over_context;
};

/* --- index.c: connection and statements -------------------------------------------------------- */

/* Of a failed call of SQLite: the status that says what is to be done, with its message. */
harborai_status index_fail(struct index *index, const char *doing, harborai_error *error);

/* Prepared once, reset and without values. NULL: index_fail() says why. Borrowed. */
sqlite3_stmt *index_statement(struct index *index, enum index_statement which);

/* Runs a statement that gives no row. */
MUST_CHECK harborai_status index_run(struct index *index, sqlite3_stmt *statement,
                                     const char *doing, harborai_error *error);
/* … with a number in place 1. */
MUST_CHECK harborai_status index_run_with(struct index *index, enum index_statement which,
                                          int64_t number, harborai_error *error);
/* A number of the first row; 0: there is no row, or it is NULL. */
MUST_CHECK harborai_status index_number(struct index *index, sqlite3_stmt *statement,
                                        int64_t *ret_number, harborai_error *error);
MUST_CHECK harborai_status index_execute(struct index *index, const char *sql, const char *doing,
                                         harborai_error *error);
void index_forget_names(struct index *index);

/* --- index_write.c: what the store's table of functions has ------------------------------------- */

extern const struct drain_store_functions index_functions;
harborai_status index_position(struct drain_store *store, harborai_str segment,
                               struct journal_position *ret_position, harborai_error *error);
harborai_status index_begin(struct drain_store *store, harborai_error *error);
harborai_status index_put(struct drain_store *store, const struct call *call,
                          harborai_error *error);
harborai_status index_amend(struct drain_store *store, const struct call *call,
                            harborai_error *error);
harborai_status index_commit(struct drain_store *store, const struct journal_position *positions,
                             size_t count, harborai_error *error);
void index_rollback(struct drain_store *store);

/* --- index_schema.c ----------------------------------------------------------------------------- */

/* Makes or migrates the schema. E_UNSUPPORTED: it is a newer one. E_INVALID: it is no index. */
MUST_CHECK harborai_status index_schema_update(struct index *index, harborai_error *error);

/* Whether the schema is exactly this version's. */
bool index_schema_is_current(struct index *index);

/* --- index_row.c: a call as columns -------------------------------------------------------------- */

/* "id,record_key,…" for INSERT, "?,?,…" and for SELECT, in one order. */
void index_row_columns(struct buf *out);
void index_row_places(struct buf *out);
void index_row_select(struct buf *out); /* with its joins, up to the WHERE */
void index_row_select_by(struct buf *out, const char *by); /* by that index of `calls`; NULL: any */

/* What a call's row refers to. */
struct index_refs {
    int64_t id; /* of the row; 0: the next one */
    int64_t route, client, segment;
};

/* Binds every column. Borrows from `call` and `scratch` until the statement is reset. */
void index_row_bind(sqlite3_stmt *statement, const struct call *call,
                    const struct index_refs *refs, struct buf *scratch);

/* The names of the route as one text, and as values from place 1 on. */
void index_row_route(const struct call *call, struct buf *out);
void index_row_bind_route(sqlite3_stmt *statement, const struct call *call);

/* The call of the row that a statement of index_row_select() stands on. Borrows from both until the
 * next step. */
void index_row_read(sqlite3_stmt *statement, struct buf *texts, struct call *ret_call,
                    struct index_refs *ret_refs);

/* --- index_pack.c: ids as bytes ------------------------------------------------------------------ */

enum index_pack { INDEX_PACK_UUID, INDEX_PACK_TRACE, INDEX_PACK_SPAN, INDEX_PACK_REQUEST };

/* Ids that are written as we write them need half of the room. False: this one is not, and is kept as
 * text. */
bool index_pack(enum index_pack kind, harborai_str text, unsigned char bytes[static 16],
                size_t *ret_len);
void index_unpack(enum index_pack kind, const unsigned char *bytes, size_t len, struct buf *out);

/* --- index_ids.c: trace and request ids ----------------------------------------------------------- */

/* Lists those of the calls that came, as soon as they are many; what is not listed is few enough to be
 * looked through. */
MUST_CHECK harborai_status index_ids_list(struct index *index, harborai_error *error);

/* Drops the lists of calls that are gone. */
MUST_CHECK harborai_status index_ids_drop(struct index *index, harborai_error *error);

/* Adds calls_with_id(ID) to SQL: which of the listed calls may have it. False: index_fail() tells. */
bool index_ids_register(struct index *index);

/* --- index_rollup.c ------------------------------------------------------------------------------ */

/* Adds a call to the sums of the transaction (by: 1), or takes it out again (-1). */
MUST_CHECK harborai_status index_rollup_add(struct index *index, const struct call *call,
                                            const struct index_refs *refs, int by,
                                            harborai_error *error);
/* Writes them. */
MUST_CHECK harborai_status index_rollup_flush(struct index *index, harborai_error *error);
void index_rollup_clear(struct index *index);
void index_rollup_release(struct index *index);

#endif
