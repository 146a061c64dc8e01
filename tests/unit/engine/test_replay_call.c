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
    struct replay_call want, call;
    CU_ASSERT_FATAL(replay_call_read(slice_of(weather), slice_of(BEFORE), room, &want));
    CU_ASSERT(slice_is(want.id, "call_0123456789"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        harborai_str item = unit_tight(slice_of(rows[i].item));
        bool is_read = replay_call_read(item, SLICE_NONE, other_room, &call);
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
    struct replay_call call;
    for (size_t i = 0; i < ARRAY_LEN(items); i++)
        ROW(items[i], !replay_call_read(slice_of(items[i]), SLICE_NONE, room, &call));
    for (int len = REPLAY_ID_MOST - 1; len <= REPLAY_ID_MOST + 1; len++) {
        snprintf(long_id, sizeof long_id, "{\"id\":\"%0*d\",\"function\":{\"name\":\"f\"}}", len, 0);
        ROW("a long id", replay_call_read(slice_of(long_id), SLICE_NONE, room, &call) ==
                             (len <= REPLAY_ID_MOST));
    }
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
        {"9fK2mXq1z", "get", false}, {"toolu_01A09q90qw90lq917835lq9", "get", false},
    };
    const char *same = "{ \"role\": \"user\", \"content\": \"Z\xc3\xbcrich?\" }";
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        harborai_str id = slice_of(ids[i].id), name = slice_of(ids[i].name);
        uint64_t digest = replay_call_digest(id, name, 1, slice_of(BEFORE));
        ROW(ids[i].id, digest == replay_call_digest(id, name, 1, slice_of(same)));
        ROW(ids[i].id, (digest != replay_call_digest(id, name, 1, slice_of("{\"role\":\"user\"}"))) ==
                           ids[i].is_numbered);
        ROW(ids[i].id, digest != replay_call_digest(id, name, 2, slice_of(BEFORE)));
        ROW(ids[i].id, digest != replay_call_digest(id, slice_of("g"), 1, slice_of(BEFORE)));
    }
}

const CU_TestInfo replay_call_tests[] = {
    {"the same call", test_same_call},
    {"no call", test_no_call},
    {"numbered ids", test_numbered},
    CU_TEST_INFO_NULL,
};
