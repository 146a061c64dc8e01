/* SPDX-License-Identifier: MIT */
/* Asks one source after the other, until one answers. Must never change what it asks. */
#include "store/call_source.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "store/index.h"
#include "store/journal_query.h"
#include "store/postgres_query.h"

#define CONNECT_MS 2000
#define REST_MS 5000 /* PostgreSQL is left alone for so long after it did not answer */
#define COUNT_MS 2000    /* for counting the journal's calls, where that is all that is left to do */
#define LATEST_S 60      /* what ended before has been copied, or the copying has stopped */
#define POSTGRES_SHARE 2 /* one part in so many of the time that there is: then the others' turn comes */

struct call_source {
    struct call_source_options options;
    struct postgres pg;
    bool is_open;          /* pg is */
    int64_t resting_until; /* monotonic */
};

/* A question under way. */
struct asking {
    struct call_source *source;
    const struct call_question *question;
    struct call_answer *answer;
    size_t given;           /* calls, by the source that is asked now */
    bool has_been_answered; /* by a source that knows of no such call */
    bool is_refused;        /* by PostgreSQL, this question alone */
};

const char *call_source_name(enum call_source_kind kind)
{
    static const char *const names[] = {[CALL_SOURCE_POSTGRES] = "postgres",
                                        [CALL_SOURCE_INDEX] = "index",
                                        [CALL_SOURCE_JOURNAL] = "journal"};
    return names[kind];
}

static int64_t now_ns(void)
{
    return clock_monotonic_ns(&clock_system);
}

static bool is_unwanted(const struct call_question *q)
{
    return (q->is_unwanted != NULL && atomic_load(q->is_unwanted)) ||
           (q->is_closing != NULL && atomic_load(q->is_closing));
}

static bool is_over(void *context)
{
    const struct call_question *q = context;
    return is_unwanted(q) || now_ns() >= q->until_ns;
}

static void say(const struct call_source *source, enum call_source_kind kind,
                const harborai_error *error)
{
    if (source->options.log != NULL)
        log_write(source->options.log, LOG_LEVEL_WARN, "logs.source_failed",
                  "source=%s error='%s'", call_source_name(kind), error->message);
}

static bool give_call(void *context, const struct call *call)
{
    struct asking *a = context;
    a->given++;
    return a->question->on_call(a->question->context, call);
}

/* The last page tells how many there are. */
static bool needs_count(struct asking *a)
{
    const struct call_question *q = a->question;
    if (!q->with_count)
        return false;
    bool is_last_page = q->on_call != NULL && (a->given > 0 || q->calls->offset == 0) &&
                        (q->calls->limit == 0 || a->given < q->calls->limit);
    if (is_last_page) {
        a->answer->count = q->calls->offset + a->given;
        a->answer->is_count_known = true;
    }
    return !is_last_page;
}

/* ---- PostgreSQL ----------------------------------------------------------------------------- */

static harborai_status open_postgres(struct call_source *s, harborai_error *error)
{
    const struct call_source_options *o = &s->options;
    if (s->is_open)
        return HARBORAI_OK;
    harborai_status st = postgres_open_within(&s->pg, o->address, o->stop_fd, CONNECT_MS, error);
    if (st == HARBORAI_OK) /* compiling a statement takes longer than most of these */
        st = postgres_run(&s->pg, "SET jit = off; SET default_transaction_read_only = on", error);
    s->is_open = st == HARBORAI_OK;
    if (st < 0)
        postgres_close(&s->pg);
    return st;
}

static void close_postgres(struct call_source *s)
{
    if (s->is_open)
        postgres_close(&s->pg);
    s->is_open = false;
}

static harborai_status query_postgres(struct asking *a, harborai_error *error)
{
    const struct call_question *q = a->question;
    struct postgres *pg = &a->source->pg;
    harborai_status st = HARBORAI_OK;
    if (q->calls != NULL && q->on_call != NULL)
        st = postgres_find(pg, q->calls, give_call, a, error);
    if (st == HARBORAI_OK && needs_count(a)) {
        st = postgres_count(pg, q->calls, &a->answer->count, error);
        a->answer->is_count_known = st == HARBORAI_OK;
    }
    if (st == HARBORAI_OK && q->with_totals)
        st = postgres_totals(pg, q->calls, &a->answer->totals, error);
    if (st == HARBORAI_OK && q->sums != NULL)
        st = postgres_stats(pg, q->sums, &a->answer->sums, error);
    return st;
}

static void begin_anew(struct asking *a)
{
    bool is_postgres_away = a->answer->is_postgres_away, is_index_away = a->answer->is_index_away;
    call_answer_release(a->answer);
    a->answer->is_postgres_away = is_postgres_away;
    a->answer->is_index_away = is_index_away;
    a->given = 0;
    if (a->question->on_restart != NULL)
        a->question->on_restart(a->question->context);
}

/* The server gives up before it seems not to answer. */
static harborai_status limit_postgres(struct asking *a, harborai_error *error)
{
    struct postgres *pg = &a->source->pg;
    char sql[64];
    int64_t left_ms = (a->question->until_ns - now_ns()) / NS_PER_MS / POSTGRES_SHARE;
    pg->limit_ms = left_ms > 1 ? left_ms : 2;
    snprintf(sql, sizeof sql, "SET statement_timeout = %lld", (long long)(pg->limit_ms - pg->limit_ms / 10));
    return postgres_run(pg, sql, error);
}

static harborai_status try_postgres(struct asking *a, harborai_error *error)
{
    struct call_source *s = a->source;
    harborai_status st = open_postgres(s, error);
    if (st == HARBORAI_OK)
        st = limit_postgres(a, error);
    if (st == HARBORAI_OK)
        st = query_postgres(a, error);
    a->is_refused = s->is_open && s->pg.sqlstate[0] != '\0' &&
                    (st == HARBORAI_E_TIMEOUT || st == HARBORAI_E_INVALID);
    if (st < 0)
        close_postgres(s);
    return st;
}

/* A kept connection may be one that the server has closed since: then once more. */
static harborai_status ask_postgres(struct asking *a, harborai_error *error)
{
    bool was_open = a->source->is_open;
    harborai_status st = try_postgres(a, error);
    if (st != HARBORAI_E_NETWORK || !was_open)
        return st;
    begin_anew(a);
    return try_postgres(a, error);
}

/* ---- The index ------------------------------------------------------------------------------ */

static harborai_status query_index(struct asking *a, struct index *index,
                                   harborai_error *error)
{
    const struct call_question *q = a->question;
    harborai_status st = HARBORAI_OK;
    if (q->calls != NULL && q->on_call != NULL)
        st = index_find(index, q->calls, give_call, a, error);
    if (st == HARBORAI_OK && needs_count(a)) {
        st = index_count(index, q->calls, &a->answer->count, error);
        a->answer->is_count_known = st == HARBORAI_OK;
    }
    if (st == HARBORAI_OK && q->with_totals)
        st = index_totals(index, q->calls, &a->answer->totals, error);
    if (st == HARBORAI_OK && q->sums != NULL)
        st = index_stats(index, q->sums, &a->answer->sums, error);
    return st;
}

/* Opened for each question: whoever drains may have set the file aside, or built it anew. */
static harborai_status ask_index(struct asking *a, harborai_error *error)
{
    struct index *index = NULL;
    harborai_status st = index_create(a->source->options.state_dir, &index, error);
    if (st == HARBORAI_OK)
        st = index_open_to_read(index, error);
    if (st == HARBORAI_OK) {
        index_set_limit(index, is_over, (void *)(uintptr_t)a->question);
        st = query_index(a, index, error);
    }
    index_destroy(index);
    return st;
}

/* ---- The journal ---------------------------------------------------------------------------- */

/* The others lack at most what ended then. */
static int64_t just_now(void)
{
    return clock_wall_ns(&clock_system) - LATEST_S * NS_PER_S;
}

/* How many there are is told only where that is known soon. */
static harborai_status count_in_journal(struct asking *a, struct journal_question in,
                                        harborai_error *error)
{
    struct call_question shorter = *a->question;
    if (!needs_count(a))
        return HARBORAI_OK;
    if (shorter.until_ns > now_ns() + COUNT_MS * NS_PER_MS)
        shorter.until_ns = now_ns() + COUNT_MS * NS_PER_MS;
    in.is_over_context = &shorter;
    harborai_status st = journal_totals(&in, shorter.calls, NULL, &a->answer->count, error);
    a->answer->is_count_known = st == HARBORAI_OK;
    return st == HARBORAI_E_TIMEOUT ? HARBORAI_OK : st;
}

static harborai_status total_journal(struct asking *a, const struct journal_question *in,
                                     harborai_error *error)
{
    const struct call_question *q = a->question;
    struct call_answer *answer = a->answer;
    if (!q->with_totals)
        return q->calls != NULL ? count_in_journal(a, *in, error) : HARBORAI_OK;
    harborai_status st = journal_totals(in, q->calls, &answer->totals, &answer->count, error);
    answer->is_count_known = st == HARBORAI_OK;
    return st;
}

static harborai_status ask_journal(struct asking *a, harborai_error *error)
{
    const struct call_question *q = a->question;
    const struct journal_question in = {.state_dir = a->source->options.state_dir,
                                        .is_over = is_over,
                                        .is_over_context = (void *)(uintptr_t)q,
                                        .ended_since_ns = a->has_been_answered ? just_now() : 0};
    harborai_status st = HARBORAI_OK;
    if (q->calls != NULL && q->on_call != NULL)
        st = journal_find(&in, q->calls, give_call, a, error);
    if (st == HARBORAI_OK)
        st = total_journal(a, &in, error);
    if (st == HARBORAI_OK && q->sums != NULL)
        st = journal_stats(&in, q->sums, &a->answer->sums, error);
    return st;
}

/* ---- One after the other -------------------------------------------------------------------- */

static bool has_source(struct asking *a, enum call_source_kind kind)
{
    const struct call_source *s = a->source;
    if (kind == CALL_SOURCE_INDEX)
        return s->options.with_index;
    return kind == CALL_SOURCE_JOURNAL || s->options.address != NULL;
}

static harborai_status ask(struct asking *a, enum call_source_kind kind,
                           harborai_error *error)
{
    struct call_source *s = a->source;
    if (kind == CALL_SOURCE_JOURNAL)
        return ask_journal(a, error);
    if (kind == CALL_SOURCE_INDEX)
        return a->question->skip_index ? HARBORAI_E_OVERLOADED : ask_index(a, error);
    if (a->question->skip_postgres || now_ns() < s->resting_until)
        return HARBORAI_E_OVERLOADED;
    harborai_status st = ask_postgres(a, error);
    if (st < 0 && st != HARBORAI_E_CANCELLED && !a->is_refused)
        s->resting_until = now_ns() + REST_MS * NS_PER_MS;
    if (st < 0 && st != HARBORAI_E_CANCELLED)
        say(s, kind, error);
    return st;
}

static void note_failure(struct asking *a, enum call_source_kind kind)
{
    begin_anew(a);
    if (kind == CALL_SOURCE_POSTGRES)
        a->answer->is_postgres_away = true;
    if (kind == CALL_SOURCE_INDEX)
        a->answer->is_index_away = true;
}

static harborai_status give_up(const struct call_question *q, harborai_error *error)
{
    if (is_unwanted(q))
        return harborai_error_set(error, HARBORAI_E_CANCELLED, "whoever asked has left");
    return harborai_error_set(error, HARBORAI_E_TIMEOUT,
                              "this takes too long: ask for a shorter time, or for less");
}

harborai_status call_source_ask(struct call_source *source, const struct call_question *question,
                                struct call_answer *ret_answer, harborai_error *error)
{
    struct asking a = {.source = source, .question = question, .answer = ret_answer};
    harborai_status st = HARBORAI_E_NOT_FOUND;
    *ret_answer = (struct call_answer){.count = 0};
    for (unsigned i = 0; i < CALL_SOURCE_COUNT; i++) {
        enum call_source_kind kind = (enum call_source_kind)i;
        if (!has_source(&a, kind))
            continue;
        ret_answer->source = kind;
        st = ask(&a, kind, error);
        if (st == HARBORAI_OK && (a.given > 0 || !question->asks_further))
            return st;
        a.has_been_answered = a.has_been_answered || st == HARBORAI_OK;
        if (st < 0)
            note_failure(&a, kind);
        if (is_over((void *)(uintptr_t)question))
            return give_up(question, error);
    }
    return a.has_been_answered ? HARBORAI_OK : st;
}

void call_answer_release(struct call_answer *answer)
{
    stats_release(&answer->totals);
    stats_release(&answer->sums);
    *answer = (struct call_answer){.source = answer->source};
}

harborai_status call_source_create(const struct call_source_options *options,
                                   struct call_source **ret_source, harborai_error *error)
{
    struct call_source *s = calloc(1, sizeof *s);
    if (s == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    s->options = *options;
    *ret_source = s;
    return HARBORAI_OK;
}

void call_source_destroy(struct call_source *source)
{
    if (source == NULL)
        return;
    close_postgres(source);
    free(source);
}
