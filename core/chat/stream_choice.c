/* SPDX-License-Identifier: MIT */
/* The choices of chunks. Members are read first and judged then, in whatever order they stand. */
#include "chat/stream_choice.h"

#include "chat/vendor_error.h"

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

struct choice { /* kind NONE: absent; of several members of a name the last */
    harborai_str object;
    struct json_member index, delta, message, finish, usage;
    harborai_str repeated; /* a message behind deltas: it goes, and a delta comes in its place */
    unsigned number;
    bool is_numbered;
};

bool stream_text_keep(struct stream_text *text, harborai_str value)
{
    enum json_kind kind = json_kind(value);
    if (text->len > 0 || value.len > sizeof text->data || slice_is(value, "\"\"") ||
        (kind != JSON_STRING && kind != JSON_NUMBER))
        return false;
    memcpy(text->data, value.data, value.len);
    text->len = (unsigned char)value.len;
    return true;
}

/* What stands in an object or array, trimmed. */
static harborai_str inside(harborai_str value)
{
    return slice_trim((harborai_str){value.data + 1, value.len - 2});
}

/* A place in the text, behind its first or before its last byte. */
static harborai_str first_in(harborai_str value)
{
    return (harborai_str){value.data + 1, 0};
}

static harborai_str last_in(harborai_str value)
{
    return (harborai_str){value.data + value.len - 1, 0};
}

/* ---- Reading --------------------------------------------------------------------------------- */

static void read_choice(harborai_str object, unsigned position, struct choice *choice)
{
    struct json_cursor cursor = json_open(object);
    struct json_member member;
    int64_t number;
    *choice = (struct choice){.object = object, .number = position};
    while (json_object_next(&cursor, &member)) {
        if (NAME_IS(&member, "index"))
            choice->index = member;
        else if (NAME_IS(&member, "delta"))
            choice->delta = member;
        else if (NAME_IS(&member, "finish_reason"))
            choice->finish = member;
        else if (NAME_IS(&member, "message"))
            choice->message = member;
        else if (NAME_IS(&member, "usage"))
            choice->usage = member;
    }
    if (!json_int64(choice->index.value, &number))
        return;
    choice->is_numbered = true;
    choice->number = number >= 0 && number < LIMIT_REQUEST_CHOICES ? (unsigned)number
                                                                    : LIMIT_REQUEST_CHOICES;
}

static bool has_text(const struct chat_message *delta)
{
    return delta->has_more || message_has(&delta->content) ||
           message_has(&delta->reasoning_content) || message_has(&delta->reasoning) ||
           message_has(&delta->tool_calls);
}

enum stream_finish stream_finish_of(harborai_str reason)
{
    if (json_kind(reason) != JSON_STRING || reason.len == 2)
        return STREAM_OPEN;
    for (size_t i = 0; i < ARRAY_LEN(finish_words); i++)
        if (slice_equal(reason, finish_words[i].quoted))
            return finish_words[i].finish;
    return STREAM_OTHER;
}

static enum stream_finish finish_of(struct stream *w, harborai_str reason)
{
    enum stream_finish finish = stream_finish_of(reason);
    if (finish != STREAM_OTHER || !vendor_error_is_finish(reason))
        return finish;
    w->error = reason;
    return STREAM_OPEN;
}

/* ---- The delta ------------------------------------------------------------------------------- */

/* Servers that put a whole `message` where the delta should be; one that comes behind deltas says
 * again what they said, but for tool calls, which it may bring. */
static harborai_str find_delta(struct stream *w, struct choice *choice)
{
    bool has_message = choice->message.kind == JSON_OBJECT;
    if (choice->delta.kind == JSON_OBJECT)
        return choice->delta.value;
    if (!has_message)
        return SLICE_NONE;
    if (w->has_text[choice->number]) {
        if (choice->delta.kind == JSON_NONE)
            choice->repeated = choice->message.span;
        return SLICE_NONE;
    }
    if (choice->delta.kind != JSON_NONE)
        splices_replace(&w->splices, choice->delta.key, HARBORAI_STR("message"));
    splices_replace(&w->splices, choice->message.key, HARBORAI_STR("delta"));
    return choice->message.value;
}

/* The calls of a message that is not the delta. One beside a delta may be anything: it counts at the
 * end alone, and where there are no others. NULL, or what is wrong. */
static const char *read_repeated(struct stream *w, const struct choice *choice,
                                 const struct chat_message *delta, bool is_last)
{
    harborai_str message = choice->message.value, calls;
    if (choice->message.kind != JSON_OBJECT || delta->object.data == message.data)
        return NULL;
    calls = json_member(message, HARBORAI_STR("tool_calls"));
    if (json_kind(calls) != JSON_ARRAY || inside(calls).len == 0)
        return NULL;
    if (choice->delta.kind == JSON_OBJECT &&
        (!is_last || tool_calls_next(&w->calls, choice->number, NULL) != NULL))
        return NULL;
    return tool_calls_read_repeated(&w->calls, choice->number, calls, &w->missing);
}

/* False: it cannot be. */
static bool read_tools(struct stream *w, const struct choice *choice,
                       const struct chat_message *delta)
{
    const struct json_member *calls = &delta->tool_calls;
    bool is_last = w->finish[choice->number] != STREAM_OPEN ||
                   stream_finish_of(choice->finish.value) != STREAM_OPEN;
    if (calls->kind == JSON_ARRAY)
        w->fault = tool_calls_read_delta(&w->calls, choice->number, calls->value, is_last,
                                         &w->splices);
    else if (calls->kind != JSON_NONE && calls->kind != JSON_NULL)
        w->fault = "sent tool calls that are no array";
    if (w->fault == NULL)
        w->fault = read_repeated(w, choice, delta, is_last);
    return w->fault == NULL;
}

/* Writes what is in w->missing, items of tool_calls, into the delta, or into one that is due. */
static void add_missing(struct stream *w, const struct chat_message *delta)
{
    harborai_str items = buf_slice(&w->missing);
    struct buf *b;
    if (delta->tool_calls.kind == JSON_ARRAY) {
        b = splices_begin(&w->splices, last_in(delta->tool_calls.value));
        if (inside(delta->tool_calls.value).len > 0)
            buf_add_char(b, ',');
        buf_add(b, items);
        splices_end(&w->splices);
        return;
    }
    b = delta->tool_calls.kind == JSON_NULL ? splices_begin(&w->splices, delta->tool_calls.span)
                                            : splices_begin(&w->splices, last_in(delta->object));
    if (delta->tool_calls.kind != JSON_NULL && (delta->is_filled || inside(delta->object).len > 0))
        buf_add_char(b, ',');
    buf_add(b, HARBORAI_STR("\"tool_calls\":["));
    buf_add(b, items);
    buf_add_char(b, ']');
    splices_end(&w->splices);
}

static void write_text(const char *name, const struct json_member *text, struct buf *b)
{
    if (!message_says(text))
        return;
    buf_printf(b, "\"%s\":", name);
    buf_add(b, text->value);
    buf_add_char(b, ',');
}

/* A delta that holds no more than those, and what was held of a tag (think.h). */
static void write_delta(const struct stream *w, const struct chat_message *delta, struct buf *b)
{
    size_t begin = b->len + 1;
    buf_add_char(b, '{');
    write_text("content", &delta->content, b);
    write_text("reasoning_content", &delta->reasoning_content, b);
    if (w->missing.len > 0) {
        buf_add(b, HARBORAI_STR("\"tool_calls\":["));
        buf_add(b, buf_slice(&w->missing));
        buf_add(b, HARBORAI_STR("],"));
    }
    if (b->len > begin)
        b->len--; /* the last comma */
    buf_add_char(b, '}');
}

/* A delta that is none, or stands under another name. False: there is nothing to put it into. */
static bool complete_delta(struct stream *w, const struct choice *choice,
                           const struct chat_message *delta)
{
    struct buf *b;
    if (delta->object.len > 0) {
        if (w->missing.len > 0)
            add_missing(w, delta);
        return true;
    }
    if (choice->repeated.len > 0) {
        b = splices_begin(&w->splices, choice->repeated);
        buf_add(b, HARBORAI_STR("\"delta\":"));
    } else if (choice->delta.kind != JSON_NONE) {
        b = splices_begin(&w->splices, choice->delta.value);
    } else {
        return false;
    }
    write_delta(w, delta, b);
    splices_end(&w->splices);
    return true;
}

/* The members that a choice lacks. */
static void complete_choice(struct stream *w, const struct choice *choice,
                            const struct chat_message *delta)
{
    bool has_delta = complete_delta(w, choice, delta);
    bool has_index = choice->is_numbered;
    if (!has_index && choice->index.kind != JSON_NONE) {
        buf_printf(splices_begin(&w->splices, choice->index.value), "%u", choice->number);
        splices_end(&w->splices);
        has_index = true;
    }
    if (has_index && has_delta)
        return;
    struct buf *b = splices_begin(&w->splices, first_in(choice->object));
    if (!has_index)
        buf_printf(b, "\"index\":%u%s", choice->number, has_delta ? "" : ",");
    if (!has_delta) {
        buf_add(b, HARBORAI_STR("\"delta\":"));
        write_delta(w, delta, b);
    }
    if (inside(choice->object).len > 0)
        buf_add_char(b, ',');
    splices_end(&w->splices);
}

/* ---- The end --------------------------------------------------------------------------------- */

enum tool_end stream_tool_end(unsigned finish)
{
    return finish == STREAM_LENGTH || finish == STREAM_CONTENT_FILTER ? TOOL_END_CUT
                                                                      : TOOL_END_WHOLE;
}

static void close_choice(struct stream *w, const struct choice *choice, enum stream_finish finish)
{
    bool has_calls = tool_calls_next(&w->calls, choice->number, NULL) != NULL;
    if (has_calls && (finish == STREAM_STOP || finish == STREAM_OTHER)) {
        splices_replace(&w->splices, choice->finish.value, HARBORAI_STR("\"tool_calls\""));
        finish = STREAM_TOOL_CALLS;
    }
    if (finish == STREAM_OTHER) {
        w->vendor_finish.len = 0;
        stream_text_keep(&w->vendor_finish, choice->finish.value);
    }
    /* Counted, not compared with n: there are vendors who number choices from 1. */
    if (++w->closed == w->choices)
        w->is_holding = true;
    w->finish[choice->number] = (unsigned char)finish;
}

/* False: with the choice's end it shows that it cannot be. */
static bool read_finish(struct stream *w, const struct choice *choice)
{
    enum stream_finish finish = finish_of(w, choice->finish.value);
    unsigned char *known = &w->finish[choice->number];
    bool was_open = *known == STREAM_OPEN;
    if (finish != STREAM_OPEN && was_open)
        close_choice(w, choice, finish);
    else if (choice->finish.kind != JSON_NONE && choice->finish.kind != JSON_NULL)
        splices_replace(&w->splices, choice->finish.value, HARBORAI_STR("null"));
    if (*known == STREAM_OPEN || w->calls.count == 0)
        return true;
    if (!was_open && (*known == STREAM_STOP || *known == STREAM_OTHER) &&
        tool_calls_next(&w->calls, choice->number, NULL) != NULL)
        w->fault = "sent a tool call after the end of its answer";
    else
        w->fault = tool_calls_end(&w->calls, choice->number, stream_tool_end(*known), &w->missing);
    return w->fault == NULL;
}

/* ---- The whole ------------------------------------------------------------------------------- */

/* Nothing but a text, or several of which the others are empty. */
static void note_text(struct stream *w, const struct choice *choice, const struct chat_message *delta,
                      struct choice_text *text)
{
    if (delta->has_more || message_has(&delta->reasoning) || w->splices.count > 0 ||
        w->finish[choice->number] != STREAM_OPEN ||
        (w->think_tags && w->think[choice->number].state != THINK_OVER))
        return;
    if (message_has(&delta->tool_calls)) {
        if (!message_has(&delta->reasoning_content) && !message_has(&delta->content))
            text->value = tool_calls_only_text(&w->calls, choice->number, delta->tool_calls.value,
                                               &text->call);
        return;
    }
    if (!message_says(&delta->reasoning_content) && delta->content.kind == JSON_STRING)
        text->value = delta->content.value;
    else if (!message_has(&delta->content) && delta->reasoning_content.kind == JSON_STRING)
        *text = (struct choice_text){delta->reasoning_content.value, choice->number == 0, NULL};
}

bool stream_choice(struct stream *w, harborai_str object, unsigned position,
                   struct choice_text *ret_text)
{
    struct choice choice;
    struct chat_message delta;

    *ret_text = (struct choice_text){.value = SLICE_NONE};
    if (json_kind(object) != JSON_OBJECT) {
        if (position > 0)
            w->fault = "sent a choice that is no object";
        return false;
    }
    read_choice(object, position, &choice);
    if (choice.number >= LIMIT_REQUEST_CHOICES)
        return true; /* nobody asked for it: passed on, and never waited for */
    message_read(find_delta(w, &choice), &delta);
    message_rename_reasoning(&delta, &w->splices);
    if (w->think_tags)
        message_part_thought(&delta, &w->thoughts, &w->think[choice.number],
                             stream_finish_of(choice.finish.value) != STREAM_OPEN, &w->splices);
    buf_clear(&w->missing);
    if (!read_tools(w, &choice, &delta))
        return false;
    w->opened += !w->is_open[choice.number];
    w->is_open[choice.number] = true;
    if (has_text(&delta) || w->missing.len > 0)
        w->has_content = w->has_text[choice.number] = true;
    if (choice.usage.kind == JSON_OBJECT) { /* Moonshot's place for it */
        if (w->usage.len == 0)
            w->usage = choice.usage.value;
        splices_replace(&w->splices, choice.usage.value, HARBORAI_STR("null"));
    }
    if (!read_finish(w, &choice))
        return false;
    if (w->missing.failed != HARBORAI_OK) {
        w->fault = "sent tool calls that would need more memory to be repaired than there is";
        return false;
    }
    complete_choice(w, &choice, &delta);
    if (w->notes_turn && choice.number == 0 && message_says(&delta.reasoning_content))
        w->reasoning = delta.reasoning_content.value;
    note_text(w, &choice, &delta, ret_text);
    return true;
}
