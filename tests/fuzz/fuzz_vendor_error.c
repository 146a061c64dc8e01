/* SPDX-License-Identifier: MIT */
/* A failure: a line "status", a line with a retry-after, then a body, which may be anything. There
 * is always a class, a message and a status for the client, and what is written is JSON. */
#include "base/clock.h"
#include "chat.h"
#include "chat/error_json.h"
#include "chat/vendor_error.h"

static void check_told(const harborai_error *error)
{
    AUTO(buf) text = BUF_INIT(MIB(1));
    int status = error_json_status(error);
    MUST(status >= 400 && status <= 599);
    error_json_write(&text, error);
    MUST(is_json_line(buf_slice(&text)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const harborai_str names[] = {HARBORAI_STR("retry-after"), HARBORAI_STR("retry-after-ms"),
                                  HARBORAI_STR("x-ratelimit-reset-tokens")};
    harborai_str rest = {(const char *)data, size}, number = cut_line(&rest),
                 delay = cut_line(&rest);
    uint64_t given = 0;
    int64_t ms = 0, wall_ns = INT64_C(1795000000) * NS_PER_S;
    harborai_error error;

    int status = slice_to_u64(number, &given) && given <= 999 ? (int)given : 500;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const harborai_header header = {.name = names[i], .value = delay};
        ms = vendor_error_retry_after_ms(status, &header, 1, wall_ns);
        MUST(ms >= 0 && ms <= INT64_C(86400000));
    }
    if (vendor_error_parse_delay(delay, wall_ns, &ms))
        MUST(ms >= 0 && ms <= INT64_C(86400000));
    vendor_error_parse(HARBORAI_STR("lab"), status, ms, rest, &error);
    MUST(error.code < 0 && error.message[0] != '\0');
    check_told(&error);
    harborai_error copy = error;
    if (!vendor_error_hide(&copy, HARBORAI_STR("lab"), HARBORAI_STR("LAB_KEY"), false, true))
        vendor_error_name(&copy, HARBORAI_STR("lab"), status);
    check_told(&copy);
    if (vendor_error_hide(&error, HARBORAI_STR("lab"), HARBORAI_STR("LAB_KEY"), true, true))
        check_told(&error);
    return 0;
}
