/* SPDX-License-Identifier: MIT */
/* The body builder, what a chunk says, and the edits of a request. */
#include "chat/usage.h"
#include "client/ask.h"
#include "support.h"

extern const CU_TestInfo body_tests[];

static void test_build(void)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_body *body = harborai_body_new("gpt \"4\"");
    CU_ASSERT(slice_is(harborai_body_str(body, &error), "{\"model\":\"gpt \\\"4\\\"\",\"messages\":[]}"));
    harborai_body_message(body, "user", "a\nb");
    harborai_body_json(body, "temperature", " 0.2 ");
    harborai_body_message_json(body, HARBORAI_STR(" {\"role\":\"tool\"} "));
    harborai_body_json(body, "temperature", "1");
    CU_ASSERT(slice_is(harborai_body_str(body, &error),
                       "{\"model\":\"gpt \\\"4\\\"\",\"temperature\":1,\"messages\":[{\"role\":\"user\","
                       "\"content\":\"a\\nb\"},{\"role\":\"tool\"}]}"));
    harborai_body_json(body, "messages", "[1]");
    CU_ASSERT(slice_is(harborai_body_str(body, &error),
                       "{\"model\":\"gpt \\\"4\\\"\",\"temperature\":1,\"messages\":[1]}"));
    CU_ASSERT(error.code == HARBORAI_OK);
    harborai_body_json(body, "seed", "{");
    harborai_body_json(body, "top_p", "]");
    CU_ASSERT(harborai_body_str(body, &error).len == 0 && error.code == HARBORAI_E_INVALID);
    CU_ASSERT(strstr(error.message, "'seed' is no JSON") != NULL);
    harborai_body_free(body);
    harborai_body_free(NULL);
}

static void test_no_body(void)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_body_message(NULL, "user", "x");
    harborai_body_json(NULL, "x", "1");
    harborai_body_message_json(NULL, HARBORAI_STR("{}"));
    CU_ASSERT(harborai_body_str(NULL, &error).len == 0 && error.code == HARBORAI_E_MEMORY);
    harborai_error_set(&error, HARBORAI_E_CONFIG, "what came before");
    CU_ASSERT(harborai_body_str(NULL, &error).len == 0 && error.code == HARBORAI_E_CONFIG);
    CU_ASSERT(harborai_body_str(NULL, NULL).len == 0);
}

/* What is replaced is not kept: 80 MB go through a body of which 32 MiB are the most. */
static void test_replace(void)
{
    static char json[2000];
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_body *body = harborai_body_new("m");
    memset(json, 'x', sizeof json - 1);
    json[0] = json[sizeof json - 2] = '"';
    for (int i = 0; i < 40000; i++)
        harborai_body_json(body, "user", json);
    CU_ASSERT(harborai_body_str(body, &error).len > sizeof json && error.code == HARBORAI_OK);
    harborai_body_free(body);
}

static void test_wish(void)
{
    static const struct {
        const char *name, *body, *whole, *stream;
    } rows[] = {
        {"absent", "{ \"a\": 1 }", "{ \"a\": 1 }", "{ \"a\": 1,\"stream\":true }"},
        {"true", "{\"stream\":true,\"a\":1}", "{\"a\":1}", "{\"stream\":true,\"a\":1}"},
        {"false", "{\"stream\":false}", "{}", "{\"stream\":true}"},
        {"with options", "{\"stream\":true,\"stream_options\":{}}", "{}",
         "{\"stream\":true,\"stream_options\":{}}"},
        {"twice", "{\"stream\":true,\"stream\":false}", "{\"stream\":true,\"stream\":false}",
         "{\"stream\":true,\"stream\":false}"},
        {"no JSON", "{\"stream\"", "{\"stream\"", "{\"stream\""},
        {"nothing", "", "", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows) * 2; i++) {
        bool streams = i % 2 != 0;
        harborai_error error = HARBORAI_ERROR_INIT;
        struct ask_wish wish = {.body = BUF_INIT(KIB(4))};
        struct arena arena;
        arena_init(&arena, KIB(64));
        ROW(rows[i / 2].name, wish_fill(&wish, &arena, slice_of(rows[i / 2].body), streams, NULL,
                                        &error) == HARBORAI_OK);
        if (!slice_is(buf_slice(&wish.body), streams ? rows[i / 2].stream : rows[i / 2].whole))
            fprintf(stderr, "%.*s\n", SLICE_ARG(buf_slice(&wish.body)));
        ROW(rows[i / 2].name,
            slice_is(buf_slice(&wish.body), streams ? rows[i / 2].stream : rows[i / 2].whole));
        buf_release(&wish.body);
        arena_release(&arena);
    }
}

static void test_piece(void)
{
    static const struct {
        const char *name, *json, *text, *reasoning, *finish;
        uint32_t choice;
    } rows[] = {
        {"text", "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a b\"}}]}", "a b", "", "", 0},
        {"escapes", "{\"choices\":[{\"index\":2,\"delta\":{\"content\":\"a\\n\\u00e9\","
                    "\"reasoning_content\":\"\\\"\"},\"finish_reason\":\"s\\u0074op\"}]}",
         "a\n\xc3\xa9", "\"", "stop", 2},
        {"reasoning", "{\"choices\":[{\"delta\":{\"content\":null,\"reasoning\":\"r\"}}]}", "", "r",
         "", 0},
        {"usage", "{\"choices\":[],\"usage\":{}}", "", "", "", 0},
        {"odd", "{\"choices\":{}}", "", "", "", 0},
    };
    AUTO(buf) scratch = BUF_INIT(KIB(4));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        harborai_chunk chunk;
        harborai_str json = unit_tight(slice_of(rows[i].json));
        ROW(rows[i].name, piece_read(json, &scratch, &chunk));
        ROW(rows[i].name, slice_is(chunk.text, rows[i].text));
        ROW(rows[i].name, slice_is(chunk.reasoning, rows[i].reasoning));
        ROW(rows[i].name, chunk.text.data != NULL && chunk.reasoning.data != NULL);
        ROW(rows[i].name, slice_is(chunk.finish_reason, rows[i].finish));
        ROW(rows[i].name, chunk.choice == rows[i].choice && slice_equal(chunk.json, json));
        unit_drop(json);
    }
}

/* --- What came of a call ------------------------------------------------------------------------ */

static void test_model(void)
{
    static const struct {
        const char *name, *asked, *answered, *model;
    } rows[] = {
        {"by another name", "deepseek-chat", "deepseek-flash", "deepseek-flash"},
        {"the vendor does not say", "gpt-4o", "", "gpt-4o"},
        {"not routed", "", "", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct harborai_reply outcome;
        struct record record;
        record_init(&record);
        record.upstream_model = slice_of(rows[i].asked);
        record.vendor_model = slice_of(rows[i].answered);
        outcome_init(&outcome);
        ROW(rows[i].name, outcome_fill(&outcome, &record, SLICE_NONE, NULL) == HARBORAI_OK);
        ROW(rows[i].name, strcmp(harborai_reply_model(&outcome), rows[i].model) == 0);
        outcome_release(&outcome);
    }
}

static void test_tokens(void)
{
    static const struct {
        const char *name, *usage;
        int64_t in, out;
    } rows[] = {
        {"both", "{\"prompt_tokens\":5,\"completion_tokens\":7}", 5, 7},
        {"all cached", "{\"prompt_tokens\":5,\"completion_tokens\":0,"
                       "\"prompt_tokens_details\":{\"cached_tokens\":5}}", 5, 0},
        {"no answer's", "{\"prompt_tokens\":5,\"completion_tokens\":null,"
                        "\"completion_tokens_details\":{\"reasoning_tokens\":3}}", 5, -1},
        {"no prompt's", "{\"prompt_tokens\":null,\"completion_tokens\":7,"
                        "\"prompt_tokens_details\":{\"cached_tokens\":3}}", -1, 7},
        {"none", "{}", -1, -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct harborai_reply outcome;
        outcome_init(&outcome);
        harborai_status st = usage_parse_openai(slice_of(rows[i].usage), &outcome.usage, NULL);
        ROW(rows[i].name, st >= 0 || st == HARBORAI_E_NOT_FOUND);
        ROW(rows[i].name, harborai_reply_tokens_in(&outcome) == rows[i].in);
        ROW(rows[i].name, harborai_reply_tokens_out(&outcome) == rows[i].out);
        outcome_release(&outcome);
    }
    CU_ASSERT(harborai_reply_tokens_in(NULL) == -1 && harborai_reply_tokens_out(NULL) == -1);
}

static void test_roster(void)
{
    struct roster roster = {0};
    struct ask *asks = calloc(40, sizeof *asks);
    harborai_call_id ids[40];
    for (int i = 0; i < 40; i++) {
        ids[i] = roster_add(&roster, &asks[i]);
        CU_ASSERT(ids[i] != 0 && roster_find(&roster, ids[i]) == &asks[i]);
    }
    roster_remove(&roster, ids[7]);
    roster_remove(&roster, ids[7]);
    CU_ASSERT(roster_find(&roster, ids[7]) == NULL && roster_find(&roster, ids[8]) == &asks[8]);
    harborai_call_id again = roster_add(&roster, &asks[7]);
    CU_ASSERT(again != ids[7] && roster_find(&roster, again) == &asks[7]);
    CU_ASSERT(roster_find(&roster, ids[7]) == NULL && roster_find(&roster, 0) == NULL);
    CU_ASSERT(roster_find(&roster, UINT64_MAX) == NULL);
    roster_release(&roster);
    free(asks);
}

const CU_TestInfo body_tests[] = {{"build", test_build}, {"no body", test_no_body},
                                  {"replace", test_replace},
                                  {"wish", test_wish},   {"piece", test_piece},
                                  {"model", test_model},
                                  {"tokens", test_tokens},
                                  {"roster", test_roster}, CU_TEST_INFO_NULL};
