/* SPDX-License-Identifier: MIT */
/* A whole answer: it is forwarded as it came, so it is checked to its last byte first. No text of
 * it may get into a message. */
#include "chat/answer.h"

#include "base/limits.h"
#include "chat/vendor_error.h"
#include "json_value.h"

enum { MEMBERS_MOST = 128 };

static bool begins_as(harborai_str text, harborai_str what)
{
    return text.len >= what.len && slice_equal_ignoring_case(slice_cut(text, what.len), what);
}

const char *answer_describe(harborai_str body)
{
    harborai_str text = slice_trim(body);
    if (text.len == 0)
        return "an empty body";
    if (begins_as(text, HARBORAI_STR("<!doctype html")) || begins_as(text, HARBORAI_STR("<html")))
        return "an HTML page";
    if (text.data[0] == '<')
        return "XML or HTML";
    if (begins_as(text, HARBORAI_STR("data:")) || begins_as(text, HARBORAI_STR("event:")))
        return "a stream of events";
    if (json_scan(text, NULL, NULL, NULL) == HARBORAI_OK)
        return "other JSON";
    if (text.data[0] == '{' || text.data[0] == '[')
        return "broken JSON";
    return "text that is not JSON";
}

static harborai_status refuse(harborai_str body, harborai_status st,
                              const struct json_fault *fault, harborai_error *error)
{
    const char *what = answer_describe(body);
    if (st == HARBORAI_E_INVALID && slice_is(slice_of(what), "broken JSON"))
        return harborai_error_set(
            error, HARBORAI_E_PROTOCOL,
            "the vendor's answer is broken JSON: %s at byte %zu of %zu; ask again", fault->reason,
            fault->at, body.len);
    return harborai_error_set(error, HARBORAI_E_PROTOCOL,
                              "the vendor's answer is not a chat completion but %s; check the "
                              "provider's base_url",
                              what);
}

bool answer_tells_error(harborai_str value)
{
    switch (json_kind(value)) {
    case JSON_OBJECT:
    case JSON_ARRAY:
    case JSON_STRING:
        return slice_trim((harborai_str){value.data + 1, value.len - 2}).len > 0;
    case JSON_NUMBER:
        return !slice_is(value, "0");
    case JSON_BOOL:
        return slice_is(value, "true");
    case JSON_NONE:
    case JSON_NULL:
    default:
        return false;
    }
}

static void read_choices(struct chat_answer *answer, harborai_str choices)
{
    struct json_cursor cursor = json_open(choices);
    struct chat_choice other, *choice = &answer->only;
    if (json_kind(choices) != JSON_ARRAY)
        return;
    answer->choice_list = choices;
    answer->only.value = SLICE_NONE;
    for (; choice_next(&cursor, choice); choice = &other) {
        if (answer->choices++ == 0)
            answer->finish_reason = choice->first_reason;
        if (vendor_error_is_finish(choice->first_reason))
            answer->error = choice->first_reason;
        if (choice == &other)
            answer->only.value = SLICE_NONE;
    }
    if (json_kind(answer->finish_reason) != JSON_STRING)
        answer->finish_reason = SLICE_NONE;
}

static void read_member(struct chat_answer *answer, const struct json_member *member)
{
    if (member->kind == JSON_NULL)
        return;
    if (NAME_IS(member, "id") && member->kind == JSON_STRING)
        answer->id = member->value;
    else if (NAME_IS(member, "model") && member->kind == JSON_STRING)
        answer->model = member->value;
    else if (NAME_IS(member, "usage") && member->kind == JSON_OBJECT)
        answer->usage = member->value;
    else if (NAME_IS(member, "service_tier") && member->kind == JSON_STRING)
        answer->service_tier = member->value;
    else if (NAME_IS(member, "choices"))
        read_choices(answer, member->value);
    else if (NAME_IS(member, "error") &&
             (answer->error.len == 0 || answer_tells_error(member->value)))
        answer->error = member->value;
}

harborai_status answer_check(harborai_str body, struct chat_answer *ret_answer,
                             harborai_error *error)
{
    const struct json_limits limits = {LIMIT_JSON_DEPTH};
    struct json_member members[MEMBERS_MOST];
    struct chat_answer answer = {.body = slice_trim(body)};
    struct json_fault fault = {0, ""};
    size_t count;

    harborai_status st =
        json_scan_object(answer.body, &limits, members, MEMBERS_MOST, &count, &fault);
    if (st < 0)
        return refuse(answer.body, st, &fault, error);
    for (size_t i = 0; i < count; i++)
        read_member(&answer, &members[i]);
    if (answer.choices > 0 && !answer_tells_error(answer.error))
        answer.error = SLICE_NONE;
    if (answer.choices == 0 && answer.error.len == 0) {
        if (!slice_is(json_member(answer.body, HARBORAI_STR("object")), "\"error\""))
            return refuse(answer.body, HARBORAI_OK, &fault, error);
        answer.error = answer.body;
    }
    *ret_answer = answer;
    return HARBORAI_OK;
}
