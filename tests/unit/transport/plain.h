/* SPDX-License-Identifier: MIT */
/* What the tests of exchanges over plain connections share: one caller, one peer, one exchange. */
#ifndef TESTS_TRANSPORT_PLAIN_H
#define TESTS_TRANSPORT_PLAIN_H

#include "caller.h"
#include "peer.h"

extern struct caller caller;
extern struct peer peer;
extern struct asked asked; /* POST http://127.0.0.1:port/v1/x with {"a":1}, not started */

void plain_begin(void (*serve)(struct peer_side *side));
void plain_end(void);

/* Of the caller's transport. */
uint64_t plain_connects(void);
uint64_t plain_idle(void);

/* Scripts of the peer: "hi" to each request, and 5 000 000 bytes in chunks. */
void plain_serve_hi(struct peer_side *side);
void plain_serve_large_answer(struct peer_side *side);

#endif
