/* SPDX-License-Identifier: MIT */
/* The answer: bytes into the loop's one buffer, from there in pieces to the owner. Any callback may
 * cancel, pause or detach; after each, the connection's state says whether to go on. Its memory
 * stays until the end of the pass. */
#include "transport/exchange_io.h"
#include "transport/waiter.h"

#define PASS_MOST KIB(256) /* then others have their turn */

static enum exchange_fault fault_of(const struct connection *c)
{
    if (c->is_reused && !c->io.has_received)
        return EXCHANGE_STALE;
    return c->io.has_sent ? EXCHANGE_SENT : EXCHANGE_NOT_SENT;
}

static void fail_framing(struct connection *c, const char *reason)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_error_set(&error, HARBORAI_E_PROTOCOL,
                       "answer of %s: %s; is base_url the API's address?", c->origin->label,
                       reason);
    exchange_fail(c, EXCHANGE_SENT, &error);
}

/* Whether the exchange is still at it, after a callback. */
static bool goes_on(const struct connection *c)
{
    return c->state == CONNECTION_BUSY;
}

/* --- Head ------------------------------------------------------------------------------------ */

static void begin_body(struct connection *c, const struct http_response_head *head)
{
    struct exchange_io *io = &c->io;
    bool is_head = slice_is(io->request.method, "HEAD");
    http_body_init(&io->body, is_head ? HTTP_BODY_NONE : head->head.body_kind,
                   head->head.content_length);
    io->has_head = true;
    io->may_keep = head->head.keep_alive && !io->is_sending && !io->has_send_failed;
    io->is_sending = false; /* it has answered: it does not want the rest */
}

/* Parses `bytes`, the answer from its first byte on. Returns the bytes behind the head; goes_on()
 * and has_head say what came of it. */
static harborai_str parse_head(struct connection *c, harborai_str bytes)
{
    struct http_response_head head;
    struct http_fault fault;
    harborai_status st = http_response_parse(bytes, &c->io.head_seen, &head, &fault);
    if (st < 0)
        fail_framing(c, fault.reason);
    if (st != HTTP_COMPLETE)
        return SLICE_NONE;
    begin_body(c, &head);
    if (c->io.x != NULL)
        c->io.x->events->on_head(c->io.x, &head);
    return slice_from(bytes, head.head.size);
}

/* --- Body ------------------------------------------------------------------------------------ */

/* A kept connection must have nothing left to read: it would be taken for the next answer. */
static bool is_clean(struct connection *c, bool is_drained)
{
    char byte;
    size_t received;
    if (c->has_hung_up)
        return false;
    return is_drained || connection_receive(c, &byte, 1, &received, NULL) == WAITER_PENDING;
}

static void take_body(struct connection *c, harborai_str bytes, bool is_drained)
{
    struct exchange_io *io = &c->io;
    int st;
    do {
        const char *reason = NULL;
        harborai_str data = SLICE_NONE;
        size_t consumed = 0;
        st = http_body_feed(&io->body, bytes, &data, &consumed, &reason);
        if (st < 0) {
            fail_framing(c, reason);
            return;
        }
        bytes = slice_from(bytes, consumed);
        if (data.len > 0 && io->x != NULL)
            io->x->events->on_data(io->x, data);
        if (!goes_on(c))
            return;
    } while (st == HTTP_BODY_MORE && bytes.len > 0);
    if (st == HTTP_BODY_END)
        exchange_finish(c, io->may_keep && bytes.len == 0 && is_clean(c, is_drained));
}

/* --- Bytes ----------------------------------------------------------------------------------- */

static void take_bytes(struct connection *c, harborai_str bytes, bool is_drained)
{
    struct exchange_io *io = &c->io;
    if (io->has_head) {
        take_body(c, bytes, is_drained);
        return;
    }
    /* The pieces of a head are gathered; out of the connection, which a callback may close. */
    AUTO(buf) whole = io->head;
    buf_init(&io->head, HEAD_LEN);
    if (whole.len > 0) {
        buf_add(&whole, bytes);
        bytes = buf_slice(&whole);
    }
    harborai_str body = parse_head(c, bytes);
    if (!goes_on(c))
        return;
    if (io->has_head) {
        take_body(c, body, is_drained);
        return;
    }
    if (whole.len == 0)
        buf_add(&whole, bytes);
    harborai_status st = buf_status(&whole, NULL);
    io->head = whole;
    buf_init(&whole, 0);
    if (st < 0)
        fail_framing(c, "no memory left for its head");
}

static void end_of_input(struct connection *c)
{
    struct exchange_io *io = &c->io;
    harborai_error error = HARBORAI_ERROR_INIT;

    if (io->has_head && http_body_may_end(&io->body)) {
        exchange_finish(c, false);
        return;
    }
    harborai_error_set(&error, HARBORAI_E_NETWORK, "%s closed the connection %s", c->origin->label,
                       io->has_head       ? "in the middle of its answer: ask again"
                       : io->has_received ? "in the middle of its answer's head: ask again"
                       : io->has_send_failed
                           ? "while the request was being sent: ask again, or check base_url"
                           : "without an answer: ask again, or check base_url (https?)");
    exchange_fail(c, fault_of(c), &error);
}

static void note_bytes(struct connection *c, size_t len)
{
    struct exchange_io *io = &c->io;
    bool is_first = !io->has_received;
    io->has_received = true;
    io->active_ns = loop_now_ns(c->transport->loop);
    if (is_first)
        exchange_arm(c); /* from now on silence is limited */
    if (io->x != NULL)
        io->x->bytes_received += len;
}

/* A detached answer that is long or endless is not worth its connection. */
static bool is_worth_reading(struct exchange_io *io, size_t len)
{
    if (io->x != NULL)
        return true;
    bool is_worth = io->rest_len >= len;
    io->rest_len -= is_worth ? len : io->rest_len;
    return is_worth;
}

/* HARBORAI_OK: more may be there; else there is nothing more to do for now. */
static harborai_status read_once(struct connection *c, size_t *ret_len)
{
    char *room = c->transport->in;
    harborai_error error = HARBORAI_ERROR_INIT;
    size_t len = 0;

    harborai_status st = connection_receive(c, room, RECEIVE_LEN, &len, &error);
    if (st == WAITER_PENDING && c->io.has_send_failed)
        end_of_input(c);
    if (st < 0)
        exchange_fail(c, fault_of(c), &error);
    if (st != HARBORAI_OK)
        return st;
    if (len == 0) {
        end_of_input(c);
        return WAITER_PENDING;
    }
    note_bytes(c, len);
    if (!is_worth_reading(&c->io, len)) {
        connection_close(c);
        return WAITER_PENDING;
    }
    /* With TLS a short read says nothing: a record is read at a time. */
    bool is_drained = c->easy == NULL && len < RECEIVE_LEN && !c->has_hung_up;
    take_bytes(c, (harborai_str){room, len}, is_drained);
    *ret_len = len;
    return is_drained ? WAITER_PENDING : HARBORAI_OK;
}

void exchange_read(struct connection *c)
{
    size_t total = 0, len = 0;
    while (goes_on(c) && !c->io.is_paused && read_once(c, &len) == HARBORAI_OK) {
        total += len;
        if (total >= PASS_MOST && goes_on(c)) {
            connection_again(c);
            return;
        }
    }
}
