/* SPDX-License-Identifier: MIT */
/* What a client is sent: gathered in a pass, sent once in its act phase, the rest when the socket
 * takes it. Small memory: an empty buffer of some size goes. */
#include <errno.h>
#include <limits.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "engine/call.h"
#include "server/budget.h"
#include "server/conn.h"
#include "server/conn_io.h"
#include "server/gate.h"

#define KEPT_CAPACITY KIB(2) /* of an empty buffer: a few events, most whole answers */
#define UNSENT_FREE KIB(4)   /* of an answer that waits */
#define CHUNK_HEAD HARBORAI_STR("00000000\r\n")

/* What waits for a slow reader holds memory as bodies do. Other answers cost no look at what all share. */
static void charge_unsent(struct conn *conn)
{
    size_t capacity = conn->out.capacity;
    if (capacity <= UNSENT_FREE || capacity <= conn->unsent_charged)
        return;
    budget_add(conn->gate->bodies, capacity - conn->unsent_charged);
    conn->unsent_charged = capacity;
}

void conn_write_soon(struct conn *conn)
{
    if (conn->blocked)
        charge_unsent(conn);
    else
        gate_send(conn->gate, conn);
}

/* --- Chunks ----------------------------------------------------------------------------------- */

/* What was sent makes room before more is added, once it is the greater part. */
static void drop_sent(struct conn *conn)
{
    if (conn->sent == 0 || conn->sent < conn->out.len / 2)
        return;
    buf_consume(&conn->out, conn->sent);
    conn->sent = 0;
}

void conn_open_chunk(struct conn *conn)
{
    if (conn->chunk_open || conn->is_http10)
        return;
    drop_sent(conn);
    conn->chunk_at = conn->out.len;
    conn->chunk_open = true;
    buf_add(&conn->out, CHUNK_HEAD);
}

/* The size is known only now: eight digits, zeros in front, which RFC 9112 (7.1) allows. */
void conn_close_chunk(struct conn *conn)
{
    static const char digits[] = "0123456789abcdef";
    if (!conn->chunk_open)
        return;
    conn->chunk_open = false;
    if (conn->out.failed < 0)
        return;
    size_t size = conn->out.len - conn->chunk_at - CHUNK_HEAD.len;
    for (int i = 7; i >= 0; i--, size >>= 4)
        conn->out.data[conn->chunk_at + (size_t)i] = digits[size & 15];
    buf_add(&conn->out, HARBORAI_STR("\r\n"));
}

/* --- Sending ---------------------------------------------------------------------------------- */

/* False: the client is gone. */
static bool send_all(struct conn *conn)
{
    conn->blocked = false;
    while (conn_unsent(conn) > 0) {
        ssize_t len = conn_send(conn, conn->out.data + conn->sent, conn_unsent(conn));
        if (len >= 0) {
            conn->sent += (size_t)len;
        } else if (errno == EAGAIN) {
            conn->blocked = true;
            return true;
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

static void release_sent(struct conn *conn)
{
    conn->sent = 0;
    if (conn->out.capacity > KEPT_CAPACITY)
        buf_release(&conn->out);
    else
        buf_clear(&conn->out);
    budget_release(conn->gate->bodies, conn->unsent_charged);
    conn->unsent_charged = 0;
}

/* The kernel has the last byte of an answer to a call. */
static void time_answer(struct conn *conn)
{
    struct gate *gate = conn->gate;
    if (conn->write_since_ns == 0)
        return;
    int64_t now_ns = clock_monotonic_ns(loop_clock(gate->loop));
    if (gate->metrics != NULL && now_ns > conn->write_since_ns)
        metrics_time_phase(gate->metrics, RECORD_WRITE, now_ns - conn->write_since_ns);
    conn->write_since_ns = 0;
}

/* What the kernel has that the client has not; 0 where it does not say. */
static int queued_of(const struct conn *conn)
{
    int queued = 0;
    return ioctl(conn->watch.fd, SIOCOUTQ, &queued) == 0 ? queued : 0;
}

static void begin_patience(struct conn *conn, int queued)
{
    conn->queued = queued;
    conn_set_limit_ms(conn, conn->gate->limits->send_ms);
}

/* A socket says that it takes more when a third of its room is free, and that may be a megabyte. */
bool conn_is_still_read(struct conn *conn)
{
    int queued = conn->blocked ? queued_of(conn) : INT_MAX;
    if (queued > conn->queued - CONN_SEND_STEP)
        return false;
    begin_patience(conn, queued);
    return true;
}

static void after_sending(struct conn *conn, bool was_blocked, bool has_progress)
{
    if (conn->blocked) {
        if (conn->gate->cutting) {
            conn_close(conn);
            return;
        }
        if (has_progress || !was_blocked)
            begin_patience(conn, queued_of(conn));
        charge_unsent(conn);
    } else {
        release_sent(conn);
        if (conn->state == CONN_CALL)
            conn_set_limit(conn, 0);
        if (conn->state == CONN_ANSWERED) {
            time_answer(conn);
            conn_finish(conn);
            return;
        }
    }
    if (has_progress && conn->call != NULL && conn_unsent(conn) <= LIMIT_UNDELIVERED / 2)
        call_resume(conn->call);
}

void conn_write(struct conn *conn)
{
    size_t before = conn->sent;
    bool was_blocked = conn->blocked;
    conn_close_chunk(conn);
    if (conn->out.failed < 0 || !send_all(conn)) {
        conn_close(conn);
        return;
    }
    after_sending(conn, was_blocked, conn->sent > before);
}
