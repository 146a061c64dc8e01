/* SPDX-License-Identifier: MIT */
/* A whole answer: what is taken is JSON; its usage, whatever the counts, becomes a usage object, and
 * its error an error that a client can be told. */
#include "chat.h"
#include "chat/answer.h"
#include "chat/usage.h"
#include "chat/vendor_error.h"
#include "json_value.h"

static void check_counts(const harborai_usage *usage)
{
    int64_t sum = 0;
    for (unsigned i = 0; usage_class_name(i) != NULL; i++) {
        MUST(usage->count[i] >= 0);
        sum |= usage->count[i];
    }
    MUST(usage_input_total(usage) >= 0 && usage_output_total(usage) >= 0);
    MUST(sum > 0 || (usage_input_total(usage) == 0 && usage_output_total(usage) == 0));
}

static void check_usage(harborai_str object)
{
    AUTO(buf) text = BUF_INIT(MIB(1));
    harborai_usage usage, merged = USAGE_INIT;
    if (usage_parse_openai(object, &usage, NULL) < 0)
        return;
    check_counts(&usage);
    usage_merge(&merged, &usage);
    usage_merge(&merged, &usage);
    check_counts(&merged);
    usage_write_openai(&text, &usage);
    MUST(is_json_line(buf_slice(&text)));
    usage.vendor_json = SLICE_NONE; /* as counted, not as the vendor wrote it */
    buf_clear(&text);
    usage_write_openai(&text, &usage);
    MUST(is_json_line(buf_slice(&text)));
}

static void check_error(harborai_str json)
{
    struct chat_error error;
    vendor_error_parse(HARBORAI_STR("lab"), 200, 0, json, &error);
    MUST(error.base.code < 0 && error.base.message[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    harborai_str body = {(const char *)data, size};
    struct chat_answer answer;
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_status st = answer_check(body, &answer, &error);
    MUST(answer_describe(body)[0] != '\0');
    if (json_kind(body) == JSON_OBJECT && is_json(body))
        check_usage(body);
    if (st < 0) {
        MUST(st == HARBORAI_E_PROTOCOL && error.code == st && error.message[0] != '\0');
        MUST(json_is_utf8(slice_of(error.message)));
        return 0;
    }
    MUST(is_json(answer.body) && is_within(answer.body, body));
    MUST(is_within(answer.usage, body) && is_within(answer.error, body));
    MUST(is_within(answer.id, body) && is_within(answer.finish_reason, body));
    MUST(answer.choices > 0 || answer.error.len > 0);
    if (answer.usage.len > 0)
        check_usage(answer.usage);
    if (answer.error.len > 0)
        check_error(answer.error);
    return 0;
}
