/* SPDX-License-Identifier: MIT */
#include "record/line.h"

#include "../unit.h"
#include "base/limits.h"
#include "json_scan.h"

extern const CU_TestInfo line_tests[];

#define S(literal) HARBORAI_STR_INIT(literal)

static const struct record full = {
    .key = "019aa5d0-0000-7000-8000-000000000001",
    .hb_id = "hb_1795259085123_0000002a",
    .trace_id = "0af7651916cd43dd8448eb211c80319c",
    .parent_span_id = "b7ad6b7169203331",
    .span_id = "00f067aa0ba902b7",
    .request_id = S("req-1"),
    .client = S("127.0.0.1"),
    .tags = S("{ \"team\" : \"a b\", \"tel\":13800138000 }"),
    .model = S("smart"),
    .provider = S("openai"),
    .plugin = S("org.harborai.openai"),
    .upstream_model = S("gpt-4o"),
    .is_stream = true,
    .attempts = 2,
    .begin_ns = INT64_C(1795259085123000001),
    .attempt_begin_ns = INT64_C(1795259085123500000),
    .ttft_ns = 250000000,
    .total_ns = 1000000000,
    .amend_ns = INT64_C(1795259087000000000),
    .http_status = 200,
    .vendor_status = 200,
    .finish_reason = S("stop"),
    .vendor_model = S("gpt-4o-2024-08-06"),
    .vendor_request_id = S("req_abc"),
    .service_tier = S("default"),
    .changed = S("n;dropped, thinking;off"),
    .usage = {.known_mask = 1u << HARBORAI_TOKENS_INPUT | 1u << HARBORAI_TOKENS_CACHE_READ |
                            1u << HARBORAI_TOKENS_OUTPUT | 1u << 20 | 1u << 31,
              .count = {[HARBORAI_TOKENS_INPUT] = 800, [HARBORAI_TOKENS_OUTPUT] = 500, [20] = 9},
              .vendor_json = S("{ \"a\": \"b \\\" c\\\\\",\r\n\t\"d\" : [1, 2] }")},
    .usage_method = S("openai_direct"),
    .usage_confidence = 9,
    .is_cost_known = true,
    .cost_pico = 540013821500,
    .cost_input_pico = 40013821500,
    .cost_output_pico = 500000000000,
    .cost_currency = S("USD"),
    .cost_source = S("plugin:org.harborai.openai 0.1.0"),
    .cost_date = S("2026-11-21"),
    .cost_class = -1,
    .client_bytes_in = 1,
    .client_bytes_out = 2,
    .vendor_bytes_in = 3,
    .vendor_bytes_out = 4,
};

#define FULL_NAMES                                                                                 \
    "\"key\":\"019aa5d0-0000-7000-8000-000000000001\",\"id\":\"hb_1795259085123_0000002a\","       \
    "\"request_id\":\"req-1\",\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\","                  \
    "\"span_id\":\"00f067aa0ba902b7\",\"client\":\"127.0.0.1\",\"provider\":\"openai\","           \
    "\"plugin\":\"org.harborai.openai\","                                                          \
    "\"model\":\"smart\",\"upstream_model\":\"gpt-4o\",\"stream\":true,"
#define TAGS "\"tags\":{\"team\":\"a b\",\"tel\":\"[masked:phone]\"},"
#define NO_BYTES                                                                                   \
    "\"bytes_in\":0,\"bytes_out\":0,\"vendor_bytes_in\":0,\"vendor_bytes_out\":0}"

static const struct record unknown_model = {
    .ttft_ns = -1,
    .cost_class = -1,
    .request_id = S("a\"\n\x01"),
    .model = S("no\xffpe"),
    .status = HARBORAI_E_NOT_FOUND,
    .http_status = 404,
    .error_message = S("model 'nope' is unknown to j@ex.io"),
    .cost_reason = S("no_usage"),
};

static const struct record left = {
    .ttft_ns = -1,
    .status = HARBORAI_E_CANCELLED,
    .http_status = 499,
    .vendor_code = S("x"),
    .usage = {.flags = HARBORAI_USAGE_ESTIMATED, .known_mask = 1u << HARBORAI_TOKENS_AUDIO_IN,
              .count = {[HARBORAI_TOKENS_AUDIO_IN] = 3}},
    .usage_method = S("fallback_zero"),
    .usage_error = S("the answer has no usage"),
    .cost_reason = S("class_no_price"),
    .cost_class = HARBORAI_TOKENS_AUDIO_IN,
    .cost_currency = S("USD"),
};

static const struct row {
    const char *name;
    void (*write)(struct buf *out, const struct record *record);
    const struct record *record;
    const char *want;
} rows[] = {
    {"begin", line_begin, &full,
     "{\"type\":\"begin\"," FULL_NAMES TAGS "\"attempt\":2,\"begin_ns\":1795259085123500000,"
     "\"call_begin_ns\":1795259085123000001}"},
    {"end", line_end, &full,
     "{\"type\":\"end\"," FULL_NAMES TAGS "\"parent_span_id\":\"b7ad6b7169203331\",\"attempts\":2,"
     "\"begin_ns\":1795259085123000001,\"end_ns\":1795259086123000001,\"ttft_ns\":250000000,"
     "\"status\":200,\"outcome\":\"ok\",\"finish_reason\":\"stop\",\"vendor_status\":200,"
     "\"vendor_model\":\"gpt-4o-2024-08-06\",\"vendor_request_id\":\"req_abc\","
     "\"service_tier\":\"default\",\"changed\":\"n;dropped, thinking;off\",\"tokens\":{\"input\":800,\"cache_read\":0,\"output\":500},"
     "\"parsing_method\":\"openai_direct\",\"confidence\":0.9,"
     "\"usage\":{\"a\":\"b \\\" c\\\\\",\"d\":[1,2]},\"cost\":\"0.5400138215\",\"cost_input\":\"0.0400138215\",\"cost_output\":\"0.5\","
     "\"currency\":\"USD\",\"price_source\":\"plugin:org.harborai.openai 0.1.0\","
     "\"price_date\":\"2026-11-21\",\"bytes_in\":1,\"bytes_out\":2,\"vendor_bytes_in\":3,"
     "\"vendor_bytes_out\":4}"},
    {"amend", line_amend, &full,
     "{\"type\":\"amend\"," FULL_NAMES "\"begin_ns\":1795259085123000001,"
     "\"amend_ns\":1795259087000000000,"
     "\"tokens\":{\"input\":800,\"cache_read\":0,\"output\":500},"
     "\"parsing_method\":\"openai_direct\",\"confidence\":0.9,"
     "\"usage\":{\"a\":\"b \\\" c\\\\\",\"d\":[1,2]},\"cost\":\"0.5400138215\",\"cost_input\":\"0.0400138215\",\"cost_output\":\"0.5\","
     "\"currency\":\"USD\",\"price_source\":\"plugin:org.harborai.openai 0.1.0\","
     "\"price_date\":\"2026-11-21\"}"},
    {"before an attempt", line_end, &unknown_model,
     "{\"type\":\"end\",\"request_id\":\"a\\\"\\n\\u0001\",\"model\":\"no\xef\xbf\xbdpe\","
     "\"stream\":false,\"attempts\":0,\"begin_ns\":0,\"end_ns\":0,\"status\":404,"
     "\"outcome\":\"error\",\"error\":{\"code\":\"E_NOT_FOUND\","
     "\"message\":\"model 'nope' is unknown to [masked:email]\"},\"tokens\":{},\"usage\":null,\"cost\":null,"
     "\"cost_reason\":\"no_usage\"," NO_BYTES},
    {"client left", line_end, &left,
     "{\"type\":\"end\",\"stream\":false,\"attempts\":0,\"begin_ns\":0,\"end_ns\":0,"
     "\"status\":499,\"outcome\":\"cancelled\",\"error\":{\"code\":\"E_CANCELLED\","
     "\"vendor_code\":\"x\"},\"tokens\":{\"audio_in\":3},"
     "\"parsing_method\":\"fallback_zero\",\"confidence\":0,"
     "\"parsing_error\":\"the answer has no usage\",\"estimated\":true,\"usage\":null,"
     "\"cost\":null,\"cost_reason\":\"class_no_price\",\"cost_class\":\"audio_in\","
     "\"currency\":\"USD\"," NO_BYTES},
};

static void test_lines(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(buf) b = BUF_INIT(LIMIT_JOURNAL_LINE);
        rows[i].write(&b, rows[i].record);
        ROW(rows[i].name, buf_status(&b, NULL) == HARBORAI_OK);
        ROW(rows[i].name, slice_is(buf_slice(&b), rows[i].want));
        if (!slice_is(buf_slice(&b), rows[i].want))
            fprintf(stderr, "  got  %.*s\n  want %s\n", SLICE_ARG(buf_slice(&b)), rows[i].want);
    }
}

/* The longest line that anyone can cause fits into the journal, and is JSON. */
static void test_longest_line(void)
{
    static const struct {
        const char *name;
        size_t len;
        bool is_kept;
    } usages[] = {{"most", KIB(16), true}, {"one more", KIB(16) + 1, false}};
    static char text[KIB(64)], usage[KIB(64)];
    memset(text, '\x01', sizeof text); /* six bytes when escaped */
    harborai_str most = {text, sizeof text};
    struct record r;
    record_init(&r);
    CU_ASSERT(r.ttft_ns == -1 && r.cost_class == -1 && r.usage.size == sizeof r.usage);
    r = full;
    r.request_id = r.client = r.model = r.provider = r.upstream_model = most;
    r.finish_reason = r.error_message = r.vendor_code = r.vendor_model = most;
    r.vendor_request_id = r.service_tier = most;
    r.cost_source = r.cost_date = r.cost_reason = r.cost_currency = most;
    r.status = HARBORAI_E_VENDOR;
    r.is_cost_known = false;
    for (size_t i = 0; i < ARRAY_LEN(usages); i++) {
        AUTO(buf) b = BUF_INIT(LIMIT_JOURNAL_LINE - 64); /* the journal adds its check */
        struct json_member members[48];
        size_t count = 0;
        snprintf(usage, sizeof usage, "{\"a\":\"%0*d\"}", (int)usages[i].len - 8, 7);
        r.usage.vendor_json = slice_of(usage);
        line_end(&b, &r);
        ROW(usages[i].name, r.usage.vendor_json.len == usages[i].len);
        ROW(usages[i].name, buf_status(&b, NULL) == HARBORAI_OK);
        ROW(usages[i].name, (b.len > KIB(16) + 14 * 512 * 6) == usages[i].is_kept);
        ROW(usages[i].name,
            json_scan_object(buf_slice(&b), NULL, members, 48, &count, NULL) == HARBORAI_OK);
    }
}

const CU_TestInfo line_tests[] = {{"lines", test_lines},
                                  {"longest line", test_longest_line},
                                  CU_TEST_INFO_NULL};
