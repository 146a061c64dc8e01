/* SPDX-License-Identifier: MIT */
/* Pieces of tool calls, put in order. An item that does not conform is written anew: the members
 * that the API knows first, then whatever else it has, byte for byte. */
#include "chat/tool_calls.h"

#include <stdlib.h>

#include "base/limits.h"
#include "chat/delta.h"
#include "chat/json_line.h"
#include "json_value.h"

enum { CALLS_MOST = 1024 }; /* of all choices together */

struct item { /* one of `tool_calls`, as it came */
    harborai_str object;
    struct json_member index, id, type, function; /* kind NONE: absent; of several the last */
    struct json_member name, arguments;           /* of the function */
    int64_t vendor_index;
    bool has_index, has_id, has_name;

    struct tool_call *call; /* whose it is */
    bool is_new, is_id_good, takes_name;
    size_t from, taken; /* bytes of the arguments' inside that go, and then that stay */
};

void tool_calls_init(struct tool_calls *calls, uint64_t seed)
{
    *calls = (struct tool_calls){.seed = seed};
    buf_init(&calls->texts, MIB(1));
}

void tool_calls_release(struct tool_calls *calls)
{
    free(calls->call);
    calls->call = NULL;
    calls->count = calls->capacity = 0;
    buf_release(&calls->texts);
}

harborai_str tool_calls_text(const struct tool_calls *calls, struct tool_text text)
{
    return (harborai_str){calls->texts.data + text.at, text.len};
}

const struct tool_call *tool_calls_next(const struct tool_calls *calls, unsigned choice,
                                        const struct tool_call *after)
{
    unsigned i = after != NULL ? (unsigned)(after - calls->call) + 1 : 0;
    while (i < calls->count && calls->call[i].choice != choice)
        i++;
    return i < calls->count ? &calls->call[i] : NULL;
}

bool tool_calls_next_turn(const struct tool_calls *calls, const struct tool_call **at,
                          struct turn_call *ret_call)
{
    const struct tool_call *call = tool_calls_next(calls, 0, *at);
    if (call == NULL)
        return false;
    *at = call;
    *ret_call = (struct turn_call){tool_calls_text(calls, call->id),
                                   tool_calls_text(calls, call->name),
                                   arguments_hash(&call->arguments)};
    return true;
}

/* ---- Reading an item ------------------------------------------------------------------------- */

static bool is_text(const struct json_member *member)
{
    return member->kind == JSON_STRING && member->value.len > 2;
}

/* Some write null as a text: BerriAI/litellm issue 12513. */
static bool is_name(const struct json_member *member)
{
    return is_text(member) && !slice_is(member->value, "\"null\"");
}

static void read_function(struct item *item)
{
    struct json_cursor cursor = json_open(item->function.value);
    struct json_member member;
    if (item->function.kind != JSON_OBJECT)
        return;
    while (json_object_next(&cursor, &member)) {
        if (json_key_equal(&member, HARBORAI_STR("name")))
            item->name = member;
        else if (json_key_equal(&member, HARBORAI_STR("arguments")))
            item->arguments = member;
    }
}

static void read_item(harborai_str object, struct item *item)
{
    struct json_cursor cursor = json_open(object);
    struct json_member member;
    *item = (struct item){.object = object};
    while (json_object_next(&cursor, &member)) {
        if (json_key_equal(&member, HARBORAI_STR("index")))
            item->index = member;
        else if (json_key_equal(&member, HARBORAI_STR("id")))
            item->id = member;
        else if (json_key_equal(&member, HARBORAI_STR("type")))
            item->type = member;
        else if (json_key_equal(&member, HARBORAI_STR("function")))
            item->function = member;
    }
    read_function(item);
    item->has_index = json_int64(item->index.value, &item->vendor_index);
    item->has_id = is_name(&item->id);
    item->has_name = is_name(&item->name);
}

/* ---- Whose it is ----------------------------------------------------------------------------- */

static struct tool_call *last_of(const struct tool_calls *calls, unsigned choice)
{
    for (unsigned i = calls->count; i-- > 0;)
        if (calls->call[i].choice == choice)
            return &calls->call[i];
    return NULL;
}

static struct tool_call *find_index(const struct tool_calls *calls, unsigned choice, int64_t index)
{
    for (unsigned i = calls->count; i-- > 0;) {
        struct tool_call *call = &calls->call[i];
        if (call->choice == choice && call->has_vendor_index && call->vendor_index == index)
            return call;
    }
    return NULL;
}

static struct tool_call *find_id(const struct tool_calls *calls, unsigned choice, harborai_str id)
{
    for (unsigned i = calls->count; i-- > 0;)
        if (calls->call[i].choice == choice &&
            json_string_equal(id, tool_calls_text(calls, calls->call[i].id)))
            return &calls->call[i];
    return NULL;
}

static bool is_kept_back(const struct tool_call *call)
{
    return call->has_placeholder && arguments_are_blank(&call->arguments);
}

static bool is_over(const struct tool_call *call)
{
    return is_kept_back(call) || arguments_are_complete(&call->arguments) ||
           arguments_are_broken(&call->arguments);
}

static bool has_same_name(const struct tool_calls *calls, const struct tool_call *call,
                          const struct item *item)
{
    return call->name.len == 0 ||
           json_string_equal(item->name.value, tool_calls_text(calls, call->name));
}

/* NULL: it begins a new one. An item without a name never does, unless it is the first or brings an
 * id and an index, neither seen before. */
static struct tool_call *call_of(const struct tool_calls *calls, unsigned choice,
                                 const struct item *item)
{
    struct tool_call *last = last_of(calls, choice);
    struct tool_call *by_index =
        item->has_index ? find_index(calls, choice, item->vendor_index) : NULL;
    struct tool_call *by_id = item->has_id ? find_id(calls, choice, item->id.value) : NULL;
    struct tool_call *at = item->has_index ? by_index : last;
    bool is_index_new = item->has_index && by_index == NULL;

    if (last == NULL)
        return NULL;
    if (by_id != NULL) { /* one id for all of them, or a call that is resent */
        bool is_other = item->has_name && is_over(by_id) &&
                        (is_index_new || !has_same_name(calls, by_id, item));
        return is_other ? NULL : by_id;
    }
    if (item->has_id) {
        if (at == NULL || !item->has_name || (at->name.len == 0 && !is_over(at)))
            return at;
        bool is_renewed = !is_over(at) && has_same_name(calls, at, item) &&
                          (item->has_index || !arguments_are_blank(&at->arguments));
        return is_renewed ? at : NULL;
    }
    if (!item->has_name)
        return at != NULL ? at : last;
    /* Who gave an id to one gives one to the next: this says the same call again. */
    bool goes_on = at != NULL && has_same_name(calls, at, item) &&
                   (!is_over(at) || !at->is_id_made || at->name.len == 0);
    return goes_on ? at : NULL;
}

/* ---- A new call ------------------------------------------------------------------------------ */

static bool keep_text(struct tool_calls *calls, harborai_str value, struct tool_text *ret_text)
{
    char *room = buf_reserve(&calls->texts, value.len);
    harborai_str text;
    if (room == NULL || json_string(value, room, value.len, &text) < 0)
        return false;
    memmove(room, text.data, text.len);
    *ret_text = (struct tool_text){(uint32_t)calls->texts.len, (uint32_t)text.len};
    buf_commit(&calls->texts, text.len);
    return true;
}

static bool make_id(struct tool_calls *calls, struct tool_call *call)
{
    size_t at = calls->texts.len;
    delta_make_tool_id(&calls->texts, calls->seed, call->choice, call->index);
    call->id = (struct tool_text){(uint32_t)at, (uint32_t)(calls->texts.len - at)};
    return calls->texts.failed == HARBORAI_OK;
}

static bool has_room(struct tool_calls *calls)
{
    unsigned capacity = calls->capacity > 0 ? 2 * calls->capacity : 4;
    if (calls->count < calls->capacity)
        return true;
    struct tool_call *call = realloc(calls->call, capacity * sizeof *call);
    if (call == NULL)
        return false;
    calls->call = call;
    calls->capacity = capacity;
    return true;
}

static const char no_room[] = "sent more tool calls than there is room for";

static const char *begin_call(struct tool_calls *calls, unsigned choice, struct item *item)
{
    const struct tool_call *last = last_of(calls, choice);
    unsigned index = last != NULL ? last->index + 1 : 0;
    if (index == DELTA_TOOLS_MOST || calls->count == CALLS_MOST || !has_room(calls))
        return no_room;
    struct tool_call call = {.choice = choice, .index = index};
    bool is_function = item->function.kind == JSON_OBJECT ||
                       json_string_equal(item->type.value, HARBORAI_STR("function"));
    call.is_custom = is_text(&item->type) && !is_function;
    arguments_init(&call.arguments, true);
    arguments_init(&call.again, true);
    item->is_new = true;
    item->is_id_good = item->has_id && find_id(calls, choice, item->id.value) == NULL;
    call.is_id_made = !item->is_id_good;
    if (!(item->is_id_good ? keep_text(calls, item->id.value, &call.id) : make_id(calls, &call)))
        return no_room;
    item->call = &calls->call[calls->count++];
    *item->call = call;
    return NULL;
}

static const char *find_call(struct tool_calls *calls, unsigned choice, struct item *item)
{
    item->call = calls->is_whole ? NULL : call_of(calls, choice, item);
    const char *fault = item->call == NULL ? begin_call(calls, choice, item) : NULL;
    if (fault != NULL)
        return fault;
    if (item->has_index) {
        item->call->has_vendor_index = true;
        item->call->vendor_index = item->vendor_index;
    }
    item->takes_name = item->has_name && item->call->name.len == 0;
    if (item->takes_name && !keep_text(calls, item->name.value, &item->call->name))
        return no_room;
    return NULL;
}

/* ---- Its arguments --------------------------------------------------------------------------- */

static harborai_str inside(harborai_str value)
{
    return (harborai_str){value.data + 1, value.len - 2};
}

static const char behind_arguments[] = "sent something else behind the arguments of a tool call";

static size_t feed(struct arguments *a, harborai_str text, bool is_json)
{
    return is_json ? arguments_feed_json(a, text) : arguments_feed(a, text);
}

/* Without the blanks and closing brackets that it begins with, escaped or not. */
static harborai_str skip_stray(harborai_str text)
{
    const char *p = text.data, *end = p + text.len;
    while (p < end) {
        const char *next = p;
        char c[4];
        if (json_decode_next(&next, end, c) != 1 || memchr(" \t\r\n}]", c[0], 6) == NULL)
            break;
        p = next;
    }
    return (harborai_str){p, (size_t)(end - p)};
}

/* How much of the text is {}, once or more: BerriAI/litellm issue 4537, of Anthropic's empty `input`;
 * openai/openai-agents-js pull 712, of Bedrock. */
static size_t placeholders(harborai_str text, bool is_json)
{
    harborai_str rest = text;
    struct arguments a, none;
    arguments_init(&none, true);
    for (;;) {
        arguments_init(&a, true);
        size_t taken = feed(&a, rest, is_json);
        if (!arguments_are_complete(&a) || arguments_hash(&a) != arguments_hash(&none))
            return text.len - rest.len;
        rest = skip_stray(slice_from(rest, taken));
    }
}

/* False: it is not what came already. */
static bool feed_again(struct tool_call *call, harborai_str text, bool is_json)
{
    while (text.len > 0) {
        if (arguments_are_blank(&call->again))
            text = skip_stray(text);
        text = slice_from(text, feed(&call->again, text, is_json));
        if (arguments_are_broken(&call->again))
            return false;
        if (!arguments_are_complete(&call->again))
            continue; /* with nothing left */
        if (arguments_hash(&call->again) != arguments_hash(&call->arguments))
            return false;
        arguments_init(&call->again, true);
    }
    return true;
}

/* NULL, or what is wrong. */
static const char *feed_arguments(struct item *item, bool is_last)
{
    struct tool_call *call = item->call;
    bool is_json = item->arguments.kind == JSON_STRING;
    harborai_str text = is_json ? inside(item->arguments.value) : item->arguments.value;
    if (item->arguments.kind == JSON_NONE || item->arguments.kind == JSON_NULL)
        return NULL;
    if (!is_last && item->takes_name && arguments_are_blank(&call->arguments))
        item->from = placeholders(text, is_json);
    else if (is_kept_back(call))
        item->from = text.len - skip_stray(text).len;
    call->has_placeholder |= item->from > 0;
    text = slice_from(text, item->from);
    if (arguments_are_blank(&call->again))
        item->taken = feed(&call->arguments, text, is_json);
    bool is_good = feed_again(call, slice_from(text, item->taken), is_json);
    return is_good ? NULL : behind_arguments;
}

static bool are_arguments_good(const struct item *item, enum tool_end end)
{
    if (end == TOOL_END_WHOLE && arguments_are_blank(&item->call->arguments))
        return false;
    if (item->arguments.kind == JSON_NONE)
        return end == TOOL_END_NONE;
    return item->arguments.kind == JSON_STRING && item->from == 0 &&
           item->taken == item->arguments.value.len - 2;
}

static void write_arguments(struct buf *b, const struct item *item, enum tool_end end)
{
    harborai_str value = item->arguments.value;
    buf_add(b, HARBORAI_STR("\"arguments\":"));
    if (end == TOOL_END_WHOLE && arguments_are_blank(&item->call->arguments)) {
        buf_add(b, HARBORAI_STR("\"{}\""));
    } else if (item->arguments.kind == JSON_STRING) {
        buf_add_char(b, '"');
        buf_add(b, slice_cut(slice_from(value, 1 + item->from), item->taken));
        buf_add_char(b, '"');
    } else {
        json_line_text(b, slice_cut(slice_from(value, item->from), item->taken));
    }
}

/* ---- Writing an item ------------------------------------------------------------------------- */

/* The members of `object` that are none of these, each with a comma. */
static void write_others(struct buf *b, harborai_str object, const char *const *names)
{
    struct json_cursor cursor = json_open(object);
    struct json_member member;
    while (json_object_next(&cursor, &member)) {
        const char *const *name = names;
        while (*name != NULL && !json_key_equal(&member, slice_of(*name)))
            name++;
        if (*name != NULL)
            continue;
        buf_add(b, member.span);
        buf_add_char(b, ',');
    }
}

/* The comma behind the last member goes. */
static void close_object(struct buf *b)
{
    if (b->failed == HARBORAI_OK && b->data[b->len - 1] == ',')
        b->len--;
    buf_add_char(b, '}');
}

static void write_function(struct buf *b, const struct item *item, enum tool_end end)
{
    static const char *const names[] = {"name", "arguments", NULL};
    buf_add(b, HARBORAI_STR("\"function\":{"));
    if (item->takes_name) {
        buf_add(b, item->name.span);
        buf_add_char(b, ',');
    }
    if (item->arguments.kind != JSON_NONE || end != TOOL_END_NONE) {
        write_arguments(b, item, end);
        buf_add_char(b, ',');
    }
    write_others(b, item->function.value, names);
    close_object(b);
    buf_add_char(b, ',');
}

static void write_item(const struct tool_calls *calls, const struct item *item, enum tool_end end,
                       struct buf *b)
{
    static const char *const names[] = {"index", "id", "type", "function", NULL};
    static const char *const names_custom[] = {"index", "id", "type", NULL};
    const struct tool_call *call = item->call;

    buf_add_char(b, '{');
    if (end == TOOL_END_NONE)
        buf_printf(b, "\"index\":%u,", call->index);
    if (item->is_new) {
        buf_add(b, HARBORAI_STR("\"id\":"));
        json_line_text(b, tool_calls_text(calls, call->id));
        buf_add_char(b, ',');
    }
    if (call->is_custom && is_text(&item->type)) {
        buf_add(b, item->type.span);
        buf_add_char(b, ',');
    } else if (item->is_new) {
        buf_add(b, HARBORAI_STR("\"type\":\"function\","));
    }
    if (!call->is_custom && (item->function.kind == JSON_OBJECT || end != TOOL_END_NONE))
        write_function(b, item, end);
    write_others(b, item->object, call->is_custom ? names_custom : names);
    close_object(b);
}

/* ---- Whether it is good as it is ------------------------------------------------------------- */

static bool is_head_good(const struct item *item, enum tool_end end)
{
    const struct tool_call *call = item->call;
    bool is_index_good = end == TOOL_END_NONE
                             ? item->has_index && item->vendor_index == (int64_t)call->index
                             : item->index.kind == JSON_NONE;
    bool is_id_good = item->is_new ? item->is_id_good : item->id.kind == JSON_NONE;
    bool is_type_good = item->type.kind == JSON_NONE ? !item->is_new : is_text(&item->type);
    if (is_type_good && !call->is_custom && item->type.kind != JSON_NONE)
        is_type_good = json_string_equal(item->type.value, HARBORAI_STR("function"));
    return is_index_good && is_id_good && is_type_good;
}

static bool is_function_good(const struct item *item, enum tool_end end)
{
    if (item->call->is_custom)
        return true;
    if (item->function.kind != JSON_OBJECT)
        return item->function.kind == JSON_NONE && end == TOOL_END_NONE;
    if (item->name.kind != JSON_NONE && !item->takes_name)
        return false;
    return (item->arguments.kind == JSON_NONE && end == TOOL_END_NONE) ||
           are_arguments_good(item, end);
}

static const char *read_call(struct tool_calls *calls, unsigned choice, harborai_str object,
                             struct item *item)
{
    if (json_kind(object) != JSON_OBJECT)
        return "sent a tool call that is no object";
    read_item(object, item);
    const char *fault = find_call(calls, choice, item);
    if (fault != NULL || item->call->is_custom)
        return fault;
    return feed_arguments(item, calls->is_last);
}

static const char *read_one(struct tool_calls *calls, unsigned choice, harborai_str object,
                            enum tool_end end, struct splices *splices)
{
    struct item item;
    const char *fault = read_call(calls, choice, object, &item);
    if (fault != NULL || (is_head_good(&item, end) && is_function_good(&item, end)))
        return fault;
    write_item(calls, &item, end, splices_begin(splices, object));
    splices_end(splices);
    return NULL;
}

static const char *read_array(struct tool_calls *calls, unsigned choice, harborai_str array,
                              enum tool_end end, struct splices *splices)
{
    struct json_cursor cursor = json_open(array);
    harborai_str object;
    while (json_array_next(&cursor, &object)) {
        const char *fault = read_one(calls, choice, object, end, splices);
        if (fault != NULL)
            return fault;
    }
    return NULL;
}

const char *tool_calls_read_delta(struct tool_calls *calls, unsigned choice, harborai_str array,
                                  bool is_last, struct splices *splices)
{
    calls->is_last = is_last;
    calls->is_whole = false;
    return read_array(calls, choice, array, TOOL_END_NONE, splices);
}

const char *tool_calls_read_message(struct tool_calls *calls, unsigned choice, harborai_str array,
                                    enum tool_end end, struct splices *splices)
{
    calls->is_last = calls->is_whole = true;
    const char *fault = read_array(calls, choice, array, end, splices);
    return fault != NULL ? fault : tool_calls_end(calls, choice, end, NULL);
}

/* Ids do not count: some renew them. */
static bool is_same(const struct tool_calls *calls, const struct tool_call *call, harborai_str object)
{
    struct item item;
    struct arguments a;
    if (json_kind(object) != JSON_OBJECT)
        return false;
    read_item(object, &item);
    if (call->is_custom)
        return item.function.kind != JSON_OBJECT;
    arguments_init(&a, true);
    if (item.arguments.kind == JSON_STRING)
        (void)arguments_feed_json(&a, inside(item.arguments.value));
    else if (item.arguments.kind != JSON_NULL)
        (void)arguments_feed(&a, item.arguments.value);
    return has_same_name(calls, call, &item) &&
           arguments_hash(&a) == arguments_hash(&call->arguments);
}

static const char *check_same(const struct tool_calls *calls, unsigned choice, harborai_str array)
{
    struct json_cursor cursor = json_open(array);
    const struct tool_call *call = tool_calls_next(calls, choice, NULL);
    harborai_str object;
    while (json_array_next(&cursor, &object)) {
        if (call == NULL || !is_same(calls, call, object))
            return "ended with other tool calls than it had sent";
        call = tool_calls_next(calls, choice, call);
    }
    return call == NULL ? NULL : "ended with fewer tool calls than it had sent";
}

const char *tool_calls_read_repeated(struct tool_calls *calls, unsigned choice, harborai_str array,
                                     struct buf *missing)
{
    struct json_cursor cursor = json_open(array);
    harborai_str object;
    struct item item;
    if (last_of(calls, choice) != NULL)
        return check_same(calls, choice, array);
    calls->is_last = calls->is_whole = true;
    while (json_array_next(&cursor, &object)) {
        const char *fault = read_call(calls, choice, object, &item);
        if (fault != NULL)
            return fault;
        if (missing->len > 0)
            buf_add_char(missing, ',');
        write_item(calls, &item, TOOL_END_NONE, missing);
    }
    return NULL;
}

harborai_str tool_calls_only_text(struct tool_calls *calls, unsigned choice, harborai_str array,
                                  struct tool_call **ret_call)
{
    struct json_cursor cursor = json_open(array);
    harborai_str object, next;
    struct item item;
    if (!json_array_next(&cursor, &object) || json_array_next(&cursor, &next))
        return SLICE_NONE;
    read_item(object, &item);
    if (item.id.kind != JSON_NONE || item.name.kind != JSON_NONE ||
        item.arguments.kind != JSON_STRING || !item.has_index)
        return SLICE_NONE;
    *ret_call = find_index(calls, choice, item.vendor_index);
    return item.arguments.value;
}

bool tool_calls_go_on(struct tool_calls *calls, unsigned at, harborai_str string)
{
    struct arguments after = calls->call[at].arguments;
    harborai_str text = inside(string);
    if (is_kept_back(&calls->call[at]) || !arguments_are_blank(&calls->call[at].again))
        return false;
    if (arguments_feed_json(&after, text) < text.len)
        return false;
    calls->call[at].arguments = after;
    return true;
}

static const char *fault_of(const struct tool_call *call)
{
    if (call->name.len == 0)
        return "sent a tool call without a name";
    if (!arguments_are_blank(&call->arguments) && !arguments_are_complete(&call->arguments))
        return "sent a tool call whose arguments are not complete JSON";
    return arguments_are_blank(&call->again) ? NULL : behind_arguments;
}

const char *tool_calls_end(struct tool_calls *calls, unsigned choice, enum tool_end end,
                           struct buf *missing)
{
    for (unsigned i = 0; i < calls->count; i++) {
        struct tool_call *call = &calls->call[i];
        if (call->choice != choice || call->is_custom)
            continue;
        const char *fault = end == TOOL_END_WHOLE ? fault_of(call) : NULL;
        if (fault != NULL)
            return fault;
        bool is_missing = arguments_are_blank(&call->arguments) &&
                          (end == TOOL_END_WHOLE || call->has_placeholder);
        if (missing == NULL || !is_missing)
            continue;
        buf_printf(missing, "%s{\"index\":%u,\"function\":{\"arguments\":\"{}\"}}",
                   missing->len > 0 ? "," : "", call->index);
        (void)arguments_feed(&call->arguments, HARBORAI_STR("{}"));
    }
    return NULL;
}
