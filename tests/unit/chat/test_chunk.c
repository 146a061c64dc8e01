/* SPDX-License-Identifier: MIT */
#include "chat/chunk.h"

#include "../unit.h"
#include "base/limits.h"
#include "delta_rows.h"
#include "json_scan.h"

extern const CU_TestInfo chunk_tests[];

#define HEAD                                                                                       \
    "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":17,"                  \
    "\"model\":\"acme/a\\\"b\",\"choices\":["
#define CHUNK(i, delta) HEAD "{\"index\":" #i ",\"delta\":{" delta "},\"finish_reason\":null}]}"
#define ROLE "\"role\":\"assistant\""

static const struct answer_id answer = ANSWER_ID;

static void test_chunks(void)
{
    static const struct row {
        const char *name;
        harborai_delta delta;
        const char *want; /* "" = nothing is written */
    } rows[] = {
        {"nothing yet", D_TEXT_OF(TEXT, 0, ""), ""},
        {"first text", D_TEXT_OF(TEXT, 0, "Hi\n\"you\""),
         CHUNK(0, ROLE ",\"content\":\"Hi\\n\\\"you\\\"\"")},
        {"more text", D_TEXT_OF(TEXT, 0, " there"), CHUNK(0, "\"content\":\" there\"")},
        {"other choice", D_TEXT_OF(REASONING, 1, "hm"),
         CHUNK(1, ROLE ",\"reasoning_content\":\"hm\"")},
        {"refusal", D_TEXT_OF(REFUSAL, 1, "no"), CHUNK(1, "\"refusal\":\"no\"")},
        {"tool call", D_CALL(0, 0, "t1", "get", ""),
         CHUNK(0, "\"tool_calls\":[{\"index\":0,\"id\":\"t1\",\"type\":\"function\","
                  "\"function\":{\"name\":\"get\",\"arguments\":\"\"}}]")},
        {"tool input", D_INPUT(0, 0, "{\"a\":"),
         CHUNK(0, "\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"a\\\":\"}}]")},
        {"no tool input", D_INPUT(0, 0, ""), ""},
        {"the rest, and all of it again", D_INPUT(0, 0, "1}{\"a\":1}"),
         CHUNK(0, "\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"1}\"}}]")},
        {"again", D_INPUT(0, 0, "{\"a\":1}"), ""},
        {"whole tool call", D_CALL(0, 1, "t2", "put", "{}"),
         CHUNK(0, "\"tool_calls\":[{\"index\":1,\"id\":\"t2\",\"type\":\"function\","
                  "\"function\":{\"name\":\"put\",\"arguments\":\"{}\"}}]")},
        {"call without input", D_CALL(0, 2, "t3", "now", ""),
         CHUNK(0, "\"tool_calls\":[{\"index\":2,\"id\":\"t3\",\"type\":\"function\","
                  "\"function\":{\"name\":\"now\",\"arguments\":\"\"}}]")},
        {"extra", D_TEXT_OF(EXTRA, 0, " {\n\"annotations\" : []\n} "),
         CHUNK(0, "\"annotations\" : []")},
        {"extra, empty", D_TEXT_OF(EXTRA, 0, "{ }"), ""},
        {"extra of a new choice", D_TEXT_OF(EXTRA_CHOICE, 2, "{\"logprobs\":null}"),
         HEAD "{\"index\":2,\"delta\":{" ROLE "},\"logprobs\":null,\"finish_reason\":null}]}"},
        {"extra of the answer", D_TEXT_OF(EXTRA_ANSWER, 0, "{\"citations\":[1]}"),
         HEAD "{\"index\":0,\"delta\":{},\"finish_reason\":null}],\"citations\":[1]}"},
        {"replay", D_TEXT_OF(REPLAY, 0, "{\"sig\":\n1}"),
         CHUNK(0, "\"reasoning_details\":[{\"provider\":\"com.example.acme\","
                  "\"data\":{\"sig\":1}}]")},
        {"end", D_END(0, TOOL_CALLS),
         HEAD "{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":2,\"function\":"
              "{\"arguments\":\"{}\"}}]},\"finish_reason\":\"tool_calls\"}]}"},
        {"end of another", D_END(1, LENGTH),
         HEAD "{\"index\":1,\"delta\":{},\"finish_reason\":\"length\"}]}"},
        {"answer's extra after the end", D_TEXT_OF(EXTRA_ANSWER, 0, "{\"a\":1}"),
         HEAD "{\"index\":0,\"delta\":{},\"finish_reason\":null}],\"a\":1}"},
    };
    struct arena arena;
    struct chunk_writer w;
    AUTO(buf) b = BUF_INIT(KIB(64));

    arena_init(&arena, MIB(1));
    CU_ASSERT_FATAL(chunk_writer_init(&w, &arena, &answer, 3, NULL) == HARBORAI_OK);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf_clear(&b);
        ROW(rows[i].name, chunk_write(&w, &rows[i].delta, &b, NULL) == HARBORAI_OK);
        ROW(rows[i].name, slice_is(buf_slice(&b), rows[i].want));
        ROW(rows[i].name, b.len == 0 || json_scan(buf_slice(&b), NULL, NULL, NULL) == HARBORAI_OK);
        if (!slice_is(buf_slice(&b), rows[i].want))
            fprintf(stderr, "  %.*s\n", SLICE_ARG(buf_slice(&b)));
    }
    CU_ASSERT(chunk_next_open(&w) == 2);
    buf_clear(&b);
    harborai_delta end = D_END(2, STOP);
    CU_ASSERT(chunk_write(&w, &end, &b, NULL) == HARBORAI_OK && chunk_next_open(&w) == 3);

    harborai_usage usage = {.size = sizeof usage};
    harborai_usage_set(&usage, HARBORAI_TOKENS_INPUT, 1);
    buf_clear(&b);
    chunk_write_usage(&w, &usage, &b);
    CU_ASSERT(slice_is(buf_slice(&b), HEAD "],\"usage\":{\"prompt_tokens\":1,"
                                           "\"completion_tokens\":0,\"total_tokens\":1}}"));
    arena_release(&arena);
}

/* Each row breaks the contract, after a tool call of choice 0 and END of choice 1. */
static void test_breaches(void)
{
    static const struct row {
        const char *name;
        harborai_delta delta;
        const char *want;
    } rows[] = {
        {"no size", {0}, "without its size"},
        {"kind", {.size = sizeof(harborai_delta), .kind = 10}, "kind 10"},
        {"choice", D_TEXT_OF(TEXT, 2, "x"), "choice 2 where 2"},
        {"after the end", D_TEXT_OF(TEXT, 1, "x"), "has ended"},
        {"end twice", D_END(1, STOP), "has ended"},
        {"UTF-8", D_TEXT_OF(TEXT, 0, "\xff"), "UTF-8"},
        {"half a character", D_INPUT(0, 0, "\xc3"), "UTF-8"},
        {"tool again", D_CALL(0, 0, "t", "f", ""), "tool call 0 begins where 1"},
        {"tool skipped", D_CALL(0, 2, "t", "f", ""), "tool call 2 begins where 1"},
        {"tool 128", D_CALL(0, 128, "t", "f", ""), "more than 128"},
        {"tool without name", D_CALL(0, 1, "t", "", ""), "without a name"},
        {"input without call", D_INPUT(0, 1, "x"), "has not begun"},
        {"input 4 billion", D_INPUT(0, UINT32_MAX, "x"), "has not begun"},
        {"extra array", D_TEXT_OF(EXTRA, 0, "[]"), "no JSON object"},
        {"extra broken", D_TEXT_OF(EXTRA, 0, "{"), "no JSON object"},
        {"extra empty", D_TEXT_OF(EXTRA, 0, ""), "no JSON object"},
        {"extra content", D_TEXT_OF(EXTRA, 0, "{\"x\":1,\"c\\u006fntent\":1}"), "'content'"},
        {"extra finish", D_TEXT_OF(EXTRA_CHOICE, 0, "{\"finish_reason\":1}"), "'finish_reason'"},
        {"extra usage", D_TEXT_OF(EXTRA_ANSWER, 0, "{\"usage\":1}"), "'usage'"},
        {"replay text", D_TEXT_OF(REPLAY, 0, "\"x\""), "no JSON object"},
        {"finish reason",
         {.size = sizeof(harborai_delta), .kind = HARBORAI_DELTA_END, .finish_reason = 4},
         "number 4"},
    };
    struct arena arena;
    struct chunk_writer w;
    AUTO(buf) b = BUF_INIT(KIB(64));
    harborai_delta call = D_CALL(0, 0, "", "f", ""), end = D_END(1, STOP);

    arena_init(&arena, MIB(1));
    CU_ASSERT_FATAL(chunk_writer_init(&w, &arena, &answer, 2, NULL) == HARBORAI_OK);
    CU_ASSERT(chunk_write(&w, &call, &b, NULL) == HARBORAI_OK);
    CU_ASSERT(chunk_write(&w, &end, &b, NULL) == HARBORAI_OK);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        harborai_error error = HARBORAI_ERROR_INIT;
        size_t before = b.len;
        ROW(rows[i].name, chunk_write(&w, &rows[i].delta, &b, &error) == HARBORAI_E_INVALID);
        ROW(rows[i].name, strstr(error.message, rows[i].want) != NULL);
        ROW(rows[i].name, b.len == before);
    }
    arena_release(&arena);
}

static void test_ids_and_limits(void)
{
    struct arena arena;
    struct chunk_writer w;
    AUTO(buf) a = BUF_INIT(KIB(64));
    AUTO(buf) b = BUF_INIT(KIB(64));
    AUTO(buf) small = BUF_INIT(100);
    harborai_delta call = D_CALL(127, 0, "", "f", ""), second = D_CALL(127, 1, "", "f", "");

    delta_write_tool_id(&a, &answer, &call);
    delta_write_tool_id(&b, &answer, &call);
    CU_ASSERT(slice_equal(buf_slice(&a), buf_slice(&b)));
    CU_ASSERT(a.len <= 42 && a.data[0] == '"'); /* 40 and the quotes */
    buf_clear(&b);
    delta_write_tool_id(&b, &answer, &second);
    CU_ASSERT(!slice_equal(buf_slice(&a), buf_slice(&b)));

    arena_init(&arena, MIB(1));
    CU_ASSERT_FATAL(chunk_writer_init(&w, &arena, &answer, LIMIT_REQUEST_CHOICES, NULL) == 0);
    CU_ASSERT(chunk_write(&w, &call, &small, NULL) == HARBORAI_E_MEMORY);
    buf_clear(&b);
    for (unsigned i = 1; i < DELTA_TOOLS_MOST; i++) {
        second.tool_index = i;
        buf_clear(&b);
        CU_ASSERT(chunk_write(&w, &second, &b, NULL) == HARBORAI_OK);
    }
    arena_release(&arena);
    arena_init(&arena, 8);
    CU_ASSERT(chunk_writer_init(&w, &arena, &answer, 128, NULL) == HARBORAI_E_MEMORY);
    arena_release(&arena);
}

/* What finish and arguments come to at the end of choice 0, after a call with them. */
static void test_ends(void)
{
    static const struct row {
        const char *name, *input;
        uint32_t finish;
        harborai_status st;
        const char *want;
    } rows[] = {
        {"stop", "{}", HARBORAI_FINISH_STOP, HARBORAI_OK, "\"tool_calls\""},
        {"tool calls", "{}", HARBORAI_FINISH_TOOL_CALLS, HARBORAI_OK, "\"tool_calls\""},
        {"half, stop", "{\"a\"", HARBORAI_FINISH_STOP, HARBORAI_E_PROTOCOL, ""},
        {"half, tool calls", "{", HARBORAI_FINISH_TOOL_CALLS, HARBORAI_E_PROTOCOL, ""},
        {"no JSON", "a=1", HARBORAI_FINISH_TOOL_CALLS, HARBORAI_E_PROTOCOL, ""},
        {"half, length", "{", HARBORAI_FINISH_LENGTH, HARBORAI_OK, "\"length\""},
        {"half, filter", "{", HARBORAI_FINISH_CONTENT_FILTER, HARBORAI_OK, "\"content_filter\""},
        {"blanks", " \n", HARBORAI_FINISH_STOP, HARBORAI_OK, "\"arguments\":\"{}\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena arena;
        struct chunk_writer w;
        harborai_error error = HARBORAI_ERROR_INIT;
        AUTO(buf) b = BUF_INIT(KIB(64));
        harborai_delta call = D_CALL(0, 0, "t", "f", ""), input = D_INPUT(0, 0, ""),
                       end = D_END(0, STOP);
        arena_init(&arena, MIB(1));
        input.text = slice_of(rows[i].input);
        end.finish_reason = rows[i].finish;
        CU_ASSERT_FATAL(chunk_writer_init(&w, &arena, &answer, 1, NULL) == HARBORAI_OK);
        ROW(rows[i].name, chunk_write(&w, &call, &b, NULL) == HARBORAI_OK);
        ROW(rows[i].name, chunk_write(&w, &input, &b, NULL) == HARBORAI_OK);
        buf_clear(&b);
        ROW(rows[i].name, chunk_write(&w, &end, &b, &error) == rows[i].st);
        ROW(rows[i].name, (b.len == 0) == (rows[i].st < 0));
        buf_add_char(&b, '\0');
        ROW(rows[i].name, strstr(b.data, rows[i].want) != NULL);
        ROW(rows[i].name, rows[i].st == HARBORAI_OK ||
                              strstr(error.message, "arguments are not complete JSON") != NULL);
        ROW(rows[i].name, (chunk_next_open(&w) == 0) == (rows[i].st < 0));
        arena_release(&arena);
    }
}

static void test_double_ids(void)
{
    struct arena arena;
    struct chunk_writer w;
    AUTO(buf) b = BUF_INIT(KIB(64));
    harborai_delta calls[] = {D_CALL(0, 0, "t", "f", ""), D_CALL(0, 1, "t", "f", ""),
                              D_CALL(1, 0, "t", "f", "")};
    static const char *const want[] = {"\"id\":\"t\"", "\"id\":\"call_", "\"id\":\"t\""};
    arena_init(&arena, MIB(1));
    CU_ASSERT_FATAL(chunk_writer_init(&w, &arena, &answer, 2, NULL) == HARBORAI_OK);
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        buf_clear(&b);
        CU_ASSERT(chunk_write(&w, &calls[i], &b, NULL) == HARBORAI_OK);
        buf_add_char(&b, '\0');
        ROW(want[i], strstr(b.data, want[i]) != NULL);
    }
    arena_release(&arena);
}

const CU_TestInfo chunk_tests[] = {
    {"chunks", test_chunks},
    {"breaches of contract", test_breaches},
    {"tool ids and limits", test_ids_and_limits},
    {"ends of tool calls", test_ends},
    {"ids that stand twice", test_double_ids},
    CU_TEST_INFO_NULL,
};
