/* SPDX-License-Identifier: MIT */
/* Reads a schema for people. Of foreign files: what is long is cut. */
#include "plugin/schema_words.h"

#include "base/limits.h"
#include "base/nearest.h"
#include "json_value.h"

#define LIST_MAX 250 /* bytes of names or words */
#define NAME_MAX 64

static harborai_str keyword(harborai_str schema, const char *name)
{
    return json_member(schema, slice_of(name));
}

/* A scalar as one would write it. */
static harborai_str as_written(harborai_str value)
{
    if (json_kind(value) == JSON_STRING)
        value = slice_cut(slice_from(value, 1), value.len - 2);
    return slice_cut(value, NAME_MAX);
}

/* "low, medium or high" */
static void add_words(harborai_str list, struct buf *out)
{
    struct json_cursor cursor = json_open(list);
    harborai_str item, next;
    size_t start = out->len;
    bool is_more = json_array_next(&cursor, &next);
    while (is_more && out->len - start < LIST_MAX) {
        const char *before = out->len == start ? "" : ", ";
        item = next;
        is_more = json_array_next(&cursor, &next);
        if (out->len > start && !is_more)
            before = " or ";
        buf_printf(out, "%s%.*s", before, SLICE_ARG(as_written(item)));
    }
    if (is_more)
        buf_add(out, HARBORAI_STR(", …"));
}

/* " from 1 to 9" */
static void add_range(harborai_str least, harborai_str most, struct buf *out)
{
    if (least.len > 0 && most.len > 0)
        buf_printf(out, " from %.*s to %.*s", SLICE_ARG(as_written(least)),
                   SLICE_ARG(as_written(most)));
    else if (least.len > 0)
        buf_printf(out, " from %.*s on", SLICE_ARG(as_written(least)));
    else if (most.len > 0)
        buf_printf(out, " up to %.*s", SLICE_ARG(as_written(most)));
}

static void add_text(harborai_str schema, struct buf *out)
{
    harborai_str least = keyword(schema, "minLength"), most = keyword(schema, "maxLength");
    if (slice_is(least, "1") && most.len == 0)
        buf_add(out, HARBORAI_STR("a text that is not empty"));
    else if (least.len > 0 && most.len > 0)
        buf_printf(out, "a text of %.*s to %.*s characters", SLICE_ARG(as_written(least)),
                   SLICE_ARG(as_written(most)));
    else if (least.len + most.len > 0)
        buf_printf(out, "a text of at %s %.*s characters", least.len > 0 ? "least" : "most",
                   SLICE_ARG(as_written(least.len > 0 ? least : most)));
    else
        buf_add(out, HARBORAI_STR("a text"));
}

static void add_type(harborai_str schema, harborai_str type, struct buf *out)
{
    static const struct {
        const char *name, *words;
    } others[] = {{"boolean", "true or false"}, {"array", "a list"}, {"object", "a mapping"},
                  {"null", "nothing"}};
    bool is_whole = json_string_equal(type, HARBORAI_STR("integer"));
    if (json_string_equal(type, HARBORAI_STR("string"))) {
        add_text(schema, out);
    } else if (is_whole || json_string_equal(type, HARBORAI_STR("number"))) {
        buf_printf(out, "a %snumber", is_whole ? "whole " : "");
        add_range(keyword(schema, "minimum"), keyword(schema, "maximum"), out);
    }
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        if (json_string_equal(type, slice_of(others[i].name)))
            buf_add(out, slice_of(others[i].words));
}

static void add_types(harborai_str schema, harborai_str types, struct buf *out)
{
    struct json_cursor cursor = json_open(types);
    harborai_str item;
    size_t start = out->len;
    if (json_kind(types) == JSON_STRING)
        add_type(schema, types, out);
    while (json_array_next(&cursor, &item)) {
        buf_add(out, slice_of(out->len > start ? " or " : ""));
        add_type(schema, item, out);
    }
}

bool schema_words_is_never(harborai_str schema)
{
    struct json_cursor ways = json_open(keyword(schema, "anyOf"));
    harborai_str item;
    size_t count = 0;
    for (; json_array_next(&ways, &item); count++)
        if (!slice_is(item, "false"))
            return false;
    return count > 0 || slice_is(schema, "false");
}

/* The type that a schema without one has in mind. */
static harborai_str implied_type(harborai_str schema)
{
    if (keyword(schema, "minimum").len + keyword(schema, "maximum").len > 0)
        return HARBORAI_STR("\"number\"");
    if (keyword(schema, "minLength").len + keyword(schema, "maxLength").len > 0)
        return HARBORAI_STR("\"string\"");
    return keyword(schema, "items").len > 0 ? HARBORAI_STR("\"array\"") : HARBORAI_STR("\"object\"");
}

/* As deep as alternatives stand in alternatives, which json_schema_vet() bounds. */
void schema_words_add_wanted(harborai_str schema, struct buf *out)
{
    struct json_cursor ways = json_open(keyword(schema, "anyOf"));
    harborai_str item, type = keyword(schema, "type");
    size_t start = out->len;
    if (schema_words_is_never(schema)) {
        buf_add(out, HARBORAI_STR("left out"));
    } else if (keyword(schema, "const").len > 0) {
        buf_add(out, as_written(keyword(schema, "const")));
    } else if (keyword(schema, "enum").len > 0) {
        add_words(keyword(schema, "enum"), out);
    } else if (keyword(schema, "anyOf").len > 0) {
        while (out->len - start < LIST_MAX && json_array_next(&ways, &item)) {
            buf_add(out, slice_of(out->len > start ? ", or " : ""));
            schema_words_add_wanted(item, out);
        }
    } else {
        add_types(schema, type.len > 0 ? type : implied_type(schema), out);
    }
}

static harborai_str find_nearest(harborai_str properties, harborai_str key)
{
    struct json_cursor cursor = json_open(properties);
    struct json_member member;
    struct nearest nearest = NEAREST_TO(key);
    while (json_object_next(&cursor, &member))
        if (!schema_words_is_never(member.value))
            nearest_consider(&nearest, member.key);
    return nearest.name;
}

/* The host's own member, which stands elsewhere in a configuration, is left out. */
static void add_names(harborai_str properties, struct buf *out)
{
    struct json_cursor cursor = json_open(properties);
    struct json_member member;
    size_t start = out->len;
    while (out->len - start < LIST_MAX && json_object_next(&cursor, &member))
        if (!json_key_equal(&member, HARBORAI_STR("base_url")) &&
            !schema_words_is_never(member.value))
            buf_printf(out, "%s%.*s", out->len > start ? ", " : ": known are ",
                       SLICE_ARG(slice_cut(member.key, NAME_MAX)));
    if (out->len == start)
        buf_add(out, HARBORAI_STR(": it takes none"));
    else if (json_object_next(&cursor, &member))
        buf_add(out, HARBORAI_STR(", …"));
}

void schema_words_add_hint(harborai_str schema, harborai_str key, struct buf *out)
{
    harborai_str properties = keyword(schema, "properties");
    harborai_str nearest = find_nearest(properties, key);
    if (nearest.len > 0)
        buf_printf(out, ", did you mean '%.*s'?", SLICE_ARG(nearest));
    else
        add_names(properties, out);
}
