/* SPDX-License-Identifier: MIT */
/* The request: head and small pieces of the body in one write, large pieces from where they lie.
 * A failure to send ends nothing by itself: the vendor may have answered before it closed. */
#include <stdlib.h>

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

static void put_number(struct out *out, size_t value)
{
    char text[24];
    size_t at = sizeof text;
    do
        text[--at] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    put(out, (harborai_str){text + at, sizeof text - at});
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
    return request->method.len + request->url.len * 2 + request->headers.len + HEAD_EXTRA;
}

static void put_head(struct out *out, const struct exchange_request *request,
                     const struct url *url)
{
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
        put_number(out, body_len(request));
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

/* False: nothing more goes for now. */
static bool send_bytes(struct connection *c, harborai_str bytes, bool has_more, size_t *at)
{
    while (*at < bytes.len) {
        size_t sent = 0;
        harborai_status st = connection_send(c, slice_from(bytes, *at), has_more, &sent, NULL);
        if (st < 0)
            stop(c);
        if (st != HARBORAI_OK)
            return false;
        *at += sent;
        c->io.has_sent = true;
        if (c->io.x != NULL)
            c->io.x->bytes_sent += sent;
    }
    return true;
}

static bool send_body(struct connection *c)
{
    struct exchange_io *io = &c->io;
    while (io->piece < io->request.body_count) {
        bool has_more = io->piece + 1 < io->request.body_count;
        if (!send_bytes(c, io->request.body[io->piece], has_more, &io->piece_at))
            return false;
        io->piece++;
        io->piece_at = 0;
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

static void send_first(struct connection *c, harborai_str bytes)
{
    struct exchange_io *io = &c->io;
    size_t sent = 0;
    bool has_more = io->piece < io->request.body_count;

    io->is_sending = true;
    if (send_bytes(c, bytes, has_more, &sent))
        io->is_sending = !send_body(c) && io->is_sending;
    else if (io->is_sending && !keep_unsent(c, slice_from(bytes, sent)))
        stop(c);
}

void exchange_send(struct connection *c)
{
    struct exchange_io *io = &c->io;
    struct url url;
    struct out out = {c->transport->out, 0};
    char *large = NULL;

    if (url_parse(io->request.url, &url, NULL) < 0) /* it was checked before */
        return;
    if (head_room(&io->request) > SEND_LEN)
        out.data = large = malloc(head_room(&io->request));
    if (out.data == NULL) {
        stop(c);
        return;
    }
    put_head(&out, &io->request, &url);
    if (large == NULL)
        put_small_pieces(&out, io);
    send_first(c, (harborai_str){out.data, out.len});
    free(large);
}

void exchange_send_rest(struct connection *c)
{
    struct exchange_io *io = &c->io;
    if (!io->is_sending)
        return;
    if (io->unsent != NULL) {
        bool has_more = io->piece < io->request.body_count;
        if (!send_bytes(c, (harborai_str){io->unsent, io->unsent_len}, has_more, &io->unsent_at))
            return;
        free(take(io->unsent));
    }
    if (send_body(c))
        io->is_sending = false;
}
