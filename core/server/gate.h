/* SPDX-License-Identifier: MIT */
/* What the server has on one loop: its connections and what they share. Nothing here is written by
 * another loop. Everything is [loop] unless marked. */
#ifndef SERVER_GATE_H
#define SERVER_GATE_H

#include <stdatomic.h>

#include "base/ids.h"
#include "base/log.h"
#include "config/config.h"
#include "engine/call.h"
#include "loop/loop.h"
#include "observe/metrics.h"
#include "server/acceptor.h"
#include "server/conn_limit.h"
#include "wire/http_head.h"

/* One for all connections of a loop: bytes stay in it only while they are looked at. */
#define GATE_RECEIVE KIB(64)

struct auth;
struct budget;
struct cors;
struct drains;
struct logs_desk;
struct router;
struct runtime;
struct tls_context;

struct gate {
    struct loop *loop;
    const struct router *routes;
    struct engine_loop *engine; /* NULL: it takes no calls */
    struct runtime *runtime; /* for what is shown: models, metrics */
    struct drains *drains;   /* for the same; NULL: there are none */
    struct logs_desk *logs;  /* answers questions about calls; NULL: nothing is recorded */
    enum config_logs logs_for; /* whom */
    struct auth *auth; /* looks who asks; owned; NULL: whoever can connect may ask */
    struct metrics_shard *metrics; /* NULL: nobody counts its clients */
    const struct log *log;
    struct tls_context *tls; /* of all gates; NULL: connections are plain */
    size_t max_body;
    const struct config_limits *limits; /* of the server; borrowed */
    struct http_limits head_limits; /* the same of heads, as their parser wants them */
    const struct cors *cors; /* NULL: no pages of other sites */
    struct conn_limit *conn_limit; /* of all gates; NULL: connections are not counted */
    bool answers_half_closed; /* else a client that has shut its side has left */
    struct budget *bodies; /* of all gates */
    int drained_fd; /* an eventfd: counts the gates that have stopped and hold no connection, and no
                      call that goes on without its own */

    struct acceptor acceptor;
    struct list conns;  /* all of this loop */
    struct list waiting; /* those with something to do in the next pass */
    struct list outgoing; /* those with something to send in this one */
    struct timer next_pass;
    struct action flush;
    bool flush_is_last;
    struct message stop, retire, cut;
    bool stopping, retiring, cutting, told;
    int64_t started_ns, start_took_ns; /* of the whole server */
    int64_t stop_limit_ns; /* stopping: until then a request may come whole */

    struct ids ids;
    atomic_bool is_full; /* a call was refused room for a body, and the log is not told yet */
    int64_t crowd_said_ns; /* when the log was last told of connections that are too many; 0 = never */
    unsigned crowd_unsaid; /* since then */
    int64_t tls_told_ns;  /* when the log was last told of a handshake that failed; 0 = never */
    unsigned tls_untold;  /* since then */
    int64_t full_said_ns; /* when the log was last told that the bodies take too much; 0 = never */
    int64_t date_s; /* of `date` */
    char date[30];
    char *receive; /* GATE_RECEIVE bytes */
};

/* As settings have them unless they say otherwise. */
extern const struct config_limits gate_limits_usual;

/* Fills in what is the gate's own; the members before `acceptor` were set by the caller. [init] */
MUST_CHECK harborai_status gate_init(struct gate *gate, harborai_error *error);
/* Breaks off what is left. The loop does not run. Accepts a zeroed one. */
void gate_release(struct gate *gate);

static inline void gate_count(const struct gate *gate, enum metric metric, int64_t number)
{
    if (gate->metrics != NULL)
        metrics_add(gate->metrics, metric, number);
}

/* Whether each answer is the last one on its connection. */
static inline bool gate_is_leaving(const struct gate *gate)
{
    return gate->stopping || gate->retiring;
}

/* conn_continue() in the next pass. */
struct conn;
void gate_wait(struct gate *gate, struct conn *conn);

/* conn_write() in the act phase of this pass. */
void gate_send(struct gate *gate, struct conn *conn);

/* A connection left, or a call that went on without its own: the last one of a stopped gate is
 * reported. */
void gate_check_drained(struct gate *gate);

/* Tells the log, now and then, that the bodies of all requests take too much. */
void gate_say_full(struct gate *gate);

/* Tells it, now and then, that connections are too many. */
void gate_say_crowded(struct gate *gate, enum conn_excess excess, const char *client);

/* The Date header's value. Borrowed until the next pass. */
const char *gate_date(struct gate *gate);

#endif
