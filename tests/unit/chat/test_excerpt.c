/* SPDX-License-Identifier: MIT */
#include "chat/excerpt.h"

#include "../unit.h"

extern const CU_TestInfo excerpt_tests[];

#define DELTA(delta) "{\"choices\":[{\"index\":0,\"delta\":" delta ",\"finish_reason\":null}]}"

/* A limit in a string's inside, and the end of a whole character before it. */
static void test_limit(void)
{
    static const struct {
        const char *name, *chunks[3], *kept;
        size_t limit;
        uint64_t total;
        bool is_cut;
    } cuts[] = {
        {"fits", {DELTA("{\"content\":\"abc\"}")}, "abc", 3, 3, false},
        {"letters", {DELTA("{\"content\":\"abcd\"}")}, "abc", 3, 4, true},
        {"UTF-8", {DELTA("{\"content\":\"a\xe4\xbd\xa0\"}")}, "a", 3, 4, true},
        {"an escape", {DELTA("{\"content\":\"ab\\n\"}")}, "ab", 3, 4, true},
        {"a long escape", {DELTA("{\"content\":\"a\\u4f60\"}")}, "a", 6, 7, true},
        {"behind a long escape", {DELTA("{\"content\":\"a\\u4f60b\"}")}, "a\\u4f60", 7, 8, true},
        {"backslashes", {DELTA("{\"content\":\"\\\\\\\\\"}")}, "\\\\", 3, 4, true},
        {"pieces", {DELTA("{\"content\":\"ab\"}"), DELTA("{\"content\":\"cd\"}"), DELTA("{\"content\":\"e\"}")},
         "abc", 3, 5, true},
        {"nothing behind what is missing",
         {DELTA("{\"content\":\"ab\\n\"}"), DELTA("{\"content\":\"c\"}")}, "ab", 3, 5, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cuts); i++) {
        struct excerpt *e = excerpt_create(cuts[i].limit);
        for (size_t c = 0; c < 3 && cuts[i].chunks[c] != NULL; c++)
            excerpt_add(e, slice_of(cuts[i].chunks[c]));
        const struct excerpt_part *p = excerpt_find(e, 0, 0, EXCERPT_CONTENT);
        ROW(cuts[i].name, p != NULL && slice_is(buf_slice(&p->text), cuts[i].kept));
        ROW(cuts[i].name, e->total == cuts[i].total && e->is_cut == cuts[i].is_cut);
        excerpt_destroy(e);
    }
}

/* What stands where, whatever else is there; what is no string or no number is passed over. */
static void test_parts(void)
{
    struct excerpt *e = excerpt_create(1000);
    excerpt_add(e, HARBORAI_STR("{\"choices\":[{\"index\":\"x\",\"delta\":{\"content\":7,\"reasoning\":\"r\"}},"
                                "3,{\"message\":{\"content\":\"m\",\"tool_calls\":[7,{\"id\":\"i\"},"
                                "{\"index\":999,\"function\":{\"name\":\"n\",\"arguments\":\"{}\"}}]},"
                                "\"finish_reason\":\"a reason that is longer than any word should be\"}]}"));
    static const struct {
        const char *name;
        unsigned choice, tool;
        enum excerpt_kind kind;
        const char *want; /* NULL: there is none */
    } parts[] = {
        {"no text", 0, 0, EXCERPT_CONTENT, NULL},
        {"reasoning", 0, 0, EXCERPT_REASONING, "r"},
        {"message", 2, 0, EXCERPT_CONTENT, "m"},
        {"id of a call", 2, 1, EXCERPT_TOOL_ID, "i"},
        {"name, by its place", 2, 2, EXCERPT_TOOL_NAME, "n"},
        {"arguments", 2, 2, EXCERPT_TOOL_INPUT, "{}"},
        {"finish", 2, 0, EXCERPT_FINISH, "a reason that is longer than any"},
        {"no finish", 0, 0, EXCERPT_FINISH, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        const struct excerpt_part *p =
            excerpt_find(e, parts[i].choice, parts[i].tool, parts[i].kind);
        ROW(parts[i].name, (p != NULL) == (parts[i].want != NULL));
        ROW(parts[i].name, p == NULL || slice_is(buf_slice(&p->text), parts[i].want));
    }
    CU_ASSERT_EQUAL(e->total, strlen("rmin{}"));
    excerpt_destroy(e);
    excerpt_destroy(NULL);
}

const CU_TestInfo excerpt_tests[] = {
    {"limit", test_limit},
    {"parts", test_parts},
    CU_TEST_INFO_NULL,
};
