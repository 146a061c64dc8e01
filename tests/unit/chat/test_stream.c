/* SPDX-License-Identifier: MIT */
#include "chat/stream.h"

#include <stdlib.h>

#include "../unit.h"

extern const CU_TestInfo stream_tests[];

#define HEAD "{\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":17,\"model\":\"m\","
#define TEXT(i, text)                                                                              \
    HEAD "\"choices\":[{\"index\":" #i ",\"delta\":{\"content\":\"" text "\"},"                    \
         "\"finish_reason\":null}]}"
#define ROLE(i)                                                                                    \
    HEAD "\"choices\":[{\"index\":" #i ",\"delta\":{\"role\":\"assistant\",\"content\":\"\"},"     \
         "\"logprobs\":null,\"finish_reason\":null}]}"
#define END(i, reason)                                                                             \
    HEAD "\"choices\":[{\"index\":" #i ",\"delta\":{},\"finish_reason\":\"" reason "\"}]}"
#define COUNTS "{\"prompt_tokens\":7,\"completion_tokens\":2,\"total_tokens\":9}"
#define USAGE HEAD "\"choices\":[],\"usage\":" COUNTS "}"

/* F forward, H hold, D drop, ! done, E error, B bad, X fault. */
static char letter_of(enum stream_verdict verdict)
{
    static const char letters[] = {[STREAM_FORWARD] = 'F', [STREAM_HOLD] = 'H', [STREAM_DROP] = 'D',
                                   [STREAM_DONE] = '!', [STREAM_ERROR] = 'E', [STREAM_BAD] = 'B',
                                   [STREAM_FAULT] = 'X'};
    return letters[verdict];
}

static void start(struct stream *w, unsigned choices, bool wants_usage)
{
    const struct stream_options options = {.choices = choices, .wants_usage = wants_usage,
                                           .notes_turn = true, .id_seed = 0xabc};
    stream_init(w, &options);
}

static const struct streams_row {
    const char *name;
    unsigned choices;
    bool wants_usage;
    const char *events[10];
    const char *want;
    bool finished, needs_usage;
    unsigned repairs;
} streams[] = {
    {"plain", 1, false, {ROLE(0), TEXT(0, "a"), END(0, "stop"), USAGE, "[DONE]"}, "FFHD!",
     true, false, 0},
    {"usage asked", 1, true, {ROLE(0), TEXT(0, "a"), END(0, "stop"), USAGE, "[DONE]"}, "FFHH!",
     true, false, 0},
    {"usage asked, none came", 1, true, {TEXT(0, "a"), END(0, "stop"), "[DONE]"}, "FH!", true,
     true, 0},
    {"usage with the finish", 1, true,
     {TEXT(0, "a"), HEAD "\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],"
      "\"usage\":" COUNTS "}", "[DONE]"}, "FH!", true, true, 1},
    {"usage null everywhere", 1, false,
     {HEAD "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"},\"finish_reason\":null}],"
      "\"usage\":null}", END(0, "stop"), "[DONE]"}, "FH!", true, false, 0},
    {"usage first", 1, true, {USAGE, TEXT(0, "a"), END(0, "stop"), "[DONE]"}, "DFH!", true,
     true, 1},
    {"usage twice", 1, true, {END(0, "stop"), USAGE, USAGE, "[DONE]"}, "HHD!", true, false, 1},
    {"usage, choices null", 1, true,
     {END(0, "stop"), HEAD "\"choices\":null,\"usage\":" COUNTS "}"}, "HD", true, true, 1},
    {"usage, no choices, not asked", 1, false, {END(0, "stop"), "{\"usage\":" COUNTS "}"}, "HD",
     true, false, 0},
    {"two choices", 2, false,
     {TEXT(0, "a"), TEXT(1, "b"), END(0, "stop"), TEXT(1, "c"), TEXT(1, "d"), END(1, "length"),
      USAGE, "[DONE]"}, "FFFFFHD!", true, false, 0},
    {"two choices end in one chunk", 2, false,
     {HEAD "\"choices\":[{\"index\":0,\"finish_reason\":\"stop\"},"
      "{\"index\":1,\"finish_reason\":\"stop\"}]}"}, "H", true, false, 1},
    {"one of two missing", 2, false, {TEXT(0, "a"), END(0, "stop"), TEXT(1, "b")}, "FFF", false,
     false, 0},
    {"one of two ends twice", 2, false, {END(0, "stop"), END(0, "stop")}, "FF", false, false,
     1},
    {"n ignored by the vendor", 2, false, {TEXT(0, "a"), END(0, "stop"), "[DONE]"}, "FF!", true,
     false, 0},
    {"two begun, one ended, done", 2, false,
     {TEXT(0, "a"), TEXT(1, "b"), TEXT(1, "c"), END(0, "stop"), "[DONE]"}, "FFFF!", false, false,
     0},
    {"no finish_reason, done", 1, false, {ROLE(0), TEXT(0, "a"), "[DONE]"}, "FF!", false, false, 0},
    {"usage alone, done", 1, true, {USAGE, "[DONE]"}, "D!", false, false, 1},
    {"n ignored by the vendor, no done", 2, false, {TEXT(0, "a"), END(0, "stop")}, "FF", false,
     false, 0},
    {"choices counted from 1", 1, false, {TEXT(1, "a"), END(1, "stop")}, "FH", true, false, 0},
    {"no index", 1, false,
     {"{\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}"}, "H", true,
     false, 1},
    {"finish_reason empty", 1, false,
     {"{\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"\"}]}", END(0, "stop")},
     "FH", true, false, 1},
    {"cut", 1, false, {ROLE(0), TEXT(0, "a")}, "FF", false, false, 0},
    {"done mark alone", 1, false, {"[DONE]"}, "!", false, false, 0},
    {"nothing", 1, false, {NULL}, "", false, false, 0},
    {"no done mark", 1, false, {TEXT(0, "a"), END(0, "tool_calls")}, "FH", true, false, 0},
    {"done with blanks, then more", 1, false,
     {TEXT(0, "a"), END(0, "stop"), " [DONE] ", TEXT(0, "b")}, "FH!D", true, false, 0},
    {"text after the end is held", 1, false, {END(0, "stop"), TEXT(0, "a")}, "HH", true, false,
     0},
    {"empty events", 1, false, {"", TEXT(0, "a"), " ", END(0, "stop")}, "DFDH", true, false, 0},
    {"one bad chunk", 1, false, {TEXT(0, "a"), "{\"choices\":[{", END(0, "stop")}, "FDH", true,
     false, 1},
    {"not an object", 1, false, {"[1]", "\"x\"", "hello", TEXT(0, "a"), END(0, "stop")},
     "DBBFH", true, false, 1},
    {"choices of another kind", 1, false,
     {"{\"choices\":{}}", "{\"choices\":5}", "{\"choices\":\"x\"}", "{\"choices\":[1]}",
      "{\"choices\":[{},null]}", TEXT(0, "a"), "{\"choices\":[1]}", "{\"choices\":[ {}, \"x\" ]}",
      "{\"choices\":{}}"}, "DBBBXFBXB", false, false, 1},
    {"bare objects", 1, false, {"{}", "{\"choices\":null}", TEXT(0, "a"), END(0, "stop")},
     "DDFH", true, false, 2},
    {"Azure's filter results", 1, false,
     {"{\"choices\":[],\"prompt_filter_results\":[]}", TEXT(0, "a"), END(0, "stop")}, "FFH",
     true, false, 0},
    {"error", 1, false, {TEXT(0, "a"), "{\"error\":{\"message\":\"x\"}}"}, "FE", false, false,
     0},
    {"finish_reason that is a failure", 1, false,
     {TEXT(0, "a"), END(0, "insufficient_system_resource"), "[DONE]"}, "FE!", false, false, 0},
    {"error as text", 1, false, {"{\"error\":\"x\"}"}, "E", false, false, 0},
    {"error null", 1, false, {"{\"error\":null,\"choices\":[]}"}, "F", false, false, 0},
    {"error object of vLLM", 1, false, {"{\"object\":\"error\",\"message\":\"x\"}"}, "E", false,
     false, 0},
    {"index out of range", 1, false,
     {"{\"choices\":[{\"index\":-1,\"finish_reason\":\"stop\"}]}",
      "{\"choices\":[{\"index\":128,\"finish_reason\":\"stop\"}]}",
      "{\"choices\":[{\"index\":0,\"finish_reason\":3}]}"}, "FFF", false, false, 1},
    {"escaped keys", 1, false,
     {"{\"ch\\u006fices\":[{\"finish_re\\u0061son\":\"stop\"}]}"}, "H", true, false, 1},
    {"escaped keys behind content", 1, false,
     {TEXT(0, "a"), "{\"choices\":[{\"finish_re\\u0061son\":\"stop\"}]}"}, "FH", true,
     false, 1},
    {"names inside text behind content", 1, false,
     {TEXT(0, "a"), TEXT(0, "finish_reason"), TEXT(0, "\\\"finish_reason\\\":\\\"stop\\\""),
      TEXT(0, "\\u0066"), END(0, "stop")}, "FFFFH", true, false, 0},
    {"finish_reason with blanks", 1, false,
     {TEXT(0, "a"), "{\"choices\":[ {\"finish_reason\" : null} ]}",
      "{\"choices\":[ {\"finish_reason\" : \"stop\"} ]}"}, "FFH", true, false, 2},
    {"choices with a blank inside", 1, false, {"{\"choices\":[ ],\"usage\":{}}"}, "D", false,
     false, 0},
    {"names inside text", 1, false,
     {"{\"choices\":[{\"delta\":{\"content\":\"\\\"finish_reason\\\":\\\"stop\\\"\"}}]}"}, "F",
     false, false, 1},
};

static void test_streams(void)
{
    for (size_t i = 0; i < ARRAY_LEN(streams); i++) {
        struct stream w;
        char got[11] = "";
        start(&w, streams[i].choices, streams[i].wants_usage);
        for (size_t k = 0; k < 10 && streams[i].events[k] != NULL; k++)
            got[k] = letter_of(stream_event(&w, slice_of(streams[i].events[k])));
        ROW(streams[i].name, strcmp(got, streams[i].want) == 0);
        ROW(streams[i].name, stream_is_finished(&w) == streams[i].finished);
        ROW(streams[i].name, stream_needs_usage_chunk(&w) == streams[i].needs_usage ||
                              !streams[i].finished);
        ROW(streams[i].name, w.repairs == streams[i].repairs);
        stream_release(&w);
    }
}

static void test_records(void)
{
    struct stream w;
    AUTO(buf) b = BUF_INIT(KIB(4));

    start(&w, 3, true);
    stream_event(&w, HARBORAI_STR(ROLE(0)));
    CU_ASSERT(!w.has_content && w.chunks == 1 && w.usage.len == 0);
    stream_event(&w, HARBORAI_STR(TEXT(0, "a")));
    CU_ASSERT(w.has_content);
    stream_event(&w, HARBORAI_STR(END(0, "content_filter")));
    stream_event(&w, HARBORAI_STR(END(1, "eos_token_seen")));
    stream_event(&w, HARBORAI_STR(END(2, "function_call")));
    CU_ASSERT(w.finish[0] == STREAM_CONTENT_FILTER && w.finish[1] == STREAM_OTHER &&
              w.finish[2] == STREAM_TOOL_CALLS && w.closed == 3);
    CU_ASSERT(slice_is((harborai_str){w.vendor_finish.data, w.vendor_finish.len},
                       "\"eos_token_seen\""));
    stream_event(&w, HARBORAI_STR(USAGE));
    CU_ASSERT(slice_is(w.usage, COUNTS));
    stream_write_usage_chunk(&w, w.usage, &b);
    CU_ASSERT(slice_is(buf_slice(&b), USAGE));

    stream_release(&w);

    /* What the first chunk did not say, or said at too great length. */
    start(&w, 1, true);
    buf_clear(&b);
    buf_add(&b, HARBORAI_STR("{\"created\":{},\"id\":\""));
    for (int i = 0; i < 300; i++)
        buf_add_char(&b, 'x');
    buf_add(&b, HARBORAI_STR("\",\"choices\":[{}]}"));
    CU_ASSERT(stream_event(&w, buf_slice(&b)) == STREAM_FORWARD);
    buf_clear(&b);
    stream_write_usage_chunk(&w, HARBORAI_STR("{\n\"a\":1}"), &b);
    CU_ASSERT(slice_is(buf_slice(&b), "{\"id\":\"\",\"object\":\"chat.completion.chunk\","
                                      "\"created\":0,\"model\":\"\",\"choices\":[],"
                                      "\"usage\":{\"a\":1}}"));
    stream_release(&w);
}

static void test_content(void)
{
    static const struct row {
        const char *delta;
        bool want;
    } rows[] = {
        {"{}", false},
        {"{\"role\":\"assistant\"}", false},
        {"{\"role\":\"assistant\",\"content\":\"\"}", false},
        {"{\"content\":null,\"refusal\":null}", false},
        {"{\"tool_calls\":[]}", false},
        {"{\"content\":\"x\"}", true},
        {"{\"content\":null,\"reasoning_content\":\"x\"}", true},
        {"{\"tool_calls\":[{\"index\":0}]}", true},
        {"null", false},
    };
    AUTO(buf) b = BUF_INIT(KIB(4));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct stream w;
        start(&w, 1, false);
        buf_clear(&b);
        buf_printf(&b, "{\"choices\":[{\"delta\":%s}]}", rows[i].delta);
        stream_event(&w, buf_slice(&b));
        ROW(rows[i].delta, w.has_content == rows[i].want);
        stream_release(&w);
    }
}

#define NAMED(names) "{" names "\"choices\":[{\"delta\":{}}]}"
#define FILTER(names) "{" names "\"choices\":[]}"
#define TIER(name) "\"service_tier\":\"" name "\","
#define MODEL(name) "\"model\":\"" name "\","
#define LONG "0123456789012345678901234567890123456789012345678901234567890123456789"

static void test_names(void)
{
    static const struct row {
        const char *name, *events[4], *news, *model, *tier;
    } rows[] = {
        {"none", {NAMED(""), NAMED("")}, "--", "", ""},
        {"null", {NAMED("\"model\":null,\"service_tier\":null,")}, "-", "", ""},
        {"both in every chunk", {NAMED(MODEL("m") TIER("flex")), NAMED(MODEL("m") TIER("flex"))},
         "+-", "\"m\"", "\"flex\""},
        {"the last tier holds", {NAMED(TIER("auto")), NAMED(TIER("priority")), NAMED("")}, "++-",
         "", "\"priority\""},
        {"a tier with the usage", {NAMED(MODEL("m")), FILTER(TIER("flex"))}, "++", "\"m\"",
         "\"flex\""},
        {"the first model holds", {NAMED(MODEL("m")), NAMED(MODEL("n"))}, "+-", "\"m\"", ""},
        {"Azure names it in the second", {FILTER(MODEL("")), NAMED(MODEL("m"))}, "-+", "\"m\"", ""},
        {"numbers", {NAMED("\"model\":{},\"service_tier\":[],")}, "-", "", ""},
        {"too long", {NAMED(TIER(LONG LONG) MODEL(LONG LONG))}, "-", "", ""},
        {"not of an error", {NAMED(TIER("flex")), "{" TIER("priority") "\"error\":{\"code\":1}}"}, "+-", "",
         "\"flex\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct stream w;
        char news[5] = "";
        start(&w, 1, false);
        for (size_t k = 0; rows[i].events[k] != NULL; k++) {
            stream_event(&w, slice_of(rows[i].events[k]));
            news[k] = w.has_named ? '+' : '-';
        }
        ROW(rows[i].name, strcmp(news, rows[i].news) == 0);
        ROW(rows[i].name, slice_is((harborai_str){w.model.data, w.model.len}, rows[i].model));
        ROW(rows[i].name,
            slice_is((harborai_str){w.service_tier.data, w.service_tier.len}, rows[i].tier));
        stream_release(&w);
    }
}

/* Every prefix of a stream's event is a bad chunk, of which one is forgiven, and nothing else. */
static void test_truncated(void)
{
    harborai_str whole = HARBORAI_STR(TEXT(0, "h\\u00e9\xc3\xa9"));
    for (size_t len = 1; len < whole.len; len++) {
        struct stream w;
        char *copy = slice_dup(slice_cut(whole, len)); /* for the sanitizer */
        start(&w, 1, false);
        CU_ASSERT(stream_event(&w, (harborai_str){copy, len}) == STREAM_DROP && w.chunks == 0);
        CU_ASSERT(stream_event(&w, (harborai_str){copy, len}) == STREAM_BAD && w.chunks == 0);
        stream_release(&w);
        free(copy);
    }
}

const CU_TestInfo stream_tests[] = {
    {"verdicts", test_streams},
    {"what is recorded", test_records},
    {"content", test_content},
    {"names", test_names},
    {"truncated", test_truncated},
    CU_TEST_INFO_NULL,
};
