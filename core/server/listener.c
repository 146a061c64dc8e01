/* SPDX-License-Identifier: MIT */
/* The set of listening sockets, wherever they are from. */
#include "server/listener.h"

#include <stdio.h>
#include <unistd.h>

bool listener_add(struct listener *listener, int fd, bool is_loopback)
{
    if (listener->socket_count == LISTENER_SOCKETS_MAX)
        return false;
    listener->is_loopback = is_loopback && (listener->socket_count == 0 || listener->is_loopback);
    listener->sockets[listener->socket_count++] = fd;
    return true;
}

void listener_add_url(struct listener *listener, const char *url)
{
    size_t len = strlen(listener->url);
    snprintf(listener->url + len, sizeof listener->url - len, "%s%s", len > 0 ? ", " : "", url);
}

void listener_adopt(struct listener *listener, int fd)
{
    *listener = (struct listener){.sockets = {fd}, .socket_count = 1, .is_local = true};
    atomic_store(&listener->users, 1);
}

bool listener_admits(const struct listener *listener, int fd, unsigned *ret_user)
{
    struct ucred peer = {.uid = (uid_t)-1};
    socklen_t size = sizeof peer;
    if (!listener->is_local)
        return true;
    bool is_known = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
    *ret_user = (unsigned)peer.uid;
    return is_known && (peer.uid == geteuid() || peer.uid == 0);
}

void listener_close(struct listener *listener)
{
    listener_remove_name(listener);
    for (unsigned i = 0; i < listener->socket_count; i++)
        close(listener->sockets[i]);
    listener->socket_count = 0;
}
