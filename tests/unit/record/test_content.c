/* SPDX-License-Identifier: MIT */
#include "record/content.h"

#include "../unit.h"
#include "base/limits.h"
#include "json_value.h"

extern const CU_TestInfo content_tests[];

#define S(literal) HARBORAI_STR_INIT(literal)
#define HEAD(mode) "{\"type\":\"content\",\"key\":\"k\",\"id\":\"hb_1\",\"content\":\"" mode "\""
#define KEY "sk-abc123DEF456ghi789"

static const struct record of_test = {.key = "k", .hb_id = "hb_1"};

/* --- What is written -------------------------------------------------------------------------- */

#define DELTA(delta) "{\"choices\":[{\"index\":0,\"delta\":" delta ",\"finish_reason\":null}]}"
#define CALL(members) DELTA("{\"tool_calls\":[{\"index\":" members "}]}")

static const struct row {
    const char *name;
    enum masker_what masks;
    harborai_str request, answer;
    const char *chunks[8];
    const char *want;
} rows[] = {
    {"a whole answer", MASKER_ALL, S("{ \"a\":\n [1.50, \"j@ex.io\"]}"), S("{\"choices\":[]}"), {NULL},
     HEAD("masked") ",\"request\":{ \"a\": [1.50, \"[masked:email]\"]},\"response\":{\"choices\":[]}}"},
    {"in full", MASKER_KEYS, S("{\"a\":\"j@ex.io " KEY "\",\"n\":13800138000,\"password\":\"x\"}"),
     SLICE_NONE, {NULL},
     HEAD("full") ",\"request\":{\"a\":\"j@ex.io [masked:key]\",\"n\":13800138000,"
                  "\"password\":\"[masked:key]\"}}"},
    {"no answer", MASKER_ALL, S("{}"), SLICE_NONE, {NULL}, HEAD("masked") ",\"request\":{}}"},
    {"nothing", MASKER_ALL, SLICE_NONE, SLICE_NONE, {NULL}, HEAD("masked") "}"},
    {"no JSON", MASKER_ALL, S("{\"a\" \xff\n" KEY), SLICE_NONE, {NULL},
     HEAD("masked") ",\"request\":{\"text\":\"{\\\"a\\\" \xef\xbf\xbd\\n[masked:key]\"}}"},
    {"no object", MASKER_ALL, S("[1]"), SLICE_NONE, {NULL},
     HEAD("masked") ",\"request\":{\"text\":\"[1]\"}}"},
    {"a key of ours", MASKER_ALL, S("{\"a\":\"it is own-words-as-key\"}"), SLICE_NONE, {NULL},
     HEAD("masked") ",\"request\":{\"a\":\"it is ***\"}}"},
    {"one of ours in escapes", MASKER_KEYS, S("{\"a\":\"it is pa\\\"ss\\/wo\\\\rd\\\\\"}"), SLICE_NONE, {NULL},
     HEAD("full") ",\"request\":{\"a\":\"it is ***\\\\\"}}"},
    {"in those of a call's JSON", MASKER_KEYS, SLICE_NONE, SLICE_NONE,
     {CALL("0,\"function\":{\"arguments\":\"{\\\"a\\\":\\\"pa\\\\\\\"ss/wo\"}"),
      CALL("0,\"function\":{\"arguments\":\"\\\\\\\\rd\\\"}\"}")},
     HEAD("full") ",\"response\":{\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
                  "\"tool_calls\":[{\"type\":\"function\",\"function\":{"
                  "\"arguments\":\"{\\\"a\\\":\\\"***\\\"}\"}}]}}]}}"},
    {"a stream", MASKER_ALL, SLICE_NONE, SLICE_NONE,
     {DELTA("{\"role\":\"assistant\",\"content\":\"\"}"), DELTA("{\"reasoning_content\":\"h\\u006d\"}"),
      DELTA("{\"content\":\"a sk-abc123\"}"), DELTA("{\"content\":\"DEF456ghi789 \\\"b\\\"\"}"),
      "{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}",
      "{\"choices\":[],\"usage\":{}}"},
     HEAD("masked") ",\"response\":{\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
                    "\"content\":\"a [masked:key] \\\"b\\\"\",\"reasoning_content\":\"h\\u006d\"},"
                    "\"finish_reason\":\"stop\"}]}}"},
    {"choices", MASKER_ALL, SLICE_NONE, SLICE_NONE,
     {"{\"choices\":[{\"index\":2,\"delta\":{\"content\":\"c\"}},{\"index\":0,\"delta\":{\"refusal\":\"n\"}}]}",
      "{\"choices\":[{\"index\":2,\"delta\":{\"content\":\"d\"}}]}", "{\"choices\":7}", "[]"},
     HEAD("masked") ",\"response\":{\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
                    "\"refusal\":\"n\"}},{\"index\":2,\"message\":{\"role\":\"assistant\","
                    "\"content\":\"cd\"}}]}}"},
    {"calls", MASKER_ALL, SLICE_NONE, SLICE_NONE,
     {CALL("0,\"id\":\"i\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}"),
      CALL("0,\"function\":{\"arguments\":\"{\\\"password\\\":\"}"),
      CALL("0,\"id\":\"i\",\"function\":{\"arguments\":\"\\\"hunter22\\\"}\"}"),
      CALL("1,\"id\":\"j\",\"type\":\"custom\",\"custom\":{\"name\":\"g\",\"input\":\"x\"}")},
     HEAD("masked") ",\"response\":{\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
                    "\"tool_calls\":[{\"id\":\"i\",\"type\":\"function\",\"function\":{\"name\":\"f\","
                    "\"arguments\":\"{\\\"password\\\":\\\"[masked:key]\\\"}\"}},"
                    "{\"id\":\"j\",\"type\":\"custom\",\"custom\":{\"name\":\"g\",\"input\":\"x\"}}]}}]}}"},
};

static void test_lines(void)
{
    struct secrets *secrets = secrets_create();
    CU_ASSERT_FATAL(secrets != NULL);
    CU_ASSERT_FATAL(secrets_add_text(secrets, HARBORAI_STR("own-words-as-key"), NULL) == HARBORAI_OK);
    CU_ASSERT_FATAL(secrets_add_text(secrets, HARBORAI_STR("pa\"ss/wo\\rd"), NULL) == HARBORAI_OK);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(buf) line = BUF_INIT(LIMIT_JOURNAL_CONTENT);
        struct excerpt *said = rows[i].chunks[0] != NULL ? excerpt_create(KIB(4)) : NULL;
        for (size_t c = 0; c < ARRAY_LEN(rows[i].chunks) && rows[i].chunks[c] != NULL; c++)
            excerpt_add(said, slice_of(rows[i].chunks[c]));
        struct content content = {rows[i].masks, KIB(2), rows[i].request, rows[i].answer, said,
                                  secrets};
        content_write(&line, &of_test, &content);
        ROW(rows[i].name, slice_is(buf_slice(&line), rows[i].want));
        if (!slice_is(buf_slice(&line), rows[i].want))
            fprintf(stderr, "%.*s\n", SLICE_ARG(buf_slice(&line)));
        excerpt_destroy(said);
    }
    secrets_unref(secrets);
}

/* --- Where it is cut -------------------------------------------------------------------------- */

/* A text that begins with `head` and goes on with `piece`, up to `len` bytes at least. */
static void fill(struct buf *b, const char *head, const char *piece, size_t len, const char *tail)
{
    buf_add(b, slice_of(head));
    while (b->len < len)
        buf_add(b, slice_of(piece));
    buf_add(b, slice_of(tail));
    CU_ASSERT_FATAL(b->failed == HARBORAI_OK);
}

static bool has(const struct buf *line, const char *text)
{
    return memmem(line->data, line->len, text, strlen(text)) != NULL;
}

/* Whatever the texts are made of, and wherever a key stands in them. */
static void test_cut(void)
{
    static const char *const pieces[] = {"x", "\xe4\xbd\xa0", "\\n", "\\ud83d\\ude00", " " KEY " ",
                                         " j@ex.io ", "\\\\", "c2stYWJjMTIzREVGNDU2Z2hpNzg5 "};
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        for (size_t len = 2 * KIB(1) - 30; len < 4 * KIB(1) + 30; len += len % 512 == 70 ? 400 : 1) {
            AUTO(buf) line = BUF_INIT(LIMIT_JOURNAL_CONTENT);
            AUTO(buf) request = BUF_INIT(KIB(64));
            AUTO(buf) answer = BUF_INIT(KIB(64));
            fill(&request, "{\"a\":\"", pieces[i], len, " " KEY " y\"}");
            fill(&answer, "{\"choices\":[{\"message\":{\"content\":\"", pieces[i], len, " " KEY " y\"}}]}");
            struct content content = {MASKER_ALL, KIB(2), buf_slice(&request), buf_slice(&answer),
                                      NULL, NULL};
            content_write(&line, &of_test, &content);
            ROW(pieces[i], line.failed == HARBORAI_OK && line.len < 2 * KIB(2) + 300);
            ROW(pieces[i], json_scan(buf_slice(&line), NULL, NULL, NULL) == HARBORAI_OK);
            ROW(pieces[i], !has(&line, "abc123") && !has(&line, "sk-a") && !has(&line, "@ex"));
            ROW(pieces[i], !has(&line, "c2stYWJj"));
            bool is_cut = json_pointer_find(buf_slice(&line), HARBORAI_STR("/request/cut")).len > 0;
            ROW(pieces[i], is_cut || !has(&line, "xxx") || len <= KIB(2));
        }
    }
}

/* The most that there can be. */
static void test_most(void)
{
    AUTO(buf) line = BUF_INIT(LIMIT_JOURNAL_CONTENT);
    AUTO(buf) request = BUF_INIT(MIB(4));
    AUTO(buf) chunk = BUF_INIT(MIB(4));
    struct excerpt *said = excerpt_create(LIMIT_CONTENT + CONTENT_BEHIND);
    fill(&request, "", "\x01", MIB(1), "");
    for (unsigned choice = 0; choice < 200; choice++)
        for (unsigned tool = 0; tool < 200; tool++) {
            buf_clear(&chunk);
            buf_printf(&chunk, "{\"choices\":[{\"index\":%u,\"delta\":{\"content\":\"0123456789\","
                               "\"tool_calls\":[{\"index\":%u,\"id\":\"i\",\"function\":{\"name\":\"f\","
                               "\"arguments\":\"{}\"}}]},\"finish_reason\":\"tool_calls\"}]}",
                       choice, tool);
            excerpt_add(said, buf_slice(&chunk));
        }
    struct content content = {MASKER_KEYS, LIMIT_CONTENT, buf_slice(&request), SLICE_NONE, said, NULL};
    content_write(&line, &of_test, &content);
    CU_ASSERT_EQUAL(line.failed, HARBORAI_OK);
    CU_ASSERT(line.len < LIMIT_JOURNAL_CONTENT - 64); /* the journal adds its check */
    CU_ASSERT(json_scan(buf_slice(&line), NULL, NULL, NULL) == HARBORAI_OK);
    CU_ASSERT(json_pointer_find(buf_slice(&line), HARBORAI_STR("/response/cut")).len > 0);
    excerpt_destroy(said);
}

const CU_TestInfo content_tests[] = {
    {"lines", test_lines},
    {"cut", test_cut},
    {"the most", test_most},
    CU_TEST_INFO_NULL,
};
