/* SPDX-License-Identifier: MIT */
#include "../unit.h"
#include "base/limits.h"
#include "wire/masker.h"

extern const CU_TestInfo masker_tests[];

/* NULL: nothing is masked. Numbers are made up; those of cards and persons have true check digits. */
static const struct {
    const char *name, *text, *want;
} rows[] = {
    {"nothing", "", NULL},
    {"prose", "Ask about sk-learn and a task-force; price 12.50, 3 of 4.", NULL},
    {"prose in Chinese", "\xe4\xbd\xa0\xe5\xa5\xbd\xef\xbc\x8c\xe4\xb8\x96\xe7\x95\x8c", NULL},
    {"key", "key sk-abc123DEF456ghi789 is bad", "key [masked:key] is bad"},
    {"key of Anthropic", "sk-ant-api03-AbC_d-9f8e7d6c5b4a", "[masked:key]"},
    {"key of Qianfan", "(bce-v3/ALTAK-AbCdEf1234/0123456789abcdef)", "([masked:key])"},
    {"key of AWS", "AKIAIOSFODNN7EXAMPLE.", "[masked:key]."},
    {"key of Zhipu", "0123456789abcdef0123456789abcdef.AbCdEfGh12345678 x", "[masked:key] x"},
    {"key between other text", "\xe9\x92\xa5sk-abc123DEF456ghi789\xe3\x80\x82",
     "\xe9\x92\xa5[masked:key]\xe3\x80\x82"},
    {"two keys", "sk-abc123DEF456ghi sk-xyz123DEF456ghi", "[masked:key] [masked:key]"},
    {"key within a word", "task-abc123DEF456ghi789", NULL},
    {"bearer", "Authorization: Bearer abc.def-123456", "Authorization: Bearer [masked:key]"},
    {"bearer alone", "sent 'Bearer 0123456789abcdef'", "sent 'Bearer [masked:key]'"},
    {"bearer in prose", "use bearer authentication here", NULL},
    {"web token", "t=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2ln;", "t=[masked:key];"},
    {"private key", "a -----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY----- b",
     "a [masked:key] b"},
    {"private key that is cut", "-----BEGIN PRIVATE KEY-----\nMIIB", "[masked:key]"},
    {"certificate", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", NULL},
    {"password", "password=hunter22, user=me", "password=[masked:key], user=me"},
    {"password in JSON", "{\"passwd\": \"hunter22\"}", "{\"passwd\": \"[masked:key]\"}"},
    {"password in Chinese", "\xe5\xaf\x86\xe7\xa0\x81\xef\xbc\x9ahunter22",
     "\xe5\xaf\x86\xe7\xa0\x81\xef\xbc\x9a[masked:key]"},
    {"password in a query", "/v1?api_key=abcdefgh&x=1", "/v1?api_key=[masked:key]&x=1"},
    {"password in prose", "the password is wrong: try again", NULL},
    {"user of a URL", "postgres://me:secret99@db.example/x", "postgres://[masked:key]@db.example/x"},
    {"URL", "https://example.com:8080/a@b", NULL},
    {"e-mail", "to Jane.Doe+x@mail.example.com, please", "to [masked:email], please"},
    {"e-mail in brackets", "<j@ex.io>", "<[masked:email]>"},
    {"no e-mail", "a @b, c@d, @e.com, user@localhost", NULL},
    {"mobile", "call 13800138000 now", "call [masked:phone] now"},
    {"mobile in Chinese", "\xe7\x94\xb5\xe8\xaf\x9d" "13800138000\xe3\x80\x82",
     "\xe7\x94\xb5\xe8\xaf\x9d[masked:phone]\xe3\x80\x82"},
    {"mobile in groups", "138-0013-8000 or 138 0013 8000", "[masked:phone] or [masked:phone]"},
    {"mobile with country", "8613800138000", "[masked:phone]"},
    {"international", "+49 (30) 901-820, +8613800138000", "[masked:phone], [masked:phone]"},
    {"North America", "(415) 555-2671, 415-555-2671", "[masked:phone], [masked:phone]"},
    {"fixed line", "010-62345678", "[masked:phone]"},
    {"resident number", "id 11010519491231002X.", "id [masked:id]."},
    {"resident number of digits", "110105194912310038", "[masked:id]"},
    {"resident number, wrong check", "110105194912310030", NULL},
    {"social security", "078-05-1120", "[masked:id]"},
    {"card", "card 4111111111111111!", "card [masked:card]!"},
    {"card in groups", "4111 1111 1111 1111 and 4111-1111-1111-1111",
     "[masked:card] and [masked:card]"},
    {"card of 19", "6222021234567890128", "[masked:card]"},
    {"American Express", "3782 822463 10005", "[masked:card]"},
    {"card, wrong check", "4111111111111112", NULL},
    {"times and ids", "hb_1763722985123_00c0ffee 1763722985123456789 1763722985123456 2026-11-21", NULL},
    {"a record's key", "01930000-1234-7000-8000-123456789012", NULL},
    {"amounts", "0.13800138000 13800138000.5 1,380,013", NULL},
    {"percent", "q=sk%2Dabc123DEF456ghi789&x", "q=[masked:key]&x"},
    {"percent twice", "sk%252Dabc123DEF456ghi789", "[masked:key]"},
    {"e-mail, percent", "u=jane%40example.com;", "u=[masked:email];"},
    {"JSON escapes", "x \\u0073k-abc123DEF456ghi789\\n y", "x [masked:key]\\n y"},
    {"behind a JSON escape", "x\\nsk-abc123DEF456ghi789", "x\\n[masked:key]"},
    {"base64", "v c2stYWJjMTIzREVGNDU2Z2hpNzg5 w", "v [masked:key] w"},
    {"base64 of more", "Zm9vIHNrLWFiYzEyM0RFRjQ1NmdoaTc4OSBiYXI=;", "[masked:key];"},
    {"base64 twice", "YzJzdFlXSmpNVEl6UkVWR05EVTJaMmhwTnpnNQ==", "[masked:key]"},
    {"base64 of prose", "TG9yZW0gaXBzdW0gZG9sb3Igc2l0IGFtZXQ=", NULL},
    {"escape at the end", "100% \\u00 %4", NULL},
    {"masked before", "password=[masked:key] [masked:email]", NULL},
};

static void test_text(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(buf) out = BUF_INIT(KIB(4));
        AUTO(buf) again = BUF_INIT(KIB(4));
        harborai_str text = unit_tight(slice_of(rows[i].text));
        size_t count = masker_write(&out, text, MASKER_ALL);
        ROW(rows[i].name, slice_is(buf_slice(&out), rows[i].want != NULL ? rows[i].want : rows[i].text));
        ROW(rows[i].name, (count > 0) == (rows[i].want != NULL));
        ROW(rows[i].name, masker_write(&again, buf_slice(&out), MASKER_ALL) == 0);
        unit_drop(text);
    }
}

static const struct {
    const char *name, *json, *want;
} values[] = {
    {"string", "{\"a\":\"to j@ex.io\"}", "{\"a\":\"to [masked:email]\"}"},
    {"number", "{\"n\":13800138000,\"m\":[1,2.5]}", "{\"n\":\"[masked:phone]\",\"m\":[1,2.5]}"},
    {"name", "{\"password\":\"p w\",\"x\":\"y\"}", "{\"password\":\"[masked:key]\",\"x\":\"y\"}"},
    {"name with blanks", "{\"api_key\" : \"p w\"}", "{\"api_key\" : \"[masked:key]\"}"},
    {"name of an object", "{\"password\":{\"x\":\"y\"}}", "{\"password\":{\"x\":\"y\"}}"},
    {"escapes", "[\"\\u0073k-abc123DEF456ghi789\\\"\"]", "[\"[masked:key]\\\"\"]"},
    {"JSON in JSON", "{\"a\":\"{\\\"password\\\":\\\"hunter22\\\"}\"}",
     "{\"a\":\"{\\\"password\\\":\\\"[masked:key]\\\"}\"}"},
    {"blanks stay", "{ \"a\" :\n[ true, null ] }", "{ \"a\" :\n[ true, null ] }"},
    {"no JSON", "{\"a\":j@ex.io", "{\"a\":[masked:email]"},
};

static void test_json(void)
{
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        AUTO(buf) out = BUF_INIT(KIB(4));
        harborai_str json = unit_tight(slice_of(values[i].json));
        masker_write_json(&out, json, MASKER_ALL);
        ROW(values[i].name, slice_is(buf_slice(&out), values[i].want));
        unit_drop(json);
    }
}

/* Every form of a key and every name is found: the tables of first letters have them. */
static void test_forms(void)
{
    static const char *const forms[] = {
        "sk-", "sk_live_", "rk_live_", "bce-v3/", "ALTAK-", "AKIA", "ASIA", "AKLT", "LTAI",
        "AKID", "AIza", "ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "hf_",
        "gsk_", "xai-", "pplx-", "nvapi-", "r8_", "fw_"};
    static const char *const names[] = {
        "authorization: ", "Password=", "passwd=", "passphrase=", "secret=", "api_key=", "API-Key: ",
        "apikey=", "X-Api-Key: ", "access_key=", "access-key=", "secret_key=", "secret-key=",
        "access_token=", "auth_token=", "id_token=", "refresh_token=", "client_secret=",
        "private_key=", "session_key=", "Cookie: ", "\xe5\xaf\x86\xe9\x92\xa5="};
    char text[128], want[128];
    for (size_t i = 0; i < ARRAY_LEN(forms) + ARRAY_LEN(names); i++) {
        bool is_name = i >= ARRAY_LEN(forms);
        const char *begin = is_name ? names[i - ARRAY_LEN(forms)] : forms[i];
        snprintf(text, sizeof text, "%s%s", begin, "ABCDEFGH01234567ABCDEFGH01234567");
        snprintf(want, sizeof want, "%s[masked:key]", is_name ? begin : "");
        masker_apply(text, sizeof text, MASKER_KEYS);
        ROW(begin, strcmp(text, want) == 0);
    }
}

static void test_keys_alone(void)
{
    AUTO(buf) out = BUF_INIT(KIB(4));
    CU_ASSERT(masker_write(&out, HARBORAI_STR("j@ex.io: sk-abc123DEF456ghi789, 13800138000"),
                           MASKER_KEYS) == 1);
    CU_ASSERT(slice_is(buf_slice(&out), "j@ex.io: [masked:key], 13800138000"));
}

static void test_finds(void)
{
    CU_ASSERT(masker_finds(HARBORAI_STR("id sk-abc123DEF456ghi789"), MASKER_KEYS));
    CU_ASSERT(masker_finds(HARBORAI_STR("j@ex.io sk-abc123DEF456ghi789"), MASKER_KEYS));
    CU_ASSERT(!masker_finds(HARBORAI_STR("j@ex.io"), MASKER_KEYS));
    CU_ASSERT(!masker_finds(HARBORAI_STR("req_0193000012347000800012345678901a"), MASKER_ALL));
    CU_ASSERT(!masker_finds(SLICE_NONE, MASKER_ALL));
}

static void test_in_place(void)
{
    char text[24] = "pay 4111111111111111", longer[14] = "a@b.co c@d.co", plain[8] = "plain";
    masker_apply(text, sizeof text, MASKER_ALL);
    CU_ASSERT_STRING_EQUAL(text, "pay [masked:card]");
    masker_apply(longer, sizeof longer, MASKER_ALL);
    CU_ASSERT_STRING_EQUAL(longer, "[masked:email");
    masker_apply(plain, sizeof plain, MASKER_ALL);
    CU_ASSERT_STRING_EQUAL(plain, "plain");
}

static void test_without_room(void)
{
    AUTO(buf) out = BUF_INIT(8);
    masker_write(&out, HARBORAI_STR("sk-abc123DEF456ghi789"), MASKER_ALL);
    CU_ASSERT(out.failed != HARBORAI_OK && out.len == 0);
}

const CU_TestInfo masker_tests[] = {
    {"text", test_text},
    {"json", test_json},
    {"forms", test_forms},
    {"keys_alone", test_keys_alone},
    {"finds", test_finds},
    {"in_place", test_in_place},
    {"without_room", test_without_room},
    CU_TEST_INFO_NULL};
