/* SPDX-License-Identifier: MIT */
/* What a call says to its front: chunks at once, or held back until the end is certain; deltas of a
 * plugin as chunks or folded into one answer. */
#include <string.h>

#include "base/error.h"
#include "chat/usage.h"
#include "engine/phase.h"

#define CHUNK_KEPT KIB(256)

bool output_is_slow(const struct call *call)
{
    return call->front != NULL && call->front->undelivered(call->owner) > LIMIT_UNDELIVERED;
}

static void pause_if_slow(struct call *call)
{
    struct attempt *a = call->attempt;
    if (call->paused || !output_is_slow(call))
        return;
    call->paused = true;
    if (a == NULL)
        return;
    exchange_pause(&a->exchange);
    atomic_store(&a->slow, true);
}

static void give(struct call *call, harborai_str json)
{
    if (call->front == NULL)
        return;
    if (call->chunks++ == 0 && !call->has_head)
        call->record.overhead_ns = phase_overhead_ns(call);
    call->after_pause = call->paused ? call->after_pause + json.len : 0;
    call->front->on_chunk(call->owner, json);
    pause_if_slow(call);
}

/* What a vendor sent before its pause is not counted against the source, but must be kept. */
harborai_status output_chunk(struct call *call, harborai_str json, harborai_error *error)
{
    if (call->is_left)
        return HARBORAI_OK;
    size_t kept = call->front != NULL ? call->front->undelivered(call->owner) : 0;
    if (kept > LIMIT_UNDELIVERED_MOST || json.len > LIMIT_UNDELIVERED_MOST - kept)
        return harborai_error_set(error, HARBORAI_E_MEMORY,
                                  "more than %zu bytes of the answer wait for its reader",
                                  (size_t)LIMIT_UNDELIVERED_MOST);
    content_add_chunk(call, json);
    call->record.client_bytes_out += call->front != NULL ? json.len : 0;
    give(call, json);
    return HARBORAI_OK;
}

void output_note_content(struct call *call)
{
    if (call->record.ttft_ns < 0 && !call->is_left)
        call->record.ttft_ns = loop_now_ns(call->engine->s.loop) - call->started_ns;
}

/* --- Held back -------------------------------------------------------------------------------- */

harborai_status output_hold(struct call *call, harborai_str json, harborai_error *error)
{
    uint32_t len = (uint32_t)json.len;
    if (call->is_left)
        return HARBORAI_OK;
    buf_add(&call->held, (harborai_str){(const char *)&len, sizeof len});
    buf_add(&call->held, json);
    content_add_chunk(call, json);
    return call->held.failed == HARBORAI_OK
               ? HARBORAI_OK
               : harborai_error_set(error, HARBORAI_E_MEMORY,
                                    "more than %zu bytes after the end of the answer",
                                    (size_t)LIMIT_HELD_BACK);
}

static bool next_held(harborai_str *left, harborai_str *ret_json)
{
    uint32_t len;
    if (left->len < sizeof len)
        return false;
    memcpy(&len, left->data, sizeof len);
    *ret_json = slice_cut(slice_from(*left, sizeof len), len);
    *left = slice_from(*left, sizeof len + len);
    return true;
}

size_t output_held_size(const struct call *call)
{
    harborai_str left = buf_slice(&call->held), json;
    size_t size = 0;
    while (next_held(&left, &json))
        size += json.len;
    return size;
}

void output_held(struct call *call)
{
    harborai_str left = buf_slice(&call->held), json;
    while (next_held(&left, &json))
        give(call, json);
}

/* --- Deltas ------------------------------------------------------------------------------------ */

void output_name_answer(struct attempt *a)
{
    struct call *call = a->call;
    a->answer_id = (struct answer_id){
        .id = arena_printf(&call->arena, "chatcmpl-%s", call->record.hb_id),
        .model = call->upstream_model,
        .plugin_id = slice_of(attempt_plugin_id(a)),
        .created_s = call->record.begin_ns / NS_PER_S,
    };
}

static harborai_status begin_deltas(struct attempt *a, harborai_error *error)
{
    struct call *call = a->call;
    output_name_answer(a);
    a->emits = EMITS_DELTAS;
    if (call->request.is_stream)
        return chunk_writer_init(&a->writer, &call->arena, &a->answer_id, call->request.choices,
                                 error);
    a->fold = fold_create(&a->answer_id, call->request.choices, LIMIT_RESPONSE_BODY);
    return a->fold != NULL ? HARBORAI_OK
                           : harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
}

harborai_status output_blame(const struct attempt *a, harborai_status st, harborai_error *error)
{
    harborai_error said = *error;
    if (st == HARBORAI_E_MEMORY)
        error_prefix(error, "plugin '%s': ", attempt_plugin_id(a));
    else if (st == HARBORAI_E_PROTOCOL) /* the vendor's: another try may do better */
        harborai_error_set(error, st, "provider '%s' %s: ask again", slot_name(a->slot), said.message);
    return st;
}

/* One long piece does not keep its room for as long as the loop lives. */
void output_trim(struct engine_loop *engine)
{
    if (engine->chunk.capacity > CHUNK_KEPT)
        buf_release(&engine->chunk);
}

/* Chunks from the end of the last open choice on wait for the end of the call. */
static harborai_status pass_delta(struct attempt *a, const harborai_delta *delta,
                                  harborai_error *error)
{
    struct call *call = a->call;
    struct buf *chunk = &call->engine->chunk;

    buf_clear(chunk);
    harborai_status st = chunk_write(&a->writer, delta, chunk, error);
    if (st < 0 || chunk->len == 0)
        return output_blame(a, st, error);
    bool is_last = chunk_next_open(&a->writer) == call->request.choices;
    if (delta->kind != HARBORAI_DELTA_END)
        output_note_content(call);
    return is_last ? output_hold(call, buf_slice(chunk), error)
                   : output_chunk(call, buf_slice(chunk), error);
}

static harborai_status write_delta(struct attempt *a, const harborai_delta *delta,
                                   harborai_error *error)
{
    harborai_status st = pass_delta(a, delta, error);
    output_trim(a->call->engine);
    return st;
}

static harborai_status add_delta(struct attempt *a, const harborai_delta *delta,
                                 harborai_error *error)
{
    if (a->emits == EMITS_NOTHING) {
        harborai_status st = begin_deltas(a, error);
        if (st < 0)
            return st;
    }
    if (a->emits != EMITS_DELTAS)
        return harborai_error_set(error, HARBORAI_E_INVALID, "emit() after emit_json()");
    if (a->fold != NULL)
        return output_blame(a, fold_add(a->fold, delta, error), error);
    harborai_status st = write_delta(a, delta, error);
    if (st >= 0)
        replay_note_delta(a, delta);
    return st;
}

harborai_status output_slowness(struct attempt *a)
{
    if (!a->call->paused)
        return HARBORAI_OK;
    atomic_store(&a->pause_told, true);
    return HARBORAI_PAUSE;
}

harborai_status output_flood(const struct attempt *a, harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_MEMORY,
                              "plugin '%s' went on for more than %zu bytes after PAUSE",
                              attempt_plugin_id(a), (size_t)LIMIT_UNDELIVERED_HARD);
}

harborai_status output_check_flood(const struct attempt *a, harborai_error *error)
{
    const struct call *call = a->call;
    if (a->closed || !call->paused || call->after_pause <= LIMIT_UNDELIVERED_HARD)
        return HARBORAI_OK;
    return output_flood(a, error);
}

harborai_status output_delta(struct attempt *a, const harborai_delta *delta, harborai_error *error)
{
    if (a->closed)
        return HARBORAI_E_CLOSED;
    if (a->call->is_left)
        return HARBORAI_OK;
    harborai_status st = add_delta(a, delta, error);
    return st < 0 ? st : output_slowness(a);
}

/* --- The end ------------------------------------------------------------------------------------ */

static harborai_status end_stream(struct attempt *a, harborai_error *error)
{
    struct call *call = a->call;
    struct buf *chunk = &call->engine->chunk;
    harborai_delta end = {.size = sizeof end, .kind = HARBORAI_DELTA_END,
                          .finish_reason = a->finish_reason};

    while ((end.choice = chunk_next_open(&a->writer)) < call->request.choices) {
        harborai_status st = write_delta(a, &end, error);
        if (st < 0)
            return st;
    }
    if (call->request.wants_usage && a->has_usage) {
        buf_clear(chunk);
        chunk_write_usage(&a->writer, &a->usage, chunk);
        harborai_status st = buf_status(chunk, error);
        return st < 0 ? st : output_hold(call, buf_slice(chunk), error);
    }
    return HARBORAI_OK;
}

static harborai_str finish_word(struct attempt *a)
{
    return a->emits == EMITS_JSON && a->stream.finish[0] != STREAM_OPEN
               ? passthrough_finish_word(a)
               : slice_of(delta_finish_name(a->finish_reason));
}

harborai_status output_finish(struct attempt *a, harborai_error *error)
{
    struct call *call = a->call;
    if (call->is_left) {
        call->record.finish_reason = finish_word(a);
        return HARBORAI_OK;
    }
    if (a->emits == EMITS_NOTHING) {
        harborai_status st = begin_deltas(a, error);
        if (st < 0)
            return st;
    }
    if (a->emits == EMITS_JSON)
        return output_json_finish(a, error);
    harborai_status st =
        a->fold == NULL ? end_stream(a, error)
                        : output_blame(a, fold_write(a->fold, a->finish_reason,
                                                     a->has_usage ? &a->usage : NULL, &call->answer,
                                                     error), error);
    call->answer_body = buf_slice(&call->answer);
    a->finish_reason = a->fold == NULL ? a->writer.order.choice[0].finish_reason
                                       : fold_finish_reason(a->fold);
    call->record.finish_reason = slice_of(delta_finish_name(a->finish_reason));
    return st;
}
