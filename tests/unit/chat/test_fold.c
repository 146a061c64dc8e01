/* SPDX-License-Identifier: MIT */
#include "chat/fold.h"

#include "../unit.h"
#include "base/limits.h"
#include "delta_rows.h"
#include "json_scan.h"

extern const CU_TestInfo fold_tests[];

#define HEAD                                                                                       \
    "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":17,"                        \
    "\"model\":\"acme/a\\\"b\",\"choices\":["
#define NONE {.size = 0}

static const struct answer_id answer = ANSWER_ID;

static void test_answers(void)
{
    static const struct row {
        const char *name;
        unsigned choices;
        harborai_delta deltas[8]; /* up to one without size */
        const char *want;         /* behind the head */
    } rows[] = {
        {"nothing", 1, {NONE},
         "{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null},"
         "\"finish_reason\":\"length\"}]}"},
        {"text", 1,
         {D_TEXT_OF(REASONING, 0, "hm "), D_TEXT_OF(REASONING, 0, "hm"), D_TEXT_OF(TEXT, 0, "a\n"),
          D_TEXT_OF(TEXT, 0, ""), D_TEXT_OF(TEXT, 0, "\xc3\xa9"), D_END(0, STOP)},
         "{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"a\\n\xc3\xa9\","
         "\"reasoning_content\":\"hm hm\",\"refusal\":null},\"finish_reason\":\"stop\"}]}"},
        {"tools", 1,
         {D_CALL(0, 0, "t1", "get", ""), D_CALL(0, 1, "t2", "now", ""), D_INPUT(0, 0, "{\"a\""),
          D_INPUT(0, 0, ":1}"), D_END(0, TOOL_CALLS)},
         "{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":null,\"refusal\":null,"
         "\"tool_calls\":[{\"id\":\"t1\",\"type\":\"function\",\"function\":{\"name\":\"get\","
         "\"arguments\":\"{\\\"a\\\":1}\"}},{\"id\":\"t2\",\"type\":\"function\",\"function\":"
         "{\"name\":\"now\",\"arguments\":\"{}\"}}]},\"finish_reason\":\"tool_calls\"}]}"},
        {"refusal", 1, {D_TEXT_OF(REFUSAL, 0, "n"), D_TEXT_OF(REFUSAL, 0, "o")},
         "{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":null,\"refusal\":\"no\"},"
         "\"finish_reason\":\"length\"}]}"},
        {"two choices", 2,
         {D_TEXT_OF(TEXT, 1, "b"), D_TEXT_OF(TEXT, 0, "a"), D_END(1, CONTENT_FILTER)},
         "{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"a\",\"refusal\":null},"
         "\"finish_reason\":\"length\"},{\"index\":1,\"message\":{\"role\":\"assistant\","
         "\"content\":\"b\",\"refusal\":null},\"finish_reason\":\"content_filter\"}]}"},
        {"extra", 1,
         {D_TEXT_OF(EXTRA, 0, "{\"annotations\":[1],\"o\":{\"x\":1,\"y\":[1]},\"s\":\"a/b\"}"),
          D_TEXT_OF(EXTRA, 0, "{\"annotations\":[2,3],\"o\":{\"y\":[2],\"z\":2},\"s\":null}"),
          D_TEXT_OF(EXTRA_CHOICE, 0, "{\"logprobs\":{\"content\":[1]}}"),
          D_TEXT_OF(EXTRA_CHOICE, 0, "{\"logprobs\":{\"content\":[1.50]}}"),
          D_TEXT_OF(EXTRA_ANSWER, 0, " {\"citations\":[\"a/b\"]} "),
          D_TEXT_OF(EXTRA_ANSWER, 0, "{\"citations\":{}}"), D_TEXT_OF(EXTRA, 0, "{}")},
         "{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null,"
         "\"annotations\":[1,2,3],\"o\":{\"x\":1,\"y\":[1,2],\"z\":2},\"s\":null},"
         "\"logprobs\":{\"content\":[1,1.50]},\"finish_reason\":\"length\"}],\"citations\":{}}"},
        {"replay", 1,
         {D_TEXT_OF(REPLAY, 0, "{\"a\": 1}"), D_TEXT_OF(REPLAY, 0, "{}"), D_TEXT_OF(TEXT, 0, "x")},
         "{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"x\",\"refusal\":null,"
         "\"reasoning_details\":[{\"provider\":\"com.example.acme\",\"data\":{\"a\": 1}},"
         "{\"provider\":\"com.example.acme\",\"data\":{}}]},\"finish_reason\":\"length\"}]}"},
    };
    AUTO(buf) b = BUF_INIT(KIB(64));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fold *fold = fold_create(&answer, rows[i].choices, MIB(1));
        CU_ASSERT_FATAL(fold != NULL);
        for (size_t k = 0; k < 8 && rows[i].deltas[k].size > 0; k++)
            ROW(rows[i].name, fold_add(fold, &rows[i].deltas[k], NULL) == HARBORAI_OK);
        buf_clear(&b);
        buf_add(&b, HARBORAI_STR(""));
        ROW(rows[i].name,
            fold_write(fold, HARBORAI_FINISH_LENGTH, NULL, &b, NULL) == HARBORAI_OK);
        harborai_str got = buf_slice(&b);
        ROW(rows[i].name, slice_starts_with(got, HEAD));
        ROW(rows[i].name, json_scan(got, NULL, NULL, NULL) == HARBORAI_OK);
        got = slice_from(got, sizeof HEAD - 1);
        ROW(rows[i].name, slice_is(got, rows[i].want));
        if (!slice_is(got, rows[i].want))
            fprintf(stderr, "  %.*s\n", SLICE_ARG(got));
        fold_destroy(fold);
    }
}

static void test_usage_and_limits(void)
{
    AUTO(buf) b = BUF_INIT(KIB(64));
    harborai_usage usage = {.size = sizeof usage};
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_delta ten = D_TEXT_OF(TEXT, 127, "0123456789"), bad = D_TEXT_OF(TEXT, 0, "\xff");
    harborai_delta extra = D_TEXT_OF(EXTRA, 0, "{\"a\":1}");

    struct fold *fold = fold_create(&answer, 128, 25);
    CU_ASSERT_FATAL(fold != NULL);
    CU_ASSERT(fold_add(fold, &bad, &error) == HARBORAI_E_INVALID);
    CU_ASSERT(fold_add(fold, &ten, &error) == HARBORAI_OK);
    CU_ASSERT(fold_add(fold, &ten, &error) == HARBORAI_OK);
    CU_ASSERT(fold_add(fold, &ten, &error) == HARBORAI_E_MEMORY);
    CU_ASSERT(fold_add(fold, &extra, &error) == HARBORAI_E_MEMORY); /* it counts more */
    harborai_usage_set(&usage, HARBORAI_TOKENS_OUTPUT, 5);
    CU_ASSERT(fold_write(fold, HARBORAI_FINISH_STOP, &usage, &b, NULL) == HARBORAI_OK);
    CU_ASSERT(slice_ends_with(buf_slice(&b), "\"content\":\"01234567890123456789\","
                                             "\"refusal\":null},\"finish_reason\":\"stop\"}],"
                                             "\"usage\":{\"prompt_tokens\":0,"
                                             "\"completion_tokens\":5,\"total_tokens\":5}}"));
    AUTO(buf) small = BUF_INIT(100);
    CU_ASSERT(fold_write(fold, HARBORAI_FINISH_STOP, &usage, &small, NULL) == HARBORAI_E_MEMORY);
    fold_destroy(fold);
    fold_destroy(NULL);
}

/* All 128 tools of a choice, pieces of their input interleaved. */
static void test_many_tools(void)
{
    AUTO(buf) b = BUF_INIT(MIB(1));
    struct fold *fold = fold_create(&answer, 1, MIB(1));
    CU_ASSERT_FATAL(fold != NULL);
    for (unsigned i = 0; i < DELTA_TOOLS_MOST; i++) {
        harborai_delta call = D_CALL(0, i, "", "f", "{");
        CU_ASSERT(fold_add(fold, &call, NULL) == HARBORAI_OK);
    }
    for (unsigned i = DELTA_TOOLS_MOST; i-- > 0;) {
        harborai_delta input = D_INPUT(0, i, "}");
        CU_ASSERT(fold_add(fold, &input, NULL) == HARBORAI_OK);
    }
    harborai_delta more = D_CALL(0, DELTA_TOOLS_MOST, "", "f", "");
    CU_ASSERT(fold_add(fold, &more, NULL) == HARBORAI_E_INVALID);
    CU_ASSERT(fold_write(fold, HARBORAI_FINISH_STOP, NULL, &b, NULL) == HARBORAI_OK);
    CU_ASSERT(json_scan(buf_slice(&b), NULL, NULL, NULL) == HARBORAI_OK);
    fold_destroy(fold);
}

/* As deep as the scan lets through: json-c must not be the stricter of the two. */
static void test_deep_extra(void)
{
    AUTO(buf) text = BUF_INIT(KIB(4));
    AUTO(buf) b = BUF_INIT(MIB(1));
    struct fold *fold = fold_create(&answer, 1, MIB(1));
    CU_ASSERT_FATAL(fold != NULL);
    buf_add(&text, HARBORAI_STR("{\"a\":"));
    for (int i = 1; i < JSON_DEPTH_DEFAULT; i++)
        buf_add_char(&text, '[');
    for (int i = 1; i < JSON_DEPTH_DEFAULT; i++)
        buf_add_char(&text, ']');
    buf_add_char(&text, '}');
    harborai_delta extra = {.size = sizeof extra, .kind = HARBORAI_DELTA_EXTRA,
                            .text = buf_slice(&text)};
    CU_ASSERT(fold_add(fold, &extra, NULL) == HARBORAI_OK);
    CU_ASSERT(fold_add(fold, &extra, NULL) == HARBORAI_OK);
    CU_ASSERT(fold_write(fold, HARBORAI_FINISH_STOP, NULL, &b, NULL) == HARBORAI_OK);
    fold_destroy(fold);
}

/* As in a stream: choices that finish() ends, too. */
static void test_ends(void)
{
    static const struct row {
        const char *name, *input;
        uint32_t finish;
        harborai_status st;
        const char *want;
    } rows[] = {
        {"stop", "{}", HARBORAI_FINISH_STOP, HARBORAI_OK, "\"finish_reason\":\"tool_calls\""},
        {"half", "{", HARBORAI_FINISH_STOP, HARBORAI_E_PROTOCOL, ""},
        {"half, length", "{", HARBORAI_FINISH_LENGTH, HARBORAI_OK, "\"arguments\":\"{\""},
        {"blanks", " ", HARBORAI_FINISH_STOP, HARBORAI_OK, "\"arguments\":\"{}\""},
        {"again", "{}{}", HARBORAI_FINISH_STOP, HARBORAI_OK, "\"arguments\":\"{}\""},
        {"id", "{}", HARBORAI_FINISH_STOP, HARBORAI_OK, "[{\"id\":\"t\""},
        {"id that stands twice", "{}", HARBORAI_FINISH_STOP, HARBORAI_OK, ",{\"id\":\"call_"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(buf) b = BUF_INIT(KIB(64));
        harborai_delta call = D_CALL(0, 0, "t", "f", ""), second = D_CALL(0, 1, "t", "f", "{}");
        struct fold *fold = fold_create(&answer, 1, MIB(1));
        call.text = slice_of(rows[i].input);
        CU_ASSERT_FATAL(fold != NULL);
        ROW(rows[i].name, fold_add(fold, &call, NULL) == HARBORAI_OK);
        ROW(rows[i].name, fold_add(fold, &second, NULL) == HARBORAI_OK);
        ROW(rows[i].name, fold_write(fold, rows[i].finish, NULL, &b, NULL) == rows[i].st);
        buf_add_char(&b, '\0');
        ROW(rows[i].name, strstr(b.data, rows[i].want) != NULL);
        fold_destroy(fold);
    }
}

const CU_TestInfo fold_tests[] = {
    {"answers", test_answers},
    {"usage and limits", test_usage_and_limits},
    {"many tools", test_many_tools},
    {"deep extra", test_deep_extra},
    {"ends of tool calls", test_ends},
    CU_TEST_INFO_NULL,
};
