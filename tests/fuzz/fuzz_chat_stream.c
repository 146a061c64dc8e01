/* SPDX-License-Identifier: MIT */
/* A vendor's stream, an event a line; the first byte says what the client asked for. Whatever comes,
 * nothing is forwarded that is no JSON, nothing overtakes what is held, what was taken can be written
 * as one answer, and what a client gets keeps the promises of chat/stream.h: they are checked here
 * without the code that makes them true. What was repaired needs no repair, and a stream that knows
 * its last chunk's shape says what one says that has forgotten it. */
#include "chat.h"
#include "chat/collect.h"
#include "chat/stream.h"
#include "json_value.h"

enum { MEMORY = MIB(1), CALLS_MOST = 32 };

struct seen_call {
    unsigned choice, index;
    struct buf id, name, arguments;
    bool is_function;
};

struct client { /* what it has read */
    struct seen_call call[CALLS_MOST];
    unsigned calls;
    bool is_full; /* more calls than are remembered: the rest goes unchecked */
    unsigned finish[LIMIT_REQUEST_CHOICES];
    enum { NOT_ENDED, CUT_OFF, ENDED } end[LIMIT_REQUEST_CHOICES];
    unsigned usages;
};

struct run {
    struct stream watch, forgetful, second;
    struct collect *collect;
    struct client client;
    struct buf usage; /* the last one */
    bool has_held, wants_usage, is_over;
};

/* ---- The client ------------------------------------------------------------------------------ */

/* As parsers have it: of several members the last. */
static harborai_str last_member(harborai_str object, const char *name)
{
    struct json_cursor cursor = json_open(object);
    struct json_member member;
    harborai_str value = SLICE_NONE;
    if (json_kind(object) != JSON_OBJECT)
        return value;
    while (json_object_next(&cursor, &member))
        if (json_key_equal(&member, slice_of(name)))
            value = member.value;
    return value;
}

static bool is_text(harborai_str value)
{
    return json_kind(value) == JSON_STRING && value.len > 2;
}

static void add_text(struct buf *b, harborai_str value)
{
    char *room = buf_reserve(b, value.len);
    harborai_str text;
    MUST(room != NULL && json_string(value, room, value.len, &text) == HARBORAI_OK);
    memmove(room, text.data, text.len);
    buf_commit(b, text.len);
}

static unsigned calls_of(const struct client *c, unsigned choice)
{
    unsigned count = 0;
    for (unsigned i = 0; i < c->calls; i++)
        count += c->call[i].choice == choice;
    return count;
}

static struct seen_call *find(struct client *c, unsigned choice, unsigned index)
{
    for (unsigned i = 0; i < c->calls; i++)
        if (c->call[i].choice == choice && c->call[i].index == index)
            return &c->call[i];
    return NULL;
}

static struct seen_call *begin(struct client *c, unsigned choice, unsigned index, harborai_str item)
{
    harborai_str id = last_member(item, "id"), type = last_member(item, "type");
    MUST(index == calls_of(c, choice)); /* dense */
    MUST(is_text(id) && is_text(type));
    for (unsigned i = 0; i < c->calls; i++)
        MUST(c->call[i].choice != choice || !json_string_equal(id, buf_slice(&c->call[i].id)));
    if (c->calls == CALLS_MOST) {
        c->is_full = true;
        return NULL;
    }
    struct seen_call *call = &c->call[c->calls++];
    *call = (struct seen_call){.choice = choice, .index = index};
    call->is_function = json_string_equal(type, HARBORAI_STR("function"));
    buf_init(&call->id, MEMORY);
    buf_init(&call->name, MEMORY);
    buf_init(&call->arguments, MEMORY);
    add_text(&call->id, id);
    return call;
}

static void read_call(struct client *c, unsigned choice, harborai_str item)
{
    harborai_str function = last_member(item, "function"), name, arguments;
    int64_t index;
    MUST(json_int64(last_member(item, "index"), &index));
    MUST(index >= 0 && index < DELTA_TOOLS_MOST);
    struct seen_call *call = find(c, choice, (unsigned)index);
    if (call == NULL)
        call = begin(c, choice, (unsigned)index, item);
    else
        MUST(last_member(item, "id").len == 0);
    if (call == NULL || !call->is_function)
        return;
    MUST(function.len == 0 || json_kind(function) == JSON_OBJECT);
    name = last_member(function, "name");
    arguments = last_member(function, "arguments");
    if (name.len > 0) {
        MUST(is_text(name) && call->name.len == 0); /* once */
        add_text(&call->name, name);
    }
    if (arguments.len > 0) {
        MUST(json_kind(arguments) == JSON_STRING);
        add_text(&call->arguments, arguments);
    }
}

static void read_finish(struct client *c, unsigned choice, harborai_str reason)
{
    if (reason.len == 0 || json_is_null(reason))
        return;
    MUST(is_text(reason) && c->finish[choice]++ == 0);
    bool is_cut = slice_is(reason, "\"length\"") || slice_is(reason, "\"content_filter\"");
    c->end[choice] = is_cut ? CUT_OFF : ENDED;
    if (!is_cut && calls_of(c, choice) > 0)
        MUST(slice_is(reason, "\"tool_calls\"") || slice_is(reason, "\"function_call\""));
}

static void read_choice(struct client *c, harborai_str choice)
{
    harborai_str delta = last_member(choice, "delta"), calls, call;
    int64_t index;
    MUST(json_kind(choice) == JSON_OBJECT);
    if (!json_int64(last_member(choice, "index"), &index) || index < 0 ||
        index >= LIMIT_REQUEST_CHOICES) {
        MUST(json_kind(last_member(choice, "index")) == JSON_NUMBER);
        return; /* not one that was asked for */
    }
    MUST(json_kind(delta) == JSON_OBJECT);
    MUST(!is_text(last_member(delta, "reasoning")) ||
         is_text(last_member(delta, "reasoning_content")));
    MUST(json_kind(last_member(choice, "usage")) != JSON_OBJECT);
    calls = last_member(delta, "tool_calls");
    MUST(calls.len == 0 || json_is_null(calls) || json_kind(calls) == JSON_ARRAY);
    struct json_cursor cursor = json_open(calls);
    while (!c->is_full && json_array_next(&cursor, &call))
        read_call(c, (unsigned)index, call);
    read_finish(c, (unsigned)index, last_member(choice, "finish_reason"));
}

static void read_chunk(struct run *r, harborai_str chunk)
{
    harborai_str object, choice, choices, usage;
    struct client *c = &r->client;
    MUST(json_scan(chunk, NULL, &object, NULL) == HARBORAI_OK);
    MUST(json_kind(object) == JSON_OBJECT);
    choices = last_member(object, "choices");
    usage = last_member(object, "usage");
    struct json_cursor cursor = json_open(choices);
    bool is_empty = true;
    MUST(json_kind(choices) == JSON_ARRAY);
    for (; json_array_next(&cursor, &choice); is_empty = false)
        read_choice(c, choice);
    if (json_kind(usage) == JSON_OBJECT)
        MUST(is_empty && r->wants_usage && c->usages++ == 0);
}

static void check_calls(const struct client *c)
{
    for (unsigned i = 0; i < c->calls; i++) {
        const struct seen_call *call = &c->call[i];
        if (c->end[call->choice] != ENDED || !call->is_function)
            continue;
        MUST(call->name.len > 0);
        MUST(is_json(buf_slice(&call->arguments)));
    }
}

static void forget(struct client *c)
{
    for (unsigned i = 0; i < c->calls; i++) {
        buf_release(&c->call[i].id);
        buf_release(&c->call[i].name);
        buf_release(&c->call[i].arguments);
    }
}

/* ---- The stream ------------------------------------------------------------------------------ */

static bool is_out(enum stream_verdict verdict)
{
    return verdict == STREAM_FORWARD || verdict == STREAM_HOLD;
}

static void check_out(struct run *r, enum stream_verdict verdict)
{
    harborai_str chunk = r->watch.chunk;
    MUST(is_json(chunk));
    MUST(verdict == STREAM_HOLD || !r->has_held);
    r->has_held |= verdict == STREAM_HOLD;
    read_chunk(r, chunk);
    MUST(stream_event(&r->second, chunk) == verdict);
    MUST(slice_equal(r->second.chunk, chunk) && r->second.repairs == 0);
}

static void check_forgetful(struct run *r, harborai_str event, enum stream_verdict verdict)
{
    r->forgetful.shape.before_len = 0;
    MUST(stream_event(&r->forgetful, event) == verdict);
    MUST(slice_equal(r->forgetful.chunk, r->watch.chunk));
    MUST(slice_equal(r->forgetful.reasoning, r->watch.reasoning));
    MUST(slice_equal(r->forgetful.usage, r->watch.usage));
    MUST(r->forgetful.repairs == r->watch.repairs && r->forgetful.chunks == r->watch.chunks);
    MUST(r->forgetful.has_content == r->watch.has_content);
}

static void check_event(struct run *r, harborai_str event)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    uint32_t repairs = r->watch.repairs;
    enum stream_verdict verdict = stream_event(&r->watch, event);
    MUST(verdict >= STREAM_FORWARD && verdict <= STREAM_FAULT);
    MUST((verdict == STREAM_FAULT) == (r->watch.fault != NULL));
    MUST(is_within(r->watch.usage, event) && is_within(r->watch.error, event));
    MUST(r->watch.think_tags || is_within(r->watch.reasoning, event));
    MUST(r->watch.error.len == 0 || verdict == STREAM_ERROR || verdict == STREAM_FAULT);
    check_forgetful(r, event, verdict);
    if (is_out(verdict)) {
        MUST((r->watch.chunk.data == event.data) == (r->watch.repairs == repairs));
        check_out(r, verdict);
    }
    /* the call ends with these */
    r->is_over = verdict == STREAM_FAULT || verdict == STREAM_ERROR || verdict == STREAM_BAD;
    if (r->watch.usage.len > 0) {
        buf_clear(&r->usage);
        buf_add(&r->usage, r->watch.usage);
    }
    harborai_status st = collect_add(r->collect, r->watch.chunk, &error);
    MUST(st == HARBORAI_OK || (error.code == st && error.message[0] != '\0'));
    MUST(st != HARBORAI_OK || is_json(r->watch.chunk));
}

static void check_turn(const struct run *r)
{
    const struct tool_call *at = NULL;
    struct turn_call call;
    while (stream_next_call(&r->watch, &at, &call))
        MUST(call.id.len > 0 && json_is_utf8(call.id) && json_is_utf8(call.name));
}

static void check_end(struct run *r)
{
    AUTO(buf) text = BUF_INIT(MEMORY);
    MUST(r->watch.closed <= LIMIT_REQUEST_CHOICES);
    MUST(r->is_over || !stream_is_finished(&r->watch) || r->watch.chunks > 0);
    check_turn(r);
    if (!r->is_over && stream_is_finished(&r->watch))
        check_calls(&r->client);
    if (stream_needs_usage_chunk(&r->watch) && r->usage.len > 0) {
        MUST(r->client.usages == 0);
        stream_write_usage_chunk(&r->watch, buf_slice(&r->usage), &text);
        MUST(text.failed == HARBORAI_OK);
        MUST(is_json_line(buf_slice(&text)));
        buf_clear(&text);
    }
    if (collect_write(r->collect, HARBORAI_FINISH_STOP, NULL, &text, NULL) == HARBORAI_OK)
        MUST(is_json_line(buf_slice(&text)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct answer_id answer = {HARBORAI_STR_INIT("chatcmpl-1"), HARBORAI_STR_INIT("m"),
                                            HARBORAI_STR_INIT("org.fuzz"), 1};
    static struct run r; /* large */
    if (size == 0)
        return 0;
    harborai_str rest = {(const char *)data + 1, size - 1};
    struct stream_options options = {.choices = 1 + (data[0] & 3U),
                                     .wants_usage = (data[0] & 4) != 0,
                                     .is_strict = (data[0] & 8) != 0,
                                     .notes_turn = (data[0] & 16) != 0,
                                     .think_tags = (data[0] & 32) != 0};
    memset(&r, 0, sizeof r);
    r.wants_usage = options.wants_usage;
    r.collect = collect_create(&answer, options.choices, MEMORY);
    MUST(r.collect != NULL);
    buf_init(&r.usage, MEMORY);
    stream_init(&r.watch, &options);
    stream_init(&r.forgetful, &options);
    options.think_tags = false; /* what is left of them is text */
    stream_init(&r.second, &options);
    while (rest.len > 0 && !r.is_over)
        check_event(&r, cut_line(&rest));
    check_end(&r);
    forget(&r.client);
    stream_release(&r.watch);
    stream_release(&r.forgetful);
    stream_release(&r.second);
    collect_destroy(r.collect);
    buf_release(&r.usage);
    return 0;
}
