/* SPDX-License-Identifier: MIT */
/* Reads a chat.completion.chunk for who wants its text and no JSON. Whatever is odd in it is left to
 * who reads the JSON. */
#include "client/ask.h"
#include "json_value.h"

/* The text of a JSON string, in `scratch` if it has escapes, whose room was made before. Never NULL,
 * so that fwrite() may have it as it is. */
static harborai_str text_of(harborai_str value, struct buf *scratch)
{
    harborai_str text;
    if (json_kind(value) != JSON_STRING)
        return HARBORAI_STR("");
    if (json_string_plain(value, &text))
        return text;
    char *room = buf_reserve(scratch, value.len);
    if (room == NULL || json_string(value, room, value.len, &text) < 0)
        return HARBORAI_STR("");
    buf_commit(scratch, text.len);
    return text;
}

bool piece_read(harborai_str json, struct buf *scratch, harborai_chunk *ret_chunk)
{
    harborai_str choice = json_pointer_find(json, HARBORAI_STR("/choices/0"));
    harborai_str delta = json_member(choice, HARBORAI_STR("delta"));
    harborai_str reasoning = json_member(delta, HARBORAI_STR("reasoning_content"));
    int64_t index = 0;

    buf_clear(scratch);
    (void)buf_reserve(scratch, json.len); /* once, so that no text moves when the next one comes */
    if (json_kind(reasoning) != JSON_STRING)
        reasoning = json_member(delta, HARBORAI_STR("reasoning"));
    (void)json_int64(json_member(choice, HARBORAI_STR("index")), &index);
    *ret_chunk = (harborai_chunk){
        .text = text_of(json_member(delta, HARBORAI_STR("content")), scratch),
        .reasoning = text_of(reasoning, scratch),
        .finish_reason = text_of(json_member(choice, HARBORAI_STR("finish_reason")), scratch),
        .json = json,
        .choice = (uint32_t)index,
    };
    return scratch->failed == HARBORAI_OK;
}
