/* SPDX-License-Identifier: MIT */
/* Makes the control socket, and takes it away again; while another gateway has it, waits for the end of
 * that one. Must never take it from a gateway that lives. */
#include "server/control.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/file_lock.h"
#include "plugin/trust.h"
#include "runtime/runtime.h"
#include "server/fd_pass.h"
#include "server/gate.h"
#include "server/handover.h"
#include "server/router.h"
#include "server/takeover.h"

#define SOCKET_NAME "control.sock"
#define LOCK_NAME "control.lock"
#define BACKLOG 64
#define BODY_MAX KIB(4) /* no request has one yet */
#define RETRY_NS NS_PER_S /* for one that another gateway has */

struct control {
    struct gate gate; /* first: aligned */
    struct listener listener;
    struct acceptor *acceptors[1];
    char *directory; /* owned */
    char path[CONTROL_PATH_MAX];
    struct timer retry;
    bool is_told; /* why it cannot be had, though no other gateway has it */

    struct handover handover;
    const struct listener *clients; /* the sockets that are handed over */
    struct message inherit;
    int inherited_lock, inherited_socket; /* until that message is there; -1 = none */

    pthread_mutex_t mutex; /* of what follows: the end does not wait for the loop */
    bool is_stopped;
    bool is_bound;
    bool is_shared; /* another gateway has the sockets of clients, too */
    int lock; /* -1 = none */
};

_Static_assert(CONTROL_PATH_MAX == sizeof((struct sockaddr_un){0}).sun_path, "of sockaddr_un");

bool control_path(harborai_str state_dir, char path[static CONTROL_PATH_MAX])
{
    int len = snprintf(path, CONTROL_PATH_MAX, "%.*s/" SOCKET_NAME, SLICE_ARG(state_dir));
    return len >= 0 && len < CONTROL_PATH_MAX;
}

harborai_str control_state_dir(const struct gate *gate)
{
    return slice_of(CONTAINER_OF((uintptr_t)gate, struct control, gate)->directory);
}

/* ---- The directory and the lock -------------------------------------------------------------- */

/* Who may write there, or above it, may put a socket of his own in the place of ours. */
static harborai_status check_directory(const struct control *control, harborai_error *error)
{
    harborai_error why = HARBORAI_ERROR_INIT;
    if (!directory_make(control->directory))
        return directory_refuse("make directory", control->directory, error);
    if (trust_check_place(control->directory, &why) == HARBORAI_OK)
        return HARBORAI_OK;
    return harborai_error_set(error, HARBORAI_E_CONFIG,
                              "others may write to '%s': %s; or set state_dir to a directory of your own",
                              control->directory, why.message);
}

static harborai_status refuse_locked(const struct control *control, harborai_error *error)
{
    char process[48] = "";
    pid_t pid = file_lock_signer(control->lock);
    if (pid > 0)
        snprintf(process, sizeof process, ", process %ld", (long)pid);
    return harborai_error_set(error, HARBORAI_E_CLOSED,
                              "another gateway%s has '%s/" SOCKET_NAME "': 'harborai plugin' speaks "
                              "to that one; give this one a state_dir of its own",
                              process, control->directory);
}

static harborai_status take_lock(struct control *control, harborai_error *error)
{
    char path[CONTROL_PATH_MAX];
    snprintf(path, sizeof path, "%s/" LOCK_NAME, control->directory);
    control->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (control->lock < 0)
        return directory_refuse("write", path, error);
    if (flock(control->lock, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? refuse_locked(control, error)
                                    : directory_refuse("lock", path, error);
    return file_lock_sign(control->lock) ? HARBORAI_OK : directory_refuse("write", path, error);
}

/* ---- The socket ------------------------------------------------------------------------------ */

/* Nobody can connect before listen(): by then it is the owner's. */
static harborai_status listen_there(struct control *control, harborai_error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    memcpy(address.sun_path, control->path, sizeof address.sun_path);
    if (fd < 0)
        return directory_refuse("make", control->path, error);
    listener_adopt(&control->listener, fd);
    if (unlink(control->path) != 0 && errno != ENOENT)
        return directory_refuse("replace", control->path, error);
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) != 0)
        return directory_refuse("make", control->path, error);
    control->is_bound = true;
    if (chmod(control->path, 0600) != 0 || listen(fd, BACKLOG) != 0)
        return directory_refuse("listen on", control->path, error);
    return HARBORAI_OK;
}

static void forget(struct control *control)
{
    if (control->is_bound)
        (void)unlink(control->path);
    control->is_bound = false;
    if (control->lock >= 0)
        close(control->lock);
    control->lock = -1;
}

/* All of it, or nothing. */
static harborai_status get_hold(struct control *control, harborai_error *error)
{
    harborai_status st = check_directory(control, error);
    if (st >= 0)
        st = take_lock(control, error);
    if (st >= 0)
        st = listen_there(control, error);
    if (st >= 0)
        return st;
    listener_close(&control->listener);
    forget(control);
    return st;
}

/* ---- While another has it -------------------------------------------------------------------- */

static void wait_for_it(struct control *control)
{
    struct loop *loop = control->gate.loop;
    loop_timer_set(loop, &control->retry, loop_now_ns(loop) + RETRY_NS);
}

static void tell(struct control *control, harborai_status st, const harborai_error *error)
{
    if (st >= 0)
        log_write(control->gate.log, LOG_LEVEL_INFO, "control.taken",
                  "socket='%s' help='commands about plugins reach this gateway from now on'",
                  control->path);
    else if (st != HARBORAI_E_CLOSED && !control->is_told)
        log_write(control->gate.log, LOG_LEVEL_WARN, "control.none",
                  "error='%s' help='it is tried again'", error->message);
    control->is_told = st < 0 && st != HARBORAI_E_CLOSED;
}

/* A few system calls a second, none of which waits. */
static void on_retry(struct timer *timer)
{
    struct control *control = CONTAINER_OF(timer, struct control, retry);
    harborai_error error = HARBORAI_ERROR_INIT;
    pthread_mutex_lock(&control->mutex);
    bool is_over = control->is_stopped || control->is_bound;
    harborai_status st = is_over ? HARBORAI_E_CLOSED : get_hold(control, &error);
    pthread_mutex_unlock(&control->mutex);
    if (is_over)
        return;
    tell(control, st, &error);
    if (st >= 0)
        acceptor_update(&control->gate.acceptor);
    else
        wait_for_it(control);
}

/* ---- An upgrade: the new gateway ------------------------------------------------------------- */

/* listen() again, so that who connects is told that it is this process. */
static void take_inherited(struct control *control)
{
    listener_adopt(&control->listener, control->inherited_socket);
    control->lock = control->inherited_lock;
    control->inherited_lock = control->inherited_socket = -1;
    control->is_bound = true;
    if (listen(control->listener.sockets[0], BACKLOG) != 0 || !file_lock_sign(control->lock)) {
        /* then a message names the process before this one, and no more */
    }
}

/* The end may have come first: then the name goes as it would have then. */
static void on_inherit(struct message *message)
{
    struct control *control = CONTAINER_OF(message, struct control, inherit);
    pthread_mutex_lock(&control->mutex);
    bool is_stopped = control->is_stopped;
    take_inherited(control);
    if (is_stopped)
        forget(control);
    pthread_mutex_unlock(&control->mutex);
    if (is_stopped) {
        listener_close(&control->listener);
        return;
    }
    loop_timer_clear(control->gate.loop, &control->retry);
    tell(control, HARBORAI_OK, NULL);
    acceptor_update(&control->gate.acceptor);
}

void control_inherit(struct control *control, int lock, int socket)
{
    control->inherited_lock = lock;
    control->inherited_socket = socket;
    loop_post(control->gate.loop, &control->inherit);
}

/* ---- An upgrade: the old gateway ------------------------------------------------------------- */

struct handover *control_handover(struct gate *gate)
{
    return &CONTAINER_OF(gate, struct control, gate)->handover;
}

long long control_successor(const struct control *control)
{
    return control != NULL ? atomic_load(&control->handover.successor) : 0;
}

/* The mutex keeps the sockets open meanwhile: a stop closes them after it has been here. */
bool control_send_sockets(struct control *control, int to, harborai_str message)
{
    const struct listener *clients = control->clients;
    int fds[TAKEOVER_FD_FIRST + LISTENER_SOCKETS_MAX];
    bool is_sent = false;
    pthread_mutex_lock(&control->mutex);
    if (control->is_bound) {
        fds[TAKEOVER_FD_LOCK] = control->lock;
        fds[TAKEOVER_FD_CONTROL] = control->listener.sockets[0];
        memcpy(fds + TAKEOVER_FD_FIRST, clients->sockets, sizeof clients->sockets);
        is_sent = fd_pass_send(to, message, fds, TAKEOVER_FD_FIRST + clients->socket_count);
        control->is_shared = is_sent;
    }
    pthread_mutex_unlock(&control->mutex);
    return is_sent;
}

void control_take_back(struct control *control)
{
    pthread_mutex_lock(&control->mutex);
    control->is_shared = false;
    pthread_mutex_unlock(&control->mutex);
}

bool control_is_ending(struct control *control)
{
    pthread_mutex_lock(&control->mutex);
    bool is_stopped = control->is_stopped;
    pthread_mutex_unlock(&control->mutex);
    return is_stopped;
}

/* The name stays, and the lock is held by the other one's copy. */
static bool let_go(struct control *control, int to)
{
    harborai_str word = control->is_stopped ? HARBORAI_STR(TAKEOVER_ENDING)
                                            : HARBORAI_STR(TAKEOVER_DONE);
    if (!fd_pass_send(to, word, NULL, 0))
        return false;
    control->is_bound = false;
    forget(control);
    return true;
}

enum control_gift control_give_up(struct control *control, int to)
{
    pthread_mutex_lock(&control->mutex);
    bool is_stopped = control->is_stopped, is_told = let_go(control, to);
    pthread_mutex_unlock(&control->mutex);
    if (is_stopped)
        return CONTROL_ENDS;
    if (!is_told)
        return CONTROL_NOT_TAKEN;
    acceptor_close(&control->gate.acceptor);
    return CONTROL_GIVEN;
}

/* ---- Life ------------------------------------------------------------------------------------ */

static void init_handover(struct control *control, const struct control_options *options)
{
    struct handover *handover = &control->handover;
    control->clients = options->listener;
    control->inherit.run = on_inherit;
    handover->control = control;
    handover->gate = &control->gate;
    handover->acceptors = options->acceptors;
    handover->acceptor_count = options->acceptor_count;
    handover->handed_fd = options->handed_fd;
    handover_init(handover);
}

static harborai_status init_gate(struct control *control, const struct control_options *options,
                                 harborai_error *error)
{
    struct gate *gate = &control->gate;
    gate->loop = runtime_loop(options->runtime, 0);
    gate->runtime = options->runtime;
    gate->routes = &router_control;
    gate->log = runtime_log(options->runtime);
    gate->max_body = BODY_MAX;
    gate->limits = &gate_limits_usual;
    gate->bodies = options->bodies;
    gate->drained_fd = options->drained_fd;
    gate->acceptor.gate = gate;
    gate->acceptor.listener = &control->listener;
    gate->acceptor.all = control->acceptors;
    gate->acceptor.all_count = 1;
    control->acceptors[0] = &gate->acceptor;
    atomic_store(&control->listener.users, 1);
    return gate_init(gate, error);
}

static harborai_status name_place(struct control *control, harborai_str state_dir,
                                  harborai_error *error)
{
    control->directory = slice_dup(state_dir);
    if (control->directory == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    if (state_dir.len == 0)
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "there is no place for it: set state_dir, --state-dir or HOME");
    if (!control_path(state_dir, control->path))
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "the path of '%s/" SOCKET_NAME "' is longer than the %d bytes that "
                                  "a socket's may have: set state_dir to a shorter one",
                                  control->directory, CONTROL_PATH_MAX - 1);
    return HARBORAI_OK;
}

/* That another gateway has it is no reason to give up. */
static harborai_status open_all(struct control *control, const struct control_options *options,
                                harborai_error *error)
{
    harborai_error why = HARBORAI_ERROR_INIT;
    harborai_status st = name_place(control, options->state_dir, error);
    if (st >= 0)
        st = init_gate(control, options, error);
    if (st < 0)
        return st;
    if (options->is_awaited) {
        wait_for_it(control);
        return HARBORAI_OK;
    }
    st = get_hold(control, &why);
    if (st >= 0) {
        acceptor_update(&control->gate.acceptor);
    } else if (st == HARBORAI_E_CLOSED) {
        log_write(control->gate.log, LOG_LEVEL_WARN, "control.none",
                  "error='%s' help='until that one ends, commands about plugins reach this gateway by "
                  "SIGHUP alone'", why.message);
        wait_for_it(control);
        st = HARBORAI_OK;
    } else if (error != NULL) {
        *error = why;
    }
    return st;
}

harborai_status control_create(const struct control_options *options, struct control **ret_control,
                               harborai_error *error)
{
    struct control *control = aligned_alloc(_Alignof(struct control), sizeof *control);
    if (control == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    memset(control, 0, sizeof *control);
    control->lock = control->inherited_lock = control->inherited_socket = -1;
    control->retry.on_due = on_retry;
    init_handover(control, options);
    pthread_mutex_init(&control->mutex, NULL);
    harborai_status st = open_all(control, options, error);
    if (st < 0) {
        control_release(control);
        control_destroy(control);
        return st;
    }
    *ret_control = control;
    return HARBORAI_OK;
}

/* The lock goes after the name: whoever gets it finds none of ours. Whether another gateway has the sockets
 * of clients: from now on none can get them. */
static bool forget_name(struct control *control)
{
    pthread_mutex_lock(&control->mutex);
    control->is_stopped = true;
    forget(control);
    bool is_shared = control->is_shared;
    pthread_mutex_unlock(&control->mutex);
    return is_shared;
}

bool control_stop(struct control *control)
{
    if (control == NULL)
        return false;
    bool is_shared = forget_name(control);
    loop_post(control->gate.loop, &control->gate.stop);
    return is_shared;
}

void control_cut(struct control *control)
{
    if (control != NULL)
        loop_post(control->gate.loop, &control->gate.cut);
}

void control_release(struct control *control)
{
    if (control == NULL)
        return;
    if (timer_is_set(&control->retry))
        loop_timer_clear(control->gate.loop, &control->retry);
    handover_release(&control->handover);
    gate_release(&control->gate);
}

void control_destroy(struct control *control)
{
    if (control == NULL)
        return;
    (void)forget_name(control);
    listener_close(&control->listener);
    if (control->inherited_lock >= 0)
        close(control->inherited_lock);
    if (control->inherited_socket >= 0)
        close(control->inherited_socket);
    pthread_mutex_destroy(&control->mutex);
    free(control->directory);
    free(control);
}
