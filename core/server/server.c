/* SPDX-License-Identifier: MIT */
/* The server: one listener, a gate on each loop. Starts no thread. */
#include "server/server.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "account/rate_table.h"
#include "base/error.h"
#include "runtime/runtime.h"
#include "server/auth.h"
#include "server/budget.h"
#include "server/control.h"
#include "server/cors.h"
#include "server/gate.h"
#include "server/router.h"
#include "server/takeover.h"
#include "server/tls.h"

#define CUT_LIMIT_MS 5000 /* for loops to notice; only a plugin that hangs on one needs it */

struct server {
    struct listener listener;
    struct tls_context *tls; /* NULL: none */
    const struct log *log;
    int drained_fd; /* -1 = not made */
    int handed_fd;  /* likewise */
    uint64_t drained; /* gates that have told so */
    unsigned gate_count;
    struct gate *gates;
    struct acceptor **acceptors;
    struct budget bodies;
    struct rate_table *addresses; /* calls of clients without a key */
    struct config_limits limits;
    struct conn_limit conn_limit;
    struct cors *cors; /* or NULL */
    struct control *control; /* NULL: none */
};

static harborai_status init_gate(struct server *server, struct runtime *runtime,
                                 const struct server_options *options, unsigned index,
                                 harborai_error *error)
{
    struct gate *gate = &server->gates[index];
    gate->loop = runtime_loop(runtime, index);
    gate->routes = &router_public;
    gate->engine = runtime_engine(runtime, index);
    gate->runtime = runtime;
    gate->metrics = metrics_shard_of(runtime_metrics(runtime), index);
    gate->log = runtime_log(runtime);
    gate->tls = server->tls;
    gate->logs_for = options->logs_for;
    gate->max_body = (size_t)options->max_body;
    gate->limits = &server->limits;
    gate->cors = server->cors;
    gate->conn_limit = &server->conn_limit;
    gate->answers_half_closed = options->answers_half_closed;
    gate->bodies = &server->bodies;
    gate->drained_fd = server->drained_fd;
    gate->started_ns = clock_monotonic_ns(loop_clock(gate->loop));
    gate->start_took_ns = options->began_ns > 0 ? gate->started_ns - options->began_ns : 0;
    gate->acceptor.gate = gate;
    gate->acceptor.listener = &server->listener;
    gate->acceptor.all = server->acceptors;
    gate->acceptor.all_count = server->gate_count;
    server->acceptors[index] = &gate->acceptor;
    atomic_fetch_add(&server->listener.users, 1);
    harborai_status st = auth_create(runtime, &server->listener, server->addresses, &gate->auth, error);
    return st < 0 ? st : gate_init(gate, error);
}

static harborai_status make_room(struct server *server, unsigned loops, harborai_error *error)
{
    char text[128];
    server->gates = aligned_alloc(CACHE_LINE, loops * sizeof *server->gates);
    server->acceptors = calloc(loops, sizeof(struct acceptor *));
    if (server->gates == NULL || server->acceptors == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    memset(server->gates, 0, loops * sizeof *server->gates);
    server->gate_count = loops;
    server->drained_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    server->handed_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (server->drained_fd < 0 || server->handed_fd < 0)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "cannot make an eventfd: %s",
                                  error_of_errno(errno, text));
    return HARBORAI_OK;
}

/* One body of the longest kind must always fit, and what the engine may make of it. */
static void set_budget(struct server *server, const struct server_options *options)
{
    uint64_t ceiling = budget_memory("/proc/self/cgroup", "/sys/fs/cgroup") / 4;
    uint64_t least = 2 * (uint64_t)options->max_body + LIMIT_REPLAYS_GIVEN;
    if (options->limits.memory > 0) {
        ceiling = (uint64_t)options->limits.memory;
        least = (uint64_t)options->max_body;
    }
    if (ceiling < least)
        ceiling = least;
    budget_init(&server->bodies, ceiling < SIZE_MAX ? (size_t)ceiling : SIZE_MAX);
}

/* A gateway without it does its work. */
static void open_control(struct server *server, struct runtime *runtime,
                         const struct server_options *options)
{
    const struct control_options with = {.runtime = runtime,
                                         .bodies = &server->bodies,
                                         .drained_fd = server->drained_fd,
                                         .state_dir = options->state_dir,
                                         .listener = &server->listener,
                                         .acceptors = server->acceptors,
                                         .acceptor_count = server->gate_count,
                                         .handed_fd = server->handed_fd,
                                         .is_awaited = options->takeover != NULL};
    harborai_error error = HARBORAI_ERROR_INIT;
    if (options->with_control && control_create(&with, &server->control, &error) < 0)
        log_write(runtime_log(runtime), LOG_LEVEL_WARN, "control.none",
                  "error='%s' help='commands about plugins reach this gateway by SIGHUP alone'",
                  error.message);
}

static mode_t mode_of(enum config_access access)
{
    static const mode_t modes[] = {[CONFIG_ACCESS_USER] = 0600,
                                   [CONFIG_ACCESS_GROUP] = 0660,
                                   [CONFIG_ACCESS_EVERYONE] = 0666};
    return modes[access];
}

/* Sockets of the gateway before this one are taken, and none of them may be left. */
static harborai_status open_listener(struct server *server, const struct server_options *options,
                                     harborai_error *error)
{
    struct listener *listener = &server->listener;
    harborai_status st = HARBORAI_OK;
    if (options->takeover != NULL) {
        struct fd_passed *passed = &options->takeover->passed;
        unsigned count = passed->count - TAKEOVER_FD_FIRST;
        passed->count = TAKEOVER_FD_FIRST;
        st = listener_offer(listener, passed->fds + TAKEOVER_FD_FIRST, count, error);
    }
    bool has_address = !slice_is(options->host, "none");
    if (st < 0)
        return st;
    if (options->socket_count == 0 && !has_address && options->socket.len == 0)
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "there is nothing to listen on: server.host is 'none', so set "
                                  "server.socket (--socket) to the path of a Unix socket");
    if (options->socket_count > 0)
        st = listener_inherit(listener, options->sockets, options->socket_count, error);
    else if (has_address)
        st = listener_open(listener, options->host, options->port, error);
    if (st >= 0 && options->socket_count == 0 && options->socket.len > 0)
        st = listener_open_unix(listener, options->socket, mode_of(options->socket_access), error);
    return st >= 0 ? listener_check_offered(listener, error) : st;
}

static harborai_status load_tls(struct server *server, const struct config_tls *tls,
                                harborai_error *error)
{
    if (tls == NULL || tls->certificate.len == 0)
        return HARBORAI_OK;
    server->listener.has_tls = true;
    return tls_context_create(tls, server->log, &server->tls, error);
}

static harborai_status build(struct server *server, struct runtime *runtime,
                             const struct server_options *options, harborai_error *error)
{
    server->log = runtime_log(runtime);
    harborai_status st = load_tls(server, options->tls, error);
    if (st >= 0)
        st = open_listener(server, options, error);
    if (st < 0)
        return st;
    set_budget(server, options);
    server->limits = options->limits;
    conn_limit_init(&server->conn_limit,
                    options->limits.connections > 0 ? (unsigned)options->limits.connections
                                                    : conn_limit_of_files(),
                    (unsigned)options->limits.connections_per_address);
    st = cors_create(options->cors_origins, &server->cors, error);
    if (st >= 0)
        st = make_room(server, runtime_loop_count(runtime), error);
    if (st >= 0)
        st = rate_table_create(&server->addresses, error);
    if (st < 0)
        return st;
    auth_warn(runtime, &server->listener);
    for (unsigned i = 0; i < server->gate_count; i++) {
        st = init_gate(server, runtime, options, i, error);
        if (st < 0)
            return st;
    }
    for (unsigned i = 0; i < server->gate_count; i++)
        acceptor_update(&server->gates[i].acceptor);
    open_control(server, runtime, options);
    return HARBORAI_OK;
}

void server_show_drains(struct server *server, struct drains *drains)
{
    for (unsigned i = 0; i < server->gate_count; i++)
        server->gates[i].drains = drains;
}

void server_show_logs(struct server *server, struct logs_desk *desk)
{
    for (unsigned i = 0; i < server->gate_count; i++)
        server->gates[i].logs = desk;
}

harborai_status server_create(struct runtime *runtime, const struct server_options *options,
                              struct server **ret_server, harborai_error *error)
{
    struct server *server = calloc(1, sizeof *server);
    if (server == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    server->drained_fd = server->handed_fd = -1;
    harborai_status st = build(server, runtime, options, error);
    if (st < 0) {
        server_destroy(server);
        return st;
    }
    *ret_server = server;
    return HARBORAI_OK;
}

/* One that died may have had the wake-up for connections that wait. */
harborai_status server_finish_takeover(struct server *server, struct takeover *takeover,
                                       harborai_error *error)
{
    struct fd_passed *passed = &takeover->passed;
    bool has_control = false;
    harborai_status st = takeover_finish(takeover, &has_control, error);
    if (st < 0)
        return st;
    server->listener.name_is_lent = false;
    log_write(runtime_log(server->gates[0].runtime), LOG_LEVEL_INFO, "takeover.taken", "process=%lld",
              (long long)takeover->process);
    if (has_control && server->control != NULL) {
        passed->count = 0;
        control_inherit(server->control, passed->fds[TAKEOVER_FD_LOCK],
                        passed->fds[TAKEOVER_FD_CONTROL]);
    }
    fd_passed_release(passed);
    for (unsigned i = 0; i < server->gate_count; i++)
        acceptor_look_again(server->acceptors[i]);
    return HARBORAI_OK;
}

int server_handed_descriptor(const struct server *server)
{
    return server->handed_fd;
}

long long server_successor(const struct server *server)
{
    return control_successor(server->control);
}

const char *server_url(const struct server *server)
{
    return server->listener.url;
}

harborai_status server_renew_tls(struct server *server, const struct config_tls *tls,
                                 harborai_error *error)
{
    if (server->tls == NULL || tls->certificate.len == 0)
        return HARBORAI_OK;
    return tls_context_replace(server->tls, tls, server->log, error);
}

/* Until so many gates are drained, the time is over or there is something to read from hurry_fd (-1:
 * none); false: not drained. */
static bool wait_until_drained(struct server *server, uint64_t count, int64_t limit_ms, int hurry_fd)
{
    struct pollfd fds[] = {{.fd = server->drained_fd, .events = POLLIN},
                           {.fd = hurry_fd, .events = POLLIN}};
    int64_t end_ns = clock_after_ms(clock_monotonic_ns(&clock_system), limit_ms);
    while (server->drained < count) {
        uint64_t more = 0;
        int64_t left_ms = (end_ns - clock_monotonic_ns(&clock_system)) / NS_PER_MS;
        if (left_ms < 0)
            return false;
        int ready = poll(fds, ARRAY_LEN(fds), (int)(left_ms < INT32_MAX ? left_ms : INT32_MAX));
        if (ready > 0 && read(server->drained_fd, &more, sizeof more) == (ssize_t)sizeof more)
            server->drained += more;
        else if (left_ms == 0 || (ready > 0 && fds[1].revents != 0))
            return false;
    }
    return true;
}

void server_retire(struct server *server, int64_t limit_ms, int hurry_fd)
{
    listener_leave_name(&server->listener);
    for (unsigned i = 0; i < server->gate_count; i++)
        loop_post(server->gates[i].loop, &server->gates[i].retire);
    (void)wait_until_drained(server, server->gate_count, limit_ms, hurry_fd);
}

void server_stop(struct server *server, int64_t limit_ms, int hurry_fd)
{
    uint64_t count = server->gate_count + (server->control != NULL);
    bool has_heir = control_stop(server->control); /* first: it lends the sockets that the gates close */
    atomic_store(&server->listener.leaves_rest, has_heir);
    if (has_heir)
        listener_leave_name(&server->listener);
    else
        listener_remove_name(&server->listener); /* who asks from now on may find the next gateway */
    for (unsigned i = 0; i < server->gate_count; i++)
        loop_post(server->gates[i].loop, &server->gates[i].stop);
    if (wait_until_drained(server, count, limit_ms, hurry_fd))
        return;
    for (unsigned i = 0; i < server->gate_count; i++)
        loop_post(server->gates[i].loop, &server->gates[i].cut);
    control_cut(server->control);
    (void)wait_until_drained(server, count, CUT_LIMIT_MS, -1);
}

void server_destroy(struct server *server)
{
    if (server == NULL)
        return;
    for (unsigned i = 0; i < server->gate_count; i++)
        gate_release(&server->gates[i]);
    control_release(server->control);
    /* What was parked or posted lies in memory of ours, and cancelled calls have to be recorded. */
    for (unsigned i = 0; i < server->gate_count; i++)
        if (server->gates[i].loop != NULL)
            loop_turn(server->gates[i].loop, 0);
    control_destroy(server->control);
    tls_context_destroy(server->tls);
    listener_close(&server->listener);
    if (server->drained_fd >= 0)
        close(server->drained_fd);
    rate_table_destroy(server->addresses);
    conn_limit_release(&server->conn_limit);
    cors_destroy(server->cors);
    if (server->handed_fd >= 0)
        close(server->handed_fd);
    free(server->gates);
    free(server->acceptors);
    free(server);
}
