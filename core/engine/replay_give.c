/* SPDX-License-Identifier: MIT */
/* What a plugin finds in the messages of a request: what was kept of earlier answers with tool
 * calls, where the application did not send it, and no replays of other plugins. The body is made
 * anew only if something changes, message by message, so that no number of them is too large; what
 * is gone is not there, and the plugin has to do without. Must never let a replay of one plugin get
 * to another: a call without memory for that, or without room in what all bodies may hold, fails. */
#include <string.h>

#include "base/hash.h"
#include "engine/replay_call.h"
#include "engine/state.h"
#include "json_value.h"

#define GIVEN_EXTRA 64   /* what is written around a gift */
#define LOOKED_MOST 4096 /* tool calls of a request that are looked for: its first */

static const harborai_str reasoning_key = HARBORAI_STR_INIT("reasoning_content");
static const harborai_str details_key = HARBORAI_STR_INIT("reasoning_details");

struct turn {
    harborai_str tool_calls, reasoning, details; /* as written; empty = not there */
    size_t own, foreign;                         /* replays among its details */
    bool is_odd; /* one of them stands twice, or is no list: nothing is given to it */
};

/* A call that something was found by. */
struct given {
    uint64_t id, digest; /* the id's hash */
};

/* What a message is given; empty = nothing. */
struct gift {
    harborai_str reasoning, details;
};

static size_t size_of(const struct gift *gift)
{
    size_t size = gift->reasoning.len + gift->details.len;
    return size > 0 ? size + GIVEN_EXTRA : 0;
}

struct giving {
    struct attempt *a;
    struct replay_store *store; /* NULL: nothing is kept for this provider */
    struct replay_before before; /* the message before this one */
    unsigned looked;             /* calls looked for */
    struct given *given;         /* one a message at most */
    size_t given_count, capacity, given_size;
    const char *rest; /* of the request's body: what is not in a->body yet; NULL: nothing changes */
    int64_t missing;
};

/* --- Reading a message ------------------------------------------------------------------------ */

/* An item of reasoning_details that HarborAI has written: { "provider": …, "data": … }. Vendors
 * have members of that name with items of their own. */
enum item_of { ITEM_OF_VENDOR, ITEM_OWN, ITEM_FOREIGN };

/* One that names its provider twice is nobody's own: who reads it may take either. */
static enum item_of item_of(const struct attempt *a, harborai_str item)
{
    struct json_cursor cursor = json_open(item);
    struct json_member member;
    unsigned providers = 0;
    bool is_named = false, is_own = false, has_data = false;
    if (json_kind(item) != JSON_OBJECT)
        return ITEM_OF_VENDOR;
    while (json_object_next(&cursor, &member)) {
        has_data |= json_key_equal(&member, HARBORAI_STR("data"));
        if (json_key_equal(&member, HARBORAI_STR("provider"))) {
            providers++;
            is_named |= member.kind == JSON_STRING;
            is_own = json_string_equal(member.value, slice_of(a->provider->table->id));
        }
    }
    if (!is_named || !has_data)
        return ITEM_OF_VENDOR;
    return is_own && providers == 1 ? ITEM_OWN : ITEM_FOREIGN;
}

static void count_replays(const struct attempt *a, harborai_str details, size_t *own,
                          size_t *foreign)
{
    struct json_cursor cursor = json_open(details);
    harborai_str item;
    while (json_array_next(&cursor, &item)) {
        enum item_of of = item_of(a, item);
        *own += of == ITEM_OWN;
        *foreign += of == ITEM_FOREIGN;
    }
}

/* Anything else is not ours to read: it stays as the client sent it. */
static bool may_be_details(enum json_kind kind)
{
    return kind == JSON_ARRAY || kind == JSON_NULL;
}

static void set_once(struct turn *m, harborai_str *to, harborai_str value)
{
    m->is_odd |= to->len > 0;
    *to = value;
}

static struct turn read_message(const struct attempt *a, harborai_str text)
{
    struct json_cursor cursor = json_open(text);
    struct json_member member;
    struct turn m = {0};
    while (json_object_next(&cursor, &member)) {
        if (json_key_equal(&member, HARBORAI_STR("tool_calls"))) {
            set_once(&m, &m.tool_calls, member.value);
        } else if (json_key_equal(&member, reasoning_key)) {
            set_once(&m, &m.reasoning, member.value);
        } else if (json_key_equal(&member, details_key)) {
            set_once(&m, &m.details, member.value);
            m.is_odd |= !may_be_details(member.kind);
            if (member.kind == JSON_ARRAY)
                count_replays(a, member.value, &m.own, &m.foreign);
        }
    }
    return m;
}

/* --- Writing one ------------------------------------------------------------------------------ */

/* Behind what opened the object or array, or behind a comma. */
static void begin_item(struct buf *to)
{
    char last = to->data[to->len - 1];
    if (last != '{' && last != '[')
        buf_add_char(to, ',');
}

static void begin_member(struct buf *to, harborai_str key)
{
    begin_item(to);
    buf_add_char(to, '"');
    buf_add(to, key);
    buf_add(to, HARBORAI_STR("\":"));
}

/* The items that stay, and the gift's behind them; without any there is no such member. */
static void write_details(const struct attempt *a, struct buf *to, harborai_str details,
                          harborai_str gift)
{
    struct json_cursor cursor = json_open(details);
    harborai_str item;
    size_t before = to->len, opened;
    begin_member(to, details_key);
    buf_add_char(to, '[');
    opened = to->len;
    while (json_array_next(&cursor, &item))
        if (item_of(a, item) != ITEM_FOREIGN) {
            begin_item(to);
            buf_add(to, item);
        }
    if (gift.len > 2) {
        begin_item(to);
        buf_add(to, slice_from(slice_cut(gift, gift.len - 1), 1));
    }
    if (to->len > opened)
        buf_add_char(to, ']');
    else
        to->len = before;
}

/* There is room for all of it. What does not change stays as it is written. */
static void write_message(struct giving *g, harborai_str text, const struct turn *m,
                          const struct gift *gift)
{
    struct json_cursor cursor = json_open(text);
    struct json_member member;
    struct buf *to = &g->a->body;
    bool changes_details = m->foreign > 0 || gift->details.len > 0;
    buf_add_char(to, '{');
    while (json_object_next(&cursor, &member)) {
        if (changes_details && may_be_details(member.kind) &&
            json_key_equal(&member, details_key)) {
            write_details(g->a, to, member.value, gift->details);
        } else if (gift->reasoning.len == 0 || !json_key_equal(&member, reasoning_key)) {
            begin_item(to);
            buf_add(to, member.span);
        }
    }
    if (gift->details.len > 0 && m->details.len == 0)
        write_details(g->a, to, SLICE_NONE, gift->details);
    if (gift->reasoning.len > 0) {
        begin_member(to, reasoning_key);
        buf_add(to, gift->reasoning);
    }
    buf_add_char(to, '}');
}

/* Room for the rest of the request with what this message is given. */
static harborai_status make_room(struct giving *g, const struct gift *gift, harborai_error *error)
{
    harborai_str from = g->a->asked->body;
    struct buf *to = &g->a->body;
    if (g->rest == NULL) {
        buf_init(to, from.len + LIMIT_REPLAYS_GIVEN);
        g->rest = from.data;
    }
    if (buf_reserve(to, from.len - (size_t)(g->rest - from.data) + size_of(gift)) == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left for the request");
    if (to->capacity == g->a->charged)
        return HARBORAI_OK;
    harborai_status st = call_charge_more(g->a->call, to->capacity - g->a->charged, error);
    if (st >= 0)
        g->a->charged = to->capacity;
    return st;
}

/* The body as far as this message's end. */
static harborai_status change(struct giving *g, harborai_str text, const struct turn *m,
                              const struct gift *gift, harborai_error *error)
{
    harborai_status st = make_room(g, gift, error);
    if (st < 0)
        return st;
    buf_add(&g->a->body, (harborai_str){g->rest, (size_t)(text.data - g->rest)});
    write_message(g, text, m, gift);
    g->rest = text.data + text.len;
    return HARBORAI_OK;
}

/* --- A message -------------------------------------------------------------------------------- */

/* A conversation has a call once: who repeats one gets its text once, or a small request could be
 * made a huge one. */
static bool was_given(const struct giving *g, struct given call)
{
    for (size_t i = 0; i < g->given_count; i++)
        if (g->given[i].digest == call.digest && g->given[i].id == call.id)
            return true;
    return false;
}

/* False: no memory, so nothing can be given. */
static bool make_room_for_one(struct giving *g)
{
    if (g->given_count < g->capacity)
        return true;
    size_t capacity = g->capacity > 0 ? 2 * g->capacity : 8;
    struct given *given = arena_alloc(&g->a->call->arena, capacity * sizeof *given);
    if (given == NULL)
        return false;
    if (g->given_count > 0)
        memcpy(given, g->given, g->given_count * sizeof *given);
    g->given = given;
    g->capacity = capacity;
    return true;
}

/* A reference to give back; NULL: nothing is kept of any of these calls, of which an answer has
 * DELTA_TOOLS_MOST. */
static const struct replay *find(struct giving *g, harborai_str tool_calls, struct given *ret_call)
{
    harborai_str provider = slice_of(slot_name(g->a->slot)), item;
    struct json_cursor cursor = json_open(tool_calls);
    const struct replay *found = NULL;
    for (unsigned i = 0; i < DELTA_TOOLS_MOST && g->looked < LOOKED_MOST && found == NULL &&
                         json_array_next(&cursor, &item);
         i++, g->looked++) {
        char room[REPLAY_ID_MOST];
        struct replay_call call;
        if (!replay_call_read(item, &g->before, room, &call))
            continue;
        *ret_call = (struct given){hash_slice(call.id, 0), call.digest};
        if (!was_given(g, *ret_call))
            found = replay_store_find(g->store, g->a->call->caller, provider, &call);
    }
    return found;
}

/* Absent, null, or empty. */
static bool is_unsaid(harborai_str reasoning)
{
    enum json_kind kind = json_kind(reasoning);
    return kind == JSON_NONE || kind == JSON_NULL || (kind == JSON_STRING && reasoning.len == 2);
}

static bool lacks_reasoning(const struct giving *g, const struct turn *m)
{
    return g->a->provider->spec->replay.len > 0 && is_unsaid(m->reasoning);
}

/* What the message lacks of what was kept. Signatures are of one model; a text is any model's to
 * read. */
static struct gift choose(const struct giving *g, const struct turn *m, const struct replay *kept)
{
    struct gift gift = {0};
    if (lacks_reasoning(g, m))
        gift.reasoning = kept->reasoning;
    if (m->own == 0 && slice_equal(kept->maker, replay_maker(g->a)))
        gift.details = kept->details;
    return size_of(&gift) <= LIMIT_REPLAYS_GIVEN - g->given_size ? gift : (struct gift){0};
}

static bool may_be_given(const struct giving *g, const struct turn *m)
{
    return g->store != NULL && !m->is_odd && json_kind(m->tool_calls) == JSON_ARRAY &&
           (lacks_reasoning(g, m) || m->own == 0);
}

/* What `kept`, which is found here, has for the message. */
static struct gift give_to(struct giving *g, const struct turn *m, const struct replay **kept)
{
    struct gift gift = {0};
    struct given call;
    *kept = find(g, m->tool_calls, &call);
    if (*kept != NULL)
        gift = choose(g, m, *kept);
    if (size_of(&gift) > 0) {
        g->given[g->given_count++] = call;
        g->given_size += size_of(&gift);
    }
    g->missing += lacks_reasoning(g, m) && gift.reasoning.len == 0;
    return gift;
}

static harborai_status look_at(struct giving *g, harborai_str text, harborai_error *error)
{
    struct turn m = read_message(g->a, text);
    const struct replay *kept = NULL;
    struct gift gift = {0};
    harborai_status st = HARBORAI_OK;
    if (may_be_given(g, &m) && make_room_for_one(g))
        gift = give_to(g, &m, &kept);
    if (m.foreign > 0 || size_of(&gift) > 0)
        st = change(g, text, &m, &gift, error);
    replay_unref(kept);
    return st;
}

static harborai_status look_at_all(struct giving *g, harborai_error *error)
{
    struct json_cursor cursor = json_open(g->a->asked->messages);
    harborai_status st = HARBORAI_OK;
    harborai_str text;
    while (st >= 0 && json_array_next(&cursor, &text)) {
        st = look_at(g, text, error);
        g->before = (struct replay_before){.message = text};
    }
    return st;
}

/* --- The body --------------------------------------------------------------------------------- */

static harborai_status make_body(struct giving *g, harborai_error *error)
{
    struct attempt *a = g->a;
    const struct chat_request *from = a->asked;
    buf_add(&a->body, slice_from(from->body, (size_t)(g->rest - from->body.data)));
    harborai_status st = buf_status(&a->body, error);
    if (st >= 0)
        st = chat_request_parse(buf_slice(&a->body), &a->call->arena, &a->made, error);
    if (st < 0)
        return st;
    a->made.wants_usage = from->wants_usage; /* whatever the vendor takes of stream_options */
    a->asked = &a->made;
    a->request.body = a->made.body;
    return HARBORAI_OK;
}

enum { HAS_CALLS = 1, HAS_DETAILS = 2 };

static bool stands_at(harborai_str text, const char *at, const char *before, const char *after)
{
    size_t offset = (size_t)(at - text.data), from = strlen(before), to = strlen(after);
    return offset >= from && text.len - offset >= to && memcmp(at - from, before, from) == 0 &&
           memcmp(at, after, to) == 0;
}

/* Whether a key may stand there in other letters: those of both are from \u005f to \u007a. By memchr(),
 * for memmem() costs three times as much. */
static bool has_escaped_letter(harborai_str text)
{
    const char *at = text.data, *end = at + text.len;
    while ((at = memchr(at, '\\', (size_t)(end - at))) != NULL) {
        if (end - at < 5)
            return false;
        if (at[1] == 'u' && at[2] == '0' && at[3] == '0' && at[4] >= '5' && at[4] <= '7')
            return true;
        at += 2; /* an escaped backslash begins no other */
    }
    return false;
}

/* Which of the two keys may stand somewhere in the messages. Every request pays for this, so that it
 * looks for the rarest letter of both. */
static unsigned find_keys(const struct chat_request *asked)
{
    harborai_str text = asked->messages;
    if (asked->messages_may_have_u && has_escaped_letter(text))
        return HAS_CALLS | HAS_DETAILS;
    unsigned found = 0;
    const char *at = text.data, *end = at + text.len;
    while (found != (HAS_CALLS | HAS_DETAILS) &&
           (at = memchr(at, '_', (size_t)(end - at))) != NULL) {
        char next = ++at < end ? *at : '\0';
        if (next == 'c' && stands_at(text, at, "\"tool_", "calls\""))
            found |= HAS_CALLS;
        else if (next == 'd' && stands_at(text, at, "\"reasoning_", "details\""))
            found |= HAS_DETAILS;
    }
    return found;
}

harborai_status replay_give(struct attempt *a, harborai_error *error)
{
    unsigned keys = find_keys(a->asked);
    struct replay_store *store = a->call->engine->s.replays;
    struct giving g = {.a = a};
    if (keys == 0)
        return HARBORAI_OK;
    if (store != NULL && (a->provider->spec->replay.len > 0 ||
                          replay_store_may_have(store, slice_of(slot_name(a->slot)))))
        g.store = store;
    if (g.store == NULL && (keys & HAS_DETAILS) == 0)
        return HARBORAI_OK;
    harborai_status st = look_at_all(&g, error);
    if (st >= 0 && g.rest != NULL)
        st = make_body(&g, error);
    if (st < 0 || store == NULL)
        return st;
    replay_store_count(store, REPLAY_GIVEN, (int64_t)g.given_count);
    replay_store_count(store, REPLAY_MISSING, g.missing);
    return HARBORAI_OK;
}
