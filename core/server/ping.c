/* SPDX-License-Identifier: MIT */
/* A connection's timer of its own. It is not moved with each event: when it is due it looks when the
 * last one was. */
#include "server/ping.h"

#include "engine/call.h"
#include "runtime/runtime.h"
#include "server/gate.h"
#include "server/reply.h"

/* When the silence is too long; 0 = never. */
static int64_t due_ns(const struct conn *conn)
{
    const struct config *config = runtime_config(conn->gate->runtime);
    if (conn->state != CONN_CALL || conn->call == NULL || !call_record(conn->call)->is_stream)
        return 0;
    int64_t silence_s = conn->has_head ? config->stream_ping_s : config->stream_first_ping_s;
    return silence_s > 0 ? conn->said_ns + silence_s * NS_PER_S : 0;
}

/* A timer that finds no memory is due at once: then it is not, and the next event sets it. */
static void set_timer(struct conn *conn)
{
    int64_t at_ns = due_ns(conn);
    if (at_ns == 0 || (timer_is_set(&conn->ping) && conn->ping.at_ns <= at_ns))
        return;
    if (!timer_is_set(&conn->ping))
        conn->ping.at_ns = INT64_MAX;
    loop_timer_set(conn->gate->loop, &conn->ping, at_ns);
}

/* Who has not taken what he was sent gets no more of it: his silence is his own. */
static void say(struct conn *conn)
{
    if (conn_unsent(conn) > 0) {
        ping_said(conn);
        return;
    }
    if (!conn->has_head) {
        call_head_sent(conn->call);
        conn->record = call_record(conn->call);
    }
    reply_comment(conn, HARBORAI_STR("ping"));
    conn->record = NULL;
}

static void on_due(struct timer *timer)
{
    struct conn *conn = CONTAINER_OF(timer, struct conn, ping);
    int64_t now_ns = loop_now_ns(conn->gate->loop), at_ns = due_ns(conn);
    if (timer->at_ns > now_ns || at_ns == 0)
        return;
    if (now_ns >= at_ns)
        say(conn);
    set_timer(conn);
}

void ping_init(struct conn *conn)
{
    conn->ping.on_due = on_due;
}

void ping_call(struct conn *conn)
{
    if (runtime_config(conn->gate->runtime)->stream_first_ping_s == 0)
        return;
    if (!conn->has_head) /* else the stream has begun from inside */
        conn->said_ns = loop_now_ns(conn->gate->loop);
    set_timer(conn);
}

void ping_said(struct conn *conn)
{
    conn->said_ns = loop_now_ns(conn->gate->loop);
    if (!timer_is_set(&conn->ping))
        set_timer(conn);
}

void ping_stop(struct conn *conn)
{
    loop_timer_clear(conn->gate->loop, &conn->ping);
}
