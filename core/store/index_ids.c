/* SPDX-License-Identifier: MIT */
/* Which calls have a trace or request id. Such ids are random: each would cost a page of an ordinary
 * index when its call comes, and another one when that goes. So they are listed a block of calls at a
 * time: for each id its checksum and its call's number in the block, in 256 rows by the checksum's
 * first byte. Who looks for an id reads one row of each block, and looks at the calls that they name. */
#include <stdlib.h>

#include "base/crc32c.h"
#include "base/limits.h"
#include "store/index_parts.h"

enum { BUCKETS = 256, ENTRY = 6 /* bytes: checksum, number of the call, the lowest first */ };
#define BLOCK_CALLS INT64_C(8192)
#define BLOCK_IDS ((size_t)(2 * BLOCK_CALLS))

static unsigned bucket_of(uint32_t sum)
{
    return sum >> 24;
}

/* --- Listing ----------------------------------------------------------------------------------- */

struct listed {
    uint32_t sum;
    uint16_t call; /* behind the block's first */
};

struct listing {
    int64_t first; /* id of a call */
    size_t count;
    struct listed ids[BLOCK_IDS];
    size_t ends[BUCKETS]; /* of each bucket's part of `sorted` */
    char sorted[BLOCK_IDS * ENTRY];
};

static harborai_status read_ids(struct index *index, struct listing *listing,
                                harborai_error *error)
{
    sqlite3_stmt *s = index_statement(index, INDEX_READ_IDS);
    int step = SQLITE_ERROR;
    if (s != NULL) {
        sqlite3_bind_int64(s, 1, listing->first);
        sqlite3_bind_int64(s, 2, listing->first + BLOCK_CALLS - 1);
    }
    while (s != NULL && (step = sqlite3_step(s)) == SQLITE_ROW)
        for (int column = 1; column <= 2; column++) {
            const char *id = sqlite3_column_blob(s, column);
            harborai_str bytes = {id, (size_t)sqlite3_column_bytes(s, column)};
            if (id != NULL)
                listing->ids[listing->count++] = (struct listed){
                    .sum = crc32c(0, bytes),
                    .call = (uint16_t)(sqlite3_column_int64(s, 0) - listing->first)};
        }
    harborai_status st = step == SQLITE_DONE ? HARBORAI_OK : index_fail(index, "read", error);
    sqlite3_reset(s);
    return st;
}

static void write_entry(char *to, const struct listed *id)
{
    for (int i = 0; i < 4; i++)
        to[i] = (char)(id->sum >> (8 * i) & 255);
    to[4] = (char)(id->call & 255);
    to[5] = (char)(id->call >> 8);
}

/* Each to its bucket. */
static void sort(struct listing *listing)
{
    size_t sum = 0;
    for (size_t i = 0; i < listing->count; i++)
        listing->ends[bucket_of(listing->ids[i].sum)]++;
    for (size_t b = 0; b < BUCKETS; b++) {
        size_t begin = sum;
        sum += listing->ends[b];
        listing->ends[b] = begin; /* where its next one goes: in the end that is its end */
    }
    for (size_t i = 0; i < listing->count; i++) {
        size_t at = listing->ends[bucket_of(listing->ids[i].sum)]++;
        write_entry(listing->sorted + at * ENTRY, &listing->ids[i]);
    }
}

static harborai_status write_buckets(struct index *index, const struct listing *listing,
                                     int64_t block, harborai_error *error)
{
    size_t begin = 0;
    harborai_status st = HARBORAI_OK;
    for (int b = 0; st == HARBORAI_OK && b < BUCKETS; begin = listing->ends[b++]) {
        sqlite3_stmt *s = index_statement(index, INDEX_ADD_IDS);
        if (s == NULL)
            return index_fail(index, "write to", error);
        sqlite3_bind_int64(s, 1, block);
        sqlite3_bind_int64(s, 2, b);
        sqlite3_bind_blob64(s, 3, listing->sorted + begin * ENTRY,
                            (listing->ends[b] - begin) * ENTRY, SQLITE_STATIC);
        st = index_run(index, s, "write to", error);
    }
    return st;
}

static harborai_status list_block(struct index *index, int64_t first, harborai_error *error)
{
    struct listing *listing = calloc(1, sizeof *listing);
    if (listing == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    listing->first = first;
    harborai_status st = read_ids(index, listing, error);
    if (st == HARBORAI_OK)
        st = index_run_with(index, INDEX_ADD_BLOCK, BLOCK_CALLS, error);
    if (st == HARBORAI_OK) {
        sort(listing);
        st = write_buckets(index, listing, sqlite3_last_insert_rowid(index->db), error);
    }
    if (st == HARBORAI_OK)
        st = index_run_with(index, INDEX_SET_LISTED, first + BLOCK_CALLS - 1, error);
    free(listing);
    return st;
}

harborai_status index_ids_drop(struct index *index, harborai_error *error)
{
    harborai_status st =
        index_run(index, index_statement(index, INDEX_DROP_IDS), "write to", error);
    if (st == HARBORAI_OK)
        st = index_run(index, index_statement(index, INDEX_DROP_BLOCKS), "write to", error);
    return st;
}

harborai_status index_ids_list(struct index *index, harborai_error *error)
{
    int64_t listed = 0, last = 0;
    harborai_status st =
        index_number(index, index_statement(index, INDEX_LISTED), &listed, error);
    if (st == HARBORAI_OK)
        st = index_number(index, index_statement(index, INDEX_LAST_CALL), &last, error);
    if (st < 0 || last - listed < BLOCK_CALLS)
        return st;
    for (; st == HARBORAI_OK && last - listed >= BLOCK_CALLS; listed += BLOCK_CALLS)
        st = list_block(index, listed + 1, error);
    return st == HARBORAI_OK ? index_ids_drop(index, error) : st;
}

/* --- Looking up -------------------------------------------------------------------------------- */

static uint32_t sum_at(const unsigned char *entry)
{
    return (uint32_t)entry[0] | (uint32_t)entry[1] << 8 | (uint32_t)entry[2] << 16 |
           (uint32_t)entry[3] << 24;
}

/* The calls of a row of `ids` that may have the id of that checksum. */
static void add_calls(sqlite3_stmt *s, uint32_t sum, struct buf *out)
{
    const unsigned char *entries = sqlite3_column_blob(s, 1);
    int64_t first = sqlite3_column_int64(s, 0);
    size_t size = (size_t)sqlite3_column_bytes(s, 1);
    for (size_t at = 0; at + ENTRY <= size; at += ENTRY) {
        const unsigned char *entry = entries + at;
        if (sum_at(entry) == sum)
            buf_printf(out, "%s%lld", out->len > 1 ? "," : "",
                       (long long)first + (entry[4] | entry[5] << 8));
    }
}

/* calls_with_id(ID): their numbers as a JSON array, for json_each(). */
static void find_calls(sqlite3_context *context, int count UNUSED, sqlite3_value **values)
{
    struct index *index = sqlite3_user_data(context);
    AUTO(buf) out = BUF_INIT(MIB(64));
    const char *id = sqlite3_value_blob(values[0]);
    uint32_t sum = crc32c(0, (harborai_str){id, (size_t)sqlite3_value_bytes(values[0])});
    sqlite3_stmt *s = index_statement(index, INDEX_FIND_IDS);
    int step = SQLITE_ERROR;
    if (s != NULL)
        sqlite3_bind_int64(s, 1, bucket_of(sum));
    buf_add_char(&out, '[');
    while (s != NULL && (step = sqlite3_step(s)) == SQLITE_ROW)
        add_calls(s, sum, &out);
    buf_add_char(&out, ']');
    sqlite3_reset(s);
    if (step != SQLITE_DONE)
        sqlite3_result_error_code(context, step);
    else if (out.failed < 0)
        sqlite3_result_error_nomem(context);
    else
        sqlite3_result_text(context, out.data, (int)out.len, SQLITE_TRANSIENT);
}

bool index_ids_register(struct index *index)
{
    return sqlite3_create_function_v2(index->db, "calls_with_id", 1, SQLITE_UTF8, index, find_calls,
                                      NULL, NULL, NULL) == SQLITE_OK;
}
