/* SPDX-License-Identifier: MIT */
/* POST /keys/read of the control socket: keys.json is read again, and who asked knows that it is in
 * force. The loop waits for nobody: the order comes back as a message. */
#include <stdlib.h>

#include "base/error.h"
#include "runtime/order.h"
#include "server/api.h"
#include "server/gate.h"
#include "server/reply.h"

struct task {
    struct conn_work work;
    struct conn *conn; /* NULL: nobody is to be answered any more */
    struct loop *loop;
    struct message back; /* from the keeper */
    struct runtime_order order;
};

static struct conn *let_go(struct task *task)
{
    struct conn *conn = take(task->conn);
    if (conn != NULL)
        conn->work = NULL;
    return conn;
}

static void answer(struct task *task)
{
    const struct runtime_order *order = &task->order;
    struct conn *conn = let_go(task);
    if (conn == NULL)
        return;
    if (order->status < 0)
        reply_whole(conn, &(struct reply){.status = 409, .error = &order->error});
    else
        reply_whole(conn, &(struct reply){.status = 200, .body = HARBORAI_STR("{\"version\":1}")});
}

static void on_done(struct message *message)
{
    struct task *task = CONTAINER_OF(message, struct task, back);
    answer(task);
    free(task);
}

static void post_done(struct runtime_order *order)
{
    struct task *task = CONTAINER_OF(order, struct task, order);
    loop_post(task->loop, &task->back);
}

static void forget(struct conn_work *work)
{
    CONTAINER_OF(work, struct task, work)->conn = NULL;
}

static void stop(struct conn_work *work)
{
    reply_refuse(let_go(CONTAINER_OF(work, struct task, work)), 503, NULL,
                 "this gateway is shutting down");
}

void api_keys_read(struct conn *conn, harborai_str rest UNUSED)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    struct task *task = conn->gate->stopping ? NULL : calloc(1, sizeof *task);
    if (task == NULL) {
        reply_busy(conn);
        return;
    }
    *task = (struct task){.work = {forget, stop}, .conn = conn, .loop = conn->gate->loop};
    task->back.run = on_done;
    task->order.kind = RUNTIME_ORDER_KEYS;
    task->order.done = post_done;
    conn->work = &task->work;
    conn->state = CONN_CALL;
    conn_set_limit(conn, 0);
    if (runtime_order(conn->gate->runtime, &task->order, &error) >= 0)
        return;
    (void)let_go(task);
    free(task);
    reply_busy(conn);
}
