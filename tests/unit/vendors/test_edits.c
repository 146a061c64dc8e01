/* SPDX-License-Identifier: MIT */
/* What clients say and what reaches the vendor: plugins/{deepseek,wenxin,doubao}. */
#include "../unit.h"
#include "base/attr.h"
#include "bench.h"

#define USER "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]"
#define BODY(rest) "{\"model\":\"m\"," USER rest "}"
#define OFF "\"thinking\":{\"type\":\"disabled\"}"
#define ON "\"thinking\":{\"type\":\"enabled\"}"
#define TOOLS "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]"
#define CALLS "\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\"}}]"

static const struct row {
    const char *name, *plugin, *model, *body, *sent, *changed;
} rows[] = {
    /* DeepSeek */
    {"nothing to do", "deepseek", "deepseek-flash", BODY(""), BODY(""), ""},
    {"own words stand", "deepseek", "deepseek-flash", BODY("," ON ",\"reasoning_effort\":\"max\""),
     BODY("," ON ",\"reasoning_effort\":\"max\""), ""},
    {"its own mapping stands", "deepseek", "deepseek-v4-pro",
     BODY(",\"reasoning_effort\":\"minimal\""), BODY(",\"reasoning_effort\":\"minimal\""), ""},
    {"none is off", "deepseek", "deepseek-flash", BODY(",\"reasoning_effort\":\"none\""),
     BODY("," OFF), "/reasoning_effort adapted\n"},
    {"none beside off", "deepseek", "deepseek-flash", BODY("," OFF ",\"reasoning_effort\":\"none\""),
     BODY("," OFF), "/reasoning_effort adapted\n"},
    {"none beside on", "deepseek", "deepseek-flash", BODY("," ON ",\"reasoning_effort\":\"none\""),
     BODY("," ON), "/reasoning_effort dropped\n"},
    {"effort beside off", "deepseek", "deepseek-flash",
     BODY("," OFF ",\"reasoning_effort\":\"high\""), BODY("," OFF), "/reasoning_effort dropped\n"},
    {"Qwen's switch", "deepseek", "deepseek-flash", BODY(",\"enable_thinking\":false"), BODY("," OFF),
     "/enable_thinking adapted\n"},
    {"Qwen's switch, on, with a budget", "deepseek", "deepseek-flash",
     BODY(",\"enable_thinking\":true,\"thinking_budget\":100"), BODY("," ON),
     "/enable_thinking adapted\n/thinking_budget dropped\n"},
    {"Qwen's switch beside its own", "deepseek", "deepseek-flash",
     BODY("," OFF ",\"enable_thinking\":true"), BODY("," OFF), "/enable_thinking dropped\n"},
    {"null says nothing", "deepseek", "deepseek-flash", BODY(",\"enable_thinking\":null"),
     BODY(",\"enable_thinking\":null"), ""},
    {"auto, which it does not know", "deepseek", "deepseek-flash",
     BODY(",\"thinking\":{\"type\":\"adaptive\"}"), BODY(""), "/thinking adapted\n"},
    {"an unknown word is for the vendor", "deepseek", "deepseek-flash",
     BODY(",\"reasoning_effort\":\"ultra\""), BODY(",\"reasoning_effort\":\"ultra\""), ""},
    {"sampling while it thinks", "deepseek", "deepseek-flash",
     BODY(",\"temperature\":0.2,\"presence_penalty\":1,\"frequency_penalty\":-1"), BODY(""),
     "/temperature dropped\n/presence_penalty dropped\n/frequency_penalty dropped\n"},
    {"sampling that asks for nothing", "deepseek", "deepseek-flash",
     BODY(",\"temperature\":1,\"presence_penalty\":0.0,\"n\":1"),
     BODY(",\"temperature\":1,\"presence_penalty\":0.0,\"n\":1"), ""},
    {"sampling while it does not", "deepseek", "deepseek-flash", BODY("," OFF ",\"temperature\":0.2"),
     BODY("," OFF ",\"temperature\":0.2"), ""},
    {"chat is flash without thinking", "deepseek", "deepseek-chat", BODY(",\"temperature\":0.2"),
     "{\"model\":\"deepseek-flash\"," USER ",\"temperature\":0.2," OFF "}", ""},
    {"reasoner is flash with it", "deepseek", "deepseek-reasoner", BODY(",\"temperature\":0.2"),
     "{\"model\":\"deepseek-flash\"," USER "," ON "}", "/temperature dropped\n"},
    {"the client's word beside the old name", "deepseek", "deepseek-chat", BODY("," ON),
     "{\"model\":\"deepseek-flash\"," USER "," ON "}", ""},
    {"auto beside the old name", "deepseek", "deepseek-chat",
     BODY(",\"thinking\":{\"type\":\"auto\"},\"temperature\":0.2"),
     "{\"model\":\"deepseek-flash\"," USER "," OFF ",\"temperature\":0.2}", "/thinking adapted\n"},
    {"an effort beside the old name", "deepseek", "deepseek-chat",
     BODY(",\"reasoning_effort\":\"high\""),
     "{\"model\":\"deepseek-flash\"," USER ",\"reasoning_effort\":\"high\"}", ""},
    {"the limit's name", "deepseek", "deepseek-flash", BODY(",\"max_completion_tokens\":7"),
     BODY(",\"max_tokens\":7"), "/max_completion_tokens adapted\n"},
    {"both limits", "deepseek", "deepseek-flash",
     BODY(",\"max_completion_tokens\":7,\"max_tokens\":5"), BODY(",\"max_tokens\":5"),
     "/max_completion_tokens adapted\n"},
    {"two choices", "deepseek", "deepseek-flash", BODY(",\"n\":2"), BODY(""), "/n dropped\n"},
    {"developer", "deepseek", "deepseek-flash",
     "{\"messages\":[{\"role\":\"developer\",\"content\":\"a\"},{\"content\":\"b\",\"role\":\"user\"},"
     "{\"content\":\"c\",\"role\":\"developer\"}]}",
     "{\"messages\":[{\"role\":\"system\",\"content\":\"a\"},{\"content\":\"b\",\"role\":\"user\"},"
     "{\"content\":\"c\",\"role\":\"system\"}]}",
     "/messages/0/role adapted\n"},
    {"a forced tool", "deepseek", "deepseek-flash", BODY("," TOOLS ",\"tool_choice\":\"required\""),
     BODY("," TOOLS ",\"tool_choice\":\"required\"," OFF), "/thinking off\n"},
    {"a named tool beside an effort", "deepseek", "deepseek-flash",
     BODY("," TOOLS ",\"tool_choice\":{\"type\":\"function\"},\"reasoning_effort\":\"high\""),
     BODY("," TOOLS ",\"tool_choice\":{\"type\":\"function\"}," OFF), "/reasoning_effort off\n"},
    {"a forced tool, and thinking insisted upon", "deepseek", "deepseek-flash",
     BODY("," TOOLS ",\"tool_choice\":\"required\"," ON),
     BODY("," TOOLS ",\"tool_choice\":\"required\"," ON), ""},
    {"a free tool", "deepseek", "deepseek-flash", BODY("," TOOLS ",\"tool_choice\":\"auto\""),
     BODY("," TOOLS ",\"tool_choice\":\"auto\""), ""},
    {"reasoning is there", "deepseek", "deepseek-flash",
     "{\"messages\":[{\"role\":\"assistant\",\"reasoning_content\":\"r\"," CALLS "}]}",
     "{\"messages\":[{\"role\":\"assistant\",\"reasoning_content\":\"r\"," CALLS "}]}", ""},
    {"reasoning is gone", "deepseek", "deepseek-flash",
     "{\"messages\":[{\"role\":\"assistant\"," CALLS "}],\"temperature\":0}",
     "{\"messages\":[{\"role\":\"assistant\"," CALLS "}],\"temperature\":0," OFF "}",
     "/thinking off\n"},
    {"reasoning is gone, thinking insisted upon", "deepseek", "deepseek-flash",
     "{\"messages\":[{\"role\":\"assistant\"," CALLS "}]," ON "}",
     "{\"messages\":[{\"role\":\"assistant\"," CALLS "}]," OFF "}", "/thinking off\n"},
    {"reasoning is gone and not needed", "deepseek", "deepseek-flash",
     "{\"messages\":[{\"role\":\"assistant\"," CALLS "}]," OFF "}",
     "{\"messages\":[{\"role\":\"assistant\"," CALLS "}]," OFF "}", ""},

    /* Qianfan */
    {"nothing to do", "wenxin", "ernie-5.1", BODY(",\"temperature\":0.3,\"penalty_score\":1.2"),
     BODY(",\"temperature\":0.3,\"penalty_score\":1.2"), ""},
    {"own words stand", "wenxin", "ernie-5.1",
     BODY(",\"enable_thinking\":true,\"thinking_budget\":100,\"reasoning_effort\":\"low\""),
     BODY(",\"enable_thinking\":true,\"thinking_budget\":100,\"reasoning_effort\":\"low\""), ""},
    {"an effort turns it on", "wenxin", "ernie-5.1", BODY(",\"reasoning_effort\":\"medium\""),
     BODY(",\"reasoning_effort\":\"medium\",\"enable_thinking\":true"), ""},
    {"the nearest efforts", "wenxin", "ernie-5.1", BODY(",\"reasoning_effort\":\"xhigh\""),
     BODY(",\"reasoning_effort\":\"high\",\"enable_thinking\":true"), "/reasoning_effort adapted\n"},
    {"minimal", "wenxin", "ernie-5.0-thinking-preview", BODY(",\"reasoning_effort\":\"minimal\""),
     BODY(",\"reasoning_effort\":\"low\""), "/reasoning_effort adapted\n"},
    {"none", "wenxin", "ernie-5.0-thinking-preview", BODY(",\"reasoning_effort\":\"none\""),
     BODY(",\"enable_thinking\":false"), "/reasoning_effort adapted\n"},
    {"another's switch", "wenxin", "ernie-5.1", BODY("," ON), BODY(",\"enable_thinking\":true"),
     "/thinking adapted\n"},
    {"another's switch, off", "wenxin", "ernie-5.1", BODY("," OFF ",\"reasoning_effort\":\"low\""),
     BODY(",\"enable_thinking\":false"), "/thinking adapted\n/reasoning_effort dropped\n"},
    {"another's auto", "wenxin", "ernie-5.1", BODY(",\"thinking\":{\"type\":\"auto\"}"), BODY(""),
     "/thinking adapted\n"},
    {"X1 always thinks", "wenxin", "ernie-x1-turbo-32k", BODY(",\"reasoning_effort\":\"none\""),
     BODY(""), "/reasoning_effort dropped\n"},
    {"X1 on", "wenxin", "ernie-x1.1-preview", BODY("," ON ",\"reasoning_effort\":\"max\""),
     BODY(",\"reasoning_effort\":\"high\""), "/thinking adapted\n/reasoning_effort adapted\n"},
    {"X1 in the vendor's words", "wenxin", "ernie-x1.1-preview", BODY(",\"enable_thinking\":false"),
     BODY(",\"enable_thinking\":false"), ""},
    {"R1 always thinks", "wenxin", "deepseek-r1", BODY(",\"enable_thinking\":false"), BODY(""),
     "/enable_thinking dropped\n"},
    {"ERNIE 4.5 that sees", "wenxin", "ernie-4.5-vl-28b-a3b", BODY("," OFF),
     BODY(",\"enable_thinking\":false"), "/thinking adapted\n"},
    {"never thinks", "wenxin", "ernie-speed-pro-128k", BODY(",\"reasoning_effort\":\"high\"," ON),
     BODY("," ON), "/reasoning_effort dropped\n"},
    {"never thinks, as wished", "wenxin", "ernie-speed-pro-128k",
     BODY(",\"reasoning_effort\":\"none\""), BODY(""), ""},
    {"hosted", "wenxin", "deepseek-v4-pro", BODY(",\"enable_thinking\":false"), BODY("," OFF),
     "/enable_thinking adapted\n"},
    {"hosted, own words", "wenxin", "glm-5.2", BODY("," ON), BODY("," ON), ""},
    {"hosted, effort", "wenxin", "kimi-k3", BODY(",\"reasoning_effort\":\"high\""),
     BODY(",\"reasoning_effort\":\"high\"," ON), ""},
    {"developer", "wenxin", "ernie-5.1", "{\"messages\":[{\"role\":\"developer\",\"content\":\"a\"}]}",
     "{\"messages\":[{\"role\":\"system\",\"content\":\"a\"}]}", "/messages/0/role adapted\n"},
    {"one limit", "wenxin", "ernie-5.1", BODY(",\"max_completion_tokens\":7"),
     BODY(",\"max_completion_tokens\":7"), ""},
    {"both limits", "wenxin", "ernie-5.1", BODY(",\"max_completion_tokens\":7,\"max_tokens\":5"),
     BODY(",\"max_tokens\":5"), "/max_completion_tokens adapted\n"},

    /* Ark */
    {"nothing to do", "doubao", "doubao-seed-2-1-pro-260915", BODY(",\"temperature\":0.3"),
     BODY(",\"temperature\":0.3"), ""},
    {"own words stand", "doubao", "doubao-seed-2-1-pro-260915",
     BODY("," ON ",\"reasoning_effort\":\"low\""), BODY("," ON ",\"reasoning_effort\":\"low\""), ""},
    {"minimal is a word of its own", "doubao", "doubao-seed-1-8-251228",
     BODY(",\"reasoning_effort\":\"minimal\""), BODY(",\"reasoning_effort\":\"minimal\""), ""},
    {"the nearest effort", "doubao", "doubao-seed-2-1-pro-260915",
     BODY(",\"reasoning_effort\":\"max\""), BODY(",\"reasoning_effort\":\"high\""),
     "/reasoning_effort adapted\n"},
    {"hosted", "doubao", "deepseek-v4-pro-260425", BODY(",\"reasoning_effort\":\"max\""),
     BODY(",\"reasoning_effort\":\"max\""), ""},
    {"none", "doubao", "doubao-seed-2-1-pro-260915", BODY(",\"reasoning_effort\":\"none\""),
     BODY("," OFF), "/reasoning_effort adapted\n"},
    {"Invalid combination", "doubao", "doubao-seed-2-1-pro-260915",
     BODY("," OFF ",\"reasoning_effort\":\"high\""), BODY("," OFF), "/reasoning_effort dropped\n"},
    {"auto", "doubao", "doubao-seed-2-1-pro-260915", BODY(",\"thinking\":{\"type\":\"auto\"}"),
     BODY(""), "/thinking adapted\n"},
    {"auto of seed-1.6", "doubao", "doubao-seed-1-6-250615",
     BODY(",\"thinking\":{\"type\":\"auto\"}"), BODY(",\"thinking\":{\"type\":\"auto\"}"), ""},
    {"adaptive of seed-1.6", "doubao", "doubao-seed-1-6-250615",
     BODY(",\"thinking\":{\"type\":\"adaptive\"}"), BODY(",\"thinking\":{\"type\":\"auto\"}"),
     "/thinking adapted\n"},
    {"seed-1.6 knows no effort", "doubao", "doubao-seed-1-6-flash-250828",
     BODY(",\"reasoning_effort\":\"high\""), BODY("," ON), "/reasoning_effort adapted\n"},
    {"minimal of seed-1.6", "doubao", "doubao-seed-1-6-250615",
     BODY(",\"reasoning_effort\":\"minimal\""), BODY("," OFF), "/reasoning_effort adapted\n"},
    {"minimal beside its own switch", "doubao", "doubao-seed-1-6-250615",
     BODY("," ON ",\"reasoning_effort\":\"minimal\""), BODY("," ON), "/reasoning_effort dropped\n"},
    {"1.5 knows no auto", "doubao", "doubao-1-5-thinking-pro-250415",
     BODY(",\"thinking\":{\"type\":\"auto\"}"), BODY(""), "/thinking adapted\n"},
    {"1.5 does not think", "doubao", "doubao-1-5-pro-32k-250115",
     BODY(",\"reasoning_effort\":\"high\",\"enable_thinking\":true"), BODY(""),
     "/enable_thinking dropped\n/reasoning_effort dropped\n"},
    {"an endpoint's model", "doubao", "ep-20260915-abcde", BODY(",\"reasoning_effort\":\"high\""),
     BODY("," ON), "/reasoning_effort adapted\n"},
    {"an endpoint of nobody knows what", "doubao", "ep-1", BODY(",\"reasoning_effort\":\"high\""),
     BODY(",\"reasoning_effort\":\"high\""), ""},
    {"audio in answers", "deepseek", "deepseek-flash",
     BODY(",\"modalities\":[\"text\",\"audio\"]"), BODY(""), "/modalities dropped\n"},
    {"text alone", "deepseek", "deepseek-flash", BODY(",\"modalities\":[\"text\"]"),
     BODY(",\"modalities\":[\"text\"]"), ""},
    {"audio in answers", "wenxin", "ernie-5.1",
     BODY(",\"modalities\":[\"text\",\"audio\"]"), BODY(""), "/modalities dropped\n"},
    {"text alone", "wenxin", "ernie-5.1", BODY(",\"modalities\":[\"text\"]"),
     BODY(",\"modalities\":[\"text\"]"), ""},
    {"audio in answers", "doubao", "doubao-seed-2-1-pro-260915",
     BODY(",\"modalities\":[\"text\",\"audio\"]"), BODY(""), "/modalities dropped\n"},
    {"text alone", "doubao", "doubao-seed-2-1-pro-260915", BODY(",\"modalities\":[\"text\"]"),
     BODY(",\"modalities\":[\"text\"]"), ""},
    {"OpenRouter's effort", "deepseek", "deepseek-flash", BODY(",\"reasoning\":{\"effort\":\"high\"}"),
     BODY(",\"reasoning_effort\":\"high\""), "/reasoning adapted\n"},
    {"OpenRouter's none", "deepseek", "deepseek-flash", BODY(",\"reasoning\":{\"effort\":\"none\"}"),
     BODY("," OFF), "/reasoning adapted\n/reasoning_effort adapted\n"},
    {"OpenRouter's effort beside another", "deepseek", "deepseek-flash",
     BODY(",\"reasoning_effort\":\"low\",\"reasoning\":{\"effort\":\"high\"}"),
     BODY(",\"reasoning_effort\":\"low\""), "/reasoning dropped\n"},
    {"OpenRouter's switch", "wenxin", "ernie-5.1", BODY(",\"reasoning\":{\"enabled\":true}"),
     BODY(",\"enable_thinking\":true"), "/reasoning adapted\n"},
    {"OpenRouter's effort", "doubao", "doubao-seed-2-1-pro-260915",
     BODY(",\"reasoning\":{\"effort\":\"max\"}"), BODY(",\"reasoning_effort\":\"high\""),
     "/reasoning adapted\n/reasoning_effort adapted\n"},
    {"OpenRouter's switch, off", "doubao", "doubao-seed-1-6-250615",
     BODY(",\"reasoning\":{\"enabled\":false}"), BODY("," OFF),
     "/reasoning adapted\n/enable_thinking adapted\n"},
    {"one limit", "doubao", "doubao-seed-2-1-pro-260915", BODY(",\"max_tokens\":5"),
     BODY(",\"max_tokens\":5"), ""},
    {"both limits", "doubao", "doubao-seed-2-1-pro-260915",
     BODY(",\"max_completion_tokens\":7,\"max_tokens\":5"), BODY(",\"max_completion_tokens\":7"),
     "/max_tokens adapted\n"},
};

#define URL "\"base_url\":\"https://example.com\""
#define DOUBAO "{" URL ",\"endpoints\":{\"ep-20260915-abcde\":\"doubao-seed-1-6-flash-250828\"}}"

static void open_one(struct bench *b, const char *name)
{
    bench_open(b, name, strcmp(name, "doubao") == 0 ? DOUBAO : "{" URL "}");
}

static void check_row(struct bench *b, const struct row *row, bool streams)
{
    harborai_status st = bench_chat(b, row->model, row->body, streams);
    ROW(row->name, st == HARBORAI_OK);
    ROW(row->name, strcmp(b->sent, row->sent) == 0);
    ROW(row->name, strcmp(b->changed, row->changed) == 0);
    if (strcmp(b->sent, row->sent) != 0 || strcmp(b->changed, row->changed) != 0)
        fprintf(stderr, "  %s sent %s\n  %s\n", row->plugin, b->sent, b->changed);
}

static void test_rows(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bench b;
        open_one(&b, rows[i].plugin);
        check_row(&b, &rows[i], false);
        check_row(&b, &rows[i], true);
        bench_close(&b);
    }
}

static void test_strict(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bench b;
        bool drops = strstr(rows[i].changed, "dropped") != NULL;
        open_one(&b, rows[i].plugin);
        b.is_strict = true;
        harborai_status st = bench_chat(&b, rows[i].model, rows[i].body, false);
        ROW(rows[i].name, st == (drops ? HARBORAI_E_INVALID : HARBORAI_OK));
        ROW(rows[i].name, (b.sent[0] == '\0') == drops);
        bench_close(&b);
    }
}

/* More edits than the first room holds; more messages than a request may have edits. */
static void test_many(void)
{
    static const struct {
        const char *plugin, *config, *model, *message, *sent, *changed;
    } kinds[] = {
        {"wenxin", "{" URL "}", "ernie-5.1", "{\"role\":\"developer\"}", "{\"role\":\"system\"}",
         "/messages/0/role adapted\n"},
        {"openai", "{" URL ",\"message_names\":\"remove\",\"reasoning\":\"drop\"}", "m",
         "{\"name\":\"n\",\"role\":\"user\",\"n\\u0061me\":1}", NULL, "/messages/0/name dropped\n"},
        {"openai", "{" URL ",\"message_names\":\"remove\",\"developer_role\":\"system\"}",
         "gpt-6-sol",
         "{\"role\":\"\\u0064eveloper\",\"name\":\"n\",\"reasoning_content\":\"r\",\"content\":[1]}",
         "{\"role\":\"system\",\"content\":[1]}",
         "/messages/0/role adapted\n/messages/0/name dropped\n"},
        {"openai", "{" URL "}", "gpt-6-sol", "{\"re\\u0061soning\":\"r\"}", "{}", ""},
    };
    static const int counts[] = {1, 40, 5000};
    for (size_t i = 0; i < ARRAY_LEN(kinds) * ARRAY_LEN(counts); i++) {
        static char body[1 << 20], want[1 << 20];
        int count = counts[i % ARRAY_LEN(counts)];
        size_t kind = i / ARRAY_LEN(counts), len = (size_t)sprintf(body, "{\"messages\":[");
        size_t want_len = (size_t)sprintf(want, "{\"messages\":[");
        const char *sent = kinds[kind].sent != NULL ? kinds[kind].sent : "{\"role\":\"user\"}";
        struct bench b;
        if (kinds[kind].sent == NULL && count < 5000)
            continue; /* a member that stands twice: the host refuses edits of it */
        for (int j = 0; j < count; j++) {
            len += (size_t)sprintf(body + len, "%s%s", j > 0 ? "," : "", kinds[kind].message);
            want_len += (size_t)sprintf(want + want_len, "%s%s", j > 0 ? "," : "", sent);
        }
        sprintf(body + len, ",{ \"role\":\"user\"} ,7]}");
        sprintf(want + want_len, count < 5000 ? ",{ \"role\":\"user\"} ,7]}"
                                              : ",{ \"role\":\"user\"},7]}");
        bench_open(&b, kinds[kind].plugin, kinds[kind].config);
        ROW(kinds[kind].message, bench_chat(&b, kinds[kind].model, body, false) == HARBORAI_OK);
        ROW(kinds[kind].message, strcmp(b.changed, kinds[kind].changed) == 0);
        ROW(kinds[kind].message, strcmp(b.sent, want) == 0);
        bench_close(&b);
    }
}

static void test_configuration(void)
{
    static const struct {
        const char *name, *plugin, *config, *param, *message;
    } faults[] = {
        {"no address", "wenxin", "{}", "", "base_url"},
        {"no address", "doubao", "{}", "", "base_url"},
        {"no address", "deepseek", "{}", "", "base_url"},
    };
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        struct bench b;
        harborai_status st = bench_create(&b, faults[i].plugin, faults[i].config);
        ROW(faults[i].name, st == HARBORAI_E_CONFIG);
        ROW(faults[i].name, strcmp(b.error.param, faults[i].param) == 0);
        ROW(faults[i].name, strstr(b.error.message, faults[i].message) != NULL);
        ROW(faults[i].name, strstr(b.error.message, "s3cret") == NULL);
        bench_close(&b);
    }
}

static void test_appid(void)
{
    struct bench b;
    bench_open(&b, "wenxin", "{" URL ",\"appid\":\"app-1\"}");
    CU_ASSERT(bench_chat(&b, "ernie-5.1", BODY(""), false) == HARBORAI_OK);
    CU_ASSERT_STRING_EQUAL(b.headers, "authorization: Bearer %s\nappid: app-1\n");
    bench_close(&b);
    open_one(&b, "wenxin");
    CU_ASSERT(bench_chat(&b, "ernie-5.1", BODY(""), false) == HARBORAI_OK);
    CU_ASSERT_STRING_EQUAL(b.headers, "authorization: Bearer %s\n");
    bench_close(&b);
}

const CU_TestInfo edits_tests[] = {{"rows", test_rows},
                                   {"strict", test_strict},
                                   {"many", test_many},
                                   {"configuration", test_configuration},
                                   {"appid", test_appid},
                                   CU_TEST_INFO_NULL};
