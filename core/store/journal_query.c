/* SPDX-License-Identifier: MIT */
/* Reads the journal's calls one after the other, from the newest on, as far as the question goes. */
#include "store/journal_query.h"

#include "base/clock.h"
#include "base/limits.h"

#define ID_SLACK_NS (2 * NS_PER_S) /* as in query.c */

struct reading {
    const struct journal_question *question;
    struct journal_reader *reader;
    struct buf texts;
    int64_t oldest_ns; /* what ended before began before, too: nothing older is asked for */
};

static void ignore_fault(void *context UNUSED, const char *text UNUSED)
{
}

static harborai_status open_reading(struct reading *r, const struct journal_question *question,
                                    int64_t oldest_ns, harborai_error *error)
{
    *r = (struct reading){.question = question, .oldest_ns = oldest_ns};
    if (r->oldest_ns < question->ended_since_ns)
        r->oldest_ns = question->ended_since_ns;
    buf_init(&r->texts, 2 * LIMIT_JOURNAL_LINE + 2);
    return journal_reader_create(question->state_dir,
                                 question->on_fault != NULL ? question->on_fault : ignore_fault,
                                 question->fault_context, &r->reader, error);
}

static void reading_release(struct reading *r)
{
    journal_reader_destroy(r->reader);
    buf_release(&r->texts);
}

/* The next ended call: OK; NOT_FOUND: there is none any more. */
static harborai_status next(struct reading *r, struct call *ret_call, harborai_error *error)
{
    const struct journal_question *q = r->question;
    struct journal_call found;
    while (journal_reader_next(r->reader, &found)) {
        if (q->is_over != NULL && q->is_over(q->is_over_context))
            return harborai_error_set(error, HARBORAI_E_TIMEOUT,
                                      "the journal could not be read in the time that there is");
        if (found.state != JOURNAL_CALL_ENDED)
            continue;
        if (found.at_ns < r->oldest_ns)
            break;
        if (call_read(found.line, found.amend, &r->texts, ret_call, NULL) < 0)
            continue;
        ret_call->segment = found.segment;
        ret_call->offset = found.offset;
        return HARBORAI_OK;
    }
    return HARBORAI_E_NOT_FOUND;
}

static int64_t oldest_of(const struct log_query *query)
{
    int64_t ms, oldest_ns = query->since_ns;
    if (query->id.len > 0 && query_id_time(query_bare_id(query->id), &ms) &&
        ms * NS_PER_MS - ID_SLACK_NS > oldest_ns)
        oldest_ns = ms * NS_PER_MS - ID_SLACK_NS;
    return oldest_ns;
}

harborai_status journal_find(const struct journal_question *question,
                             const struct log_query *query, query_call_fn *on_call, void *context,
                             harborai_error *error)
{
    struct reading r;
    struct call call;
    uint64_t skipped = 0, given = 0;
    harborai_status st = open_reading(&r, question, oldest_of(query), error);
    while (st == HARBORAI_OK && (query->limit == 0 || given < query->limit) &&
           (st = next(&r, &call, error)) == HARBORAI_OK) {
        if (!query_matches(query, &call) || skipped++ < query->offset)
            continue;
        given++;
        if (!on_call(context, &call))
            break;
    }
    reading_release(&r);
    return st == HARBORAI_E_NOT_FOUND ? HARBORAI_OK : st;
}

static harborai_status add_total(struct stats *stats, const struct call *call,
                                 harborai_error *error)
{
    const struct stats_names names = {.names = {call->model}, .count = 1};
    struct stats_cell cell;
    if (stats == NULL)
        return HARBORAI_OK;
    stats_cell_of(call, &cell);
    return stats_add(stats, &names, &cell, error);
}

harborai_status journal_totals(const struct journal_question *question,
                               const struct log_query *query, struct stats *stats,
                               uint64_t *ret_count, harborai_error *error)
{
    struct reading r;
    struct call call;
    uint64_t count = 0;
    harborai_status st = open_reading(&r, question, oldest_of(query), error);
    while (st == HARBORAI_OK && (st = next(&r, &call, error)) == HARBORAI_OK) {
        if (!query_matches(query, &call))
            continue;
        count++;
        st = add_total(stats, &call, error);
    }
    reading_release(&r);
    if (st != HARBORAI_E_NOT_FOUND)
        return st;
    if (ret_count != NULL)
        *ret_count = count;
    return HARBORAI_OK;
}

harborai_status journal_stats(const struct journal_question *question,
                              const struct stats_query *query, struct stats *ret_stats,
                              harborai_error *error)
{
    struct stats stats = {.rows = NULL};
    struct reading r;
    struct call call;
    int64_t unit_ns = stats_unit_ns(query);
    harborai_status st = open_reading(&r, question, query->since_ns / unit_ns * unit_ns, error);
    while (st == HARBORAI_OK && (st = next(&r, &call, error)) == HARBORAI_OK)
        if (stats_matches(query, &call))
            st = stats_add_call(&stats, query, &call, error);
    reading_release(&r);
    if (st != HARBORAI_E_NOT_FOUND) {
        stats_release(&stats);
        return st;
    }
    stats_sort(&stats, query->by);
    *ret_stats = stats;
    return HARBORAI_OK;
}
