/* SPDX-License-Identifier: MIT */
/* A request into whose messages is put what was kept of their tool calls, and out of which replays of
 * other plugins are taken: it stays a request, with as many messages, and nothing else of a message
 * changes. */
#include "chat.h"
#include "engine/replay_call.h"
#include "engine/state.h"
#include "json_value.h"

#define KEPT "\"kept\""
#define DETAILS "[{\"provider\":\"us\",\"data\":{\"kept\":1}}]"
#define US HARBORAI_STR("us")

static const harborai_plugin table = {.size = sizeof table, .id = "us"};

/* --- What is kept ----------------------------------------------------------------------------- */

static void keep_call(struct replay_store *store, harborai_str item, struct replay_before *before)
{
    const struct replay what = {HARBORAI_STR(KEPT), HARBORAI_STR(DETAILS), HARBORAI_STR("us m")};
    char room[REPLAY_ID_MOST];
    struct replay_call call;
    if (replay_call_read(item, before, room, &call))
        replay_store_keep(store, US, US, &call, 1, &what);
}

static void keep_all(struct replay_store *store, harborai_str messages)
{
    struct json_cursor cursor = json_open(messages);
    struct replay_before before = {0};
    harborai_str message, item;
    for (; json_array_next(&cursor, &message); before = (struct replay_before){.message = message}) {
        struct json_cursor calls = json_open(json_member(message, HARBORAI_STR("tool_calls")));
        while (json_array_next(&calls, &item))
            keep_call(store, item, &before);
    }
}

/* --- What has to hold -------------------------------------------------------------------------- */

static bool is_ours(const struct json_member *member)
{
    return json_key_equal(member, HARBORAI_STR("reasoning_content")) ||
           json_key_equal(member, HARBORAI_STR("reasoning_details"));
}

static bool next_of_others(struct json_cursor *cursor, struct json_member *ret_member)
{
    while (json_object_next(cursor, ret_member))
        if (!is_ours(ret_member))
            return true;
    return false;
}

static void check_message(harborai_str before, harborai_str after)
{
    struct json_cursor old = json_open(before), new = json_open(after);
    struct json_member was, is;
    while (next_of_others(&old, &was))
        MUST(next_of_others(&new, &is) && slice_equal(was.span, is.span));
    MUST(!next_of_others(&new, &is));
    harborai_str said = json_member(before, HARBORAI_STR("reasoning_content"));
    harborai_str told = json_member(after, HARBORAI_STR("reasoning_content"));
    MUST(slice_equal(said, told) || slice_is(told, KEPT));
    MUST(json_kind(said) != JSON_STRING || said.len == 2 || slice_equal(said, told));
}

static void check_messages(harborai_str before, harborai_str after)
{
    struct json_cursor old = json_open(before), new = json_open(after);
    harborai_str was, is;
    while (json_array_next(&old, &was)) {
        MUST(json_array_next(&new, &is));
        check_message(was, is);
    }
    MUST(!json_array_next(&new, &is));
}

static void check(const struct call *call, const struct attempt *a)
{
    if (a->asked == &call->request) {
        MUST(slice_equal(a->request.body, call->request.body));
        return;
    }
    MUST(a->asked == &a->made && slice_equal(a->request.body, a->made.body));
    MUST(is_json(a->made.body) && slice_equal(a->made.model, call->request.model));
    MUST(a->made.is_stream == call->request.is_stream && a->made.choices == call->request.choices);
    check_messages(call->request.messages, a->made.messages);
}

/* --- The call ----------------------------------------------------------------------------------- */

static void give(struct call *call, bool wants_reasoning)
{
    struct provider spec = {.name = HARBORAI_STR("us"),
                            .replay = wants_reasoning ? HARBORAI_STR("reasoning_content")
                                                      : SLICE_NONE};
    static struct slot slot;
    struct slot_provider provider = {.table = &table, .spec = &spec};
    struct attempt *a = calloc(1, sizeof *a);
    MUST(a != NULL);
    slot.provider = &spec;
    a->call = call;
    a->slot = &slot;
    a->provider = &provider;
    a->asked = &call->request;
    a->request.body = call->request.body;
    MUST(replay_give(a, NULL) == HARBORAI_OK);
    check(call, a);
    buf_release(&a->body);
    free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct replay_options options = {.max_size = MIB(1), .lifetime_ns = NS_PER_S,
                                           .clock = &clock_system};
    static struct engine_loop engine;
    struct call *call = calloc(1, sizeof *call);
    MUST(call != NULL);
    arena_init(&call->arena, MIB(16));
    call->engine = &engine;
    call->caller = US;
    call->upstream_model = size % 2 == 0 ? HARBORAI_STR("m") : HARBORAI_STR("other");
    if (chat_request_parse((harborai_str){(const char *)data, size}, &call->arena, &call->request,
                           NULL) == HARBORAI_OK) {
        MUST(replay_store_create(&options, &engine.s.replays, NULL) == HARBORAI_OK);
        give(call, true); /* nothing is kept yet */
        keep_all(engine.s.replays, call->request.messages);
        give(call, true);
        give(call, false);
        replay_store_destroy(engine.s.replays);
    }
    arena_release(&call->arena);
    free(call);
    return 0;
}
