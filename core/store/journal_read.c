/* SPDX-License-Identifier: MIT */
/* Merges the segments by time. A segment is opened when the newest call that is left could be in it:
 * its file's time is not long before that of the newest call known. */
#include "store/journal_read.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "json_value.h"
#include "store/journal_list.h"
#include "store/journal_segment.h"
#include "wire/json_write.h"

/* By how much a file's time may be behind its last line's: the kernel's clock for files is coarse. */
#define SLACK_NS NS_PER_S

struct journal_reader {
    int directory;
    journal_fault_fn *on_fault;
    void *context;
    struct journal_segment *segments; /* the youngest file first */
    size_t count, opened;
    struct journal_segment *given; /* whose call was given out last */
};

/* --- Which files there are ------------------------------------------------------------------- */

static harborai_status no_memory(harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
}

static harborai_status add_segment(struct journal_reader *r, const struct journal_file *file,
                                   harborai_error *error)
{
    char *copy = slice_dup(slice_of(file->name));
    if (copy == NULL)
        return no_memory(error);
    r->segments[r->count++] = (struct journal_segment){.name = copy,
                                                       .mtime_ns = file->mtime_ns,
                                                       .text = {.fd = -1},
                                                       .on_fault = r->on_fault,
                                                       .context = r->context};
    return HARBORAI_OK;
}

static int compare_segments(const void *a, const void *b)
{
    const struct journal_segment *x = a, *y = b;
    if (x->mtime_ns != y->mtime_ns)
        return x->mtime_ns < y->mtime_ns ? 1 : -1;
    return strcmp(y->name, x->name);
}

static harborai_status read_directory(struct journal_reader *r, harborai_error *error)
{
    struct journal_list list;
    harborai_status st = journal_list_read(r->directory, &list, error);
    if (st < 0 || list.count == 0)
        return st;
    r->segments = calloc(list.count, sizeof *r->segments);
    if (r->segments == NULL)
        st = no_memory(error);
    for (size_t i = 0; i < list.count && st == HARBORAI_OK; i++)
        st = add_segment(r, &list.files[i], error);
    journal_list_release(&list);
    if (r->count > 0)
        qsort(r->segments, r->count, sizeof *r->segments, compare_segments);
    return st;
}

harborai_status journal_reader_create(harborai_str state_dir, journal_fault_fn *on_fault,
                                      void *context, struct journal_reader **ret_reader,
                                      harborai_error *error)
{
    struct journal_reader *r = calloc(1, sizeof *r);
    if (r == NULL)
        return no_memory(error);
    r->directory = -1;
    r->on_fault = on_fault;
    r->context = context;
    harborai_status st = journal_directory_open(state_dir, &r->directory, error);
    if (st == HARBORAI_OK && r->directory >= 0)
        st = read_directory(r, error);
    if (st < 0) {
        journal_reader_destroy(r);
        return st;
    }
    *ret_reader = r;
    return HARBORAI_OK;
}

void journal_reader_destroy(struct journal_reader *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->count; i++) {
        journal_segment_close(&r->segments[i]);
        free(r->segments[i].name);
    }
    free(r->segments);
    if (r->directory >= 0)
        close(r->directory);
    free(r);
}

/* --- Calls ----------------------------------------------------------------------------------- */

static struct journal_segment *find_newest(struct journal_reader *r)
{
    struct journal_segment *newest = NULL;
    for (size_t i = 0; i < r->opened; i++)
        if (r->segments[i].has_call &&
            (newest == NULL || r->segments[i].call.at_ns > newest->call.at_ns))
            newest = &r->segments[i];
    return newest;
}

bool journal_reader_next(struct journal_reader *r, struct journal_call *ret_call)
{
    if (r->given != NULL)
        journal_segment_advance(r->given);
    r->given = find_newest(r);
    while (r->opened < r->count &&
           (r->given == NULL ||
            r->segments[r->opened].mtime_ns >= r->given->call.at_ns - SLACK_NS)) {
        struct journal_segment *s = &r->segments[r->opened++];
        journal_segment_open(s, r->directory);
        if (s->has_call && (r->given == NULL || s->call.at_ns > r->given->call.at_ns))
            r->given = s;
    }
    if (r->given != NULL)
        *ret_call = r->given->call;
    return r->given != NULL;
}

/* What an amend line's members stand in place of, whether it has them or not. */
static bool is_amendable(harborai_str name)
{
    static const char *const names[] = {
        "tokens", "parsing_method", "confidence",  "parsing_error", "estimated",
        "usage",  "cost",           "cost_input",  "cost_output",   "cost_reason",
        "cost_class", "currency",   "price_source", "price_date"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (slice_is(name, names[i]))
            return true;
    return false;
}

harborai_str journal_call_member(const struct journal_call *call, const char *name)
{
    bool is_replaced = call->amend.len > 0 && is_amendable(slice_of(name));
    return json_member(is_replaced ? call->amend : call->line, slice_of(name));
}

/* All but the check, which was of the line as it stands in its file. */
static bool is_of_call(harborai_str name)
{
    return !slice_is(name, "seq") && !slice_is(name, "crc");
}

static bool stays(harborai_str name)
{
    return is_of_call(name) && !is_amendable(name);
}

static bool is_amended(harborai_str name)
{
    return is_amendable(name) || slice_is(name, "amend_ns");
}

static void copy_members(struct json_writer *w, harborai_str line, bool (*is_wanted)(harborai_str))
{
    struct json_cursor cursor = json_open(line);
    struct json_member member;
    while (json_object_next(&cursor, &member)) {
        if (!is_wanted(member.key))
            continue;
        json_write_key(w, member.key); /* keys with escapes are none of ours */
        json_write_raw(w, member.value);
    }
}

void journal_call_write(const struct journal_call *call, struct buf *out)
{
    struct json_writer w = JSON_WRITER(out);
    json_write_object(&w);
    if (call->amend.len == 0) {
        copy_members(&w, call->line, is_of_call);
    } else {
        copy_members(&w, call->line, stays);
        copy_members(&w, call->amend, is_amended);
    }
    json_write_end(&w);
}
