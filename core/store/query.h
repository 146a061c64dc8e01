/* SPDX-License-Identifier: MIT */
/* Which calls are asked for; the same for the journal's files, SQLite and PostgreSQL. [any] */
#ifndef STORE_QUERY_H
#define STORE_QUERY_H

#include "store/call.h"

/* Bits of log_query.outcomes. */
#define QUERY_ANY_OUTCOME ((1u << CALL_OUTCOME_COUNT) - 1)
#define QUERY_FAILED (QUERY_ANY_OUTCOME & ~(1u << CALL_OK)) /* all that did not end well */

/* Texts are borrowed. What is empty, 0 or -1 (as init has it) asks for nothing. */
struct log_query {
    harborai_str id; /* a record key, hb_ id, completion id, trace id or request id */
    harborai_str provider, plugin, model, client; /* '*' stands for any run of bytes */
    harborai_str text;             /* in the error's message or code, or the tags; case does not count */
    unsigned outcomes;             /* bit o: calls with outcome o; 0: all */
    int least_status, most_status; /* of HTTP */
    int64_t since_ns, until_ns;    /* begun from … on, before … */
    int64_t least_tokens, most_tokens;     /* in all; -1 */
    int64_t least_cost_pico, most_cost_pico; /* -1 */
    int64_t least_duration_ns;

    /* The page: the newest first, by the begin; of one moment in an order that each store keeps. */
    int64_t before_ns; /* behind the call that began then … */
    harborai_str before_key; /* … and has this key */
    uint64_t offset;
    uint64_t limit; /* 0: all */
};

void query_init(struct log_query *query);

/* Whether it asks for all calls there are, but for the page. */
bool query_is_open(const struct log_query *query);

/* Whether a call is asked for, but for the page. */
bool query_matches(const struct log_query *query, const struct call *call);

/* --- As SQL -------------------------------------------------------------------------------------- */

/* SQLite: `c` is calls. PostgreSQL: `l` is api_logs, `t` token_usage, `m` cost_info. */
enum query_dialect { QUERY_SQLITE, QUERY_POSTGRES };

enum query_value_kind {
    QUERY_TEXT,
    QUERY_NUMBER,
    QUERY_UUID,   /* texts that SQLite has as bytes: index_pack() */
    QUERY_TRACE,
    QUERY_REQUEST
};

struct query_value {
    enum query_value_kind kind;
    harborai_str text; /* borrowed from the query, or `texts` of the SQL */
    int64_t number;
};

enum { QUERY_VALUES = 32 };

struct query_sql {
    struct buf text; /* " WHERE … ORDER BY … LIMIT …", with places ?1 … or $1 … */
    struct buf texts;
    struct query_value values[QUERY_VALUES];
    size_t count;
};

void query_sql_init(struct query_sql *sql);
void query_sql_release(struct query_sql *sql);

/* Behind a SELECT … FROM …. No value stands in the text. E_MEMORY. */
MUST_CHECK harborai_status query_where(const struct log_query *query, enum query_dialect dialect,
                                       struct query_sql *sql, harborai_error *error);

/* The same without order and page, for count(*) and the like. */
MUST_CHECK harborai_status query_conditions(const struct log_query *query,
                                            enum query_dialect dialect, struct query_sql *sql,
                                            harborai_error *error);

/* --- What an id is ------------------------------------------------------------------------------- */

/* "chatcmpl-hb_1763700000000_00000001" without what stands before "hb_". */
harborai_str query_bare_id(harborai_str id);

/* When the call of a hb_ id began, in ms; false: it is none. */
bool query_id_time(harborai_str id, int64_t *ret_ms);

/* Answers give calls one by one; false: no more are wanted. Borrowed until it returns. */
typedef bool query_call_fn(void *context, const struct call *call);

#endif
