/* SPDX-License-Identifier: MIT */
/* Sums by the hour and by the day, kept for the open transaction and written at its end. Must agree
 * with the rows to the last token: what is replaced is taken out first. */
#include <stdlib.h>

#include "base/clock.h"
#include "store/histogram.h"
#include "store/index_parts.h"

#define NS_PER_HOUR (INT64_C(3600) * NS_PER_S)

struct sums {
    int64_t calls, priced, prompt_tokens, completion_tokens, total_tokens, cost_pico;
};

/* As it stands in the database, with what came since. */
struct index_hour {
    int64_t hour, route;
    enum call_outcome outcome;
    struct sums sums;
    struct histogram latency;
};

/* What came since. */
struct index_day {
    int64_t day, client, failed;
    char currency[8];
    struct sums sums;
};

static harborai_status no_memory(harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
}

/* Stays at the greatest number; SQLite would go on in floating point. */
static void add(int64_t *sum, int64_t number, int by)
{
    int64_t next;
    if (number < 0)
        return;
    if (__builtin_add_overflow(*sum, by * number, &next))
        next = INT64_MAX;
    *sum = next;
}

static void add_sums(struct sums *sums, const struct call *call, int by)
{
    add(&sums->calls, 1, by);
    add(&sums->priced, call->is_cost_known, by);
    add(&sums->prompt_tokens, call->prompt_tokens, by);
    add(&sums->completion_tokens, call->completion_tokens, by);
    add(&sums->total_tokens, call->total_tokens, by);
    if (call->is_cost_known)
        add(&sums->cost_pico, call->cost_pico, by);
}

/* --- Hours ------------------------------------------------------------------------------------- */

static harborai_status load_hour(struct index *index, struct index_hour *hour,
                                 harborai_error *error)
{
    sqlite3_stmt *s = index_statement(index, INDEX_FIND_HOUR);
    if (s == NULL)
        return index_fail(index, "read", error);
    sqlite3_bind_int64(s, 1, hour->hour);
    sqlite3_bind_int64(s, 2, hour->route);
    sqlite3_bind_int64(s, 3, hour->outcome);
    int step = sqlite3_step(s);
    if (step == SQLITE_ROW) {
        hour->sums = (struct sums){sqlite3_column_int64(s, 0), sqlite3_column_int64(s, 1),
                                   sqlite3_column_int64(s, 2), sqlite3_column_int64(s, 3),
                                   sqlite3_column_int64(s, 4), sqlite3_column_int64(s, 5)};
        (void)histogram_merge(&hour->latency,
                              (harborai_str){sqlite3_column_blob(s, 6),
                                             (size_t)sqlite3_column_bytes(s, 6)});
    }
    harborai_status st = HARBORAI_OK;
    if (step != SQLITE_ROW && step != SQLITE_DONE)
        st = index_fail(index, "read", error);
    sqlite3_reset(s);
    return st;
}

static harborai_status find_hour(struct index *index, const struct call *call, int64_t route,
                                 struct index_hour **ret_hour, harborai_error *error)
{
    struct index_rollup *rollup = &index->rollup;
    int64_t number = call->begin_ns / NS_PER_HOUR;
    for (size_t i = rollup->hour_count; i-- > 0;) {
        struct index_hour *h = &rollup->hours[i];
        if (h->hour == number && h->route == route && h->outcome == call->outcome) {
            *ret_hour = h;
            return HARBORAI_OK;
        }
    }
    if (rollup->hour_count == rollup->hour_capacity) {
        size_t capacity = rollup->hour_capacity > 0 ? 2 * rollup->hour_capacity : 16;
        struct index_hour *grown = realloc(rollup->hours, capacity * sizeof *grown);
        if (grown == NULL)
            return no_memory(error);
        rollup->hours = grown;
        rollup->hour_capacity = capacity;
    }
    struct index_hour *hour = &rollup->hours[rollup->hour_count];
    memset(hour, 0, sizeof *hour);
    hour->hour = number;
    hour->route = route;
    hour->outcome = call->outcome;
    harborai_status st = load_hour(index, hour, error);
    if (st < 0)
        return st;
    rollup->hour_count++;
    *ret_hour = hour;
    return HARBORAI_OK;
}

static harborai_status write_hour(struct index *index, const struct index_hour *hour,
                                  harborai_error *error)
{
    sqlite3_stmt *s = index_statement(index, INDEX_SET_HOUR);
    if (s == NULL)
        return index_fail(index, "write to", error);
    const struct sums *sums = &hour->sums;
    const int64_t numbers[] = {hour->hour,          hour->route,
                               hour->outcome,       sums->calls,
                               sums->priced,        sums->prompt_tokens,
                               sums->completion_tokens, sums->total_tokens,
                               sums->cost_pico};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        sqlite3_bind_int64(s, (int)i + 1, numbers[i]);
    buf_clear(&index->scratch);
    histogram_write(&hour->latency, &index->scratch);
    if (index->scratch.failed < 0)
        return no_memory(error);
    sqlite3_bind_blob64(s, (int)ARRAY_LEN(numbers) + 1,
                        index->scratch.len > 0 ? index->scratch.data : "", index->scratch.len,
                        SQLITE_STATIC);
    return index_run(index, s, "write to", error);
}

/* --- Days -------------------------------------------------------------------------------------- */

static harborai_status find_day(struct index_rollup *rollup, const struct call *call,
                                int64_t client, struct index_day **ret_day, harborai_error *error)
{
    int64_t number = call->begin_ns / (24 * NS_PER_HOUR);
    harborai_str currency = slice_cut(call->currency, sizeof rollup->days->currency - 1);
    for (size_t i = rollup->day_count; i-- > 0;) {
        struct index_day *d = &rollup->days[i];
        if (d->day == number && d->client == client && slice_is(currency, d->currency)) {
            *ret_day = d;
            return HARBORAI_OK;
        }
    }
    if (rollup->day_count == rollup->day_capacity) {
        size_t capacity = rollup->day_capacity > 0 ? 2 * rollup->day_capacity : 16;
        struct index_day *grown = realloc(rollup->days, capacity * sizeof *grown);
        if (grown == NULL)
            return no_memory(error);
        rollup->days = grown;
        rollup->day_capacity = capacity;
    }
    struct index_day *day = &rollup->days[rollup->day_count++];
    *day = (struct index_day){.day = number, .client = client};
    if (currency.len > 0)
        memcpy(day->currency, currency.data, currency.len);
    *ret_day = day;
    return HARBORAI_OK;
}

static harborai_status write_day(struct index *index, const struct index_day *day,
                                 harborai_error *error)
{
    sqlite3_stmt *s = index_statement(index, INDEX_ADD_DAY);
    if (s == NULL)
        return index_fail(index, "write to", error);
    const struct sums *sums = &day->sums;
    const int64_t numbers[] = {day->day,           day->client,
                               sums->calls,        day->failed,
                               sums->priced,       sums->prompt_tokens,
                               sums->completion_tokens, sums->total_tokens,
                               sums->cost_pico};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        sqlite3_bind_int64(s, (int)i + 1, numbers[i]);
    sqlite3_bind_text(s, (int)ARRAY_LEN(numbers) + 1, day->currency, -1, SQLITE_STATIC);
    return index_run(index, s, "write to", error);
}

/* --- Both -------------------------------------------------------------------------------------- */

harborai_status index_rollup_add(struct index *index, const struct call *call,
                                 const struct index_refs *refs, int by, harborai_error *error)
{
    struct index_hour *hour = NULL;
    struct index_day *day = NULL;
    harborai_status st = find_hour(index, call, refs->route, &hour, error);
    if (st == HARBORAI_OK)
        st = find_day(&index->rollup, call, refs->client, &day, error);
    if (st < 0)
        return st;
    add_sums(&hour->sums, call, by);
    add_sums(&day->sums, call, by);
    add(&day->failed, call->outcome != CALL_OK, by);
    if (call->outcome != CALL_INTERRUPTED && call->end_ns >= call->begin_ns)
        histogram_add(&hour->latency, call->end_ns - call->begin_ns, by);
    return HARBORAI_OK;
}

harborai_status index_rollup_flush(struct index *index, harborai_error *error)
{
    struct index_rollup *rollup = &index->rollup;
    harborai_status st = HARBORAI_OK;
    for (size_t i = 0; st == HARBORAI_OK && i < rollup->hour_count; i++)
        st = write_hour(index, &rollup->hours[i], error);
    for (size_t i = 0; st == HARBORAI_OK && i < rollup->day_count; i++)
        st = write_day(index, &rollup->days[i], error);
    if (st == HARBORAI_OK)
        index_rollup_clear(index);
    return st;
}

void index_rollup_clear(struct index *index)
{
    index->rollup.hour_count = index->rollup.day_count = 0;
}

void index_rollup_release(struct index *index)
{
    free(index->rollup.hours);
    free(index->rollup.days);
    index->rollup = (struct index_rollup){.hours = NULL};
}
