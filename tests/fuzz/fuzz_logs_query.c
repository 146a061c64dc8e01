/* SPDX-License-Identifier: MIT */
/* Whatever stands behind the '?': it is refused by the name of a parameter, or what came of it can be
 * asked. The first byte says of which path it is. */
#include <string.h>

#include "fuzz.h"
#include "server/logs_query.h"

static void check_texts(const struct logs_query *q)
{
    const harborai_str texts[] = {q->calls.id,     q->calls.provider, q->calls.plugin, q->calls.model,
                                  q->calls.client, q->calls.text,     q->sums.model,   q->sums.provider};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        MUST(texts[i].len == 0 || memchr(texts[i].data, '\0', texts[i].len) == NULL);
}

/* No value gets into the statement itself. */
static void check_sql(const struct logs_query *q, enum query_dialect dialect)
{
    struct query_sql sql;
    query_sql_init(&sql);
    if (query_where(&q->calls, dialect, &sql, NULL) == HARBORAI_OK) {
        MUST(sql.count <= QUERY_VALUES);
        for (size_t i = 0; i < sql.text.len; i++)
            MUST(sql.text.data[i] >= ' ' && sql.text.data[i] < 0x7f && sql.text.data[i] != ';');
    }
    query_sql_release(&sql);
}

static void read_one(enum logs_kind kind, harborai_str text)
{
    struct logs_query q;
    harborai_error error = HARBORAI_ERROR_INIT;
    logs_query_init(&q);
    harborai_status st = logs_query_read(&q, kind, text, &error);
    if (st < 0) {
        MUST(st == HARBORAI_E_INVALID && error.message[0] != '\0');
        logs_query_release(&q);
        return;
    }
    MUST(q.calls.limit >= 1 && q.calls.limit <= LOGS_PAGE_MOST);
    MUST(q.calls.until_ns == 0 || q.calls.since_ns < q.calls.until_ns);
    MUST(q.calls.since_ns >= 0 && q.calls.least_duration_ns >= 0);
    MUST(q.sums.also_count < STATS_KEYS && q.metrics != 0);
    check_texts(&q);
    check_sql(&q, QUERY_SQLITE);
    check_sql(&q, QUERY_POSTGRES);
    logs_query_release(&q);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0)
        read_one((data[0] & 1) != 0 ? LOGS_QUERY : LOGS_STATS,
                 (harborai_str){(const char *)data + 1, size - 1});
    return 0;
}
