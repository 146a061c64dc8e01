/* SPDX-License-Identifier: MIT */
/* What is kept of an answer with tool calls, for the next turn (replay_store.h): of choice 0, and
 * only once the answer has ended well. A whole answer is read at its end; of a stream the pieces
 * are gathered as they go by. Must never fail a call: what cannot be kept is counted. */
#include <string.h>

#include "chat/arguments.h"
#include "chat/json_line.h"
#include "engine/replay_call.h"
#include "engine/state.h"
#include "json_value.h"
#include "wire/json_write.h"

#define KEPT_MOST KIB(512) /* of one answer; about 100,000 tokens of reasoning */

/* A tool call of a stream. */
struct draft_call {
    struct draft_call *next;
    harborai_str id, name; /* in the arena */
    struct arguments arguments;
};

struct replay_draft {     /* in the arena; its buffers are released with the attempt */
    struct buf reasoning; /* the inside of a JSON string */
    struct buf details;   /* items of reasoning_details */
    struct draft_call *calls, **next_call;
    unsigned call_count;
    bool is_broken; /* no memory: nothing is kept */
};

static struct replay_store *store_of(const struct attempt *a)
{
    return a->call->engine->s.replays;
}

/* Whether the vendor wants the reasoning_content of answers with tool calls back. */
static bool wants_reasoning(const struct attempt *a)
{
    return a->provider->spec->replay.len > 0;
}

static struct replay_before before_of(const struct attempt *a)
{
    return (struct replay_before){.messages = a->call->request.messages};
}

harborai_str replay_maker(struct attempt *a)
{
    return arena_printf(&a->call->arena, "%s %.*s", a->provider->table->id,
                        SLICE_ARG(a->call->upstream_model));
}

static void keep(struct attempt *a, const struct replay_call *calls, size_t count,
                 const struct replay *what)
{
    struct replay_store *store = store_of(a);
    if (count == 0 || (what->reasoning.len == 0 && what->details.len == 0))
        return;
    if (what->reasoning.len + what->details.len > KEPT_MOST)
        replay_store_count(store, REPLAY_DROPPED, 1);
    else
        replay_store_keep(store, a->call->caller, slice_of(slot_name(a->slot)), calls, count, what);
}

/* --- A whole answer --------------------------------------------------------------------------- */

/* Calls that could not be known again are left out. */
static size_t read_calls(struct attempt *a, harborai_str tool_calls,
                         struct replay_call calls[static DELTA_TOOLS_MOST])
{
    struct json_cursor cursor = json_open(tool_calls);
    struct replay_before before = before_of(a);
    harborai_str item;
    size_t count = 0;
    while (count < DELTA_TOOLS_MOST && json_array_next(&cursor, &item)) {
        char room[REPLAY_ID_MOST];
        if (!replay_call_read(item, &before, room, &calls[count]))
            continue;
        calls[count].id = arena_copy(&a->call->arena, calls[count].id);
        count += calls[count].id.data != NULL;
    }
    return count;
}

/* reasoning_details are ours only where we wrote them. */
static void keep_whole(struct attempt *a)
{
    harborai_str answer = a->call->answer_body;
    if (memmem(answer.data, answer.len, "tool_calls", 10) == NULL)
        return;
    harborai_str message = json_pointer_find(answer, HARBORAI_STR("/choices/0/message"));
    harborai_str tool_calls = json_member(message, HARBORAI_STR("tool_calls"));
    harborai_str reasoning = json_member(message, HARBORAI_STR("reasoning_content"));
    struct replay_call calls[DELTA_TOOLS_MOST];
    struct replay what = {.maker = replay_maker(a)};
    if (json_kind(tool_calls) != JSON_ARRAY)
        return;
    if (wants_reasoning(a) && json_kind(reasoning) == JSON_STRING && reasoning.len > 2)
        what.reasoning = reasoning;
    if (a->emits == EMITS_DELTAS)
        what.details = json_member(message, HARBORAI_STR("reasoning_details"));
    if (what.reasoning.len > 0 || what.details.len > 0)
        keep(a, calls, read_calls(a, tool_calls, calls), &what);
}

/* --- A stream: its pieces --------------------------------------------------------------------- */

static struct replay_draft *draft_of(struct attempt *a)
{
    if (a->draft != NULL)
        return a->draft;
    struct replay_draft *draft = arena_alloc(&a->call->arena, sizeof *draft);
    if (draft == NULL)
        return NULL;
    buf_init(&draft->reasoning, KEPT_MOST);
    buf_init(&draft->details, KEPT_MOST);
    draft->next_call = &draft->calls;
    a->draft = draft;
    return draft;
}

void replay_draft_release(struct replay_draft *draft)
{
    if (draft == NULL)
        return;
    buf_release(&draft->reasoning);
    buf_release(&draft->details);
}

static void add_call(struct attempt *a, struct replay_draft *draft, const harborai_delta *delta)
{
    struct arena *arena = &a->call->arena;
    struct draft_call *call = arena_alloc(arena, sizeof *call);
    AUTO(buf) made = BUF_INIT(KIB(64));
    harborai_str id = delta->tool_id;
    for (const struct draft_call *other = draft->calls; other != NULL; other = other->next)
        if (slice_equal(other->id, id))
            id = SLICE_NONE; /* the client got a made one in its place */
    if (id.len == 0) {
        delta_write_tool_id(&made, &a->answer_id, delta);
        (void)json_string_plain(buf_slice(&made), &id);
    }
    if (call != NULL) {
        call->id = arena_copy(arena, id);
        call->name = arena_copy(arena, delta->tool_name);
    }
    if (call == NULL || call->id.data == NULL || call->name.data == NULL) {
        draft->is_broken = true;
        return;
    }
    arguments_init(&call->arguments, true);
    *draft->next_call = call;
    draft->next_call = &call->next;
    draft->call_count++;
}

static void add_input(struct replay_draft *draft, const harborai_delta *delta)
{
    struct draft_call *call = draft->calls;
    for (unsigned i = 0; i < delta->tool_index && call != NULL; i++)
        call = call->next;
    if (call != NULL && arguments_feed(&call->arguments, delta->text) < delta->text.len)
        draft->is_broken = true;
}

static void add_detail(const struct attempt *a, struct replay_draft *draft, harborai_str object)
{
    struct buf *b = &draft->details;
    buf_add(b, b->len > 0 ? HARBORAI_STR(",{\"provider\":") : HARBORAI_STR("{\"provider\":"));
    json_line_text(b, a->answer_id.plugin_id);
    buf_add(b, HARBORAI_STR(",\"data\":"));
    json_line_write(b, slice_trim(object));
    buf_add_char(b, '}');
}

/* Whether the delta says something of what is kept. */
static bool is_wanted(const struct attempt *a, const harborai_delta *delta)
{
    if (delta->choice != 0 || store_of(a) == NULL)
        return false;
    return delta->kind == HARBORAI_DELTA_REPLAY || delta->kind == HARBORAI_DELTA_TOOL_CALL ||
           delta->kind == HARBORAI_DELTA_TOOL_INPUT ||
           (delta->kind == HARBORAI_DELTA_REASONING && wants_reasoning(a));
}

void replay_note_delta(struct attempt *a, const harborai_delta *delta)
{
    struct replay_draft *draft = is_wanted(a, delta) ? draft_of(a) : NULL;
    if (draft == NULL)
        return;
    switch (delta->kind) {
    case HARBORAI_DELTA_REASONING:
        json_write_escaped(&draft->reasoning, delta->text);
        return;
    case HARBORAI_DELTA_REPLAY:
        add_detail(a, draft, delta->text);
        return;
    case HARBORAI_DELTA_TOOL_CALL:
        add_call(a, draft, delta);
        break;
    default:
        break;
    }
    add_input(draft, delta);
}

bool replay_wants_chunks(const struct attempt *a)
{
    return store_of(a) != NULL && wants_reasoning(a);
}

void replay_note_reasoning(struct attempt *a, harborai_str json)
{
    struct replay_draft *draft = draft_of(a);
    if (draft != NULL)
        buf_add(&draft->reasoning, (harborai_str){json.data + 1, json.len - 2});
}

/* --- A stream: its end ------------------------------------------------------------------------ */

static size_t calls_of_deltas(const struct attempt *a,
                              struct replay_call calls[static DELTA_TOOLS_MOST])
{
    struct replay_before before = before_of(a);
    size_t count = 0;
    for (const struct draft_call *c = a->draft->calls; c != NULL && count < DELTA_TOOLS_MOST;
         c = c->next) {
        bool is_whole = arguments_are_blank(&c->arguments) || arguments_are_complete(&c->arguments);
        if (is_whole && c->id.len <= REPLAY_ID_MOST)
            calls[count++] = (struct replay_call){
                c->id, replay_call_digest(c->id, c->name, arguments_hash(&c->arguments), &before)};
    }
    return count;
}

static size_t calls_of_chunks(const struct attempt *a,
                              struct replay_call calls[static DELTA_TOOLS_MOST])
{
    const struct tool_call *at = NULL;
    struct replay_before before = before_of(a);
    struct turn_call c;
    size_t count = 0;
    while (count < DELTA_TOOLS_MOST && stream_next_call(&a->stream, &at, &c))
        if (c.id.len > 0 && c.id.len <= REPLAY_ID_MOST)
            calls[count++] = (struct replay_call){
                c.id, replay_call_digest(c.id, c.name, c.arguments_hash, &before)};
    return count;
}

/* A text between two others, in the arena; empty if there is no memory for it. */
static harborai_str between(struct attempt *a, const char *open, const struct buf *inside,
                            const char *close)
{
    return arena_printf(&a->call->arena, "%s%.*s%s", open, SLICE_ARG(buf_slice(inside)), close);
}

static bool is_unused(const struct buf *b)
{
    return b->len == 0 && b->failed >= 0;
}

static void keep_stream(struct attempt *a)
{
    const struct replay_draft *draft = a->draft;
    struct replay_call calls[DELTA_TOOLS_MOST];
    struct replay what = {.maker = replay_maker(a)};
    if (draft == NULL || (is_unused(&draft->reasoning) && is_unused(&draft->details)))
        return;
    size_t count =
        a->emits == EMITS_DELTAS ? calls_of_deltas(a, calls) : calls_of_chunks(a, calls);
    if (count == 0)
        return;
    if (draft->is_broken || draft->reasoning.failed < 0 || draft->details.failed < 0) {
        replay_store_count(store_of(a), REPLAY_DROPPED, 1);
        return;
    }
    if (draft->reasoning.len > 0)
        what.reasoning = between(a, "\"", &draft->reasoning, "\"");
    if (draft->details.len > 0)
        what.details = between(a, "[", &draft->details, "]");
    keep(a, calls, count, &what);
}

void replay_keep(struct attempt *a)
{
    if (store_of(a) == NULL || a->call->front == NULL) /* nobody has read it who could go on */
        return;
    if (a->call->request.is_stream)
        keep_stream(a);
    else if (wants_reasoning(a) || a->emits == EMITS_DELTAS)
        keep_whole(a);
}
