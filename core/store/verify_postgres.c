/* SPDX-License-Identifier: MIT */
/* Rows do not say of which segment they are, and stand beside those of other gateways: they are asked
 * for by their keys, many at a time, in one transaction that only reads. Must never change anything,
 * nor make the tables. */
#include "store/verify_postgres.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "config/config.h"
#include "store/postgres_schema.h"
#include "store/postgres_sql.h"
#include "store/state_id.h"

#define BATCH 1000
#define NS_PER_DAY (INT64_C(86400) * NS_PER_S)

struct known_segment {
    char name[JOURNAL_NAME_MOST];
    uint64_t offset;
};

struct verify_postgres {
    struct verify_store store;
    struct postgres pg;
    struct postgres_address *address; /* owned */
    char *state_dir;                  /* owned */
    char state_id[37];
    int64_t kept_from_ns; /* the first day that is there */
    int64_t retention_days;
    struct known_segment *segments; /* owned; by name */
    size_t count;
};

static struct verify_postgres *self_of(struct verify_store *store)
{
    return CONTAINER_OF(store, struct verify_postgres, store);
}

static harborai_status no_memory(harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
}

/* --- Opening ----------------------------------------------------------------------------------- */

/* Without tables it has nothing. */
static harborai_status check_schema(struct verify_postgres *v, bool *ret_is_empty,
                                    harborai_error *error)
{
    struct postgres_schema schema;
    harborai_status st = postgres_schema_look(&v->pg, &schema, error);
    if (st < 0)
        return st;
    *ret_is_empty = schema.state == POSTGRES_SCHEMA_NONE;
    return postgres_schema_check(&schema, *ret_is_empty, error);
}

static harborai_status read_positions(struct verify_postgres *v, harborai_error *error)
{
    const char *const values[] = {v->state_id};
    PGresult *result;
    harborai_status st = postgres_ask(&v->pg,
                                      "SELECT segment, \"offset\" FROM harborai_positions "
                                      "WHERE state_id = $1 ORDER BY segment COLLATE \"C\"",
                                      ARRAY_LEN(values), values, &result, error);
    if (st < 0)
        return st;
    size_t count = (size_t)PQntuples(result);
    v->segments = calloc(count + 1, sizeof *v->segments);
    for (size_t i = 0; v->segments != NULL && i < count; i++) {
        struct known_segment *to = &v->segments[i];
        snprintf(to->name, sizeof to->name, "%s", PQgetvalue(result, (int)i, 0));
        if (!slice_to_u64(slice_of(PQgetvalue(result, (int)i, 1)), &to->offset))
            to->offset = 0;
        v->count++;
    }
    PQclear(result);
    return v->segments != NULL ? HARBORAI_OK : no_memory(error);
}

static harborai_status read_first_day(struct verify_postgres *v, harborai_error *error)
{
    PGresult *result;
    uint64_t day;
    harborai_status st = postgres_ask(
        &v->pg,
        "SELECT to_date(min(right(c.relname, 8)), 'YYYYMMDD') - date '1970-01-01' "
        "FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
        "WHERE i.inhparent = 'api_logs'::regclass AND right(c.relname, 9) ~ '^_[0-9]{8}$'",
        0, NULL, &result, error);
    if (st < 0)
        return st;
    bool has_days = slice_to_u64(slice_of(PQgetvalue(result, 0, 0)), &day);
    v->kept_from_ns = has_days ? (int64_t)day * NS_PER_DAY : INT64_MAX;
    PQclear(result);
    return HARBORAI_OK;
}

/* The settings of a connection that writes end it when nobody asks for a while: here the journal is
 * read in between. One plan is enough, which looks rows up by their keys. */
static harborai_status begin(struct verify_postgres *v, harborai_error *error)
{
    return postgres_run(&v->pg,
                        "SET idle_in_transaction_session_timeout = 0; SET enable_seqscan = off; "
                        "SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off; "
                        "SET plan_cache_mode = force_generic_plan; "
                        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
                        error);
}

static harborai_status open_postgres(struct verify_store *store, harborai_error *error)
{
    struct verify_postgres *v = self_of(store);
    bool is_empty = false;
    harborai_status st = state_id_read(slice_of(v->state_dir), v->state_id, error);
    if (st == HARBORAI_OK)
        st = postgres_open(&v->pg, v->address, -1, error);
    if (st == HARBORAI_OK)
        st = check_schema(v, &is_empty, error);
    if (st < 0 || is_empty)
        return st;
    st = begin(v, error);
    if (st == HARBORAI_OK)
        st = read_positions(v, error);
    if (st == HARBORAI_OK)
        st = read_first_day(v, error);
    if (st == HARBORAI_OK)
        st = postgres_prepare(&v->pg, "rows", postgres_sql_rows, error);
    return st;
}

static void close_postgres(struct verify_store *store)
{
    struct verify_postgres *v = self_of(store);
    postgres_close(&v->pg);
    free(take(v->segments));
    v->count = 0;
}

static void destroy(struct verify_store *store)
{
    struct verify_postgres *v = self_of(store);
    close_postgres(store);
    postgres_address_destroy(v->address);
    free(v->state_dir);
    free(v);
}

/* --- Positions --------------------------------------------------------------------------------- */

static int compare_name(const void *name, const void *segment)
{
    harborai_str text = *(const harborai_str *)name;
    harborai_str other = slice_of(((const struct known_segment *)segment)->name);
    int order = memcmp(text.data, other.data, text.len < other.len ? text.len : other.len);
    return order != 0 ? order : (text.len > other.len) - (text.len < other.len);
}

static uint64_t position(struct verify_store *store, harborai_str segment)
{
    const struct verify_postgres *v = self_of(store);
    const struct known_segment *known =
        v->count > 0 ? bsearch(&segment, v->segments, v->count, sizeof *v->segments, compare_name)
                     : NULL;
    return known != NULL ? known->offset : 0;
}

static bool give_known(struct verify_store *store, size_t number, struct verify_known *ret_known)
{
    const struct verify_postgres *v = self_of(store);
    if (number >= v->count)
        return false;
    *ret_known = (struct verify_known){v->segments[number].name, v->segments[number].offset, -1, 0};
    return true;
}

static bool sums(struct verify_store *store UNUSED, harborai_str segment UNUSED,
                 struct verify_sums *ret_sums UNUSED)
{
    return false;
}

/* Days go from the first on, as a whole: one that is missing in between was not dropped by its age. */
static bool has_dropped(struct verify_store *store, int64_t begin_ns)
{
    const struct verify_postgres *v = self_of(store);
    int64_t now_ns = clock_wall_ns(&clock_system);
    return v->retention_days > 0 && begin_ns < v->kept_from_ns &&
           begin_ns / NS_PER_DAY < now_ns / NS_PER_DAY - v->retention_days;
}

/* --- Rows -------------------------------------------------------------------------------------- */

/* The columns of rows.sql, one after the other. */
struct row {
    const PGresult *result;
    int number, column;
};

static harborai_str next_text(struct row *row)
{
    int column = row->column++;
    if (PQgetisnull(row->result, row->number, column))
        return SLICE_NONE;
    return (harborai_str){PQgetvalue(row->result, row->number, column),
                          (size_t)PQgetlength(row->result, row->number, column)};
}

static int64_t next_number(struct row *row, int64_t otherwise)
{
    harborai_str text = next_text(row);
    uint64_t number;
    return slice_to_u64(text, &number) && number <= INT64_MAX ? (int64_t)number : otherwise;
}

static bool next_flag(struct row *row)
{
    return slice_is(next_text(row), "t");
}

static int64_t next_money(struct row *row)
{
    int64_t pico;
    return call_money_read(next_text(row), &pico) ? pico : -1;
}

static void read_names(struct row *row, struct call *call)
{
    call->key = next_text(row);
    call->begin_ns = next_number(row, 0) * NS_PER_US;
    call->id = next_text(row);
    call->request_id = next_text(row);
    call->trace_id = next_text(row);
    call->span_id = next_text(row);
    call->client = next_text(row);
    call->provider = next_text(row);
    call->plugin = next_text(row);
    call->model = next_text(row);
    call->upstream_model = next_text(row);
    call->is_stream = next_flag(row);
    call->attempts = (unsigned)next_number(row, 0);
}

static void read_end(struct row *row, struct call *call)
{
    int64_t took_ns = next_number(row, -1);
    call->end_ns = took_ns >= 0 ? call->begin_ns + took_ns : 0;
    call->ttft_ns = next_number(row, -1);
    call->status = (int)next_number(row, 0);
    call->vendor_status = (int)next_number(row, 0);
    if (!call_outcome_read(next_text(row), &call->outcome))
        call->outcome = CALL_ERROR;
    call->error_code = next_text(row);
    call->error_message = next_text(row);
    call->finish_reason = next_text(row);
    call->bytes_in = (uint64_t)next_number(row, 0);
    call->bytes_out = (uint64_t)next_number(row, 0);
    call->vendor_bytes_in = (uint64_t)next_number(row, 0);
    call->vendor_bytes_out = (uint64_t)next_number(row, 0);
}

static void read_use(struct row *row, struct call *call)
{
    call->amend_ns = next_number(row, 0) * NS_PER_US;
    call_tokens_read(next_text(row), call);
    call->prompt_tokens = next_number(row, -1);
    call->completion_tokens = next_number(row, -1);
    call->total_tokens = next_number(row, -1);
    call->parsing_method = next_text(row);
    call->confidence = (int)next_number(row, 0);
    call->is_estimated = next_flag(row);
    call->cost_pico = next_money(row);
    call->is_cost_known = call->cost_pico >= 0;
    call->cost_input_pico = next_money(row);
    call->cost_output_pico = next_money(row);
    call->currency = next_text(row);
}

static harborai_status give_rows(const PGresult *result, verify_row_fn *on_row, void *context,
                                 harborai_error *error)
{
    harborai_status st = HARBORAI_OK;
    for (int i = 0; st == HARBORAI_OK && i < PQntuples(result); i++) {
        struct row row = {result, i, 0};
        struct call call = {.ttft_ns = -1};
        read_names(&row, &call);
        read_end(&row, &call);
        read_use(&row, &call);
        st = on_row(context, &call, error);
    }
    return st;
}

/* --- Batches ----------------------------------------------------------------------------------- */

struct batch {
    struct buf keys, times; /* array literals, without the bracket at the end */
    size_t count;
};

static void add_to_batch(struct batch *b, const struct verify_call *call)
{
    int64_t us = call->begin_ns / NS_PER_US;
    buf_add_char(&b->keys, b->count == 0 ? '{' : ',');
    for (size_t i = 0; i < sizeof call->key; i++)
        buf_printf(&b->keys, "%02x", call->key[i]);
    buf_printf(&b->times, "%c%lld", b->count == 0 ? '{' : ',', (long long)us);
    b->count++;
}

static harborai_status ask_batch(struct verify_postgres *v, struct batch *b, verify_row_fn *on_row,
                                 void *context, harborai_error *error)
{
    PGresult *result;
    if (b->count == 0)
        return HARBORAI_OK;
    buf_add(&b->keys, (harborai_str){"}", 2}); /* with its NUL */
    buf_add(&b->times, (harborai_str){"}", 2});
    if (b->keys.failed < 0 || b->times.failed < 0)
        return no_memory(error);
    const char *const values[] = {b->keys.data, b->times.data};
    harborai_status st =
        postgres_ask_prepared(&v->pg, "rows", ARRAY_LEN(values), values, &result, error);
    if (st < 0)
        return st;
    st = give_rows(result, on_row, context, error);
    PQclear(result);
    b->count = 0;
    buf_clear(&b->keys);
    buf_clear(&b->times);
    return st;
}

/* Keys that are no UUIDs were refused. */
static harborai_status rows(struct verify_store *store, harborai_str segment,
                            const struct verify_call *calls, size_t count, verify_row_fn *on_row,
                            void *context, harborai_error *error)
{
    struct batch b = {.keys = BUF_INIT(MIB(1)), .times = BUF_INIT(MIB(1))};
    uint64_t until = position(store, segment);
    harborai_status st = HARBORAI_OK;
    for (size_t i = 0; st == HARBORAI_OK && i < count; i++) {
        if (!calls[i].is_uuid || calls[i].offset >= until)
            continue;
        add_to_batch(&b, &calls[i]);
        if (b.count == BATCH)
            st = ask_batch(self_of(store), &b, on_row, context, error);
    }
    if (st == HARBORAI_OK)
        st = ask_batch(self_of(store), &b, on_row, context, error);
    buf_release(&b.keys);
    buf_release(&b.times);
    return st;
}

/* Of whatever gateway: a key is a call's for ever. */
static harborai_status twice(struct verify_store *store, int64_t since_ns, int64_t until_ns,
                             void (*on_key)(void *context, harborai_str key), void *context,
                             harborai_error *error)
{
    char since[24], until[24];
    const char *const values[] = {since, until};
    PGresult *result;
    if (self_of(store)->segments == NULL) /* it has no tables */
        return HARBORAI_OK;
    snprintf(since, sizeof since, "%lld", (long long)(since_ns / NS_PER_US));
    snprintf(until, sizeof until, "%lld", (long long)(until_ns / NS_PER_US));
    harborai_status st = postgres_ask(
        &self_of(store)->pg,
        "SELECT record_key FROM api_logs WHERE \"timestamp\" BETWEEN "
        "timestamptz 'epoch' + $1::bigint * interval '1 microsecond' AND "
        "timestamptz 'epoch' + $2::bigint * interval '1 microsecond' "
        "GROUP BY 1 HAVING count(*) > 1 ORDER BY 1 LIMIT 1000",
        ARRAY_LEN(values), values, &result, error);
    if (st < 0)
        return st;
    for (int i = 0; i < PQntuples(result); i++)
        on_key(context, slice_of(PQgetvalue(result, i, 0)));
    PQclear(result);
    return HARBORAI_OK;
}

static const struct verify_store_functions functions = {
    .name = "postgres",
    .open = open_postgres,
    .close = close_postgres,
    .destroy = destroy,
    .position = position,
    .known = give_known,
    .sums = sums,
    .rows = rows,
    .has_dropped = has_dropped,
    .twice = twice,
};

harborai_status verify_postgres_create(const struct config *config,
                                       struct verify_store **ret_store, harborai_error *error)
{
    struct verify_postgres *v = calloc(1, sizeof *v);
    if (v == NULL)
        return no_memory(error);
    v->store.functions = &functions;
    v->retention_days = config->postgres.retention_days;
    harborai_status st = postgres_address_create(config, &v->address, error);
    v->state_dir = slice_dup(config->state_dir);
    if (st == HARBORAI_OK && v->state_dir == NULL)
        st = no_memory(error);
    if (st < 0)
        destroy(&v->store);
    else
        *ret_store = &v->store;
    return st;
}
