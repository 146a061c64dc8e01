/* SPDX-License-Identifier: MIT */
/* The request: head and small pieces of the body in one write, large pieces from where they lie.
 * A failure to send ends nothing by itself: the vendor may have answered before it closed. */
#include <stdlib.h>

#include "base/decimal.h"
#include "transport/exchange_io.h"
#include "transport/waiter.h"

struct out {
    char *data;
    size_t len;
};

static void put(struct out *out, harborai_str text)
{
    if (text.len > 0)
        memcpy(out->data + out->len, text.data, text.len);
    out->len += text.len;
}

static size_t body_len(const struct exchange_request *request)
{
    size_t len = 0;
    for (size_t i = 0; i < request->body_count; i++)
        len += request->body[i].len;
    return len;
}

/* Whatever numbers and constants need comes to less than this. */
#define HEAD_EXTRA 256

static size_t head_room(const struct exchange_request *request)
{
    return request->method.len + request->url.target.len + request->url.authority.len +
           request->headers.len + HEAD_EXTRA;
}

static void put_head(struct out *out, const struct exchange_request *request)
{
    const struct url *url = &request->url;
    put(out, request->method);
    put(out, HARBORAI_STR(" "));
    if (url->target.len == 0 || url->target.data[0] == '?')
        put(out, HARBORAI_STR("/"));
    put(out, url->target);
    put(out, HARBORAI_STR(" HTTP/1.1\r\nhost: "));
    put(out, url->authority);
    put(out, HARBORAI_STR("\r\naccept-encoding: identity\r\n"));
    put(out, request->headers);
    if (request->body_count > 0) {
        put(out, HARBORAI_STR("content-length: "));
        out->len = (size_t)(decimal_put(out->data + out->len, body_len(request)) - out->data);
        put(out, HARBORAI_STR("\r\n"));
    }
    put(out, HARBORAI_STR("\r\n"));
}

static void put_small_pieces(struct out *out, struct exchange_io *io)
{
    const struct exchange_request *request = &io->request;
    while (io->piece < request->body_count &&
           request->body[io->piece].len <= SEND_LEN - out->len)
        put(out, request->body[io->piece++]);
}

/* --- Sending --------------------------------------------------------------------------------- */

static void stop(struct connection *c)
{
    c->io.is_sending = false;
    c->io.may_keep = false;
    c->io.has_send_failed = true;
    c->has_hung_up = true;
    connection_again(c); /* the reason, or an answer, is read in the next pass */
}

/* What is still to be sent of `head` and of the body, as far as one write takes it. */
static size_t gather(const struct exchange_io *io, harborai_str head, harborai_str *pieces)
{
    size_t count = 0, skip = io->piece_at;
    if (head.len > 0)
        pieces[count++] = head;
    for (size_t i = io->piece; i < io->request.body_count && count < CONNECTION_SEND_MAX; i++, skip = 0)
        if (io->request.body[i].len > skip)
            pieces[count++] = slice_from(io->request.body[i], skip);
    return count;
}

/* `sent` bytes are gone: first of the head, then of the body. */
static void advance(struct exchange_io *io, size_t head_len, size_t *head_at, size_t sent)
{
    size_t of_head = sent < head_len - *head_at ? sent : head_len - *head_at;
    *head_at += of_head;
    io->piece_at += sent - of_head;
    while (io->piece < io->request.body_count &&
           io->piece_at >= io->request.body[io->piece].len) {
        io->piece_at -= io->request.body[io->piece].len;
        io->piece++;
    }
}

/* False: nothing more goes for now. */
static bool send_all(struct connection *c, harborai_str head, size_t *head_at)
{
    struct exchange_io *io = &c->io;
    harborai_str pieces[CONNECTION_SEND_MAX];
    for (size_t count; (count = gather(io, slice_from(head, *head_at), pieces)) > 0;) {
        size_t sent = 0;
        harborai_status st = connection_send(c, pieces, count, &sent, NULL);
        if (st < 0)
            stop(c);
        if (st != HARBORAI_OK)
            return false;
        advance(io, head.len, head_at, sent);
        io->has_sent = true;
        if (io->x != NULL)
            io->x->bytes_sent += sent;
    }
    return true;
}

/* The end of the head waits in memory of its own. False: there is none. */
static bool keep_unsent(struct connection *c, harborai_str rest)
{
    c->io.unsent = malloc(rest.len);
    if (c->io.unsent == NULL)
        return false;
    memcpy(c->io.unsent, rest.data, rest.len);
    c->io.unsent_len = rest.len;
    c->io.unsent_at = 0;
    return true;
}

static void send_first(struct connection *c, harborai_str head)
{
    struct exchange_io *io = &c->io;
    size_t sent = 0;

    io->is_sending = true;
    if (send_all(c, head, &sent))
        io->is_sending = false;
    else if (io->is_sending && sent < head.len && !keep_unsent(c, slice_from(head, sent)))
        stop(c);
}

void exchange_send(struct connection *c)
{
    struct exchange_io *io = &c->io;
    struct out out = {c->transport->out, 0};
    char *large = NULL;

    if (head_room(&io->request) > SEND_LEN)
        out.data = large = malloc(head_room(&io->request));
    if (out.data == NULL) {
        stop(c);
        return;
    }
    put_head(&out, &io->request);
    if (large == NULL)
        put_small_pieces(&out, io);
    send_first(c, (harborai_str){out.data, out.len});
    free(large);
}

void exchange_send_rest(struct connection *c)
{
    struct exchange_io *io = &c->io;
    if (!io->is_sending || !send_all(c, (harborai_str){io->unsent, io->unsent_len}, &io->unsent_at))
        return;
    free(take(io->unsent));
    io->unsent_len = io->unsent_at = 0;
    io->is_sending = false;
}
