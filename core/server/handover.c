/* SPDX-License-Identifier: MIT */
/* POST /takeover of the control socket: another gateway is given copies of our sockets. Must never stop
 * serving for one that does not come to its start. */
#include "server/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "server/api.h"
#include "server/conn.h"
#include "server/control.h"
#include "server/gate.h"
#include "server/reply.h"
#include "server/takeover.h"

static const char agreed[] = "HTTP/1.1 101 Switching Protocols\r\n"
                             "connection: upgrade\r\n"
                             "upgrade: " TAKEOVER_PROTOCOL "\r\n\r\n";

static void hang_up(struct handover *h)
{
    int fd = h->other.fd;
    if (fd < 0)
        return;
    loop_timer_clear(h->gate->loop, &h->patience);
    loop_unwatch(h->gate->loop, &h->other);
    close(fd);
}

/* What connected meanwhile may have woken that process alone. */
static void go_on(struct handover *h, const char *reason)
{
    log_write(h->gate->log, LOG_LEVEL_WARN, "takeover.given_up",
              "process=%lld reason='%s' help='this gateway goes on'", h->process, reason);
    hang_up(h);
    control_take_back(h->control);
    for (unsigned i = 0; i < h->acceptor_count; i++)
        acceptor_look_again(h->acceptors[i]);
}

static void give_up(struct handover *h)
{
    ssize_t sent = send(h->other.fd, TAKEOVER_LATE, strlen(TAKEOVER_LATE), MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)sent; /* it is told, or it is gone */
    go_on(h, "it did not say within 10 s that it is ready");
}

/* We do not go on ourselves then. */
static void on_late(struct timer *timer)
{
    struct handover *h = CONTAINER_OF(timer, struct handover, patience);
    if (!control_is_ending(h->control))
        give_up(h);
}

static void hand_over(struct handover *h)
{
    uint64_t one = 1;
    switch (control_give_up(h->control, h->other.fd)) {
    case CONTROL_GIVEN:
        log_write(h->gate->log, LOG_LEVEL_INFO, "takeover.done", "process=%lld", h->process);
        atomic_store(&h->successor, h->process);
        if (write(h->handed_fd, &one, sizeof one) < 0) {
            /* fails only when the counter is full: it counts one */
        }
        hang_up(h);
        return;
    case CONTROL_ENDS: hang_up(h); return;
    case CONTROL_NOT_TAKEN: go_on(h, "it ended when it was ready"); return;
    }
}

static void on_word(struct watch *watch, uint32_t events UNUSED)
{
    struct handover *h = CONTAINER_OF(watch, struct handover, other);
    char word[16];
    ssize_t len = recv(watch->fd, word, sizeof word, MSG_DONTWAIT);
    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (len <= 0)
        go_on(h, "it ended before it was ready");
    else if (!slice_is((harborai_str){word, (size_t)len}, TAKEOVER_READY))
        go_on(h, "it speaks another language");
    else if (loop_now_ns(h->gate->loop) >= h->until_ns && !control_is_ending(h->control))
        give_up(h);
    else
        hand_over(h);
}

static long long process_of(int fd)
{
    struct ucred peer = {.pid = 0};
    socklen_t size = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.pid : 0;
}

/* From here on the connection is no HTTP: it goes on as a copy, without its `conn`. */
static bool begin(struct handover *h, const struct conn *conn)
{
    struct loop *loop = h->gate->loop;
    int fd = fcntl(conn->watch.fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return false;
    if (loop_watch(loop, &h->other, fd, EPOLLIN | EPOLLRDHUP, NULL) < 0) {
        close(fd);
        return false;
    }
    h->process = process_of(fd);
    h->until_ns = loop_now_ns(loop) + TAKEOVER_LIMIT_S * NS_PER_S;
    loop_timer_set(loop, &h->patience, h->until_ns);
    if (control_send_sockets(h->control, fd, HARBORAI_STR(agreed)))
        return true;
    hang_up(h);
    return false;
}

void api_takeover(struct conn *conn, harborai_str rest UNUSED)
{
    struct handover *h = control_handover(conn->gate);
    harborai_str protocol = http_field(&conn->head->head, "upgrade");
    const char *code = "takeover_refused";
    conn->keep_alive = false;
    if (!slice_is(protocol, TAKEOVER_PROTOCOL))
        reply_refuse(conn, 409, code,
                     "it speaks '" TAKEOVER_PROTOCOL "' and was asked for '%.*s'; stop it, and start the "
                     "other version then", SLICE_ARG(slice_cut(protocol, 100)));
    else if (h->other.fd >= 0)
        reply_refuse(conn, 409, code, "process %lld is about to take them; wait for that one",
                     h->process);
    else if (!begin(h, conn))
        reply_refuse(conn, 409, code, "it is ending, or has no descriptor left; try again");
    else {
        log_write(h->gate->log, LOG_LEVEL_INFO, "takeover.asked", "process=%lld", h->process);
        conn_close(conn);
    }
}

void handover_init(struct handover *handover)
{
    handover->other = (struct watch){-1, on_word};
    handover->patience.on_due = on_late;
}

void handover_release(struct handover *handover)
{
    hang_up(handover);
}
