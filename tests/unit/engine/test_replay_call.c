/* SPDX-License-Identifier: MIT */
#include "engine/replay_call.h"

#include "../unit.h"

extern const CU_TestInfo replay_call_tests[];

#define CALL(id, name, arguments)                                                                  \
    "{\"id\":" id ",\"type\":\"function\",\"function\":{\"name\":" name ",\"arguments\":"          \
    arguments "}}"
#define WEATHER(arguments) CALL("\"call_0123456789\"", "\"weather\"", arguments)
#define BEFORE "{\"role\":\"user\",\"content\":\"Z\\u00fcrich?\"}"

static const char weather[] = WEATHER("\"{\\\"city\\\":\\\"Z\xc3\xbcrich\\\",\\\"n\\\":[1,2.50]}\"");

/* Against the call above. */
static const struct {
    const char *name, *item;
    bool is_same;
} rows[] = {
    {"itself", weather, true},
    {"blanks and escapes",
     "{ \"function\" : { \"arguments\" : "
     "\"\\n{ \\\"c\\\\u0069ty\\\": \\\"Z\\\\u00fcrich\\\", \\\"n\\\": [1, 2.50] }\", "
     "\"name\":\"w\\u0065ather\"},\"id\":\"call\\u005f0123456789\"}",
     true},
    {"an object, as some write it", WEATHER("{\"city\":\"Z\xc3\xbcrich\",\"n\":[1,2.50]}"), true},
    {"a blank in a string", WEATHER("\"{\\\"city\\\":\\\"Z\xc3\xbcrich \\\",\\\"n\\\":[1,2.50]}\""),
     false},
    {"another number", WEATHER("\"{\\\"city\\\":\\\"Z\xc3\xbcrich\\\",\\\"n\\\":[12.50]}\""), false},
    {"without arguments", WEATHER("\"\""), false},
    {"another name", CALL("\"call_0123456789\"", "\"w\"",
                          "\"{\\\"city\\\":\\\"Z\xc3\xbcrich\\\",\\\"n\\\":[1,2.50]}\""),
     false},
};

static void test_same_call(void)
{
    char room[REPLAY_ID_MOST], other_room[REPLAY_ID_MOST];
    struct replay_before before = {.message = slice_of(BEFORE)}, none = {0};
    struct replay_call want, call;
    CU_ASSERT_FATAL(replay_call_read(slice_of(weather), &before, room, &want));
    CU_ASSERT(slice_is(want.id, "call_0123456789"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        harborai_str item = unit_tight(slice_of(rows[i].item));
        bool is_read = replay_call_read(item, &none, other_room, &call);
        ROW(rows[i].name, is_read && slice_equal(call.id, want.id));
        ROW(rows[i].name, is_read && (call.digest == want.digest) == rows[i].is_same);
        unit_drop(item);
    }
}

static void test_no_call(void)
{
    static const char *const items[] = {
        "null", "7", "\"x\"", "[]", "{}", "{\"id\":\"call_1\"}", CALL("null", "\"f\"", "\"{}\""),
        CALL("7", "\"f\"", "\"{}\""), CALL("\"call_1\"", "null", "\"{}\""),
        CALL("\"call_1\"", "\"f\"", "\"{\""), CALL("\"call_1\"", "\"f\"", "\"{} {}\""),
        "{\"id\":\"call_1\",\"function\":\"f\"}"};
    char room[REPLAY_ID_MOST], long_id[2 * REPLAY_ID_MOST];
    struct replay_before none = {0};
    struct replay_call call;
    for (size_t i = 0; i < ARRAY_LEN(items); i++)
        ROW(items[i], !replay_call_read(slice_of(items[i]), &none, room, &call));
    for (int len = REPLAY_ID_MOST - 1; len <= REPLAY_ID_MOST + 1; len++) {
        snprintf(long_id, sizeof long_id, "{\"id\":\"%0*d\",\"function\":{\"name\":\"f\"}}", len, 0);
        ROW("a long id", replay_call_read(slice_of(long_id), &none, room, &call) ==
                             (len <= REPLAY_ID_MOST));
    }
}

static uint64_t digest_of(harborai_str id, const char *name, uint64_t arguments, const char *message)
{
    struct replay_before before = {.message = slice_of(message)};
    return replay_call_digest(id, slice_of(name), arguments, &before);
}

/* Of ids that are numbers only, the message before counts too. */
static void test_numbered(void)
{
    static const struct {
        const char *id, *name;
        bool is_numbered;
    } ids[] = {
        {"functions.get:0", "get", true},   {"call_1", "f", true},  {"0", "f", true}, {"", "f", true},
        {"get_weather_call_17", "get_weather", true}, {"call_a1b2c3d4", "get", false},
        {"call_0001", "f", true}, {"tool-call-1", "f", true}, {"toolcalling9999", "f", true},
        {"toolcalling12345", "f", false}, {"call_0_0001", "f", false}, {"chatcmpl-tool", "f", false},
        {"9fK2mXq1z", "get", false}, {"toolu_01A09q90qw90lq917835lq9", "get", false},
    };
    const char *same = "{ \"role\": \"user\", \"content\": \"Z\xc3\xbcrich?\" }";
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        harborai_str id = slice_of(ids[i].id);
        const char *name = ids[i].name;
        uint64_t digest = digest_of(id, name, 1, BEFORE);
        ROW(ids[i].id, digest == digest_of(id, name, 1, same));
        ROW(ids[i].id,
            (digest != digest_of(id, name, 1, "{\"role\":\"user\"}")) == ids[i].is_numbered);
        ROW(ids[i].id, digest != digest_of(id, name, 2, BEFORE));
        ROW(ids[i].id, digest != digest_of(id, "g", 1, BEFORE));
    }
}

/* The message before is looked at once for all calls of an answer, and only if it has to be. */
static void test_before(void)
{
    static const char array[] = "[{\"role\":\"system\"}, " BEFORE " ]";
    harborai_str number = HARBORAI_STR("functions.f:0"), name = HARBORAI_STR("f");
    struct replay_before before = {.messages = slice_of(array)};
    replay_call_digest(HARBORAI_STR("call_0123456789"), name, 1, &before);
    CU_ASSERT(!before.is_hashed);
    uint64_t digest = replay_call_digest(number, name, 1, &before);
    CU_ASSERT(digest == digest_of(number, "f", 1, BEFORE) && before.is_hashed);
    before.messages = before.message = SLICE_NONE;
    CU_ASSERT(digest == replay_call_digest(number, name, 1, &before));
}

const CU_TestInfo replay_call_tests[] = {
    {"the same call", test_same_call},
    {"no call", test_no_call},
    {"numbered ids", test_numbered},
    {"message before", test_before},
    CU_TEST_INFO_NULL,
};
