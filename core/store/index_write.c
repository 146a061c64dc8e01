/* SPDX-License-Identifier: MIT */
/* Calls into the index: rows, sums and positions in one transaction. A call stands in it once, however
 * often it comes. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/limits.h"
#include "store/index_parts.h"
#include "store/journal_follow.h"


static struct index *index_of(struct drain_store *store)
{
    return CONTAINER_OF(store, struct index, store);
}

static void bind_text(sqlite3_stmt *s, int place, harborai_str text)
{
    sqlite3_bind_text64(s, place, text.len > 0 ? text.data : "", text.len, SQLITE_STATIC,
                        SQLITE_UTF8);
}

/* --- Names with ids ---------------------------------------------------------------------------- */

struct naming {
    struct index_name *names;
    size_t count;
    enum index_statement find, add;
    const struct call *route; /* whose values are added, too; or NULL */
};

static harborai_status look_up(struct index *index, const struct naming *naming, harborai_str text,
                               int64_t *ret_id, harborai_error *error)
{
    sqlite3_stmt *s = index_statement(index, naming->find);
    if (s != NULL)
        bind_text(s, 1, text);
    harborai_status st = index_number(index, s, ret_id, error);
    if (st < 0 || *ret_id != 0)
        return st;
    s = index_statement(index, naming->add);
    if (s == NULL)
        return index_fail(index, "write to", error);
    if (naming->route != NULL)
        index_row_bind_route(s, naming->route);
    bind_text(s, 1, text);
    st = index_run(index, s, "write to", error);
    *ret_id = sqlite3_last_insert_rowid(index->db);
    return st;
}

/* A table of the last ones that came to each place: most calls need no question at all. */
static harborai_status find_name(struct index *index, const struct naming *naming,
                                 harborai_str text, int64_t *ret_id, harborai_error *error)
{
    uint64_t hash = hash_slice(text, 0);
    struct index_name *name = &naming->names[hash % naming->count];
    if (name->text != NULL && name->hash == hash &&
        slice_equal(text, (harborai_str){name->text, name->len})) {
        *ret_id = name->id;
        return HARBORAI_OK;
    }
    int64_t id = 0;
    harborai_status st = look_up(index, naming, text, &id, error);
    if (st < 0)
        return st;
    char *copy = slice_dup(text);
    free(name->text);
    *name = (struct index_name){.hash = hash, .text = copy, .len = text.len, .id = id};
    *ret_id = id;
    return HARBORAI_OK;
}

static harborai_status find_refs(struct index *index, const struct call *call,
                                 struct index_refs *ret_refs, harborai_error *error)
{
    struct naming segment = {index->segments, ARRAY_LEN(index->segments), INDEX_FIND_SEGMENT,
                             INDEX_ADD_SEGMENT, NULL};
    struct naming client = {index->clients, ARRAY_LEN(index->clients), INDEX_FIND_CLIENT,
                            INDEX_ADD_CLIENT, NULL};
    struct naming route = {index->routes, ARRAY_LEN(index->routes), INDEX_FIND_ROUTE,
                           INDEX_ADD_ROUTE, call};
    struct index_refs refs = {.id = 0};
    index_row_route(call, &index->scratch);
    if (index->scratch.failed < 0)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    harborai_status st =
        find_name(index, &route, buf_slice(&index->scratch), &refs.route, error);
    if (st == HARBORAI_OK)
        st = find_name(index, &client, call->client, &refs.client, error);
    if (st == HARBORAI_OK && call->segment.len > 0)
        st = find_name(index, &segment, call->segment, &refs.segment, error);
    if (st == HARBORAI_OK)
        *ret_refs = refs;
    return st;
}

/* --- Calls ------------------------------------------------------------------------------------- */

/* The call that stands there under its key. Borrowed from the statement until it is reset. */
static harborai_status find_call(struct index *index, harborai_str key, bool *ret_found,
                                 struct call *ret_call, struct index_refs *ret_refs,
                                 harborai_error *error)
{
    unsigned char bytes[16];
    size_t len;
    sqlite3_stmt *s = index_statement(index, INDEX_FIND_CALL);
    if (s == NULL)
        return index_fail(index, "read", error);
    if (index_pack(INDEX_PACK_UUID, key, bytes, &len))
        sqlite3_bind_blob64(s, 1, bytes, len, SQLITE_TRANSIENT);
    else
        bind_text(s, 1, key);
    int step = sqlite3_step(s);
    *ret_found = step == SQLITE_ROW;
    if (step != SQLITE_ROW && step != SQLITE_DONE)
        return index_fail(index, "read", error);
    if (step == SQLITE_ROW)
        index_row_read(s, &index->texts, ret_call, ret_refs);
    if (index->texts.failed < 0)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    return HARBORAI_OK;
}

static harborai_status write_row(struct index *index, sqlite3_stmt *s, const struct call *call,
                                 const struct index_refs *refs, harborai_error *error)
{
    index_row_bind(s, call, refs, &index->scratch);
    if (index->scratch.failed < 0)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    return index_run(index, s, "write to", error);
}

/* Puts `call` where the row `old` stands, and mends the sums. */
static harborai_status replace(struct index *index, const struct call *call,
                               const struct call *old, const struct index_refs *old_refs,
                               harborai_error *error)
{
    struct index_refs refs;
    harborai_status st = index_rollup_add(index, old, old_refs, -1, error);
    if (st == HARBORAI_OK)
        st = find_refs(index, call, &refs, error);
    if (st < 0)
        return st;
    refs.id = old_refs->id;
    st = index_rollup_add(index, call, &refs, 1, error);
    sqlite3_stmt *s = index_statement(index, INDEX_REPLACE);
    if (st < 0 || s == NULL)
        return st < 0 ? st : index_fail(index, "write to", error);
    return write_row(index, s, call, &refs, error);
}

static harborai_status put_again(struct index *index, const struct call *call,
                                 harborai_error *error)
{
    bool is_found = false;
    struct call old;
    struct index_refs refs;
    harborai_status st = find_call(index, call->key, &is_found, &old, &refs, error);
    if (st == HARBORAI_OK && is_found && old.outcome == CALL_INTERRUPTED &&
        call->outcome != CALL_INTERRUPTED)
        st = replace(index, call, &old, &refs, error);
    if (index->statements[INDEX_FIND_CALL] != NULL)
        sqlite3_reset(index->statements[INDEX_FIND_CALL]);
    return st;
}

harborai_status index_put(struct drain_store *store, const struct call *call,
                          harborai_error *error)
{
    struct index *index = index_of(store);
    struct index_refs refs;
    harborai_status st = find_refs(index, call, &refs, error);
    if (st < 0)
        return st;
    sqlite3_stmt *s = index_statement(index, INDEX_PUT);
    if (s == NULL)
        return index_fail(index, "write to", error);
    st = write_row(index, s, call, &refs, error);
    if (st < 0)
        return st;
    if (sqlite3_changes(index->db) == 0)
        return put_again(index, call, error);
    return index_rollup_add(index, call, &refs, 1, error);
}

/* What an amend line stands in place of. */
static void take_amendment(struct call *call, const struct call *from)
{
    memcpy(call->tokens, from->tokens, sizeof call->tokens);
    call->known_mask = from->known_mask;
    call->is_estimated = from->is_estimated;
    call->prompt_tokens = from->prompt_tokens;
    call->completion_tokens = from->completion_tokens;
    call->total_tokens = from->total_tokens;
    call->parsing_method = from->parsing_method;
    call->parsing_error = from->parsing_error;
    call->confidence = from->confidence;
    call->is_cost_known = from->is_cost_known;
    call->cost_pico = from->cost_pico;
    call->cost_input_pico = from->cost_input_pico;
    call->cost_output_pico = from->cost_output_pico;
    call->currency = from->currency;
    call->cost_reason = from->cost_reason;
    call->cost_class = from->cost_class;
    call->price_source = from->price_source;
    call->price_date = from->price_date;
    call->amend_ns = from->amend_ns;
}

harborai_status index_amend(struct drain_store *store, const struct call *call,
                            harborai_error *error)
{
    struct index *index = index_of(store);
    bool is_found = false;
    struct call old;
    struct index_refs refs;
    harborai_status st = find_call(index, call->key, &is_found, &old, &refs, error);
    if (st == HARBORAI_OK && is_found && old.amend_ns != call->amend_ns) {
        struct call amended = old;
        take_amendment(&amended, call);
        st = replace(index, &amended, &old, &refs, error);
    }
    if (index->statements[INDEX_FIND_CALL] != NULL)
        sqlite3_reset(index->statements[INDEX_FIND_CALL]);
    return st;
}

/* --- Transactions ------------------------------------------------------------------------------ */

harborai_status index_position(struct drain_store *store, harborai_str segment,
                               struct journal_position *ret_position, harborai_error *error)
{
    struct index *index = index_of(store);
    sqlite3_stmt *s = index_statement(index, INDEX_POSITION);
    if (s == NULL)
        return index_fail(index, "read", error);
    bind_text(s, 1, segment);
    int step = sqlite3_step(s);
    harborai_status st = HARBORAI_OK;
    struct journal_position position = {.offset = 0};
    snprintf(position.segment, sizeof position.segment, "%.*s", SLICE_ARG(segment));
    if (step == SQLITE_ROW) {
        position.offset = (uint64_t)sqlite3_column_int64(s, 0);
        position.seq = (uint64_t)sqlite3_column_int64(s, 1);
    } else if (step != SQLITE_DONE) {
        st = index_fail(index, "read", error);
    }
    sqlite3_reset(s);
    if (st == HARBORAI_OK)
        *ret_position = position;
    return st;
}

/* Ids hold until somebody empties the tables, which the generation tells. */
static harborai_status check_names(struct index *index, harborai_error *error)
{
    int64_t generation = 0;
    harborai_status st =
        index_number(index, index_statement(index, INDEX_GENERATION), &generation, error);
    if (st == HARBORAI_OK && generation != index->generation) {
        index_forget_names(index);
        index->generation = generation;
    }
    return st;
}

harborai_status index_begin(struct drain_store *store, harborai_error *error)
{
    struct index *index = index_of(store);
    harborai_status st = index_run(index, index_statement(index, INDEX_BEGIN), "lock", error);
    index->in_transaction = st == HARBORAI_OK;
    return st == HARBORAI_OK ? check_names(index, error) : st;
}

static harborai_status set_position(struct index *index, const struct journal_position *position,
                                    harborai_error *error)
{
    sqlite3_stmt *s = index_statement(index, INDEX_SET_POSITION);
    if (s == NULL)
        return index_fail(index, "write to", error);
    bind_text(s, 1, slice_of(position->segment));
    sqlite3_bind_int64(s, 2, (int64_t)position->offset);
    sqlite3_bind_int64(s, 3, (int64_t)position->seq);
    return index_run(index, s, "write to", error);
}

static harborai_status expire(struct index *index, harborai_error *error)
{
    if (index->age_ns == 0)
        return HARBORAI_OK;
    int64_t before_ns = clock_wall_ns(&clock_system) - index->age_ns;
    harborai_status st = index_run_with(index, INDEX_EXPIRE, before_ns, error);
    if (st < 0 || sqlite3_changes(index->db) == 0)
        return st;
    st = index_run(index, index_statement(index, INDEX_UNLIST), "write to", error);
    if (st == HARBORAI_OK && sqlite3_changes(index->db) > 0)
        st = index_ids_drop(index, error);
    return st;
}

harborai_status index_commit(struct drain_store *store, const struct journal_position *positions,
                             size_t count, harborai_error *error)
{
    struct index *index = index_of(store);
    harborai_status st = index_rollup_flush(index, error);
    if (st == HARBORAI_OK)
        st = index_ids_list(index, error);
    if (st == HARBORAI_OK)
        st = expire(index, error);
    for (size_t i = 0; st == HARBORAI_OK && i < count; i++)
        st = set_position(index, &positions[i], error);
    if (st == HARBORAI_OK)
        st = index_run(index, index_statement(index, INDEX_COMMIT), "commit to", error);
    if (st == HARBORAI_OK)
        index->in_transaction = false;
    return st;
}

void index_rollback(struct drain_store *store)
{
    struct index *index = index_of(store);
    index_rollup_clear(index);
    index_forget_names(index); /* some may have been born in what is taken back */
    if (index->db == NULL || !index->in_transaction)
        return;
    index->in_transaction = false;
    sqlite3_exec(index->db, "ROLLBACK", NULL, NULL, NULL);
}
