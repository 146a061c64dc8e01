/* SPDX-License-Identifier: MIT */
/* Usage in OpenAI's form: real objects and those of the vendors' documentation, of
 * tests/wire/usage/openai_form.json, and what no vendor should send. */
#include "openai_usage.h"

#include "../unit.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/limits.h"
#include "json_value.h"

extern const CU_TestInfo openai_usage_tests[];

static const char *const class_names[HARBORAI_USAGE_CLASSES] = {
    [HARBORAI_TOKENS_INPUT] = "input",
    [HARBORAI_TOKENS_CACHE_READ] = "cache_read",
    [HARBORAI_TOKENS_CACHE_WRITE] = "cache_write",
    [HARBORAI_TOKENS_CACHE_WRITE_1H] = "cache_write_1h",
    [HARBORAI_TOKENS_OUTPUT] = "output",
    [HARBORAI_TOKENS_REASONING] = "reasoning",
    [HARBORAI_TOKENS_AUDIO_IN] = "audio_in",
    [HARBORAI_TOKENS_AUDIO_OUT] = "audio_out",
    [HARBORAI_TOKENS_IMAGE_IN] = "image_in",
    [HARBORAI_TOKENS_IMAGE_OUT] = "image_out",
    [HARBORAI_TOKENS_VIDEO_IN] = "video_in",
    [HARBORAI_TOKENS_PREDICTION_REJECTED] = "prediction_rejected",
};

/* The known classes as {"input":7,"output":2}, in order. */
static harborai_str show(struct buf *b, const harborai_usage *usage)
{
    buf_clear(b);
    buf_add_char(b, '{');
    for (unsigned c = 0; c < HARBORAI_USAGE_CLASSES; c++)
        if ((usage->known_mask >> c & 1) != 0)
            buf_printf(b, "%s\"%s\": %lld", b->len > 1 ? ", " : "",
                       class_names[c] != NULL ? class_names[c] : "?", (long long)usage->count[c]);
    buf_add_char(b, '}');
    return buf_slice(b);
}

static void read_file(const char *name, struct buf *b)
{
    char path[512], piece[4096];
    const char *top = getenv("srcdir");
    snprintf(path, sizeof path, "%s/tests/wire/usage/%s", top != NULL ? top : ".", name);
    FILE *file = fopen(path, "re");
    CU_ASSERT_FATAL(file != NULL);
    for (size_t len; (len = fread(piece, 1, sizeof piece, file)) > 0;)
        buf_add(b, (harborai_str){piece, len});
    fclose(file);
}

/* The classes of one row, and that reading it again by the row's `json` alone gives the same. */
static void check_row(harborai_str row, struct buf *b)
{
    char name[160];
    harborai_str vendor, model, json = unit_tight(json_member(row, HARBORAI_STR("json")));
    harborai_usage usage = {.size = sizeof usage};
    int64_t total = -1;
    CU_ASSERT_FATAL(json_string_plain(json_member(row, HARBORAI_STR("vendor")), &vendor));
    CU_ASSERT_FATAL(json_string_plain(json_member(row, HARBORAI_STR("model")), &model));
    snprintf(name, sizeof name, "%.*s %.*s", (int)vendor.len, vendor.data, (int)model.len, model.data);
    ROW(name, json_member(row, HARBORAI_STR("source")).len > 2);
    ROW(name, openai_usage_parse(json, &usage, NULL) == HARBORAI_OK);
    ROW(name, slice_equal(show(b, &usage), json_member(row, HARBORAI_STR("classes"))));
    ROW(name, json_int64(json_member(row, HARBORAI_STR("total")), &total));
    ROW(name, usage.vendor_total == total);
    ROW(name, usage.vendor_json.data >= json.data &&
                  usage.vendor_json.data + usage.vendor_json.len <= json.data + json.len);
    unit_drop(json);
}

static void test_vendors(void)
{
    AUTO(buf) text = BUF_INIT(MIB(1));
    AUTO(buf) shown = BUF_INIT(KIB(4));
    harborai_str list, row;
    size_t rows = 0;
    read_file("openai_form.json", &text);
    CU_ASSERT_FATAL(json_scan(buf_slice(&text), NULL, &list, NULL) >= 0);
    for (struct json_cursor at = json_open(list); json_array_next(&at, &row); rows++)
        check_row(row, &shown);
    CU_ASSERT(rows >= 25);
}

static void test_odd(void)
{
    static const struct {
        const char *name, *json, *want; /* NULL = E_NOT_FOUND */
        int64_t total;
    } rows[] = {
        {"no total", "{\"prompt_tokens\":7,\"completion_tokens\":2}", "{\"input\": 7, \"output\": 2}", 0},
        {"everything of OpenAI's",
         "{\"prompt_tokens\":2006,\"completion_tokens\":300,\"total_tokens\":2306,"
         "\"prompt_tokens_details\":{\"cached_tokens\":1920,\"audio_tokens\":0},"
         "\"completion_tokens_details\":{\"reasoning_tokens\":128,\"audio_tokens\":0,"
         "\"accepted_prediction_tokens\":5,\"rejected_prediction_tokens\":10}}",
         "{\"input\": 86, \"cache_read\": 1920, \"output\": 162, \"reasoning\": 128, \"audio_in\": 0, "
         "\"audio_out\": 0, \"prediction_rejected\": 10}", 2306},
        {"a cache of two lives",
         "{\"prompt_tokens\":90,\"completion_tokens\":1,\"total_tokens\":91,\"prompt_tokens_details\":"
         "{\"cache_creation\":{\"ephemeral_5m_input_tokens\":20,\"ephemeral_1h_input_tokens\":50},"
         "\"cache_creation_input_tokens\":70}}",
         "{\"input\": 20, \"cache_write\": 20, \"cache_write_1h\": 50, \"output\": 1}", 91},
        {"cached is more than the prompt",
         "{\"prompt_tokens\":5,\"completion_tokens\":1,\"total_tokens\":6,"
         "\"prompt_tokens_details\":{\"cached_tokens\":9}}",
         "{\"input\": 0, \"cache_read\": 9, \"output\": 1}", 6},
        {"Anthropic's, whose input is without the cache",
         "{\"input_tokens\":4,\"cache_read_input_tokens\":14210,\"output_tokens\":290}", NULL, 0},
        {"Anthropic's answer",
         "{\"usage\":{\"input_tokens\":4,\"cache_creation_input_tokens\":0,\"output_tokens\":290}}",
         NULL, 0},
        {"a usage that is null", "{\"usage\":null,\"choices\":[]}", NULL, 0},
        {"a usage without counts", "{\"usage\":{\"total_tokens\":9}}", NULL, 0},
        {"nonsense", "{\"prompt_tokens\":-5,\"completion_tokens\":\"x\",\"total_tokens\":6}", NULL, 0},
        {"huge", "{\"prompt_tokens\":9223372036854775807,\"completion_tokens\":1}", "{\"output\": 1}", 0},
        {"floats", "{\"prompt_tokens\":5.0,\"completion_tokens\":1e0,\"total_tokens\":6}",
         "{\"input\": 5, \"output\": 1}", 6},
        {"empty", "{}", NULL, 0},
        {"null", "null", NULL, 0},
        {"a list", "[1]", NULL, 0},
        {"nothing", "", NULL, 0},
    };
    AUTO(buf) shown = BUF_INIT(KIB(4));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        harborai_str json = unit_tight(slice_of(rows[i].json));
        harborai_usage usage = {.size = sizeof usage, .known_mask = 77};
        harborai_status st = openai_usage_parse(json, &usage, NULL);
        ROW(rows[i].name, st == (rows[i].want != NULL ? HARBORAI_OK : HARBORAI_E_NOT_FOUND));
        if (st == HARBORAI_OK)
            ROW(rows[i].name, slice_is(show(&shown, &usage), rows[i].want) &&
                                  usage.vendor_total == rows[i].total);
        else
            ROW(rows[i].name, usage.known_mask == 77);
        unit_drop(json);
    }
}

const CU_TestInfo openai_usage_tests[] = {
    {"vendors' objects", test_vendors},
    {"odd objects", test_odd},
    CU_TEST_INFO_NULL,
};
