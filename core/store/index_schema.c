/* SPDX-License-Identifier: MIT */
/* The index's tables, and what makes the newest of an older one. Must never touch a database that is
 * somebody else's. */
#include "base/error.h"
#include "store/index_parts.h"

#define APPLICATION_ID 0x48624978 /* "HbIx" in the file's head: file(1) and we know it by that */

/* calls.record_key, trace_id and the like are bytes where they are written as HarborAI writes them.
 * What few calls differ in stands in `routes`. `ids` has the trace and request ids of the calls up to
 * state.listed. `hours` and `days` are sums, for questions about many days: by the UTC hour and day of
 * the begin. */
static const char first_schema[] =
    "CREATE TABLE state(generation INTEGER NOT NULL, listed INTEGER NOT NULL DEFAULT 0);"
    "INSERT INTO state(generation) VALUES(abs(random() / 2) + 1);"
    "CREATE TABLE segments(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " \"offset\" INTEGER NOT NULL DEFAULT 0, seq INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE clients(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
    "CREATE TABLE routes(id INTEGER PRIMARY KEY, names TEXT NOT NULL UNIQUE, provider TEXT, plugin TEXT,"
    " model TEXT, upstream_model TEXT, vendor_model TEXT, service_tier TEXT, parsing_method TEXT,"
    " currency TEXT, price_source TEXT, price_date TEXT);"
    "CREATE TABLE calls(id INTEGER PRIMARY KEY, record_key BLOB NOT NULL UNIQUE, hb_id TEXT,"
    " request_id BLOB, trace_id BLOB, span_id BLOB, parent_span_id BLOB, tags TEXT,"
    " vendor_request_id TEXT, is_stream INTEGER, attempts INTEGER, begin_ns INTEGER NOT NULL,"
    " end_ns INTEGER, ttft_ns INTEGER, amend_ns INTEGER, status INTEGER, vendor_status INTEGER,"
    " outcome INTEGER NOT NULL, error_code TEXT, error_message TEXT, vendor_code TEXT,"
    " finish_reason TEXT, changed TEXT, tokens TEXT, is_estimated INTEGER, prompt_tokens INTEGER,"
    " completion_tokens INTEGER, total_tokens INTEGER, parsing_error TEXT, confidence INTEGER,"
    " cost_pico INTEGER, cost_input_pico INTEGER, cost_output_pico INTEGER, cost_reason TEXT,"
    " cost_class TEXT, bytes_in INTEGER, bytes_out INTEGER, vendor_bytes_in INTEGER,"
    " vendor_bytes_out INTEGER, stream_repairs INTEGER, line_at INTEGER,"
    " segment INTEGER REFERENCES segments(id), client INTEGER REFERENCES clients(id),"
    " route INTEGER NOT NULL REFERENCES routes(id));"
    "CREATE INDEX calls_by_begin ON calls(begin_ns);"
    "CREATE TABLE ids(id BLOB NOT NULL, call INTEGER NOT NULL, PRIMARY KEY(id, call)) WITHOUT ROWID;"
    "CREATE INDEX calls_by_route ON calls(route, begin_ns);"
    "CREATE INDEX calls_that_failed ON calls(begin_ns) WHERE outcome <> 0;"
    "CREATE TABLE hours(hour INTEGER NOT NULL, route INTEGER NOT NULL REFERENCES routes(id),"
    " outcome INTEGER NOT NULL, calls INTEGER NOT NULL, priced INTEGER NOT NULL,"
    " prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL,"
    " total_tokens INTEGER NOT NULL, cost_pico INTEGER NOT NULL, latency BLOB NOT NULL,"
    " PRIMARY KEY(hour, route, outcome)) WITHOUT ROWID;"
    "CREATE TABLE days(day INTEGER NOT NULL, client INTEGER NOT NULL REFERENCES clients(id),"
    " currency TEXT NOT NULL, calls INTEGER NOT NULL, failed INTEGER NOT NULL,"
    " priced INTEGER NOT NULL, prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL,"
    " total_tokens INTEGER NOT NULL, cost_pico INTEGER NOT NULL,"
    " PRIMARY KEY(day, client, currency)) WITHOUT ROWID;";

/* How index_ids.c has it. */
static const char ids_by_block[] =
    "DROP TABLE ids;"
    "CREATE TABLE id_blocks(id INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL);"
    "CREATE TABLE ids(block INTEGER NOT NULL REFERENCES id_blocks(id), bucket INTEGER NOT NULL,"
    " entries BLOB NOT NULL, PRIMARY KEY(block, bucket)) WITHOUT ROWID;"
    "UPDATE state SET listed = 0;";

/* steps[v] makes version v + 1 of version v. Never change one that was released: add the next. */
static const char *const steps[] = {first_schema, ids_by_block};

static harborai_status read_pragma(struct index *index, const char *name, int64_t *ret_value,
                                   harborai_error *error)
{
    char sql[64];
    sqlite3_stmt *statement = NULL;
    snprintf(sql, sizeof sql, "PRAGMA %s", name);
    if (sqlite3_prepare_v2(index->db, sql, -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW) {
        harborai_status st = index_fail(index, "read", error);
        sqlite3_finalize(statement);
        return st;
    }
    *ret_value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return HARBORAI_OK;
}

static harborai_status take_steps(struct index *index, int64_t version, harborai_error *error)
{
    char sql[96];
    harborai_status st = HARBORAI_OK;
    for (size_t i = (size_t)version; st == HARBORAI_OK && i < ARRAY_LEN(steps); i++)
        st = index_execute(index, steps[i], "make the schema of", error);
    if (st < 0)
        return st;
    snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %zu",
             APPLICATION_ID, ARRAY_LEN(steps));
    return index_execute(index, sql, "make the schema of", error);
}

static harborai_status check_version(struct index *index, int64_t *ret_version,
                                     harborai_error *error)
{
    int64_t application = 0, version = 0;
    harborai_status st = read_pragma(index, "application_id", &application, error);
    if (st == HARBORAI_OK)
        st = read_pragma(index, "user_version", &version, error);
    if (st < 0)
        return st;
    if (version > 0 && application != APPLICATION_ID)
        return harborai_error_set(error, HARBORAI_E_INVALID, "'%s' is no index of HarborAI's",
                                  index->path);
    if (version > (int64_t)ARRAY_LEN(steps))
        return harborai_error_set(error, HARBORAI_E_UNSUPPORTED,
                                  "'%s' is of a newer HarborAI (schema %lld, this one knows %zu)",
                                  index->path, (long long)version, ARRAY_LEN(steps));
    *ret_version = version;
    return HARBORAI_OK;
}

harborai_status index_schema_update(struct index *index, harborai_error *error)
{
    int64_t version;
    harborai_status st = check_version(index, &version, error);
    if (st < 0 || version == (int64_t)ARRAY_LEN(steps))
        return st;
    st = index_execute(index, "BEGIN IMMEDIATE", "lock", error);
    if (st == HARBORAI_OK) /* again: another process may have been faster */
        st = check_version(index, &version, error);
    if (st == HARBORAI_OK)
        st = take_steps(index, version, error);
    if (st == HARBORAI_OK)
        st = index_execute(index, "COMMIT", "commit to", error);
    if (st < 0)
        sqlite3_exec(index->db, "ROLLBACK", NULL, NULL, NULL);
    return st;
}

bool index_schema_is_current(struct index *index)
{
    int64_t version = 0;
    return check_version(index, &version, NULL) == HARBORAI_OK &&
           version == (int64_t)ARRAY_LEN(steps);
}
