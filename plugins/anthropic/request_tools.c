/* SPDX-License-Identifier: MIT */
/* `tools` and `tool_choice`. [SDK] anthropic 2.12.0: types/tool_param.py, tool_choice_*_param.py. */
#include <stdio.h>

#include "json_value.h"
#include "plugins/anthropic/body.h"

void body_write_tool_id(struct json_out *out, harborai_str id)
{
    const char *p = id.data + 1, *end = id.data + id.len - 1;
    json_out_raw(out, HARBORAI_STR("\""));
    while (p < end) {
        const char *from = p;
        while (p < end && ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                           (*p >= '0' && *p <= '9') || *p == '_' || *p == '-'))
            p++;
        json_out_raw(out, (harborai_str){from, (size_t)(p - from)});
        if (p < end) {
            char text[4];
            (void)json_decode_next(&p, end, text);
            json_out_raw(out, HARBORAI_STR("_"));
        }
    }
    json_out_raw(out, HARBORAI_STR("\""));
}

/* ---- tools ----------------------------------------------------------------------------------- */

/* The vendor wants an object, with its type said. */
static void write_schema(struct json_out *out, harborai_str schema)
{
    json_out_key(out, "input_schema");
    if (json_kind(schema) != JSON_OBJECT) {
        json_out_raw(out, HARBORAI_STR("{\"type\":\"object\",\"properties\":{}}"));
    } else if (json_member(schema, HARBORAI_STR("type")).len > 0) {
        json_out_raw(out, schema);
    } else {
        struct json_cursor cursor = json_open(schema);
        struct json_member first;
        json_out_raw(out, HARBORAI_STR("{\"type\":\"object\""));
        if (json_object_next(&cursor, &first))
            json_out_raw(out, HARBORAI_STR(","));
        json_out_raw(out, (harborai_str){schema.data + 1, schema.len - 1});
    }
}

static harborai_status write_function(struct body *b, harborai_str tool, harborai_str function,
                                      const char *param)
{
    harborai_str name = json_member(function, HARBORAI_STR("name"));
    harborai_str description = json_member(function, HARBORAI_STR("description"));
    harborai_str cache = json_member(tool, HARBORAI_STR("cache_control"));
    bool strict = false;
    if (json_kind(name) != JSON_STRING)
        return body_refuse(b, HARBORAI_E_INVALID, param, "%s has no name", param + 1);
    json_out_raw(b->out, HARBORAI_STR("{\"name\":"));
    json_out_raw(b->out, name);
    if (json_kind(description) == JSON_STRING) {
        json_out_key(b->out, "description");
        json_out_raw(b->out, description);
    }
    write_schema(b->out, json_member(function, HARBORAI_STR("parameters")));
    if (b->rules->schema &&
        json_boolean(json_member(function, HARBORAI_STR("strict")), &strict) && strict)
        json_out_raw(b->out, HARBORAI_STR(",\"strict\":true"));
    if (cache.len == 0)
        cache = json_member(function, HARBORAI_STR("cache_control"));
    if (json_kind(cache) == JSON_OBJECT) {
        json_out_key(b->out, "cache_control");
        json_out_raw(b->out, cache);
    }
    json_out_raw(b->out, HARBORAI_STR("}"));
    return HARBORAI_OK;
}

static harborai_status write_tool(struct body *b, harborai_str tool, size_t number)
{
    harborai_str function = json_member(tool, HARBORAI_STR("function"));
    char param[64];
    snprintf(param, sizeof param, "/tools/%zu", number);
    json_out_item(b->out);
    if (json_kind(function) == JSON_OBJECT)
        return write_function(b, tool, function, param);
    if (json_kind(tool) == JSON_OBJECT && json_member(tool, HARBORAI_STR("custom")).len == 0 &&
        !json_string_equal(json_member(tool, HARBORAI_STR("type")), HARBORAI_STR("function"))) {
        json_out_raw(b->out, tool); /* Anthropic's own, such as its web search */
        return HARBORAI_OK;
    }
    return body_refuse(b, HARBORAI_E_UNSUPPORTED, param,
                       "tools[%zu] must be a function, or a tool as Anthropic's API has it", number);
}

static harborai_status write_list(struct body *b, bool *ret_has_tools)
{
    struct json_cursor tools = json_open(b->field[FIELD_TOOLS]);
    struct json_cursor functions = json_open(b->field[FIELD_FUNCTIONS]);
    harborai_str item;
    size_t count = 0, from = b->out->len;
    harborai_status st = HARBORAI_OK;
    char param[64];
    json_out_key(b->out, "tools");
    json_out_open(b->out, '[');
    for (size_t i = 0; st >= 0 && json_array_next(&tools, &item); i++, count++)
        st = write_tool(b, item, i);
    for (size_t i = 0; st >= 0 && json_array_next(&functions, &item); i++, count++) {
        snprintf(param, sizeof param, "/functions/%zu", i);
        json_out_item(b->out);
        st = write_function(b, item, item, param);
    }
    json_out_close(b->out, ']');
    if (count == 0)
        b->out->len = from;
    *ret_has_tools = count > 0;
    return st;
}

/* ---- tool_choice ----------------------------------------------------------------------------- */

struct choice {
    const char *type;  /* NULL = not said */
    harborai_str name; /* of "tool", a JSON string */
    harborai_str own;  /* Anthropic's, as the application wrote it */
};

static bool read_choice_word(harborai_str value, struct choice *choice)
{
    static const struct {
        harborai_str word;
        const char *type;
    } words[] = {{HARBORAI_STR_INIT("auto"), "auto"},
                 {HARBORAI_STR_INIT("none"), "none"},
                 {HARBORAI_STR_INIT("required"), "any"},
                 {HARBORAI_STR_INIT("any"), "any"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (json_string_equal(value, words[i].word)) {
            choice->type = words[i].type;
            return true;
        }
    return false;
}

static bool read_choice(harborai_str value, struct choice *choice)
{
    harborai_str type = json_member(value, HARBORAI_STR("type"));
    harborai_str function = json_member(value, HARBORAI_STR("function"));
    if (json_kind(value) == JSON_STRING)
        return read_choice_word(value, choice);
    if (json_kind(value) != JSON_OBJECT)
        return false;
    if (json_string_equal(type, HARBORAI_STR("function")) || type.len == 0) {
        choice->name = json_member(json_kind(function) == JSON_OBJECT ? function : value,
                                   HARBORAI_STR("name"));
        choice->type = "tool";
        return json_kind(choice->name) == JSON_STRING;
    }
    if (json_string_equal(type, HARBORAI_STR("tool")))
        choice->type = "tool";
    else if (!read_choice_word(type, choice))
        return false;
    choice->own = value;
    return true;
}

static harborai_status write_choice(struct body *b, const struct choice *choice, bool one_at_a_time)
{
    json_out_key(b->out, "tool_choice");
    if (choice->own.len > 0) {
        json_out_raw(b->out, choice->own);
        return HARBORAI_OK;
    }
    json_out_raw(b->out, HARBORAI_STR("{\"type\":"));
    json_out_text(b->out, (harborai_str){choice->type, strlen(choice->type)});
    if (choice->name.len > 0) {
        json_out_key(b->out, "name");
        json_out_raw(b->out, choice->name);
    }
    if (one_at_a_time && strcmp(choice->type, "none") != 0)
        json_out_raw(b->out, HARBORAI_STR(",\"disable_parallel_tool_use\":true"));
    json_out_raw(b->out, HARBORAI_STR("}"));
    return HARBORAI_OK;
}

/* "Requests which include `tool_use` or `tool_result` blocks must define tools" (seen in
 * github.com/anthropics/anthropic-sdk-python/issues/494); who wants no more calls may send none. */
static void write_past_tool(struct body *b)
{
    if (b->tool.len == 0)
        return;
    json_out_raw(b->out, HARBORAI_STR(",\"tools\":[{\"name\":"));
    json_out_raw(b->out, b->tool);
    json_out_raw(b->out, HARBORAI_STR(",\"input_schema\":{\"type\":\"object\"}}],"
                                      "\"tool_choice\":{\"type\":\"none\"}"));
}

harborai_status body_write_tools(struct body *b)
{
    harborai_str said = b->field[FIELD_TOOL_CHOICE];
    const char *param = said.len > 0 ? "/tool_choice" : "/function_call";
    bool has_tools, parallel = true;
    struct choice choice = {0};
    harborai_status st = write_list(b, &has_tools);
    if (st < 0)
        return st;
    if (!has_tools) { /* a choice would be refused, and means nothing */
        write_past_tool(b);
        return HARBORAI_OK;
    }
    if (said.len == 0)
        said = b->field[FIELD_FUNCTION_CALL];
    if (said.len > 0 && !read_choice(said, &choice))
        return body_refuse(b, HARBORAI_E_UNSUPPORTED, param,
                           "'%s' must be auto, none, required or one function: Anthropic has "
                           "nothing else",
                           param + 1);
    b->forces_tool = choice.type != NULL &&
                     (strcmp(choice.type, "any") == 0 || strcmp(choice.type, "tool") == 0);
    if (b->forces_tool && !b->rules->forced_tools) {
        st = body_tell(b, param, HARBORAI_CHANGED_DROPPED);
        if (st < 0)
            return st;
        choice = (struct choice){0};
        b->forces_tool = false;
    }
    (void)json_boolean(b->field[FIELD_PARALLEL_TOOL_CALLS], &parallel);
    if (choice.type == NULL && parallel)
        return HARBORAI_OK;
    if (choice.type == NULL)
        choice.type = "auto";
    return write_choice(b, &choice, !parallel);
}
