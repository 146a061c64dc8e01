/* SPDX-License-Identifier: MIT */
/* Calls and sums as GET /v1/logs/… answers them. Costs are JSON numbers with all their digits; what is
 * not known is null. [any] */
#ifndef SERVER_LOGS_JSON_H
#define SERVER_LOGS_JSON_H

#include "server/logs_query.h"
#include "store/call_source.h"
#include "wire/json_write.h"

/* The members of a call, without the brackets; what it asked and was answered, as far as that is given. */
void logs_json_call(struct json_writer *w, const struct call *call);

/* "source", and "note" if it is not the one that is configured first. */
void logs_json_source(struct json_writer *w, const struct call_answer *answer);

/* "stats" and "pagination" of a query; `has_more` calls follow those of the page, which are `count`. */
MUST_CHECK harborai_status logs_json_stats(struct json_writer *w, const struct call_answer *answer,
                                           harborai_error *error);
void logs_json_pagination(struct json_writer *w, const struct log_query *query,
                          const struct call_answer *answer, bool has_more);

/* "time_range", "group_by", "metrics", "data" and "total". */
MUST_CHECK harborai_status logs_json_sums(struct json_writer *w, const struct logs_query *query,
                                          const struct stats *sums, harborai_error *error);

#endif
