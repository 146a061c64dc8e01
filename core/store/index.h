/* SPDX-License-Identifier: MIT */
/* The index: an SQLite database of the ended calls, with sums by the hour, so that questions need not
 * read the journal. It is made from the journal alone and may be thrown away at any time.
 *
 *     <state_dir>/index.sqlite3
 *
 * One that is corrupt, or of a newer HarborAI, is set aside (index.sqlite3.corrupt, .newer) and built
 * anew; nothing is lost by that. A struct index belongs to one thread at a time. All are [job]. */
#ifndef STORE_INDEX_H
#define STORE_INDEX_H

#include "store/drain.h"
#include "store/query.h"
#include "store/stats.h"

struct index;

/* Copies `state_dir`; opens nothing yet. Returns owned. */
MUST_CHECK harborai_status index_create(harborai_str state_dir, struct index **ret_index,
                                        harborai_error *error);
void index_destroy(struct index *index); /* accepts NULL */

/* What a drain needs of it. Borrowed. Opening makes the file, or brings its schema up to date.
 * E_OVERLOADED: another process has it locked. E_CONFIG: it cannot be written. */
struct drain_store *index_store(struct index *index);

/* Calls that began longer ago than `age_ns` leave it bit by bit, when others come; their sums stay.
 * 0, as at first: none does. */
void index_keep(struct index *index, int64_t age_ns);

/* Opens it for questions only. E_NOT_FOUND: there is none, or none that this version can read: it is
 * to be built by a drain first. */
MUST_CHECK harborai_status index_open_to_read(struct index *index, harborai_error *error);

/* The calls that are asked for, the newest first. */
MUST_CHECK harborai_status index_find(struct index *index, const struct log_query *query,
                                      query_call_fn *on_call, void *context,
                                      harborai_error *error);

/* How many there are on all pages. */
MUST_CHECK harborai_status index_count(struct index *index, const struct log_query *query,
                                       uint64_t *ret_count, harborai_error *error);

/* What those on all pages took, by model. Added to `stats`. */
MUST_CHECK harborai_status index_totals(struct index *index, const struct log_query *query,
                                        struct stats *stats, harborai_error *error);

/* Questions are given up with E_TIMEOUT once `is_over` says so, which is asked every few
 * milliseconds. After index_open_to_read(). */
void index_set_limit(struct index *index, bool (*is_over)(void *context), void *context);

/* Sums, sorted; to be released. */
MUST_CHECK harborai_status index_stats(struct index *index, const struct stats_query *query,
                                       struct stats *ret_stats, harborai_error *error);

/* Forgets every call in it, in one transaction, positions included: whoever drains begins anew. It
 * must be open. */
MUST_CHECK harborai_status index_forget_all(struct index *index, harborai_error *error);

#endif
