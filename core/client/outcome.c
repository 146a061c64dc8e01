/* SPDX-License-Identifier: MIT */
/* Copies what a call left, before the engine forgets it. */
#include "client/outcome.h"

#include "base/limits.h"
#include "json_value.h"

void outcome_init(struct harborai_reply *outcome)
{
    *outcome = (struct harborai_reply){
        .text = "", .reasoning = "", .completion_id = "", .finish_reason = "", .provider = "",
        .model = "", .cost_reason = "", .changed = "", .json = HARBORAI_STR_INIT(""), .first_ns = -1,
        .usage = {.size = sizeof outcome->usage}};
    arena_init(&outcome->arena, 4 * LIMIT_RESPONSE_BODY);
}

void outcome_release(struct harborai_reply *outcome)
{
    arena_release(&outcome->arena);
}

/* False: no memory. */
static bool copy(struct arena *arena, harborai_str text, const char **ret_copy)
{
    if (text.len == 0)
        return true;
    const char *data = arena_copy(arena, text).data;
    if (data != NULL)
        *ret_copy = data;
    return data != NULL;
}

static void fill_cost(struct harborai_reply *outcome, const struct record *record)
{
    if (!record->is_cost_known)
        return;
    money_print(record->cost_pico, outcome->cost);
    harborai_str currency = slice_cut(record->cost_currency, sizeof outcome->currency - 1);
    memcpy(outcome->currency, currency.data, currency.len);
}

static bool fill_texts(struct harborai_reply *o, const struct record *record, harborai_str answer)
{
    struct arena *a = &o->arena;
    bool is_named = record->vendor_model.len > 0; /* in the answer */
    bool ok = copy(a, record->provider, &o->provider) &&
              copy(a, is_named ? record->vendor_model : record->upstream_model, &o->model) &&
              copy(a, record->finish_reason, &o->finish_reason) &&
              copy(a, record->changed, &o->changed) &&
              copy(a, record->is_cost_known ? SLICE_NONE : record->cost_reason, &o->cost_reason);
    if (record->usage.vendor_json.len > 0)
        o->usage.vendor_json = arena_copy(a, record->usage.vendor_json);
    if (answer.len > 0)
        o->json = arena_copy(a, answer);
    return ok && o->json.len == answer.len &&
           o->usage.vendor_json.len == record->usage.vendor_json.len;
}

harborai_status outcome_fill(struct harborai_reply *outcome, const struct record *record,
                             harborai_str answer, harborai_error *error)
{
    memcpy(outcome->id, record->hb_id, sizeof outcome->id);
    memcpy(outcome->key, record->key, sizeof outcome->key);
    memcpy(outcome->trace_id, record->trace_id, sizeof outcome->trace_id);
    outcome->usage = record->usage;
    outcome->usage.vendor_json = SLICE_NONE;
    outcome->total_ns = record->total_ns;
    outcome->first_ns = record->ttft_ns;
    fill_cost(outcome, record);
    return fill_texts(outcome, record, answer)
               ? HARBORAI_OK
               : harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left for the answer");
}

/* A JSON string as text; nothing for what is none. */
static bool read_text(struct arena *arena, harborai_str value, const char **ret_text)
{
    harborai_str text;
    if (json_kind(value) != JSON_STRING)
        return true;
    char *room = arena_alloc(arena, value.len + 1);
    if (room == NULL || json_string(value, room, value.len, &text) < 0)
        return room != NULL;
    memmove(room, text.data, text.len); /* without escapes it is borrowed */
    room[text.len] = '\0';
    *ret_text = room;
    return true;
}

void outcome_note_chunk(struct harborai_reply *outcome, harborai_str chunk)
{
    (void)read_text(&outcome->arena, json_member(chunk, HARBORAI_STR("id")),
                    &outcome->completion_id);
}

harborai_status outcome_read(struct harborai_reply *outcome, harborai_error *error)
{
    struct arena *a = &outcome->arena;
    harborai_str message = json_pointer_find(outcome->json, HARBORAI_STR("/choices/0/message"));
    harborai_str reasoning = json_member(message, HARBORAI_STR("reasoning_content"));
    if (json_kind(reasoning) != JSON_STRING)
        reasoning = json_member(message, HARBORAI_STR("reasoning"));
    bool ok = read_text(a, json_member(message, HARBORAI_STR("content")), &outcome->text) &&
              read_text(a, reasoning, &outcome->reasoning) &&
              read_text(a, json_member(outcome->json, HARBORAI_STR("id")), &outcome->completion_id);
    return ok ? HARBORAI_OK
              : harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left for the answer");
}
