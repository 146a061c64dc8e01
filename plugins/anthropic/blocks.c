/* SPDX-License-Identifier: MIT */
/* Blocks as deltas: text, calls of tools, thinking with the signature that the vendor wants back.
 * [SDK] anthropic 2.12.0, types/raw_content_block_delta.py and the blocks' own files. What is kept
 * of a thinking block is the JSON that came, never decoded and encoded again: its signature is over
 * its bytes' meaning, and nothing of it may be lost. */
#include "plugins/anthropic/blocks.h"

#include "json_value.h"

enum { TOOLS_MOST = 128 }; /* of a choice, by the ABI */

static void fail_memory(harborai_call *call, struct events *e)
{
    events_fail(call, e, HARBORAI_E_MEMORY, "no memory left for the answer");
}

/* The text of a JSON string; empty if it is none. Valid until the next one. */
static harborai_str text_of(harborai_call *call, struct events *e, harborai_str string)
{
    harborai_str text = {NULL, 0};
    if (json_kind(string) != JSON_STRING || json_string_plain(string, &text))
        return text;
    json_out_clear(&e->text);
    json_out_decoded(&e->text, string);
    if (!e->text.failed)
        return json_out_str(&e->text);
    fail_memory(call, e);
    return HARBORAI_STR("");
}

/* What stands between the quotes, as it stands there. */
static void add_inside(struct json_out *out, harborai_str string)
{
    if (json_kind(string) == JSON_STRING)
        json_out_raw(out, (harborai_str){string.data + 1, string.len - 2});
}

static int64_t count_characters(harborai_str text)
{
    int64_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    return count;
}

/* ---- Text ------------------------------------------------------------------------------------ */

static void add_text(harborai_call *call, struct events *e, harborai_str string)
{
    harborai_str text = text_of(call, e, string);
    e->characters += count_characters(text);
    if (!e->is_over)
        (void)harborai_emit_text(call, HARBORAI_DELTA_TEXT, text);
}

static void add_citation(struct events *e, harborai_str citation)
{
    if (json_kind(citation) != JSON_OBJECT)
        return;
    if (e->block.len == 0)
        json_out_open(&e->block, '[');
    json_out_item(&e->block);
    json_out_raw(&e->block, citation);
}

/* OpenAI's url_citation of what has an address; anything else as the vendor wrote it. */
static void write_annotation(struct events *e, struct json_out *out, harborai_str citation)
{
    harborai_str url = json_member(citation, HARBORAI_STR("url"));
    harborai_str title = json_member(citation, HARBORAI_STR("title"));
    json_out_item(out);
    if (json_kind(url) != JSON_STRING) {
        json_out_raw(out, citation);
        return;
    }
    json_out_raw(out, HARBORAI_STR("{\"type\":\"url_citation\",\"url_citation\":{\"url\":"));
    json_out_raw(out, url);
    json_out_key(out, "title");
    json_out_raw(out, json_kind(title) == JSON_STRING ? title : HARBORAI_STR("\"\""));
    json_out_key(out, "start_index");
    json_out_int64(out, e->block_begin);
    json_out_key(out, "end_index");
    json_out_int64(out, e->characters);
    json_out_raw(out, HARBORAI_STR("}}"));
}

static void stop_text(harborai_call *call, struct events *e)
{
    struct json_cursor cursor;
    harborai_str citation;
    if (e->block.len == 0)
        return;
    json_out_close(&e->block, ']');
    json_out_clear(&e->text);
    json_out_raw(&e->text, HARBORAI_STR("{\"annotations\":["));
    cursor = json_open(json_out_str(&e->block));
    while (!e->block.failed && json_array_next(&cursor, &citation))
        write_annotation(e, &e->text, citation);
    json_out_raw(&e->text, HARBORAI_STR("]}"));
    if (e->text.failed || e->block.failed)
        fail_memory(call, e);
    else
        (void)harborai_emit_text(call, HARBORAI_DELTA_EXTRA, json_out_str(&e->text));
}

/* ---- Tools ----------------------------------------------------------------------------------- */

static void start_tool(harborai_call *call, struct events *e, harborai_str block)
{
    harborai_str id = json_member(block, HARBORAI_STR("id"));
    harborai_str name = json_member(block, HARBORAI_STR("name")), text;
    harborai_str input = json_member(block, HARBORAI_STR("input"));
    struct json_cursor cursor = json_open(input);
    struct json_member member;
    if (e->tools >= TOOLS_MOST || json_kind(name) != JSON_STRING || name.len <= 2) {
        events_fail(call, e, HARBORAI_E_PROTOCOL,
                    "Anthropic's answer calls a tool without a name, or more than 128");
        return;
    }
    json_out_clear(&e->text);
    json_out_decoded(&e->text, id);
    size_t id_len = e->text.len;
    json_out_decoded(&e->text, name);
    if (e->text.failed) {
        fail_memory(call, e);
        return;
    }
    text = json_out_str(&e->text);
    (void)harborai_emit_tool(call, e->tools++, (harborai_str){text.data, id_len},
                             (harborai_str){text.data + id_len, text.len - id_len});
    e->has_input = false;
    if (json_kind(input) == JSON_OBJECT && json_object_next(&cursor, &member))
        json_out_raw(&e->block, input); /* in case that no piece follows */
}

static void add_input(harborai_call *call, struct events *e, harborai_str string)
{
    harborai_str text = text_of(call, e, string);
    if (text.len == 0 || e->is_over) /* an empty piece comes first */
        return;
    e->has_input = true;
    (void)harborai_emit_tool_input(call, e->tools - 1, text);
}

static void stop_tool(harborai_call *call, struct events *e)
{
    if (e->block.failed)
        fail_memory(call, e);
    else if (!e->has_input && e->block.len > 0)
        (void)harborai_emit_tool_input(call, e->tools - 1, json_out_str(&e->block));
}

/* ---- Thinking -------------------------------------------------------------------------------- */

static void add_thinking(harborai_call *call, struct events *e, harborai_str string)
{
    harborai_str text = text_of(call, e, string);
    add_inside(&e->thinking, string);
    if (!e->is_over)
        (void)harborai_emit_text(call, HARBORAI_DELTA_REASONING, text);
}

static void start_thinking(harborai_call *call, struct events *e, harborai_str block)
{
    struct json_cursor cursor = json_open(block);
    struct json_member member;
    json_out_clear(&e->thinking);
    json_out_clear(&e->signature);
    json_out_open(&e->block, '{');
    while (json_object_next(&cursor, &member)) {
        if (json_key_equal(&member, HARBORAI_STR("thinking"))) {
            add_thinking(call, e, member.value);
        } else if (json_key_equal(&member, HARBORAI_STR("signature"))) {
            add_inside(&e->signature, member.value);
        } else {
            json_out_item(&e->block);
            json_out_raw(&e->block, member.span);
        }
    }
}

/* What misses a piece the vendor would refuse: its signature is over the whole. */
static void stop_thinking(harborai_call *call, struct events *e)
{
    if (e->is_torn)
        return;
    json_out_key(&e->block, "thinking");
    json_out_raw(&e->block, HARBORAI_STR("\""));
    json_out_raw(&e->block, json_out_str(&e->thinking));
    json_out_raw(&e->block, HARBORAI_STR("\",\"signature\":\""));
    json_out_raw(&e->block, json_out_str(&e->signature));
    json_out_raw(&e->block, HARBORAI_STR("\"}"));
    if (e->block.failed || e->thinking.failed || e->signature.failed)
        fail_memory(call, e);
    else
        (void)harborai_emit_text(call, HARBORAI_DELTA_REPLAY, json_out_str(&e->block));
}

/* ---- Any block ------------------------------------------------------------------------------- */

void blocks_start(harborai_call *call, struct events *e, harborai_str block)
{
    harborai_str type = json_member(block, HARBORAI_STR("type"));
    json_out_clear(&e->block);
    e->is_torn = false;
    e->kind = BLOCK_OTHER;
    if (json_string_equal(type, HARBORAI_STR("text"))) {
        e->kind = BLOCK_TEXT;
        e->block_begin = e->characters;
        add_text(call, e, json_member(block, HARBORAI_STR("text")));
    } else if (json_string_equal(type, HARBORAI_STR("tool_use"))) {
        e->kind = BLOCK_TOOL;
        start_tool(call, e, block);
    } else if (json_string_equal(type, HARBORAI_STR("thinking"))) {
        e->kind = BLOCK_THINKING;
        start_thinking(call, e, block);
    } else if (json_string_equal(type, HARBORAI_STR("redacted_thinking"))) {
        (void)harborai_emit_text(call, HARBORAI_DELTA_REPLAY, block);
    }
}

static const struct {
    harborai_str type, member;
    enum block kind; /* of the block that it goes with */
    void (*add)(harborai_call *call, struct events *e, harborai_str string);
} pieces[] = {
    {HARBORAI_STR_INIT("text_delta"), HARBORAI_STR_INIT("text"), BLOCK_TEXT, add_text},
    {HARBORAI_STR_INIT("input_json_delta"), HARBORAI_STR_INIT("partial_json"), BLOCK_TOOL,
     add_input},
    {HARBORAI_STR_INIT("thinking_delta"), HARBORAI_STR_INIT("thinking"), BLOCK_THINKING,
     add_thinking},
};

void blocks_add(harborai_call *call, struct events *e, harborai_str delta)
{
    harborai_str type = json_member(delta, HARBORAI_STR("type"));
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        if (e->kind == pieces[i].kind && json_string_equal(type, pieces[i].type)) {
            pieces[i].add(call, e, json_member(delta, pieces[i].member));
            return;
        }
    if (e->kind == BLOCK_THINKING && json_string_equal(type, HARBORAI_STR("signature_delta")))
        add_inside(&e->signature, json_member(delta, HARBORAI_STR("signature")));
    else if (e->kind == BLOCK_TEXT && json_string_equal(type, HARBORAI_STR("citations_delta")))
        add_citation(e, json_member(delta, HARBORAI_STR("citation")));
}

void blocks_stop(harborai_call *call, struct events *e)
{
    enum block kind = e->kind;
    e->kind = BLOCK_NONE;
    switch (kind) {
    case BLOCK_TEXT:
        stop_text(call, e);
        break;
    case BLOCK_TOOL:
        stop_tool(call, e);
        break;
    case BLOCK_THINKING:
        stop_thinking(call, e);
        break;
    case BLOCK_NONE:
    case BLOCK_OTHER:
        break;
    }
}
