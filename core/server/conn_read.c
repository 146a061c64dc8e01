/* SPDX-License-Identifier: MIT */
/* What a client sends: bytes become a request, and the request goes to its endpoint. Bytes are
 * parsed where they were received; only what belongs to a later state is kept. */
#include <errno.h>

#include "base/error.h"
#include "server/api.h"
#include "server/budget.h"
#include "server/conn.h"
#include "server/conn_io.h"
#include "server/cors.h"
#include "server/gate.h"
#include "server/reply.h"
#include "server/site.h"
#include "wire/masker.h"

#define KEPT_FREE KIB(4)   /* of a head that has not come whole */
#define RECEIVES_A_PASS 16 /* 1 MiB of one client; then it is the others' turn */

/* The request is not read to its end, so the connection cannot go on. */
static void refuse_rest(struct conn *conn, int status, const char *code, const char *reason)
{
    conn->keep_alive = false;
    conn->body_unread = true;
    reply_refuse(conn, status, code, "%s", reason);
}

static void refuse_size(struct conn *conn)
{
    size_t most = conn->gate->max_body;
    conn->keep_alive = false;
    conn->body_unread = true;
    reply_refuse(conn, 413, "request_too_large",
                 "the request's body is longer than %zu bytes: %ssend less", most,
                 most < LIMIT_REQUEST_BODY ? "raise server.max_body, or " : "");
}

static void refuse_full(struct conn *conn)
{
    conn->keep_alive = false;
    conn->body_unread = true;
    reply_busy(conn);
}

/* --- The head --------------------------------------------------------------------------------- */

/* It goes into the journal and to the vendor: no key is to go there with it. */
static bool is_good_id(harborai_str id)
{
    if (id.len == 0 || id.len > LIMIT_REQUEST_ID)
        return false;
    for (size_t i = 0; i < id.len; i++) {
        char c = id.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              (c != '\0' && strchr("._:-/", c) != NULL)))
            return false;
    }
    return !masker_finds(id, MASKER_KEYS);
}

static void name_request(struct conn *conn, harborai_str given)
{
    if (is_good_id(given)) {
        memcpy(conn->request_id, given.data, given.len);
        conn->request_id[given.len] = '\0';
    } else {
        memcpy(conn->request_id, "req_", 4);
        ids_trace(&conn->gate->ids, conn->request_id + 4);
    }
}

void conn_forget_request(struct conn *conn)
{
    name_request(conn, SLICE_NONE);
    conn->pass = (struct auth_pass){.key = NULL};
    conn->is_http10 = conn->is_head = false;
    conn->origin = cors_allow(conn->gate->cors, SLICE_NONE);
}

/* Such a request has no body (RFC 9112, 6.3). Yet clients of old end a body by closing, and what they
 * send would be read as the next request: so nothing that follows is. */
static bool lacks_length(const struct http_request_head *request)
{
    return request->head.body_kind == HTTP_BODY_NONE && request->head.content_length < 0 &&
           (slice_is(request->method, "POST") || slice_is(request->method, "PUT") ||
            slice_is(request->method, "PATCH"));
}

static bool is_last_request(const struct conn *conn)
{
    int64_t most = conn->gate->limits->requests_per_connection;
    return most > 0 && conn->requests >= most;
}

static void take_head(struct conn *conn, const struct http_request_head *request)
{
    const struct http_head *head = &request->head;
    harborai_str parent = http_field(head, "traceparent");

    name_request(conn, http_field(head, "x-request-id"));
    parent = slice_cut(parent, sizeof conn->trace_parent - 1);
    if (parent.len > 0)
        memcpy(conn->trace_parent, parent.data, parent.len);
    conn->trace_parent[parent.len] = '\0';
    extras_read(&conn->extras, head);
    conn->pass = (struct auth_pass){.key = NULL};
    if (conn->gate->cors != NULL)
        conn->origin = cors_allow(conn->gate->cors, http_field(head, "origin"));
    conn->requests++;
    conn->keep_alive = head->keep_alive && !gate_is_leaving(conn->gate) && !is_last_request(conn);
    conn->is_http10 = head->minor == 0;
    conn->is_head = slice_is(request->method, "HEAD");
    conn->has_head = false;
    conn->admit_ns = 0;
    conn->body_unread = head->body_kind != HTTP_BODY_NONE || lacks_length(request);
    http_body_init(&conn->framing, head->body_kind, head->content_length);
}

/* Any other, CONNECT and TRACE among them, is implemented for no path (501: RFC 9110, 15.6.2). */
static bool is_known_method(harborai_str method)
{
    static const char *const names[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (slice_is(method, names[i]))
            return true;
    return false;
}

static void refuse_route(struct conn *conn, const struct http_request_head *request, int status,
                         const struct router_match *match)
{
    if (conn->body_unread || slice_is(request->method, "CONNECT")) /* a tunnel's bytes may follow */
        conn->keep_alive = false;
    if (!is_known_method(request->method)) {
        reply_refuse(conn, 501, "unknown_method", "there is no method '%.*s' here",
                     SLICE_ARG(slice_cut(request->method, 20)));
        return;
    }
    if (status == 404) {
        reply_refuse(conn, 404, "unknown_url", "unknown path '%.*s': GET / lists those that there are",
                     SLICE_ARG(slice_cut(request->path, 200)));
        return;
    }
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_error_set(&error, HARBORAI_E_INVALID, "'%.*s' cannot be asked with %.*s, but with %s",
                       SLICE_ARG(slice_cut(request->path, 200)),
                       SLICE_ARG(slice_cut(request->method, 20)), match->allow);
    error_set_code(&error, "method_not_allowed");
    reply_whole(conn, &(struct reply){.status = 405, .error = &error, .allow = match->allow});
}

static bool is_plain(const struct http_request_head *request)
{
    harborai_str coding = http_field(&request->head, "content-encoding");
    return coding.len == 0 || slice_equal_ignoring_case(coding, HARBORAI_STR("identity"));
}

/* A byte a minute must not hold a body for ever, nor may one whose most has come stand still. */
static void set_body_limit(struct conn *conn)
{
    int64_t limit_ns = conn->gate->limits->body_ms * NS_PER_MS;
    int64_t still_ns = loop_now_ns(conn->gate->loop) + limit_ns;
    int64_t steps = (int64_t)(conn->body.len / CONN_BODY_STEP);
    int64_t whole_ns = conn->body_began_ns + limit_ns + steps * NS_PER_S;
    conn_set_limit_at(conn, still_ns < whole_ns ? still_ns : whole_ns);
}

/* The request is whole, or its endpoint needs no body. */
static void begin_body(struct conn *conn, const struct http_request_head *request, bool is_last)
{
    int64_t length = request->head.content_length;
    if (lacks_length(request)) {
        refuse_rest(conn, 411, "length_required",
                    "this request needs a body: send it with Content-Length, or chunked");
    } else if (!is_plain(request)) {
        refuse_rest(conn, 415, "unsupported_encoding",
                    "send the body as it is: content-encoding is not supported");
    } else if (length > 0 && (uint64_t)length > conn->gate->max_body) {
        refuse_size(conn);
    } else if (!budget_fits(conn->gate->bodies, length > 0 ? (size_t)length : 0)) {
        gate_say_full(conn->gate);
        refuse_full(conn);
    } else if (http_body_may_end(&conn->framing)) {
        conn->route->answer(conn, SLICE_NONE);
    } else {
        conn->state = CONN_BODY;
        conn->body_began_ns = loop_now_ns(conn->gate->loop);
        set_body_limit(conn);
        conn->body.ceiling = length > 0 ? (size_t)length : conn->gate->max_body; /* no room beyond its end */
        if (length > 0)
            (void)buf_reserve(&conn->body, (size_t)length < KIB(64) ? (size_t)length : KIB(64));
        if (request->expect_continue && is_last) {
            buf_add(&conn->out, HARBORAI_STR("HTTP/1.1 100 Continue\r\n\r\n"));
            conn_write_soon(conn);
        }
    }
}

static void refuse_head(struct conn *conn, const struct http_fault *fault)
{
    conn_forget_request(conn);
    conn->keep_alive = false;
    conn->body_unread = true;
    if (fault->limit > 0)
        reply_refuse(conn, fault->status, "request_too_large", "%s: the limit is %zu", fault->reason,
                     fault->limit);
    else
        reply_refuse(conn, fault->status, "bad_request", "%s", fault->reason);
}

static void refuse_surplus(struct conn *conn)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_error_set(&error, HARBORAI_E_OVERLOADED,
                       conn->ticket.excess == CONN_EXCESS_ALL
                           ? "this gateway has as many connections as it takes: ask again soon"
                           : "your address has as many connections as it may: close some");
    error_set_code(&error, "too_many_connections");
    error.retry_after_ms = 1000;
    conn->keep_alive = false;
    conn->body_unread = true;
    reply_whole(conn, &(struct reply){.status = 503, .error = &error});
}

static size_t read_head(struct conn *conn, harborai_str bytes)
{
    struct http_request_head request;
    struct http_fault fault;
    struct router_match match;

    harborai_status st = http_request_parse(bytes, &conn->resume, &conn->gate->head_limits,
                                            &request, &fault);
    if (st == HTTP_INCOMPLETE)
        return 0;
    if (st < 0) {
        refuse_head(conn, &fault);
        return bytes.len;
    }
    take_head(conn, &request);
    if (conn->ticket.excess != CONN_EXCESS_NONE) {
        refuse_surplus(conn);
        return bytes.len;
    }
    int status = router_find(conn->gate->routes, request.method, request.path, &match);
    conn->route = match.route;
    if (match.allow != NULL && slice_is(request.method, "OPTIONS")) {
        conn->keep_alive &= !conn->body_unread;
        api_options(conn, &request, match.allow);
    } else if (status != 200) {
        refuse_route(conn, &request, status, &match);
    } else if (!auth_admit(conn, &request)) {
        (void)0; /* which the client was told */
    } else if (!site_admit(conn, &request)) {
        (void)0; /* likewise */
    } else if ((match.route->flags & ROUTE_BODY) != 0) {
        begin_body(conn, &request, request.head.size == bytes.len);
    } else {
        conn->keep_alive &= !conn->body_unread; /* nobody wants it */
        conn->head = &request;
        match.route->answer(conn, match.rest);
        conn->head = NULL;
    }
    return request.head.size;
}

/* --- The body --------------------------------------------------------------------------------- */

static void refuse_body(struct conn *conn, bool is_too_large)
{
    if (is_too_large)
        refuse_size(conn);
    else
        refuse_full(conn);
    conn_drop_body(conn);
}

/* False: refused. The buffer has grown already, so all loops together may be one step each above
 * the ceiling, for a moment. */
static bool add_to_body(struct conn *conn, harborai_str data)
{
    struct buf *body = &conn->body;
    bool is_too_large = data.len > conn->gate->max_body - body->len;
    buf_add(body, data);
    if (body->failed < 0) {
        refuse_body(conn, is_too_large);
        return false;
    }
    if (body->capacity > conn->charged) {
        if (!budget_charge(conn->gate->bodies, body->capacity - conn->charged)) {
            gate_say_full(conn->gate);
            refuse_body(conn, false);
            return false;
        }
        conn->charged = body->capacity;
    }
    return true;
}

static size_t read_body(struct conn *conn, harborai_str bytes)
{
    size_t done = 0, consumed = 0;
    const char *reason = NULL;
    harborai_str data;
    harborai_status st;

    do {
        st = http_body_feed(&conn->framing, slice_from(bytes, done), &data, &consumed, &reason);
        if (st < 0) {
            refuse_rest(conn, 400, "bad_request", reason);
            return bytes.len;
        }
        done += consumed;
        if (!add_to_body(conn, data))
            return bytes.len;
        if (http_body_announced(&conn->framing) > conn->gate->max_body - conn->body.len) {
            refuse_body(conn, true);
            return bytes.len;
        }
    } while (st == HTTP_BODY_MORE && done < bytes.len);
    if (st == HTTP_BODY_END) {
        conn->body_unread = false;
        conn->route->answer(conn, SLICE_NONE);
    } else {
        set_body_limit(conn);
    }
    return done;
}

/* --- Bytes ------------------------------------------------------------------------------------ */

/* How many of them are done with; the rest belongs to a later state or to a head that is not yet
 * complete. */
static size_t advance(struct conn *conn, harborai_str bytes)
{
    size_t done = 0;
    while (done < bytes.len) {
        harborai_str rest = slice_from(bytes, done);
        size_t step;
        if (conn->state == CONN_HEAD)
            step = read_head(conn, rest);
        else if (conn->state == CONN_BODY)
            step = read_body(conn, rest);
        else
            break;
        if (step == 0)
            break;
        done += step;
    }
    return done;
}

void conn_read_kept(struct conn *conn)
{
    size_t done = advance(conn, buf_slice(&conn->in));
    if (done == conn->in.len)
        conn_drop_kept(conn);
    else
        buf_consume(&conn->in, done);
}

void conn_drop_kept(struct conn *conn)
{
    buf_release(&conn->in);
    budget_release(conn->gate->bodies, conn->kept);
    conn->kept = 0;
}

/* Heads that never end hold memory as bodies do. A usual one costs no look at what all share. */
static bool charge_kept(struct conn *conn)
{
    size_t capacity = conn->in.capacity;
    if (capacity <= KEPT_FREE || capacity <= conn->kept)
        return true;
    if (!budget_charge(conn->gate->bodies, capacity - conn->kept)) {
        gate_say_full(conn->gate);
        return false;
    }
    conn->kept = capacity;
    return true;
}

static void keep(struct conn *conn, harborai_str bytes)
{
    if (conn->state == CONN_HEAD && conn->in.len == 0)
        conn_set_limit_ms(conn, conn_head_limit_ms(conn));
    buf_add(&conn->in, bytes);
    if (conn->in.failed < 0) {
        conn_close(conn);
    } else if (!charge_kept(conn) && conn->state == CONN_HEAD) {
        conn_forget_request(conn);
        refuse_full(conn);
    }
}

static void take_bytes(struct conn *conn, harborai_str bytes)
{
    if (conn->state == CONN_LINGER) {
        conn->lingered += bytes.len;
        if (conn->lingered >= CONN_LINGER_MAX)
            conn_close(conn);
        return;
    }
    if (conn->in.len > 0) {
        keep(conn, bytes);
        if (conn->state != CONN_CLOSED)
            conn_read_kept(conn);
        return;
    }
    size_t done = advance(conn, bytes);
    if (done < bytes.len)
        keep(conn, slice_from(bytes, done));
}

static bool wants_bytes(const struct conn *conn)
{
    return conn->state == CONN_HEAD || conn->state == CONN_BODY || conn->state == CONN_LINGER;
}

/* Requests that were sent ahead are kept already, and have their turn in the next pass: more would only grow
 * what is kept. */
static bool has_enough(const struct conn *conn)
{
    return conn->in.len > 0 && list_is_linked(&conn->waiting);
}

void conn_read(struct conn *conn)
{
    char *room = conn->gate->receive;
    if (has_enough(conn))
        return;
    for (unsigned i = 0; conn->readable && wants_bytes(conn); i++) {
        if (i == RECEIVES_A_PASS) {
            gate_wait(conn->gate, conn);
            return;
        }
        ssize_t len = conn_receive(conn, room, GATE_RECEIVE);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0 && errno == EAGAIN) {
            conn->readable = false;
        } else if (len <= 0) {
            conn_lose(conn);
        } else {
            conn->readable = conn_has_more(conn, (size_t)len, GATE_RECEIVE);
            take_bytes(conn, (harborai_str){room, (size_t)len});
        }
    }
}
