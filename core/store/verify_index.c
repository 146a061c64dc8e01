/* SPDX-License-Identifier: MIT */
/* Reads the whole index once, when it is opened, and knows from then on what it has of each segment;
 * only a segment that disagrees is looked at row by row. Must never write to it. */
#include "store/verify_index.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "store/index_parts.h"

struct known_segment {
    int64_t id;
    char name[JOURNAL_NAME_MOST];
    uint64_t offset;
    struct verify_sums sums;
    int64_t newest_ns; /* when the last of its calls ended; 0: it has none */
};

struct verify_index {
    struct verify_store store;
    struct index *index;
    int64_t age_ns, since_ns; /* older calls leave it; 0: none does */
    struct known_segment *segments; /* owned; by id */
    size_t count, capacity;
};

static struct verify_index *self_of(struct verify_store *store)
{
    return CONTAINER_OF(store, struct verify_index, store);
}

/* --- Reading it once --------------------------------------------------------------------------- */

static harborai_status add_segment(struct verify_index *v, sqlite3_stmt *s, harborai_error *error)
{
    if (v->count == v->capacity) {
        size_t capacity = v->capacity > 0 ? 2 * v->capacity : 64;
        void *grown = reallocarray(v->segments, capacity, sizeof *v->segments);
        if (grown == NULL)
            return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
        v->segments = grown;
        v->capacity = capacity;
    }
    struct known_segment *to = &v->segments[v->count++];
    *to = (struct known_segment){.id = sqlite3_column_int64(s, 0),
                                 .offset = (uint64_t)sqlite3_column_int64(s, 2)};
    snprintf(to->name, sizeof to->name, "%s", (const char *)sqlite3_column_text(s, 1));
    return HARBORAI_OK;
}

static harborai_status prepare(struct verify_index *v, const char *sql, sqlite3_stmt **ret,
                               harborai_error *error)
{
    if (sqlite3_prepare_v2(v->index->db, sql, -1, ret, NULL) != SQLITE_OK)
        return index_fail(v->index, "read", error);
    return HARBORAI_OK;
}

static harborai_status read_segments(struct verify_index *v, harborai_error *error)
{
    sqlite3_stmt *s = NULL;
    int step = SQLITE_DONE;
    harborai_status st =
        prepare(v, "SELECT id, name, \"offset\" FROM segments ORDER BY id", &s, error);
    while (st == HARBORAI_OK && (step = sqlite3_step(s)) == SQLITE_ROW)
        st = add_segment(v, s, error);
    if (st == HARBORAI_OK && step != SQLITE_DONE)
        st = index_fail(v->index, "read", error);
    sqlite3_finalize(s);
    return st;
}

static int compare_ids(const void *id, const void *segment)
{
    int64_t a = *(const int64_t *)id, b = ((const struct known_segment *)segment)->id;
    return a < b ? -1 : a > b;
}

static harborai_status each_row(struct verify_index *v, const char *where, int64_t segment,
                                harborai_status (*on_row)(struct verify_index *v, void *context,
                                                          const struct call *row,
                                                          const struct index_refs *refs,
                                                          harborai_error *error),
                                void *context, harborai_error *error)
{
    AUTO(buf) sql = BUF_INIT(KIB(16));
    sqlite3_stmt *s = NULL;
    int step = SQLITE_DONE;
    index_row_select(&sql);
    buf_add(&sql, slice_of(where));
    buf_add_char(&sql, '\0');
    harborai_status st = buf_status(&sql, error);
    if (st == HARBORAI_OK)
        st = prepare(v, sql.data, &s, error);
    if (st == HARBORAI_OK)
        sqlite3_bind_int64(s, 1, segment);
    while (st == HARBORAI_OK && (step = sqlite3_step(s)) == SQLITE_ROW) {
        struct call row;
        struct index_refs refs;
        index_row_read(s, &v->index->texts, &row, &refs);
        st = on_row(v, context, &row, &refs, error);
    }
    if (st == HARBORAI_OK && step != SQLITE_DONE)
        st = index_fail(v->index, "read", error);
    sqlite3_finalize(s);
    return st;
}

static harborai_status add_to_sums(struct verify_index *v, void *context UNUSED,
                                   const struct call *row, const struct index_refs *refs,
                                   harborai_error *error UNUSED)
{
    struct call_digest digest;
    struct known_segment *segment =
        v->count > 0 ? bsearch(&refs->segment, v->segments, v->count, sizeof *v->segments, compare_ids)
                     : NULL;
    if (segment == NULL)
        return HARBORAI_OK;
    call_digest_make(row, &digest);
    segment->sums.rows++;
    segment->sums.sum += call_digest_sum(&digest);
    if (row->end_ns > segment->newest_ns)
        segment->newest_ns = row->end_ns;
    return HARBORAI_OK;
}

/* One transaction to the end: what is read is of one moment. */
static harborai_status open_index(struct verify_store *store, harborai_error *error)
{
    struct verify_index *v = self_of(store);
    char why[128];
    if (access(v->index->path, F_OK) < 0) {
        if (errno == ENOENT)
            return HARBORAI_OK; /* nothing was copied yet */
        return harborai_error_set(error, HARBORAI_E_CONFIG, "cannot read '%s': %s", v->index->path,
                                  error_of_errno(errno, why));
    }
    harborai_status st = index_open_to_read(v->index, error);
    if (st < 0)
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "'%s' cannot be read, or is not of this version: run 'harborai "
                                  "db reindex'", v->index->path);
    if (v->age_ns > 0)
        v->since_ns = clock_wall_ns(&clock_system) - v->age_ns;
    st = index_execute(v->index, "BEGIN", "read", error);
    if (st == HARBORAI_OK)
        st = read_segments(v, error);
    if (st == HARBORAI_OK) /* in the order in which the rows lie */
        st = each_row(v, " ORDER BY c.id", 0, add_to_sums, NULL, error);
    return st;
}

static void close_index(struct verify_store *store)
{
    struct verify_index *v = self_of(store);
    index_functions.close(index_store(v->index));
    v->count = 0;
}

/* --- Questions --------------------------------------------------------------------------------- */

static const struct known_segment *find(struct verify_store *store, harborai_str name)
{
    const struct verify_index *v = self_of(store);
    for (size_t i = 0; i < v->count; i++)
        if (slice_is(name, v->segments[i].name))
            return &v->segments[i];
    return NULL;
}

static uint64_t position(struct verify_store *store, harborai_str segment)
{
    const struct known_segment *known = find(store, segment);
    return known != NULL ? known->offset : 0;
}

static bool give_known(struct verify_store *store, size_t number, struct verify_known *ret_known)
{
    const struct verify_index *v = self_of(store);
    if (number >= v->count)
        return false;
    const struct known_segment *s = &v->segments[number];
    *ret_known = (struct verify_known){s->name, s->offset, (int64_t)s->sums.rows, s->newest_ns};
    return true;
}

static bool sums(struct verify_store *store, harborai_str segment, struct verify_sums *ret_sums)
{
    const struct known_segment *known = find(store, segment);
    *ret_sums = known != NULL ? known->sums : (struct verify_sums){0, 0};
    return true;
}

struct receiver {
    verify_row_fn *on_row;
    void *context;
};

static harborai_status give_row(struct verify_index *v UNUSED, void *context,
                                const struct call *row, const struct index_refs *refs UNUSED,
                                harborai_error *error)
{
    struct receiver *receiver = context;
    return receiver->on_row(receiver->context, row, error);
}

static harborai_status rows(struct verify_store *store, harborai_str segment,
                            const struct verify_call *calls UNUSED, size_t count UNUSED,
                            verify_row_fn *on_row, void *context, harborai_error *error)
{
    const struct known_segment *known = find(store, segment);
    struct receiver receiver = {on_row, context};
    if (known == NULL)
        return HARBORAI_OK;
    return each_row(self_of(store), " WHERE c.segment = ?1", known->id, give_row, &receiver, error);
}

static bool has_dropped(struct verify_store *store, int64_t begin_ns)
{
    return begin_ns < self_of(store)->since_ns;
}

static void destroy(struct verify_store *store)
{
    struct verify_index *v = self_of(store);
    index_destroy(v->index);
    free(v->segments);
    free(v);
}

static const struct verify_store_functions functions = {
    .name = "sqlite",
    .open = open_index,
    .close = close_index,
    .destroy = destroy,
    .position = position,
    .known = give_known,
    .sums = sums,
    .rows = rows,
    .has_dropped = has_dropped,
};

harborai_status verify_index_create(harborai_str state_dir, int64_t age_ns,
                                    struct verify_store **ret_store, harborai_error *error)
{
    struct verify_index *v = calloc(1, sizeof *v);
    if (v == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    v->store.functions = &functions;
    v->age_ns = age_ns;
    harborai_status st = index_create(state_dir, &v->index, error);
    if (st < 0) {
        free(v);
        return st;
    }
    *ret_store = &v->store;
    return HARBORAI_OK;
}
