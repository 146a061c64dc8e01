/* SPDX-License-Identifier: MIT */
/* GET /plugins, GET /plugins/NAME, POST /plugins/NAME/{enable,disable,remove,reload}, POST /rescan:
 * orders to the runtime, given by who owns this process. The loop waits for none of them: an order
 * comes back as a message, and a client that has left meanwhile is no reason to break it off. */
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "chat/error_json.h"
#include "runtime/order.h"
#include "runtime/subject.h"
#include "server/api.h"
#include "server/control.h"
#include "server/gate.h"
#include "server/percent.h"
#include "server/plugins_json.h"
#include "server/reply.h"

#define PATIENCE_S 10 /* for plugins that are being loaded; then the order goes on without its client */
#define NAME_MAX_LEN KIB(4)

struct task {
    struct conn_work work;
    struct conn *conn; /* NULL: nobody is to be answered any more */
    struct loop *loop;
    struct runtime *runtime;
    struct timer patience;
    struct message back;          /* from the keeper */
    struct runtime_order order;   /* what is to be done; none of GET */
    struct runtime_order listing; /* … and what there is after that */
    bool is_change;
    struct buf name; /* whose */
};

/* ---- Answers --------------------------------------------------------------------------------- */

/* The client gets its answer now, or has left. */
static struct conn *let_go(struct task *task)
{
    struct conn *conn = take(task->conn);
    loop_timer_clear(task->loop, &task->patience);
    if (conn != NULL)
        conn->work = NULL;
    return conn;
}

static void destroy(struct task *task)
{
    (void)let_go(task);
    runtime_listing_destroy(task->listing.listing);
    buf_release(&task->name);
    free(task);
}

/* Of an order: whatever a vendor's error of that code would be over HTTP. */
static int status_of(harborai_status code)
{
    return code == HARBORAI_E_NOT_FOUND ? 404
           : code == HARBORAI_E_INVALID ? 400
           : code == HARBORAI_E_MEMORY  ? 503
                                        : 409;
}

static void refuse(struct conn *conn, const harborai_error *error)
{
    if (conn != NULL)
        reply_whole(conn, &(struct reply){.status = status_of(error->code), .error = error});
}

static void reply_json(struct conn *conn, int status, const struct buf *json)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    if (buf_status(json, &error) < 0)
        refuse(conn, &error);
    else
        reply_whole(conn, &(struct reply){.status = status, .body = buf_slice(json)});
}

static struct plugins_choice choice_of(const struct task *task)
{
    const struct runtime_order *order = &task->order;
    harborai_str name = buf_slice(&task->name);
    if (order->switched[0] != '\0' && order->kind_switched != PLUGIN_STATE_MODEL)
        name = slice_of(order->switched);
    return (struct plugins_choice){task->listing.listing, name};
}

/* What was done, and what it means for calls. */
static void say(const struct task *task, const struct plugins_choice *choice, struct buf *text)
{
    const struct runtime_order *order = &task->order;
    size_t leaving = plugins_json_leaving(choice);
    buf_add(text, order->text[0] != '\0'
                      ? slice_of(order->text)
                      : HARBORAI_STR("the plugin directories and plugins.json were read again"));
    if (order->warning.code < 0)
        buf_add(text, HARBORAI_STR(" in plugins.json, which is not in force yet"));
    if (order->kind == RUNTIME_ORDER_RELOAD && plugins_json_generation(choice) > 0)
        buf_printf(text, "; generation %llu",
                   (unsigned long long)plugins_json_generation(choice));
    if (leaving > 0)
        buf_printf(text, "; %zu call%s in flight finish%s", leaving, leaving == 1 ? "" : "s",
                   leaving == 1 ? "es" : "");
}

static void write_switch(const struct task *task, struct json_writer *w)
{
    AUTO(buf) file = BUF_INIT(KIB(8));
    const struct runtime_order *order = &task->order;
    json_write_key_string(w, "kind", slice_of(subject_kind_name(order->kind_switched)));
    json_write_key_string(w, "name", slice_of(order->switched));
    if (order->also[0] != '\0') {
        json_write_key(w, HARBORAI_STR("also"));
        json_write_object(w);
        json_write_key_string(w, "kind", slice_of(subject_kind_name(order->kind_also)));
        json_write_key_string(w, "name", slice_of(order->also));
        json_write_end(w);
    }
    json_write_key(w, HARBORAI_STR("enabled"));
    json_write_bool(w, order->enabled);
    json_write_key(w, HARBORAI_STR("changed"));
    json_write_bool(w, order->changed);
    buf_printf(&file, "%.*s/plugins.json", SLICE_ARG(control_state_dir(task->conn->gate)));
    json_write_key_string(w, "file", buf_slice(&file));
    if (order->warning.code < 0)
        json_write_key_string(w, "warning", slice_of(order->warning.message));
}

static void tell(struct task *task)
{
    AUTO(buf) json = BUF_INIT(LIMIT_RESPONSE_BODY), text = BUF_INIT(KIB(4));
    struct json_writer w = JSON_WRITER(&json);
    struct plugins_choice choice = choice_of(task);
    json_write_object(&w);
    json_write_key_int64(&w, "version", 1);
    if (task->is_change) {
        say(task, &choice, &text);
        json_write_key_string(&w, "text", buf_slice(&text));
    }
    if (task->order.switched[0] != '\0')
        write_switch(task, &w);
    plugins_json_write(&w, &choice);
    json_write_end(&w);
    reply_json(let_go(task), 200, &json);
}

static void answer(struct task *task)
{
    const struct plugins_choice choice = choice_of(task);
    if (task->is_change || choice.name.len == 0 || plugins_json_count(&choice) > 0) {
        tell(task);
        return;
    }
    harborai_error error = HARBORAI_ERROR_INIT;
    (void)harborai_error_set(&error, HARBORAI_E_NOT_FOUND,
                             "the gateway has no plugin or provider '%.*s': 'harborai plugin list' "
                             "shows those that it has", SLICE_ARG(slice_cut(choice.name, 200)));
    refuse(let_go(task), &error);
}

/* ---- Orders ---------------------------------------------------------------------------------- */

static void fail(struct task *task, const harborai_error *error)
{
    refuse(let_go(task), error);
    destroy(task);
}

static void on_listed(struct message *message)
{
    struct task *task = CONTAINER_OF(message, struct task, back);
    if (task->listing.status < 0) {
        fail(task, &task->listing.error);
        return;
    }
    if (task->conn != NULL)
        answer(task);
    destroy(task);
}

static void post_listed(struct runtime_order *order)
{
    struct task *task = CONTAINER_OF(order, struct task, listing);
    task->back.run = on_listed;
    loop_post(task->loop, &task->back);
}

static void list(struct task *task)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    task->listing.kind = RUNTIME_ORDER_LIST;
    task->listing.done = post_listed;
    if (runtime_order(task->runtime, &task->listing, &error) < 0)
        fail(task, &error);
}

static void on_done(struct message *message)
{
    struct task *task = CONTAINER_OF(message, struct task, back);
    if (task->order.status < 0)
        fail(task, &task->order.error);
    else
        list(task);
}

static void post_done(struct runtime_order *order)
{
    struct task *task = CONTAINER_OF(order, struct task, order);
    task->back.run = on_done;
    loop_post(task->loop, &task->back);
}

/* What is published is in force; what is loaded beside it takes its time. */
static void on_impatient(struct timer *timer)
{
    struct task *task = CONTAINER_OF(timer, struct task, patience);
    AUTO(buf) json = BUF_INIT(KIB(4));
    struct json_writer w = JSON_WRITER(&json);
    json_write_object(&w);
    json_write_key_int64(&w, "version", 1);
    json_write_key_string(&w, "text",
                          HARBORAI_STR("it is still being loaded, and what was there before serves "
                                       "on meanwhile: 'harborai plugin list' shows when it is done"));
    json_write_end(&w);
    reply_json(let_go(task), 202, &json);
}

/* ---- Requests -------------------------------------------------------------------------------- */

/* Who waits for a plugin would have the gateway wait for it, too. */
static void stop(struct conn_work *work)
{
    reply_refuse(let_go(CONTAINER_OF(work, struct task, work)), 503, NULL,
                 "this gateway is shutting down: once another runs, 'harborai plugin list' shows what "
                 "came of this");
}

static void forget(struct conn_work *work)
{
    struct task *task = CONTAINER_OF(work, struct task, work);
    task->conn = NULL;
    loop_timer_clear(task->loop, &task->patience);
}

static struct task *begin(struct conn *conn)
{
    struct task *task = NULL;
    if (conn->gate->stopping) {
        reply_refuse(conn, 503, NULL, "this gateway is shutting down: nothing was done");
        return NULL;
    }
    task = calloc(1, sizeof *task);
    if (task == NULL) {
        reply_busy(conn);
        return NULL;
    }
    task->work.forget = forget;
    task->work.stop = stop;
    task->conn = conn;
    task->loop = conn->gate->loop;
    task->runtime = conn->gate->runtime;
    task->patience.on_due = on_impatient;
    buf_init(&task->name, NAME_MAX_LEN);
    conn->work = &task->work;
    conn->state = CONN_CALL;
    conn_set_limit(conn, 0);
    return task;
}

static void give(struct task *task, enum runtime_order_kind kind)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    task->is_change = true;
    task->order.kind = kind;
    task->order.name = buf_slice(&task->name);
    task->order.done = post_done;
    loop_timer_set(task->loop, &task->patience, loop_now_ns(task->loop) + PATIENCE_S * NS_PER_S);
    if (runtime_order(task->runtime, &task->order, &error) < 0)
        fail(task, &error);
}

/* False: refused. */
static bool take_name(struct task *task, harborai_str encoded)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    bool is_decoded = percent_decode(encoded, &task->name);
    if (is_decoded && task->name.len > 0)
        return true;
    (void)harborai_error_set(&error, HARBORAI_E_INVALID, "the name is %s",
                             is_decoded                               ? "empty"
                             : buf_status(&task->name, NULL) < 0 ? "longer than 4 KiB"
                                                                 : "not percent-encoded properly");
    fail(task, &error);
    return false;
}

void api_plugins_list(struct conn *conn, harborai_str rest UNUSED)
{
    struct task *task = begin(conn);
    if (task != NULL)
        list(task);
}

void api_plugins_one(struct conn *conn, harborai_str rest)
{
    struct task *task = begin(conn);
    if (task != NULL && take_name(task, rest))
        list(task);
}

void api_plugins_rescan(struct conn *conn, harborai_str rest UNUSED)
{
    struct task *task = begin(conn);
    if (task != NULL)
        give(task, RUNTIME_ORDER_RESCAN);
}

/* What may stand behind the name. */
static const struct verb {
    const char *word;
    enum runtime_order_kind kind;
    bool enabled;
    const char *by;
} verbs[] = {
    {"enable", RUNTIME_ORDER_SWITCH, true, "harborai plugin enable"},
    {"disable", RUNTIME_ORDER_SWITCH, false, "harborai plugin disable"},
    {"remove", RUNTIME_ORDER_SWITCH, false, PLUGIN_STATE_BY_REMOVE},
    {"reload", RUNTIME_ORDER_RELOAD, false, NULL},
};

static const struct verb *find_verb(harborai_str rest, harborai_str *ret_name)
{
    harborai_str word;
    if (!slice_split(rest, '/', ret_name, &word))
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
        if (slice_is(word, verbs[i].word))
            return &verbs[i];
    return NULL;
}

void api_plugins_change(struct conn *conn, harborai_str rest)
{
    harborai_str name;
    const struct verb *verb = find_verb(rest, &name);
    if (verb == NULL) {
        reply_refuse(conn, 404, "unknown_url",
                     "a plugin can be told to enable, disable, remove or reload: nothing else");
        return;
    }
    struct task *task = begin(conn);
    if (task == NULL || !take_name(task, name))
        return;
    task->order.enabled = verb->enabled;
    task->order.by = verb->by;
    give(task, verb->kind);
}
