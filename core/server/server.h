/* SPDX-License-Identifier: MIT */
/* The gateway: an OpenAI-compatible HTTP/1.1 front of a runtime's engines. */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "base/attr.h"
#include "config/config.h"

struct drains;
struct logs_desk;
struct runtime;
struct server;
struct takeover;

struct server_options {
    harborai_str host; /* an address or a name of this machine; "none": `socket` alone */
    int64_t port;      /* 0 = any that is free */
    harborai_str socket; /* the path of a Unix socket to listen on as well; empty: none */
    enum config_access socket_access;
    const int *sockets; /* that listen already, in place of all these; owned by the server from */
    unsigned socket_count; /* … server_create() on, also when it fails */
    const struct config_tls *tls; /* for clients that come over a network; NULL, or without a
                                     certificate: none. Borrowed for server_create() */
    int64_t max_body;  /* bytes of a request's body */
    struct config_limits limits; /* memory: no less than a body takes; connections = 0: half of the limit
                                    of open files */
    harborai_str cors_origins; /* of pages that may read answers, with commas between them */
    bool answers_half_closed; /* a client that has shut its side is not taken for gone */
    enum config_logs logs_for; /* who may ask the desk of server_show_logs() */
    int64_t began_ns;       /* monotonic: when the start of all this began; 0 = now */
    bool with_control;      /* a control socket, in */
    harborai_str state_dir; /* … that directory; without one the log says why */
    struct takeover *takeover; /* from the gateway that is replaced; its sockets are taken out. NULL: none */
};

/* Listens from now on; requests are answered once the runtime's loops run. Borrows `runtime`,
 * copies `options`. E_CONFIG: the address cannot be had, and the message says why. [init] */
MUST_CHECK harborai_status server_create(struct runtime *runtime,
                                         const struct server_options *options,
                                         struct server **ret_server, harborai_error *error);

/* Drains whose metrics are to be shown; borrowed. Before the runtime's loops run. [init] */
void server_show_drains(struct server *server, struct drains *drains);

/* Who answers /v1/logs/…; borrowed: it is to be destroyed once no loop runs, before the server is. Before
 * the runtime's loops run. [init] */
void server_show_logs(struct server *server, struct logs_desk *desk);

/* Once the runtime's loops run, and connections are taken: the gateway that `takeover` is from takes no more.
 * An error says why it does not do that; then this one is to be stopped. [any but a loop] */
MUST_CHECK harborai_status server_finish_takeover(struct server *server, struct takeover *takeover,
                                                  harborai_error *error);

/* Readable once another gateway has taken over from this one; -1: none can. [any] */
int server_handed_descriptor(const struct server *server);
/* Which process that is, then; 0: it cannot be told, as in another container. [any] */
long long server_successor(const struct server *server);

/* Another gateway takes the connections from now on: calls under way end as they would, requests get an
 * answer yet, the last one on its connection, and connections that stay idle for 5 s are closed. Returns
 * when no connection is left, limit_ms are over, or hurry_fd (borrowed; -1 = none) has something to read.
 * server_stop() is to follow. [any but a loop] */
void server_retire(struct server *server, int64_t limit_ms, int hurry_fd);

/* "http://127.0.0.1:8000", or "https://…", with the port that was got, or "unix:/run/gateway.sock", or both with a
 * comma between them. Borrowed from the server. [any] */
const char *server_url(const struct server *server);

/* Reads certificate and key again, which may be other files now, for connections from now on. E_CONFIG:
 * they are no good, and those in force stay; so they do where `tls` has none. Does nothing for a server
 * without TLS. [any but a loop] */
MUST_CHECK harborai_status server_renew_tls(struct server *server, const struct config_tls *tls,
                                            harborai_error *error);

/* Takes no more connections, closes idle ones, waits until the calls under way have ended, at most
 * limit_ms and no longer than hurry_fd (borrowed; -1 = none) has nothing to read, then breaks off
 * the rest, each with an error that says so. Returns when no connection is left.
 * [any but a loop] */
void server_stop(struct server *server, int64_t limit_ms, int hurry_fd);

/* After runtime_stop(), before runtime_destroy(). Breaks off what is still open. Accepts NULL. */
void server_destroy(struct server *server);

#endif
