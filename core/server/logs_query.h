/* SPDX-License-Identifier: MIT */
/* What stands behind the '?' of GET /v1/logs/query and /v1/logs/stats. [any] */
#ifndef SERVER_LOGS_QUERY_H
#define SERVER_LOGS_QUERY_H

#include "server/logs_desk.h"
#include "store/query.h"
#include "store/stats.h"

enum logs_metric { /* bits */
    LOGS_COST = 1,
    LOGS_TOKENS = 2,
    LOGS_RESPONSE_TIME = 4,
    LOGS_SUCCESS_RATE = 8,
    LOGS_ALL_METRICS = 15
};

enum logs_page { LOGS_PAGE_USUAL = 100, LOGS_PAGE_MOST = 1000 };

struct logs_query {
    struct log_query calls; /* of LOGS_QUERY; texts lie in `texts` */
    bool with_totals;
    struct stats_query sums; /* of LOGS_STATS; likewise */
    unsigned metrics;
    struct buf texts;
};

void logs_query_init(struct logs_query *query);
void logs_query_release(struct logs_query *query);

/* E_INVALID: the error's `param` is the parameter that is wrong. E_MEMORY. */
MUST_CHECK harborai_status logs_query_read(struct logs_query *query, enum logs_kind kind,
                                           harborai_str text, harborai_error *error);

/* "cost", "tokens", "response_time", "success_rate"; of a group "model", "provider", "date", "hour". */
const char *logs_metric_name(enum logs_metric metric);
const char *logs_group_name(enum stats_by by);

#endif
