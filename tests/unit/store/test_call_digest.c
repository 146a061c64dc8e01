/* SPDX-License-Identifier: MIT */
#include "store/call_digest.h"

#include "../unit.h"
#include "base/limits.h"

extern const CU_TestInfo call_digest_tests[];

static const char line[] =
    "{\"type\":\"end\",\"key\":\"0192aaaa-bbbb-7ccc-8ddd-eeeeffff0011\",\"id\":\"hb_1\","
    "\"request_id\":\"r\",\"trace_id\":\"t\",\"span_id\":\"s\",\"client\":\"c\",\"provider\":\"p\","
    "\"plugin\":\"g\",\"model\":\"m\",\"upstream_model\":\"u\",\"stream\":true,\"attempts\":1,"
    "\"begin_ns\":1000000,\"end_ns\":3000007,\"ttft_ns\":5,\"status\":200,\"outcome\":\"ok\","
    "\"finish_reason\":\"stop\",\"vendor_status\":200,\"tokens\":{\"input\":1,\"output\":2},"
    "\"parsing_method\":\"x_direct\",\"confidence\":0.8,\"usage\":null,\"cost\":\"0.5\","
    "\"cost_input\":\"0.2\",\"cost_output\":\"0.3\",\"currency\":\"USD\",\"bytes_in\":1,"
    "\"bytes_out\":2,\"vendor_bytes_in\":3,\"vendor_bytes_out\":4}";

static void read_call(struct buf *texts, struct call *call)
{
    CU_ASSERT_FATAL(call_read(slice_of(line), SLICE_NONE, texts, call, NULL) == HARBORAI_OK);
}

/* What is changed tells in one half of the digest, and in words. */
static void test_changes(void)
{
    static const struct row {
        const char *name;
        size_t offset;
        bool is_use;
    } rows[] = {
#define ROW_(member, is_use) {#member, offsetof(struct call, member), is_use}
        ROW_(status, false),          ROW_(vendor_status, false),   ROW_(attempts, false),
        ROW_(ttft_ns, false),         ROW_(bytes_in, false),        ROW_(bytes_out, false),
        ROW_(vendor_bytes_in, false), ROW_(vendor_bytes_out, false), ROW_(end_ns, false),
        ROW_(prompt_tokens, true),    ROW_(completion_tokens, true), ROW_(total_tokens, true),
        ROW_(tokens, true),           ROW_(known_mask, true),        ROW_(confidence, true),
        ROW_(cost_pico, true),        ROW_(cost_input_pico, true),   ROW_(cost_output_pico, true),
#undef ROW_
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(buf) texts = BUF_INIT(KIB(4));
        AUTO(buf) words = BUF_INIT(KIB(4));
        struct call call, other;
        struct call_digest a, b;
        read_call(&texts, &call);
        other = call;
        *((unsigned char *)&other + rows[i].offset) ^= 2;
        call_digest_make(&call, &a);
        call_digest_make(&other, &b);
        call_digest_explain(&call, &other, true, true, &words);
        ROW(rows[i].name, (a.end != b.end) == !rows[i].is_use && (a.use != b.use) == rows[i].is_use);
        ROW(rows[i].name, words.len > 0);
    }
}

/* What no store keeps, or only to the microsecond. */
static void test_what_does_not_count(void)
{
    AUTO(buf) texts = BUF_INIT(KIB(4));
    AUTO(buf) words = BUF_INIT(KIB(4));
    struct call call, other;
    struct call_digest a, b;
    read_call(&texts, &call);
    other = call;
    other.begin_ns += 999;
    other.end_ns += 999;
    other.tags = HARBORAI_STR("{}");
    other.offset = 7;
    other.key = HARBORAI_STR("0192AAAA-bbbb-7ccc-8ddd-eeeeffff0011");
    call_digest_make(&call, &a);
    call_digest_make(&other, &b);
    call_digest_explain(&call, &other, true, true, &words);
    CU_ASSERT(a.end == b.end && a.use == b.use && a.is_uuid && b.is_uuid);
    CU_ASSERT(memcmp(a.key, b.key, sizeof a.key) == 0 && words.len == 0);
}

static void test_keys(void)
{
    AUTO(buf) texts = BUF_INIT(KIB(4));
    struct call call;
    struct call_digest a, b;
    read_call(&texts, &call);
    call.key = HARBORAI_STR("no uuid");
    call_digest_make(&call, &a);
    call.key = HARBORAI_STR("nor this");
    call_digest_make(&call, &b);
    CU_ASSERT(!a.is_uuid && memcmp(a.key, b.key, sizeof a.key) != 0 && a.end != b.end && a.use != b.use);
}

const CU_TestInfo call_digest_tests[] = {{"changes", test_changes},
                                         {"what does not count", test_what_does_not_count},
                                         {"keys", test_keys},
                                         CU_TEST_INFO_NULL};
