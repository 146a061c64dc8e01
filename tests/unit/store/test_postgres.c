/* SPDX-License-Identifier: MIT */
/* What PostgreSQL is told without one: columns as arrays, statements, the name of a state directory. That
 * a server takes all of it is tests/system/test_postgres.py's. */
#include <fcntl.h>
#include <unistd.h>

#include "../unit.h"
#include "base/limits.h"
#include "scratch.h"
#include "store/postgres_row.h"
#include "store/postgres_sql.h"
#include "store/state_id.h"

extern const CU_TestInfo postgres_tests[];

/* The column's place in the statement, by its name. */
static int column_of(const char *name)
{
    AUTO(buf) sql = BUF_INIT(KIB(64));
    char quoted[64];
    int column = 0;
    postgres_rows_write_statement(postgres_sql_put, &sql);
    buf_add_char(&sql, '\0');
    CU_ASSERT_EQUAL_FATAL(sql.failed, HARBORAI_OK);
    snprintf(quoted, sizeof quoted, "\"%s\"", name);
    const char *list = strstr(sql.data, "AS given(");
    const char *at = list != NULL ? strstr(list, quoted) : NULL;
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    for (const char *p = list; p < at; p++)
        column += *p == ',';
    return column;
}

static void test_values(void)
{
    static const struct row {
        const char *name, *text, *want; /* `text` is client and tags */
    } rows[] = {
        {"client", "", "{}"}, /* no row of the batch has one */
        {"client", "NULL", "{\"NULL\"}"},
        {"client", "a\"b\\c{},d", "{\"a\\\"b\\\\c{},d\"}"},
        {"tags", "", "{}"},
        {"tags", "{\"a\":1}", "{\"{\\\"a\\\":1}\"}"},
        {"tags", "[\"\\u0000\"]", "{\"[\\\"\\\\ufffd\\\"]\"}"},
        {"tags", "[\"\\ud800\"]", "{\"[\\\"\\\\ufffd\\\"]\"}"},
        {"tags", "[\"\\udc00x\"]", "{\"[\\\"\\\\ufffdx\\\"]\"}"},
        {"tags", "[\"\\ud800\\ud83d\\ude00\"]", "{\"[\\\"\\\\ufffd\\\\ud83d\\\\ude00\\\"]\"}"},
        {"tags", "[\"\\\\u0000\"]", "{\"[\\\"\\\\\\\\u0000\\\"]\"}"},
        {"tags", "[\"\\ud8", "{\"[\\\"\\\\ud8\"}"}, /* no JSON: PostgreSQL's to refuse */
        {"tags", "{\"a\":[1e999,-2.5E-12,\"1e9999\",\"\\\"1e9999\"]}",
         "{\"{\\\"a\\\":[1e999,-2.5E-12,\\\"1e9999\\\",\\\"\\\\\\\"1e9999\\\"]}\"}"},
        {"tags", "{\"a\":[1e400000]}", "{}"}, /* more than jsonb holds */
        {"tags", "{\"a\":1E-20000,\"b\":1}", "{}"},
        {"record_key", "k", "{\"key\"}"},
        {"timestamp", "", "{\"2026-11-22T08:19:30.428844Z\"}"},
        {"duration_ms", "", "{\"1.5\"}"},
        {"latency_bucket", "", "{\"119\"}"},
        {"outcome", "", "{\"ok\"}"},
        {"prompt_tokens", "", "{}"},
        {"total_cost", "", "{\"0.000000000001\"}"},
        {"input_cost", "", "{}"},
        {"is_stream", "", "{t}"},
    };
    struct postgres_rows columns;
    const char *values[POSTGRES_COLUMNS_MOST];
    postgres_rows_init(&columns);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const int64_t begin_ns = INT64_C(1795335570428844355);
        struct call call = {.key = HARBORAI_STR("key"),
                            .client = slice_of(rows[i].text),
                            .tags = slice_of(rows[i].text),
                            .begin_ns = begin_ns,
                            .end_ns = begin_ns + 1500000,
                            .ttft_ns = -1,
                            .is_stream = true,
                            .is_cost_known = true,
                            .cost_pico = 1,
                            .cost_input_pico = -1,
                            .prompt_tokens = -1};
        postgres_rows_clear(&columns);
        CU_ASSERT_FATAL(postgres_rows_add(&columns, &call));
        CU_ASSERT_EQUAL_FATAL(postgres_rows_values(&columns, values, NULL), HARBORAI_OK);
        const char *got = values[column_of(rows[i].name)];
        ROW(rows[i].text, strcmp(got, rows[i].want) == 0);
        if (strcmp(got, rows[i].want) != 0)
            fprintf(stderr, "  %s: got %s\n", rows[i].name, got);
    }
    postgres_rows_release(&columns);
}

/* Asking for the arrays changes nothing. */
static void test_many_rows(void)
{
    struct postgres_rows columns;
    const char *values[POSTGRES_COLUMNS_MOST];
    struct call call = {.key = HARBORAI_STR("a"), .begin_ns = 1};
    int key = column_of("record_key");
    postgres_rows_init(&columns);
    CU_ASSERT(postgres_rows_add(&columns, &call));
    CU_ASSERT_EQUAL(postgres_rows_values(&columns, values, NULL), HARBORAI_OK);
    CU_ASSERT_STRING_EQUAL(values[key], "{\"a\"}");
    CU_ASSERT(postgres_rows_add(&columns, &call));
    CU_ASSERT_EQUAL(postgres_rows_values(&columns, values, NULL), HARBORAI_OK);
    CU_ASSERT_STRING_EQUAL(values[key], "{\"a\",\"a\"}");
    CU_ASSERT_EQUAL(columns.count, 2);
    CU_ASSERT_EQUAL(columns.day_count, 1);
    postgres_rows_release(&columns);
}

static void test_statements(void)
{
    static const char *const statements[] = {postgres_sql_put, postgres_sql_amend};
    for (size_t i = 0; i < ARRAY_LEN(statements); i++) {
        AUTO(buf) sql = BUF_INIT(KIB(64));
        char last[16];
        postgres_rows_write_statement(statements[i], &sql);
        buf_add_char(&sql, '\0');
        snprintf(last, sizeof last, "$%d::", postgres_rows_columns());
        CU_ASSERT_EQUAL_FATAL(sql.failed, HARBORAI_OK);
        CU_ASSERT_PTR_NOT_NULL(strstr(sql.data, last));
        CU_ASSERT_PTR_NULL(strstr(sql.data, "COLUMNS"));
    }
    for (unsigned i = 0; i < postgres_migration_count; i++) {
        uint64_t version = 0;
        CU_ASSERT(slice_to_u64(slice_cut(slice_of(postgres_migrations[i].name), 4), &version));
        CU_ASSERT_EQUAL(version, i + 1);
        CU_ASSERT_EQUAL(strlen(postgres_migrations[i].checksum), 64);
    }
}

static void test_state_id(void)
{
    char first[37], second[37], path[256];
    harborai_error error = HARBORAI_ERROR_INIT;
    struct scratch scratch;
    scratch_init(&scratch);
    harborai_str place = scratch_dir(&scratch);
    CU_ASSERT_EQUAL(state_id_read(place, first, &error), HARBORAI_OK);
    CU_ASSERT_EQUAL(state_id_read(place, second, &error), HARBORAI_OK);
    CU_ASSERT_STRING_EQUAL(first, second);
    snprintf(path, sizeof path, "%s/id", scratch.dir);
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    CU_ASSERT_FATAL(fd >= 0 && write(fd, "not a uuid, by far, in 36 characters", 36) == 36);
    close(fd);
    CU_ASSERT_EQUAL(state_id_read(place, second, &error), HARBORAI_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "/id' holds no UUID"));
    CU_ASSERT_EQUAL(state_id_read(HARBORAI_STR("/nowhere"), second, &error), HARBORAI_E_CONFIG);
    scratch_release(&scratch);
}

const CU_TestInfo postgres_tests[] = {
    {"values", test_values},
    {"many rows", test_many_rows},
    {"statements", test_statements},
    {"state id", test_state_id},
    CU_TEST_INFO_NULL,
};
