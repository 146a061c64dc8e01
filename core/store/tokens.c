/* SPDX-License-Identifier: MIT */
/* Reads candidates through a cursor, and writes what is mended in batches. Must never change a row that
 * somebody else changed meanwhile, nor a figure that somebody is billed by. */
#include "store/tokens.h"

#include <libpq-fe.h>
#include <stdio.h>

#include "base/error.h"
#include "base/limits.h"
#include "store/call.h"
#include "store/postgres_sql.h"

#define FETCH "FETCH 1000 FROM tokens" /* as many are mended in one transaction */

enum { KEYS, TIMES, PROMPTS, COMPLETIONS, TOTALS, CHANGES, ARRAYS };

struct batch {
    struct postgres *writer;
    struct buf arrays[ARRAYS]; /* array literals, without the bracket at the end */
    size_t count;
    tokens_row_fn *on_row;
    void *context;
    struct tokens_result *result;
};

/* --- What a row should be ---------------------------------------------------------------------- */

static harborai_str text_at(const PGresult *result, int row, int column)
{
    if (PQgetisnull(result, row, column))
        return SLICE_NONE;
    return (harborai_str){PQgetvalue(result, row, column), (size_t)PQgetlength(result, row, column)};
}

static int64_t number_at(const PGresult *result, int row, int column)
{
    uint64_t number;
    return slice_to_u64(text_at(result, row, column), &number) && number <= INT64_MAX
               ? (int64_t)number
               : -1;
}

static int64_t sum_of(int64_t a, int64_t b)
{
    return a < 0 && b < 0 ? -1 : (a > 0 ? a : 0) + (b > 0 ? b : 0);
}

/* As the drain made it of the classes and the vendor's object. A row without classes has nothing but
 * its two parts. */
static struct tokens right_of(const PGresult *result, int row, const struct tokens *is)
{
    struct call call = {.usage = text_at(result, row, 6)};
    call_tokens_read(text_at(result, row, 5), &call);
    call_derive(&call);
    struct tokens right = {call.prompt_tokens, call.completion_tokens, call.total_tokens};
    if (call.usage.len == 0 && slice_is(text_at(result, row, 8), "0.9")) /* the vendor's, differs */
        right.total = is->total;
    if (call.known_mask == 0) {
        right.prompt = is->prompt;
        right.completion = is->completion;
        if (right.total < 0)
            right.total = sum_of(is->prompt, is->completion);
    }
    return right;
}

/* --- Writing ----------------------------------------------------------------------------------- */

static void add_number(struct buf *array, char separator, int64_t number)
{
    if (number < 0)
        buf_printf(array, "%cNULL", separator);
    else
        buf_printf(array, "%c%lld", separator, (long long)number);
}

static void add(struct batch *b, const PGresult *result, int row, const struct tokens *right)
{
    char separator = b->count++ == 0 ? '{' : ',';
    buf_printf(&b->arrays[KEYS], "%c%s", separator, PQgetvalue(result, row, 0));
    buf_printf(&b->arrays[TIMES], "%c\"%s\"", separator, PQgetvalue(result, row, 1));
    add_number(&b->arrays[PROMPTS], separator, right->prompt);
    add_number(&b->arrays[COMPLETIONS], separator, right->completion);
    add_number(&b->arrays[TOTALS], separator, right->total);
    buf_printf(&b->arrays[CHANGES], "%c\"%s\"", separator, PQgetvalue(result, row, 7));
}

/* Who copies calls waits until the sums are whole. */
static harborai_status write_batch(struct batch *b, const char *const values[ARRAYS],
                                   harborai_error *error)
{
    PGresult *result;
    uint64_t count = 0;
    harborai_status st = postgres_run(
        b->writer, "BEGIN; LOCK TABLE call_hours, client_days IN SHARE ROW EXCLUSIVE MODE", error);
    if (st == HARBORAI_OK)
        st = postgres_ask(b->writer, postgres_sql_tokens_set, ARRAYS, values, &result, error);
    if (st < 0)
        return st;
    (void)slice_to_u64(slice_of(PQcmdTuples(result)), &count);
    PQclear(result);
    st = postgres_ask(b->writer, postgres_sql_tokens_sums, 1, &values[TIMES], &result, error);
    if (st < 0)
        return st;
    PQclear(result);
    st = postgres_run(b->writer, "COMMIT", error);
    if (st == HARBORAI_OK)
        b->result->repaired += count;
    return st;
}

static harborai_status repair(struct batch *b, harborai_error *error)
{
    const char *values[ARRAYS];
    if (b->count == 0)
        return HARBORAI_OK;
    for (size_t i = 0; i < ARRAYS; i++) {
        buf_add(&b->arrays[i], (harborai_str){"}", 2}); /* with its NUL */
        if (b->arrays[i].failed < 0)
            return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
        values[i] = b->arrays[i].data;
    }
    harborai_status st = write_batch(b, values, error);
    if (st < 0)
        (void)!postgres_run(b->writer, "ROLLBACK", NULL);
    for (size_t i = 0; i < ARRAYS; i++)
        buf_clear(&b->arrays[i]);
    b->count = 0;
    return st;
}

/* --- Reading ----------------------------------------------------------------------------------- */

static void take_row(struct batch *b, const PGresult *result, int row)
{
    struct tokens is = {number_at(result, row, 2), number_at(result, row, 3),
                        number_at(result, row, 4)};
    struct tokens right = right_of(result, row, &is);
    if (is.prompt == right.prompt && is.completion == right.completion && is.total == right.total) {
        b->result->kept += is.total != sum_of(is.prompt, is.completion);
        return;
    }
    b->result->wrong++;
    b->on_row(b->context, PQgetvalue(result, row, 0), &is, &right);
    if (b->writer != NULL)
        add(b, result, row, &right);
}

static harborai_status read_rows(struct postgres *reader, struct batch *b, harborai_error *error)
{
    harborai_status st = postgres_run(
        reader, "SET idle_in_transaction_session_timeout = 0; BEGIN READ ONLY", error);
    if (st == HARBORAI_OK)
        st = postgres_run(reader, postgres_sql_tokens_check, error);
    for (int rows = 1; st == HARBORAI_OK && rows > 0;) {
        PGresult *result;
        st = postgres_ask(reader, FETCH, 0, NULL, &result, error);
        if (st < 0)
            return st;
        rows = PQntuples(result);
        for (int i = 0; i < rows; i++)
            take_row(b, result, i);
        PQclear(result);
        st = repair(b, error);
    }
    return st;
}

harborai_status tokens_check(struct postgres *reader, struct postgres *writer,
                             tokens_row_fn *on_row, void *context,
                             struct tokens_result *ret_result, harborai_error *error)
{
    *ret_result = (struct tokens_result){0, 0, 0};
    struct batch b = {.writer = writer,
                      .on_row = on_row,
                      .context = context,
                      .result = ret_result};
    for (size_t i = 0; i < ARRAYS; i++)
        buf_init(&b.arrays[i], MIB(1));
    harborai_status st = read_rows(reader, &b, error);
    for (size_t i = 0; i < ARRAYS; i++)
        buf_release(&b.arrays[i]);
    return st;
}
