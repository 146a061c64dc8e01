/* SPDX-License-Identifier: MIT */
#include "plugin/schema_words.h"

#include "../unit.h"
#include "base/limits.h"

extern const CU_TestInfo schema_words_tests[];

static const struct {
    const char *schema, *want;
} wanted[] = {
    {"{\"type\":\"string\"}", "a text"},
    {"{\"type\":\"string\",\"minLength\":1}", "a text that is not empty"},
    {"{\"type\":\"string\",\"minLength\":2}", "a text of at least 2 characters"},
    {"{\"maxLength\":64}", "a text of at most 64 characters"},
    {"{\"type\":\"string\",\"minLength\":1,\"maxLength\":64}", "a text of 1 to 64 characters"},
    {"{\"type\":\"integer\"}", "a whole number"},
    {"{\"type\":\"integer\",\"minimum\":1}", "a whole number from 1 on"},
    {"{\"type\":\"number\",\"maximum\":2.5}", "a number up to 2.5"},
    {"{\"minimum\":-1,\"maximum\":1e3}", "a number from -1 to 1e3"},
    {"{\"type\":\"boolean\"}", "true or false"},
    {"{\"type\":\"array\"}", "a list"},
    {"{\"items\":{}}", "a list"},
    {"{\"type\":\"object\"}", "a mapping"},
    {"{\"type\":\"null\"}", "nothing"},
    {"{\"type\":[\"string\",\"integer\"],\"minimum\":1}", "a text or a whole number from 1 on"},
    {"{\"enum\":[\"a\"]}", "a"},
    {"{\"enum\":[\"a\",1]}", "a or 1"},
    {"{\"enum\":[\"a\",\"b\",true,null]}", "a, b, true or null"},
    {"{\"const\":\"a\"}", "a"},
    {"{\"anyOf\":[{\"enum\":[\"a\",\"b\"]},{\"type\":\"object\"}]}", "a or b, or a mapping"},
    {"false", "left out"},
    {"{\"anyOf\":[false]}", "left out"},
};

static void test_wanted(void)
{
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        AUTO(buf) said = BUF_INIT(KIB(4));
        harborai_str schema = unit_tight(slice_of(wanted[i].schema));
        schema_words_add_wanted(schema, &said);
        ROW(wanted[i].schema, slice_is(buf_slice(&said), wanted[i].want));
        unit_drop(schema);
    }
}

#define NAMES "{\"properties\":{\"base_url\":{},\"region\":{},\"regime\":{},\"old\":{\"anyOf\":[false]}}}"

static const struct {
    const char *schema, *key, *want;
} hints[] = {
    {NAMES, "regoin", ", did you mean 'region'?"},
    {NAMES, "regim", ", did you mean 'regime'?"},
    {NAMES, "colour", ": known are region, regime"},
    {NAMES, "olds", ": known are region, regime"},
    {"{\"additionalProperties\":false}", "x", ": it takes none"},
    {"{\"properties\":{\"base_url\":{}}}", "x", ": it takes none"},
};

static void test_hints(void)
{
    for (size_t i = 0; i < ARRAY_LEN(hints); i++) {
        AUTO(buf) said = BUF_INIT(KIB(4));
        schema_words_add_hint(slice_of(hints[i].schema), slice_of(hints[i].key), &said);
        ROW(hints[i].key, slice_is(buf_slice(&said), hints[i].want));
    }
}

/* However many there are, a sentence stays one. */
static void test_long(void)
{
    AUTO(buf) schema = BUF_INIT(KIB(64));
    AUTO(buf) said = BUF_INIT(KIB(64));
    buf_add(&schema, HARBORAI_STR("{\"enum\":[\"first\""));
    for (int i = 0; i < 1000; i++)
        buf_printf(&schema, ",\"word%d\"", i);
    buf_add(&schema, HARBORAI_STR("]}"));
    schema_words_add_wanted(buf_slice(&schema), &said);
    CU_ASSERT(slice_starts_with(buf_slice(&said), "first, word0, "));
    CU_ASSERT(slice_ends_with(buf_slice(&said), ", …") && said.len < 400);
}

const CU_TestInfo schema_words_tests[] = {{"what is wanted", test_wanted},
                                          {"hints", test_hints},
                                          {"long lists", test_long},
                                          CU_TEST_INFO_NULL};
