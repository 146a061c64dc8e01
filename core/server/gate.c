/* SPDX-License-Identifier: MIT */
/* The server's part of one loop. */
#include "server/gate.h"

#include <stdlib.h>
#include <unistd.h>

#include "engine/engine.h"
#include "server/auth.h"
#include "server/budget.h"
#include "server/conn.h"

#define SAY_EVERY_NS (10 * NS_PER_S) /* in the log, of the same want */

static void move_all(struct list *from, struct list *to)
{
    for (struct list *item; (item = list_pop(from)) != NULL;)
        list_append(to, item);
}

/* --- Connections that wait for the next pass -------------------------------------------------- */

void gate_wait(struct gate *gate, struct conn *conn)
{
    if (list_is_linked(&conn->waiting))
        return;
    list_append(&gate->waiting, &conn->waiting);
    if (!timer_is_set(&gate->next_pass))
        loop_timer_set(gate->loop, &gate->next_pass, loop_now_ns(gate->loop));
}

/* Those that ask again while this runs have to wait. */
static void on_next_pass(struct timer *timer)
{
    struct gate *gate = CONTAINER_OF(timer, struct gate, next_pass);
    struct list now;
    list_init(&now);
    move_all(&gate->waiting, &now);
    for (struct list *item; (item = list_pop(&now)) != NULL;)
        conn_continue(CONTAINER_OF(item, struct conn, waiting));
}

/* --- Connections that have something to send -------------------------------------------------- */

void gate_send(struct gate *gate, struct conn *conn)
{
    if (!list_is_linked(&conn->outgoing))
        list_append(&gate->outgoing, &conn->outgoing);
    loop_act(gate->loop, &gate->flush);
}

/* What the engine does in this phase comes first, whoever asked first: requests leave before
 * answers do, and the end of an answer leaves with its last events. */
static void on_flush(struct action *action)
{
    struct gate *gate = CONTAINER_OF(action, struct gate, flush);
    gate->flush_is_last = !gate->flush_is_last;
    if (gate->flush_is_last) {
        loop_act(gate->loop, &gate->flush);
        return;
    }
    struct list now;
    list_init(&now);
    move_all(&gate->outgoing, &now);
    for (struct list *item; (item = list_pop(&now)) != NULL;)
        conn_write(CONTAINER_OF(item, struct conn, outgoing));
}

/* --- What there is too much of ----------------------------------------------------------------------------------- */

/* And notes that it is said now. */
static bool is_due(const struct gate *gate, int64_t *said_ns)
{
    int64_t now_ns = loop_now_ns(gate->loop);
    if (*said_ns != 0 && now_ns - *said_ns < SAY_EVERY_NS)
        return false;
    *said_ns = now_ns;
    return true;
}

void gate_say_crowded(struct gate *gate, enum conn_excess excess, const char *client)
{
    bool is_of_all = excess == CONN_EXCESS_ALL;
    gate->crowd_unsaid++;
    if (!is_due(gate, &gate->crowd_said_ns))
        return;
    log_write(gate->log, LOG_LEVEL_WARN, "server.connections_full",
              "setting='%s' limit=%u client=%s refused=%u",
              is_of_all ? "server.limits.connections" : "server.limits.connections_per_address",
              is_of_all ? gate->conn_limit->most : gate->conn_limit->most_of_address, client,
              gate->crowd_unsaid);
    gate->crowd_unsaid = 0;
}

void gate_say_full(struct gate *gate)
{
    if (!is_due(gate, &gate->full_said_ns))
        return;
    log_write(gate->log, LOG_LEVEL_WARN, "server.bodies_full", "limit=%zu", gate->bodies->ceiling);
}

/* --- The end ---------------------------------------------------------------------------------- */

void gate_check_drained(struct gate *gate)
{
    uint64_t one = 1;
    if (!gate_is_leaving(gate) || gate->told || !list_is_empty(&gate->conns) ||
        (gate->engine != NULL && engine_loop_left(gate->engine) > 0))
        return;
    gate->told = true;
    ssize_t written = write(gate->drained_fd, &one, sizeof one);
    (void)written; /* fails only when the counter is full: it counts at most LIMIT_LOOPS */
}

static void break_off_left(struct gate *gate)
{
    if (gate->engine != NULL)
        engine_loop_break_off_left(gate->engine);
}

/* `todo` may close a connection, which takes it off the list. */
static void for_each_conn(struct gate *gate, void (*todo)(struct conn *conn))
{
    for (struct list *item = gate->conns.next, *next; item != &gate->conns; item = next) {
        next = item->next;
        todo(CONTAINER_OF(item, struct conn, link));
    }
}

static void on_stop(struct message *message)
{
    struct gate *gate = CONTAINER_OF(message, struct gate, stop);
    acceptor_close(&gate->acceptor);
    gate->stopping = true;
    gate->stop_limit_ns = loop_now_ns(gate->loop) + CONN_LIMIT_STOP_S * NS_PER_S;
    for_each_conn(gate, conn_stop);
    gate_check_drained(gate);
}

/* Another process takes the connections from now on. */
static void on_retire(struct message *message)
{
    struct gate *gate = CONTAINER_OF(message, struct gate, retire);
    acceptor_close(&gate->acceptor);
    gate->retiring = true;
    for_each_conn(gate, conn_retire);
    gate_check_drained(gate);
}

static void on_cut(struct message *message)
{
    struct gate *gate = CONTAINER_OF(message, struct gate, cut);
    gate->cutting = true;
    for_each_conn(gate, conn_cut);
    break_off_left(gate);
    gate_check_drained(gate);
}

/* --- Life ------------------------------------------------------------------------------------- */

const char *gate_date(struct gate *gate)
{
    int64_t wall_ns = loop_wall_ns(gate->loop);
    if (wall_ns / NS_PER_S != gate->date_s) {
        gate->date_s = wall_ns / NS_PER_S;
        clock_format_http(wall_ns, gate->date);
    }
    return gate->date;
}

const struct config_limits gate_limits_usual = {.head = HTTP_HEAD_MAX,
                                                .target = HTTP_TARGET_MAX,
                                                .fields = HTTP_FIELDS_MAX,
                                                .head_ms = 30000,
                                                .body_ms = 60000,
                                                .idle_ms = 75000,
                                                .send_ms = 60000};

harborai_status gate_init(struct gate *gate, harborai_error *error)
{
    gate->head_limits = (struct http_limits){.head = (size_t)gate->limits->head,
                                             .target = (size_t)gate->limits->target,
                                             .fields = (unsigned)gate->limits->fields};
    list_init(&gate->conns);
    list_init(&gate->waiting);
    list_init(&gate->outgoing);
    gate->flush.run = on_flush;
    gate->next_pass.on_due = on_next_pass;
    gate->stop.run = on_stop;
    gate->retire.run = on_retire;
    gate->cut.run = on_cut;
    ids_init(&gate->ids);
    gate->date_s = -1;
    acceptor_init(&gate->acceptor);
    gate->receive = malloc(GATE_RECEIVE);
    if (gate->receive == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    return HARBORAI_OK;
}

void gate_release(struct gate *gate)
{
    if (gate->receive == NULL)
        return;
    gate->stopping = gate->cutting = gate->told = true;
    acceptor_release(&gate->acceptor);
    for_each_conn(gate, conn_close);
    break_off_left(gate);
    loop_timer_clear(gate->loop, &gate->next_pass);
    list_remove(&gate->flush.link);
    auth_destroy(take(gate->auth));
    free(take(gate->receive));
}
