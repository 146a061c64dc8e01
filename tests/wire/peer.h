/* SPDX-License-Identifier: MIT */
/* The vendor's side of an exchange, turned by the thread that also turns the loop: every step is known
 * to have been taken before the next begins. */
#ifndef TESTS_WIRE_PEER_H
#define TESTS_WIRE_PEER_H

#include <stdbool.h>

#include "base/buf.h"

struct peer {
    int listener, fd, port;
    struct buf in;      /* the request under way */
    size_t head, body;  /* lengths, once its head is there */
};

void peer_open(struct peer *peer);
void peer_close(struct peer *peer);

/* Takes what came. True: a whole request is there, until peer_next(). */
bool peer_has_request(struct peer *peer);
harborai_str peer_request_line(const struct peer *peer);
harborai_str peer_request_body(const struct peer *peer);
/* Empty if there is none of that name. */
harborai_str peer_request_field(const struct peer *peer, const char *name);
void peer_next(struct peer *peer);

void peer_send(struct peer *peer, harborai_str bytes);
/* Ends the connection, in the middle of whatever is under way. */
void peer_hang_up(struct peer *peer);

#endif
