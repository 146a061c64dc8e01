/* SPDX-License-Identifier: MIT */
/* What a plugin finds in the messages of a request: what was kept of earlier answers with tool
 * calls, where the application did not send it, and no replays of other plugins. The body is made
 * anew only if something changes; what is gone is not there, and the plugin has to do without. Must
 * never fail a call. */
#include <string.h>

#include "base/hash.h"
#include "engine/replay_call.h"
#include "engine/state.h"
#include "json_edit.h"
#include "json_value.h"

#define GIVEN_MOST  MIB(16) /* to one request: more than any model reads */
#define LOOKED_MOST 4096    /* tool calls of a request that are looked for: its first */

struct turn {
    harborai_str tool_calls, reasoning, details; /* as written; empty = not there */
    bool is_odd;                                 /* one of them stands twice: it stays as it is */
};

/* What a message is given: a reference, from which the edits borrow. */
struct found {
    const struct replay *replay;
    uint64_t id, digest; /* of the call by which it was found; the id's hash */
};

struct giving {
    struct attempt *a;
    struct replay_store *store; /* NULL: nothing is kept for this provider */
    struct replay_before before; /* the message before this one */
    unsigned looked;             /* calls looked for */
    harborai_edit *edits;
    struct found *found; /* one a message at most */
    size_t edit_count, found_count, capacity;
    int64_t given, missing;
};

/* --- Reading a message ------------------------------------------------------------------------ */

static void set_once(struct turn *m, harborai_str *to, harborai_str value)
{
    m->is_odd |= to->len > 0;
    *to = value;
}

static struct turn read_message(harborai_str text)
{
    struct json_cursor cursor = json_open(text);
    struct json_member member;
    struct turn m = {0};
    while (json_object_next(&cursor, &member)) {
        if (json_key_equal(&member, HARBORAI_STR("tool_calls")))
            set_once(&m, &m.tool_calls, member.value);
        else if (json_key_equal(&member, HARBORAI_STR("reasoning_content")))
            set_once(&m, &m.reasoning, member.value);
        else if (json_key_equal(&member, HARBORAI_STR("reasoning_details")))
            set_once(&m, &m.details, member.value);
    }
    return m;
}

/* An item of reasoning_details that HarborAI has written: { "provider": …, "data": … }. Vendors
 * have members of that name with items of their own. */
static bool is_replay(harborai_str item, harborai_str *ret_provider)
{
    *ret_provider = json_member(item, HARBORAI_STR("provider"));
    return json_kind(*ret_provider) == JSON_STRING &&
           json_member(item, HARBORAI_STR("data")).len > 0;
}

struct details {
    size_t own, foreign, others;
};

static struct details count_details(const struct attempt *a, harborai_str array)
{
    struct details d = {0};
    struct json_cursor cursor = json_open(array);
    harborai_str item, provider;
    while (json_array_next(&cursor, &item)) {
        if (!is_replay(item, &provider))
            d.others++;
        else if (json_string_equal(provider, slice_of(a->provider->table->id)))
            d.own++;
        else
            d.foreign++;
    }
    return d;
}

/* --- Edits ------------------------------------------------------------------------------------ */

static void *grown(struct arena *arena, const void *from, size_t size, size_t have, size_t want)
{
    void *to = arena_alloc(arena, want * size);
    if (to != NULL && have > 0)
        memcpy(to, from, have * size);
    return to;
}

/* Room for what one message takes: two edits, one reference. */
static bool make_room(struct giving *g)
{
    struct arena *arena = &g->a->call->arena;
    if (g->edit_count + 2 > JSON_EDITS_MAX)
        return false;
    if (g->edit_count + 2 <= g->capacity && g->found_count + 1 <= g->capacity)
        return true;
    size_t capacity = g->capacity > 0 ? 2 * g->capacity : 8;
    void *edits = grown(arena, g->edits, sizeof *g->edits, g->edit_count, capacity);
    void *found = grown(arena, g->found, sizeof *g->found, g->found_count, capacity);
    if (edits == NULL || found == NULL)
        return false;
    g->edits = edits;
    g->found = found;
    g->capacity = capacity;
    return true;
}

static void add_edit(struct giving *g, size_t index, const char *name, harborai_str value)
{
    harborai_str path = arena_printf(&g->a->call->arena, "/messages/%zu/%s", index, name);
    if (path.data != NULL)
        g->edits[g->edit_count++] = (harborai_edit){
            path, value, value.len > 0 ? HARBORAI_EDIT_JSON : HARBORAI_EDIT_REMOVE, 0};
}

/* The items that stay, and those of `more` behind them. */
static harborai_str join_details(struct giving *g, harborai_str array, harborai_str more)
{
    AUTO(buf) b = BUF_INIT(array.len + more.len + 8);
    struct json_cursor cursor = json_open(array);
    harborai_str item, provider;
    while (json_array_next(&cursor, &item)) {
        if (is_replay(item, &provider) &&
            !json_string_equal(provider, slice_of(g->a->provider->table->id)))
            continue;
        buf_add_char(&b, b.len > 0 ? ',' : '[');
        buf_add(&b, item);
    }
    if (more.len > 0) {
        buf_add_char(&b, b.len > 0 ? ',' : '[');
        buf_add(&b, slice_from(slice_cut(more, more.len - 1), 1));
    }
    buf_add_char(&b, ']');
    return buf_status(&b, NULL) < 0 ? SLICE_NONE : arena_copy(&g->a->call->arena, buf_slice(&b));
}

static void edit_details(struct giving *g, size_t index, harborai_str array, struct details d,
                         harborai_str more)
{
    static const char name[] = "reasoning_details";
    if (d.own + d.others == 0 && (d.foreign > 0 || more.len > 0))
        add_edit(g, index, name, more);
    else if (d.foreign > 0 || more.len > 0) {
        harborai_str joined = join_details(g, array, more);
        if (joined.data != NULL)
            add_edit(g, index, name, joined);
    }
}

/* --- A message -------------------------------------------------------------------------------- */

/* A conversation has a call once: who repeats one gets its text once, or a small request could be
 * made a huge one. */
static bool was_given(const struct giving *g, uint64_t id, uint64_t digest)
{
    for (size_t i = 0; i < g->found_count; i++)
        if (g->found[i].digest == digest && g->found[i].id == id)
            return true;
    return false;
}

/* A reference, for remember() or to be given back; none: nothing is kept of any of these calls. */
static struct found find_call(const struct giving *g, const struct replay_call *call)
{
    harborai_str provider = slice_of(slot_name(g->a->slot));
    struct found found = {.id = hash_slice(call->id, 0), .digest = call->digest};
    if (!was_given(g, found.id, found.digest))
        found.replay = replay_store_find(g->store, g->a->call->caller, provider, call);
    return found;
}

/* A reference, for remember() or to be given back; none: nothing is kept of any of these calls, of
 * which an answer has DELTA_TOOLS_MOST. */
static struct found find(struct giving *g, harborai_str tool_calls)
{
    struct json_cursor cursor = json_open(tool_calls);
    struct found found = {0};
    harborai_str item;
    for (unsigned i = 0; i < DELTA_TOOLS_MOST && g->looked < LOOKED_MOST && found.replay == NULL &&
                         json_array_next(&cursor, &item);
         i++, g->looked++) {
        char room[REPLAY_ID_MOST];
        struct replay_call call;
        if (replay_call_read(item, &g->before, room, &call))
            found = find_call(g, &call);
    }
    return found;
}

/* What led to no edit is not needed any more. */
static void remember(struct giving *g, struct found found, bool was_used)
{
    if (was_used)
        g->found[g->found_count++] = found;
    else
        replay_unref(found.replay);
}

/* None that can be read: it is absent, null, or empty. */
static bool is_unsaid(harborai_str reasoning)
{
    return json_kind(reasoning) != JSON_STRING || reasoning.len == 2;
}

/* The details that the message gets; its reasoning is put in. */
static harborai_str give_kept(struct giving *g, size_t index, const struct turn *m,
                              bool wants_reasoning, bool wants_details)
{
    struct found found = find(g, m->tool_calls);
    const struct replay *kept = found.replay;
    bool has_reasoning = kept != NULL && wants_reasoning && kept->reasoning.len > 0;
    /* Signatures are of one model; a text is any model's to read. */
    bool has_details = kept != NULL && wants_details && kept->details.len > 0 &&
                       slice_equal(kept->maker, replay_maker(g->a));
    if (has_reasoning)
        add_edit(g, index, "reasoning_content", kept->reasoning);
    remember(g, found, has_reasoning || has_details);
    g->given += has_reasoning || has_details;
    g->missing += wants_reasoning && !has_reasoning;
    return has_details ? kept->details : SLICE_NONE;
}

static void give_to(struct giving *g, size_t index, const struct turn *m, struct details d)
{
    bool wants_reasoning = g->a->provider->spec->replay.len > 0 && is_unsaid(m->reasoning);
    bool wants_details = d.own == 0;
    harborai_str more = SLICE_NONE;
    if (g->store != NULL && m->tool_calls.len > 2 && (wants_reasoning || wants_details))
        more = give_kept(g, index, m, wants_reasoning, wants_details);
    edit_details(g, index, m->details, d, more);
}

static void look_at(struct giving *g, size_t index, harborai_str text)
{
    struct turn m = read_message(text);
    struct details d = count_details(g->a, m.details);
    if (!m.is_odd && (m.tool_calls.len > 0 || d.foreign > 0) && make_room(g))
        give_to(g, index, &m, d);
}

static void look_at_all(struct giving *g)
{
    struct json_cursor cursor = json_open(g->a->asked->messages);
    harborai_str text;
    for (size_t i = 0; json_array_next(&cursor, &text); i++) {
        look_at(g, i, text);
        g->before = (struct replay_before){.message = text};
    }
}

/* --- The body --------------------------------------------------------------------------------- */

static void *alloc_pieces(void *context, size_t size)
{
    return arena_alloc(context, size);
}

/* False: the request stays as it is. */
static bool make_body(struct giving *g)
{
    struct attempt *a = g->a;
    const struct chat_request *from = a->asked;
    struct json_edit_body body = {from->body, from->members, from->member_count};
    struct json_pieces pieces;
    void *memory;
    if (json_edit_apply(&body, g->edits, g->edit_count, alloc_pieces, &a->call->arena, &pieces,
                        &memory, NULL) < 0)
        return false;
    buf_init(&a->body, from->body.len + GIVEN_MOST);
    if (buf_reserve(&a->body, pieces.len) == NULL)
        return false;
    for (size_t i = 0; i < pieces.count; i++)
        buf_add(&a->body, pieces.piece[i]);
    if (chat_request_parse(buf_slice(&a->body), &a->call->arena, &a->made, NULL) < 0)
        return false;
    a->made.wants_usage = from->wants_usage; /* whatever the vendor takes of stream_options */
    return true;
}

enum { HAS_CALLS = 1, HAS_DETAILS = 2 };

static bool stands_at(harborai_str text, const char *at, const char *before, const char *after)
{
    size_t offset = (size_t)(at - text.data), from = strlen(before), to = strlen(after);
    return offset >= from && text.len - offset >= to && memcmp(at - from, before, from) == 0 &&
           memcmp(at, after, to) == 0;
}

/* Which of the two keys stand somewhere in the messages. Every request pays for this, so that it
 * looks for the rarest letter of both. */
static unsigned find_keys(harborai_str text)
{
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

void replay_give(struct attempt *a)
{
    unsigned keys = find_keys(a->asked->messages);
    struct replay_store *store = a->call->engine->s.replays;
    struct giving g = {.a = a};
    if (keys == 0)
        return;
    if (store != NULL && (a->provider->spec->replay.len > 0 ||
                          replay_store_may_have(store, slice_of(slot_name(a->slot)))))
        g.store = store;
    if (g.store == NULL && (keys & HAS_DETAILS) == 0)
        return;
    look_at_all(&g);
    if (g.edit_count > 0 && make_body(&g)) {
        a->asked = &a->made;
        a->request.body = a->made.body;
    } else {
        g.missing += g.edit_count > 0 ? g.given : 0;
        g.given = 0;
    }
    for (size_t i = 0; i < g.found_count; i++)
        replay_unref(g.found[i].replay);
    if (store == NULL)
        return;
    replay_store_count(store, REPLAY_GIVEN, g.given);
    replay_store_count(store, REPLAY_MISSING, g.missing);
}
