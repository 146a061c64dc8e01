/* SPDX-License-Identifier: MIT */
/* The small members: how long, how random, for whom. */
#include <stdio.h>

#include "json_value.h"
#include "plugins/anthropic/body.h"

enum { MAX_TOKENS_UNKNOWN = 32000 }; /* of a model that is not in the manifest: all of today's can */

/* ---- Limits ---------------------------------------------------------------------------------- */

/* The vendor demands it; OpenAI's meaning of its absence is: as long as the model can. */
static int64_t max_tokens_of(const struct body *b)
{
    harborai_str most = json_member(b->request->model_info, HARBORAI_STR("max_output"));
    int64_t number;
    if (b->settings->max_tokens > 0)
        return b->settings->max_tokens;
    return json_int64(most, &number) && number > 0 ? number : MAX_TOKENS_UNKNOWN;
}

static harborai_status write_max_tokens(struct body *b)
{
    bool is_new = b->field[FIELD_MAX_COMPLETION_TOKENS].len > 0;
    harborai_str said = b->field[is_new ? FIELD_MAX_COMPLETION_TOKENS : FIELD_MAX_TOKENS];
    const char *param = is_new ? "/max_completion_tokens" : "/max_tokens";
    b->max_tokens = max_tokens_of(b);
    if (said.len > 0 && (!json_int64(said, &b->max_tokens) || b->max_tokens < 0))
        return body_refuse(b, HARBORAI_E_INVALID, param, "'%s' must be a whole number", param + 1);
    json_out_key(b->out, "max_tokens");
    json_out_int64(b->out, b->max_tokens);
    return HARBORAI_OK;
}

static harborai_status write_stop(struct body *b)
{
    harborai_str stop = b->field[FIELD_STOP_SEQUENCES], item;
    struct json_cursor cursor;
    if (stop.len == 0)
        stop = b->field[FIELD_STOP];
    if (stop.len == 0)
        return HARBORAI_OK;
    if (json_kind(stop) != JSON_STRING && json_kind(stop) != JSON_ARRAY)
        return body_refuse(b, HARBORAI_E_INVALID, "/stop",
                           "'stop' must be a string or an array of strings");
    json_out_key(b->out, "stop_sequences");
    json_out_open(b->out, '[');
    if (!body_is_blank(stop)) /* the vendor refuses what is blank */
        json_out_raw(b->out, stop);
    cursor = json_open(stop);
    while (json_array_next(&cursor, &item))
        if (!body_is_blank(item)) {
            json_out_item(b->out);
            json_out_raw(b->out, item);
        }
    json_out_close(b->out, ']');
    return HARBORAI_OK;
}

harborai_status body_write_limits(struct body *b)
{
    harborai_status st = write_max_tokens(b);
    return st < 0 ? st : write_stop(b);
}

/* ---- Sampling -------------------------------------------------------------------------------- */

/* A number in millionths, what is beyond cut off. False: an exponent, or no number. */
static bool read_millionths(harborai_str value, int64_t *ret_number)
{
    char text[48];
    size_t len = 0, behind = 0;
    bool point = false;
    if (json_kind(value) != JSON_NUMBER)
        return false;
    if (json_int64(value, ret_number) && *ret_number > -1000000 && *ret_number < 1000000) {
        *ret_number *= 1000000;
        return true;
    }
    for (size_t i = 0; i < value.len && behind < 6; i++) {
        char c = value.data[i];
        if (c == 'e' || c == 'E' || len > 20)
            return false;
        behind += point;
        point |= c == '.';
        text[len++] = c;
    }
    text[len++] = 'e';
    text[len++] = '6';
    return json_int64((harborai_str){text, len}, ret_number);
}

static bool is_one(harborai_str value)
{
    int64_t number;
    return json_int64(value, &number) && number == 1;
}

static harborai_status write_number(struct body *b, enum field field, const char *name)
{
    if (json_kind(b->field[field]) != JSON_NUMBER)
        return body_refuse(b, HARBORAI_E_INVALID, name, "'%s' must be a number", name + 1);
    json_out_key(b->out, name + 1);
    json_out_raw(b->out, b->field[field]);
    return HARBORAI_OK;
}

/* OpenAI's goes up to 2, this one up to 1. */
static harborai_status write_temperature(struct body *b)
{
    int64_t number;
    if (!read_millionths(b->field[FIELD_TEMPERATURE], &number) || number <= 1000000)
        return write_number(b, FIELD_TEMPERATURE, "/temperature");
    json_out_raw(b->out, HARBORAI_STR(",\"temperature\":1"));
    return body_tell(b, "/temperature", HARBORAI_CHANGED_ADAPTED);
}

/* Where the model thinks, the vendor takes no temperature but 1, no top_k, and top_p from 0.95 on
 * (platform.claude.com/docs/en/build-with-claude/extended-thinking, "Feature compatibility"); and
 * of temperature and top_p only one from Claude 4.1 on. */
static bool is_refused(const struct body *b, enum field field)
{
    int64_t number;
    if (b->settings->drops_sampling || !b->rules->sampling)
        return true;
    if (field == FIELD_TOP_P && b->field[FIELD_TEMPERATURE].len > 0 &&
        !(b->thinks && is_one(b->field[FIELD_TEMPERATURE])))
        return true;
    if (!b->thinks)
        return false;
    if (field == FIELD_TOP_P)
        return read_millionths(b->field[field], &number) && number < 950000;
    return true;
}

harborai_status body_write_sampling(struct body *b)
{
    static const struct {
        enum field field;
        const char *name;
    } rows[] = {
        {FIELD_TEMPERATURE, "/temperature"}, {FIELD_TOP_P, "/top_p"}, {FIELD_TOP_K, "/top_k"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum field field = rows[i].field;
        harborai_status st = HARBORAI_OK;
        if (b->field[field].len == 0)
            continue;
        if (!is_refused(b, field))
            st = field == FIELD_TEMPERATURE ? write_temperature(b)
                                            : write_number(b, field, rows[i].name);
        else if (b->settings->drops_sampling || field == FIELD_TOP_K || !is_one(b->field[field]))
            st = body_tell(b, rows[i].name, HARBORAI_CHANGED_DROPPED);
        if (st < 0)
            return st;
    }
    return HARBORAI_OK;
}

/* ---- The rest -------------------------------------------------------------------------------- */

/* metadata is a map of the application's own at OpenAI, and has user_id alone here. */
static harborai_status write_metadata(struct body *b)
{
    struct json_cursor cursor = json_open(b->field[FIELD_METADATA]);
    struct json_member member;
    harborai_str user = b->field[FIELD_SAFETY_IDENTIFIER];
    bool has_more = false;
    if (user.len == 0)
        user = b->field[FIELD_USER];
    while (json_object_next(&cursor, &member))
        if (json_key_equal(&member, HARBORAI_STR("user_id")))
            user = member.value;
        else
            has_more = true;
    if (json_kind(user) == JSON_STRING && user.len > 2) {
        json_out_raw(b->out, HARBORAI_STR(",\"metadata\":{\"user_id\":"));
        json_out_raw(b->out, user);
        json_out_raw(b->out, HARBORAI_STR("}"));
    }
    return has_more ? body_tell(b, "/metadata", HARBORAI_CHANGED_DROPPED) : HARBORAI_OK;
}

/* platform.claude.com/docs/en/api/service-tiers: "auto" may use what was bought as priority. */
static harborai_status write_tier(struct body *b)
{
    static const struct {
        harborai_str said;
        const char *tier; /* NULL = there is no such */
        bool adapted;
    } rows[] = {{HARBORAI_STR_INIT("auto"), "\"auto\"", false},
                {HARBORAI_STR_INIT("default"), "\"standard_only\"", false},
                {HARBORAI_STR_INIT("standard_only"), "\"standard_only\"", false},
                {HARBORAI_STR_INIT("priority"), "\"auto\"", true}};
    harborai_str said = b->field[FIELD_SERVICE_TIER];
    if (said.len == 0)
        return HARBORAI_OK;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!json_string_equal(said, rows[i].said))
            continue;
        json_out_key(b->out, "service_tier");
        json_out_raw(b->out, (harborai_str){rows[i].tier, strlen(rows[i].tier)});
        return rows[i].adapted ? body_tell(b, "/service_tier", HARBORAI_CHANGED_ADAPTED)
                               : HARBORAI_OK;
    }
    return body_tell(b, "/service_tier", HARBORAI_CHANGED_DROPPED);
}

harborai_status body_write_rest(struct body *b)
{
    harborai_status st = write_metadata(b);
    return st < 0 ? st : write_tier(b);
}
