/* SPDX-License-Identifier: MIT */
#include "store/call.h"

#include "../unit.h"
#include "base/limits.h"
#include "pricing/money.h"

extern const CU_TestInfo call_tests[];

#define NAMES                                                                                      \
    "\"key\":\"0198f2a0-0000-7000-8000-000000000001\",\"id\":\"hb_1763700000000_00000001\","        \
    "\"request_id\":\"r-1\",\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\","                     \
    "\"span_id\":\"b7ad6b7169203331\",\"client\":\"127.0.0.1\",\"provider\":\"deepseek\","           \
    "\"plugin\":\"org.harborai.deepseek\",\"model\":\"deepseek-chat\","                             \
    "\"upstream_model\":\"deepseek-chat\",\"stream\":true,\"tags\":{\"team\":\"a b\"},"             \
    "\"parent_span_id\":\"00f067aa0ba902b7\""
#define TIMES "\"attempts\":2,\"begin_ns\":1763700000000000001,\"end_ns\":1763700001000000001,"      \
              "\"ttft_ns\":250000000"
#define USAGE                                                                                      \
    "\"tokens\":{\"input\":10,\"cache_read\":5,\"output\":7,\"reasoning\":3,\"searches\":2},"        \
    "\"parsing_method\":\"deepseek_direct\",\"confidence\":0.9,\"usage\":{\"prompt_tokens\":15,"     \
    "\"completion_tokens\":10,\"total_tokens\":26}"
#define COST                                                                                       \
    "\"cost\":\"0.5400138215\",\"cost_input\":\"0.5\",\"cost_output\":\"0.0400138215\","             \
    "\"currency\":\"CNY\",\"price_source\":\"plugin:org.harborai.deepseek 0.1.0\","                 \
    "\"price_date\":\"2026-11-21\""
#define BYTES "\"bytes_in\":100,\"bytes_out\":200,\"vendor_bytes_in\":300,\"vendor_bytes_out\":400"
#define FAULT                                                                                      \
    "\"error\":{\"code\":\"E_NETWORK\",\"message\":\"line\\nbroke \\\"so\\\"\",\"vendor_code\":\"x\"}"
#define WHOLE                                                                                      \
    "{\"type\":\"end\"," NAMES "," TIMES ",\"status\":200,\"outcome\":\"error\"," FAULT              \
    ",\"finish_reason\":\"stop\",\"vendor_status\":200,\"vendor_model\":\"deepseek-chat-v3\","       \
    "\"vendor_request_id\":\"v-1\",\"service_tier\":\"default\",\"changed\":\"thinking;off\","       \
    "\"stream_repairs\":4," USAGE "," COST "," BYTES "}"
#define LEAST "\"key\":\"k\",\"begin_ns\":5"

/* With a blank behind its brace a line is none that is read in order: it says the same. */
static void read_blank(const char *end, const char *amend, const struct call *want)
{
    AUTO(buf) texts = BUF_INIT(KIB(64)), first = BUF_INIT(KIB(64)), second = BUF_INIT(KIB(64));
    const char *lines[] = {end, amend};
    char blank[2][4096] = {"", ""};
    struct call call;
    for (int i = 0; i < 2; i++)
        if (lines[i] != NULL)
            snprintf(blank[i], sizeof blank[i], "{ %s", lines[i] + 1);
    CU_ASSERT_EQUAL_FATAL(call_read(slice_of(blank[0]), slice_of(blank[1]), &texts, &call, NULL),
                          HARBORAI_OK);
    call_write(&first, want);
    call_write(&second, &call);
    CU_ASSERT(slice_equal(buf_slice(&first), buf_slice(&second)));
    CU_ASSERT_EQUAL(call.prompt_tokens, want->prompt_tokens);
    CU_ASSERT_EQUAL(call.completion_tokens, want->completion_tokens);
    CU_ASSERT_EQUAL(call.total_tokens, want->total_tokens);
}

static struct call read(struct buf *texts, const char *end, const char *amend)
{
    struct call call = {.status = -1};
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_status st = call_read(slice_of(end), slice_of(amend), texts, &call, &error);
    if (st < 0)
        fprintf(stderr, "\n  %s\n", error.message);
    CU_ASSERT_EQUAL_FATAL(st, HARBORAI_OK);
    read_blank(end, amend, &call);
    return call;
}

/* All members are read, with that what is written is the line again. */
static void test_whole(void)
{
    AUTO(buf) texts = BUF_INIT(KIB(64));
    AUTO(buf) again = BUF_INIT(KIB(64));
    struct call call = read(&texts, WHOLE, NULL);
    CU_ASSERT(slice_is(call.plugin, "org.harborai.deepseek"));
    CU_ASSERT(slice_is(call.error_message, "line\nbroke \"so\""));
    CU_ASSERT(slice_is(call.tags, "{\"team\":\"a b\"}"));
    CU_ASSERT_EQUAL(call.outcome, CALL_ERROR);
    CU_ASSERT_EQUAL(call.prompt_tokens, 15);
    CU_ASSERT_EQUAL(call.completion_tokens, 10);
    CU_ASSERT_EQUAL(call.total_tokens, 26); /* as the vendor says */
    CU_ASSERT_EQUAL(call.confidence, 9);
    CU_ASSERT(call.is_cost_known);
    CU_ASSERT_EQUAL(call.cost_pico, 540013821500);
    call_write(&again, &call);
    CU_ASSERT(slice_is(buf_slice(&again), WHOLE));
}

static void test_numbers(void)
{
    static const struct row {
        const char *name, *members;
        int64_t prompt, completion, total, cost_pico; /* cost -1: not known */
    } rows[] = {
        {"nothing", "", -1, -1, -1, -1},
        {"null", ",\"usage\":null,\"cost\":null", -1, -1, -1, -1},
        {"only input", ",\"tokens\":{\"input\":3}", 3, -1, 3, -1},
        {"only units", ",\"tokens\":{\"images\":3}", -1, -1, -1, -1},
        {"known to be nothing", ",\"tokens\":{\"input\":0,\"output\":0}", 0, 0, 0, -1},
        {"without a total of the vendor's", ",\"tokens\":{\"input\":3,\"output\":4},\"usage\":{\"x\":1}",
         3, 4, 7, -1},
        {"a class to come", ",\"tokens\":{\"dreams\":3,\"output\":4}", -1, 4, 4, -1},
        {"no number", ",\"tokens\":{\"input\":\"3\",\"output\":-4}", -1, -1, -1, -1},
        {"free", ",\"cost\":\"0\"", -1, -1, -1, 0},
        {"the most", ",\"cost\":\"9223372.036854775807\"", -1, -1, -1, INT64_MAX},
        {"too much", ",\"cost\":\"9223372.036854775808\"", -1, -1, -1, -1},
        {"too exact", ",\"cost\":\"0.0000000000001\"", -1, -1, -1, -1},
        {"a whole one", ",\"cost\":\"12\"", -1, -1, -1, 12 * MONEY_PICO},
        {"no decimal", ",\"cost\":\"1e3\"", -1, -1, -1, -1},
        {"a point without decimals", ",\"cost\":\"1.\"", -1, -1, -1, -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];
        AUTO(buf) texts = BUF_INIT(KIB(64));
        char line[512];
        snprintf(line, sizeof line, "{\"type\":\"end\"," LEAST "%s}", row->members);
        struct call call = read(&texts, line, NULL);
        ROW(row->name, call.prompt_tokens == row->prompt);
        ROW(row->name, call.completion_tokens == row->completion);
        ROW(row->name, call.total_tokens == row->total);
        ROW(row->name, call.is_cost_known == (row->cost_pico >= 0));
        ROW(row->name, !call.is_cost_known || call.cost_pico == row->cost_pico);
    }
}

#define AMEND                                                                                      \
    "{\"type\":\"amend\",\"key\":\"k\",\"begin_ns\":5,\"model\":\"other\",\"amend_ns\":9,"           \
    "\"tokens\":{\"input\":1},\"usage\":null,\"cost\":\"2\",\"currency\":\"USD\"}"

static void test_amend(void)
{
    AUTO(buf) texts = BUF_INIT(KIB(64));
    struct call call = read(&texts, WHOLE, AMEND);
    CU_ASSERT(slice_is(call.model, "deepseek-chat")); /* not the amend line's to say */
    CU_ASSERT_EQUAL(call.amend_ns, 9);
    CU_ASSERT_EQUAL(call.known_mask, 1);
    CU_ASSERT_EQUAL(call.total_tokens, 1);
    CU_ASSERT_EQUAL(call.cost_pico, 2 * MONEY_PICO);
    CU_ASSERT_EQUAL(call.cost_input_pico, -1);
    CU_ASSERT(slice_is(call.currency, "USD"));
    CU_ASSERT_EQUAL(call.price_source.len, 0); /* no longer known */
    CU_ASSERT_EQUAL(call.parsing_method.len, 0);
    call = read(&texts, NULL, AMEND);
    CU_ASSERT(slice_is(call.key, "k"));
    CU_ASSERT(slice_is(call.model, "other"));
    CU_ASSERT_EQUAL(call.end_ns, 0);
}

static void test_texts(void)
{
    static const struct row {
        const char *name, *json, *want;
    } rows[] = {
        {"plain", "a", "a"},
        {"NUL", "a\\u0000\\u0000b", "a\xef\xbf\xbd\xef\xbf\xbd" "b"},
        {"half a surrogate pair", "\\ud83d!", "\xef\xbf\xbd!"},
        {"Chinese", "\xe6\xa8\xa1\xe5\x9e\x8b\\n", "\xe6\xa8\xa1\xe5\x9e\x8b\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(buf) texts = BUF_INIT(KIB(64));
        char line[256];
        snprintf(line, sizeof line, "{\"type\":\"end\"," LEAST ",\"model\":\"%s\",\"client\":\"%s\"}",
                 rows[i].json, rows[i].json);
        harborai_str tight = unit_tight(slice_of(line));
        struct call call;
        ROW(rows[i].name, call_read(tight, SLICE_NONE, &texts, &call, NULL) == HARBORAI_OK);
        ROW(rows[i].name, slice_is(call.model, rows[i].want));
        ROW(rows[i].name, slice_is(call.client, rows[i].want)); /* the first has not moved */
        ROW(rows[i].name, slice_is(call.model, rows[i].want));
        unit_drop(tight);
    }
}

static void test_refused(void)
{
    static const struct row {
        const char *name, *end, *amend;
    } rows[] = {
        {"nothing", "", ""},
        {"no JSON", "{\"type\":\"end\"", ""},
        {"no object", "[1]", ""},
        {"another line", "{\"type\":\"begin\"," LEAST "}", ""},
        {"of no type", "{" LEAST "}", ""},
        {"without a key", "{\"type\":\"end\",\"begin_ns\":5}", ""},
        {"without a begin", "{\"type\":\"end\",\"key\":\"k\"}", ""},
        {"amended by an end line", "{\"type\":\"end\"," LEAST "}", "{\"type\":\"end\"," LEAST "}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(buf) texts = BUF_INIT(KIB(64));
        struct call call;
        ROW(rows[i].name, call_read(slice_of(rows[i].end), slice_of(rows[i].amend), &texts, &call,
                                    NULL) == HARBORAI_E_INVALID);
    }
}

/* Members to come do not hinder: neither objects nor those with a known name and another kind. */
static void test_unknown(void)
{
    AUTO(buf) texts = BUF_INIT(KIB(64));
    struct call call = read(&texts,
                            "{\"later\":{\"type\":\"x\"},\"type\":\"end\",\"model\":7,\"error\":\"no\","
                            "\"status\":\"200\",\"seq\":4,\"crc\":\"00000000\"," LEAST "}",
                            NULL);
    CU_ASSERT_EQUAL(call.model.len, 0);
    CU_ASSERT_EQUAL(call.error_code.len, 0);
    CU_ASSERT_EQUAL(call.status, 0);
    CU_ASSERT_EQUAL(call.ttft_ns, -1);
}

const CU_TestInfo call_tests[] = {
    {"all members, there and back", test_whole},
    {"tokens and money", test_numbers},
    {"an amend line", test_amend},
    {"texts with escapes", test_texts},
    {"no call", test_refused},
    {"members not known", test_unknown},
    CU_TEST_INFO_NULL,
};
