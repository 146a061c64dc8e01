/* SPDX-License-Identifier: MIT */
#include "../unit.h"
#include "base/attr.h"
#include "replayed.h"

extern const CU_TestInfo replayed_tests[];

#define CALLS                                                                                      \
    "\"tool_calls\":[{\"id\":\"call_1\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]"
#define BODY(messages) "{\"model\":\"m\",\"messages\":[" messages "]}"

static void test_lacks_reasoning(void)
{
    static const struct {
        const char *name, *body;
        bool lacks;
    } rows[] = {
        {"no tools", BODY("{\"role\":\"user\",\"content\":\"tool_calls\"}"), false},
        {"calls alone", BODY("{\"role\":\"assistant\"," CALLS "}"), true},
        {"calls with it", BODY("{\"reasoning_content\":\"hm\"," CALLS "}"), false},
        {"it comes later", BODY("{" CALLS ",\"reasoning_content\":\"hm\"}"), false},
        {"without a thought", BODY("{" CALLS ",\"reasoning_content\":\"\"}"), false},
        {"null is nothing", BODY("{" CALLS ",\"reasoning_content\":null}"), true},
        {"the second lacks it", BODY("{" CALLS ",\"reasoning_content\":\"a\"},{" CALLS "}"), true},
        {"no calls in the list", BODY("{\"tool_calls\":[]}"), false},
        {"no list", BODY("{\"tool_calls\":null}"), false},
        {"an answer", BODY("{\"role\":\"assistant\",\"content\":\"x\"}"), false},
        {"escaped keys", BODY("{\"tool_c\\u0061lls\":[1]}"), true},
        {"elsewhere", "{" CALLS ",\"messages\":[{\"content\":{" CALLS "}}]}", false},
        {"no messages", "{}", false},
        {"odd messages", "{\"messages\":[1,null,[],{}]}", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        harborai_str body = {rows[i].body, strlen(rows[i].body)};
        harborai_str tight = unit_tight(body);
        ROW(rows[i].name, replayed_lacks_reasoning(tight) == rows[i].lacks);
        unit_drop(tight);
    }
}

const CU_TestInfo replayed_tests[] = {{"lacks reasoning", test_lacks_reasoning}, CU_TEST_INFO_NULL};
