/* SPDX-License-Identifier: MIT */
/* Deltas collected into one answer: text is appended, EXTRA is merged by the rule of plugin.h.
 * Memory is bounded by the ceiling of what was added. */
#include "chat/fold.h"

#include <json-c/json.h>
#include <stdlib.h>

#include "base/limits.h"
#include "chat/json_line.h"
#include "chat/usage.h"
#include "json_scan.h"

/* A tree of json-c takes many times the text's bytes: they count that much of the ceiling. */
enum { TREE_FACTOR = 4 };

struct fold_tool {
    struct fold_tool *next;
    struct buf id; /* JSON */
    struct buf name, input;
};

struct fold_choice {
    struct buf content, reasoning, refusal;
    struct buf replays; /* the items of reasoning_details, JSON */
    struct fold_tool *tools, **next_tool;
    struct json_object *in_message, *in_choice; /* EXTRA */
};

struct fold {
    struct answer_id answer;
    struct arena arena; /* choices, tools, and their order */
    struct delta_order order;
    struct fold_choice *choice;
    struct json_object *in_answer; /* EXTRA_ANSWER */
    size_t left;                   /* of the ceiling */
};

static void choice_init(struct fold_choice *choice, size_t ceiling)
{
    buf_init(&choice->content, ceiling);
    buf_init(&choice->reasoning, ceiling);
    buf_init(&choice->refusal, ceiling);
    buf_init(&choice->replays, ceiling + MIB(1)); /* the items' frames */
    choice->next_tool = &choice->tools;
}

static void choice_release(struct fold_choice *choice)
{
    for (struct fold_tool *tool = choice->tools; tool != NULL; tool = tool->next) {
        buf_release(&tool->id);
        buf_release(&tool->name);
        buf_release(&tool->input);
    }
    buf_release(&choice->content);
    buf_release(&choice->reasoning);
    buf_release(&choice->refusal);
    buf_release(&choice->replays);
    json_object_put(choice->in_message);
    json_object_put(choice->in_choice);
}

struct fold *fold_create(const struct answer_id *answer, unsigned choices, size_t ceiling)
{
    struct fold *fold = calloc(1, sizeof *fold);
    if (fold == NULL)
        return NULL;
    fold->answer = *answer;
    fold->left = ceiling;
    arena_init(&fold->arena, MIB(16)); /* 128 choices with 128 tools take 3 */
    if (delta_order_init(&fold->order, &fold->arena, choices, NULL) < 0)
        goto fail;
    fold->choice = arena_alloc(&fold->arena, fold->order.choices * sizeof *fold->choice);
    if (fold->choice == NULL)
        goto fail;
    for (unsigned i = 0; i < fold->order.choices; i++)
        choice_init(&fold->choice[i], ceiling);
    return fold;
fail:
    fold_destroy(fold);
    return NULL;
}

void fold_destroy(struct fold *fold)
{
    if (fold == NULL)
        return;
    for (unsigned i = 0; fold->choice != NULL && i < fold->order.choices; i++)
        choice_release(&fold->choice[i]);
    json_object_put(fold->in_answer);
    arena_release(&fold->arena);
    free(fold);
}

/* ---- EXTRA ----------------------------------------------------------------------------------- */

/* 0, or -1 when out of memory. `from` is borrowed; what it holds is shared. */
static int merge(struct json_object *into, struct json_object *from)
{
    struct json_object_iterator at = json_object_iter_begin(from);
    struct json_object_iterator end = json_object_iter_end(from);
    for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at)) {
        const char *key = json_object_iter_peek_name(&at);
        struct json_object *new = json_object_iter_peek_value(&at), *old = NULL;
        enum json_type type = json_object_get_type(new);
        json_object_object_get_ex(into, key, &old);
        if (type == json_type_object && json_object_get_type(old) == type) {
            if (merge(old, new) < 0)
                return -1;
        } else if (type == json_type_array && json_object_get_type(old) == type) {
            for (size_t i = 0; i < json_object_array_length(new); i++)
                if (json_object_array_add(
                        old, json_object_get(json_object_array_get_idx(new, i))) < 0)
                    return -1;
        } else if (json_object_object_add(into, key, json_object_get(new)) < 0) {
            return -1;
        }
    }
    return 0;
}

static struct json_object *parse(harborai_str text)
{
    struct json_tokener *tokener = json_tokener_new_ex(LIMIT_JSON_DEPTH + 2);
    if (tokener == NULL)
        return NULL;
    struct json_object *object = json_tokener_parse_ex(tokener, text.data, (int)text.len);
    json_tokener_free(tokener);
    return object;
}

static harborai_status add_extra(struct json_object **into, const harborai_delta *delta,
                                 harborai_error *error)
{
    struct json_object *object = parse(slice_trim(delta->text));
    if (object == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left for the answer");
    if (*into == NULL) {
        *into = object;
        return HARBORAI_OK;
    }
    int merged = merge(*into, object);
    json_object_put(object);
    if (merged < 0)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left for the answer");
    return HARBORAI_OK;
}

/* ---- Adding ---------------------------------------------------------------------------------- */

static harborai_status add_text(struct buf *b, harborai_str text, harborai_error *error)
{
    buf_add(b, text);
    return buf_status(b, error);
}

static harborai_status add_tool(struct fold *fold, struct fold_choice *choice,
                                const harborai_delta *delta, harborai_error *error)
{
    struct fold_tool *tool = arena_alloc(&fold->arena, sizeof *tool);
    if (tool == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left for the answer");
    size_t ceiling = choice->content.ceiling;
    buf_init(&tool->id, 6 * ceiling + 64); /* escapes */
    buf_init(&tool->name, ceiling);
    buf_init(&tool->input, ceiling);
    *choice->next_tool = tool;
    choice->next_tool = &tool->next;
    delta_write_tool_id(&tool->id, &fold->answer, delta);
    harborai_status st = buf_status(&tool->id, error);
    if (st == HARBORAI_OK)
        st = add_text(&tool->name, delta->tool_name, error);
    return st == HARBORAI_OK ? add_text(&tool->input, delta->text, error) : st;
}

static struct fold_tool *tool_at(const struct fold_choice *choice, unsigned index)
{
    struct fold_tool *tool = choice->tools;
    while (index-- > 0)
        tool = tool->next;
    return tool;
}

static harborai_status add_replay(struct fold *fold, struct fold_choice *choice,
                                  const harborai_delta *delta, harborai_error *error)
{
    if (choice->replays.len > 0)
        buf_add_char(&choice->replays, ',');
    buf_add(&choice->replays, HARBORAI_STR("{\"provider\":"));
    json_line_text(&choice->replays, fold->answer.plugin_id);
    buf_add(&choice->replays, HARBORAI_STR(",\"data\":"));
    json_line_write(&choice->replays, slice_trim(delta->text));
    buf_add_char(&choice->replays, '}');
    return buf_status(&choice->replays, error);
}

/* The bytes that a delta takes of the ceiling. */
static size_t weight_of(const harborai_delta *delta)
{
    size_t factor = delta->kind == HARBORAI_DELTA_EXTRA ||
                            delta->kind == HARBORAI_DELTA_EXTRA_CHOICE ||
                            delta->kind == HARBORAI_DELTA_EXTRA_ANSWER
                        ? TREE_FACTOR
                        : 1;
    size_t most = SIZE_MAX / 2 / TREE_FACTOR;
    if (delta->text.len > most || delta->tool_id.len > most || delta->tool_name.len > most)
        return SIZE_MAX;
    return factor * delta->text.len + delta->tool_id.len + delta->tool_name.len;
}

harborai_status fold_add(struct fold *fold, const harborai_delta *given, harborai_error *error)
{
    harborai_delta checked = *given, *delta = &checked;
    harborai_status st = delta_check(&fold->order, delta, error);
    if (st < 0)
        return st;
    size_t weight = weight_of(delta);
    if (weight > fold->left)
        return harborai_error_set(error, HARBORAI_E_MEMORY,
                                  "the answer is larger than it may be when it is kept whole: "
                                  "ask for a stream");
    fold->left -= weight;
    struct fold_choice *choice = &fold->choice[delta->choice];
    switch (delta->kind) {
    case HARBORAI_DELTA_TEXT:
        return add_text(&choice->content, delta->text, error);
    case HARBORAI_DELTA_REASONING:
        return add_text(&choice->reasoning, delta->text, error);
    case HARBORAI_DELTA_REFUSAL:
        return add_text(&choice->refusal, delta->text, error);
    case HARBORAI_DELTA_TOOL_CALL:
        return add_tool(fold, choice, delta, error);
    case HARBORAI_DELTA_TOOL_INPUT:
        return add_text(&tool_at(choice, delta->tool_index)->input, delta->text, error);
    case HARBORAI_DELTA_EXTRA:
        return add_extra(&choice->in_message, delta, error);
    case HARBORAI_DELTA_EXTRA_CHOICE:
        return add_extra(&choice->in_choice, delta, error);
    case HARBORAI_DELTA_EXTRA_ANSWER:
        return add_extra(&fold->in_answer, delta, error);
    case HARBORAI_DELTA_REPLAY:
        return add_replay(fold, choice, delta, error);
    default:
        return HARBORAI_OK;
    }
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* Writes ,"name":"text" if there is any. */
static void write_text(struct buf *b, const char *name, const struct buf *text)
{
    if (text->len == 0)
        return;
    buf_printf(b, ",\"%s\":", name);
    json_line_text(b, buf_slice(text));
}

/* Writes the members of a tree, each with a comma before it. */
static void write_extra(struct buf *b, struct json_object *object)
{
    size_t len = 0;
    if (object == NULL || json_object_object_length(object) == 0)
        return;
    const char *text = json_object_to_json_string_length(
        object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
    if (text == NULL || len < 2) {
        b->failed = HARBORAI_E_MEMORY;
        return;
    }
    buf_add_char(b, ',');
    buf_add(b, (harborai_str){text + 1, len - 2});
}

static void write_tools(struct buf *b, const struct fold_choice *choice,
                        const struct delta_choice *order)
{
    unsigned index = 0;
    if (choice->tools == NULL)
        return;
    buf_add(b, HARBORAI_STR(",\"tool_calls\":["));
    for (const struct fold_tool *tool = choice->tools; tool != NULL; tool = tool->next, index++) {
        buf_add(b, HARBORAI_STR("{\"id\":"));
        buf_add(b, buf_slice(&tool->id));
        buf_add(b, HARBORAI_STR(",\"type\":\"function\",\"function\":{\"name\":"));
        json_line_text(b, buf_slice(&tool->name));
        buf_add(b, HARBORAI_STR(",\"arguments\":"));
        json_line_text(b, delta_has_input(order, index) ? buf_slice(&tool->input) : HARBORAI_STR("{}"));
        buf_add(b, tool->next != NULL ? HARBORAI_STR("}},") : HARBORAI_STR("}}"));
    }
    buf_add_char(b, ']');
}

static void write_message(struct buf *b, const struct fold_choice *choice,
                          const struct delta_choice *order)
{
    bool is_silent = choice->content.len == 0 && (choice->tools != NULL || choice->refusal.len > 0);
    buf_add(b, HARBORAI_STR("{\"role\":\"assistant\",\"content\":"));
    if (is_silent)
        buf_add(b, HARBORAI_STR("null"));
    else
        json_line_text(b, buf_slice(&choice->content));
    write_text(b, "reasoning_content", &choice->reasoning);
    if (choice->refusal.len == 0)
        buf_add(b, HARBORAI_STR(",\"refusal\":null"));
    write_text(b, "refusal", &choice->refusal);
    write_tools(b, choice, order);
    if (choice->replays.len > 0) {
        buf_add(b, HARBORAI_STR(",\"reasoning_details\":["));
        buf_add(b, buf_slice(&choice->replays));
        buf_add_char(b, ']');
    }
    write_extra(b, choice->in_message);
    buf_add_char(b, '}');
}

/* Choices that have no END yet get one. */
static harborai_status end_choices(struct fold *fold, uint32_t finish_reason, harborai_error *error)
{
    harborai_delta end = {.size = sizeof end, .kind = HARBORAI_DELTA_END,
                          .finish_reason = finish_reason};
    for (; end.choice < fold->order.choices; end.choice++) {
        harborai_status st = HARBORAI_OK;
        if (!fold->order.choice[end.choice].has_ended)
            st = fold_add(fold, &end, error);
        if (st < 0)
            return st;
    }
    return HARBORAI_OK;
}

uint32_t fold_finish_reason(const struct fold *fold)
{
    return fold->order.choice[0].finish_reason;
}

harborai_status fold_write(struct fold *fold, uint32_t finish_reason, const harborai_usage *usage,
                           struct buf *b, harborai_error *error)
{
    harborai_status st = end_choices(fold, finish_reason, error);
    if (st < 0)
        return st;
    buf_add(b, HARBORAI_STR("{\"id\":"));
    json_line_text(b, fold->answer.id);
    buf_printf(b, ",\"object\":\"chat.completion\",\"created\":%lld,\"model\":",
               (long long)fold->answer.created_s);
    json_line_text(b, fold->answer.model);
    buf_add(b, HARBORAI_STR(",\"choices\":["));
    for (unsigned i = 0; i < fold->order.choices; i++) {
        const struct fold_choice *choice = &fold->choice[i];
        const struct delta_choice *order = &fold->order.choice[i];
        buf_printf(b, "%s{\"index\":%u,\"message\":", i > 0 ? "," : "", i);
        write_message(b, choice, order);
        write_extra(b, choice->in_choice);
        buf_printf(b, ",\"finish_reason\":\"%s\"}",
                   delta_finish_name(order->finish_reason));
    }
    buf_add_char(b, ']');
    write_extra(b, fold->in_answer);
    if (usage != NULL) {
        buf_add(b, HARBORAI_STR(",\"usage\":"));
        usage_write_openai(b, usage);
    }
    buf_add_char(b, '}');
    return buf_status(b, error);
}
