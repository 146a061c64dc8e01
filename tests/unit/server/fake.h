/* SPDX-License-Identifier: MIT */
/* What stands behind the server in these tests: a runtime of loops, metrics and models that are
 * real, and an engine whose calls do what the request's body says:
 *
 *   whole TEXT    one answer, TEXT         stream N     N chunks {"n":0} …, then a proper end
 *   error         fails before a byte      break N      N chunks, then an error
 *   hold          nothing, until the test says fake_chunk() or fake_end()
 *   hold stream   the same, of a call for a stream
 */
#ifndef TESTS_UNIT_SERVER_FAKE_H
#define TESTS_UNIT_SERVER_FAKE_H

#include <pthread.h>
#include <stdatomic.h>

#include "config/config.h"
#include "engine/call.h"
#include "plugin/provider.h"
#include "plugin/slot.h"
#include "runtime/runtime.h"
#include "server/server.h"

enum { FAKE_LOOPS_MAX = 4 };

struct fake_seen { /* of the latest call; not with several loops */
    struct call *call;
    char body[256], request_id[256], trace_parent[64], client[64];
};

struct runtime {
    struct clock clock;
    int64_t now_ns; /* both clocks show it */
    struct epoch epoch;
    struct loop *loops[FAKE_LOOPS_MAX];
    unsigned loop_count;
    pthread_t threads[FAKE_LOOPS_MAX];
    struct engine_loop *engines[FAKE_LOOPS_MAX];
    struct metrics *metrics;
    struct model_map *models;
    struct provider provider; /* as far as its secrets go: it lacks its key */
    struct slot slot;
    struct config config; /* nothing is set */
    struct server *server;
    struct fake_seen seen;
    _Atomic unsigned started, cancelled, resumed, over;
    unsigned heads; /* call_head_sent() */
    bool no_memory; /* call_start() fails */
    bool refuses;   /* calls, for the journal is full */
    bool journal_fails;
    unsigned waiting; /* calls, in each loop */
    bool keeps;     /* calls that are cancelled stay until fake_let_go() */
};

/* A server on 127.0.0.1 and a free port, with bodies up to max_body. */
void fake_begin(struct runtime *runtime, unsigned loops, int64_t max_body);
/* … which together have so many bytes. */
void fake_begin_with(struct runtime *runtime, unsigned loops, int64_t max_body,
                     int64_t memory);
/* … as told. */
void fake_begin_as(struct runtime *runtime, unsigned loops, const struct server_options *options);
void fake_end_all(struct runtime *runtime);

/* Each loop on a thread of its own, and the end of that. */
void fake_start_threads(struct runtime *runtime);
void fake_stop_threads(struct runtime *runtime);

/* One pass of each loop. */
void fake_pass(struct runtime *runtime);

/* A client's socket, non-blocking, connected. */
int fake_connect(struct runtime *runtime);
/* Sends all of it, passing as often as that needs. */
void fake_send(struct runtime *runtime, int fd, harborai_str bytes);
/* Connects, sends, and lets a pass go by. */
int fake_ask(struct runtime *runtime, harborai_str bytes);
/* Passes until `want` bytes came, the connection ended or nothing has come for a while. Returns
 * what came, NUL-terminated, borrowed until the next use of `into`; *ret_ended may be NULL. */
const char *fake_receive(struct runtime *runtime, int fd, struct buf *into, size_t want,
                         bool *ret_ended);

void fake_chunk(struct call *call, harborai_str json);
void fake_end(struct call *call, harborai_status code);
/* Frees a call that was kept. */
void fake_let_go(struct call *call);
size_t fake_undelivered(const struct call *call);

#endif
