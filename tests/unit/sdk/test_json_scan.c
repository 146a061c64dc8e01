/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "../unit.h"
#include "base/attr.h"
#include "base/slice.h"
#include "json_scan.h"

extern const CU_TestInfo json_scan_tests[];

#define VALID         SIZE_MAX
#define TEXT(literal) HARBORAI_STR_INIT(literal)

static const struct value_row {
    const char *name;
    harborai_str text;
    size_t fault_at; /* VALID = none */
} value_rows[] = {
    {"null", TEXT("null"), VALID},
    {"blanks around", TEXT(" \t\r\n true\n"), VALID},
    {"nested", TEXT("{\"a\":[1,{\"b\":[]},\"\",{}],\"c\":false}"), VALID},
    {"empty key", TEXT("{\"\":0}"), VALID},
    {"numbers", TEXT("[0,-0,1,-1,10,1.5,-0.0,1e5,1E+5,1e-05,0e0,123456789012345678901234567890]"),
     VALID},
    {"escapes", TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uABcd\""), VALID},
    {"half a surrogate pair is let through", TEXT("[\"\\ud800\",\"\\udc00x\"]"), VALID},
    {"escaped NUL", TEXT("\"\\u0000\""), VALID},
    {"DEL is allowed", TEXT("\"\x7f\""), VALID},
    {"two bytes", TEXT("\"\xc2\x80\xdf\xbf\""), VALID},
    {"three bytes", TEXT("\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\""), VALID},
    {"four bytes", TEXT("\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""), VALID},
    {"long Chinese",
     TEXT("\"\xe6\xb8\xaf\xe6\xb9\xbe\xe6\xb8\xaf\xe6\xb9\xbe\xe6\xb8\xaf\xe6\xb9\xbe\xe6\xb8\xaf"
          "\xe6\xb9\xbe\""),
     VALID},
    {"duplicates are let through", TEXT("{\"a\":1,\"a\":2}"), VALID},

    {"nothing", TEXT(""), 0},
    {"only blanks", TEXT("  "), 2},
    {"BOM", TEXT("\xef\xbb\xbf{}"), 0},
    {"form feed is no blank", TEXT("\f1"), 0},
    {"two documents", TEXT("{} {}"), 3},
    {"NUL behind", TEXT("{}\0"), 2},
    {"comment", TEXT("{}//"), 2},
    {"comma at the end of an array", TEXT("[1,]"), 3},
    {"comma at the end of an object", TEXT("{\"a\":1,}"), 7},
    {"comma at the start", TEXT("[,1]"), 1},
    {"no comma", TEXT("[1 2]"), 3},
    {"colon for a comma", TEXT("[1:2]"), 2},
    {"comma for a colon", TEXT("{\"a\",1}"), 4},
    {"no value", TEXT("{\"a\":}"), 5},
    {"no key", TEXT("{1:2}"), 1},
    {"bare key", TEXT("{a:2}"), 1},
    {"single quotes", TEXT("{'a':2}"), 1},
    {"wrong bracket", TEXT("[1}"), 2},
    {"wrong bracket, object", TEXT("{\"a\":1]"), 6},
    {"open array", TEXT("[1"), 2},
    {"open object", TEXT("{\"a\":1"), 6},
    {"open object after its brace", TEXT("{"), 1},
    {"open object after a comma", TEXT("{\"a\":1,"), 7},
    {"stray bracket", TEXT("]"), 0},
    {"plus", TEXT("+1"), 0},
    {"leading zero", TEXT("01"), 1},
    {"leading zero, negative", TEXT("-01"), 2},
    {"minus alone", TEXT("-"), 1},
    {"point alone", TEXT("1."), 2},
    {"no digit before the point", TEXT(".5"), 0},
    {"no digit before the point, negative", TEXT("-.5"), 1},
    {"exponent alone", TEXT("1e"), 2},
    {"exponent with a sign alone", TEXT("1e+"), 3},
    {"hexadecimal", TEXT("0x1"), 1},
    {"NaN", TEXT("NaN"), 0},
    {"Infinity", TEXT("-Infinity"), 1},
    {"True", TEXT("True"), 0},
    {"word cut short", TEXT("nul"), 3},
    {"word gone wrong", TEXT("nulL"), 3},
    {"word too long", TEXT("nullx"), 4},
    {"open string", TEXT("\"abc"), 4},
    {"open string, long", TEXT("\"abcdefghijklmnop"), 17},
    {"open escape", TEXT("\"abc\\"), 5},
    {"bad escape", TEXT("\"\\x41\""), 2},
    {"escaped single quote", TEXT("\"\\'\""), 2},
    {"short \\u", TEXT("\"\\u12\""), 5},
    {"bad hex digit", TEXT("\"\\u12g4\""), 5},
    {"open \\u", TEXT("\"\\u12"), 5},
    {"line end in a string", TEXT("\"a\nb\""), 2},
    {"tab in a string", TEXT("\"a\tb\""), 2},
    {"NUL in a string", TEXT("\"a\0b\""), 2},
    {"control at each place of a word", TEXT("\"1234567\x01"), 8},
    {"control behind a word", TEXT("\"12345678\x1f"), 9},
    {"continuation alone", TEXT("\"\x80\""), 1},
    {"overlong /, two bytes", TEXT("\"\xc0\xaf\""), 1},
    {"overlong, C1", TEXT("\"\xc1\xbf\""), 1},
    {"overlong, three bytes", TEXT("\"\xe0\x9f\xbf....\""), 1},
    {"overlong, four bytes", TEXT("\"\xf0\x8f\xbf\xbf\""), 1},
    {"surrogate", TEXT("\"\xed\xa0\x80....\""), 1},
    {"surrogate behind a good one", TEXT("\"\xe6\xb8\xaf\xed\xbf\xbf....\""), 4},
    {"beyond U+10FFFF", TEXT("\"\xf4\x90\x80\x80\""), 1},
    {"F5", TEXT("\"\xf5\x80\x80\x80\""), 1},
    {"FF", TEXT("\"\xff\""), 1},
    {"cut in two bytes", TEXT("\"\xc3\""), 1},
    {"cut in three bytes", TEXT("\"\xe6\xb8\""), 1},
    {"cut in four bytes", TEXT("\"\xf0\x9f\x98\""), 1},
    {"cut by the end", TEXT("\"\xe6\xb8"), 1},
    {"not UTF-8 outside a string", TEXT("[\xe6\xb8\xaf]"), 1},
    {"key is not UTF-8", TEXT("{\"\xff\":1}"), 2},
};

static void test_values(void)
{
    for (size_t i = 0; i < ARRAY_LEN(value_rows); i++) {
        const struct value_row *row = &value_rows[i];
        struct json_fault fault = {VALID, NULL};
        harborai_str text = unit_tight(row->text), value = SLICE_NONE;
        harborai_status st = json_scan(text, NULL, &value, &fault);
        ROW(row->name, st == (row->fault_at == VALID ? HARBORAI_OK : HARBORAI_E_INVALID));
        ROW(row->name, fault.at == row->fault_at);
        ROW(row->name, (fault.reason == NULL) == (row->fault_at == VALID));
        ROW(row->name, st < 0 || slice_equal(value, slice_trim(text)));
        unit_drop(text);
    }
}

/* The same rows as a member's value: both ways through the scanner agree, one byte chooses. */
static void test_values_in_an_object(void)
{
    for (size_t i = 0; i < ARRAY_LEN(value_rows); i++) {
        const struct value_row *row = &value_rows[i];
        char bytes[256];
        struct json_member members[2];
        size_t count = 0, len = row->text.len;
        memcpy(bytes, "{\"k\":", 5);
        memcpy(bytes + 5, row->text.data, len);
        bytes[5 + len] = '}';
        harborai_str text = unit_tight((harborai_str){bytes, len + 6});
        harborai_status st = json_scan_object(text, NULL, members, 2, &count, NULL);
        ROW(row->name, (st == HARBORAI_OK) == (row->fault_at == VALID));
        if (st == HARBORAI_OK) {
            ROW(row->name, count == 1 && slice_is(members[0].key, "k"));
            ROW(row->name, slice_equal(members[0].value, slice_trim(row->text)));
            ROW(row->name, members[0].span.data == text.data + 1);
        }
        unit_drop(text);
    }
}

static void test_every_cut_is_refused(void)
{
    harborai_str text =
        HARBORAI_STR("{\"a\":[1.5e3,\"\\u00e9\xe6\xb8\xaf\",true],\"b\":{\"c\":null}}");
    struct json_member members[4];
    size_t count = 0;
    for (size_t len = 0; len < text.len; len++) {
        struct json_fault fault = {0, NULL};
        harborai_str cut = unit_tight(slice_cut(text, len));
        CU_ASSERT(json_scan_object(cut, NULL, members, 4, &count, &fault) == HARBORAI_E_INVALID);
        CU_ASSERT(fault.at <= len);
        unit_drop(cut);
    }
    CU_ASSERT(json_scan_object(text, NULL, members, 4, &count, NULL) == HARBORAI_OK);
}

static void test_unicode_escapes_are_noted(void)
{
    static const struct {
        const char *name, *text;
        bool may_have_u;
    } rows[] = {
        {"none", "{\"m\":[\"a\\n\\\\u0041\",{\"x\":\"\"}]}", false},
        {"in a value", "{\"m\":\"\\u0041\"}", true},
        {"in a key below", "{\"m\":[{\"\\u0041\":1}]}", true},
        {"in its own key", "{\"\\u006d\":1}", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct json_member member[1];
        size_t count = 0;
        CU_ASSERT_FATAL(json_scan_object(slice_of(rows[i].text), NULL, member, 1, &count, NULL) ==
                        HARBORAI_OK);
        ROW(rows[i].name, member->may_have_u == rows[i].may_have_u);
    }
}

static void test_members(void)
{
    harborai_str text =
        HARBORAI_STR(" { \"model\" : \"gpt\" , \"n\":1,\"\\u006eo\": [ ] ,\"t\":true,"
                     "\"z\":null,\"o\":{\"x\":1},\"model\":2 } ");
    static const struct {
        const char *key, *value, *span;
        enum json_kind kind;
        bool escaped;
    } want[] = {
        {"model", "\"gpt\"", "\"model\" : \"gpt\"", JSON_STRING, false},
        {"n", "1", "\"n\":1", JSON_NUMBER, false},
        {"\\u006eo", "[ ]", "\"\\u006eo\": [ ]", JSON_ARRAY, true},
        {"t", "true", "\"t\":true", JSON_BOOL, false},
        {"z", "null", "\"z\":null", JSON_NULL, false},
        {"o", "{\"x\":1}", "\"o\":{\"x\":1}", JSON_OBJECT, false},
        {"model", "2", "\"model\":2", JSON_NUMBER, false},
    };
    struct json_member m[8];
    size_t count = 0;
    CU_ASSERT_FATAL(json_scan_object(text, NULL, m, 8, &count, NULL) == HARBORAI_OK);
    CU_ASSERT_FATAL(count == ARRAY_LEN(want));
    for (size_t i = 0; i < count; i++) {
        ROW(want[i].key, slice_is(m[i].key, want[i].key) && slice_is(m[i].value, want[i].value));
        ROW(want[i].key, slice_is(m[i].span, want[i].span) && m[i].kind == want[i].kind);
        ROW(want[i].key, m[i].key_escaped == want[i].escaped);
    }
    CU_ASSERT(json_find(m, count, HARBORAI_STR("no")) == &m[2]);
    CU_ASSERT(json_find(m, count, HARBORAI_STR("model")) == &m[0]);
    CU_ASSERT(json_find(m, count, HARBORAI_STR("\\u006eo")) == NULL);
    CU_ASSERT(json_find(m, count, HARBORAI_STR("x")) == NULL);
    CU_ASSERT(json_count(m, count, HARBORAI_STR("model")) == 2);
    CU_ASSERT(json_count(m, count, HARBORAI_STR("n")) == 1);
}

static void test_capacity(void)
{
    struct json_member m[2];
    struct json_fault fault = {0, NULL};
    size_t count = 77;
    CU_ASSERT(json_scan_object(HARBORAI_STR("{\"a\":1,\"b\":2}"), NULL, m, 2, &count, NULL) == 0);
    CU_ASSERT(count == 2);
    CU_ASSERT(json_scan_object(HARBORAI_STR("{\"a\":1,\"b\":2,\"c\":3}"), NULL, m, 2, &count,
                               &fault) == HARBORAI_E_MEMORY);
    CU_ASSERT(fault.at == 13 && count == 2);
    CU_ASSERT_STRING_EQUAL(fault.reason, "too many members");
    CU_ASSERT(json_scan_object(HARBORAI_STR("{ }"), NULL, NULL, 0, &count, NULL) == HARBORAI_OK);
    CU_ASSERT(count == 0);
    CU_ASSERT(json_scan_object(HARBORAI_STR("[]"), NULL, m, 2, &count, &fault) ==
              HARBORAI_E_INVALID);
    CU_ASSERT_STRING_EQUAL(fault.reason, "not a JSON object");
}

static void test_depth(void)
{
    char text[2048];
    for (unsigned depth = 1; depth <= 600; depth++) {
        struct json_limits three = {3}, most = {100000};
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        harborai_str nested = {text, depth * 2};
        CU_ASSERT((json_scan(nested, NULL, NULL, NULL) == HARBORAI_OK) == (depth <= 128));
        CU_ASSERT((json_scan(nested, &three, NULL, NULL) == HARBORAI_OK) == (depth <= 3));
        CU_ASSERT((json_scan(nested, &most, NULL, NULL) == HARBORAI_OK) == (depth <= 512));
    }
    struct json_limits two = {2};
    struct json_member m[1];
    size_t count;
    CU_ASSERT(json_scan_object(HARBORAI_STR("{\"a\":[]}"), &two, m, 1, &count, NULL) == 0);
    CU_ASSERT(json_scan_object(HARBORAI_STR("{\"a\":[{}]}"), &two, m, 1, &count, NULL) < 0);
}

static void test_first(void)
{
    static const struct row {
        const char *name, *text, *want;
    } rows[] = {
        {"a number", "12,", "12"},
        {"a string with an escape", "\"a\\\"b\"}", "\"a\\\"b\""},
        {"an object, and no JSON behind it", "{\"a\":[1, 2]}}}{", "{\"a\":[1, 2]}"},
        {"the whole text", "null", "null"},
        {"a blank", " 1", ""},
        {"nothing", "", ""},
        {"cut off", "{\"a\":1", ""},
        {"no UTF-8", "\"\xc2\"", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        harborai_str text = unit_tight((harborai_str){rows[i].text, strlen(rows[i].text)});
        harborai_str value = json_scan_first(text, NULL);
        ROW(rows[i].name, value.len == strlen(rows[i].want));
        ROW(rows[i].name, value.len == 0 || memcmp(value.data, rows[i].want, value.len) == 0);
        unit_drop(text);
    }
    const struct json_limits one = {1};
    CU_ASSERT(json_scan_first(HARBORAI_STR("[1]"), &one).len == 3);
    CU_ASSERT(json_scan_first(HARBORAI_STR("[[1]]"), &one).len == 0);
}

static void test_key_order(void)
{
    static const struct {
        const char *key, *name;
        int order;
    } rows[] = {
        {"a", "a", 0},
        {"a", "b", -1},
        {"b", "a", 1},
        {"a", "ab", -1},
        {"ab", "a", 1},
        {"", "", 0},
        {"\\u0061", "a", 0},
        {"\\u0061b", "a", 1},
        {"\\n", "\n", 0},
        {"a\\/b", "a/b", 0},
        {"\\u00e9", "\xc3\xa9", 0},
        {"\\u00e9", "\xc3", 1},
        {"\\ud83d\\ude00", "\xf0\x9f\x98\x80", 0},
        {"\\ud83d", "\xef\xbf\xbd", 0},
        {"\\\\", "\\", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        harborai_str key = slice_of(rows[i].key);
        bool escaped = strchr(rows[i].key, '\\') != NULL;
        int order = json_key_compare(key, escaped, slice_of(rows[i].name));
        ROW(rows[i].key, (order > 0) - (order < 0) == rows[i].order);
    }
}

static void test_utf8(void)
{
    CU_ASSERT(json_is_utf8(SLICE_NONE));
    CU_ASSERT(json_is_utf8(HARBORAI_STR("plain text \0 of some length")));
    CU_ASSERT(json_is_utf8(HARBORAI_STR("12345678\xe6\xb8\xaf\xf0\x9f\x98\x80\xc3\xa9 x")));
    CU_ASSERT(!json_is_utf8(HARBORAI_STR("12345678\xe6\xb8")));
    CU_ASSERT(!json_is_utf8(HARBORAI_STR("\xed\xa0\x80 12345678")));
}

const CU_TestInfo json_scan_tests[] = {
    {"values", test_values},
    {"values in an object", test_values_in_an_object},
    {"every cut is refused", test_every_cut_is_refused},
    {"unicode escapes are noted", test_unicode_escapes_are_noted},
    {"members", test_members},
    {"capacity", test_capacity},
    {"depth", test_depth},
    {"the first value", test_first},
    {"order of keys", test_key_order},
    {"UTF-8", test_utf8},
    CU_TEST_INFO_NULL,
};
