/* SPDX-License-Identifier: MIT */
/* A whole answer: what is taken is JSON; repaired it keeps the promises of chat/answer_repair.h and
 * needs no second repair; its usage, whatever the counts, becomes a usage object, and
 * its error an error that a client can be told. */
#include "chat.h"
#include "chat/answer_repair.h"
#include "chat/usage.h"
#include "chat/vendor_error.h"
#include "json_value.h"

static void check_counts(const harborai_usage *usage)
{
    int64_t sum = 0;
    for (unsigned i = 0; usage_class_name(i) != NULL; i++) {
        MUST(usage->count[i] >= 0);
        sum |= usage->count[i];
    }
    MUST(usage_input_total(usage) >= 0 && usage_output_total(usage) >= 0);
    MUST(sum > 0 || (usage_input_total(usage) == 0 && usage_output_total(usage) == 0));
}

static void check_usage(harborai_str object)
{
    AUTO(buf) text = BUF_INIT(MIB(1));
    harborai_usage usage, merged = USAGE_INIT;
    if (usage_parse_openai(object, &usage, NULL) < 0)
        return;
    check_counts(&usage);
    usage_merge(&merged, &usage);
    usage_merge(&merged, &usage);
    check_counts(&merged);
    usage_write_openai(&text, &usage);
    MUST(is_json_line(buf_slice(&text)));
    usage.vendor_json = SLICE_NONE; /* as counted, not as the vendor wrote it */
    buf_clear(&text);
    usage_write_openai(&text, &usage);
    MUST(is_json_line(buf_slice(&text)));
}

static void check_error(harborai_str json)
{
    harborai_error error;
    vendor_error_parse(HARBORAI_STR("lab"), 200, 0, json, &error);
    MUST(error.code < 0 && error.message[0] != '\0');
}

/* As parsers have it: of several members the last. */
static harborai_str last_member(harborai_str object, const char *name)
{
    struct json_cursor cursor = json_open(object);
    struct json_member member;
    harborai_str value = SLICE_NONE;
    while (json_kind(object) == JSON_OBJECT && json_object_next(&cursor, &member))
        if (json_key_equal(&member, slice_of(name)))
            value = member.value;
    return value;
}

static bool is_text(harborai_str value)
{
    return json_kind(value) == JSON_STRING && value.len > 2;
}

static void check_call(harborai_str call, bool is_cut)
{
    harborai_str type = last_member(call, "type"), function = last_member(call, "function");
    harborai_str arguments = last_member(function, "arguments"), text;
    MUST(is_text(last_member(call, "id")) && is_text(type));
    MUST(last_member(call, "index").len == 0);
    if (!json_string_equal(type, HARBORAI_STR("function")))
        return;
    MUST(json_kind(arguments) == JSON_STRING);
    if (is_cut)
        return;
    MUST(is_text(last_member(function, "name")));
    char *room = malloc(arguments.len);
    MUST(room != NULL && json_string(arguments, room, arguments.len, &text) == HARBORAI_OK);
    MUST(is_json(text));
    free(room);
}

static void check_choice(harborai_str choice)
{
    harborai_str message = last_member(choice, "message"), call;
    harborai_str reason = last_member(choice, "finish_reason");
    harborai_str calls = last_member(message, "tool_calls");
    bool is_cut = slice_is(reason, "\"length\"") || slice_is(reason, "\"content_filter\"");
    struct json_cursor cursor = json_open(calls);
    if (json_kind(message) != JSON_OBJECT)
        return;
    MUST(last_member(message, "content").len > 0);
    MUST(!is_text(last_member(message, "reasoning")) ||
         is_text(last_member(message, "reasoning_content")));
    MUST(calls.len == 0 || json_is_null(calls) || json_kind(calls) == JSON_ARRAY);
    while (json_array_next(&cursor, &call)) {
        check_call(call, is_cut);
        MUST(is_cut || reason.len == 0 || slice_is(reason, "\"tool_calls\"") ||
             slice_is(reason, "\"function_call\""));
    }
}

static void check_repair(struct chat_answer *answer, bool think_tags)
{
    AUTO(answer_repair) first;
    AUTO(answer_repair) second;
    struct chat_answer again;
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_str choice;
    unsigned i = 0;
    answer_repair_init(&first, 1, think_tags);
    answer_repair_init(&second, 2, false); /* what is left of tags is text */
    harborai_status st = answer_repair(&first, answer, &error);
    if (st < 0) {
        MUST(st == HARBORAI_E_PROTOCOL && error.code == st && error.message[0] != '\0');
        return;
    }
    MUST(is_json(answer->body));
    MUST(answer_check(answer->body, &again, NULL) == HARBORAI_OK);
    struct json_cursor cursor = json_open(again.choice_list);
    while (json_array_next(&cursor, &choice) && i++ < LIMIT_REQUEST_CHOICES)
        check_choice(choice);
    MUST(answer_repair(&second, &again, NULL) == HARBORAI_OK && !second.is_repaired);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    harborai_str body = {(const char *)data, size};
    struct chat_answer answer;
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_status st = answer_check(body, &answer, &error);
    MUST(answer_describe(body)[0] != '\0');
    if (json_kind(body) == JSON_OBJECT && is_json(body))
        check_usage(body);
    if (st < 0) {
        MUST(st == HARBORAI_E_PROTOCOL && error.code == st && error.message[0] != '\0');
        MUST(json_is_utf8(slice_of(error.message)));
        return 0;
    }
    MUST(is_json(answer.body) && is_within(answer.body, body));
    MUST(is_within(answer.usage, body) && is_within(answer.error, body));
    MUST(is_within(answer.id, body) && is_within(answer.finish_reason, body));
    MUST(answer.choices > 0 || answer.error.len > 0);
    if (answer.usage.len > 0)
        check_usage(answer.usage);
    if (answer.error.len > 0)
        check_error(answer.error);
    struct chat_answer tagged = answer;
    check_repair(&answer, false);
    check_repair(&tagged, true);
    return 0;
}
