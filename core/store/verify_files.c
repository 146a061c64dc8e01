/* SPDX-License-Identifier: MIT */
/* What is proven of whole files: that none is gone which retention would have kept, and that none is
 * there twice. Must never accuse retention: it takes a segment only when its last line is old. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "store/query_read.h"
#include "store/verify_parts.h"

/* Clocks are set, and the time of a file is coarser than that of a call. */
#define SLACK_NS (3600 * NS_PER_S)

static harborai_status no_memory(harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
}

static void tell(const struct verify_options *options, const char *segment, const char *what)
{
    struct verify_teller teller = {options, segment, "journal", 0};
    verify_tell(&teller, 0, NULL, what);
}

/* --- Files that are gone ----------------------------------------------------------------------- */

struct gone {
    struct verify_known known;
    size_t store; /* that knows it */
};

struct gone_list {
    struct gone *items; /* owned */
    size_t count, capacity;
};

/* By its name, "20261121T110305Z-4711-0"; 0: it does not tell. */
static int64_t start_of(const char *name)
{
    char text[24];
    int64_t start_ns;
    if (strlen(name) < 16)
        return 0;
    snprintf(text, sizeof text, "%.4s-%.2s-%.5s:%.2s:%.3s", name, name + 4, name + 6, name + 11,
             name + 13);
    return query_read_utc(slice_of(text), &start_ns) ? start_ns : 0;
}

/* Its last line was written then, or later. */
static int64_t newest_of(const struct verify_known *known)
{
    int64_t start_ns = start_of(known->name);
    return known->newest_ns > start_ns ? known->newest_ns : start_ns;
}

/* The index may know one without calls from when files did not stay for ever. */
static bool is_due(const struct verify_options *options, const struct verify_known *known)
{
    if (options->age_ns == 0)
        return known->calls != 0;
    return newest_of(known) >= clock_wall_ns(&clock_system) - options->age_ns + SLACK_NS;
}

static bool has_file(int directory, const char *segment, const char *suffix)
{
    char file[JOURNAL_NAME_MOST + 16];
    struct stat now;
    snprintf(file, sizeof file, "%s%s", segment, suffix);
    return fstatat(directory, file, &now, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

/* Whatever lies there: what cannot be read is told elsewhere. The plain one goes only when the
 * compressed one is there: in this order none is missed that is being compressed. */
static bool is_there(int directory, const char *segment)
{
    return directory >= 0 &&
           (has_file(directory, segment, ".jsonl") || has_file(directory, segment, ".jsonl.zst"));
}

static bool add_gone(struct gone_list *list, const struct verify_known *known, size_t store)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity > 0 ? 2 * list->capacity : 16;
        void *grown = reallocarray(list->items, capacity, sizeof *list->items);
        if (grown == NULL)
            return false;
        list->items = grown;
        list->capacity = capacity;
    }
    list->items[list->count++] = (struct gone){*known, store};
    return true;
}

static int compare_gone(const void *a, const void *b)
{
    const struct gone *x = a, *y = b;
    int order = strcmp(x->known.name, y->known.name);
    return order != 0 ? order : (x->store > y->store) - (x->store < y->store);
}

static bool find_gone(const struct verify_options *options, int directory,
                      const struct verify_result *result, struct gone_list *list)
{
    for (size_t i = 0; i < options->store_count; i++) {
        struct verify_store *store = options->stores[i];
        struct verify_known known;
        for (size_t n = 0; result->has_store[i] && store->functions->known(store, n, &known); n++)
            if (known.offset > 0 && is_due(options, &known) && !is_there(directory, known.name) &&
                !add_gone(list, &known, i))
                return false;
    }
    if (list->count > 1)
        qsort(list->items, list->count, sizeof *list->items, compare_gone);
    return true;
}

/* What the stores know of one segment, `count` of them. */
static void describe(const struct verify_options *options, const struct gone *gone, size_t count,
                     struct buf *out)
{
    char time[25];
    int64_t newest_ns = 0, days = options->age_ns / (24 * 3600 * NS_PER_S);
    for (size_t i = 0; i < count; i++)
        if (newest_of(&gone[i].known) > newest_ns)
            newest_ns = newest_of(&gone[i].known);
    clock_format_utc(newest_ns, time);
    buf_add(out, HARBORAI_STR("the file is gone"));
    if (newest_ns > 0)
        buf_printf(out, ", and had a line of %s or later", time);
    if (days > 0)
        buf_printf(out, ", which stays for %lld days", (long long)days);
    buf_add(out, HARBORAI_STR(" (journal.retention_days)"));
    for (size_t i = 0; i < count; i++) {
        buf_printf(out, "; %s has copied %llu bytes of it",
                   options->stores[gone[i].store]->functions->name,
                   (unsigned long long)gone[i].known.offset);
        if (gone[i].known.calls >= 0)
            buf_printf(out, ", and has %lld calls", (long long)gone[i].known.calls);
    }
    buf_add_char(out, '\0');
}

static harborai_status give_gone(const struct verify_options *options, const struct gone *gone,
                                 size_t count, struct verify_result *result, harborai_error *error)
{
    AUTO(buf) what = BUF_INIT(KIB(1));
    struct verify_segment segment = {.state = VERIFY_GONE, .faults = 1};
    snprintf(segment.name, sizeof segment.name, "%s", gone->known.name);
    describe(options, gone, count, &what);
    harborai_status st = buf_status(&what, error);
    if (st < 0)
        return st;
    tell(options, segment.name, what.data);
    result->gone++;
    result->segments++;
    result->all.faults++;
    options->on_segment(options->context, &segment);
    return HARBORAI_OK;
}

harborai_status verify_tell_gone(const struct verify_options *options, int directory,
                                 struct verify_result *result, harborai_error *error)
{
    struct gone_list list = {NULL, 0, 0};
    harborai_status st =
        find_gone(options, directory, result, &list) ? HARBORAI_OK : no_memory(error);
    for (size_t i = 0, count; st == HARBORAI_OK && i < list.count; i += count) {
        for (count = 1; i + count < list.count; count++)
            if (strcmp(list.items[i + count].known.name, list.items[i].known.name) != 0)
                break;
        st = give_gone(options, &list.items[i], count, result, error);
    }
    free(list.items);
    return st;
}

/* --- Files that are there twice ---------------------------------------------------------------- */

static int compare_heads(const void *a, const void *b)
{
    const struct verify_segment *x = *(struct verify_segment *const *)a;
    const struct verify_segment *y = *(struct verify_segment *const *)b;
    return x->head != y->head ? (x->head < y->head ? -1 : 1) : strcmp(x->name, y->name);
}

/* A first line says host, process, loop and ns: no two files that were written have the same. */
harborai_status verify_tell_copies(const struct verify_options *options,
                                   struct verify_segment *segments, size_t count,
                                   struct verify_result *result, harborai_error *error)
{
    struct verify_segment **sorted = calloc(count + 1, sizeof *sorted);
    char what[JOURNAL_NAME_MOST + 96];
    if (sorted == NULL)
        return no_memory(error);
    for (size_t i = 0; i < count; i++)
        sorted[i] = &segments[i];
    qsort(sorted, count, sizeof *sorted, compare_heads);
    for (size_t i = 1; i < count; i++) {
        if (sorted[i]->head == 0 || sorted[i]->head != sorted[i - 1]->head)
            continue;
        snprintf(what, sizeof what, "it begins with the same line as '%s': one of them is a copy",
                 sorted[i - 1]->name);
        tell(options, sorted[i]->name, what);
        sorted[i]->faults++;
        result->copies++;
    }
    free(sorted);
    return HARBORAI_OK;
}
