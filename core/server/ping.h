/* SPDX-License-Identifier: MIT */
/* Comments of a stream that is silent, so that no proxy and no client in between takes it for dead:
 * after stream.ping_s seconds, once its head has gone. Before it there are none, unless
 * stream.first_ping_s says so: then the head goes with the first comment, and what goes wrong later is
 * told inside the stream. Events are written whole, so a comment stands between two. [loop] */
#ifndef SERVER_PING_H
#define SERVER_PING_H

struct conn;

void ping_init(struct conn *conn);
/* A call has been started. */
void ping_call(struct conn *conn);
/* Something of the stream was written just now. */
void ping_said(struct conn *conn);
void ping_stop(struct conn *conn);

#endif
