/* SPDX-License-Identifier: MIT */
#include "json_out.h"

#include "base/slice.h"
#include "tests/unit/unit.h"

static void test_commas(void)
{
    struct json_out out = {0};
    json_out_open(&out, '{');
    json_out_key(&out, "a");
    json_out_open(&out, '[');
    json_out_item(&out);
    json_out_int64(&out, INT64_MIN);
    json_out_item(&out);
    json_out_raw(&out, HARBORAI_STR("{}"));
    json_out_close(&out, ']');
    json_out_key(&out, "b");
    json_out_open(&out, '{');
    json_out_item(&out);
    json_out_raw(&out, HARBORAI_STR("\"c\" : null"));
    json_out_close(&out, '}');
    json_out_close(&out, '}');
    CU_ASSERT(!out.failed);
    CU_ASSERT(slice_is(json_out_str(&out), "{\"a\":[-9223372036854775808,{}],\"b\":{\"c\" : null}}"));
    json_out_clear(&out);
    CU_ASSERT(json_out_str(&out).len == 0 && out.capacity > 0);
    json_out_release(&out);
    CU_ASSERT_PTR_NULL(out.data);
}

static const struct row {
    const char *name;
    harborai_str in;
    const char *want;
} texts[] = {
    {"empty", HARBORAI_STR_INIT(""), "\"\""},
    {"plain", HARBORAI_STR_INIT("zwölf"), "\"zwölf\""},
    {"special", HARBORAI_STR_INIT("a\"b\\c\n\0d"), "\"a\\\"b\\\\c\\u000a\\u0000d\""},
    {"no text at all", {NULL, 0}, "\"\""},
},
  decoded[] = {
      {"empty", HARBORAI_STR_INIT("\"\""), ""},
      {"plain", HARBORAI_STR_INIT("\"{}\""), "{}"},
      {"escaped", HARBORAI_STR_INIT("\"{\\\"a\\\":\\u00e9}\""), "{\"a\":é}"},
      {"no string", HARBORAI_STR_INIT("7"), ""},
      {"nothing", {NULL, 0}, ""},
};

static void test_text(void)
{
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct json_out out = {0};
        harborai_str in = unit_tight(texts[i].in);
        json_out_text(&out, in);
        ROW(texts[i].name, slice_is(json_out_str(&out), texts[i].want));
        json_out_release(&out);
        unit_drop(in);
    }
}

static void test_decoded(void)
{
    for (size_t i = 0; i < sizeof decoded / sizeof *decoded; i++) {
        struct json_out out = {0};
        harborai_str in = unit_tight(decoded[i].in);
        json_out_decoded(&out, in);
        ROW(decoded[i].name, slice_is(json_out_str(&out), decoded[i].want) && !out.failed);
        json_out_release(&out);
        unit_drop(in);
    }
}

/* One piece of memory for a text of known size; a size that cannot be is a failure that stays. */
static void test_room(void)
{
    struct json_out out = {0};
    json_out_reserve(&out, 1000);
    const char *data = out.data;
    for (int i = 0; i < 1000; i++)
        json_out_raw(&out, HARBORAI_STR("x"));
    CU_ASSERT(out.data == data && out.len == 1000 && out.capacity == 1000);
    json_out_raw(&out, HARBORAI_STR("y"));
    CU_ASSERT(out.len == 1001 && out.data[1000] == 'y' && !out.failed);
    json_out_reserve(&out, SIZE_MAX - 100);
    CU_ASSERT(out.failed);
    json_out_raw(&out, HARBORAI_STR("z"));
    CU_ASSERT(out.failed && out.len == 1001);
    json_out_release(&out);
}

const CU_TestInfo json_out_tests[] = {{"commas", test_commas},
                                      {"text", test_text},
                                      {"decoded", test_decoded},
                                      {"room", test_room},
                                      CU_TEST_INFO_NULL};
