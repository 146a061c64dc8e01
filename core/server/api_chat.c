/* SPDX-License-Identifier: MIT */
/* POST /v1/chat/completions: hands the body to the engine and writes what comes back. */
#include <stdatomic.h>

#include "chat/error_json.h"
#include "engine/call.h"
#include "record/record.h"
#include "server/api.h"
#include "server/budget.h"
#include "server/gate.h"
#include "server/ping.h"
#include "server/reply.h"

static void on_chunk(void *owner, harborai_str json)
{
    struct conn *conn = owner;
    if (!conn->has_head && conn->call != NULL)
        conn->record = call_record(conn->call);
    extras_note_chunk(&conn->extras, json);
    reply_event(conn, json);
    conn->record = NULL;
}

/* Behind the last chunk of the vendor's. */
static void give_extras(struct conn *conn, const struct record *record)
{
    AUTO(buf) chunk = BUF_INIT(KIB(32));
    extras_write_chunk(&conn->extras, record, &chunk);
    if (chunk.len > 0)
        reply_event(conn, buf_slice(&chunk));
}

static void on_failure(struct conn *conn, const struct call_result *result)
{
    if (conn->has_head) {
        give_extras(conn, result->record);
        reply_stream_error(conn, result->error);
        return;
    }
    struct reply reply = {
        .status = error_json_status(result->error),
        .error = result->error,
        .record = result->record,
    };
    reply_whole(conn, &reply);
}

/* It may be that nothing came of it, and the head is still due. */
static void end_stream(struct conn *conn, const struct record *record)
{
    conn->record = record;
    give_extras(conn, record);
    reply_stream_end(conn);
    conn->record = NULL;
}

static void on_end(void *owner, const struct call_result *result)
{
    struct conn *conn = owner;
    conn->call = NULL;
    conn->write_since_ns = result->record->write_since_ns;
    if (result->error != NULL)
        on_failure(conn, result);
    else if (result->streamed)
        end_stream(conn, result->record);
    else
        reply_whole(conn, &(struct reply){
                              .status = 200, .body = result->answer, .record = result->record});
}

static size_t undelivered(const void *owner)
{
    const struct conn *conn = owner;
    size_t unsent = conn_unsent(conn);
    if (conn->out.failed < 0) /* it can take no more */
        return SIZE_MAX;
    /* Where memory is short, nothing is read ahead for a slow reader. */
    if (conn->blocked && unsent <= LIMIT_UNDELIVERED && !budget_fits(conn->gate->bodies, 0))
        return LIMIT_UNDELIVERED + 1;
    return unsent;
}

static const struct call_front front = {on_chunk, on_end, undelivered, .is_http = true};

/* --- What a call's bodies hold ------------------------------------------------------------------- */

/* Perhaps on another thread: the log is told by the loop. */
static bool charge_more(void *owner, size_t bytes)
{
    struct gate *gate = owner;
    bool fits = budget_charge(gate->bodies, bytes);
    if (!fits)
        atomic_store(&gate->is_full, true);
    return fits;
}

static void charge_answer(void *owner, size_t bytes)
{
    const struct gate *gate = owner;
    budget_add(gate->bodies, bytes);
}

static void give_back(void *owner, size_t bytes)
{
    const struct gate *gate = owner;
    budget_release(gate->bodies, bytes);
}

static void on_gone(void *owner)
{
    struct gate *gate = owner;
    if (atomic_exchange(&gate->is_full, false))
        gate_say_full(gate);
    gate_check_drained(gate);
}

void api_chat_complete(struct conn *conn, harborai_str rest UNUSED)
{
    struct call_params params = {
        .front = &front,
        .owner = conn,
        .body = &conn->body,
        .charge = {charge_more, charge_answer, give_back, on_gone, conn->gate, conn->charged},
        .request_id = slice_of(conn->request_id),
        .trace_parent = slice_of(conn->trace_parent),
        .client = slice_of(conn->client),
        .call = &conn->call,
    };
    if (!auth_begin_call(conn, &params))
        return;
    conn->state = CONN_CALL; /* before: chunks may come from inside */
    conn_set_limit(conn, 0);
    conn->charged = 0; /* before, too: it goes with the body */
    if (call_start(conn->gate->engine, &params) == NULL) {
        conn->charged = params.charge.bytes;
        auth_drop_call(conn);
        reply_busy(conn);
        return;
    }
    ping_call(conn);
}
