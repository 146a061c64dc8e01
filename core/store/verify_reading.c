/* SPDX-License-Identifier: MIT */
/* What the lines of a segment prove by themselves: that none is missing or damaged, and that each call
 * which began has ended, once. Must never take a line that is still being written for a torn one. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/limits.h"
#include "json_value.h"
#include "store/verify_parts.h"

static harborai_status no_memory(harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
}

/* --- What is wrong ----------------------------------------------------------------------------- */

static void write_key(const unsigned char *key, char text[static 37])
{
    char *at = text;
    for (size_t i = 0; i < 16; i++)
        at += snprintf(at, 4, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", key[i]);
}

void verify_tell(struct verify_teller *teller, uint64_t at, const unsigned char *key,
                 const char *what)
{
    char uuid[37] = "";
    const struct verify_options *options = teller->options;
    if (teller->told++ >= options->most_faults || options->on_fault == NULL)
        return;
    if (key != NULL)
        write_key(key, uuid);
    const struct verify_fault fault = {.segment = teller->segment,
                                       .at = at,
                                       .key = slice_of(uuid),
                                       .store = teller->store,
                                       .what = slice_of(what)};
    options->on_fault(options->context, &fault);
}

/* A fault of the journal's. */
PRINTF(4, 5) static void fault(struct verify_reading *r, uint64_t at, const unsigned char *key,
                               const char *format, ...)
{
    char text[512];
    va_list arguments;
    r->count->faults++;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    verify_tell(&r->teller, at, key, text);
}

static void on_fault(void *context, const char *segment UNUSED, uint64_t offset, const char *reason)
{
    struct verify_reading *r = context;
    r->left_out++;
    fault(r, offset, NULL, "%s", reason);
}

/* --- Lists ------------------------------------------------------------------------------------- */

static bool grow(void **items, size_t *capacity, size_t count, size_t size)
{
    if (count < *capacity)
        return true;
    size_t capacity_now = *capacity > 0 ? 2 * *capacity : 256;
    void *grown = reallocarray(*items, capacity_now, size);
    if (grown == NULL)
        return false;
    *items = grown;
    *capacity = capacity_now;
    return true;
}

bool verify_amend_add(struct verify_amend **amends, size_t *count, size_t *capacity,
                      const struct verify_amend *amend)
{
    void *items = *amends;
    if (!grow(&items, capacity, *count, sizeof *amend))
        return false;
    *amends = items;
    (*amends)[(*count)++] = *amend;
    return true;
}

static int compare_amends(const void *a, const void *b)
{
    const struct verify_amend *x = a, *y = b;
    int order = memcmp(x->key, y->key, sizeof x->key);
    if (order != 0)
        return order;
    if (x->segment != y->segment)
        return x->segment < y->segment ? -1 : 1;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

void verify_amend_sort(struct verify_amend *amends, size_t count)
{
    if (count > 1)
        qsort(amends, count, sizeof *amends, compare_amends);
}

static int compare_calls(const void *a, const void *b)
{
    const struct verify_call *x = a, *y = b;
    int order = memcmp(x->key, y->key, sizeof x->key);
    return order != 0 ? order : x->offset < y->offset ? -1 : x->offset > y->offset;
}

static int compare_key(const void *key, const void *call)
{
    return memcmp(key, ((const struct verify_call *)call)->key, 16);
}

struct verify_call *verify_call_find(struct verify_call *calls, size_t count,
                                     const unsigned char key[static 16])
{
    return count > 0 ? bsearch(key, calls, count, sizeof *calls, compare_key) : NULL;
}

static void sort_calls(struct verify_reading *r)
{
    size_t kept = 0;
    if (r->call_count > 1)
        qsort(r->calls, r->call_count, sizeof *r->calls, compare_calls);
    for (size_t i = 0; i < r->call_count; i++) {
        struct verify_call *call = &r->calls[i];
        if (kept == 0 || memcmp(r->calls[kept - 1].key, call->key, sizeof call->key) != 0)
            r->calls[kept++] = *call;
        else
            fault(r, call->offset, call->key, "the call has ended before, at byte %llu",
                  (unsigned long long)r->calls[kept - 1].offset);
    }
    r->call_count = kept;
}

/* --- Lines ------------------------------------------------------------------------------------- */

static void take_begin(struct verify_reading *r, const struct journal_line *line)
{
    harborai_str key = SLICE_NONE;
    if (!json_string_plain(json_member(line->text, HARBORAI_STR("key")), &key)) {
        fault(r, line->offset, NULL, "it is no begin line: it has no key");
        return;
    }
    size_t before = r->open.count;
    struct open_call *call = open_calls_put(&r->open, key);
    if (call == NULL)
        r->failed = HARBORAI_E_MEMORY;
    else
        call->offset = line->offset;
    r->count->begun += r->open.count > before;
}

static void note_times(struct verify_segment *count, int64_t begin_ns)
{
    if (count->since_ns == 0 || begin_ns < count->since_ns)
        count->since_ns = begin_ns;
    if (begin_ns > count->until_ns)
        count->until_ns = begin_ns;
}

static void take_end(struct verify_reading *r, const struct journal_line *line)
{
    struct call call;
    struct call_digest digest;
    harborai_error error = HARBORAI_ERROR_INIT;
    void *items = r->calls;
    r->count->ended++;
    if (call_read(line->text, SLICE_NONE, &r->texts, &call, &error) < 0) {
        fault(r, line->offset, NULL, "%s", error.message);
        return;
    }
    size_t before = r->open.count;
    open_calls_remove(&r->open, call.key);
    if (r->open.count == before && call.attempts > 0 && r->unbegun++ == 0)
        r->unbegun_at = line->offset;
    r->count->interrupted += call.outcome == CALL_INTERRUPTED;
    note_times(r->count, call.begin_ns);
    if (!grow(&items, &r->call_capacity, r->call_count, sizeof *r->calls)) {
        r->failed = HARBORAI_E_MEMORY;
        return;
    }
    r->calls = items;
    call_digest_make(&call, &digest);
    struct verify_call *to = &r->calls[r->call_count++];
    *to = (struct verify_call){.end = digest.end,
                               .use = digest.use,
                               .begin_ns = call.begin_ns,
                               .offset = line->offset,
                               .is_uuid = digest.is_uuid};
    memcpy(to->key, digest.key, sizeof to->key);
}

static void take_amend(struct verify_reading *r, const struct journal_line *line)
{
    struct call call;
    struct call_digest digest;
    harborai_error error = HARBORAI_ERROR_INIT;
    r->count->amended++;
    if (call_read(SLICE_NONE, line->text, &r->texts, &call, &error) < 0) {
        fault(r, line->offset, NULL, "%s", error.message);
        return;
    }
    call_digest_make(&call, &digest);
    struct verify_amend amend = {
        .use = digest.use, .segment = r->place, .offset = line->offset};
    memcpy(amend.key, digest.key, sizeof amend.key);
    if (!verify_amend_add(&r->amends, &r->amend_count, &r->amend_capacity, &amend))
        r->failed = HARBORAI_E_MEMORY;
}

static uint64_t number_of(harborai_str line, const char *member)
{
    int64_t number;
    return json_int64(json_member(line, slice_of(member)), &number) && number >= 0
               ? (uint64_t)number
               : 0;
}

/* What the process counted that wrote it. */
static void take_seal(struct verify_reading *r, const struct journal_line *line)
{
    uint64_t lines = number_of(line->text, "lines"), ends = number_of(line->text, "ends");
    uint64_t lost = number_of(line->text, "lost");
    struct verify_segment *count = r->count;
    r->is_sealed = true;
    if (lines != line->seq)
        fault(r, line->offset, NULL, "the seal counts %llu lines, and is line %llu itself",
              (unsigned long long)lines, (unsigned long long)line->seq);
    if (ends < count->ended || ends > count->ended + r->left_out)
        fault(r, line->offset, NULL, "the seal counts %llu calls, and %llu stand before it",
              (unsigned long long)ends, (unsigned long long)count->ended);
    if (lost > 0)
        fault(r, line->offset, NULL, "%llu lines were given up while the disk failed "
              "(journal.on_failure: drop)", (unsigned long long)lost);
    r->left_out += lost; /* the begin or the end of a call each */
}

static void take_line(struct verify_reading *r, const struct journal_line *line)
{
    if (r->is_sealed)
        fault(r, line->offset, NULL, "a line stands behind the seal");
    r->count->lines++;
    if (line->kind == JOURNAL_LINE_SEGMENT && line->offset == 0 && line->is_checked)
        r->count->head = hash_slice(line->text, 0) | 1;
    if (line->kind == JOURNAL_LINE_BEGIN)
        take_begin(r, line);
    else if (line->kind == JOURNAL_LINE_END)
        take_end(r, line);
    else if (line->kind == JOURNAL_LINE_AMEND)
        take_amend(r, line);
    else if (line->kind == JOURNAL_LINE_SEAL)
        take_seal(r, line);
}

/* Up to where it reached when it was opened: one that is live grows on. */
static harborai_status read_lines(struct verify_reading *r, struct journal_follow *follow,
                                  harborai_error *error)
{
    struct journal_line line;
    enum journal_follow_step step = JOURNAL_FOLLOW_LINE;
    uint64_t limit = journal_follow_size(follow);
    while (r->failed == HARBORAI_OK && journal_follow_position(follow)->offset < limit &&
           (step = journal_follow_next(follow, &line, error)) == JOURNAL_FOLLOW_LINE)
        take_line(r, &line);
    r->whole = journal_follow_position(follow)->offset;
    if (step == JOURNAL_FOLLOW_FAILED)
        return HARBORAI_E_INTERNAL;
    return r->failed == HARBORAI_OK ? HARBORAI_OK : no_memory(error);
}

/* --- Calls ------------------------------------------------------------------------------------- */

/* Lines that cannot be read account for as many. */
static void check_calls(struct verify_reading *r)
{
    r->count->open = r->open.count;
    if (r->unbegun > r->left_out)
        fault(r, r->unbegun_at, NULL, "%llu calls, this one first, have no begin line",
              (unsigned long long)r->unbegun);
    if (r->count->state != VERIFY_SEALED || r->open.count <= r->left_out)
        return;
    open_calls_sort(&r->open);
    for (size_t i = 0; i < r->open.count; i++)
        fault(r, r->open.slots[i].offset, NULL, "the call that begins here has no end line");
}

static void note_state(struct verify_reading *r, const struct journal_file *file)
{
    r->count->state = file->is_live ? VERIFY_LIVE : VERIFY_UNFINISHED;
    if (r->is_sealed || file->is_sealed)
        r->count->state = VERIFY_SEALED;
    if (!r->is_sealed && file->is_sealed && r->left_out == 0)
        fault(r, r->whole, NULL, "it ends without its seal");
}

harborai_status verify_reading_run(struct verify_reading *r, const struct journal_file *file,
                                   harborai_error *error)
{
    struct journal_position start = {.offset = 0};
    struct journal_follow *follow;
    harborai_error why = HARBORAI_ERROR_INIT;
    memcpy(start.segment, file->name, sizeof start.segment);
    harborai_status st = journal_follow_open(r->directory, &start, on_fault, r, &follow, &why);
    if (st == HARBORAI_E_INVALID) { /* compressed, and its table of frames is damaged */
        fault(r, 0, NULL, "%s", why.message);
        r->count->state = VERIFY_SEALED;
        return HARBORAI_OK;
    }
    if (st == HARBORAI_OK) {
        st = read_lines(r, follow, &why);
        journal_follow_close(follow);
    }
    if (st < 0) {
        if (error != NULL)
            *error = why;
        return st;
    }
    note_state(r, file);
    check_calls(r);
    sort_calls(r);
    verify_amend_sort(r->amends, r->amend_count);
    return HARBORAI_OK;
}

void verify_reading_clear(struct verify_reading *r)
{
    open_calls_release(&r->open);
    r->call_count = r->amend_count = 0;
    r->whole = r->left_out = r->unbegun = r->unbegun_at = 0;
    r->is_sealed = false;
    r->failed = HARBORAI_OK;
}

void verify_reading_release(struct verify_reading *r)
{
    verify_reading_clear(r);
    free(take(r->calls));
    free(take(r->amends));
    buf_release(&r->texts);
}

/* --- One line again ------------------------------------------------------------------------------ */

static harborai_status add_line(int directory, const struct verify_place *place, struct buf *out)
{
    struct journal_position at = {.offset = place->offset};
    struct journal_follow *follow;
    struct journal_line line;
    snprintf(at.segment, sizeof at.segment, "%s", place->segment);
    harborai_status st = journal_follow_open(directory, &at, NULL, NULL, &follow, NULL);
    if (st < 0)
        return st;
    if (journal_follow_next(follow, &line, NULL) == JOURNAL_FOLLOW_LINE)
        buf_add(out, line.text);
    else
        st = HARBORAI_E_NOT_FOUND;
    journal_follow_close(follow);
    return st;
}

harborai_status verify_line_read(int directory, const struct verify_place *end,
                                 const struct verify_place *amend, struct buf *line,
                                 struct buf *texts, struct call *ret_call)
{
    buf_clear(line);
    harborai_status st = add_line(directory, end, line);
    size_t end_len = line->len;
    if (st == HARBORAI_OK && amend != NULL)
        st = add_line(directory, amend, line);
    if (st == HARBORAI_OK)
        st = buf_status(line, NULL);
    return st < 0 ? st
                  : call_read(slice_cut(buf_slice(line), end_len),
                              slice_from(buf_slice(line), end_len), texts, ret_call, NULL);
}
