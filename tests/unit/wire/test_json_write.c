/* SPDX-License-Identifier: MIT */
#include "../unit.h"
#include "base/limits.h"
#include "json_value.h"
#include "wire/json_write.h"

extern const CU_TestInfo json_write_tests[];

static void test_document(void)
{
    AUTO(buf) b = BUF_INIT(KIB(4));
    struct json_writer w = JSON_WRITER(&b);
    json_write_object(&w);
    json_write_key_string(&w, "a", HARBORAI_STR("x\"y"));
    json_write_key(&w, HARBORAI_STR("k\n"));
    json_write_array(&w);
    json_write_int64(&w, INT64_MIN);
    json_write_bool(&w, true);
    json_write_object(&w);
    json_write_end(&w);
    json_write_array(&w);
    json_write_end(&w);
    json_write_null(&w);
    json_write_end(&w);
    json_write_key(&w, HARBORAI_STR("raw"));
    json_write_raw(&w, HARBORAI_STR("{\"n\":1}"));
    json_write_key_int64(&w, "last", 7);
    json_write_end(&w);
    CU_ASSERT(buf_status(&b, NULL) == HARBORAI_OK && w.depth == 0);
    CU_ASSERT(slice_is(buf_slice(&b), "{\"a\":\"x\\\"y\",\"k\\n\":[-9223372036854775808,true,{},[],"
                                      "null],\"raw\":{\"n\":1},\"last\":7}"));
    CU_ASSERT(json_scan(buf_slice(&b), NULL, NULL, NULL) == HARBORAI_OK);
}

static void test_strings(void)
{
    static const struct {
        harborai_str in;
        const char *want;
    } rows[] = {
        {{NULL, 0}, ""},
        {HARBORAI_STR_INIT("plain /"), "plain /"},
        {HARBORAI_STR_INIT("\"\\\b\f\n\r\t"), "\\\"\\\\\\b\\f\\n\\r\\t"},
        {HARBORAI_STR_INIT("\0\x01\x1f\x7f"), "\\u0000\\u0001\\u001f\x7f"},
        {HARBORAI_STR_INIT("\xc3\xa9\xe6\xb8\xaf\xf0\x9f\x98\x80"),
         "\xc3\xa9\xe6\xb8\xaf\xf0\x9f\x98\x80"},
        {HARBORAI_STR_INIT("a\xff"
                           "b"),
         "a\xef\xbf\xbd"
         "b"},
        {HARBORAI_STR_INIT("\xe6\xb8"), "\xef\xbf\xbd\xef\xbf\xbd"},
        {HARBORAI_STR_INIT("\xe6\xb8\xaf\xed\xa0\x80\n"),
         "\xe6\xb8\xaf\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\\n"},
        {HARBORAI_STR_INIT("\xc0\xaf\xf0\x9f\x98\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xf0\x9f\x98\x80"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(buf) b = BUF_INIT(KIB(4));
        struct json_writer w = JSON_WRITER(&b);
        json_write_string(&w, rows[i].in);
        harborai_str inside = {b.data + 1, b.len - 2};
        ROW(rows[i].want, slice_is(inside, rows[i].want));
        ROW(rows[i].want, json_scan(buf_slice(&b), NULL, NULL, NULL) == HARBORAI_OK);
        ROW(rows[i].want,
            !json_is_utf8(rows[i].in) || json_string_equal(buf_slice(&b), rows[i].in));
    }
}

static void test_pico(void)
{
    static const struct {
        int64_t pico;
        const char *want;
    } rows[] = {
        {0, "0"},
        {540013821500, "0.5400138215"},
        {1, "0.000000000001"},
        {-1, "-0.000000000001"},
        {1000000000000, "1"},
        {-2500000000000, "-2.5"},
        {10000000000000, "10"},
        {INT64_MAX, "9223372.036854775807"},
        {INT64_MIN, "-9223372.036854775808"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(buf) b = BUF_INIT(KIB(4));
        struct json_writer w = JSON_WRITER(&b);
        json_write_scaled(&w, rows[i].pico, 12);
        ROW(rows[i].want, slice_is(buf_slice(&b), rows[i].want));
    }
    AUTO(buf) b = BUF_INIT(KIB(4));
    json_write_decimal(&b, 1500, 0);
    buf_add_char(&b, ' ');
    json_write_decimal(&b, INT64_MAX, 18);
    CU_ASSERT(slice_is(buf_slice(&b), "1500 9.223372036854775807"));
}

static void write_case(struct json_writer *w, int number)
{
    switch (number) {
    case 0: /* a value without its key */
        json_write_object(w);
        json_write_null(w);
        break;
    case 1: /* a key in an array */
        json_write_array(w);
        json_write_key_int64(w, "a", 1);
        break;
    case 2: /* a bracket too many */
        json_write_array(w);
        json_write_end(w);
        json_write_end(w);
        break;
    case 3: /* a key without its value */
        json_write_object(w);
        json_write_key(w, HARBORAI_STR("a"));
        json_write_end(w);
        break;
    case 4: /* two keys */
        json_write_object(w);
        json_write_key(w, HARBORAI_STR("a"));
        json_write_key(w, HARBORAI_STR("b"));
        break;
    default: /* too deep */
        for (int i = 0; i <= JSON_WRITE_DEPTH_MAX; i++)
            json_write_array(w);
        break;
    }
}

static void test_misuse(void)
{
    for (int i = 0; i < 6; i++) {
        AUTO(buf) b = BUF_INIT(KIB(4));
        struct json_writer w = JSON_WRITER(&b);
        write_case(&w, i);
        CU_ASSERT(buf_status(&b, NULL) == HARBORAI_E_INTERNAL);
    }
    AUTO(buf) small = BUF_INIT(4);
    struct json_writer w = JSON_WRITER(&small);
    json_write_string(&w, HARBORAI_STR("does not fit"));
    CU_ASSERT(buf_status(&small, NULL) == HARBORAI_E_MEMORY);
}

const CU_TestInfo json_write_tests[] = {
    {"document", test_document}, {"strings", test_strings}, {"amounts", test_pico},
    {"misuse", test_misuse},     CU_TEST_INFO_NULL,
};
