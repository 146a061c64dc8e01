/* SPDX-License-Identifier: MIT */
#include "chat/arguments.h"

#include "../unit.h"
#include "base/attr.h"
#include "base/slice.h"

extern const CU_TestInfo arguments_tests[];

/* What is taken of each text, and what it is: C complete, B blank, X broken, - open. */
static const struct texts_row {
    const char *text;
    size_t taken;
    char state;
} texts[] = {
    {"", 0, 'B'},
    {" \n\t ", 4, 'B'},
    {"{}", 2, 'C'},
    {" {\"a\" : [1 , {}, []]} ", 22, 'C'},
    {"{\"a\":1}{\"a\":1}", 7, 'C'},
    {"{\"a\":1} {\"a\":1}", 8, 'C'},
    {"{}}", 2, 'C'},
    {"{\"a\":\"}\\\"{\"}", 12, 'C'},
    {"{\"a\":tru", 8, '-'},
    {"{\"a\"", 4, '-'},
    {"{\"a\":\"\\u00", 10, '-'},
    {"[1,]", 4, 'X'},
    {"{\"a\":1,}", 8, 'X'},
    {"{\"a\":1]", 7, 'X'},
    {"{'a':1}", 7, 'X'},
    {"{\"a\":NaN}", 9, 'X'},
    {"{\"a\":\"line\nend\"}", 16, 'X'},
    {"{\"a\":\"\\x\"}", 10, 'X'},
    {"{\"a\":\"\\u00g0\"}", 14, 'X'},
    {"call it", 7, 'X'},
    {"null", 4, 'C'},
    {"nulls", 4, 'C'},
    {"nul", 3, '-'},
    {"12", 2, 'C'},
    {"12 3", 3, 'C'},
    {"12a", 2, 'C'},
    {"01", 1, 'C'},
    {"-", 1, '-'},
    {"-0.5e+3", 7, 'C'},
    {"1.", 2, '-'},
    {"1.e3", 4, 'X'},
    {"[-01]", 5, 'X'},
    {"[1.5E-2,0]", 10, 'C'},
    {"\"text\"", 6, 'C'},
};

static char state_of(const struct arguments *a)
{
    if (arguments_are_blank(a))
        return 'B';
    if (arguments_are_broken(a))
        return 'X';
    return arguments_are_complete(a) ? 'C' : '-';
}

static void test_texts(void)
{
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        harborai_str text = unit_tight(slice_of(texts[i].text));
        for (size_t cut = 0; cut <= text.len; cut++) {
            struct arguments a;
            arguments_init(&a, cut % 2 == 0);
            size_t taken = arguments_feed(&a, slice_cut(text, cut));
            if (taken == cut)
                taken += arguments_feed(&a, slice_from(text, cut));
            ROW(texts[i].text, taken == texts[i].taken && state_of(&a) == texts[i].state);
        }
        unit_drop(text);
    }
}

static void test_depth(void)
{
    char text[ARGUMENTS_DEPTH + 1];
    struct arguments a;
    memset(text, '[', sizeof text);
    arguments_init(&a, false);
    CU_ASSERT(arguments_feed(&a, (harborai_str){text, ARGUMENTS_DEPTH}) == ARGUMENTS_DEPTH);
    CU_ASSERT(!arguments_are_broken(&a));
    (void)arguments_feed(&a, HARBORAI_STR("["));
    CU_ASSERT(arguments_are_broken(&a));
}

/* As they stand in chunks: what is taken counts the escapes. */
static void test_json(void)
{
    static const struct row {
        const char *inside;
        size_t taken;
        char state;
    } rows[] = {
        {"{\\\"a\\\":\\\"\\u00fc\\\"}", 18, 'C'},
        {"{}\\n\\n", 6, 'C'},
        {"{}\\n{}", 4, 'C'},
        {"{}\\u007b}", 2, 'C'},
        {"{\\\"a\\\":\\\"\\\\n\\\"}", 15, 'C'},
        {"{\\\"a\\\":\\\"\\n\\\"}", 14, 'X'},
        {"", 0, 'B'},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arguments a;
        arguments_init(&a, true);
        size_t taken = arguments_feed_json(&a, slice_of(rows[i].inside));
        ROW(rows[i].inside, taken == rows[i].taken && state_of(&a) == rows[i].state);
    }
}

static void test_hash(void)
{
    static const struct row {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"{\"a\": 1, \"b\": [1, 2]}", "{\"a\":1,\"b\":[1,2]}", true},
        {"{\"a\":\"Z\\u00fcrich\"}", "{\"a\":\"Z\xc3\xbcrich\"}", true},
        {"{\"a\":\"\\u20ac\\/\"}", "{\"\\u0061\":\"\xe2\x82\xac/\"}", true},
        {"\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\"", true},
        {"\"\\ud83d\"", "\"\xef\xbf\xbd\"", true},
        {"\"\\ud83dx\\ude00\\ud83d\\n\"", "\"\xef\xbf\xbdx\xef\xbf\xbd\xef\xbf\xbd\\n\"", true},
        {"", "{}", true},
        {" ", "{ }", true},
        {"{\"a\":\"b c\"}", "{\"a\":\"bc\"}", false},
        {"{\"a\":1}", "{\"a\":\"1\"}", false},
        {"[\"a\",\"b\"]", "[\"a\\\",\\\"b\"]", false},
        {"[1,2]", "[12]", false},
        {"{\"a\":1}", "{\"a\":2}", false},
        {"{}", "[]", false},
    };
    uint64_t a = 0, b = 0;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ROW(rows[i].a, arguments_hash_text(slice_of(rows[i].a), &a));
        ROW(rows[i].a, arguments_hash_text(slice_of(rows[i].b), &b));
        ROW(rows[i].a, (a == b) == rows[i].same);
    }
    CU_ASSERT(!arguments_hash_text(HARBORAI_STR("{"), &a));
    CU_ASSERT(!arguments_hash_text(HARBORAI_STR("{}{}"), &a));
    CU_ASSERT(arguments_hash_value(HARBORAI_STR("{\"a\": 1}"), &a));
    CU_ASSERT(arguments_hash_value(HARBORAI_STR("\"{ \\\"a\\\":1}\""), &b) && a == b);
    CU_ASSERT(arguments_hash_value(HARBORAI_STR("null"), &a));
    CU_ASSERT(arguments_hash_value(HARBORAI_STR("\"\""), &b) && a == b);
    CU_ASSERT(!arguments_hash_value(HARBORAI_STR("\"{}{}\""), &a));
}

/* Escapes of the chunks, not of the arguments. */
static void test_halves(void)
{
    static const struct row {
        const char *pieces[3], *text;
    } rows[] = {
        {{"\\\"a\\ud83d", "\\uDE00\\\""}, "\"a\xf0\x9f\x98\x80\""},
        {{"\\\"\\ud83d", "", "\\ude00\\\""}, "\"\xf0\x9f\x98\x80\""},
        {{"\\\"\\ud83d\\ude00\\\""}, "\"\xf0\x9f\x98\x80\""},
        {{"\\\"\\ud83d", "x\\ude00\\\""}, "\"\\ud83dx\\ude00\""},
        {{"\\\"\\ud83d", "\\n\\\""}, NULL},
        {{"\\\"\\\\\\ud83d", "\\\""}, NULL},
        {{"\\ud83d", "\\ude00"}, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arguments a;
        uint64_t hash = 0;
        arguments_init(&a, true);
        for (size_t k = 0; k < 3; k++) {
            harborai_str piece = unit_tight(slice_of(rows[i].pieces[k]));
            ROW(rows[i].pieces[0], arguments_feed_json(&a, piece) == piece.len);
            unit_drop(piece);
        }
        ROW(rows[i].pieces[0], arguments_are_broken(&a) == (rows[i].text == NULL));
        if (rows[i].text != NULL)
            ROW(rows[i].pieces[0], arguments_hash_text(slice_of(rows[i].text), &hash) &&
                                       arguments_hash(&a) == hash);
    }
}

const CU_TestInfo arguments_tests[] = {
    {"texts, at every cut", test_texts},
    {"depth", test_depth},
    {"in chunks", test_json},
    {"pairs that the chunks part", test_halves},
    {"hash", test_hash},
    CU_TEST_INFO_NULL,
};
