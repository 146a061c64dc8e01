/* SPDX-License-Identifier: MIT */
#include "store/index.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../unit.h"
#include "base/limits.h"
#include "scratch.h"
#include "store/histogram.h"
#include "store/index_parts.h"
#include "store/journal_follow.h"

extern const CU_TestInfo index_tests[];

#define KEY(n) "0198f2a0-0000-7000-8000-00000000000" n
#define HOUR INT64_C(3600000000000)

static struct call made(const char *key)
{
    struct call call = {.key = slice_of(key), .id = HARBORAI_STR("hb_1763700000000_00000001"),
                        .request_id = HARBORAI_STR("req_0af7651916cd43dd8448eb211c80319c"),
                        .trace_id = HARBORAI_STR("0af7651916cd43dd8448eb211c80319c"),
                        .span_id = HARBORAI_STR("b7ad6b7169203331"),
                        .client = HARBORAI_STR("127.0.0.1"), .provider = HARBORAI_STR("deepseek"),
                        .plugin = HARBORAI_STR("org.harborai.deepseek"),
                        .model = HARBORAI_STR("deepseek-chat"), .attempts = 1,
                        .begin_ns = 490000 * HOUR + 5, .end_ns = 490000 * HOUR + 1000000005,
                        .ttft_ns = 250, .status = 200, .known_mask = 17, .tokens = {[0] = 10, [4] = 5},
                        .prompt_tokens = 10, .completion_tokens = 5, .total_tokens = 15,
                        .parsing_method = HARBORAI_STR("deepseek_direct"), .confidence = 10,
                        .is_cost_known = true, .cost_pico = 1500, .cost_input_pico = 1000,
                        .cost_output_pico = 500, .currency = HARBORAI_STR("CNY"),
                        .bytes_in = 1, .bytes_out = 2, .vendor_bytes_in = 3, .vendor_bytes_out = 4,
                        .segment = HARBORAI_STR("20261121T110305Z-4711-0"), .offset = 77};
    return call;
}

struct fixture {
    struct scratch scratch;
    struct index *index;
    struct drain_store *store;
};

static void set_up(struct fixture *f)
{
    scratch_init(&f->scratch);
    CU_ASSERT_FATAL(index_create(scratch_dir(&f->scratch), &f->index, NULL) == HARBORAI_OK);
    f->store = index_store(f->index);
}

static void tear_down(struct fixture *f)
{
    index_destroy(f->index);
    scratch_release(&f->scratch);
}

static void open_store(struct fixture *f)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_status st = f->store->functions->open(f->store, &error);
    if (st < 0)
        fprintf(stderr, "\n  %s\n", error.message);
    CU_ASSERT_EQUAL_FATAL(st, HARBORAI_OK);
}

static void begin(struct fixture *f)
{
    CU_ASSERT_EQUAL(f->store->functions->begin(f->store, NULL), HARBORAI_OK);
}

static void put(struct fixture *f, const struct call *call)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_status st = f->store->functions->put(f->store, call, &error);
    if (st < 0)
        fprintf(stderr, "\n  %s\n", error.message);
    CU_ASSERT_EQUAL(st, HARBORAI_OK);
}

static void commit(struct fixture *f, uint64_t offset)
{
    struct journal_position position = {"20261121T110305Z-4711-0", offset, offset / 10};
    CU_ASSERT_EQUAL(f->store->functions->commit(f->store, &position, 1, NULL), HARBORAI_OK);
}

static void put_all(struct fixture *f, const struct call *calls, size_t count)
{
    begin(f);
    for (size_t i = 0; i < count; i++)
        put(f, &calls[i]);
    commit(f, 10);
}

/* One number, by another connection. */
static int64_t ask(const struct fixture *f, const char *sql)
{
    char path[256];
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    int64_t number = -1;
    snprintf(path, sizeof path, "%s/index.sqlite3", f->scratch.dir);
    CU_ASSERT_EQUAL(sqlite3_open(path, &db), SQLITE_OK);
    CU_ASSERT_EQUAL(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    if (statement != NULL && sqlite3_step(statement) == SQLITE_ROW)
        number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return number;
}

/* The sums say what the rows say. */
static void check_sums(const struct fixture *f, const char *name)
{
    static const char *const pairs[][3] = {
        {"SELECT count(*) FROM calls", "SELECT sum(calls) FROM hours", "SELECT sum(calls) FROM days"},
        {"SELECT sum(prompt_tokens) FROM calls", "SELECT sum(prompt_tokens) FROM hours",
         "SELECT sum(prompt_tokens) FROM days"},
        {"SELECT sum(cost_pico) FROM calls", "SELECT sum(cost_pico) FROM hours",
         "SELECT sum(cost_pico) FROM days"},
        {"SELECT count(cost_pico) FROM calls", "SELECT sum(priced) FROM hours",
         "SELECT sum(priced) FROM days"},
    };
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        int64_t rows = ask(f, pairs[i][0]);
        ROW(name, rows == ask(f, pairs[i][1]));
        ROW(name, rows == ask(f, pairs[i][2]));
    }
    ROW(name, ask(f, "SELECT count(*) FROM calls WHERE outcome <> 0") ==
                  ask(f, "SELECT sum(failed) FROM days"));
}

static void test_put(void)
{
    struct fixture f;
    set_up(&f);
    open_store(&f);
    struct call calls[] = {made(KEY("1")), made(KEY("2")), made("no uuid"), made(KEY("1"))};
    calls[1].outcome = CALL_ERROR;
    calls[1].is_cost_known = false;
    calls[2].begin_ns += HOUR;
    put_all(&f, calls, ARRAY_LEN(calls));
    CU_ASSERT_EQUAL(ask(&f, "SELECT count(*) FROM calls"), 3); /* the first came twice */
    CU_ASSERT_EQUAL(ask(&f, "SELECT count(*) FROM hours"), 3);
    CU_ASSERT_EQUAL(ask(&f, "SELECT count(*) FROM routes"), 1);
    check_sums(&f, "first");
    put_all(&f, calls, ARRAY_LEN(calls)); /* as if positions had been lost */
    CU_ASSERT_EQUAL(ask(&f, "SELECT count(*) FROM calls"), 3);
    check_sums(&f, "again");
    struct stat now;
    char path[256];
    snprintf(path, sizeof path, "%s/index.sqlite3", f.scratch.dir);
    CU_ASSERT(stat(path, &now) == 0 && (now.st_mode & 0777) == 0600);
    tear_down(&f);
}

/* What is read is what was put, texts with all characters too. */
static void test_there_and_back(void)
{
    struct fixture f;
    AUTO(buf) wrote = BUF_INIT(KIB(64));
    AUTO(buf) again = BUF_INIT(KIB(64));
    AUTO(buf) texts = BUF_INIT(KIB(64));
    AUTO(buf) sql = BUF_INIT(KIB(64));
    set_up(&f);
    open_store(&f);
    struct call calls[] = {made(KEY("1")), made("k")};
    calls[0].is_stream = true;
    calls[0].error_message = HARBORAI_STR("\xe6\xa8\xa1'\"\n");
    calls[0].tags = HARBORAI_STR("{\"a\":1}");
    calls[1].request_id = HARBORAI_STR("req_0AF7651916cd43dd8448eb211c80319c");
    calls[1].trace_id = HARBORAI_STR("0af7651916cd43dd8448eb211c80319X");
    calls[1].outcome = CALL_CANCELLED;
    calls[1].known_mask = 0;
    calls[1].prompt_tokens = calls[1].completion_tokens = calls[1].total_tokens = -1;
    calls[1].is_cost_known = false;
    calls[1].cost_pico = 0;
    calls[1].ttft_ns = calls[1].cost_input_pico = calls[1].cost_output_pico = -1;
    calls[1].currency = SLICE_NONE;
    put_all(&f, calls, 2);
    index_row_select(&sql);
    buf_add(&sql, HARBORAI_STR(" ORDER BY c.id"));
    buf_add_char(&sql, '\0');
    sqlite3_stmt *statement = NULL;
    CU_ASSERT_EQUAL_FATAL(sqlite3_prepare_v2(f.index->db, sql.data, -1, &statement, NULL), SQLITE_OK);
    for (size_t i = 0; i < 2; i++) {
        struct call call;
        struct index_refs refs;
        CU_ASSERT_EQUAL_FATAL(sqlite3_step(statement), SQLITE_ROW);
        index_row_read(statement, &texts, &call, &refs);
        buf_clear(&wrote);
        buf_clear(&again);
        call_write(&wrote, &calls[i]);
        call_write(&again, &call);
        CU_ASSERT(slice_equal(buf_slice(&wrote), buf_slice(&again)));
        CU_ASSERT(slice_equal(call.segment, calls[i].segment));
        CU_ASSERT_EQUAL(call.offset, 77);
        CU_ASSERT_EQUAL(call.total_tokens, calls[i].total_tokens);
    }
    sqlite3_finalize(statement);
    tear_down(&f);
}

static void test_amend(void)
{
    struct fixture f;
    set_up(&f);
    open_store(&f);
    struct call call = made(KEY("1")), amend = made(KEY("1")), lone = made(KEY("2"));
    put_all(&f, &call, 1);
    amend.amend_ns = lone.amend_ns = 9;
    amend.prompt_tokens = 100;
    amend.cost_pico = 7;
    amend.currency = HARBORAI_STR("USD");
    for (int i = 0; i < 2; i++) { /* the second time it says nothing new */
        begin(&f);
        CU_ASSERT_EQUAL(f.store->functions->amend(f.store, &amend, NULL), HARBORAI_OK);
        CU_ASSERT_EQUAL(f.store->functions->amend(f.store, &lone, NULL), HARBORAI_OK);
        commit(&f, 20);
        CU_ASSERT_EQUAL(ask(&f, "SELECT count(*) FROM calls"), 1);
        CU_ASSERT_EQUAL(ask(&f, "SELECT prompt_tokens FROM calls"), 100);
        CU_ASSERT_EQUAL(ask(&f, "SELECT cost_pico FROM days WHERE currency = 'USD'"), 7);
        CU_ASSERT_EQUAL(ask(&f, "SELECT cost_pico FROM days WHERE currency = 'CNY'"), 0);
        check_sums(&f, "amended");
    }
    put_all(&f, &call, 1); /* the end line again: what was amended stays */
    CU_ASSERT_EQUAL(ask(&f, "SELECT prompt_tokens FROM calls"), 100);
    tear_down(&f);
}

static void test_interrupted(void)
{
    struct fixture f;
    set_up(&f);
    open_store(&f);
    struct call call = made(KEY("1")), real = made(KEY("1"));
    call.outcome = CALL_INTERRUPTED;
    call.prompt_tokens = call.completion_tokens = call.total_tokens = -1;
    call.is_cost_known = false;
    put_all(&f, &call, 1);
    check_sums(&f, "interrupted");
    put_all(&f, &real, 1);
    CU_ASSERT_EQUAL(ask(&f, "SELECT outcome FROM calls"), CALL_OK);
    check_sums(&f, "ended");
    put_all(&f, &call, 1); /* what is known better does not go */
    CU_ASSERT_EQUAL(ask(&f, "SELECT outcome FROM calls"), CALL_OK);
    CU_ASSERT_EQUAL(ask(&f, "SELECT count(*) FROM calls"), 1);
    tear_down(&f);
}

static void test_transactions(void)
{
    struct fixture f;
    struct journal_position position;
    set_up(&f);
    open_store(&f);
    struct call calls[] = {made(KEY("1")), made(KEY("2"))};
    calls[1].model = HARBORAI_STR("another");
    begin(&f);
    put(&f, &calls[0]);
    put(&f, &calls[1]);
    f.store->functions->rollback(f.store);
    CU_ASSERT_EQUAL(ask(&f, "SELECT count(*) FROM calls"), 0);
    CU_ASSERT_EQUAL(ask(&f, "SELECT count(*) FROM routes"), 0);
    put_all(&f, calls, 2); /* with ids that it makes anew */
    CU_ASSERT_EQUAL(ask(&f, "SELECT count(*) FROM calls c JOIN routes r ON r.id = c.route"), 2);
    CU_ASSERT_EQUAL(f.store->functions->position(f.store, HARBORAI_STR("20261121T110305Z-4711-0"),
                                                 &position, NULL), HARBORAI_OK);
    CU_ASSERT_EQUAL(position.offset, 10);
    CU_ASSERT_EQUAL(position.seq, 1);
    CU_ASSERT_EQUAL(f.store->functions->position(f.store, HARBORAI_STR("x"), &position, NULL),
                    HARBORAI_OK);
    CU_ASSERT_EQUAL(position.offset, 0);
    f.store->functions->close(f.store);
    open_store(&f);
    CU_ASSERT_EQUAL(index_forget_all(f.index, NULL), HARBORAI_OK);
    CU_ASSERT_EQUAL(ask(&f, "SELECT count(*) FROM segments"), 0);
    put_all(&f, calls, 2);
    CU_ASSERT_EQUAL(ask(&f, "SELECT count(*) FROM calls c JOIN routes r ON r.id = c.route"), 2);
    check_sums(&f, "anew");
    tear_down(&f);
}

/* What stands in the file's place, and what becomes of it. */
static void test_other_files(void)
{
    static const struct row {
        const char *name, *sql, *bytes, *aside;
    } rows[] = {
        {"empty", NULL, "", NULL},
        {"no database", NULL, "this is no database, but something that is long enough", "corrupt"},
        {"a newer one", "PRAGMA application_id = 1214400888; PRAGMA user_version = 99;", NULL, "newer"},
        {"somebody else's", "PRAGMA user_version = 1; CREATE TABLE t(x);", NULL, "corrupt"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;
        char path[256], aside[300];
        set_up(&f);
        snprintf(path, sizeof path, "%s/index.sqlite3", f.scratch.dir);
        if (rows[i].bytes != NULL) {
            int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
            ROW(rows[i].name, write(fd, rows[i].bytes, strlen(rows[i].bytes)) >= 0);
            close(fd);
        } else {
            sqlite3 *db = NULL;
            ROW(rows[i].name, sqlite3_open(path, &db) == SQLITE_OK);
            ROW(rows[i].name, sqlite3_exec(db, rows[i].sql, NULL, NULL, NULL) == SQLITE_OK);
            sqlite3_close(db);
        }
        ROW(rows[i].name, index_open_to_read(f.index, NULL) == HARBORAI_E_NOT_FOUND);
        ROW(rows[i].name, f.store->functions->open(f.store, NULL) == HARBORAI_OK);
        struct call call = made(KEY("1"));
        put_all(&f, &call, 1);
        snprintf(aside, sizeof aside, "%s.%s", path, rows[i].aside != NULL ? rows[i].aside : "");
        ROW(rows[i].name, (rows[i].aside != NULL) == (access(aside, F_OK) == 0));
        ROW(rows[i].name, (rows[i].aside != NULL) == (f.store->note[0] != '\0'));
        tear_down(&f);
    }
}

/* Pages that are overwritten: found out when they are read, then built anew. */
static void test_broken_pages(void)
{
    struct fixture f;
    char path[256];
    set_up(&f);
    open_store(&f);
    struct call call = made(KEY("1"));
    put_all(&f, &call, 1);
    f.store->functions->close(f.store);
    snprintf(path, sizeof path, "%s/index.sqlite3", f.scratch.dir);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    char junk[4096];
    memset(junk, 0x5a, sizeof junk);
    for (int page = 1; page < 20; page++)
        CU_ASSERT_EQUAL(pwrite(fd, junk, sizeof junk, page * 4096), (ssize_t)sizeof junk);
    close(fd);
    harborai_status st = f.store->functions->open(f.store, NULL);
    if (st == HARBORAI_OK) {
        st = f.store->functions->begin(f.store, NULL);
        if (st == HARBORAI_OK)
            st = f.store->functions->put(f.store, &call, NULL);
        CU_ASSERT(st < 0);
        f.store->functions->rollback(f.store);
        f.store->functions->close(f.store);
        open_store(&f);
    }
    CU_ASSERT(f.store->note[0] != '\0');
    put_all(&f, &call, 1);
    CU_ASSERT_EQUAL(ask(&f, "SELECT count(*) FROM calls"), 1);
    tear_down(&f);
}

static void test_pack(void)
{
    static const struct row {
        const char *name, *text;
        enum index_pack kind;
        size_t len; /* 0: not packed */
    } rows[] = {
        {"UUID", KEY("f"), INDEX_PACK_UUID, 16},
        {"capitals", "0198F2A0-0000-7000-8000-000000000001", INDEX_PACK_UUID, 0},
        {"hyphens elsewhere", "0198f2a00-000-7000-8000-000000000001", INDEX_PACK_UUID, 0},
        {"too short", "0198f2a0-0000-7000-8000-00000000000", INDEX_PACK_UUID, 0},
        {"trace", "0af7651916cd43dd8448eb211c80319c", INDEX_PACK_TRACE, 16},
        {"span", "b7ad6b7169203331", INDEX_PACK_SPAN, 8},
        {"request", "req_0af7651916cd43dd8448eb211c80319c", INDEX_PACK_REQUEST, 16},
        {"another's request", "abc_0af7651916cd43dd8448eb211c80319c", INDEX_PACK_REQUEST, 0},
        {"none", "", INDEX_PACK_TRACE, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        unsigned char bytes[16];
        size_t len = 0;
        AUTO(buf) out = BUF_INIT(64);
        harborai_str tight = unit_tight(slice_of(rows[i].text));
        bool is_packed = index_pack(rows[i].kind, tight, bytes, &len);
        ROW(rows[i].name, is_packed == (rows[i].len > 0) && len == rows[i].len);
        if (is_packed) {
            index_unpack(rows[i].kind, bytes, len, &out);
            ROW(rows[i].name, slice_is(buf_slice(&out), rows[i].text));
        }
        unit_drop(tight);
    }
}

static void test_histogram(void)
{
    static struct histogram h, again;
    AUTO(buf) bytes = BUF_INIT(KIB(64));
    memset(&h, 0, sizeof h);
    memset(&again, 0, sizeof again);
    CU_ASSERT_EQUAL(histogram_percentile(&h, 0.5), 0);
    for (int64_t ms = 1; ms <= 1000; ms++)
        histogram_add(&h, ms * 1000000, 1);
    static const struct row {
        double part;
        int64_t ms;
    } rows[] = {{0.0, 1}, {0.5, 500}, {0.95, 950}, {0.99, 990}, {1.0, 1000}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t ns = histogram_percentile(&h, rows[i].part), want = rows[i].ms * 1000000;
        CU_ASSERT(ns > want - want / 25 && ns < want + want / 25);
    }
    histogram_write(&h, &bytes);
    CU_ASSERT(histogram_merge(&again, buf_slice(&bytes)));
    CU_ASSERT(memcmp(&h, &again, sizeof h) == 0);
    for (int64_t ms = 1; ms <= 1000; ms++)
        histogram_add(&h, ms * 1000000, -1);
    histogram_add(&h, 5, -1); /* of which there is none */
    CU_ASSERT_EQUAL(h.total, 0);
    histogram_add(&h, INT64_MAX, 1);
    histogram_add(&h, -1, 1);
    CU_ASSERT_EQUAL(h.total, 2);
    CU_ASSERT(!histogram_merge(&again, HARBORAI_STR("\xff\xff\x01\x00\x00\x00")));
    CU_ASSERT(!histogram_merge(&again, HARBORAI_STR("abc")));
}

/* Another process writes: E_OVERLOADED after a while would take 5 s; a shorter wait does the same. */
static void test_locked(void)
{
    struct fixture f;
    char path[256];
    sqlite3 *other = NULL;
    harborai_error error = HARBORAI_ERROR_INIT;
    set_up(&f);
    open_store(&f);
    sqlite3_busy_timeout(f.index->db, 1);
    snprintf(path, sizeof path, "%s/index.sqlite3", f.scratch.dir);
    CU_ASSERT_EQUAL(sqlite3_open(path, &other), SQLITE_OK);
    CU_ASSERT_EQUAL(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    CU_ASSERT_EQUAL(f.store->functions->begin(f.store, &error), HARBORAI_E_OVERLOADED);
    CU_ASSERT(strstr(error.message, "locked") != NULL);
    f.store->functions->rollback(f.store);
    CU_ASSERT_EQUAL(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    struct call call = made(KEY("1"));
    put_all(&f, &call, 1);
    CU_ASSERT_EQUAL(ask(&f, "SELECT count(*) FROM calls"), 1);
    tear_down(&f);
}

static bool count_one(void *context, const struct call *call)
{
    (void)call;
    ++*(int *)context;
    return true;
}

/* Ids that stand in the list, and those of calls that came after it was filled. */
static void test_listed_ids(void)
{
    enum { BLOCK = 8192, LISTED = 3 * BLOCK, ALL = LISTED + 10 };
    struct fixture f;
    set_up(&f);
    open_store(&f);
    begin(&f);
    for (int i = 1; i <= ALL; i++) {
        char key[37], trace[33];
        struct call call = made("");
        snprintf(key, sizeof key, "0198f2a0-0000-7000-8000-%012x", (unsigned)i);
        snprintf(trace, sizeof trace, "%032x", (unsigned)i * 2654435761u);
        call.key = slice_of(key);
        call.trace_id = slice_of(trace);
        put(&f, &call);
        if (i == LISTED) {
            commit(&f, 10);
            begin(&f);
        }
    }
    commit(&f, 20);
    CU_ASSERT_EQUAL(ask(&f, "SELECT listed FROM state"), LISTED);
    CU_ASSERT_EQUAL(ask(&f, "SELECT count(*) FROM id_blocks"), 3);
    CU_ASSERT_EQUAL(ask(&f, "SELECT sum(length(entries)) / 6 FROM ids"), 2 * LISTED);
    static const int asked[] = {1, BLOCK, BLOCK + 1, LISTED, LISTED + 1, ALL};
    for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
        char trace[33];
        int found = 0;
        struct log_query query;
        query_init(&query);
        snprintf(trace, sizeof trace, "%032x", (unsigned)asked[i] * 2654435761u);
        query.id = slice_of(trace);
        CU_ASSERT_EQUAL(index_find(f.index, &query, count_one, &found, NULL), HARBORAI_OK);
        CU_ASSERT_EQUAL(found, 1);
    }
    tear_down(&f);
}

static void put_many(struct fixture *f, unsigned from, unsigned count, int64_t begin_ns)
{
    begin(f);
    for (unsigned i = from; i < from + count; i++) {
        char key[37];
        snprintf(key, sizeof key, "0198f2a0-0000-7000-8000-%012x", i);
        struct call call = made(key);
        call.begin_ns = begin_ns;
        put(f, &call);
    }
    commit(f, 10);
}

static void keep_from(struct fixture *f, int64_t begin_ns)
{
    index_keep(f->index, clock_wall_ns(&clock_system) - begin_ns);
    for (int i = 0; i < 5; i++) /* it goes bit by bit */
        put_all(f, NULL, 0);
}

/* Their sums stay; lists of their ids go when the next one is made, or when all are gone. */
static void test_expiry(void)
{
    enum { BLOCK = 8192 };
    struct fixture f;
    set_up(&f);
    open_store(&f);
    put_many(&f, 0, BLOCK, 490000 * HOUR);
    put_many(&f, BLOCK, 1, 490010 * HOUR);
    CU_ASSERT_EQUAL(ask(&f, "SELECT sum(length(entries)) / 6 FROM ids"), 2 * BLOCK);
    keep_from(&f, 490005 * HOUR);
    CU_ASSERT_EQUAL(ask(&f, "SELECT count(*) FROM calls"), 1);
    CU_ASSERT_EQUAL(ask(&f, "SELECT min(begin_ns) FROM calls"), 490010 * HOUR);
    CU_ASSERT_EQUAL(ask(&f, "SELECT sum(calls) FROM hours"), BLOCK + 1);
    CU_ASSERT_EQUAL(ask(&f, "SELECT listed FROM state"), BLOCK);
    put_many(&f, BLOCK + 1, BLOCK, 490010 * HOUR);
    CU_ASSERT_EQUAL(ask(&f, "SELECT listed FROM state"), 2 * BLOCK);
    CU_ASSERT_EQUAL(ask(&f, "SELECT min(block) FROM ids"), 2);
    CU_ASSERT_EQUAL(ask(&f, "SELECT count(*) FROM id_blocks"), 1);
    keep_from(&f, clock_wall_ns(&clock_system));
    CU_ASSERT_EQUAL(ask(&f, "SELECT count(*) FROM calls"), 0);
    CU_ASSERT_EQUAL(ask(&f, "SELECT listed FROM state"), 0);
    CU_ASSERT_EQUAL(ask(&f, "SELECT count(*) FROM ids"), 0);
    tear_down(&f);
}

/* Of the first version: its ids are listed anew, its rows and sums stay. */
static void test_older(void)
{
    enum { BLOCK = 8192 };
    struct fixture f;
    int found = 0;
    struct log_query query;
    set_up(&f);
    open_store(&f);
    put_many(&f, 0, BLOCK + 1, 490000 * HOUR);
    CU_ASSERT_EQUAL(sqlite3_exec(f.index->db, "DROP TABLE ids; DROP TABLE id_blocks; CREATE TABLE ids("
                                 "id BLOB NOT NULL, call INTEGER NOT NULL, PRIMARY KEY(id, call))"
                                 " WITHOUT ROWID; PRAGMA user_version = 1",
                                 NULL, NULL, NULL), SQLITE_OK);
    f.store->functions->close(f.store);
    open_store(&f);
    put_many(&f, BLOCK + 1, 1, 490000 * HOUR);
    CU_ASSERT_EQUAL(ask(&f, "SELECT listed FROM state"), BLOCK);
    query_init(&query);
    query.id = HARBORAI_STR("req_0af7651916cd43dd8448eb211c80319c");
    CU_ASSERT_EQUAL(index_find(f.index, &query, count_one, &found, NULL), HARBORAI_OK);
    CU_ASSERT_EQUAL(found, BLOCK + 2);
    tear_down(&f);
}

const CU_TestInfo index_tests[] = {
    {"old calls go", test_expiry},
    {"an index of an older version", test_older},
    {"calls stand in it once", test_put},
    {"there and back", test_there_and_back},
    {"amend lines", test_amend},
    {"interrupted, then ended", test_interrupted},
    {"transactions and positions", test_transactions},
    {"another file in its place", test_other_files},
    {"broken pages", test_broken_pages},
    {"locked", test_locked},
    {"ids that are listed", test_listed_ids},
    {"ids as bytes", test_pack},
    {"histograms", test_histogram},
    CU_TEST_INFO_NULL,
};
