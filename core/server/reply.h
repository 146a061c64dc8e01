/* SPDX-License-Identifier: MIT */
/* Answers: heads, whole bodies, streams of server-sent events, errors in OpenAI's form. They are
 * written to conn->out and leave at the end of the pass; a whole answer and the end of a stream
 * leave the connection ANSWERED. All functions are [loop]. */
#ifndef SERVER_REPLY_H
#define SERVER_REPLY_H

#include "server/conn.h"

struct record;

struct reply {
    int status;
    harborai_str content_type; /* empty: application/json */
    harborai_str body;         /* 204 has none */
    const harborai_error *error; /* in place of a body: OpenAI's, with Retry-After; or NULL */
    const char *allow;           /* of 405 and of OPTIONS: the methods; or NULL */
    harborai_str fields;         /* more for the head, each with its line end */
    const struct record *record; /* of the call, for x-harborai-…; or NULL */
};

void reply_whole(struct conn *conn, const struct reply *reply);

/* An error of ours. `code` may be NULL. */
PRINTF(4, 5)
void reply_refuse(struct conn *conn, int status, const char *code, const char *format, ...);

/* 503 with Retry-After: there is no memory for this request, soon there will be. */
void reply_busy(struct conn *conn);

/* One event; the first one brings the head. */
void reply_event(struct conn *conn, harborai_str json);
/* A line of our own that clients pass over; it may bring the head, too. */
void reply_comment(struct conn *conn, harborai_str text);
void reply_stream_end(struct conn *conn);
/* The stream broke off: an event that says so, and no proper end. */
void reply_stream_error(struct conn *conn, const harborai_error *error);

#endif
