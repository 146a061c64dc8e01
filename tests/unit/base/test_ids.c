/* SPDX-License-Identifier: MIT */
#include "base/ids.h"

#include <string.h>

#include "../unit.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"

extern const CU_TestInfo ids_tests[];

static const int64_t moment_ns = INT64_C(1795258985123456789); /* 2026-11-21T11:03:05.123Z */

static void test_ids(void)
{
    struct ids ids;
    char uuid[37], earlier[37], hb[32], trace[33], span[17];
    ids_init(&ids);
    ids_uuid7(&ids, moment_ns - NS_PER_MS, earlier);
    ids_uuid7(&ids, moment_ns, uuid);
    CU_ASSERT(strlen(uuid) == 36 && uuid[14] == '7' && strchr("89ab", uuid[19]) != NULL);
    CU_ASSERT(strcmp(earlier, uuid) < 0);
    ids.counter = 0xfffffffe;
    ids_hb(&ids, moment_ns, hb);
    CU_ASSERT_STRING_EQUAL(hb, "hb_1795258985123_fffffffe");
    ids_hb(&ids, moment_ns, hb);
    ids_hb(&ids, moment_ns, hb);
    CU_ASSERT_STRING_EQUAL(hb, "hb_1795258985123_00000000");
    ids_trace(&ids, trace);
    ids_span(&ids, span);
    CU_ASSERT(strlen(trace) == 32 && strspn(trace, "0123456789abcdef") == 32);
    CU_ASSERT(strlen(span) == 16 && strspn(span, "0") < 16);
}

static void test_moments(void)
{
    char utc[25], http[30];
    clock_format_utc(moment_ns, utc);
    clock_format_http(moment_ns, http);
    CU_ASSERT_STRING_EQUAL(utc, "2026-11-21T11:03:05.123Z");
    CU_ASSERT_STRING_EQUAL(http, "Sat, 21 Nov 2026 11:03:05 GMT");
}

static void test_after_ms(void)
{
    static const struct row {
        const char *name;
        int64_t now_ns, delay_ms, want_ns;
    } rows[] = {
        {"at once", 7, 0, 7},
        {"negative", 7, INT64_MIN, 7},
        {"a millisecond", 7, 1, 7 + NS_PER_MS},
        {"a year", 7, INT64_C(31536000000), 7 + INT64_C(31536000000) * NS_PER_MS},
        {"more than fits", 7, INT64_MAX / 1000, CLOCK_NEVER_NS},
        {"never", 0, INT64_MAX, CLOCK_NEVER_NS},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ROW(rows[i].name, clock_after_ms(rows[i].now_ns, rows[i].delay_ms) == rows[i].want_ns);
}

static void test_secret(void)
{
    static const struct row {
        const char *name, *text;
        size_t len;
        harborai_status want;
    } rows[] = {
        {"plain", "sk-1", 4, HARBORAI_OK},         {"empty", "", 0, HARBORAI_E_CONFIG},
        {"newline", "sk-1\n", 5, HARBORAI_E_CONFIG}, {"nul", "a\0b", 3, HARBORAI_E_CONFIG},
        {"utf-8", "schl\xc3\xbcssel", 10, HARBORAI_OK},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct secret *secret = NULL;
        harborai_error error = HARBORAI_ERROR_INIT;
        harborai_str text = {rows[i].text, rows[i].len};
        ROW(rows[i].name, secret_create(text, "api_key", &secret, &error) == rows[i].want);
        ROW(rows[i].name, (secret != NULL) == (rows[i].want == HARBORAI_OK));
        ROW(rows[i].name, secret == NULL || slice_equal(secret_reveal(secret), text));
        secret_unref(secret);
    }
}

static const struct {
    const char *secret, *text, *want;
} masked[] = {
    {"sk-1234567890", "key sk-1234567890 is wrong", "key *** is wrong"},
    {"sk-1234567890", "sk-12345678…", "***…"},
    {"sk-1234567890", "…34567890 and sk-1234567890", "…*** and ***"},
    {"sk-1234567890", "sk-1234 is too little to tell", "sk-1234 is too little to tell"},
    {"ollama", "try: ollama pull m", "try: ollama pull m"},
    {"any", "any key", "any key"},
    {"abababababab", "abababababababab", "***abab"},
    {"sk-1234567890", "", ""},
    {"sk-1234567890", "1sk-12sk-1234567890-1234567890sk-", "1sk-12******sk-"},
    {"sk-1234567890", "7890123456789012345678901234567890", "7890*********"},
};

static void test_mask(void)
{
    for (size_t i = 0; i < ARRAY_LEN(masked); i++) {
        struct secret *secret = NULL;
        char text[64];
        snprintf(text, sizeof text, "%s", masked[i].text);
        CU_ASSERT_FATAL(secret_create(slice_of(masked[i].secret), "x", &secret, NULL) == 0);
        secret_mask(secret, text);
        ROW(masked[i].text, strcmp(text, masked[i].want) == 0);
        secret_unref(secret);
    }
    secret_mask(NULL, NULL);
}

static void test_error_kinds(void)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    for (harborai_status code = HARBORAI_E_INTERNAL; code < 0; code++)
        CU_ASSERT(error_kind_of(code)->code == code);
    CU_ASSERT(error_kind_of(-999)->http_status == 500);
    harborai_error_set(&error, HARBORAI_E_CONFIG, "no key");
    error_prefix(&error, "%s: ", "providers.lab");
    CU_ASSERT_STRING_EQUAL(error.message, "providers.lab: no key");
}

static void test_error_codes(void)
{
    static const struct row {
        const char *name, *code;
        harborai_status status;
        bool keeps;
    } rows[] = {{"of the request", "invalid_value", HARBORAI_E_INVALID, true},
                {"none", "", HARBORAI_E_INVALID, false},
                {"of another class", "provider_not_found", HARBORAI_E_NOT_FOUND, false}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        harborai_error error = HARBORAI_ERROR_INIT;
        harborai_error_set(&error, rows[i].status, "x");
        uint32_t flags = error.flags;
        error_set_code(&error, rows[i].code);
        ROW(rows[i].name, strcmp(error.vendor_code, rows[i].code) == 0);
        ROW(rows[i].name, error.flags == (flags | HARBORAI_ERROR_OPENAI_CODE));
        error_check_code(&error);
        ROW(rows[i].name, error.flags == (flags | (rows[i].keeps ? HARBORAI_ERROR_OPENAI_CODE : 0)));
    }
    error_set_code(NULL, "x");
}

const CU_TestInfo ids_tests[] = {
    {"ids", test_ids},
    {"moments", test_moments},
    {"a stranger's milliseconds", test_after_ms},
    {"secrets", test_secret},
    {"secrets in what others say", test_mask},
    {"error kinds", test_error_kinds},
    {"error codes", test_error_codes},
    CU_TEST_INFO_NULL,
};
