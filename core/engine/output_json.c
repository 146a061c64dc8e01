/* SPDX-License-Identifier: MIT */
/* Chunks that a plugin passes on with emit_json(): the vendor's own, named as ours. In a stream they
 * are watched and repaired as on the passthrough lane and held back by the same rules; else they
 * are collected into one answer. */
#include <stdio.h>
#include <stdlib.h>

#include "chat/json_line.h"
#include "engine/state.h"
#include "json_edit.h"

static harborai_status begin(struct attempt *a, harborai_error *error)
{
    const struct chat_request *request = &a->call->request;
    output_name_answer(a);
    a->emits = EMITS_JSON;
    passthrough_watch(a, true);
    harborai_status st = chunk_writer_init(&a->writer, &a->call->arena, &a->answer_id,
                                           request->choices, error);
    if (st < 0 || request->is_stream)
        return st;
    a->collect = collect_create(&a->answer_id, request->choices, LIMIT_RESPONSE_BODY);
    return a->collect != NULL ? HARBORAI_OK
                              : harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
}

/* --- A chunk ----------------------------------------------------------------------------------- */

static void *alloc_edited(void *context, size_t size)
{
    (void)context;
    return malloc(size);
}

/* The chunk with our id, created and model, in one line; nothing else of it changes. */
static harborai_status write_named(struct attempt *a, harborai_str chunk, struct buf *b,
                                   harborai_error *error)
{
    char created[24];
    snprintf(created, sizeof created, "%lld", (long long)a->answer_id.created_s);
    const harborai_edit edits[] = {
        {HARBORAI_STR("/id"), a->answer_id.id, HARBORAI_EDIT_TEXT, 0},
        {HARBORAI_STR("/created"), slice_of(created), HARBORAI_EDIT_JSON, 0},
        {HARBORAI_STR("/model"), a->answer_id.model, HARBORAI_EDIT_TEXT, 0},
    };
    struct json_edit_body body = {.text = slice_trim(chunk)};
    struct json_pieces pieces;
    void *memory;
    harborai_status st = json_edit_apply(&body, edits, ARRAY_LEN(edits), alloc_edited, NULL,
                                         &pieces, &memory, error);
    buf_clear(b);
    for (size_t i = 0; st == HARBORAI_OK && i < pieces.count; i++)
        json_line_write(b, pieces.piece[i]);
    free(memory);
    return st < 0 ? st : buf_status(b, error);
}

static harborai_status pass_on(struct attempt *a, harborai_str chunk, enum stream_verdict verdict,
                               harborai_error *error)
{
    struct buf *named = &a->call->engine->chunk;
    if (a->stream.has_content)
        output_note_content(a->call);
    if (verdict == STREAM_DROP)
        return HARBORAI_OK;
    harborai_status st = write_named(a, chunk, named, error);
    if (st < 0)
        return output_blame(a, st, error);
    st = verdict == STREAM_HOLD ? output_hold(a->call, buf_slice(named), error)
                                : output_chunk(a->call, buf_slice(named), error);
    output_trim(a->call->engine);
    return st;
}

static harborai_status refuse(struct attempt *a, enum stream_verdict verdict, harborai_error *error)
{
    const char *why = "it is not one";
    if (verdict == STREAM_DONE) {
        a->stream.is_done = false; /* only finish() ends an answer */
        why = "it is the mark of a stream's end, for which there is finish()";
    } else if (verdict == STREAM_ERROR) {
        why = "it is an error, for which there is finish()";
    }
    return harborai_error_set(error, HARBORAI_E_INVALID, "emit_json() takes chunks: %s", why);
}

/* The vendor's, not the plugin's: another try may do better. */
static harborai_status fault(struct attempt *a, const char *what, harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_PROTOCOL, "provider '%s' %s: ask again",
                              slot_name(a->slot), what);
}

static harborai_status add_chunk(struct attempt *a, harborai_str chunk, harborai_error *error)
{
    if (a->emits == EMITS_NOTHING) {
        harborai_status st = begin(a, error);
        if (st < 0)
            return st;
    }
    if (a->emits != EMITS_JSON)
        return harborai_error_set(error, HARBORAI_E_INVALID, "emit_json() after emit()");
    enum stream_verdict verdict = stream_event(&a->stream, chunk);
    chunk = a->stream.chunk;
    a->call->record.stream_repairs = a->stream.repairs;
    if (verdict == STREAM_FAULT)
        return fault(a, a->stream.fault, error);
    if (verdict == STREAM_BAD || verdict == STREAM_DONE || verdict == STREAM_ERROR)
        return refuse(a, verdict, error);
    if (a->collect == NULL && a->stream.reasoning.len > 0)
        replay_note_reasoning(a, a->stream.reasoning);
    if (a->stream.has_named)
        passthrough_note_names(a);
    if (a->stream.usage.len > 0)
        passthrough_usage(a, a->stream.usage);
    if (a->call->is_left)
        return HARBORAI_OK;
    if (a->collect != NULL && slice_trim(chunk).len > 0)
        return collect_add(a->collect, chunk, error);
    return a->collect != NULL ? HARBORAI_OK : pass_on(a, chunk, verdict, error);
}

harborai_status output_json(struct attempt *a, harborai_str chunk, harborai_error *error)
{
    if (a->closed)
        return HARBORAI_E_CLOSED;
    harborai_status st = add_chunk(a, chunk, error);
    return st < 0 ? st : output_slowness(a);
}

/* --- The end ----------------------------------------------------------------------------------- */

static enum stream_finish finish_of(uint32_t finish_reason)
{
    switch (finish_reason) {
    case HARBORAI_FINISH_LENGTH:
        return STREAM_LENGTH;
    case HARBORAI_FINISH_TOOL_CALLS:
        return STREAM_TOOL_CALLS;
    case HARBORAI_FINISH_CONTENT_FILTER:
        return STREAM_CONTENT_FILTER;
    default:
        return STREAM_STOP;
    }
}

/* What the writer must know of a choice that it did not write. */
static void note_choice(struct attempt *a, unsigned number)
{
    struct delta_choice *choice = &a->writer.order.choice[number];
    const struct tool_call *call = NULL;
    choice->has_begun = a->stream.chunks > 0; /* has its role */
    while ((call = tool_calls_next(&a->stream.calls, number, call)) != NULL) {
        choice->tools = (uint8_t)(call->index + 1);
        if (call->is_custom || !arguments_are_blank(&call->arguments))
            choice->has_input[call->index / 64] |= UINT64_C(1) << call->index % 64;
    }
}

static harborai_status end_choice(struct attempt *a, unsigned number, struct buf *chunk,
                                  harborai_error *error)
{
    harborai_delta end = {.size = sizeof end, .kind = HARBORAI_DELTA_END, .choice = number,
                          .finish_reason = a->finish_reason};
    note_choice(a, number);
    const char *wrong = stream_end_choice(&a->stream, number, finish_of(a->finish_reason));
    if (wrong != NULL)
        return fault(a, wrong, error);
    if (a->stream.finish[number] == STREAM_TOOL_CALLS)
        end.finish_reason = HARBORAI_FINISH_TOOL_CALLS;
    buf_clear(chunk);
    return chunk_write(&a->writer, &end, chunk, error);
}

/* Choices that the vendor left without a finish_reason get the one of finish(). */
static harborai_status end_open_choices(struct attempt *a, harborai_error *error)
{
    struct call *call = a->call;
    struct buf *chunk = &call->engine->chunk;
    for (unsigned i = 0; i < a->stream.choices && a->stream.closed < a->stream.choices; i++) {
        if (a->stream.finish[i] != STREAM_OPEN)
            continue;
        harborai_status st = end_choice(a, i, chunk, error);
        if (st == HARBORAI_OK)
            st = a->collect != NULL ? collect_add(a->collect, buf_slice(chunk), error)
                                    : output_hold(call, buf_slice(chunk), error);
        if (st < 0)
            return st;
    }
    return HARBORAI_OK;
}

static harborai_status end_stream(struct attempt *a, harborai_error *error)
{
    struct buf *chunk = &a->call->engine->chunk;
    if (!a->has_usage || !stream_needs_usage_chunk(&a->stream))
        return HARBORAI_OK;
    buf_clear(chunk);
    chunk_write_usage(&a->writer, &a->usage, chunk);
    harborai_status st = buf_status(chunk, error);
    return st < 0 ? st : output_hold(a->call, buf_slice(chunk), error);
}

harborai_status output_json_finish(struct attempt *a, harborai_error *error)
{
    struct call *call = a->call;
    harborai_status st = end_open_choices(a, error);
    if (st < 0)
        return st;
    call->record.finish_reason = a->stream.finish[0] != STREAM_OPEN
                                     ? passthrough_finish_word(a)
                                     : slice_of(delta_finish_name(a->finish_reason));
    if (a->collect == NULL)
        return end_stream(a, error);
    st = collect_write(a->collect, a->finish_reason,
                       a->has_usage ? &a->usage : NULL, &call->answer, error);
    call->answer_body = buf_slice(&call->answer);
    return st;
}
