/* SPDX-License-Identifier: MIT */
/* Watches a stream of chat.completion.chunk objects go by, and mends it. It runs for every event of
 * every stream: a chunk of text that looks like the last one costs two comparisons and the scan of
 * that text, another that conforms one scan and one walk; neither allocates. */
#include "chat/stream.h"

#include <string.h>

#include "chat/answer.h"
#include "chat/json_line.h"
#include "chat/stream_choice.h"

enum { MEMBERS_MOST = 64 }; /* of a chunk; OpenAI's have about 9 */

/* What an event has that matters here. Borrowed; empty = absent or null. */
struct chunk {
    harborai_str id, model, created, object, service_tier;
    harborai_str choices, usage, error;
    bool has_more_usage; /* before that one */
};

void stream_init(struct stream *w, const struct stream_options *options)
{
    memset(w, 0, offsetof(struct stream, shape));
    w->shape.before_len = w->shape.after_len = 0;
    w->choices = options->choices > 0 ? options->choices : 1;
    w->wants_usage = options->wants_usage;
    w->is_strict = options->is_strict;
    w->notes_turn = options->notes_turn;
    w->think_tags = options->think_tags;
    tool_calls_init(&w->calls, options->id_seed);
    splices_init(&w->splices, 2 * LIMIT_STREAM_EVENT);
    buf_init(&w->out, 2 * LIMIT_STREAM_EVENT);
    buf_init(&w->missing, 2 * LIMIT_STREAM_EVENT);
    message_thoughts_init(&w->thoughts, LIMIT_STREAM_EVENT);
}

void stream_release(struct stream *w)
{
    tool_calls_release(&w->calls);
    splices_release(&w->splices);
    buf_release(&w->out);
    buf_release(&w->missing);
    message_thoughts_release(&w->thoughts);
}

/* ---- Reading an event ------------------------------------------------------------------------ */

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
    else if (NAME_IS(member, "usage")) {
        chunk->has_more_usage |= chunk->usage.len > 0;
        chunk->usage = member->value;
    } else if (NAME_IS(member, "service_tier"))
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

/* The tier is known for certain only when the vendor has served the call: a later word holds. */
static bool keep_tier(struct stream *w, harborai_str tier)
{
    if (tier.len == 0 ||
        slice_equal(tier, (harborai_str){w->service_tier.data, w->service_tier.len}))
        return false;
    w->service_tier.len = 0;
    return stream_text_keep(&w->service_tier, tier);
}

/* Who answers, and how: until the first chunk with choices each may still be missing. */
static void note_names(struct stream *w, const struct chunk *chunk)
{
    w->has_named = keep_tier(w, chunk->service_tier);
    if (w->chunks > 0)
        return;
    stream_text_keep(&w->id, chunk->id);
    stream_text_keep(&w->created, chunk->created);
    w->has_named |= stream_text_keep(&w->model, chunk->model);
}

/* What stands in an array, trimmed. */
static harborai_str inside(harborai_str array)
{
    return slice_trim((harborai_str){array.data + 1, array.len - 2});
}

/* ---- The shape of the last chunk -------------------------------------------------------------- */

static bool has_affixes(harborai_str text, const char *before, size_t before_len, const char *after,
                        size_t after_len)
{
    return text.len >= before_len + after_len && memcmp(text.data, before, before_len) == 0 &&
           memcmp(text.data + text.len - after_len, after, after_len) == 0;
}

/* Whether `text` is this and that with a JSON string between them, whose quotes belong to both. */
static bool is_string_between(harborai_str text, const char *before, size_t before_len,
                              const char *after, size_t after_len, harborai_str *ret_string)
{
    if (!has_affixes(text, before, before_len, after, after_len))
        return false;
    harborai_str string = {text.data + before_len - 1, text.len - before_len - after_len + 2};
    *ret_string = string;
    return json_scan(string, NULL, NULL, NULL) == HARBORAI_OK;
}

/* False: the arguments of a call do not go on like this. */
static bool take_text(struct stream *w, harborai_str string)
{
    if (w->shape.is_arguments)
        return tool_calls_go_on(&w->calls, w->shape.call, string);
    if (w->shape.is_reasoning && w->notes_turn && string.len > 2)
        w->reasoning = string;
    return true;
}

/* Chunks with the last one's shape have its verdict. */
static bool has_shape(struct stream *w, harborai_str data)
{
    const struct stream_shape *shape = &w->shape;
    harborai_str string;
    return shape->before_len > 0 &&
           is_string_between(data, shape->before, shape->before_len, shape->after,
                             shape->after_len, &string) &&
           take_text(w, string);
}

/* The same of the choices alone, where something else differs: OpenAI pads its chunks. */
static bool have_shape(struct stream *w, harborai_str choices)
{
    const struct stream_shape *shape = &w->shape;
    harborai_str string;
    return shape->before_len > 0 &&
           is_string_between(choices, shape->before + shape->choices_from,
                             (size_t)(shape->before_len - shape->choices_from), shape->after,
                             shape->choices_after, &string) &&
           take_text(w, string);
}

static void take_shape(struct stream *w, harborai_str data, harborai_str choices,
                       const struct choice_text *text)
{
    struct stream_shape *shape = &w->shape;
    const char *end = text->value.data + text->value.len - 1; /* the closing quote */
    size_t before = (size_t)(text->value.data + 1 - data.data);
    size_t after = (size_t)(data.data + data.len - end);
    shape->before_len = shape->after_len = 0;
    if (before > sizeof shape->before || after > sizeof shape->after)
        return;
    memcpy(shape->before, data.data, before);
    memcpy(shape->after, end, after);
    shape->before_len = (uint16_t)before;
    shape->after_len = (uint16_t)after;
    shape->choices_from = (uint16_t)(choices.data - data.data);
    shape->choices_after = (uint16_t)(choices.data + choices.len - end);
    shape->is_reasoning = text->is_reasoning;
    shape->is_arguments = text->call != NULL;
    shape->call = text->call != NULL ? (unsigned)(text->call - w->calls.call) : 0;
}

/* ---- Choices --------------------------------------------------------------------------------- */

/* Whether the choice has said something: until then a whole message may still come for it. */
static bool has_said(const struct stream *w, harborai_str choice)
{
    int64_t number = 0;
    (void)json_int64(json_member(choice, HARBORAI_STR("index")), &number);
    return number >= 0 && number < LIMIT_REQUEST_CHOICES && w->has_text[number];
}

/* False: one of them is none, or cannot be. */
static bool read_choices(struct stream *w, harborai_str data, harborai_str choices)
{
    struct json_cursor cursor = json_open(choices);
    struct choice_text text;
    harborai_str choice;
    unsigned position = 0;

    if (have_shape(w, choices))
        return true;
    while (json_array_next(&cursor, &choice))
        if (!stream_choice(w, choice, position++, &text))
            return false;
    bool is_plain = position == 1 && text.value.len > 0 && has_said(w, choice) && !w->is_holding;
    if (is_plain && w->splices.count == 0 && w->usage.len == 0)
        take_shape(w, data, choices, &text);
    else if (w->is_holding || (w->shape.before_len > 0 && w->shape.is_arguments))
        w->shape.before_len = 0; /* another call may go on in the same words */
    return true;
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

/* The first is forgiven: what it held is lost, but an answer that lacks its end, or the end of a
 * tool call, is found out. */
static enum stream_verdict stream_bad(struct stream *w)
{
    return w->bad++ == 0 && !w->is_strict ? drop_and_count(w) : STREAM_BAD;
}

/* The chunk as repaired, if it was. */
static enum stream_verdict stream_out(struct stream *w, enum stream_verdict verdict)
{
    if (w->splices.count == 0 && w->splices.text.failed == HARBORAI_OK)
        return verdict;
    buf_clear(&w->out);
    if (splices_apply(&w->splices, w->chunk, &w->out, NULL) < 0) {
        w->fault = "sent a chunk that would need more memory to be repaired than there is";
        return STREAM_FAULT;
    }
    w->chunk = buf_slice(&w->out);
    w->repairs++;
    return verdict;
}

/* It has a chunk of its own. */
static void take_usage_out(struct stream *w, harborai_str data, const struct chunk *chunk)
{
    struct json_cursor cursor = json_open(data);
    struct json_member member;
    if (!chunk->has_more_usage) {
        splices_replace(&w->splices, chunk->usage, HARBORAI_STR("null"));
        return;
    }
    while (json_object_next(&cursor, &member))
        if (member.kind != JSON_NULL && NAME_IS(&member, "usage"))
            splices_replace(&w->splices, member.value, HARBORAI_STR("null"));
}

static enum stream_verdict stream_chunk(struct stream *w, harborai_str data,
                                        const struct chunk *chunk)
{
    if (chunk->choices.len > 0 && json_kind(chunk->choices) != JSON_ARRAY)
        return stream_bad(w);
    if (chunk->choices.len == 0 || inside(chunk->choices).len == 0)
        return stream_bare(w, chunk);
    if (slice_is(chunk->object, "\"chat.completion\""))
        splices_replace(&w->splices, chunk->object, HARBORAI_STR("\"chat.completion.chunk\""));
    if (w->usage.len > 0)
        take_usage_out(w, data, chunk);
    if (!read_choices(w, data, chunk->choices))
        return w->fault != NULL ? STREAM_FAULT : stream_bad(w);
    if (w->error.len > 0)
        return STREAM_ERROR;
    w->chunks++;
    return stream_out(w, w->is_holding ? STREAM_HOLD : STREAM_FORWARD);
}

enum stream_verdict stream_event(struct stream *w, harborai_str data)
{
    struct chunk chunk;

    w->usage = w->error = w->reasoning = SLICE_NONE;
    w->chunk = data;
    w->has_named = false;
    w->fault = NULL;
    if (w->is_done || data.len == 0)
        return STREAM_DROP;
    if (has_shape(w, data)) {
        w->chunks++;
        return STREAM_FORWARD;
    }
    if (is_done_mark(data)) {
        w->is_done = true;
        return STREAM_DONE;
    }
    if (!read_chunk(data, &chunk))
        return slice_trim(data).len == 0 ? STREAM_DROP : stream_bad(w);
    bool has_error = answer_tells_error(chunk.error);
    if (has_error || slice_is(chunk.object, "\"error\"")) {
        w->error = has_error ? chunk.error : data;
        return STREAM_ERROR;
    }
    if (json_kind(chunk.usage) == JSON_OBJECT)
        w->usage = chunk.usage;
    note_names(w, &chunk);
    if (w->splices.count > 0 || w->splices.text.failed != HARBORAI_OK)
        splices_clear(&w->splices);
    return stream_chunk(w, data, &chunk);
}

const char *stream_end_choice(struct stream *w, unsigned choice, enum stream_finish finish)
{
    if (finish == STREAM_STOP && tool_calls_next(&w->calls, choice, NULL) != NULL)
        finish = STREAM_TOOL_CALLS;
    w->finish[choice] = (unsigned char)finish;
    w->closed++;
    buf_clear(&w->missing);
    return tool_calls_end(&w->calls, choice, stream_tool_end(finish), &w->missing);
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
