/* SPDX-License-Identifier: MIT */
/* GET /v1/logs/query, /v1/logs/stats and /v1/logs/ID: what is on record of calls. The loop waits for no
 * answer: it comes back as a message. Must never tell a stranger anything: a key
 * says whose a call is, not that its holder may read those of all, so whom a gateway tells is a matter of
 * where it listens. */
#include <stdlib.h>

#include "base/error.h"
#include "chat/error_json.h"
#include "server/api.h"
#include "server/drains.h"
#include "server/gate.h"
#include "server/logs_desk.h"
#include "server/percent.h"
#include "server/reply.h"
#include "server/site.h"
#include "wire/http_head.h"

struct task {
    struct conn_work work;
    struct conn *conn; /* NULL: nobody is to be answered any more */
    struct loop *loop;
    struct logs_order *order;
    struct message back;
};

/* ---- Who may ask ---------------------------------------------------------------------------- */

/* Whoever came through a proxy is not on this machine, but the proxy is. */
static bool is_forwarded(const struct http_request_head *request)
{
    static const char *const names[] = {"forwarded", "x-forwarded-for", "x-real-ip"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (http_field(&request->head, names[i]).len > 0)
            return true;
    return false;
}

/* NULL: he may. A page may have a name of its own resolved to 127.0.0.1: then the browser asks with that name. */
static const char *why_not(const struct conn *conn)
{
    const struct gate *gate = conn->gate;
    if (gate->logs == NULL)
        return "this gateway keeps no record of calls: switch it on with journal.enabled: true and a "
               "state directory";
    if (gate->logs_for == CONFIG_LOGS_OFF)
        return "logs are switched off here: switch them on with server.logs: local or on";
    if (site_is_another(conn->head))
        return "logs are not for pages of another site";
    if (gate->logs_for == CONFIG_LOGS_ON)
        return NULL;
    if (!gate->acceptor.listener->is_loopback)
        return "this gateway listens for other machines, too: it tells its logs to whoever may ask it "
               "anything only with server.logs: on";
    if (!site_is_local(conn->head->host) || is_forwarded(conn->head))
        return "logs are for programs of this machine alone, which ask 127.0.0.1, [::1] or localhost "
               "without a proxy: server.logs: on lifts that";
    return NULL;
}

/* ---- Answers -------------------------------------------------------------------------------- */

/* The client gets its answer now, or has left. */
static struct conn *let_go(struct task *task)
{
    struct conn *conn = take(task->conn);
    if (conn != NULL)
        conn->work = NULL;
    return conn;
}

static void refuse(struct conn *conn, harborai_error *error)
{
    int status = error->code == HARBORAI_E_MEMORY ? 503 : error_json_status(error);
    if (error->code == HARBORAI_E_NOT_FOUND)
        error_set_code(error, "log_not_found");
    reply_whole(conn, &(struct reply){.status = status, .error = error});
}

static void on_done(struct message *message)
{
    struct task *task = CONTAINER_OF(message, struct task, back);
    struct conn *conn = let_go(task);
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_str json;
    harborai_status st = logs_order_answer(task->order, &json, &error);
    if (conn != NULL && st < 0)
        refuse(conn, &error);
    else if (conn != NULL)
        reply_whole(conn, &(struct reply){.status = 200, .body = json});
    logs_order_destroy(task->order);
    free(task);
}

static void post_done(void *owner)
{
    struct task *task = owner;
    loop_post(task->loop, &task->back);
}

/* ---- Requests ------------------------------------------------------------------------------- */

static void forget(struct conn_work *work)
{
    struct task *task = CONTAINER_OF(work, struct task, work);
    task->conn = NULL;
    logs_order_drop(task->order);
}

static void stop(struct conn_work *work)
{
    struct task *task = CONTAINER_OF(work, struct task, work);
    logs_order_drop(task->order);
    reply_refuse(let_go(task), 503, NULL, "this gateway is shutting down: ask again");
}

static void order(struct conn *conn, enum logs_kind kind, harborai_str text)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    struct drains *drains = conn->gate->drains;
    struct task *task = calloc(1, sizeof *task);
    if (task == NULL) {
        reply_busy(conn);
        return;
    }
    task->loop = conn->gate->loop;
    task->back.run = on_done;
    const struct logs_wish wish = {.kind = kind,
                                   .text = text,
                                   .skip_postgres = !drains_postgres_is_current(drains),
                                   .skip_index = !drains_index_is_current(drains),
                                   .done = post_done,
                                   .owner = task};
    if (logs_desk_order(conn->gate->logs, &wish, &task->order, &error) < 0) {
        refuse(conn, &error);
        free(task);
        return;
    }
    task->work = (struct conn_work){.forget = forget, .stop = stop};
    task->conn = conn;
    conn->work = &task->work;
    conn->state = CONN_CALL;
    conn_set_limit(conn, 0);
}

static void ask(struct conn *conn, enum logs_kind kind, harborai_str text)
{
    const char *why = why_not(conn);
    if (why != NULL)
        reply_refuse(conn, 403, "logs_disabled", "%s", why);
    else if (conn->gate->stopping)
        reply_refuse(conn, 503, NULL, "this gateway is shutting down: ask again");
    else
        order(conn, kind, text);
}

void api_logs_query(struct conn *conn, harborai_str rest UNUSED)
{
    ask(conn, LOGS_QUERY, conn->head->query);
}

void api_logs_stats(struct conn *conn, harborai_str rest UNUSED)
{
    ask(conn, LOGS_STATS, conn->head->query);
}

void api_logs_one(struct conn *conn, harborai_str rest)
{
    AUTO(buf) id = BUF_INIT(HTTP_TARGET_MAX);
    if (percent_decode(rest, &id))
        ask(conn, LOGS_ONE, buf_slice(&id));
    else
        reply_refuse(conn, 400, "bad_request", "the id is not percent-encoded properly");
}
