/* SPDX-License-Identifier: MIT */
/* Questions to PostgreSQL about calls: the same that index.h answers. Tables are current. [job] */
#ifndef STORE_POSTGRES_QUERY_H
#define STORE_POSTGRES_QUERY_H

#include "store/postgres.h"
#include "store/query.h"
#include "store/stats.h"

/* The calls that are asked for, the newest first; of many a few hundred are in memory. Their segments are
 * not known. */
MUST_CHECK harborai_status postgres_find(struct postgres *pg, const struct log_query *query,
                                         query_call_fn *on_call, void *context,
                                         harborai_error *error);

/* How many there are on all pages. */
MUST_CHECK harborai_status postgres_count(struct postgres *pg, const struct log_query *query,
                                          uint64_t *ret_count, harborai_error *error);

/* What those on all pages took, by model. Added to `stats`. */
MUST_CHECK harborai_status postgres_totals(struct postgres *pg, const struct log_query *query,
                                           struct stats *stats, harborai_error *error);

/* Sums, sorted; to be released. E_UNSUPPORTED: by plugin, of which PostgreSQL has no sums. */
MUST_CHECK harborai_status postgres_stats(struct postgres *pg, const struct stats_query *query,
                                          struct stats *ret_stats, harborai_error *error);

#endif
