/* SPDX-License-Identifier: MIT */
/* The multi_socket interface. curl's callbacks only change watches and timers: nothing of ours
 * runs inside a call of curl's, and results are collected after it has returned. */
#include "transport/curl_loop.h"

#include <stdlib.h>

#include "base/clock.h"
#include "transport/connect.h"

#define GROUP_MOST 64

struct curl_group {
    struct list link;
    struct parked parked;
    struct transport *transport;
    CURLM *multi;
    struct timer timer;
    unsigned count;
};

struct curl_socket {
    struct watch watch;
    struct parked parked;
    struct curl_group *group;
};

/* --- What curl asks of us -------------------------------------------------------------------- */

static void collect(struct curl_group *group)
{
    int left;
    for (CURLMsg *done; (done = curl_multi_info_read(group->multi, &left)) != NULL;) {
        char *private = NULL;
        CURLcode code = done->data.result; /* the message is gone with the next call */
        if (done->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(done->easy_handle, CURLINFO_PRIVATE, &private);
        connect_done((struct connection *)(void *)private, code);
    }
}

static void on_due(struct timer *timer)
{
    struct curl_group *group = CONTAINER_OF(timer, struct curl_group, timer);
    int running;
    curl_multi_socket_action(group->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect(group);
}

static void on_ready(struct watch *watch, uint32_t events)
{
    struct curl_socket *socket = CONTAINER_OF(watch, struct curl_socket, watch);
    struct curl_group *group = socket->group;
    int running, bits = 0;
    if (events & EPOLLIN)
        bits |= CURL_CSELECT_IN;
    if (events & EPOLLOUT)
        bits |= CURL_CSELECT_OUT;
    if (events & (EPOLLERR | EPOLLHUP))
        bits |= CURL_CSELECT_ERR;
    curl_multi_socket_action(group->multi, watch->fd, bits, &running);
    collect(group);
}

static int set_timer(CURLM *multi UNUSED, long timeout_ms, void *user)
{
    struct curl_group *group = user;
    struct loop *loop = group->transport->loop;
    if (timeout_ms < 0)
        loop_timer_clear(loop, &group->timer);
    else
        loop_timer_set(loop, &group->timer, loop_now_ns(loop) + timeout_ms * NS_PER_MS);
    return 0;
}

static void socket_free(struct parked *parked)
{
    free(CONTAINER_OF(parked, struct curl_socket, parked));
}

static int set_socket(CURL *easy UNUSED, curl_socket_t fd, int what, void *user, void *assigned)
{
    struct curl_group *group = user;
    struct loop *loop = group->transport->loop;
    struct curl_socket *socket = assigned;

    if (what == CURL_POLL_REMOVE) {
        if (socket == NULL)
            return 0;
        loop_unwatch(loop, &socket->watch);
        loop_park(loop, &socket->parked, socket_free);
        curl_multi_assign(group->multi, fd, NULL);
        return 0;
    }
    if (socket == NULL) {
        socket = calloc(1, sizeof *socket);
        if (socket == NULL)
            return 0; /* the connect limit ends it */
        socket->group = group;
        socket->watch = (struct watch){.fd = -1, .on_ready = on_ready};
        curl_multi_assign(group->multi, fd, socket);
    }
    loop_unwatch(loop, &socket->watch);
    uint32_t events = EPOLL_LEVEL | (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) |
                      (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);
    (void)!loop_watch(loop, &socket->watch, fd, events, NULL); /* as above */
    return 0;
}

/* --- Groups ---------------------------------------------------------------------------------- */

static struct curl_group *group_create(struct transport *t)
{
    struct curl_group *group = calloc(1, sizeof *group);
    if (group == NULL)
        return NULL;
    group->multi = curl_multi_init();
    if (group->multi == NULL) {
        free(group);
        return NULL;
    }
    group->transport = t;
    group->timer.on_due = on_due;
    curl_multi_setopt(group->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
    curl_multi_setopt(group->multi, CURLMOPT_SOCKETDATA, group);
    curl_multi_setopt(group->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(group->multi, CURLMOPT_TIMERDATA, group);
    /* Else curl closes connections of ours when it holds more than it finds right. */
    curl_multi_setopt(group->multi, CURLMOPT_MAXCONNECTS, 4L * GROUP_MOST);
    list_append(&t->groups, &group->link);
    return group;
}

static void group_free(struct parked *parked)
{
    struct curl_group *group = CONTAINER_OF(parked, struct curl_group, parked);
    curl_multi_cleanup(group->multi);
    loop_timer_clear(group->transport->loop, &group->timer);
    free(group);
}

static struct curl_group *group_with_room(struct transport *t)
{
    for (struct list *item = t->groups.next; item != &t->groups; item = item->next) {
        struct curl_group *group = CONTAINER_OF(item, struct curl_group, link);
        if (group->count < GROUP_MOST)
            return group;
    }
    return group_create(t);
}

harborai_status curl_loop_add(struct connection *c, harborai_error *error)
{
    struct curl_group *group = group_with_room(c->transport);
    if (group == NULL || curl_multi_add_handle(group->multi, c->easy) != CURLM_OK)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left to connect to %s",
                                  c->origin->label);
    c->group = group;
    group->count++;
    on_due(&group->timer);
    return HARBORAI_OK;
}

void curl_loop_remove(struct connection *c)
{
    struct curl_group *group = take(c->group);
    if (group != NULL) {
        curl_multi_remove_handle(group->multi, c->easy);
        group->count--;
        if (group->count == 0 && c->transport->groups.next->next != &c->transport->groups) {
            list_remove(&group->link);
            loop_park(c->transport->loop, &group->parked, group_free);
        }
    }
    curl_easy_cleanup(take(c->easy));
}

void curl_loop_release(struct transport *t)
{
    for (struct list *item; (item = list_pop(&t->groups)) != NULL;)
        group_free(&CONTAINER_OF(item, struct curl_group, link)->parked);
}
