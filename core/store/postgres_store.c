/* SPDX-License-Identifier: MIT */
/* Rows into PostgreSQL. Must never say that something is copied before COMMIT was answered, nor set a
 * row aside that only misses its partition. */
#include "store/postgres_store.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "config/config.h"
#include "store/journal_follow.h"
#include "store/postgres_row.h"
#include "store/postgres_schema.h"
#include "store/postgres_sql.h"
#include "store/state_id.h"

#define NS_PER_DAY (INT64_C(86400) * NS_PER_S)
#define ATTEMPTS 3 /* of a transaction that meets another gateway's */
#define IDLE_NS NS_PER_S /* then it is asked whether it is there still */
#define COPY_MS 10000 /* a statement that copies; the server gives up first */

enum { DAYS_KNOWN = 64 };

struct postgres_store {
    struct drain_store store;
    struct postgres pg;
    struct postgres_address *address; /* owned */
    int stop_fd;                      /* owned; an eventfd */
    char *state_dir;                  /* owned */
    char state_id[37];                /* "" until it was read */
    bool is_open, may_migrate;
    int64_t retention_days;
    struct postgres_rows puts, amends;
    int64_t days[DAYS_KNOWN]; /* whose partitions are there, as far as is known */
    size_t day_count;
    bool is_double;    /* the last transaction failed for a row that is there */
    int64_t heard_ns;  /* of the server, monotonic */
    int64_t swept_day; /* when old ones were last dropped */
};

static struct postgres_store *self_of(struct drain_store *store)
{
    return CONTAINER_OF(store, struct postgres_store, store);
}

/* ---- Opening -------------------------------------------------------------------------------- */

static harborai_status update_schema(struct postgres_store *s, harborai_error *error)
{
    struct postgres_schema schema;
    unsigned steps;
    harborai_status st = postgres_schema_look(&s->pg, &schema, error);
    if (st == HARBORAI_OK)
        st = postgres_schema_check(&schema, s->may_migrate, error);
    if (st < 0 || schema.state == POSTGRES_SCHEMA_CURRENT)
        return st;
    s->pg.limit_ms = POSTGRES_STATEMENT_MS;
    st = postgres_schema_migrate(&s->pg, "harborai " PACKAGE_VERSION, &steps, error);
    s->pg.limit_ms = COPY_MS;
    return st;
}

/* A plan that was made for empty tables would read them as a whole when they are full. A connection that
 * is lost unnoticed must not keep its locks for long: the next one needs them. */
static harborai_status set_session(struct postgres_store *s, harborai_error *error)
{
    char sql[320];
    snprintf(sql, sizeof sql,
             "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; "
             "SET jit = off; SET statement_timeout = %d; SET lock_timeout = %d; "
             "SET idle_in_transaction_session_timeout = %d",
             COPY_MS - COPY_MS / 10, COPY_MS / 2, COPY_MS);
    return postgres_run(&s->pg, sql, error);
}

static harborai_status prepare(struct postgres_store *s, const char *name, const char *sql,
                               harborai_error *error)
{
    AUTO(buf) text = BUF_INIT(KIB(64));
    postgres_rows_write_statement(sql, &text);
    buf_add_char(&text, '\0');
    if (text.failed < 0)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    return postgres_prepare(&s->pg, name, text.data, error);
}

/* Whether the server closed it while nobody asked it anything. */
static bool is_alive(struct postgres_store *s)
{
    return s->is_open && PQconsumeInput(s->pg.connection) == 1 &&
           PQstatus(s->pg.connection) == CONNECTION_OK;
}

/* One that is gone without a word takes what is sent and says nothing. */
static harborai_status ask_if_there(struct postgres_store *s, harborai_error *error)
{
    int64_t now_ns = clock_monotonic_ns(&clock_system);
    if (now_ns - s->heard_ns < IDLE_NS)
        return HARBORAI_OK;
    harborai_status st = postgres_run(&s->pg, "SELECT 1", error);
    s->heard_ns = now_ns;
    return st;
}

static void close_store(struct drain_store *store)
{
    struct postgres_store *s = self_of(store);
    postgres_rows_clear(&s->puts);
    postgres_rows_clear(&s->amends);
    postgres_close(&s->pg);
    s->is_open = false;
    s->day_count = 0;
}

static harborai_status open_store(struct drain_store *store, harborai_error *error)
{
    struct postgres_store *s = self_of(store);
    harborai_status st = is_alive(s) ? ask_if_there(s, error) : HARBORAI_E_NETWORK;
    if (st == HARBORAI_OK)
        return st;
    close_store(store);
    if (st == HARBORAI_E_TIMEOUT || st == HARBORAI_E_CANCELLED)
        return st;
    st = HARBORAI_OK;
    if (s->state_id[0] == '\0')
        st = state_id_read(slice_of(s->state_dir), s->state_id, error);
    if (st == HARBORAI_OK)
        st = postgres_open(&s->pg, s->address, s->stop_fd, error);
    s->pg.limit_ms = COPY_MS;
    if (st == HARBORAI_OK)
        st = update_schema(s, error);
    if (st == HARBORAI_OK)
        st = set_session(s, error);
    if (st == HARBORAI_OK)
        st = prepare(s, "put", postgres_sql_put, error);
    if (st == HARBORAI_OK)
        st = prepare(s, "give_way", postgres_sql_give_way, error);
    if (st == HARBORAI_OK)
        st = prepare(s, "amend", postgres_sql_amend, error);
    s->is_open = st == HARBORAI_OK;
    s->heard_ns = clock_monotonic_ns(&clock_system);
    store->opened += s->is_open;
    if (st < 0)
        close_store(store);
    return st == HARBORAI_E_INVALID ? HARBORAI_E_INTERNAL : st;
}

/* ---- Positions ------------------------------------------------------------------------------ */

static harborai_status position(struct drain_store *store, harborai_str segment,
                                struct journal_position *ret_position, harborai_error *error)
{
    struct postgres_store *s = self_of(store);
    struct journal_position found = {.offset = 0};
    snprintf(found.segment, sizeof found.segment, "%.*s", SLICE_ARG(segment));
    const char *const values[] = {s->state_id, found.segment};
    PGresult *result;
    harborai_status st = postgres_ask(&s->pg,
                                      "SELECT \"offset\", seq FROM harborai_positions "
                                      "WHERE state_id = $1 AND segment = $2",
                                      ARRAY_LEN(values), values, &result, error);
    if (st < 0)
        return st;
    if (PQntuples(result) == 1 &&
        (!slice_to_u64(slice_of(PQgetvalue(result, 0, 0)), &found.offset) ||
         !slice_to_u64(slice_of(PQgetvalue(result, 0, 1)), &found.seq)))
        found.offset = found.seq = 0;
    PQclear(result);
    *ret_position = found;
    return HARBORAI_OK;
}

/* Segments are called by digits, letters and '-'. */
static harborai_status write_positions(struct postgres_store *s,
                                       const struct journal_position *positions, size_t count,
                                       harborai_error *error)
{
    AUTO(buf) names = BUF_INIT(KIB(64)), offsets = BUF_INIT(KIB(64)), seqs = BUF_INIT(KIB(64));
    for (size_t i = 0; i < count; i++) {
        const char *separator = i > 0 ? "," : "{";
        buf_printf(&names, "%s\"%s\"", separator, positions[i].segment);
        buf_printf(&offsets, "%s%llu", separator, (unsigned long long)positions[i].offset);
        buf_printf(&seqs, "%s%llu", separator, (unsigned long long)positions[i].seq);
    }
    struct buf *all[] = {&names, &offsets, &seqs};
    const char *values[4] = {s->state_id, "{}", "{}", "{}"};
    for (size_t i = 0; count > 0 && i < ARRAY_LEN(all); i++) {
        buf_add(all[i], (harborai_str){"}", 2}); /* with its NUL */
        if (all[i]->failed < 0)
            return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
        values[i + 1] = all[i]->data;
    }
    PGresult *result;
    harborai_status st =
        postgres_ask(&s->pg,
                     "INSERT INTO harborai_positions (state_id, segment, \"offset\", seq) "
                     "SELECT $1::uuid, * FROM unnest($2::text[], $3::bigint[], $4::bigint[]) "
                     "ON CONFLICT (state_id, segment) DO UPDATE SET \"offset\" = excluded.\"offset\", "
                     "seq = excluded.seq, updated_at = now()",
                     ARRAY_LEN(values), values, &result, error);
    if (st == HARBORAI_OK)
        PQclear(result);
    return st;
}

/* ---- Days ----------------------------------------------------------------------------------- */

static bool knows_day(const struct postgres_store *s, int64_t day)
{
    for (size_t i = 0; i < s->day_count; i++)
        if (s->days[i] == day)
            return true;
    return false;
}

static harborai_status make_day(struct postgres_store *s, int64_t day, harborai_error *error)
{
    char text[16];
    const char *const values[] = {text};
    PGresult *result;
    if (knows_day(s, day))
        return HARBORAI_OK;
    snprintf(text, sizeof text, "%lld", (long long)day);
    harborai_status st = postgres_ask(&s->pg, "SELECT harborai_make_day(date '1970-01-01' + $1::int)",
                                      ARRAY_LEN(values), values, &result, error);
    if (st < 0)
        return st;
    PQclear(result);
    s->days[s->day_count++ % DAYS_KNOWN] = day;
    if (s->day_count > DAYS_KNOWN)
        s->day_count = DAYS_KNOWN;
    return HARBORAI_OK;
}

static harborai_status make_days(struct postgres_store *s, harborai_error *error)
{
    harborai_status st = HARBORAI_OK;
    for (size_t i = 0; st == HARBORAI_OK && i < s->puts.day_count; i++)
        st = make_day(s, s->puts.days[i], error);
    return st;
}

/* What is in the way, as a report that reads for hours, is no reason to stop: tomorrow. */
static void sweep_by(struct postgres_store *s, const char *sql, int64_t limit_ms)
{
    AUTO(buf) all = BUF_INIT(KIB(2));
    buf_printf(&all,
               "BEGIN; SET LOCAL lock_timeout = 2000; SET LOCAL statement_timeout = %lld; %s; COMMIT",
               (long long)(limit_ms - limit_ms / 10), sql);
    buf_add_char(&all, '\0');
    if (all.failed < 0)
        return;
    s->pg.limit_ms = limit_ms;
    if (postgres_run(&s->pg, all.data, NULL) < 0)
        (void)!postgres_run(&s->pg, "ROLLBACK", NULL);
    s->pg.limit_ms = COPY_MS;
}

/* Once a day. */
static void sweep(struct postgres_store *s)
{
    char sql[256];
    int64_t today = clock_wall_ns(&clock_system) / NS_PER_DAY;
    if (s->swept_day == today)
        return;
    s->swept_day = today;
    snprintf(sql, sizeof sql,
             "SELECT harborai_make_day(date '1970-01-01' + %lld); "
             "DELETE FROM harborai_positions WHERE updated_at < now() - interval '400 days'",
             (long long)today + 1);
    sweep_by(s, sql, COPY_MS);
    if (s->retention_days == 0)
        return;
    snprintf(sql, sizeof sql,
             "SELECT harborai_drop_before((now() AT TIME ZONE 'UTC')::date - %lld)",
             (long long)s->retention_days);
    sweep_by(s, sql, POSTGRES_STATEMENT_MS); /* large files */
    s->day_count = 0; /* some may have gone */
}

/* ---- Transactions --------------------------------------------------------------------------- */

static void rollback(struct drain_store *store)
{
    struct postgres_store *s = self_of(store);
    postgres_rows_clear(&s->puts);
    postgres_rows_clear(&s->amends);
}

/* Nothing is sent before commit. */
static harborai_status begin(struct drain_store *store, harborai_error *error UNUSED)
{
    rollback(store);
    return HARBORAI_OK;
}

static harborai_status add(struct postgres_rows *rows, const struct call *call,
                           harborai_error *error)
{
    if (postgres_rows_add(rows, call))
        return HARBORAI_OK;
    return harborai_error_set(error, HARBORAI_E_INTERNAL,
                              "a transaction has more days than can be kept");
}

static harborai_status put(struct drain_store *store, const struct call *call,
                           harborai_error *error)
{
    return add(&self_of(store)->puts, call, error);
}

static harborai_status amend(struct drain_store *store, const struct call *call,
                             harborai_error *error)
{
    return add(&self_of(store)->amends, call, error);
}

/* Asks a prepared statement, which answers with a number. */
static harborai_status send(struct postgres_store *s, const char *name, struct postgres_rows *rows,
                            uint64_t *ret_number, harborai_error *error)
{
    const char *values[POSTGRES_COLUMNS_MOST];
    PGresult *result;
    *ret_number = 0;
    if (rows->count == 0)
        return HARBORAI_OK;
    harborai_status st = postgres_rows_values(rows, values, error);
    if (st == HARBORAI_OK)
        st = postgres_ask_prepared(&s->pg, name, postgres_rows_columns(), values, &result, error);
    if (st < 0)
        return st;
    (void)slice_to_u64(slice_of(PQgetvalue(result, 0, 0)), ret_number);
    PQclear(result);
    return HARBORAI_OK;
}

/* What is in the way of calls, which seldom is anything, goes first. */
static harborai_status put_all(struct postgres_store *s, bool is_in_way, harborai_error *error)
{
    uint64_t number = 0;
    harborai_status st = HARBORAI_OK;
    if (!is_in_way) {
        st = send(s, "put", &s->puts, &number, error);
        is_in_way = number > 0;
    }
    if (st == HARBORAI_OK && is_in_way)
        st = send(s, "give_way", &s->puts, &number, error);
    if (st == HARBORAI_OK && is_in_way)
        st = send(s, "put", &s->puts, &number, error);
    return st;
}

/* Ends a transaction that failed, if the server still listens. */
static void end_failed(struct postgres_store *s)
{
    PGTransactionStatusType status = PQtransactionStatus(s->pg.connection);
    if (status == PQTRANS_INTRANS || status == PQTRANS_INERROR)
        (void)!postgres_run(&s->pg, "ROLLBACK", NULL);
}

/* A connection that was lost with its COMMIT on the way may end that transaction later than the next one
 * begins: then both would count the same calls as new. So they wait for each other, and what is new is
 * looked up after that. */
static harborai_status begin_alone(struct postgres_store *s, harborai_error *error)
{
    char sql[160];
    snprintf(sql, sizeof sql,
             "BEGIN ISOLATION LEVEL READ COMMITTED; "
             "SELECT pg_advisory_xact_lock(hashtextextended('harborai %s', 0))", s->state_id);
    return postgres_run(&s->pg, sql, error);
}

static harborai_status write_all(struct postgres_store *s, bool is_in_way,
                                 const struct journal_position *positions, size_t count,
                                 harborai_error *error)
{
    uint64_t amended;
    harborai_status st = make_days(s, error);
    if (st == HARBORAI_OK)
        st = begin_alone(s, error);
    if (st == HARBORAI_OK)
        st = put_all(s, is_in_way, error);
    if (st == HARBORAI_OK)
        st = send(s, "amend", &s->amends, &amended, error);
    if (st == HARBORAI_OK)
        st = write_positions(s, positions, count, error);
    if (st == HARBORAI_OK)
        st = postgres_run(&s->pg, "COMMIT", error);
    s->is_double = strcmp(s->pg.sqlstate, "23505") == 0;
    if (st < 0)
        end_failed(s);
    return st;
}

/* Two gateways may lock each other's sums. A day's partition may have been dropped, or of a call's rows
 * only some, which is told as a value that is refused. */
static harborai_status commit(struct drain_store *store, const struct journal_position *positions,
                              size_t count, harborai_error *error)
{
    struct postgres_store *s = self_of(store);
    harborai_status st = HARBORAI_E_OVERLOADED;
    bool had_days = s->day_count > 0, is_in_way = false;
    for (unsigned i = 0; i < ATTEMPTS && st == HARBORAI_E_OVERLOADED; i++) {
        st = write_all(s, is_in_way, positions, count, error);
        if (st == HARBORAI_E_INVALID && s->is_double && !is_in_way) {
            is_in_way = true;
            st = HARBORAI_E_OVERLOADED;
        } else if (st == HARBORAI_E_INVALID && had_days) {
            had_days = false;
            s->day_count = 0;
            st = HARBORAI_E_OVERLOADED;
        }
    }
    if (st < 0)
        return st;
    s->heard_ns = clock_monotonic_ns(&clock_system);
    sweep(s);
    rollback(store); /* what is committed is not kept */
    return HARBORAI_OK;
}

static const struct drain_store_functions functions = {
    .name = "postgres",
    .open = open_store,
    .position = position,
    .begin = begin,
    .put = put,
    .amend = amend,
    .commit = commit,
    .rollback = rollback,
    .close = close_store,
};

/* ---- Making and destroying ------------------------------------------------------------------ */

harborai_status postgres_store_create(const struct config *config,
                                      struct postgres_store **ret_store, harborai_error *error)
{
    struct postgres_store *s = calloc(1, sizeof *s);
    if (s == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    s->store.functions = &functions;
    s->may_migrate = config->postgres.migrate == CONFIG_MIGRATE_AUTO;
    s->retention_days = config->postgres.retention_days;
    postgres_rows_init(&s->puts);
    postgres_rows_init(&s->amends);
    s->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    harborai_status st = HARBORAI_OK;
    if (s->stop_fd < 0)
        st = harborai_error_set(error, HARBORAI_E_MEMORY, "no descriptor left for PostgreSQL");
    if (st == HARBORAI_OK)
        st = postgres_address_create(config, &s->address, error);
    s->state_dir = slice_dup(config->state_dir);
    if (st == HARBORAI_OK && s->state_dir == NULL)
        st = harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    if (st < 0)
        postgres_store_destroy(s);
    else
        *ret_store = s;
    return st;
}

void postgres_store_destroy(struct postgres_store *store)
{
    if (store == NULL)
        return;
    close_store(&store->store);
    if (store->stop_fd >= 0)
        close(store->stop_fd);
    postgres_rows_release(&store->puts);
    postgres_rows_release(&store->amends);
    postgres_address_destroy(store->address);
    free(store->state_dir);
    free(store);
}

struct drain_store *postgres_store_of(struct postgres_store *store)
{
    return &store->store;
}

void postgres_store_interrupt(struct postgres_store *store)
{
    (void)eventfd_write(store->stop_fd, 1);
}

const char *postgres_store_address(const struct postgres_store *store)
{
    return postgres_address_text(store->address);
}

bool postgres_store_is_of(const struct postgres_store *store, const struct config *config)
{
    struct postgres_address *address = NULL;
    if (store == NULL || !config->postgres.is_configured)
        return store == NULL && !config->postgres.is_configured;
    if (postgres_address_create(config, &address, NULL) < 0)
        return false;
    bool is_same = postgres_address_equal(store->address, address) &&
                   store->retention_days == config->postgres.retention_days &&
                   store->may_migrate == (config->postgres.migrate == CONFIG_MIGRATE_AUTO);
    postgres_address_destroy(address);
    return is_same;
}

/* ---- States --------------------------------------------------------------------------------- */

int postgres_store_state_number(enum drain_state state)
{
    static const int numbers[DRAIN_STATE_COUNT] = {[DRAIN_ACTIVE] = 0,
                                                   [DRAIN_STANDBY] = 0,
                                                   [DRAIN_FAILING] = 1,
                                                   [DRAIN_STARTING] = 2,
                                                   [DRAIN_REFUSED] = 3};
    return numbers[state];
}

const char *postgres_store_state_name(enum drain_state state)
{
    static const char *const names[] = {"POSTGRES_ACTIVE", "FILE_FALLBACK", "INITIALIZING", "ERROR"};
    return names[postgres_store_state_number(state)];
}
