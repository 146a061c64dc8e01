/* SPDX-License-Identifier: MIT */
#include "fold.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char *const texts[] = {"content", "reasoning_content", "refusal"};

void fold_init(struct fold *fold)
{
    *fold = (struct fold){.result = json_object_new_object()};
}

void fold_release(struct fold *fold)
{
    json_object_put(fold->result);
    fold->result = NULL;
}

static void broken(struct fold *fold, const char *what)
{
    if (fold->broken[0] == '\0')
        snprintf(fold->broken, sizeof fold->broken, "%s", what);
}

static struct json_object *parse(harborai_str json)
{
    struct json_tokener *tokener = json_tokener_new_ex(256);
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *value = json_tokener_parse_ex(tokener, json.data, (int)json.len);
    bool good = json_tokener_get_error(tokener) == json_tokener_success &&
                json_tokener_get_parse_end(tokener) == json.len;
    json_tokener_free(tokener);
    if (good)
        return value;
    json_object_put(value);
    return NULL;
}

static const char *text_of(struct json_object *object, const char *name)
{
    struct json_object *value;
    if (!json_object_object_get_ex(object, name, &value) ||
        !json_object_is_type(value, json_type_string))
        return NULL;
    return json_object_get_string(value);
}

static void append(struct json_object *object, const char *name, const char *more)
{
    const char *before = text_of(object, name);
    size_t len = before != NULL ? strlen(before) : 0;
    char *all = malloc(len + strlen(more) + 1);
    memcpy(all, before != NULL ? before : "", len);
    strcpy(all + len, more); /* room was made for it */
    json_object_object_add(object, name, json_object_new_string(all));
    free(all);
}

static struct json_object *calls_of(struct fold *fold)
{
    struct json_object *calls;
    if (!json_object_object_get_ex(fold->result, "tool_calls", &calls)) {
        calls = json_object_new_array();
        json_object_object_add(fold->result, "tool_calls", calls);
    }
    return calls;
}

static void begin_call(struct fold *fold, struct json_object *calls, struct json_object *piece)
{
    struct json_object *function = NULL, *call = json_object_new_object();
    const char *id = text_of(piece, "id"), *type = text_of(piece, "type");
    json_object_object_get_ex(piece, "function", &function);
    const char *name = text_of(function, "name");
    if (id == NULL || id[0] == '\0')
        broken(fold, "a tool call begins without an id");
    if (name == NULL || name[0] == '\0')
        broken(fold, "a tool call begins without a name");
    if (type == NULL || strcmp(type, "function") != 0)
        broken(fold, "a tool call begins without its type");
    json_object_object_add(call, "id", json_object_new_string(id != NULL ? id : ""));
    json_object_object_add(call, "name", json_object_new_string(name != NULL ? name : ""));
    json_object_object_add(call, "arguments", json_object_new_string(""));
    json_object_array_add(calls, call);
}

static void fold_call(struct fold *fold, struct json_object *piece, int64_t index)
{
    struct json_object *calls = calls_of(fold), *function = NULL;
    size_t count = json_object_array_length(calls);
    json_object_object_get_ex(piece, "function", &function);
    if (index < 0 || (size_t)index > count) {
        broken(fold, "the indices of tool calls are not dense");
        return;
    }
    if ((size_t)index == count)
        begin_call(fold, calls, piece);
    else if (text_of(piece, "id") != NULL || text_of(function, "name") != NULL)
        broken(fold, "a tool call's id or name comes twice");
    const char *arguments = text_of(function, "arguments");
    if (arguments != NULL)
        append(json_object_array_get_idx(calls, (size_t)index), "arguments", arguments);
}

/* Of a stream each piece says its index; in a whole answer it is the place. */
static void fold_message(struct fold *fold, struct json_object *message, bool is_stream)
{
    struct json_object *calls, *index;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *text = text_of(message, texts[i]);
        if (text != NULL && text[0] != '\0')
            append(fold->result, texts[i], text);
    }
    if (!json_object_object_get_ex(message, "tool_calls", &calls) || calls == NULL)
        return;
    for (size_t i = 0; i < json_object_array_length(calls); i++) {
        struct json_object *piece = json_object_array_get_idx(calls, i);
        bool has_index = json_object_object_get_ex(piece, "index", &index);
        if (is_stream && !has_index)
            broken(fold, "a piece of a tool call without an index");
        fold_call(fold, piece, is_stream && has_index ? json_object_get_int64(index) : (int64_t)i);
    }
}

static void fold_choices(struct fold *fold, struct json_object *answer, bool is_stream)
{
    struct json_object *choices, *index, *message;
    if (!json_object_object_get_ex(answer, "choices", &choices) ||
        !json_object_is_type(choices, json_type_array)) {
        broken(fold, "no choices");
        return;
    }
    for (size_t i = 0; i < json_object_array_length(choices); i++) {
        struct json_object *choice = json_object_array_get_idx(choices, i);
        if (!json_object_object_get_ex(choice, "index", &index))
            broken(fold, "a choice without an index");
        else if (json_object_get_int(index) != 0)
            continue;
        if (!json_object_object_get_ex(choice, is_stream ? "delta" : "message", &message) ||
            !json_object_is_type(message, json_type_object))
            broken(fold, "a choice without its delta or message");
        else if (fold->finished > 0 && json_object_object_length(message) > 0)
            broken(fold, "more of a choice after its finish_reason");
        else
            fold_message(fold, message, is_stream);
        const char *reason = text_of(choice, "finish_reason");
        if (reason == NULL)
            continue;
        if (fold->finished++ > 0)
            broken(fold, "a second finish_reason");
        json_object_object_add(fold->result, "finish_reason", json_object_new_string(reason));
    }
}

static void fold_usage(struct fold *fold, struct json_object *answer)
{
    struct json_object *usage;
    if (!json_object_object_get_ex(answer, "usage", &usage) || usage == NULL)
        return;
    if (json_object_object_get_ex(fold->result, "usage", NULL))
        broken(fold, "the usage comes twice");
    json_object_object_add(fold->result, "usage", json_object_get(usage));
}

static void fold_answer(struct fold *fold, harborai_str json, const char *kind, bool is_stream)
{
    struct json_object *answer = parse(json);
    if (!json_object_is_type(answer, json_type_object)) {
        broken(fold, "what comes out is no JSON object");
    } else {
        const char *object = text_of(answer, "object");
        if (object == NULL || strcmp(object, kind) != 0)
            broken(fold, "what comes out is not named as OpenAI names it");
        fold_choices(fold, answer, is_stream);
        fold_usage(fold, answer);
    }
    json_object_put(answer);
}

void fold_chunk(struct fold *fold, harborai_str json)
{
    fold_answer(fold, json, "chat.completion.chunk", true);
}

void fold_whole(struct fold *fold, harborai_str json)
{
    fold_answer(fold, json, "chat.completion", false);
}

void fold_end(struct fold *fold)
{
    struct json_object *calls;
    const char *reason = text_of(fold->result, "finish_reason");
    if (fold->finished == 0)
        broken(fold, "no finish_reason");
    if (!json_object_object_get_ex(fold->result, "tool_calls", &calls))
        return;
    for (size_t i = 0; i < json_object_array_length(calls); i++) {
        struct json_object *call = json_object_array_get_idx(calls, i);
        const char *arguments = text_of(call, "arguments");
        struct json_object *value = parse((harborai_str){arguments, strlen(arguments)});
        if (value != NULL)
            json_object_object_add(call, "arguments", value);
        else if (reason != NULL && strcmp(reason, "length") != 0 &&
                 strcmp(reason, "content_filter") != 0)
            broken(fold, "a tool call's arguments are no JSON");
    }
}
