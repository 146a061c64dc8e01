/* SPDX-License-Identifier: MIT */
/* Watches a stream of chat.completion.chunk objects go by. It runs for every event of every stream:
 * one scan, one walk through the choices, no allocation. It must never change a byte. */
#include "chat/stream.h"

#include <string.h>

#include "chat/json_line.h"
#include "chat/vendor_error.h"
#include "json_value.h"

enum { MEMBERS_MOST = 64 }; /* of a chunk; OpenAI's have about 9 */

static const struct finish_word {
    harborai_str quoted;
    enum stream_finish finish;
} finish_words[] = {
    {HARBORAI_STR_INIT("\"stop\""), STREAM_STOP},
    {HARBORAI_STR_INIT("\"length\""), STREAM_LENGTH},
    {HARBORAI_STR_INIT("\"tool_calls\""), STREAM_TOOL_CALLS},
    {HARBORAI_STR_INIT("\"function_call\""), STREAM_TOOL_CALLS},
    {HARBORAI_STR_INIT("\"content_filter\""), STREAM_CONTENT_FILTER},
};

/* What an event has that matters here. Borrowed; empty = absent or null. */
struct chunk {
    harborai_str id, model, created, object, service_tier;
    harborai_str choices, usage, error;
};

void stream_init(struct stream *w, unsigned choices, bool wants_usage)
{
    memset(w, 0, sizeof *w);
    w->choices = choices > 0 ? choices : 1;
    w->wants_usage = wants_usage;
}

/* ---- Reading an event ------------------------------------------------------------------------ */

/* Whether the member has this name, a literal: with constant lengths the compiler makes it a
 * comparison of words. Escaped keys take the long way. */
#define NAME_IS(member, literal)                                                                   \
    (((member)->key.len == sizeof(literal) - 1 &&                                                  \
      memcmp((member)->key.data, literal, sizeof(literal) - 1) == 0) ||                            \
     ((member)->key_escaped && json_key_equal(member, HARBORAI_STR(literal))))

static void read_member(struct chunk *chunk, const struct json_member *member)
{
    if (member->kind == JSON_NULL)
        return;
    if (NAME_IS(member, "id"))
        chunk->id = member->value;
    else if (NAME_IS(member, "model"))
        chunk->model = member->value;
    else if (NAME_IS(member, "object"))
        chunk->object = member->value;
    else if (NAME_IS(member, "created"))
        chunk->created = member->value;
    else if (NAME_IS(member, "choices"))
        chunk->choices = member->value;
    else if (NAME_IS(member, "usage"))
        chunk->usage = member->value;
    else if (NAME_IS(member, "service_tier"))
        chunk->service_tier = member->value;
    else if (NAME_IS(member, "error"))
        chunk->error = member->value;
}

static bool read_chunk(harborai_str data, struct chunk *ret_chunk)
{
    struct json_member members[MEMBERS_MOST];
    size_t count;
    if (json_scan_object(data, NULL, members, MEMBERS_MOST, &count, NULL) < 0)
        return false;
    *ret_chunk = (struct chunk){0};
    for (size_t i = 0; i < count; i++)
        read_member(ret_chunk, &members[i]);
    return true;
}

/* False: nothing was kept, because something was already, or the value is none. */
static bool keep(struct stream_text *text, harborai_str value)
{
    enum json_kind kind = json_kind(value);
    if (text->len > 0 || value.len > sizeof text->data || slice_is(value, "\"\"") ||
        (kind != JSON_STRING && kind != JSON_NUMBER))
        return false;
    memcpy(text->data, value.data, value.len);
    text->len = (unsigned char)value.len;
    return true;
}

/* The tier is known for certain only when the vendor has served the call: a later word holds. */
static bool keep_tier(struct stream *w, harborai_str tier)
{
    if (tier.len == 0 ||
        slice_equal(tier, (harborai_str){w->service_tier.data, w->service_tier.len}))
        return false;
    w->service_tier.len = 0;
    return keep(&w->service_tier, tier);
}

/* Who answers, and how: until the first chunk with choices each may still be missing. */
static void note_names(struct stream *w, const struct chunk *chunk)
{
    w->has_named = keep_tier(w, chunk->service_tier);
    if (w->chunks > 0)
        return;
    keep(&w->id, chunk->id);
    keep(&w->created, chunk->created);
    w->has_named |= keep(&w->model, chunk->model);
}

/* Whether a delta says anything beside the role. */
static bool delta_has_content(harborai_str delta)
{
    struct json_cursor cursor = json_open(delta);
    struct json_member member;
    if (json_kind(delta) != JSON_OBJECT)
        return false;
    while (json_object_next(&cursor, &member))
        if (member.kind != JSON_NULL && member.value.len > 2 /* "", [] and {} */ &&
            !NAME_IS(&member, "role"))
            return true;
    return false;
}

static enum stream_finish finish_of(struct stream *w, harborai_str reason)
{
    if (json_kind(reason) != JSON_STRING || reason.len == 2) /* "" stands for null, in places */
        return STREAM_OPEN;
    for (size_t i = 0; i < ARRAY_LEN(finish_words); i++)
        if (slice_equal(reason, finish_words[i].quoted))
            return finish_words[i].finish;
    if (vendor_error_is_finish(reason)) {
        w->error = reason;
        return STREAM_OPEN;
    }
    w->vendor_finish.len = 0;
    keep(&w->vendor_finish, reason);
    return STREAM_OTHER;
}

static void stream_choice(struct stream *w, harborai_str choice)
{
    struct json_cursor cursor = json_open(choice);
    struct json_member member;
    enum stream_finish finish = STREAM_OPEN;
    int64_t index = 0;

    while (json_object_next(&cursor, &member)) {
        if (NAME_IS(&member, "index"))
            json_int64(member.value, &index);
        else if (NAME_IS(&member, "finish_reason"))
            finish = finish_of(w, member.value);
        else if (!w->has_content && NAME_IS(&member, "delta"))
            w->has_content = delta_has_content(member.value);
    }
    if (index < 0 || index >= LIMIT_REQUEST_CHOICES)
        return;
    w->opened += !w->is_open[index];
    w->is_open[index] = true;
    if (finish == STREAM_OPEN)
        return;
    /* Counted, not compared with n: there are vendors who number choices from 1. */
    if (w->finish[index] == STREAM_OPEN && ++w->closed == w->choices)
        w->is_holding = true;
    w->finish[index] = (unsigned char)finish;
}

/* False: one of them is no object. */
static bool stream_choices(struct stream *w, harborai_str choices)
{
    struct json_cursor cursor = json_open(choices);
    harborai_str choice;
    while (json_array_next(&cursor, &choice)) {
        if (json_kind(choice) != JSON_OBJECT)
            return false;
        stream_choice(w, choice);
    }
    return true;
}

/* What stands in an array, trimmed. */
static harborai_str inside(harborai_str array)
{
    return slice_trim((harborai_str){array.data + 1, array.len - 2});
}

/* Whether the choices of a chunk end none, seen without a walk: wherever the name stands, null
 * follows, and no key can hide behind an escape. False says nothing. Nearly every chunk of a stream
 * is one of these, and the walk would take as long as the scan. */
static bool ends_nothing(harborai_str choices)
{
    static const char name[] = "finish_reason", null[] = "finish_reason\":null";
    const char *p = choices.data, *end = p + choices.len;
    if (memmem(p, choices.len, "\\u", 2) != NULL)
        return false;
    while ((p = memmem(p, (size_t)(end - p), name, sizeof name - 1)) != NULL) {
        if ((size_t)(end - p) < sizeof null - 1 || memcmp(p, null, sizeof null - 1) != 0)
            return false;
        p += sizeof null - 1;
    }
    return true;
}

/* `items` is what stands in the array, not empty. False: one of them is no object, as far as that is
 * seen without a walk. */
static bool read_choices(struct stream *w, harborai_str choices, harborai_str items)
{
    if (w->choices == 1 && w->has_content && ends_nothing(items))
        return items.data[0] == '{' && items.data[items.len - 1] == '}';
    return stream_choices(w, choices);
}

/* ---- Verdicts -------------------------------------------------------------------------------- */

static enum stream_verdict drop_and_count(struct stream *w)
{
    w->repairs++;
    return STREAM_DROP;
}

/* An event without choices: the usage, or nothing that a client of OpenAI's would understand. */
static enum stream_verdict stream_bare(struct stream *w, const struct chunk *chunk)
{
    bool is_regular = chunk->choices.len > 0; /* [], as OpenAI writes it */
    if (w->usage.len == 0) {
        if (!is_regular)
            return drop_and_count(w);
        return w->is_holding ? STREAM_HOLD : STREAM_FORWARD;
    }
    if (!w->wants_usage)
        return STREAM_DROP;
    if (!is_regular || !w->is_holding || w->gave_usage) /* we write the one chunk at the end */
        return drop_and_count(w);
    w->gave_usage = true;
    return STREAM_HOLD;
}

static bool is_done_mark(harborai_str data)
{
    return data.len < 32 && slice_is(slice_trim(data), "[DONE]");
}

enum stream_verdict stream_event(struct stream *w, harborai_str data)
{
    struct chunk chunk;

    w->usage = w->error = SLICE_NONE;
    w->has_named = false;
    if (w->is_done || data.len == 0)
        return STREAM_DROP;
    if (is_done_mark(data)) {
        w->is_done = true;
        return STREAM_DONE;
    }
    if (!read_chunk(data, &chunk))
        return slice_trim(data).len == 0 ? STREAM_DROP : STREAM_BAD;
    if (chunk.error.len > 0 || slice_is(chunk.object, "\"error\"")) {
        w->error = chunk.error.len > 0 ? chunk.error : data;
        return STREAM_ERROR;
    }
    if (json_kind(chunk.usage) == JSON_OBJECT)
        w->usage = chunk.usage;
    note_names(w, &chunk);
    if (chunk.choices.len > 0 && json_kind(chunk.choices) != JSON_ARRAY)
        return STREAM_BAD;
    harborai_str items = chunk.choices.len > 0 ? inside(chunk.choices) : SLICE_NONE;
    if (items.len == 0)
        return stream_bare(w, &chunk);
    if (!read_choices(w, chunk.choices, items))
        return STREAM_BAD;
    if (w->error.len > 0)
        return STREAM_ERROR;
    w->chunks++;
    return w->is_holding ? STREAM_HOLD : STREAM_FORWARD;
}

bool stream_is_finished(const struct stream *w)
{
    unsigned due = w->is_done && w->opened < w->choices ? w->opened : w->choices;
    return w->closed > 0 && w->closed >= due;
}

static void write_kept(struct buf *b, const struct stream_text *text, const char *otherwise)
{
    buf_add(b, text->len > 0 ? (harborai_str){text->data, text->len} : slice_of(otherwise));
}

void stream_write_usage_chunk(const struct stream *w, harborai_str usage, struct buf *b)
{
    buf_add(b, HARBORAI_STR("{\"id\":"));
    write_kept(b, &w->id, "\"\"");
    buf_add(b, HARBORAI_STR(",\"object\":\"chat.completion.chunk\",\"created\":"));
    write_kept(b, &w->created, "0");
    buf_add(b, HARBORAI_STR(",\"model\":"));
    write_kept(b, &w->model, "\"\"");
    buf_add(b, HARBORAI_STR(",\"choices\":[],\"usage\":"));
    json_line_write(b, usage);
    buf_add_char(b, '}');
}
