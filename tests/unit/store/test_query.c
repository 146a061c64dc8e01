/* SPDX-License-Identifier: MIT */
#include "store/query.h"

#include "../unit.h"
#include "base/clock.h"
#include "base/limits.h"
#include "pricing/money.h"
#include "scratch.h"
#include "store/index.h"

extern const CU_TestInfo query_tests[];

#define DAY (INT64_C(86400) * NS_PER_S)
#define START (20500 * DAY) /* 2026-02-16 */
#define KEY "0198f2a0-0000-7000-8000-00000000000"

/* Each different. */
static struct call calls[] = {
    {.key = HARBORAI_STR_INIT(KEY "a"), .id = HARBORAI_STR_INIT("hb_1771200000000_0000000a"),
     .provider = HARBORAI_STR_INIT("openai"), .model = HARBORAI_STR_INIT("gpt-4o"),
     .client = HARBORAI_STR_INIT("cli"), .begin_ns = START, .end_ns = START + NS_PER_S,
     .status = 200, .is_cost_known = true, .cost_pico = MONEY_PICO, .total_tokens = 10,
     .prompt_tokens = 10, .completion_tokens = -1, .currency = HARBORAI_STR_INIT("USD")},
    {.key = HARBORAI_STR_INIT(KEY "b"), .id = HARBORAI_STR_INIT("hb_1771200001000_0000000b"),
     .provider = HARBORAI_STR_INIT("openai"), .model = HARBORAI_STR_INIT("gpt-4o-mini"),
     .client = HARBORAI_STR_INIT("cli"), .begin_ns = START + NS_PER_S,
     .end_ns = START + 3 * NS_PER_S, .status = 429, .outcome = CALL_ERROR,
     .error_code = HARBORAI_STR_INIT("E_RATE_LIMIT"), .total_tokens = -1, .prompt_tokens = -1,
     .completion_tokens = -1, .error_message = HARBORAI_STR_INIT("100%_of the Quota\\used")},
    {.key = HARBORAI_STR_INIT(KEY "c"), .request_id = HARBORAI_STR_INIT("my-own"),
     .trace_id = HARBORAI_STR_INIT("0af7651916cd43dd8448eb211c80319c"),
     .provider = HARBORAI_STR_INIT("deepseek"), .model = HARBORAI_STR_INIT("deepseek-chat"),
     .client = HARBORAI_STR_INIT("127.0.0.1"), .begin_ns = START + DAY,
     .end_ns = START + DAY + 5, .status = 499, .outcome = CALL_CANCELLED, .total_tokens = 500,
     .prompt_tokens = 500, .completion_tokens = -1},
    {.key = HARBORAI_STR_INIT(KEY "d"),
     .request_id = HARBORAI_STR_INIT("0198f2a0-0000-7000-8000-0000000000ff"),
     .trace_id = HARBORAI_STR_INIT("0af7651916cd43dd8448eb211c80319c"),
     .provider = HARBORAI_STR_INIT("deepseek"), .model = HARBORAI_STR_INIT("deepseek-chat"),
     .client = HARBORAI_STR_INIT("127.0.0.1"), .begin_ns = START + DAY, .end_ns = START + DAY + 9,
     .outcome = CALL_INTERRUPTED, .total_tokens = -1, .prompt_tokens = -1, .completion_tokens = -1},
    {.key = HARBORAI_STR_INIT("odd"), .request_id = HARBORAI_STR_INIT(
                                          "req_0af7651916cd43dd8448eb211c80319c"),
     .provider = HARBORAI_STR_INIT("we[i]rd"), .model = HARBORAI_STR_INIT("a?b*c[d]"),
     .client = HARBORAI_STR_INIT("library"), .begin_ns = START + 2 * DAY,
     .end_ns = START + 2 * DAY + 60 * NS_PER_S, .status = 200, .is_cost_known = true,
     .cost_pico = 5, .total_tokens = 0, .prompt_tokens = 0, .completion_tokens = 0,
     .currency = HARBORAI_STR_INIT("CNY"), .tags = HARBORAI_STR_INIT("{\"team\":\"Blue\"}")},
};

static void set_up(struct scratch *s, struct index **ret_index)
{
    scratch_init(s);
    CU_ASSERT_FATAL(index_create(scratch_dir(s), ret_index, NULL) == HARBORAI_OK);
    struct drain_store *store = index_store(*ret_index);
    CU_ASSERT_FATAL(store->functions->open(store, NULL) == HARBORAI_OK);
    CU_ASSERT_FATAL(store->functions->begin(store, NULL) == HARBORAI_OK);
    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        CU_ASSERT(store->functions->put(store, &calls[i], NULL) == HARBORAI_OK);
    CU_ASSERT_FATAL(store->functions->commit(store, NULL, 0, NULL) == HARBORAI_OK);
}

static void tear_down(struct scratch *s, struct index *index)
{
    index_destroy(index);
    scratch_release(s);
}

/* The last letter of each key, with nothing between. */
static bool note(void *context, const struct call *call)
{
    buf_add_char(context, call->key.data[call->key.len - 1]);
    return true;
}

/* What the index answers is what the filter on files says. */
static void test_filters(void)
{
    static const struct row {
        const char *name;
        struct log_query query;
        const char *want; /* the newest first, the greater key first of the same moment; odd is 'd' */
    } rows[] = {
        {"all", {.limit = 0}, "ddcba"},
        {"key", {.id = HARBORAI_STR_INIT(KEY "b")}, "b"},
        {"hb id", {.id = HARBORAI_STR_INIT("hb_1771200000000_0000000a")}, "a"},
        {"completion id", {.id = HARBORAI_STR_INIT("chatcmpl-hb_1771200000000_0000000a")}, "a"},
        {"trace", {.id = HARBORAI_STR_INIT("0af7651916cd43dd8448eb211c80319c")}, "dc"},
        {"request of a client's", {.id = HARBORAI_STR_INIT("my-own")}, "c"},
        {"request that is a UUID", {.id = HARBORAI_STR_INIT("0198f2a0-0000-7000-8000-0000000000ff")},
         "d"},
        {"request of ours", {.id = HARBORAI_STR_INIT("req_0af7651916cd43dd8448eb211c80319c")}, "d"},
        {"no such id", {.id = HARBORAI_STR_INIT("' OR 1=1 --")}, ""},
        {"provider", {.provider = HARBORAI_STR_INIT("openai")}, "ba"},
        {"model by glob", {.model = HARBORAI_STR_INIT("gpt-4o*")}, "ba"},
        {"model, exactly", {.model = HARBORAI_STR_INIT("gpt-4o")}, "a"},
        {"what globs of SQLite's mean more", {.model = HARBORAI_STR_INIT("*?b*c[d]")}, "d"},
        {"… and do not match", {.model = HARBORAI_STR_INIT("a??*")}, ""},
        {"provider by glob", {.provider = HARBORAI_STR_INIT("*[i]*")}, "d"},
        {"client", {.client = HARBORAI_STR_INIT("127.*")}, "dc"},
        {"text, whatever its case", {.text = HARBORAI_STR_INIT("quota")}, "b"},
        {"text with signs of SQL's", {.text = HARBORAI_STR_INIT("0%_OF")}, "b"},
        {"… that stand for themselves", {.text = HARBORAI_STR_INIT("%quota%")}, ""},
        {"text with a backslash", {.text = HARBORAI_STR_INIT("a\\u")}, "b"},
        {"text in tags", {.text = HARBORAI_STR_INIT("blue")}, "d"},
        {"errors", {.outcomes = 1u << CALL_ERROR}, "b"},
        {"all that failed", {.outcomes = 14}, "dcb"},
        {"ok", {.outcomes = 1}, "da"},
        {"ok or error", {.outcomes = 3}, "dba"},
        {"status", {.least_status = 400, .most_status = 499}, "cb"},
        {"since", {.since_ns = START + DAY}, "ddc"},
        {"until", {.until_ns = START + DAY}, "ba"},
        {"tokens", {.least_tokens = 10, .most_tokens = 499}, "a"},
        {"few tokens", {.most_tokens = 0}, "d"},
        {"cost", {.least_cost_pico = 6}, "a"},
        {"little cost", {.most_cost_pico = 5}, "d"},
        {"long", {.least_duration_ns = 2 * NS_PER_S}, "db"},
        {"several", {.provider = HARBORAI_STR_INIT("deepseek"), .outcomes = 8}, "d"},
    };
    struct scratch scratch;
    struct index *index;
    set_up(&scratch, &index);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct log_query query = rows[i].query;
        AUTO(buf) found = BUF_INIT(KIB(1));
        uint64_t count = 99;
        size_t matching = 0;
        query.least_tokens = query.least_tokens > 0 ? query.least_tokens : -1;
        query.most_tokens = query.most_tokens > 0 ? query.most_tokens : -1;
        query.least_cost_pico = query.least_cost_pico > 0 ? query.least_cost_pico : -1;
        query.most_cost_pico = query.most_cost_pico > 0 ? query.most_cost_pico : -1;
        if (strcmp(rows[i].name, "few tokens") == 0)
            query.most_tokens = 0;
        ROW(rows[i].name, index_find(index, &query, note, &found, NULL) == HARBORAI_OK);
        ROW(rows[i].name, slice_is(buf_slice(&found), rows[i].want));
        ROW(rows[i].name, index_count(index, &query, &count, NULL) == HARBORAI_OK);
        for (size_t c = 0; c < ARRAY_LEN(calls); c++)
            matching += query_matches(&query, &calls[c]);
        ROW(rows[i].name, matching == strlen(rows[i].want) && count == matching);
        ROW(rows[i].name, query_is_open(&query) == (i == 0));
    }
    tear_down(&scratch, index);
}

static bool note_place(void *context, const struct call *call)
{
    struct log_query *query = context;
    query->before_ns = call->begin_ns;
    return true;
}

static void test_pages(void)
{
    struct scratch scratch;
    struct index *index;
    struct log_query query;
    AUTO(buf) found = BUF_INIT(KIB(1));
    set_up(&scratch, &index);
    query_init(&query);
    query.limit = 2;
    query.offset = 1;
    CU_ASSERT_EQUAL(index_find(index, &query, note, &found, NULL), HARBORAI_OK);
    CU_ASSERT(slice_is(buf_slice(&found), "dc"));
    query.limit = 0;
    buf_clear(&found);
    CU_ASSERT_EQUAL(index_find(index, &query, note, &found, NULL), HARBORAI_OK);
    CU_ASSERT(slice_is(buf_slice(&found), "dcba"));
    query_init(&query);
    query.before_ns = START + DAY;
    query.before_key = HARBORAI_STR(KEY "d"); /* of the same moment as c */
    buf_clear(&found);
    CU_ASSERT_EQUAL(index_find(index, &query, note, &found, NULL), HARBORAI_OK);
    CU_ASSERT(slice_is(buf_slice(&found), "cba"));
    query.limit = 1;
    CU_ASSERT_EQUAL(index_find(index, &query, note_place, &query, NULL), HARBORAI_OK);
    CU_ASSERT_EQUAL(query.before_ns, START + DAY);
    tear_down(&scratch, index);
}

/* The words of both dialects: each value has its place, and stands nowhere else. */
static void test_dialects(void)
{
    struct log_query query;
    struct query_sql sql;
    query_init(&query);
    query.id = HARBORAI_STR(KEY "a");
    query.model = HARBORAI_STR("it's*");
    query.since_ns = 7;
    query.limit = 5;
    query.before_key = HARBORAI_STR(KEY "b");
    for (enum query_dialect d = QUERY_SQLITE; d <= QUERY_POSTGRES; d++) {
        query_sql_init(&sql);
        CU_ASSERT_EQUAL(query_where(&query, d, &sql, NULL), HARBORAI_OK);
        CU_ASSERT_EQUAL(sql.count, 6);
        buf_add_char(&sql.text, '\0');
        CU_ASSERT(strstr(sql.text.data, "it's") == NULL && strstr(sql.text.data, KEY) == NULL);
        CU_ASSERT(strstr(sql.text.data, d == QUERY_SQLITE ? "?6" : "$6") != NULL);
        CU_ASSERT(strstr(sql.text.data, d == QUERY_SQLITE ? "$" : "?") == NULL);
        CU_ASSERT(slice_is(sql.values[2].text, d == QUERY_SQLITE ? "it's*" : "it's%"));
        query_sql_release(&sql);
    }
}

static void test_stats(void)
{
    static const struct row {
        const char *name;
        struct stats_query query;
        size_t rows;
        const char *first;
        int64_t calls, tokens, all;
    } rows[] = {
        {"model", {.by = STATS_BY_MODEL}, 4, "deepseek-chat", 2, 500, 5},
        {"provider", {.by = STATS_BY_PROVIDER}, 3, "deepseek", 2, 500, 5},
        {"day", {.by = STATS_BY_DAY}, 3, "2026-02-16", 2, 10, 5},
        {"hour", {.by = STATS_BY_HOUR}, 3, "2026-02-16T00", 2, 10, 5},
        {"client", {.by = STATS_BY_CLIENT}, 3, "127.0.0.1", 2, 500, 5},
        {"one provider", {.by = STATS_BY_MODEL, .provider = HARBORAI_STR_INIT("openai")}, 2, "gpt-4o", 1,
         10, 2},
        {"since", {.by = STATS_BY_DAY, .since_ns = START + DAY}, 2, "2026-02-17", 2, 500, 3},
        {"until", {.by = STATS_BY_CLIENT, .until_ns = START + DAY}, 1, "cli", 2, 10, 2},
    };
    struct scratch scratch;
    struct index *index;
    set_up(&scratch, &index);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct stats stats, total;
        ROW(rows[i].name, index_stats(index, &rows[i].query, &stats, NULL) == HARBORAI_OK);
        ROW(rows[i].name, stats.count == rows[i].rows);
        ROW(rows[i].name, strcmp(stats.rows[0].name, rows[i].first) == 0);
        ROW(rows[i].name, stats.rows[0].calls == rows[i].calls);
        ROW(rows[i].name, stats.rows[0].prompt_tokens == rows[i].tokens);
        ROW(rows[i].name, stats_total(&stats, &total, NULL) == HARBORAI_OK);
        ROW(rows[i].name, total.rows[0].calls == rows[i].all);
        stats_release(&stats);
        stats_release(&total);
    }
    tear_down(&scratch, index);
}

static const struct stats_row *find_row(const struct stats *stats, const struct stats_row *like)
{
    for (size_t i = 0; i < stats->count; i++) {
        const struct stats_row *row = &stats->rows[i];
        bool is_same = strcmp(row->name, like->name) == 0;
        for (size_t k = 0; k < ARRAY_LEN(row->also) && like->also[k] != NULL; k++)
            is_same = is_same && row->also[k] != NULL && strcmp(row->also[k], like->also[k]) == 0;
        if (is_same)
            return row;
    }
    return NULL;
}

static bool is_same_row(const struct stats_row *a, const struct stats_row *b)
{
    bool is_same = b != NULL && a->calls == b->calls && a->failed == b->failed &&
                   a->cancelled == b->cancelled && a->interrupted == b->interrupted &&
                   a->priced == b->priced && a->prompt_tokens == b->prompt_tokens &&
                   a->completion_tokens == b->completion_tokens &&
                   a->total_tokens == b->total_tokens && a->currencies == b->currencies;
    for (size_t i = 0; is_same && i < a->currencies; i++)
        is_same = a->money[i].pico == b->money[i].pico &&
                  strcmp(a->money[i].currency, b->money[i].currency) == 0;
    return is_same;
}

/* What the index has summed is what the calls say one by one. */
static void test_several_keys(void)
{
    static const struct row {
        const char *name;
        struct stats_query query;
        const char *first, *then;
        size_t rows;
    } rows[] = {
        {"one", {.by = STATS_BY_MODEL}, "deepseek-chat", NULL, 4},
        {"two", {.by = STATS_BY_PROVIDER, .also = {STATS_BY_MODEL}, .also_count = 1}, "deepseek",
         "deepseek-chat", 4},
        {"three",
         {.by = STATS_BY_DAY, .also = {STATS_BY_PROVIDER, STATS_BY_MODEL}, .also_count = 2},
         "2026-02-16", "openai", 4},
        {"hours of one provider",
         {.by = STATS_BY_HOUR, .also = {STATS_BY_MODEL}, .also_count = 1,
          .provider = HARBORAI_STR_INIT("openai")},
         "2026-02-16T00", "gpt-4o", 2},
        {"touched hours count whole", {.by = STATS_BY_DAY, .since_ns = START + 1, .until_ns = START + 2},
         "2026-02-16", NULL, 1},
    };
    struct scratch scratch;
    struct index *index;
    set_up(&scratch, &index);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *r = &rows[i];
        struct stats stats, mine = {.rows = NULL};
        ROW(r->name, index_stats(index, &r->query, &stats, NULL) == HARBORAI_OK);
        ROW(r->name, stats.count == r->rows);
        ROW(r->name, strcmp(stats.rows[0].name, r->first) == 0);
        ROW(r->name, r->then == NULL ? stats.rows[0].also[0] == NULL
                                     : strcmp(stats.rows[0].also[0], r->then) == 0);
        for (size_t c = 0; c < ARRAY_LEN(calls); c++)
            if (stats_matches(&r->query, &calls[c]))
                ROW(r->name, stats_add_call(&mine, &r->query, &calls[c], NULL) == HARBORAI_OK);
        ROW(r->name, mine.count == stats.count);
        for (size_t k = 0; k < stats.count; k++) {
            const struct stats_row *row = find_row(&mine, &stats.rows[k]);
            ROW(r->name, is_same_row(&stats.rows[k], row));
            ROW(r->name, row != NULL && (row->latency == NULL) == (stats.rows[k].latency == NULL));
        }
        stats_release(&stats);
        stats_release(&mine);
    }
    tear_down(&scratch, index);
}

static bool is_never_over(void *context UNUSED)
{
    return false;
}

static bool is_always_over(void *context UNUSED)
{
    return true;
}

static bool count_call(void *context, const struct call *call UNUSED)
{
    ++*(size_t *)context;
    return true;
}

/* Of those that a filter lets through, whatever page is asked for. */
static void test_totals(void)
{
    struct log_query queries[4];
    struct scratch scratch;
    struct index *index;
    set_up(&scratch, &index);
    for (size_t i = 0; i < ARRAY_LEN(queries); i++)
        query_init(&queries[i]);
    queries[1].outcomes = 1u << CALL_OK;
    queries[1].limit = 1;
    queries[2].model = HARBORAI_STR("gpt*");
    queries[3].since_ns = START + DAY;
    queries[3].offset = 1;
    for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
        struct stats stats = {.rows = NULL}, mine = {.rows = NULL};
        CU_ASSERT(index_totals(index, &queries[i], &stats, NULL) == HARBORAI_OK);
        for (size_t c = 0; c < ARRAY_LEN(calls); c++) {
            const struct stats_names names = {.names = {calls[c].model}, .count = 1};
            struct stats_cell cell;
            stats_cell_of(&calls[c], &cell);
            if (query_matches(&queries[i], &calls[c]))
                CU_ASSERT(stats_add(&mine, &names, &cell, NULL) == HARBORAI_OK);
        }
        CU_ASSERT(mine.count > 0 && mine.count == stats.count);
        for (size_t k = 0; k < stats.count; k++) {
            const struct stats_row *row = find_row(&mine, &stats.rows[k]);
            CU_ASSERT(is_same_row(&stats.rows[k], row));
            CU_ASSERT(row != NULL && row->timed == stats.rows[k].timed &&
                      row->duration_us == stats.rows[k].duration_us);
        }
        stats_release(&stats);
        stats_release(&mine);
    }
    tear_down(&scratch, index);
}

/* A sum of money that no int64_t has room for. */
static void test_great_sums(void)
{
    struct call costly = calls[0];
    struct stats stats = {.rows = NULL};
    struct log_query query;
    struct scratch scratch;
    struct index *index;
    char key[40];
    costly.cost_pico = INT64_MAX - 7;
    query_init(&query);
    set_up(&scratch, &index);
    struct drain_store *store = index_store(index);
    CU_ASSERT(store->functions->begin(store, NULL) == HARBORAI_OK);
    for (unsigned i = 0; i < 3; i++) {
        snprintf(key, sizeof key, "0198f2a0-0000-7000-8000-00000000010%u", i);
        costly.key = slice_of(key);
        costly.begin_ns = START + (i + 40) * DAY; /* each hour's sum has room */
        costly.end_ns = costly.begin_ns;
        CU_ASSERT(store->functions->put(store, &costly, NULL) == HARBORAI_OK);
    }
    CU_ASSERT(store->functions->commit(store, NULL, 0, NULL) == HARBORAI_OK);
    query.since_ns = START + 40 * DAY;
    CU_ASSERT(index_totals(index, &query, &stats, NULL) == HARBORAI_OK);
    CU_ASSERT_FATAL(stats.count == 1 && stats.rows[0].currencies == 1);
    CU_ASSERT(stats.rows[0].money[0].pico == (__extension__(__int128)3) * (INT64_MAX - 7));
    stats_release(&stats);
    tear_down(&scratch, index);
}

static void test_limit(void)
{
    struct scratch scratch;
    struct index *index;
    struct log_query query;
    size_t count = 0;
    query_init(&query);
    set_up(&scratch, &index);
    struct drain_store *store = index_store(index);
    CU_ASSERT(store->functions->begin(store, NULL) == HARBORAI_OK);
    for (unsigned i = 0; i < 2000; i++) { /* more than SQLite does between two looks */
        struct call more = calls[0];
        char key[40];
        snprintf(key, sizeof key, "0198f2a0-0000-7000-8000-0000000%05u", i);
        more.key = slice_of(key);
        CU_ASSERT(store->functions->put(store, &more, NULL) == HARBORAI_OK);
    }
    CU_ASSERT(store->functions->commit(store, NULL, 0, NULL) == HARBORAI_OK);
    index_set_limit(index, is_never_over, NULL);
    CU_ASSERT(index_find(index, &query, count_call, &count, NULL) == HARBORAI_OK);
    CU_ASSERT(count == ARRAY_LEN(calls) + 2000);
    index_set_limit(index, is_always_over, NULL);
    CU_ASSERT(index_find(index, &query, count_call, &count, NULL) == HARBORAI_E_TIMEOUT);
    tear_down(&scratch, index);
}

const CU_TestInfo query_tests[] = {
    {"filters, in the index and on calls", test_filters},
    {"pages", test_pages},
    {"both dialects", test_dialects},
    {"sums", test_stats},
    {"sums by several keys", test_several_keys},
    {"sums of what a filter lets through", test_totals},
    {"sums that are greater than a call's cost may be", test_great_sums},
    {"a limit of time", test_limit},
    CU_TEST_INFO_NULL,
};
