/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "../unit.h"
#include "base/attr.h"
#include "base/slice.h"
#include "json_value.h"
#include "random.h"

extern const CU_TestInfo json_value_tests[];

static void test_cursor(void)
{
    harborai_str text = HARBORAI_STR("{\"a\" : [1,\"x\\\"]\",{\"b\":[]}] , \"\\u0062\":{ } }");
    struct json_cursor cursor = json_open(text);
    struct json_member member;
    harborai_str item;
    CU_ASSERT_FATAL(json_object_next(&cursor, &member));
    CU_ASSERT(slice_is(member.key, "a") && !member.key_escaped && member.kind == JSON_ARRAY);
    struct json_cursor inner = json_open(member.value);
    CU_ASSERT(json_array_next(&inner, &item) && slice_is(item, "1"));
    CU_ASSERT(json_array_next(&inner, &item) && slice_is(item, "\"x\\\"]\""));
    CU_ASSERT(json_array_next(&inner, &item) && slice_is(item, "{\"b\":[]}"));
    CU_ASSERT(!json_array_next(&inner, &item) && !json_array_next(&inner, &item));
    CU_ASSERT_FATAL(json_object_next(&cursor, &member));
    CU_ASSERT(member.key_escaped && slice_is(member.span, "\"\\u0062\":{ }"));
    CU_ASSERT(!json_object_next(&cursor, &member));
    cursor = json_open(HARBORAI_STR("\"text\""));
    CU_ASSERT(!json_object_next(&cursor, &member) && !json_array_next(&cursor, &item));
    cursor = json_open(SLICE_NONE);
    CU_ASSERT(!json_object_next(&cursor, &member) && !json_array_next(&cursor, &item));
}

static void test_pointer(void) /* the document and the answers of RFC 6901, section 5, and more */
{
    harborai_str text = HARBORAI_STR(
        " {\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,\"g|h\":4,\"i\\\\j\":5,"
        "\"k\\\"l\":6,\" \":7,\"m~n\":8,\"o\":{\"p\":[[],[{\"q\":true}]]},\"d\":1,\"d\":2} ");
    static const struct {
        const char *pointer, *want;
    } rows[] = {
        {"/foo", "[\"bar\",\"baz\"]"},
        {"/foo/0", "\"bar\""},
        {"/foo/1", "\"baz\""},
        {"/", "0"},
        {"/a~1b", "1"},
        {"/c%d", "2"},
        {"/e^f", "3"},
        {"/g|h", "4"},
        {"/i\\j", "5"},
        {"/k\"l", "6"},
        {"/ ", "7"},
        {"/m~0n", "8"},
        {"/o/p/1/0/q", "true"},
        {"/d", "1"},
        {"/foo/2", ""},
        {"/foo/01", ""},
        {"/foo/-", ""},
        {"/foo/", ""},
        {"/foo/0/x", ""},
        {"/foo/99999999999999999999", ""},
        {"/nope", ""},
        {"foo", ""},
        {"/m~2n", ""},
        {"/m~", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ROW(rows[i].pointer,
            slice_is(json_pointer_find(text, slice_of(rows[i].pointer)), rows[i].want));
    CU_ASSERT(slice_equal(json_pointer_find(text, SLICE_NONE), slice_trim(text)));
}

static void test_strings(void)
{
    static const struct {
        const char *value, *want; /* NULL = not a string */
        bool plain;
    } rows[] = {
        {"\"\"", "", true},
        {"\"plain \xe6\xb8\xaf\"", "plain \xe6\xb8\xaf", true},
        {"\"a\\nb\\t\\\"\\\\\\/\\b\\f\\r\"", "a\nb\t\"\\/\b\f\r", false},
        {"\"\\u0041\\u00e9\\u6e2f\"", "A\xc3\xa9\xe6\xb8\xaf", false},
        {"\"\\ud83d\\ude00!\"", "\xf0\x9f\x98\x80!", false},
        {"\"\\uD83D\"", "\xef\xbf\xbd", false},
        {"\"\\uDE00\"", "\xef\xbf\xbd", false},
        {"\"\\uD83D\\uD83D\\uDE00\"", "\xef\xbf\xbd\xf0\x9f\x98\x80", false},
        {"\"\\uD83D\\n\"", "\xef\xbf\xbd\n", false},
        {"\"tail\\\\\"", "tail\\", false},
        {"12", NULL, false},
        {"null", NULL, false},
        {"", NULL, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        harborai_str value = slice_of(rows[i].value), text = SLICE_NONE, borrowed;
        char buffer[64];
        harborai_status st = json_string(value, buffer, value.len, &text);
        ROW(rows[i].value, (st == HARBORAI_OK) == (rows[i].want != NULL));
        ROW(rows[i].value, rows[i].want == NULL || slice_is(text, rows[i].want));
        ROW(rows[i].value, json_string_plain(value, &borrowed) == rows[i].plain);
        ROW(rows[i].value, !rows[i].plain || text.data == value.data + 1);
        ROW(rows[i].value,
            rows[i].want == NULL || json_string_equal(value, slice_of(rows[i].want)));
        ROW(rows[i].value, !json_string_equal(value, HARBORAI_STR("something else")));
        for (size_t room = 0; rows[i].want != NULL && !rows[i].plain && room < text.len; room++)
            ROW(rows[i].value, json_string(value, buffer, room, &borrowed) == HARBORAI_E_MEMORY);
    }
}

static void test_integers(void)
{
    static const struct {
        const char *value;
        bool ok;
        int64_t want;
    } rows[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"42", true, 42},
        {"-42", true, -42},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"18446744073709551616", false, 0},
        {"99999999999999999999999", false, 0},
        {"1.0", true, 1},
        {"1.50e1", true, 15},
        {"1e3", true, 1000},
        {"1E+3", true, 1000},
        {"100e-2", true, 1},
        {"1000000000000000000000e-21", true, 1},
        {"0.001e3", true, 1},
        {"0.0", true, 0},
        {"0e999999999999", true, 0},
        {"1.5", false, 0},
        {"1e-1", false, 0},
        {"1e19", false, 0},
        {"1e999999999999999999999", false, 0},
        {"1e-999999999999999999999", false, 0},
        {"922337203685477580.7e1", true, INT64_MAX},
        {"-922337203685477580.8e1", true, INT64_MIN},
        {"922337203685477580.8e1", false, 0},
        {"10500.500e2", true, 1050050},
        {"\"1\"", false, 0},
        {"null", false, 0},
        {"", false, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t number = 77;
        ROW(rows[i].value, json_int64(slice_of(rows[i].value), &number) == rows[i].ok);
        ROW(rows[i].value, number == (rows[i].ok ? rows[i].want : 77));
    }
}

static void test_words(void)
{
    bool flag = false;
    CU_ASSERT(json_boolean(HARBORAI_STR("true"), &flag) && flag);
    CU_ASSERT(json_boolean(HARBORAI_STR("false"), &flag) && !flag);
    CU_ASSERT(!json_boolean(HARBORAI_STR("1"), &flag) && !json_boolean(SLICE_NONE, &flag));
    CU_ASSERT(json_is_null(HARBORAI_STR("null")) && !json_is_null(SLICE_NONE));
}

/* Text that nobody checked: nothing to find out, but no byte beyond it is read either. */
static void test_unchecked_text(void)
{
    static const char *const rows[] = {
        "{",         "{\"",         "{\"a",     "{\"a\"",     "{\"a\":",
        "{\"a\":\"", "{\"a\":\"\\", "{\"a\":[", "{\"a\":[[[", "{\"a\":1",
        "{\"a\":1,", "{\"\\u1\":2", "[",        "[\"\\u",     "[1,,,2",
        "{:::}",     "[}",          "]",        "\"",         "-",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        harborai_str text = slice_of(rows[i]), found;
        char buffer[16];
        int64_t number;
        found = json_pointer_find(text, HARBORAI_STR("/a/0/b"));
        ROW(rows[i], found.len == 0);
        json_int64(text, &number);
        ROW(rows[i], json_string(text, buffer, sizeof buffer, &found) <= 0);
    }
}

/* ---- What stands between the brackets ------------------------------------------------------ */

#define PIECE_MAX 8192

struct piece {
    char text[PIECE_MAX];
    size_t len;
};

static void put(struct piece *p, const char *text)
{
    size_t len = strlen(text);
    memcpy(p->text + p->len, text, len);
    p->len += len;
}

/* With much in it that looks like brackets and quotes; a few are longer than what is read at once. */
static void put_text(struct piece *p, uint64_t *state)
{
    static const char *const runs[] = {"{", "}", "[", "]", ",", ":", "\\\"", "\\\\", "\\u0022", "x", "\xe6\xb8\xaf"};
    unsigned count = random_below(state, 8) == 0 ? random_below(state, 200) : random_below(state, 9);
    put(p, "\"");
    while (count-- > 0)
        put(p, runs[random_below(state, ARRAY_LEN(runs))]);
    put(p, "\"");
}

static void put_value(struct piece *p, uint64_t *state, unsigned depth)
{
    static const char *const plain[] = {"0", "-1.5e3", "true", "null", "[]", "{}", " [ ] "};
    bool is_full = p->len > PIECE_MAX / 2; /* the rest is for one text and for what is open */
    unsigned kind = is_full ? 0 : random_below(state, depth == 0 ? 2 : 4);
    unsigned count = random_below(state, 4);
    if (kind == 0)
        put(p, plain[random_below(state, ARRAY_LEN(plain))]);
    else if (kind == 1)
        put_text(p, state);
    for (unsigned i = 0; kind > 1 && (i == 0 || (i < count && p->len < PIECE_MAX / 2)); i++) {
        put(p, i > 0 ? "," : kind == 2 ? "{" : "[");
        if (kind == 2) {
            put_text(p, state);
            put(p, ":");
        }
        put_value(p, state, depth - 1);
    }
    if (kind > 1)
        put(p, kind == 2 ? "}" : "]");
}

/* A list knows where each of its items ends, whatever is in them and wherever they begin. */
static void test_ends(void)
{
    uint64_t state = 1;
    for (unsigned round = 0; round < 2000; round++) {
        struct piece first = {.len = 0}, list = {.len = 0};
        harborai_str item;
        put(&first, "[");
        put_value(&first, &state, 4);
        put(&first, "]");
        put(&list, "[");
        for (unsigned blanks = random_below(&state, 70); blanks > 0; blanks--)
            put(&list, " ");
        memcpy(list.text + list.len, first.text, first.len);
        list.len += first.len;
        put(&list, ",7]");
        char *exact = malloc(list.len); /* so that no byte behind it is read unseen */
        CU_ASSERT_FATAL(exact != NULL);
        memcpy(exact, list.text, list.len);
        struct json_cursor cursor = json_open((harborai_str){exact, list.len});
        CU_ASSERT(json_array_next(&cursor, &item) &&
                  slice_equal(item, (harborai_str){first.text, first.len}));
        CU_ASSERT(json_array_next(&cursor, &item) && slice_is(item, "7"));
        CU_ASSERT(!json_array_next(&cursor, &item));
        free(exact);
    }
}

const CU_TestInfo json_value_tests[] = {
    {"cursor", test_cursor},     {"pointer", test_pointer}, {"strings", test_strings},
    {"integers", test_integers}, {"words", test_words},     {"unchecked text", test_unchecked_text},
    {"ends", test_ends},
    CU_TEST_INFO_NULL,
};
