/* SPDX-License-Identifier: MIT */
/* A connection's life: its states, its events and its patience. Must never touch a connection after
 * conn_close() but to see that it is CLOSED: the memory goes at the end of the pass. */
#include "server/conn.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/value.h"
#include "engine/call.h"
#include "server/budget.h"
#include "server/conn_io.h"
#include "server/gate.h"
#include "server/ping.h"
#include "server/reply.h"

/* --- Patience --------------------------------------------------------------------------------- */

/* A timer that finds no memory is due at once: then it is not, and the next limit sets it. */
static void set_timer(struct conn *conn)
{
    if (!timer_is_set(&conn->timer))
        conn->timer.at_ns = INT64_MAX;
    loop_timer_set(conn->gate->loop, &conn->timer, conn->limit_ns);
}

/* When we stop, what is no call yet gets no longer than that, however it trickles. */
static bool is_cut_short(const struct conn *conn)
{
    return conn->gate->stopping && (conn->state == CONN_HEAD || conn->state == CONN_BODY);
}

void conn_set_limit_at(struct conn *conn, int64_t at_ns)
{
    conn->limit_ns = at_ns;
    if (is_cut_short(conn) && conn->limit_ns > conn->gate->stop_limit_ns)
        conn->limit_ns = conn->gate->stop_limit_ns;
    if (!timer_is_set(&conn->timer) || conn->timer.at_ns > conn->limit_ns)
        set_timer(conn);
}

void conn_set_limit_ms(struct conn *conn, int64_t ms)
{
    if (ms > 0)
        conn_set_limit_at(conn, loop_now_ns(conn->gate->loop) + ms * NS_PER_MS);
    else
        conn->limit_ns = 0;
}

void conn_set_limit(struct conn *conn, int seconds)
{
    conn_set_limit_ms(conn, seconds * INT64_C(1000));
}

int64_t conn_head_limit_ms(const struct conn *conn)
{
    int64_t ms = conn->gate->limits->head_ms;
    bool is_surplus = conn->ticket.excess != CONN_EXCESS_NONE;
    return is_surplus && ms > CONN_LIMIT_SURPLUS_MS ? CONN_LIMIT_SURPLUS_MS : ms;
}

/* What has come of a request gets an answer, and is the last one here. */
static void give_up_request(struct conn *conn)
{
    conn->keep_alive = false;
    conn->body_unread = true;
    if (conn->state == CONN_HEAD)
        conn_forget_request(conn);
}

static void refuse_to_wait(struct conn *conn)
{
    const struct config_limits *limits = conn->gate->limits;
    char limit[32];
    give_up_request(conn);
    if (conn->state == CONN_HEAD) {
        value_format_duration_ms(limits->head_ms, limit, sizeof limit);
        reply_refuse(conn, 408, "request_timeout", "the request's head did not arrive within %s",
                     limit);
    } else {
        value_format_duration_ms(limits->body_ms, limit, sizeof limit);
        reply_refuse(conn, 408, "request_timeout",
                     "the request's body came too slowly: it stood still for %s, or took longer "
                     "than that and a second more for each %d bytes",
                     limit, CONN_BODY_STEP);
    }
    conn_drop_body(conn);
}

/* What has come by now is answered: its client cannot know that we were about to close. */
static void close_if_idle(struct conn *conn)
{
    conn->readable = true;
    conn_read(conn);
    if (conn->state != CONN_HEAD || conn->in.len > 0)
        return;
    if (!is_cut_short(conn))
        conn_tell_handshake(conn, "it took too long");
    conn_close(conn);
}

static void lose_patience(struct conn *conn)
{
    if (conn->state == CONN_ANSWERED && !conn->blocked)
        return; /* the request came in this pass, and so leaves its answer */
    if (conn->state == CONN_HEAD && conn->in.len == 0) {
        close_if_idle(conn);
        return;
    }
    if (is_cut_short(conn)) {
        give_up_request(conn);
        reply_refuse(conn, 503, NULL, "this gateway is shutting down: ask again");
        conn_drop_body(conn);
        return;
    }
    if (conn->state == CONN_HEAD || conn->state == CONN_BODY) {
        refuse_to_wait(conn);
        return;
    }
    if (conn_is_still_read(conn))
        return;
    if (conn->state == CONN_CALL || conn->state == CONN_ANSWERED)
        log_write(conn->gate->log, LOG_LEVEL_INFO, "server.slow_client",
                  "client=%s request_id=%s unsent=%zu", conn->client, conn->request_id,
                  conn_unsent(conn));
    conn_close(conn);
}

/* The timer is moved here, not with each request: most of the time it is due for nothing. */
static void on_due(struct timer *timer)
{
    struct conn *conn = CONTAINER_OF(timer, struct conn, timer);
    int64_t now_ns = loop_now_ns(conn->gate->loop);
    if (conn->limit_ns == 0 || timer->at_ns > now_ns)
        return;
    if (now_ns >= conn->limit_ns)
        lose_patience(conn);
    else
        set_timer(conn);
}

/* --- Events ----------------------------------------------------------------------------------- */

/* A client that shuts its side while we work for it has left: nothing else would tell. */
static void leave_with_peer(struct conn *conn)
{
    if (conn->state == CONN_CALL && conn->peer_ended && !conn->gate->answers_half_closed)
        conn_close(conn);
}

static void on_ready(struct watch *watch, uint32_t events)
{
    struct conn *conn = CONTAINER_OF(watch, struct conn, watch);

    conn->readable |= (events & (EPOLLIN | EPOLLRDHUP)) != 0;
    conn->peer_ended |= (events & EPOLLRDHUP) != 0;
    if (conn->tls != NULL)
        conn_wake_tls(conn, events);
    if ((events & (EPOLLERR | EPOLLHUP)) != 0 && conn->state != CONN_LINGER) {
        conn_close(conn);
        return;
    }
    if ((events & EPOLLOUT) != 0 && conn->blocked)
        conn_write(conn);
    if (conn->state != CONN_CLOSED && conn->readable)
        conn_read(conn);
    leave_with_peer(conn);
}

void conn_continue(struct conn *conn)
{
    if (conn->in.len > 0)
        conn_read_kept(conn);
    if (conn->readable)
        conn_read(conn);
    leave_with_peer(conn);
}

/* --- Life ------------------------------------------------------------------------------------- */

/* Who comes by IPv4 to a socket of both families, as service managers make them, has his own address. */
static void name_client(struct conn *conn, const struct sockaddr_storage *address)
{
    const struct in_addr *four = &((const struct sockaddr_in *)(const void *)address)->sin_addr;
    const struct in6_addr *six = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    char *room = conn->client;
    if (address->ss_family == AF_INET)
        (void)inet_ntop(AF_INET, four, room, sizeof conn->client);
    else if (address->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(six))
        (void)inet_ntop(AF_INET, &six->s6_addr[12], room, sizeof conn->client);
    else if (address->ss_family == AF_INET6)
        (void)inet_ntop(AF_INET6, six, room, sizeof conn->client);
    else if (address->ss_family == AF_UNIX)
        memcpy(room, CONN_CLIENT_UNIX, sizeof CONN_CLIENT_UNIX);
}

/* False: it is one too many, and not even to be told. */
static bool enter(struct gate *gate, struct conn *conn, const struct sockaddr_storage *address)
{
    name_client(conn, address);
    bool enters = gate->conn_limit == NULL ||
                  conn_limit_enter(gate->conn_limit, address, &conn->ticket);
    if (conn->ticket.excess != CONN_EXCESS_NONE) {
        bool is_of_all = conn->ticket.excess == CONN_EXCESS_ALL;
        gate_count(gate, is_of_all ? METRIC_TURNED_AWAY_ALL : METRIC_TURNED_AWAY_ADDRESS, 1);
        gate_say_crowded(gate, conn->ticket.excess, conn->client);
    }
    return enters;
}

static void leave(struct gate *gate, struct conn *conn)
{
    if (gate->conn_limit != NULL)
        conn_limit_leave(gate->conn_limit, &conn->ticket);
}

void conn_open(struct gate *gate, int fd, const struct sockaddr_storage *address)
{
    const uint32_t events = EPOLLIN | EPOLLOUT | EPOLLRDHUP;
    struct conn *conn = calloc(1, sizeof *conn);
    if (conn == NULL)
        gate_count(gate, METRIC_TURNED_AWAY_MEMORY, 1);
    if (conn == NULL || !enter(gate, conn, address)) {
        free(conn);
        close(fd);
        return;
    }
    if (!conn_begin_tls(conn, gate, fd, address) ||
        loop_watch(gate->loop, &conn->watch, fd, events, NULL) < 0) {
        gate_count(gate, METRIC_TURNED_AWAY_MEMORY, 1);
        tls_close(conn->tls);
        leave(gate, conn);
        free(conn);
        close(fd);
        return;
    }
    conn->gate = gate;
    conn->watch.on_ready = on_ready;
    conn->timer.on_due = on_due;
    ping_init(conn);
    buf_init(&conn->in, HTTP_HEAD_MAX + GATE_RECEIVE);
    /* A whole answer, or what the engine lets wait; what it held back; heads and chunk sizes. */
    buf_init(&conn->out, LIMIT_RESPONSE_BODY + LIMIT_HELD_BACK + MIB(3));
    buf_init(&conn->body, gate->max_body);
    extras_init(&conn->extras);
    list_append(&gate->conns, &conn->link);
    acceptor_add(&gate->acceptor);
    gate_count(gate, METRIC_CLIENT_ACCEPTS, 1);
    gate_count(gate, METRIC_CLIENT_CONNECTIONS, 1);
    conn_set_limit_ms(conn, conn_head_limit_ms(conn));
}

static void free_conn(struct parked *parked)
{
    struct conn *conn = CONTAINER_OF(parked, struct conn, parked);
    buf_release(&conn->in);
    buf_release(&conn->out);
    buf_release(&conn->body);
    extras_release(&conn->extras);
    free(conn);
}

void conn_drop_body(struct conn *conn)
{
    buf_release(&conn->body);
    budget_release(conn->gate->bodies, conn->charged);
    conn->charged = 0;
}

void conn_close(struct conn *conn)
{
    struct gate *gate = conn->gate;
    struct call *call = take(conn->call);
    struct conn_work *work = take(conn->work);
    int fd = conn->watch.fd;

    if (conn->state == CONN_CLOSED)
        return;
    conn->state = CONN_CLOSED;
    if (call != NULL && gate->cutting)
        call_cancel(call);
    else if (call != NULL)
        call_leave(call);
    if (work != NULL)
        work->forget(work);
    conn_drop_body(conn);
    budget_release(gate->bodies, conn->kept); /* its bytes are perhaps being looked at */
    conn->kept = 0;
    budget_release(gate->bodies, conn->unsent_charged); /* its bytes, too */
    conn->unsent_charged = 0;
    if (conn->tls != NULL)
        tls_close(take(conn->tls));
    loop_unwatch(gate->loop, &conn->watch);
    close(fd);
    loop_timer_clear(gate->loop, &conn->timer);
    ping_stop(conn);
    list_remove(&conn->outgoing);
    list_remove(&conn->waiting);
    list_remove(&conn->link);
    loop_park(gate->loop, &conn->parked, free_conn);
    leave(gate, conn);
    gate_count(gate, METRIC_CLIENT_CONNECTIONS, -1);
    acceptor_remove(&gate->acceptor);
    gate_check_drained(gate);
}

void conn_stop(struct conn *conn)
{
    if (conn->state == CONN_HEAD)
        conn_read(conn); /* a request may have come that we have not seen yet */
    bool is_within = conn->in.len > 0 || (conn->tls != NULL && tls_is_within(conn->tls));
    if (conn->state == CONN_HEAD && !is_within)
        conn_close(conn);
    else if (conn->state == CONN_HEAD || conn->state == CONN_BODY)
        conn_set_limit(conn, CONN_LIMIT_STOP_S);
    else if (conn->work != NULL)
        conn->work->stop(conn->work);
}

void conn_retire(struct conn *conn)
{
    if (conn->state == CONN_HEAD && conn->in.len == 0)
        conn_set_limit_ms(conn, CONN_LIMIT_RETIRE_MS);
}

void conn_cut(struct conn *conn)
{
    struct call *call = take(conn->call);
    if (call == NULL) {
        if (conn->state != CONN_ANSWERED || conn->blocked)
            conn_close(conn);
        return;
    }
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_error_set(&error, HARBORAI_E_OVERLOADED, "this gateway is shutting down: ask again");
    call_cancel(call);
    conn->keep_alive = false;
    if (conn->has_head)
        reply_stream_error(conn, &error);
    else
        reply_whole(conn, &(struct reply){.status = 503, .error = &error});
    if (conn->blocked)
        conn_close(conn);
}

/* --- The end of an answer --------------------------------------------------------------------- */

/* A socket that is closed with bytes unread resets, and the client may never see our answer: so we
 * shut our side, and read on for a while. */
static void linger(struct conn *conn)
{
    conn->state = CONN_LINGER;
    conn_drop_kept(conn);
    conn_drop_body(conn);
    if (conn->tls != NULL)
        tls_end(conn->tls);
    if (shutdown(conn->watch.fd, SHUT_WR) < 0) {
        conn_close(conn);
        return;
    }
    conn_set_limit(conn, conn->gate->stopping ? CONN_LIMIT_LAST_S : CONN_LIMIT_LINGER_S);
    conn->readable = true;
    gate_wait(conn->gate, conn);
}

static void await_next(struct conn *conn)
{
    int64_t idle_ms = conn->gate->limits->idle_ms;
    if (conn->gate->retiring && idle_ms > CONN_LIMIT_RETIRE_MS)
        idle_ms = CONN_LIMIT_RETIRE_MS;
    conn->state = CONN_HEAD;
    conn->resume = (struct http_resume){0};
    conn->route = NULL;
    conn_drop_body(conn);
    conn_set_limit_ms(conn, conn->in.len > 0 ? conn_head_limit_ms(conn) : idle_ms);
    if (conn->in.len > 0 || conn->readable)
        gate_wait(conn->gate, conn);
}

void conn_finish(struct conn *conn)
{
    /* What a client sent before it shut its side is answered, too, if any of it is. */
    bool goes_on = !conn->peer_ended || conn->gate->answers_half_closed;
    if (conn->keep_alive && !conn->gate->stopping && goes_on)
        await_next(conn);
    else if (!conn->peer_ended && !conn->gate->cutting &&
             (conn->body_unread || conn->readable || conn->in.len > 0))
        linger(conn);
    else
        conn_close(conn);
}
