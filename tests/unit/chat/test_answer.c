/* SPDX-License-Identifier: MIT */
#include "chat/answer.h"

#include "../unit.h"

extern const CU_TestInfo answer_tests[];

#define ANSWER                                                                                     \
    "{\"id\":\"c1\",\"model\":\"m\",\"service_tier\":\"flex\",\"choices\":[{\"index\":0,"           \
    "\"message\":{\"content\":\"x\"},\"finish_reason\":\"stop\"},"                                   \
    "{\"index\":1,\"finish_reason\":\"length\"}],"                                                 \
    "\"usage\":{\"prompt_tokens\":1}}"

static void test_good(void)
{
    static const struct row {
        const char *name, *body, *error, *finish;
        unsigned choices;
    } rows[] = {
        {"plain", ANSWER, "", "\"stop\"", 2},
        {"keep-alive lines", "\n\n \r\n" ANSWER "\n", "", "\"stop\"", 2},
        {"error", "{\"error\":{\"message\":\"x\"}}", "{\"message\":\"x\"}", "", 0},
        {"error as text", "{\"error\":\"x\"}", "\"x\"", "", 0},
        {"finish_reason that is a failure",
         "{\"choices\":[{\"finish_reason\":\"insufficient_system_resource\"}]}",
         "\"insufficient_system_resource\"", "\"insufficient_system_resource\"", 1},
        {"vLLM", "{\"object\":\"error\",\"message\":\"x\"}",
         "{\"object\":\"error\",\"message\":\"x\"}", "", 0},
        {"error null", "{\"error\":null,\"choices\":[{\"finish_reason\":null}],\"usage\":null}", "",
         "", 1},
        {"error \"\" beside choices", "{\"error\":\"\",\"choices\":[{}]}", "", "", 1},
        {"error false beside choices", "{\"choices\":[{}],\"error\":false}", "", "", 1},
        {"error 0 beside choices", "{\"choices\":[{}],\"error\":0}", "", "", 1},
        {"error {} beside choices", "{\"choices\":[{}],\"error\":{ }}", "", "", 1},
        {"error [] beside choices", "{\"error\":[],\"choices\":[{}]}", "", "", 1},
        {"error {} alone", "{\"error\":{},\"choices\":[]}", "{}", "", 0},
        {"error beside choices", "{\"choices\":[{}],\"error\":{\"code\":502}}", "{\"code\":502}", "",
         1},
        {"error that is a number", "{\"choices\":[{}],\"error\":502}", "502", "", 1},
        {"error of Gemini", "{\"choices\":[{}],\"error\":[{\"code\":429}]}", "[{\"code\":429}]",
         "", 1},
        {"error {} beside a finish_reason that is a failure",
         "{\"choices\":[{\"finish_reason\":\"insufficient_system_resource\"}],\"error\":{}}",
         "\"insufficient_system_resource\"", "\"insufficient_system_resource\"", 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct chat_answer a;
        harborai_status st = answer_check(slice_of(rows[i].body), &a, NULL);
        ROW(rows[i].name, st == HARBORAI_OK);
        if (st != HARBORAI_OK)
            continue;
        ROW(rows[i].name, a.body.data[0] == '{' && a.body.data[a.body.len - 1] == '}');
        ROW(rows[i].name, slice_is(a.error, rows[i].error));
        ROW(rows[i].name, slice_is(a.finish_reason, rows[i].finish));
        ROW(rows[i].name, a.choices == rows[i].choices);
        ROW(rows[i].name, a.choices != 2 || (slice_is(a.id, "\"c1\"") &&
                                             slice_is(a.model, "\"m\"") &&
                                             slice_is(a.service_tier, "\"flex\"") &&
                                             slice_is(a.usage, "{\"prompt_tokens\":1}")));
    }
}

static void test_bad(void)
{
    static const struct row {
        const char *name, *body, *want;
    } rows[] = {
        {"empty", "", "an empty body"},
        {"blank", "\n\n", "an empty body"},
        {"html", "<!DOCTYPE html><html>secret</html>", "an HTML page"},
        {"html", "\n<HTML>", "an HTML page"},
        {"xml", "<?xml version=\"1.0\"?>", "XML or HTML"},
        {"text", "secret", "text that is not JSON"},
        {"array", "[1]", "other JSON"},
        {"no choices", "{\"id\":\"secret\"}", "other JSON"},
        {"choices empty", "{\"choices\":[]}", "other JSON"},
        {"stream", "data: {\"choices\":[]}", "a stream of events"},
        {"cut", "{\"choices\":[{\"secret\":1}]", "unexpected end at byte 25 of 25"},
        {"two", ANSWER ANSWER, "text behind the end of the document at byte"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct chat_answer a;
        harborai_error error = HARBORAI_ERROR_INIT;
        ROW(rows[i].name,
            answer_check(slice_of(rows[i].body), &a, &error) == HARBORAI_E_PROTOCOL);
        ROW(rows[i].name, strstr(error.message, rows[i].want) != NULL);
        ROW(rows[i].name, strstr(error.message, "secret") == NULL);
    }
}

const CU_TestInfo answer_tests[] = {
    {"good", test_good},
    {"bad", test_bad},
    CU_TEST_INFO_NULL,
};
