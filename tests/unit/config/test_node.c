/* SPDX-License-Identifier: MIT */
#include "../unit.h"
#include "config/node.h"

extern const CU_TestInfo node_tests[];

static void test_kinds(void)
{
    static const struct row {
        const char *text;
        enum node_kind want;
    } rows[] = {
        {"", NODE_NULL},        {"~", NODE_NULL},        {"null", NODE_NULL},
        {"nULL", NODE_STRING},  {"true", NODE_BOOL},     {"FALSE", NODE_BOOL},
        {"yes", NODE_STRING},   {"no", NODE_STRING},     {"on", NODE_STRING},
        {"1:30", NODE_STRING},  {"0", NODE_INTEGER},     {"-12", NODE_INTEGER},
        {"+7", NODE_INTEGER},   {"007", NODE_INTEGER},   {"0x1F", NODE_INTEGER},
        {"0o17", NODE_INTEGER}, {"0x", NODE_STRING},     {"-0x1", NODE_STRING},
        {"0b1", NODE_STRING},   {"1_000", NODE_STRING},  {"1.5", NODE_FLOAT},
        {".5", NODE_FLOAT},     {"5.", NODE_FLOAT},      {"1e3", NODE_FLOAT},
        {"1E-3", NODE_FLOAT},   {"-.5e+2", NODE_FLOAT},  {"1e", NODE_STRING},
        {".", NODE_STRING},     {"e5", NODE_STRING},     {"-", NODE_STRING},
        {".inf", NODE_FLOAT},   {"-.Inf", NODE_FLOAT},   {".nan", NODE_FLOAT},
        {"-.nan", NODE_STRING}, {"gpt-4o", NODE_STRING}, {"1.2.3", NODE_STRING},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ROW(rows[i].text, node_kind_of_plain(slice_of(rows[i].text)) == rows[i].want);
}

static void test_json(void)
{
    static const struct row {
        const char *text, *want; /* NULL: a fault */
    } rows[] = {
        {"12", "12"},     {"+12", "12"},      {"007", "7"},        {"-0", "-0"},
        {"0x1F", "31"},   {"0o17", "15"},     {"1.50", "1.50"},    {".5", "0.5"},
        {"-.5", "-0.5"},  {"5.", "5"},        {"1.e3", "1e3"},     {"1e+3", "1e+3"},
        {"00.1", "0.1"},  {"true", "true"},   {"FALSE", "false"},  {"~", "null"},
        {"123456789012345678901234567890", "123456789012345678901234567890"},
        {"0xffffffffffffffff", "18446744073709551615"},
        {"0x1ffffffffffffffff", NULL},        {".inf", NULL},      {"-.inf", NULL},
        {".nan", NULL},   {"a\"b\\\n", "\"a\\\"b\\\\\\n\""},
        {"\xe6\xb0\xb4", "\"\xe6\xb0\xb4\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(buf) out = BUF_INIT(1024);
        AUTO(config_faults) faults;
        config_faults_init(&faults);
        struct node node = {.kind = node_kind_of_plain(slice_of(rows[i].text)),
                            .place = {"f", 1, 1},
                            .text = slice_of(rows[i].text)};
        struct json_writer writer = JSON_WRITER(&out);
        node_write_json(&node, &writer, &faults);
        ROW(rows[i].text, (faults.total > 0) == (rows[i].want == NULL));
        if (rows[i].want != NULL)
            ROW(rows[i].text, slice_is(buf_slice(&out), rows[i].want));
    }
}

static void test_excerpt(void)
{
    /* 39 letters, then a character of three bytes: it does not fit. */
    harborai_str text = HARBORAI_STR("123456789012345678901234567890123456789\xe6\xb0\xb4");
    CU_ASSERT_EQUAL(node_excerpt(text).len, 39);
    CU_ASSERT_EQUAL(node_excerpt(slice_cut(text, 39)).len, 39);
    CU_ASSERT_EQUAL(node_excerpt(SLICE_NONE).len, 0);
}

const CU_TestInfo node_tests[] = {{"core schema", test_kinds},
                                  {"json", test_json},
                                  {"excerpt", test_excerpt},
                                  CU_TEST_INFO_NULL};
