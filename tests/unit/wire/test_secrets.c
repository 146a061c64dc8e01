/* SPDX-License-Identifier: MIT */
#include "wire/secrets.h"

#include "../unit.h"
#include "base/limits.h"

extern const CU_TestInfo secrets_tests[];

static const char *const secrets_of_test[] = {
    "first-of-all-keys", "pa\"ss\\nw/rd", "base64+like/key==", "w\xc3\xb6rter \xf0\x9f\x94\x91 geheim",
    "data%40base-w%20rd", "short", "ends-with-it\\",
};

static const struct row {
    const char *name, *text, *want;
} rows[] = {
    {"nothing", "a text with \\n and %41", "a text with \\n and %41"},
    {"as it stands", "x first-of-all-keys y", "x *** y"},
    {"a part", "x of-all-k y", "x *** y"},
    {"too little of one", "x of-all- y", "x of-all- y"},
    {"a short one", "short is a word", "short is a word"},
    {"beside an escape", "\\nfirst-of-all-keys\\n", "\\n***\\n"},
    {"several", "pa\"ss\\nw/rd base64+like/key== \\u0041", "*** *** \\u0041"},
    {"JSON", "\"pa\\\"ss\\\\nw/rd\"", "\"***\""},
    {"with a slash escaped", "\"pa\\\"ss\\\\nw\\/rd\"", "\"***\""},
    {"JSON within JSON", "\\\"pa\\\\\\\"ss\\\\\\\\nw/rd\\\"", "\\\"***\\\""},
    {"any letter in an escape", "\\u0066irst\\u002Dof-all-key\\u0073 y", "*** y"},
    {"base64 as .NET escapes it", "x base64\\u002Blike/key== y", "x *** y"},
    {"beyond ASCII", "w\xc3\xb6rter \xf0\x9f\x94\x91 geheim", "***"},
    {"beyond ASCII in escapes", "\"w\\u00f6rter \\ud83d\\udd11 geheim\"", "\"***\""},
    {"percent", "x first%2dof%2Dall-keys", "x ***"},
    {"one in percent", "x data%40base-w%20rd", "x ***"},
    {"what that stands for", "x data@base-w rd", "x ***"},
    {"between others", "\\\\pa\\\"ss\\\\nw/rd\\\\", "\\\\***\\\\"},
    {"no half of an escape", "ends-with-it\\n y", "*** y"},
    {"an escape without its end", "first-of-all-keys\\", "***\\"},
    {"likewise", "first-of-all-key\\u00", "***\\u00"},
};

static struct secrets *gather(void)
{
    struct secrets *secrets = secrets_create();
    CU_ASSERT_FATAL(secrets != NULL);
    for (size_t i = 0; i < ARRAY_LEN(secrets_of_test); i++)
        CU_ASSERT_FATAL(secrets_add_text(secrets, slice_of(secrets_of_test[i]), NULL) ==
                        HARBORAI_OK);
    return secrets;
}

static void test_rows(void)
{
    struct secrets *secrets = gather();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(buf) text = BUF_INIT(KIB(1));
        buf_add(&text, slice_of(rows[i].text));
        bool is_right = secrets_mask(secrets, &text) && slice_is(buf_slice(&text), rows[i].want);
        ROW(rows[i].name, is_right);
        if (!is_right)
            fprintf(stderr, "%.*s\n", SLICE_ARG(buf_slice(&text)));
    }
    secrets_unref(secrets);
}

/* As many as a configuration has, and each is found; as long as somebody holds them. */
static void test_many(void)
{
    struct secrets *secrets = secrets_create();
    char word[32];
    for (unsigned i = 0; i < 500; i++) {
        snprintf(word, sizeof word, "%06u-key-%06u", i * 7919, i * 104729 % 1000000);
        CU_ASSERT_FATAL(secrets_add_text(secrets, slice_of(word), NULL) == HARBORAI_OK);
    }
    struct secrets *held = secrets_ref(secrets);
    secrets_unref(secrets);
    for (unsigned i = 0; i < 500; i++) {
        AUTO(buf) text = BUF_INIT(KIB(1));
        buf_printf(&text, "it is %06u-key-%06u.", i * 7919, i * 104729 % 1000000);
        CU_ASSERT(secrets_mask(held, &text));
        CU_ASSERT(slice_is(buf_slice(&text), "it is ***."));
    }
    secrets_unref(held);
}

static void test_none(void)
{
    AUTO(buf) text = BUF_INIT(KIB(1));
    struct secrets *secrets = secrets_create();
    CU_ASSERT(secrets_add(secrets, NULL, NULL) == HARBORAI_OK);
    CU_ASSERT(secrets_add_text(secrets, SLICE_NONE, NULL) == HARBORAI_OK);
    buf_add(&text, HARBORAI_STR("a \\n text"));
    CU_ASSERT(secrets_mask(NULL, &text) && secrets_mask(secrets, &text));
    CU_ASSERT(slice_is(buf_slice(&text), "a \\n text"));
    secrets_unref(secrets_ref(NULL));
    secrets_unref(secrets);
}

const CU_TestInfo secrets_tests[] = {
    {"texts", test_rows},
    {"many", test_many},
    {"none", test_none},
    CU_TEST_INFO_NULL,
};
