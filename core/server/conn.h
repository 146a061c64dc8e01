/* SPDX-License-Identifier: MIT */
/* One connection of a client, for its whole life:
 *
 *   HEAD ──> BODY ──> CALL ──> ANSWERED ──> HEAD … or CLOSED
 *     └────────┴────────┴─────────┘   └───> LINGER ──> CLOSED
 *
 * Input is read when the state wants it (conn_read.c), output is gathered in a pass and leaves in
 * its act phase with one send() (conn_write.c). All functions are [loop]. */
#ifndef SERVER_CONN_H
#define SERVER_CONN_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/limits.h"
#include "loop/loop.h"
#include "server/auth.h"
#include "server/conn_limit.h"
#include "server/extras.h"
#include "server/router.h"
#include "wire/http_body.h"
#include "wire/traceparent.h"

struct call;
struct gate;
struct http_request_head;
struct record;
struct tls;

#define CONN_CLIENT_UNIX "unix"

enum conn_state {
    CONN_HEAD,     /* waits for a request or for the rest of its head */
    CONN_BODY,     /* … for the rest of its body */
    CONN_CALL,     /* the engine works on it */
    CONN_ANSWERED, /* the answer is complete; its last bytes go out */
    CONN_LINGER,   /* we have said everything; what still comes is thrown away */
    CONN_CLOSED    /* lives until the pass ends */
};

/* Of an endpoint that answers later than in its pass; the state is CONN_CALL until then. */
struct conn_work {
    void (*forget)(struct conn_work *work); /* the connection goes: nobody is left to be answered */
    void (*stop)(struct conn_work *work);   /* the server stops: it is answered now */
};

struct conn {
    struct gate *gate;
    enum conn_state state;
    bool readable;    /* there may be more to read: an edge was seen, EAGAIN was not */
    bool blocked;     /* the socket took less than we have: an edge will come */
    bool peer_ended;  /* the client has shut its side */
    bool keep_alive;  /* after this answer */
    unsigned requests; /* whose heads were read */
    bool body_unread; /* the answer came before the request was read to its end */
    bool is_head;     /* HEAD: an answer without its body */
    bool is_http10;   /* no chunks: the end of a stream is the end of the connection */
    bool has_head;    /* the head of a stream has been written */
    bool chunk_open;  /* … and events, since the last send */
    const struct record *record; /* what the head of a stream tells of; NULL but while that is written */

    struct conn_ticket ticket; /* of gate->conn_limit */
    struct watch watch;
    struct tls *tls;     /* NULL: it is plain */
    bool tls_told;       /* what came of its handshake */
    struct timer timer;  /* set no later than limit_ns, and moved only when it is due */
    int64_t limit_ns;    /* when patience ends; 0 = never */
    struct timer ping;   /* of a stream that is silent */
    int64_t admit_ns;    /* of this request: how long it took to look who asks, … */
    int64_t admit_pass_ns; /* … in the pass of that time: its body may come in another */
    int64_t write_since_ns; /* of an answer to a call: when it was complete, monotonic; 0 = none */
    int64_t said_ns;     /* when it last was not */
    struct list link;    /* gate->conns */
    struct list waiting; /* gate->waiting */
    struct list outgoing; /* gate->outgoing */
    struct parked parked;

    size_t lingered; /* bytes thrown away since the answer */
    struct buf in;   /* what was read and belongs to a later state */
    size_t kept;     /* charged for it, to gate->bodies; goes with it */
    struct buf out;  /* answers; from `sent` on they are still here */
    size_t sent;
    int queued; /* bytes that the kernel had for a client that is slow, when its patience began */
    size_t unsent_charged; /* for `out` while it waits for a slow reader, to gate->bodies; goes with it */
    size_t chunk_at; /* in `out`: where the open chunk's size has to be filled in */

    struct http_resume resume;
    struct http_body framing;
    const struct route *route;
    const struct http_request_head *head; /* NULL, but while an endpoint without a body answers */
    struct buf body;   /* of the request; taken over by the call */
    size_t charged;    /* for it, to gate->bodies; goes with it */
    int64_t body_began_ns;
    struct call *call; /* NULL: none, or it has ended */
    struct conn_work *work; /* NULL: none; taken away by who answers */

    struct auth_pass pass; /* of the request */
    struct extras extras; /* that the request asks for */
    char request_id[LIMIT_REQUEST_ID + 1];
    char trace_parent[TRACEPARENT_LEN + 2]; /* a later version may have more: that it has is enough */
    char client[INET6_ADDRSTRLEN]; /* his address, or CONN_CLIENT_UNIX */
    harborai_str origin; /* of pages that may read the answer; borrowed from gate->cors, empty = none */
};

/* Else he came by a socket of this machine. */
static inline bool conn_has_address(const struct conn *conn)
{
    return conn->client[0] != '\0' && strcmp(conn->client, CONN_CLIENT_UNIX) != 0;
}

/* conn.c. Takes `fd`, also when it fails. */
void conn_open(struct gate *gate, int fd, const struct sockaddr_storage *address);
/* The client is gone, or has to go: a call is cancelled, the socket closed, the rest follows. */
void conn_close(struct conn *conn);
/* The server stops: closed at once if no request is under way, soon if one has not come whole; what
 * waits for other work than a call's is answered. */
void conn_stop(struct conn *conn);
/* Another gateway has the listening sockets: what is under way goes on, and who asks nothing soon has to
 * connect anew. */
void conn_retire(struct conn *conn);
/* The server's patience is over: a call is broken off, and the client told so if it listens. */
void conn_cut(struct conn *conn);
/* In the pass after gate_wait(). */
void conn_continue(struct conn *conn);
/* The answer is out. */
void conn_finish(struct conn *conn);
/* For a head, from its first byte. */
int64_t conn_head_limit_ms(const struct conn *conn);
/* Patience ends in that time; 0 = never. */
void conn_set_limit(struct conn *conn, int seconds);
void conn_set_limit_ms(struct conn *conn, int64_t ms);
/* … at that moment. */
void conn_set_limit_at(struct conn *conn, int64_t at_ns);
/* The body, if no call has taken it, is not needed any more. */
void conn_drop_body(struct conn *conn);

enum {
    CONN_BODY_STEP = 16384, /* bytes of a body that give it a second more than limits->body_ms */
    CONN_SEND_STEP = 16384, /* bytes that a slow client takes at least within limits->send_ms */
    CONN_LIMIT_SURPLUS_MS = 5000, /* the head of a connection that is one too many */
    CONN_LIMIT_LINGER_S = 2,
    CONN_LINGER_MAX = 1 << 20, /* bytes that are thrown away meanwhile */
    CONN_LIMIT_RETIRE_MS = 5000, /* between two requests, once another gateway has the sockets */
    CONN_LIMIT_STOP_S = 3, /* the rest of a request, when the server stops */
    CONN_LIMIT_LAST_S = 1  /* lingering, then */
};

/* conn_read.c */
void conn_read(struct conn *conn);
/* Works on what is in conn->in. */
void conn_read_kept(struct conn *conn);
/* What is kept is not needed any more. */
void conn_drop_kept(struct conn *conn);
/* Before an answer to a head that cannot be read: nothing of the request before it must show. */
void conn_forget_request(struct conn *conn);

/* conn_write.c. The end of a pass sends what `out` has. */
void conn_write_soon(struct conn *conn);
/* Sends now. In the run phase only what is left from an earlier pass. */
void conn_write(struct conn *conn);
/* Patience is over with who takes too little for the socket to tell: whether he takes some. Then it begins
 * anew. */
bool conn_is_still_read(struct conn *conn);
/* What follows is a part of one HTTP chunk until the next send; nothing for an HTTP/1.0 client. */
void conn_open_chunk(struct conn *conn);
void conn_close_chunk(struct conn *conn);

static inline size_t conn_unsent(const struct conn *conn)
{
    return conn->out.len - conn->sent;
}

#endif
