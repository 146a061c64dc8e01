/* SPDX-License-Identifier: MIT */
/* The index's connection. Must never take what is not an index for one, nor keep a broken one. */
#include "store/index.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "store/index_parts.h"

#define LOCK_WAIT_MS 5000

/* --- Statements -------------------------------------------------------------------------------- */

/* Several times as many as come in one transaction, and few enough for one. */
#define EXPIRED "SELECT id FROM calls WHERE begin_ns < ?1 ORDER BY begin_ns, id LIMIT 4096"

/* No call of the block b is left. */
#define IS_EMPTY "NOT EXISTS (SELECT 1 FROM calls WHERE id BETWEEN b.first AND b.last)"

static const char *const statements[INDEX_STATEMENT_COUNT] = {
    [INDEX_BEGIN] = "BEGIN IMMEDIATE",
    [INDEX_COMMIT] = "COMMIT",
    [INDEX_GENERATION] = "SELECT generation FROM state",
    [INDEX_POSITION] = "SELECT \"offset\", seq FROM segments WHERE name = ?1",
    [INDEX_SET_POSITION] = "INSERT INTO segments(name, \"offset\", seq) VALUES(?1, ?2, ?3)"
                           " ON CONFLICT(name) DO UPDATE SET \"offset\" = ?2, seq = ?3",
    [INDEX_FIND_ROUTE] = "SELECT id FROM routes WHERE names = ?1",
    [INDEX_ADD_ROUTE] = "INSERT INTO routes(names, provider, plugin, model, upstream_model,"
                        " vendor_model, service_tier, parsing_method, currency, price_source,"
                        " price_date) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)",
    [INDEX_FIND_CLIENT] = "SELECT id FROM clients WHERE name = ?1",
    [INDEX_ADD_CLIENT] = "INSERT INTO clients(name) VALUES(?1)",
    [INDEX_FIND_SEGMENT] = "SELECT id FROM segments WHERE name = ?1",
    [INDEX_ADD_SEGMENT] = "INSERT INTO segments(name) VALUES(?1)",
    [INDEX_FIND_HOUR] = "SELECT calls, priced, prompt_tokens, completion_tokens, total_tokens,"
                        " cost_pico, latency FROM hours WHERE hour = ?1 AND route = ?2"
                        " AND outcome = ?3",
    [INDEX_SET_HOUR] = "INSERT OR REPLACE INTO hours(hour, route, outcome, calls, priced,"
                       " prompt_tokens, completion_tokens, total_tokens, cost_pico, latency)"
                       " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)",
    [INDEX_ADD_DAY] = "INSERT INTO days(day, client, calls, failed, priced, prompt_tokens,"
                      " completion_tokens, total_tokens, cost_pico, currency)"
                      " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)"
                      " ON CONFLICT(day, client, currency) DO UPDATE SET calls = calls + ?3,"
                      " failed = failed + ?4, priced = priced + ?5,"
                      " prompt_tokens = prompt_tokens + ?6,"
                      " completion_tokens = completion_tokens + ?7,"
                      " total_tokens = total_tokens + ?8, cost_pico = cost_pico + ?9",
    [INDEX_LISTED] = "SELECT listed FROM state",
    [INDEX_LAST_CALL] = "SELECT max(id) FROM calls",
    [INDEX_READ_IDS] = "SELECT id, trace_id, request_id FROM calls WHERE id BETWEEN ?1 AND ?2",
    [INDEX_ADD_BLOCK] = "INSERT INTO id_blocks(first, last) SELECT listed + 1, listed + ?1 FROM state",
    [INDEX_ADD_IDS] = "INSERT INTO ids(block, bucket, entries) VALUES(?1, ?2, ?3)",
    [INDEX_SET_LISTED] = "UPDATE state SET listed = ?1",
    [INDEX_FIND_IDS] = "SELECT k.first, i.entries FROM id_blocks k JOIN ids i ON i.block = k.id"
                       " AND i.bucket = ?1",
    [INDEX_DROP_IDS] = "DELETE FROM ids WHERE block IN (SELECT id FROM id_blocks b WHERE " IS_EMPTY ")",
    [INDEX_DROP_BLOCKS] = "DELETE FROM id_blocks AS b WHERE " IS_EMPTY,
    [INDEX_EXPIRE] = "DELETE FROM calls WHERE id IN (" EXPIRED ")",
    /* the next call's id follows the greatest that there is */
    [INDEX_UNLIST] = "UPDATE state SET listed = (SELECT coalesce(max(id), 0) FROM calls)"
                     " WHERE listed > (SELECT coalesce(max(id), 0) FROM calls)",
};

/* Those that name every column. */
static void write_statement(enum index_statement which, struct buf *sql)
{
    if (which == INDEX_FIND_CALL) {
        index_row_select(sql);
        buf_add(sql, HARBORAI_STR(" WHERE c.record_key = ?1"));
        return;
    }
    if (which != INDEX_PUT && which != INDEX_REPLACE) {
        buf_add(sql, slice_of(statements[which]));
        return;
    }
    buf_add(sql, which == INDEX_PUT ? HARBORAI_STR("INSERT INTO calls(")
                                    : HARBORAI_STR("REPLACE INTO calls("));
    index_row_columns(sql);
    buf_add(sql, HARBORAI_STR(") VALUES("));
    index_row_places(sql);
    buf_add(sql, which == INDEX_PUT ? HARBORAI_STR(") ON CONFLICT(record_key) DO NOTHING")
                                    : HARBORAI_STR(")"));
}

sqlite3_stmt *index_statement(struct index *index, enum index_statement which)
{
    if (index->statements[which] == NULL) {
        AUTO(buf) sql = BUF_INIT(KIB(16));
        write_statement(which, &sql);
        if (sql.failed < 0 ||
            sqlite3_prepare_v3(index->db, sql.data, (int)sql.len, SQLITE_PREPARE_PERSISTENT,
                               &index->statements[which], NULL) != SQLITE_OK)
            return NULL;
    }
    sqlite3_reset(index->statements[which]);
    return index->statements[which];
}

harborai_status index_fail(struct index *index, const char *doing, harborai_error *error)
{
    int code = index->db != NULL ? sqlite3_errcode(index->db) & 255 : SQLITE_NOMEM;
    harborai_status st = HARBORAI_E_INTERNAL;
    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB || code == SQLITE_SCHEMA ||
        code == SQLITE_ERROR) /* the last: a table of ours is missing */
        index->is_broken = true;
    if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
        st = HARBORAI_E_OVERLOADED;
    if (code == SQLITE_INTERRUPT)
        st = HARBORAI_E_TIMEOUT;
    if (code == SQLITE_NOMEM)
        st = HARBORAI_E_MEMORY;
    if (code == SQLITE_READONLY || code == SQLITE_CANTOPEN || code == SQLITE_PERM)
        st = HARBORAI_E_CONFIG;
    return harborai_error_set(error, st, "cannot %s '%s': %s", doing, index->path,
                              index->db != NULL ? sqlite3_errmsg(index->db) : "no memory left");
}

harborai_status index_run(struct index *index, sqlite3_stmt *statement, const char *doing,
                          harborai_error *error)
{
    if (statement == NULL || sqlite3_step(statement) != SQLITE_DONE) {
        harborai_status st = index_fail(index, doing, error);
        if (statement != NULL)
            sqlite3_reset(statement);
        return st;
    }
    sqlite3_reset(statement);
    return HARBORAI_OK;
}

harborai_status index_run_with(struct index *index, enum index_statement which, int64_t number,
                               harborai_error *error)
{
    sqlite3_stmt *s = index_statement(index, which);
    if (s != NULL)
        sqlite3_bind_int64(s, 1, number);
    return index_run(index, s, "write to", error);
}

harborai_status index_number(struct index *index, sqlite3_stmt *s, int64_t *ret_number,
                             harborai_error *error)
{
    int step = s != NULL ? sqlite3_step(s) : SQLITE_ERROR;
    if (step != SQLITE_ROW && step != SQLITE_DONE) {
        harborai_status st = index_fail(index, "read", error);
        sqlite3_reset(s);
        return st;
    }
    *ret_number = step == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
    sqlite3_reset(s);
    return HARBORAI_OK;
}

harborai_status index_execute(struct index *index, const char *sql, const char *doing,
                              harborai_error *error)
{
    if (sqlite3_exec(index->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return index_fail(index, doing, error);
    return HARBORAI_OK;
}

/* --- Opening and closing ------------------------------------------------------------------------ */

static void forget_names_of(struct index_name *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(names[i].text);
    memset(names, 0, count * sizeof *names);
}

void index_forget_names(struct index *index)
{
    forget_names_of(index->routes, ARRAY_LEN(index->routes));
    forget_names_of(index->clients, ARRAY_LEN(index->clients));
    forget_names_of(index->segments, ARRAY_LEN(index->segments));
}

static void close_database(struct drain_store *store)
{
    struct index *index = CONTAINER_OF(store, struct index, store);
    for (size_t i = 0; i < ARRAY_LEN(index->statements); i++)
        sqlite3_finalize(take(index->statements[i]));
    sqlite3_close(take(index->db));
    index_rollup_clear(index);
    index_forget_names(index);
    index->generation = 0;
    index->in_transaction = false;
}

/* The file that SQLite opens has the right mode from the start; its companions take that over. */
static harborai_status make_file(struct index *index, harborai_error *error)
{
    char why[128];
    int fd = open(index->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return harborai_error_set(error, HARBORAI_E_CONFIG, "cannot open '%s': %s", index->path,
                                  error_of_errno(errno, why));
    close(fd);
    return HARBORAI_OK;
}

static harborai_status connect_to(struct index *index, int flags, harborai_error *error)
{
    if (sqlite3_open_v2(index->path, &index->db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
        harborai_status st = index_fail(index, "open", error);
        close_database(&index->store);
        return st;
    }
    if (!index_ids_register(index)) {
        harborai_status st = index_fail(index, "open", error);
        close_database(&index->store);
        return st;
    }
    sqlite3_extended_result_codes(index->db, 0);
    sqlite3_busy_timeout(index->db, LOCK_WAIT_MS);
    return HARBORAI_OK;
}

static harborai_status open_and_update(struct index *index, harborai_error *error)
{
    harborai_status st = make_file(index, error);
    if (st == HARBORAI_OK)
        st = connect_to(index, SQLITE_OPEN_READWRITE, error);
    if (st < 0)
        return st;
    st = index_execute(index,
                       "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                       "PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY;"
                       "PRAGMA wal_autocheckpoint = 4000",
                       "open", error);
    if (st == HARBORAI_OK)
        st = index_schema_update(index, error);
    if (st < 0)
        close_database(&index->store);
    return st;
}

/* Out of the way, and kept: it may be somebody's. */
static harborai_status set_aside(struct index *index, const char *suffix, harborai_error *error)
{
    char *to = NULL, *companion = NULL, why[128];
    static const char *const companions[] = {"-wal", "-shm"};
    if (asprintf(&to, "%s.%s", index->path, suffix) < 0)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    harborai_status st = HARBORAI_OK;
    if (rename(index->path, to) < 0 && errno != ENOENT)
        st = harborai_error_set(error, HARBORAI_E_CONFIG, "cannot rename '%s' to '%s': %s",
                                index->path, to, error_of_errno(errno, why));
    for (size_t i = 0; st == HARBORAI_OK && i < ARRAY_LEN(companions); i++) {
        if (asprintf(&companion, "%s%s", index->path, companions[i]) < 0)
            break;
        unlink(companion);
        free(companion);
    }
    if (st == HARBORAI_OK)
        snprintf(index->store.note, sizeof index->store.note, "it is set aside as '%s' and built anew",
                 to);
    free(to);
    return st;
}

/* Somebody removed or renamed the file: what is written to it, nobody finds. */
static bool is_gone(struct index *index)
{
    int has_moved = 0;
    (void)sqlite3_file_control(index->db, "main", SQLITE_FCNTL_HAS_MOVED, &has_moved);
    return has_moved != 0;
}

static harborai_status open_database(struct drain_store *store, harborai_error *error)
{
    struct index *index = CONTAINER_OF(store, struct index, store);
    harborai_error found = HARBORAI_ERROR_INIT;
    harborai_status st = HARBORAI_E_INTERNAL;
    if (index->db != NULL && !is_gone(index))
        return HARBORAI_OK;
    close_database(store);
    if (!index->is_broken)
        st = open_and_update(index, &found);
    if (st < 0 && (index->is_broken || st == HARBORAI_E_UNSUPPORTED || st == HARBORAI_E_INVALID)) {
        const char *suffix = st == HARBORAI_E_UNSUPPORTED ? "newer" : "corrupt";
        index->is_broken = false;
        st = set_aside(index, suffix, &found);
        if (st == HARBORAI_OK)
            st = open_and_update(index, &found);
    }
    if (st < 0 && error != NULL)
        *error = found;
    store->opened += st == HARBORAI_OK;
    return st;
}

void index_keep(struct index *index, int64_t age_ns)
{
    index->age_ns = age_ns;
}

harborai_status index_open_to_read(struct index *index, harborai_error *error)
{
    harborai_status st = connect_to(index, SQLITE_OPEN_READONLY, NULL);
    if (st == HARBORAI_OK && index_schema_is_current(index))
        return HARBORAI_OK;
    close_database(&index->store);
    return harborai_error_set(error, HARBORAI_E_NOT_FOUND, "there is no index '%s' to read",
                              index->path);
}

harborai_status index_create(harborai_str state_dir, struct index **ret_index,
                             harborai_error *error)
{
    struct index *index = calloc(1, sizeof *index);
    if (index == NULL || asprintf(&index->path, "%.*s/index.sqlite3", SLICE_ARG(state_dir)) < 0) {
        free(index);
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    }
    index->store.functions = &index_functions;
    buf_init(&index->scratch, KIB(256));
    buf_init(&index->texts, KIB(256));
    *ret_index = index;
    return HARBORAI_OK;
}

void index_destroy(struct index *index)
{
    if (index == NULL)
        return;
    close_database(&index->store);
    index_rollup_release(index);
    buf_release(&index->scratch);
    buf_release(&index->texts);
    free(index->path);
    free(index);
}

struct drain_store *index_store(struct index *index)
{
    return &index->store;
}

harborai_status index_forget_all(struct index *index, harborai_error *error)
{
    harborai_status st = index_execute(
        index,
        "BEGIN IMMEDIATE; DELETE FROM calls; DELETE FROM hours; DELETE FROM days;"
        "DELETE FROM routes; DELETE FROM clients; DELETE FROM segments; DELETE FROM ids;"
        "DELETE FROM id_blocks;"
        "UPDATE state SET generation = generation + 1, listed = 0; COMMIT",
        "empty", error);
    if (st < 0)
        sqlite3_exec(index->db, "ROLLBACK", NULL, NULL, NULL);
    return st;
}

const struct drain_store_functions index_functions = {
    .name = "sqlite",
    .open = open_database,
    .position = index_position,
    .begin = index_begin,
    .put = index_put,
    .amend = index_amend,
    .commit = index_commit,
    .rollback = index_rollback,
    .close = close_database,
};
