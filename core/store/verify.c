/* SPDX-License-Identifier: MIT */
/* Goes through the segments, the newest first, so that an amend line is known before the call is read
 * that it is about: those of calls in older segments are kept until then. What each store has is asked
 * before the journal is read, which only grows: so what stands before a store's position is all there.
 * Must never take calls that come meanwhile for missing ones. */
#include "store/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "store/verify_parts.h"

struct aside {
    unsigned char (*keys)[16]; /* owned; sorted */
    size_t count, capacity;
};

struct verify_run {
    const struct verify_options *options;
    struct verify_result *result;
    int directory;
    struct journal_list list;
    struct verify_segment *segments; /* owned; as many as are listed */
    struct verify_reading reading;
    struct verify_amend *amends;     /* owned; of calls in older segments */
    size_t amend_count, amend_capacity;
    struct aside aside[VERIFY_STORES_MOST];
    struct buf line, texts;
};

/* The comparison of a segment with a store. */
struct comparison {
    struct verify_run *run;
    size_t store; /* its place */
    struct verify_count *count;
    struct verify_teller teller;
    uint64_t position;
};

bool verify_segment_agrees(const struct verify_segment *segment)
{
    uint64_t wrong = segment->faults;
    for (size_t i = 0; i < VERIFY_STORES_MOST; i++) {
        const struct verify_count *count = &segment->stores[i];
        wrong += count->missing + count->different + count->extra;
    }
    return wrong == 0;
}

static harborai_status no_memory(harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
}

/* Something could not be looked at. The first reason's code is kept. */
static void note_unread(struct verify_run *run, const char *what, const harborai_error *why)
{
    struct verify_result *result = run->result;
    const harborai_error before = result->error;
    harborai_status st UNUSED = harborai_error_set(
        &result->error, result->is_unread ? before.code : why->code, "%s%s%s: %s",
        result->is_unread ? before.message : "", result->is_unread ? "; " : "", what, why->message);
    result->is_unread = true;
}

/* --- Lines that a store refused ------------------------------------------------------------------ */

static int compare_keys(const void *a, const void *b)
{
    return memcmp(a, b, 16);
}

static bool add_aside(struct aside *aside, harborai_str line, struct buf *texts)
{
    struct call call;
    struct call_digest digest;
    if (call_read(line, SLICE_NONE, texts, &call, NULL) < 0 &&
        call_read(SLICE_NONE, line, texts, &call, NULL) < 0)
        return true; /* set aside because it is none */
    if (aside->count == aside->capacity) {
        size_t capacity = aside->capacity > 0 ? 2 * aside->capacity : 64;
        void *grown = reallocarray(aside->keys, capacity, sizeof *aside->keys);
        if (grown == NULL)
            return false;
        aside->keys = grown;
        aside->capacity = capacity;
    }
    call_digest_make(&call, &digest);
    memcpy(aside->keys[aside->count++], digest.key, sizeof digest.key);
    return true;
}

static harborai_status read_aside(struct verify_run *run, size_t store, harborai_error *error)
{
    struct aside *aside = &run->aside[store];
    char *path = NULL, *line = NULL;
    size_t room = 0;
    ssize_t len;
    bool is_good = true;
    if (asprintf(&path, "%.*s/refused/%s.jsonl", SLICE_ARG(run->options->state_dir),
                 run->options->stores[store]->functions->name) < 0)
        return no_memory(error);
    FILE *file = fopen(path, "re");
    free(path);
    while (is_good && file != NULL && (len = getline(&line, &room, file)) > 0)
        is_good = add_aside(aside, slice_cut((harborai_str){line, (size_t)len}, (size_t)len - 1),
                            &run->texts);
    free(line);
    if (file != NULL)
        fclose(file);
    if (aside->count > 1)
        qsort(aside->keys, aside->count, sizeof *aside->keys, compare_keys);
    return is_good ? HARBORAI_OK : no_memory(error);
}

static bool is_aside(const struct comparison *c, const unsigned char key[16])
{
    const struct aside *aside = &c->run->aside[c->store];
    return aside->count > 0 &&
           bsearch(key, aside->keys, aside->count, sizeof *aside->keys, compare_keys) != NULL;
}

/* --- Amend lines --------------------------------------------------------------------------------- */

/* Those of newer segments join the segment's own, whose calls have not ended here are kept for older
 * ones; each call learns which are its. */
static harborai_status join_amends(struct verify_run *run, harborai_error *error)
{
    struct verify_reading *r = &run->reading;
    size_t own = r->amend_count, kept = 0;
    for (size_t i = 0; i < run->amend_count; i++) {
        const struct verify_amend *a = &run->amends[i];
        if (verify_call_find(r->calls, r->call_count, a->key) == NULL)
            run->amends[kept++] = *a;
        else if (!verify_amend_add(&r->amends, &r->amend_count, &r->amend_capacity, a))
            return no_memory(error);
    }
    run->amend_count = kept;
    for (size_t i = 0; i < own; i++)
        if (verify_call_find(r->calls, r->call_count, r->amends[i].key) == NULL &&
            !verify_amend_add(&run->amends, &run->amend_count, &run->amend_capacity, &r->amends[i]))
            return no_memory(error);
    verify_amend_sort(r->amends, r->amend_count);
    for (size_t i = 0; i < r->amend_count; i++) {
        struct verify_call *call = verify_call_find(r->calls, r->call_count, r->amends[i].key);
        if (call == NULL)
            continue;
        if (call->amends++ == 0)
            call->first_amend = (uint32_t)i;
    }
    return HARBORAI_OK;
}

static uint64_t position_of(const struct verify_run *run, size_t store, size_t segment)
{
    struct verify_store *s = run->options->stores[store];
    return s->functions->position(s, slice_of(run->list.files[segment].name));
}

/* The last amend line of a call that the store has; NULL: none. */
static const struct verify_amend *amend_in(const struct comparison *c,
                                           const struct verify_call *call)
{
    const struct verify_reading *r = &c->run->reading;
    for (uint32_t i = call->amends; i-- > 0;) {
        const struct verify_amend *a = &r->amends[call->first_amend + i];
        uint64_t position = a->segment == r->place ? c->position
                                                   : position_of(c->run, c->store, a->segment);
        if (a->offset < position)
            return a;
    }
    return NULL;
}

static uint64_t use_in(const struct comparison *c, const struct verify_call *call)
{
    const struct verify_amend *amend = call->amends > 0 ? amend_in(c, call) : NULL;
    return amend != NULL ? amend->use : call->use;
}

/* Of all its calls, with every amend line. */
static uint64_t sum_of(const struct verify_reading *r)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < r->call_count; i++) {
        const struct verify_call *call = &r->calls[i];
        sum += call->end + (call->amends > 0
                                ? r->amends[call->first_amend + call->amends - 1].use
                                : call->use);
    }
    return sum;
}

/* --- Rows ---------------------------------------------------------------------------------------- */

/* Both are read once more, to say what is different. */
static void tell_difference(struct comparison *c, const struct verify_call *call,
                            const struct call_digest *digest, const struct call *row)
{
    struct verify_run *run = c->run;
    const struct verify_amend *amend = amend_in(c, call);
    struct verify_place end_place = {c->teller.segment, call->offset}, amend_place = {NULL, 0};
    struct call line;
    AUTO(buf) what = BUF_INIT(400);
    if (amend != NULL)
        amend_place = (struct verify_place){run->list.files[amend->segment].name, amend->offset};
    if (c->teller.told < run->options->most_faults &&
        verify_line_read(run->directory, &end_place, amend != NULL ? &amend_place : NULL,
                         &run->line, &run->texts, &line) == HARBORAI_OK)
        call_digest_explain(&line, row, digest->end != call->end, digest->use != use_in(c, call),
                            &what);
    if (what.failed < 0)
        buf_clear(&what);
    buf_add_char(&what, '\0');
    verify_tell(&c->teller, call->offset, call->key,
                what.len > 1 ? what.data : "it says something else than its line");
}

static harborai_status on_row(void *context, const struct call *row, harborai_error *error UNUSED)
{
    struct comparison *c = context;
    struct verify_reading *r = &c->run->reading;
    struct call_digest digest;
    call_digest_make(row, &digest);
    struct verify_call *call = verify_call_find(r->calls, r->call_count, digest.key);
    if (call == NULL || call->is_found) {
        c->count->extra++;
        verify_tell(&c->teller, row->offset, digest.key,
                    "it is there, and its line is not in the journal");
        return HARBORAI_OK;
    }
    call->is_found = true;
    c->count->drained++;
    if (digest.end == call->end && digest.use == use_in(c, call))
        return HARBORAI_OK;
    if (is_aside(c, call->key)) /* its amend line is */
        return HARBORAI_OK;
    c->count->drained--;
    c->count->different++;
    tell_difference(c, call, &digest, row);
    return HARBORAI_OK;
}

/* What was not found. */
static void count_rest(struct comparison *c)
{
    struct verify_reading *r = &c->run->reading;
    struct verify_store *store = c->run->options->stores[c->store];
    for (size_t i = 0; i < r->call_count; i++) {
        const struct verify_call *call = &r->calls[i];
        if (call->is_found)
            continue;
        if (call->offset >= c->position) {
            c->count->backlog++;
        } else if (is_aside(c, call->key)) {
            c->count->aside++;
        } else if (store->functions->has_dropped(store, call->begin_ns)) {
            c->count->dropped++;
        } else {
            c->count->missing++;
            verify_tell(&c->teller, call->offset, call->key, "it is missing");
        }
    }
}

/* Whether counts and checksums are what they have to be, without a look at a single row. */
static bool sums_agree(struct comparison *c)
{
    const struct verify_reading *r = &c->run->reading;
    struct verify_store *store = c->run->options->stores[c->store];
    struct verify_sums sums, due = {0, 0};
    if (!store->functions->sums(store, slice_of(c->teller.segment), &sums))
        return false;
    for (size_t i = 0; i < r->call_count; i++) {
        const struct verify_call *call = &r->calls[i];
        if (call->offset >= c->position)
            continue;
        due.rows++;
        due.sum += call->end + use_in(c, call);
    }
    if (sums.rows != due.rows || sums.sum != due.sum)
        return false;
    c->count->drained = due.rows;
    c->count->backlog = r->call_count - due.rows;
    return true;
}

static void forget_found(struct verify_reading *r)
{
    for (size_t i = 0; i < r->call_count; i++)
        r->calls[i].is_found = false;
}

static harborai_status compare_with(struct verify_run *run, size_t place, harborai_error *error)
{
    struct verify_reading *r = &run->reading;
    struct verify_store *store = run->options->stores[place];
    struct comparison c = {.run = run,
                           .store = place,
                           .count = &r->count->stores[place],
                           .teller = {run->options, r->teller.segment, store->functions->name, 0},
                           .position = position_of(run, place, r->place)};
    if (c.position > r->whole && r->left_out == 0) {
        r->count->faults++;
        verify_tell(&r->teller, r->whole, NULL,
                    "the file ends here, and more of it has been copied once");
    }
    if (sums_agree(&c))
        return HARBORAI_OK;
    forget_found(r);
    harborai_status st = store->functions->rows(store, slice_of(r->teller.segment), r->calls,
                                                r->call_count, on_row, &c, error);
    if (st == HARBORAI_OK)
        count_rest(&c);
    return st;
}

/* --- Segments ------------------------------------------------------------------------------------ */

/* A store that fails is asked no more. */
static void compare_all(struct verify_run *run)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    for (size_t i = 0; i < run->options->store_count; i++) {
        if (!run->result->has_store[i] || compare_with(run, i, &error) == HARBORAI_OK)
            continue;
        run->result->has_store[i] = false;
        note_unread(run, run->options->stores[i]->functions->name, &error);
    }
}

static harborai_status verify_one(struct verify_run *run, size_t place, harborai_error *error)
{
    struct verify_reading *r = &run->reading;
    const struct journal_file *file = &run->list.files[place];
    struct verify_segment *segment = &run->segments[place];
    harborai_error why = HARBORAI_ERROR_INIT;
    snprintf(segment->name, sizeof segment->name, "%s", file->name);
    verify_reading_clear(r);
    r->place = place;
    r->count = segment;
    r->teller = (struct verify_teller){run->options, segment->name, "journal", 0};
    harborai_status st = verify_reading_run(r, file, &why);
    if (st == HARBORAI_E_MEMORY)
        return no_memory(error);
    if (st < 0) {
        if (st != HARBORAI_E_NOT_FOUND) /* its time may be over since it was listed */
            note_unread(run, file->name, &why);
        segment->name[0] = '\0';
        return HARBORAI_OK;
    }
    st = join_amends(run, error);
    if (st < 0)
        return st;
    segment->sum = sum_of(r);
    compare_all(run);
    return HARBORAI_OK;
}

static uint64_t size_of_all(const struct journal_list *list)
{
    uint64_t size = 0;
    for (size_t i = 0; i < list->count; i++)
        size += list->files[i].size;
    return size;
}

static harborai_status verify_segments(struct verify_run *run, harborai_error *error)
{
    harborai_status st = HARBORAI_OK;
    uint64_t done = 0, all = size_of_all(&run->list);
    for (size_t i = run->list.count; st == HARBORAI_OK && i-- > 0;) {
        if (run->options->on_progress != NULL)
            run->options->on_progress(run->options->context, done, all);
        st = verify_one(run, i, error);
        done += run->list.files[i].size;
    }
    return st;
}

/* --- All of it ----------------------------------------------------------------------------------- */

static void add_count(struct verify_count *to, const struct verify_count *from)
{
    to->drained += from->drained;
    to->backlog += from->backlog;
    to->aside += from->aside;
    to->dropped += from->dropped;
    to->missing += from->missing;
    to->different += from->different;
    to->extra += from->extra;
}

static void add_segment(struct verify_segment *to, const struct verify_segment *from)
{
    to->lines += from->lines;
    to->begun += from->begun;
    to->ended += from->ended;
    to->interrupted += from->interrupted;
    to->open += from->open;
    to->amended += from->amended;
    to->sum += from->sum;
    to->faults += from->faults;
    if (from->since_ns > 0 && (to->since_ns == 0 || from->since_ns < to->since_ns))
        to->since_ns = from->since_ns;
    if (from->until_ns > to->until_ns)
        to->until_ns = from->until_ns;
    for (size_t i = 0; i < VERIFY_STORES_MOST; i++)
        add_count(&to->stores[i], &from->stores[i]);
}

static void give_out(struct verify_run *run)
{
    for (size_t i = 0; i < run->list.count; i++) {
        const struct verify_segment *segment = &run->segments[i];
        if (segment->name[0] == '\0')
            continue;
        run->result->segments++;
        add_segment(&run->result->all, segment);
        run->options->on_segment(run->options->context, segment);
    }
}

static void open_stores(struct verify_run *run)
{
    for (size_t i = 0; i < run->options->store_count; i++) {
        struct verify_store *store = run->options->stores[i];
        harborai_error error = HARBORAI_ERROR_INIT;
        harborai_status st = read_aside(run, i, &error);
        if (st == HARBORAI_OK)
            st = store->functions->open(store, &error);
        run->result->has_store[i] = st == HARBORAI_OK;
        if (st < 0)
            note_unread(run, store->functions->name, &error);
    }
}

struct twice {
    struct verify_run *run;
    struct verify_teller teller;
};

static void on_twice(void *context, harborai_str key)
{
    struct twice *t = context;
    const struct verify_options *options = t->run->options;
    const struct verify_fault fault = {.segment = "",
                                       .key = key,
                                       .store = t->teller.store,
                                       .what = HARBORAI_STR("it is there more than once")};
    t->run->result->twice++;
    if (t->teller.told++ < options->most_faults && options->on_fault != NULL)
        options->on_fault(options->context, &fault);
}

static void look_for_twice(struct verify_run *run)
{
    const struct verify_segment *all = &run->result->all;
    for (size_t i = 0; i < run->options->store_count; i++) {
        struct verify_store *store = run->options->stores[i];
        struct twice twice = {run, {run->options, "", store->functions->name, 0}};
        harborai_error error = HARBORAI_ERROR_INIT;
        if (!run->result->has_store[i] || store->functions->twice == NULL || all->since_ns == 0)
            continue;
        if (store->functions->twice(store, all->since_ns, all->until_ns, on_twice, &twice,
                                    &error) < 0) {
            run->result->has_store[i] = false;
            note_unread(run, store->functions->name, &error);
        }
    }
}

/* Then nothing is proven: a wrong --state-dir looks like that. */
static void note_no_journal(struct verify_run *run)
{
    harborai_error why = HARBORAI_ERROR_INIT;
    (void)harborai_error_set(&why, HARBORAI_E_NOT_FOUND, "there is none in '%.*s'",
                             SLICE_ARG(run->options->state_dir));
    note_unread(run, "journal", &why);
}

static void on_odd(void *context, const char *file, const char *what)
{
    harborai_error why = HARBORAI_ERROR_INIT;
    (void)harborai_error_set(&why, HARBORAI_E_INTERNAL, "%s", what);
    note_unread(context, file, &why);
}

static harborai_status list_segments(struct verify_run *run, harborai_error *error)
{
    harborai_status st = journal_list_read(run->directory, &run->list, error);
    return st < 0 ? st : journal_list_odd(run->directory, on_odd, run, error);
}

static harborai_status run_all(struct verify_run *run, harborai_error *error)
{
    harborai_status st = HARBORAI_OK;
    if (run->directory < 0)
        note_no_journal(run);
    open_stores(run);
    if (run->directory >= 0)
        st = list_segments(run, error);
    if (st < 0)
        return st;
    run->segments = calloc(run->list.count + 1, sizeof *run->segments);
    if (run->segments == NULL)
        return no_memory(error);
    st = verify_segments(run, error);
    if (st == HARBORAI_OK)
        st = verify_tell_copies(run->options, run->segments, run->list.count, run->result, error);
    if (st < 0)
        return st;
    give_out(run);
    look_for_twice(run);
    return verify_tell_gone(run->options, run->directory, run->result, error);
}

static void release(struct verify_run *run)
{
    for (size_t i = 0; i < run->options->store_count; i++) {
        run->options->stores[i]->functions->close(run->options->stores[i]);
        free(run->aside[i].keys);
    }
    verify_reading_release(&run->reading);
    journal_list_release(&run->list);
    free(run->segments);
    free(run->amends);
    buf_release(&run->line);
    buf_release(&run->texts);
    if (run->directory >= 0)
        close(run->directory);
}

harborai_status verify_run(const struct verify_options *options, struct verify_result *ret_result,
                           harborai_error *error)
{
    *ret_result = (struct verify_result){.error = HARBORAI_ERROR_INIT};
    struct verify_run run = {.options = options,
                             .result = ret_result,
                             .directory = -1,
                             .line = BUF_INIT(2 * LIMIT_JOURNAL_LINE + 2),
                             .texts = BUF_INIT(2 * LIMIT_JOURNAL_LINE + 2),
                             .reading = {.texts = BUF_INIT(2 * LIMIT_JOURNAL_LINE + 2)}};
    harborai_status st = journal_directory_open(options->state_dir, &run.directory, error);
    run.reading.directory = run.directory;
    if (st == HARBORAI_OK)
        st = run_all(&run, error);
    release(&run);
    return st;
}
