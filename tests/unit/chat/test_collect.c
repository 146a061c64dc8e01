/* SPDX-License-Identifier: MIT */
#include "chat/collect.h"

#include "../unit.h"
#include "base/limits.h"
#include "delta_rows.h"
#include "json_scan.h"

extern const CU_TestInfo collect_tests[];

#define HEAD                                                                                       \
    "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":17,"                        \
    "\"model\":\"acme/a\\\"b\",\"choices\":["
#define DELTA(members) "{\"choices\":[{\"index\":0,\"delta\":{" members "}}]}"
#define MESSAGE(members)                                                                           \
    "{\"index\":0,\"message\":{\"role\":\"assistant\"," members "},\"finish_reason\":\"length\"}]}"

static const struct answer_id answer = ANSWER_ID;

static const struct {
    const char *name;
    unsigned choices;
    const char *chunks[5]; /* up to NULL */
    const char *want;      /* behind the head */
} answers[] = {
    {"nothing", 1, {NULL}, MESSAGE("\"content\":\"\",\"refusal\":null")},
    {"nothing of two", 2, {DELTA("\"content\":\"a\""), NULL},
     "{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"a\",\"refusal\":null},"
     "\"finish_reason\":\"length\"},{\"index\":1,\"message\":{\"role\":\"assistant\","
     "\"content\":\"\",\"refusal\":null},\"finish_reason\":\"length\"}]}"},
    {"text, as OpenAI streams it", 1,
     {"{\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\","
      "\"system_fingerprint\":\"fp\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\","
      "\"content\":\"\",\"refusal\":null},\"logprobs\":null,\"finish_reason\":null}]}",
      "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\\n\"},\"logprobs\":null,"
      "\"finish_reason\":null}]}",
      "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"b\"},\"finish_reason\":null}]}",
      "{\"choices\":[{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}]}",
      "{\"choices\":[],\"usage\":{\"prompt_tokens\":1},\"system_fingerprint\":\"fp2\"}"},
     "{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"a\\nb\",\"refusal\":null},"
     "\"logprobs\":null,\"finish_reason\":\"stop\"}],\"system_fingerprint\":\"fp2\"}"},
    {"halves of a pair meet", 1,
     {DELTA("\"content\":\"\\ud83d\""), DELTA("\"content\":\"\\ude00\""), NULL},
     MESSAGE("\"content\":\"\\ud83d\\ude00\",\"refusal\":null")},
    {"null replaces nothing", 1,
     {DELTA("\"content\":null"), DELTA("\"content\":\"a\""), DELTA("\"content\":null"), NULL},
     MESSAGE("\"content\":\"a\",\"refusal\":null")},
    {"tool calls, interleaved and late", 1,
     {DELTA("\"content\":null,\"tool_calls\":[{\"index\":1,\"id\":\"t2\",\"type\":\"function\","
            "\"function\":{\"name\":\"now\",\"arguments\":\"\"}}]"),
      DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"t1\",\"type\":\"function\",\"function\":"
            "{\"name\":\"get\",\"arguments\":\"{\\\"a\\\"\"}}]"),
      DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"t1\",\"type\":\"function\",\"function\":"
            "{\"name\":\"get\",\"arguments\":\":1}\"}},{\"index\":1,\"id\":\"\","
            "\"function\":{\"name\":null,\"arguments\":\"{}\"}}]"),
      "{\"choices\":[{\"index\":0,\"finish_reason\":\"tool_calls\"}]}", NULL},
     "{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":null,\"tool_calls\":["
     "{\"id\":\"t1\",\"type\":\"function\",\"function\":{\"name\":\"get\","
     "\"arguments\":\"{\\\"a\\\":1}\"}},{\"id\":\"t2\",\"type\":\"function\",\"function\":"
     "{\"name\":\"now\",\"arguments\":\"{}\"}}],\"refusal\":null},"
     "\"finish_reason\":\"tool_calls\"}]}"},
    {"tool calls without index", 1,
     {DELTA("\"tool_calls\":[{\"id\":\"a\"}]"), DELTA("\"tool_calls\":[ {\"id\":\"b\"} ]"),
      DELTA("\"tool_calls\":[]"), NULL},
     MESSAGE("\"content\":null,\"tool_calls\":[{\"id\":\"a\"},{\"id\":\"b\"}],"
             "\"refusal\":null")},
    {"audio, reasoning and numbers", 1,
     {DELTA("\"audio\":{\"id\":\"au\",\"data\":\"AA\",\"expires_at\":1},\"reasoning\":\"h\""),
      DELTA("\"audio\":{\"data\":\"BB\",\"expires_at\":2},\"reasoning\":\"m\","
            "\"refusal\":\"no\""), NULL},
     MESSAGE("\"content\":null,\"audio\":{\"id\":\"au\",\"data\":\"AABB\",\"expires_at\":2},"
             "\"reasoning\":\"hm\",\"refusal\":\"no\"")},
    {"indexed details keep their index", 1,
     {DELTA("\"reasoning_details\":[{\"type\":\"t\",\"text\":\"a\",\"format\":\"f\",\"index\":0}]"),
      DELTA("\"reasoning_details\":[{\"type\":\"t\",\"text\":\"b\",\"format\":\"f\",\"index\":0}]"),
      NULL},
     MESSAGE("\"content\":\"\",\"reasoning_details\":[{\"type\":\"t\",\"text\":\"ab\","
             "\"format\":\"f\",\"index\":0}],\"refusal\":null")},
    {"a kind that changes: the last holds", 1,
     {DELTA("\"x\":\"a\",\"y\":{\"z\":\"1\"},\"v\":[1]"), DELTA("\"x\":[1],\"y\":2,\"v\":\"s\""),
      NULL},
     MESSAGE("\"content\":\"\",\"x\":[1],\"y\":2,\"v\":\"s\",\"refusal\":null")},
    {"logprobs grow, the rest of a choice is replaced", 1,
     {"{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"logprobs\":{\"content\":["
      "{\"token\":\"a\"}],\"refusal\":null},\"filter\":{\"severity\":\"safe\"}}],\"cites\":[1]}",
      "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"b\"},\"logprobs\":{\"content\":["
      "{\"token\":\"b\"}]},\"filter\":{\"severity\":\"safe\"}}],\"cites\":[1,\n2]}", NULL},
     "{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"ab\",\"refusal\":null},"
     "\"logprobs\":{\"content\":[{\"token\":\"a\"},{\"token\":\"b\"}],\"refusal\":null},"
     "\"filter\":{\"severity\":\"safe\"},\"finish_reason\":\"length\"}],\"cites\":[1,2]}"},
    {"two choices, the second first", 2,
     {"{\"choices\":[{\"index\":1,\"delta\":{\"content\":\"b\"},\"finish_reason\":\"stop\"}]}",
      DELTA("\"content\":\"a\""),
      "{\"choices\":[{\"index\":1,\"delta\":{\"content\":\"c\"},\"finish_reason\":null}]}", NULL},
     "{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"a\",\"refusal\":null},"
     "\"finish_reason\":\"length\"},{\"index\":1,\"message\":{\"role\":\"assistant\","
     "\"content\":\"bc\",\"refusal\":null},\"finish_reason\":\"stop\"}]}"},
    {"numbered from 1", 1,
     {"{\"choices\":[{\"index\":1,\"delta\":{\"content\":\"b\"}}]}", NULL},
     "{\"index\":1,\"message\":{\"role\":\"assistant\",\"content\":\"b\",\"refusal\":null},"
     "\"finish_reason\":\"length\"}]}"},
};

static void test_answers(void)
{
    AUTO(buf) b = BUF_INIT(KIB(64));
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        const char *name = answers[i].name;
        struct collect *c = collect_create(&answer, answers[i].choices, MIB(1));
        CU_ASSERT_FATAL(c != NULL);
        for (size_t k = 0; k < 5 && answers[i].chunks[k] != NULL; k++)
            ROW(name, collect_add(c, slice_of(answers[i].chunks[k]), NULL) == HARBORAI_OK);
        buf_clear(&b);
        ROW(name, collect_write(c, HARBORAI_FINISH_LENGTH, NULL, &b, NULL) == HARBORAI_OK);
        harborai_str got = buf_slice(&b);
        ROW(name, slice_starts_with(got, HEAD));
        ROW(name, json_scan(got, NULL, NULL, NULL) == HARBORAI_OK);
        got = slice_from(got, sizeof HEAD - 1);
        ROW(name, slice_is(got, answers[i].want));
        if (!slice_is(got, answers[i].want))
            fprintf(stderr, "  %.*s\n", SLICE_ARG(got));
        collect_destroy(c);
    }
}

static void test_refused(void)
{
    static const struct {
        const char *name, *chunk, *want;
    } rows[] = {
        {"broken", "{\"choices\":[", "not JSON"},
        {"an array", "[]", "no JSON object"},
        {"the mark of the end", "[DONE]", "not JSON"},
        {"a whole answer", "{\"choices\":[{\"index\":0,\"message\":{\"content\":\"a\"}}]}",
         "no chunk"},
        {"a choice that is none", "{\"choices\":[1]}", "no object"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        harborai_error error = HARBORAI_ERROR_INIT;
        struct collect *c = collect_create(&answer, 1, MIB(1));
        CU_ASSERT_FATAL(c != NULL);
        ROW(rows[i].name, collect_add(c, slice_of(rows[i].chunk), &error) == HARBORAI_E_INVALID);
        ROW(rows[i].name, strstr(error.message, rows[i].want) != NULL);
        collect_destroy(c);
    }
    collect_destroy(NULL);
}

/* How many chunks of a form are taken; %d is their number. */
static void test_limits(void)
{
    static const struct {
        const char *name, *form;
        size_t ceiling;
        int taken;
        harborai_status code;
    } rows[] = {
        {"tool calls", DELTA("\"tool_calls\":[{\"index\":%d,\"id\":\"a\"}]"), MIB(1), 128,
         HARBORAI_E_INVALID},
        {"choices", "{\"choices\":[{\"index\":%d}]}", MIB(1), 128, HARBORAI_E_INVALID},
        {"members", "{\"m%d\":1}", MIB(1), 256, HARBORAI_E_INVALID},
        {"text", DELTA("\"content\":\"%d234567890\""), 600 + 50, -1, HARBORAI_E_MEMORY},
        {"the last holds, for ever", "{\"a\":{\"b\":%d}}", 512, 1000, HARBORAI_OK},
        {"changing kinds end at the ceiling",
         "{\"choices\":[{\"delta\":{\"a\":{\"b\":1}}},{\"delta\":{\"a\":%d}}]}", KIB(4), -1,
         HARBORAI_E_MEMORY},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct collect *c = collect_create(&answer, 1, rows[i].ceiling);
        CU_ASSERT_FATAL(c != NULL);
        harborai_status st = HARBORAI_OK;
        int taken = 0;
        for (; taken < 1000; taken++) {
            AUTO(buf) chunk = BUF_INIT(KIB(1));
            const char *mark = strstr(rows[i].form, "%d");
            buf_add(&chunk, (harborai_str){rows[i].form, (size_t)(mark - rows[i].form)});
            buf_add_u64(&chunk, (uint64_t)taken);
            buf_add(&chunk, slice_of(mark + 2));
            st = collect_add(c, buf_slice(&chunk), NULL);
            if (st < 0)
                break;
        }
        ROW(rows[i].name, st == rows[i].code);
        ROW(rows[i].name, rows[i].taken < 0 ? taken > 0 : taken == rows[i].taken);
        collect_destroy(c);
    }
}

static void test_usage(void)
{
    AUTO(buf) b = BUF_INIT(KIB(4));
    AUTO(buf) small = BUF_INIT(100);
    harborai_usage usage = {.size = sizeof usage};
    struct collect *c = collect_create(&answer, 1, MIB(1));
    CU_ASSERT_FATAL(c != NULL);
    harborai_usage_set(&usage, HARBORAI_TOKENS_OUTPUT, 5);
    CU_ASSERT(collect_add(c, HARBORAI_STR("{\"cites\":[],\"usage\":{\"x\":1}}"), NULL) ==
              HARBORAI_OK);
    CU_ASSERT(collect_write(c, HARBORAI_FINISH_STOP, &usage, &b, NULL) == HARBORAI_OK);
    CU_ASSERT(slice_ends_with(buf_slice(&b), "],\"cites\":[],\"usage\":{\"prompt_tokens\":0,"
                                             "\"completion_tokens\":5,\"total_tokens\":5}}"));
    CU_ASSERT(collect_write(c, HARBORAI_FINISH_STOP, &usage, &small, NULL) == HARBORAI_E_MEMORY);
    collect_destroy(c);
}

/* As deep as the scan lets through. */
static void test_deep(void)
{
    AUTO(buf) text = BUF_INIT(KIB(4));
    AUTO(buf) b = BUF_INIT(MIB(1));
    struct collect *c = collect_create(&answer, 1, MIB(1));
    CU_ASSERT_FATAL(c != NULL);
    buf_add(&text, HARBORAI_STR("{\"choices\":[{\"delta\":"));
    for (int i = 3; i < JSON_DEPTH_DEFAULT; i++)
        buf_add(&text, HARBORAI_STR("{\"a\":"));
    buf_add(&text, HARBORAI_STR("1"));
    for (int i = 3; i < JSON_DEPTH_DEFAULT; i++)
        buf_add_char(&text, '}');
    buf_add(&text, HARBORAI_STR("}]}"));
    CU_ASSERT(collect_add(c, buf_slice(&text), NULL) == HARBORAI_OK);
    CU_ASSERT(collect_add(c, buf_slice(&text), NULL) == HARBORAI_OK);
    CU_ASSERT(collect_write(c, HARBORAI_FINISH_STOP, NULL, &b, NULL) == HARBORAI_OK);
    CU_ASSERT(json_scan(buf_slice(&b), &(struct json_limits){256}, NULL, NULL) == HARBORAI_OK);
    collect_destroy(c);
}

const CU_TestInfo collect_tests[] = {
    {"answers", test_answers},
    {"what is refused", test_refused},
    {"limits", test_limits},
    {"usage", test_usage},
    {"deep", test_deep},
    CU_TEST_INFO_NULL,
};
