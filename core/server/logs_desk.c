/* SPDX-License-Identifier: MIT */
/* A few threads, each with a source of its own while it answers. */
#include "server/logs_desk.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "json_scan.h"
#include "loop/jobs.h"
#include "server/logs_json.h"
#include "server/logs_query.h"
#include "store/call_content.h"
#include "store/call_source.h"

#define ID_MAX 256
#define OF_ONE_TRACE 100 /* calls with one id that are named */

enum { THREADS = 2, QUEUE_MOST = 32, LIMIT_S = 10, RETRY_AFTER_MS = 1000 };

struct logs_desk {
    struct jobs *jobs;
    char *state_dir;
    struct postgres_address *address;
    int stop_fd;
    _Atomic unsigned under_way;
    _Atomic bool is_closing;
    struct call_source *sources[THREADS];
    _Atomic bool is_taken[THREADS];
};

struct logs_order {
    struct job job;
    struct logs_desk *desk;
    enum logs_kind kind;
    void (*done)(void *owner);
    void *owner;
    struct logs_query query;
    struct log_query asked; /* with one call more than the page has, to know whether there is one */
    struct call_question question;
    _Atomic bool is_dropped;

    struct buf items; /* of "logs" */
    struct buf others; /* of LOGS_ONE: keys of more calls with that id */
    uint64_t given;
    struct buf json;
    harborai_status status;
    harborai_error error;
};

/* ---- Answers -------------------------------------------------------------------------------- */

/* A page of prompts would be too much. */
static bool take_call(void *context, const struct call *call)
{
    struct logs_order *o = context;
    struct json_writer w = JSON_WRITER(&o->items);
    struct call bare = *call;
    bare.request = bare.response = SLICE_NONE;
    if (++o->given > o->query.calls.limit)
        return false;
    if (o->items.len > 0)
        buf_add_char(&o->items, ',');
    json_write_object(&w);
    logs_json_call(&w, &bare);
    json_write_end(&w);
    return o->items.failed == HARBORAI_OK;
}

/* PostgreSQL has what was asked and answered; of what is found elsewhere the journal does. */
static void write_whole(struct logs_order *o, struct json_writer *w, const struct call *call)
{
    AUTO(buf) path = BUF_INIT(KIB(8)), line = BUF_INIT(LIMIT_JOURNAL_CONTENT);
    struct call whole = *call;
    struct call_content content;
    int directory = -1;
    buf_printf(&path, "%s/journal", o->desk->state_dir);
    buf_add_char(&path, '\0');
    if (whole.request.len == 0 && whole.segment.len > 0 && path.failed == HARBORAI_OK)
        directory = open(path.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory >= 0 && call_content_read(directory, whole.segment, whole.offset, whole.key, &line,
                                            &content, NULL) == HARBORAI_OK) {
        whole.request = content.request;
        whole.response = content.response;
    }
    if (directory >= 0)
        close(directory);
    json_write_object(w);
    logs_json_call(w, &whole);
    json_write_end(w);
}

/* The newest one whole; of those that share its id the keys. */
static bool take_one(void *context, const struct call *call)
{
    struct logs_order *o = context;
    struct json_writer w = JSON_WRITER(&o->items), others = JSON_WRITER(&o->others);
    if (o->given++ == 0) {
        write_whole(o, &w, call);
        return o->items.failed == HARBORAI_OK;
    }
    if (o->others.len > 0)
        buf_add_char(&o->others, ',');
    json_write_string(&others, call->key);
    return o->given <= OF_ONE_TRACE;
}

static void forget_calls(void *context)
{
    struct logs_order *o = context;
    o->given = 0;
    buf_clear(&o->items);
    buf_clear(&o->others);
}

static harborai_status write_query(struct logs_order *o, const struct call_answer *answer,
                                   struct json_writer *w, harborai_error *error)
{
    harborai_status st = HARBORAI_OK;
    json_write_key(w, HARBORAI_STR("logs"));
    json_write_array(w);
    if (o->items.len > 0)
        json_write_raw(w, buf_slice(&o->items));
    json_write_end(w);
    if (o->query.with_totals)
        st = logs_json_stats(w, answer, error);
    logs_json_pagination(w, &o->query.calls, answer, o->given > o->query.calls.limit);
    return st;
}

static harborai_status write_one(struct logs_order *o, struct json_writer *w, harborai_error *error)
{
    harborai_str members = buf_slice(&o->items);
    if (o->given == 0)
        return harborai_error_set(error, HARBORAI_E_NOT_FOUND,
                                  "no call that has ended has the id '%.*s'",
                                  SLICE_ARG(slice_cut(o->query.calls.id, 100)));
    json_write_key(w, HARBORAI_STR("log"));
    json_write_raw(w, members);
    json_write_key(w, HARBORAI_STR("others"));
    json_write_array(w);
    if (o->others.len > 0)
        json_write_raw(w, buf_slice(&o->others));
    json_write_end(w);
    return HARBORAI_OK;
}

static harborai_status write_answer(struct logs_order *o, const struct call_answer *answer,
                                    harborai_error *error)
{
    struct json_writer w = JSON_WRITER(&o->json);
    harborai_status st = buf_status(&o->items, error);
    if (st < 0)
        return st;
    json_write_object(&w);
    logs_json_source(&w, answer);
    if (o->kind == LOGS_QUERY)
        st = write_query(o, answer, &w, error);
    else if (o->kind == LOGS_STATS)
        st = logs_json_sums(&w, &o->query, &answer->sums, error);
    else
        st = write_one(o, &w, error);
    json_write_end(&w);
    return st < 0 ? st : buf_status(&o->json, error);
}

/* ---- Threads -------------------------------------------------------------------------------- */

/* There are as many as threads. */
static struct call_source *take_source(struct logs_desk *desk, size_t *ret_place)
{
    for (size_t i = 0;; i = (i + 1) % THREADS)
        if (!atomic_exchange(&desk->is_taken[i], true)) {
            *ret_place = i;
            return desk->sources[i];
        }
}

static harborai_status answer_it(struct logs_order *o, struct call_source *source)
{
    struct call_answer answer;
    harborai_status st = call_source_ask(source, &o->question, &answer, &o->error);
    if (st == HARBORAI_OK)
        st = write_answer(o, &answer, &o->error);
    call_answer_release(&answer);
    return st;
}

static void run_order(struct job *job)
{
    struct logs_order *o = CONTAINER_OF(job, struct logs_order, job);
    struct logs_desk *desk = o->desk;
    size_t place;
    struct call_source *source = take_source(desk, &place);
    o->status = answer_it(o, source);
    atomic_store(&desk->is_taken[place], false);
    atomic_fetch_sub(&desk->under_way, 1);
    o->done(o->owner); /* the last that is done with it here */
}

/* ---- Orders --------------------------------------------------------------------------------- */

void logs_order_destroy(struct logs_order *order)
{
    if (order == NULL)
        return;
    logs_query_release(&order->query);
    buf_release(&order->items);
    buf_release(&order->others);
    buf_release(&order->json);
    free(order);
}

void logs_order_drop(struct logs_order *order)
{
    atomic_store(&order->is_dropped, true);
}

harborai_status logs_order_answer(const struct logs_order *order, harborai_str *ret_json,
                                  harborai_error *error)
{
    if (order->status < 0)
        *error = order->error;
    else
        *ret_json = buf_slice(&order->json);
    return order->status;
}

static harborai_status read_id(struct logs_query *query, harborai_str id, harborai_error *error)
{
    buf_init(&query->texts, ID_MAX);
    buf_add(&query->texts, id);
    query->calls.id = buf_slice(&query->texts);
    query->calls.limit = OF_ONE_TRACE;
    if (id.len > ID_MAX)
        return harborai_error_set(error, HARBORAI_E_NOT_FOUND, "no call has an id as long as that");
    if (!json_is_utf8(id) || memchr(id.data, '\0', id.len) != NULL) /* PostgreSQL takes it for a fault */
        return harborai_error_set(error, HARBORAI_E_NOT_FOUND, "no call has an id that is not UTF-8");
    return buf_status(&query->texts, error);
}

static harborai_status prepare(struct logs_order *o, struct logs_desk *desk,
                               const struct logs_wish *wish, harborai_error *error)
{
    struct call_question *q = &o->question;
    o->desk = desk;
    o->kind = wish->kind;
    o->done = wish->done;
    o->owner = wish->owner;
    logs_query_init(&o->query);
    buf_init(&o->items, LIMIT_RESPONSE_BODY / 2);
    buf_init(&o->others, KIB(8));
    buf_init(&o->json, LIMIT_RESPONSE_BODY);
    *q = (struct call_question){.on_restart = forget_calls,
                                .context = o,
                                .with_count = wish->kind == LOGS_QUERY,
                                .asks_further = wish->kind == LOGS_ONE,
                                .skip_postgres = wish->skip_postgres,
                                .skip_index = wish->skip_index,
                                .until_ns = clock_monotonic_ns(&clock_system) + LIMIT_S * NS_PER_S,
                                .is_unwanted = &o->is_dropped,
                                .is_closing = &desk->is_closing};
    harborai_status st = wish->kind == LOGS_ONE
                             ? read_id(&o->query, wish->text, error)
                             : logs_query_read(&o->query, wish->kind, wish->text, error);
    if (wish->kind == LOGS_STATS) {
        q->sums = &o->query.sums;
        return st;
    }
    o->asked = o->query.calls;
    o->asked.limit++;
    q->calls = &o->asked;
    q->on_call = wish->kind == LOGS_ONE ? take_one : take_call;
    q->with_totals = o->query.with_totals;
    return st;
}

static harborai_status submit(struct logs_desk *desk, struct logs_order *o, harborai_error *error)
{
    harborai_status st = HARBORAI_E_OVERLOADED;
    if (atomic_fetch_add(&desk->under_way, 1) < QUEUE_MOST) {
        o->job.run = run_order;
        st = jobs_submit(desk->jobs, &o->job, error);
    } else {
        (void)harborai_error_set(error, st, "too many questions about calls are under way: ask again");
    }
    if (st < 0) {
        atomic_fetch_sub(&desk->under_way, 1);
        error->retry_after_ms = RETRY_AFTER_MS;
    }
    return st;
}

harborai_status logs_desk_order(struct logs_desk *desk, const struct logs_wish *wish,
                                struct logs_order **ret_order, harborai_error *error)
{
    struct logs_order *o = calloc(1, sizeof *o);
    if (o == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    o->error = (harborai_error)HARBORAI_ERROR_INIT;
    harborai_status st = prepare(o, desk, wish, error);
    *ret_order = o; /* before: it may be done before this returns */
    if (st == HARBORAI_OK)
        st = submit(desk, o, error);
    if (st < 0) {
        *ret_order = NULL;
        logs_order_destroy(o);
    }
    return st;
}

/* ---- Life ----------------------------------------------------------------------------------- */

static harborai_status open_sources(struct logs_desk *desk, const struct logs_desk_options *options,
                                    harborai_error *error)
{
    const struct call_source_options with = {.state_dir = slice_of(desk->state_dir),
                                             .with_index = options->with_index,
                                             .address = desk->address,
                                             .stop_fd = desk->stop_fd,
                                             .log = options->log};
    harborai_status st = HARBORAI_OK;
    for (size_t i = 0; st == HARBORAI_OK && i < THREADS; i++)
        st = call_source_create(&with, &desk->sources[i], error);
    return st;
}

harborai_status logs_desk_create(const struct logs_desk_options *options,
                                 struct logs_desk **ret_desk, harborai_error *error)
{
    struct logs_desk *desk = calloc(1, sizeof *desk);
    harborai_status st = HARBORAI_OK;
    if (desk == NULL) {
        postgres_address_destroy(options->address);
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    }
    desk->address = options->address;
    desk->state_dir = slice_dup(options->state_dir);
    desk->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (desk->state_dir == NULL || desk->stop_fd < 0)
        st = harborai_error_set(error, HARBORAI_E_MEMORY, "no memory or no descriptor left");
    if (st == HARBORAI_OK)
        st = open_sources(desk, options, error);
    if (st == HARBORAI_OK)
        st = jobs_create("logs", THREADS, &desk->jobs, error);
    if (st < 0) {
        logs_desk_destroy(desk);
        return st;
    }
    *ret_desk = desk;
    return HARBORAI_OK;
}

void logs_desk_destroy(struct logs_desk *desk)
{
    if (desk == NULL)
        return;
    atomic_store(&desk->is_closing, true);
    if (desk->stop_fd >= 0)
        (void)eventfd_write(desk->stop_fd, 1);
    jobs_destroy(desk->jobs);
    for (size_t i = 0; i < THREADS; i++)
        call_source_destroy(desk->sources[i]);
    if (desk->stop_fd >= 0)
        close(desk->stop_fd);
    postgres_address_destroy(desk->address);
    free(desk->state_dir);
    free(desk);
}
