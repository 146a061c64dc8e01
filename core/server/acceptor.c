/* SPDX-License-Identifier: MIT */
/* Takes connections and keeps the loops' shares alike. Must never spin where no descriptor is left:
 * a socket that is ready and cannot be served is not asked for a moment. */
#include "server/acceptor.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "server/conn.h"
#include "server/gate.h"

#define RETRY_AFTER_MS 100   /* with no descriptor or memory left */
#define SHARE_SLACK 4        /* connections over the mean that do not matter */
#define LAST_ACCEPTS_MAX 4096 /* when we stop: a backlog's worth */

/* More than 9/8 of the mean, and more than SHARE_SLACK over it. Counts may be a moment old. */
static bool holds_too_many(const struct acceptor *a)
{
    uint64_t own = atomic_load(&a->conn_count), sum = 0, n = a->all_count;
    for (unsigned i = 0; i < a->all_count; i++)
        sum += atomic_load(&a->all[i]->conn_count);
    return own * n * 8 > sum * 9 && own * n > sum + SHARE_SLACK * n;
}

static void stop_asking(struct acceptor *a)
{
    for (unsigned i = 0; i < a->listener->socket_count; i++)
        loop_unwatch(a->gate->loop, &a->doors[i].watch);
    a->asking = false;
}

static void pause_for_want(struct acceptor *a, const char *reason)
{
    struct loop *loop = a->gate->loop;
    if (!a->exhausted)
        log_write(a->gate->log, LOG_LEVEL_WARN, "server.accept_failed", "error='%s' retry_ms=%d",
                  reason, RETRY_AFTER_MS);
    a->exhausted = true;
    stop_asking(a);
    loop_timer_set(loop, &a->retry, loop_now_ns(loop) + RETRY_AFTER_MS * NS_PER_MS);
}

static void start_asking(struct acceptor *a)
{
    const uint32_t events = EPOLLIN | EPOLLEXCLUSIVE | EPOLL_LEVEL;
    harborai_error error = HARBORAI_ERROR_INIT;
    a->asking = true;
    for (unsigned i = 0; i < a->listener->socket_count; i++)
        if (a->doors[i].watch.fd < 0 && loop_watch(a->gate->loop, &a->doors[i].watch,
                                               a->listener->sockets[i], events, &error) < 0) {
            pause_for_want(a, error.message);
            return;
        }
}

static bool has_waiting(const struct listener *listener)
{
    struct pollfd sockets[LISTENER_SOCKETS_MAX];
    for (unsigned i = 0; i < listener->socket_count; i++)
        sockets[i] = (struct pollfd){.fd = listener->sockets[i], .events = POLLIN};
    return poll(sockets, listener->socket_count, 0) > 0;
}

/* A wake-up goes to one loop alone, and what it was for may wait at another address, or have come when there
 * was no descriptor: a loop that does not ask any more has the one look that holds least. */
static void pass_on(struct acceptor *a)
{
    struct acceptor *least = NULL;
    if (!has_waiting(a->listener))
        return;
    for (unsigned i = 0; i < a->all_count; i++) {
        struct acceptor *other = a->all[i];
        if (other != a && (least == NULL || atomic_load(&other->conn_count) <
                                                atomic_load(&least->conn_count)))
            least = other;
    }
    if (least != NULL)
        acceptor_look_again(least);
}

/* `resting` is set before the last look, and others look at it after they counted theirs: so either
 * this loop sees their number, or they see that it rests and nudge it. All cannot rest. */
void acceptor_update(struct acceptor *a)
{
    if (a->closed || timer_is_set(&a->retry))
        return;
    bool rests = holds_too_many(a);
    atomic_store(&a->resting, rests);
    if (rests && !holds_too_many(a)) {
        rests = false;
        atomic_store(&a->resting, false);
    }
    if (rests && a->asking) {
        stop_asking(a);
        pass_on(a);
    } else if (!rests && !a->asking) {
        start_asking(a);
    }
}

/* What it may have been told of, and does not take, is another's. */
static void ask_or_pass_on(struct acceptor *a)
{
    acceptor_update(a);
    if (!a->asking && !a->closed && !timer_is_set(&a->retry))
        pass_on(a);
}

static void on_retry(struct timer *timer)
{
    ask_or_pass_on(CONTAINER_OF(timer, struct acceptor, retry));
}

static void on_nudge(struct message *message)
{
    struct acceptor *a = CONTAINER_OF(message, struct acceptor, nudge);
    atomic_store(&a->nudged, false);
    if (a->asking)
        stop_asking(a); /* who asks anew is told of what waits already */
    ask_or_pass_on(a);
}

void acceptor_look_again(struct acceptor *a)
{
    if (!atomic_exchange(&a->nudged, true))
        loop_post(a->gate->loop, &a->nudge);
}

static void nudge_others(struct acceptor *a)
{
    for (unsigned i = 0; i < a->all_count; i++) {
        struct acceptor *other = a->all[i];
        if (other != a && atomic_load(&other->resting) && !holds_too_many(other))
            acceptor_look_again(other);
    }
}

void acceptor_add(struct acceptor *a)
{
    atomic_fetch_add(&a->conn_count, 1);
}

void acceptor_remove(struct acceptor *a)
{
    atomic_fetch_sub(&a->conn_count, 1);
    if (atomic_load(&a->resting))
        acceptor_update(a);
}

/* --- Accepting -------------------------------------------------------------------------------- */

static void admit(struct acceptor *a, int fd, const struct sockaddr_storage *address)
{
    unsigned user;
    if (listener_admits(a->listener, fd, &user)) {
        conn_open(a->gate, fd, address);
        return;
    }
    log_write(a->gate->log, LOG_LEVEL_WARN, "control.refused", "user=%u", user);
    close(fd);
}

/* False: there is none, or it failed. */
static bool take_one(struct acceptor *a, int socket)
{
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof address;
    char text[128];
    int fd = accept4(socket, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        a->exhausted = false;
        admit(a, fd, &address);
        return true;
    }
    if (!a->closed &&
        (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM))
        pause_for_want(a, error_of_errno(errno, text));
    return false; /* else: another loop was quicker, or the client left again */
}

static void on_ready(struct watch *watch, uint32_t events UNUSED)
{
    struct acceptor *a = CONTAINER_OF(watch, struct door, watch)->acceptor;
    if (!take_one(a, watch->fd))
        return;
    acceptor_update(a);
    nudge_others(a);
}

/* --- Life ------------------------------------------------------------------------------------- */

void acceptor_init(struct acceptor *a)
{
    for (unsigned i = 0; i < LISTENER_SOCKETS_MAX; i++)
        a->doors[i] = (struct door){.watch = {-1, on_ready}, .acceptor = a};
    a->nudge.run = on_nudge;
    a->retry.on_due = on_retry;
}

/* What came by the time that nobody looks any more. */
static void take_rest(struct acceptor *a)
{
    for (unsigned i = 0; i < a->listener->socket_count; i++)
        for (int n = 0; n < LAST_ACCEPTS_MAX && take_one(a, a->listener->sockets[i]); n++)
            ;
}

static void close_for_good(struct acceptor *a, bool takes_rest)
{
    if (a->closed)
        return;
    stop_asking(a);
    loop_timer_clear(a->gate->loop, &a->retry);
    a->closed = true;
    atomic_store(&a->resting, false);
    if (takes_rest)
        take_rest(a);
    if (atomic_fetch_sub(&a->listener->users, 1) == 1)
        listener_close_sockets(a->listener);
}

void acceptor_close(struct acceptor *a)
{
    close_for_good(a, !atomic_load(&a->listener->leaves_rest));
}

void acceptor_release(struct acceptor *a)
{
    close_for_good(a, false);
}
