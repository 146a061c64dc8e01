/* SPDX-License-Identifier: MIT */
/* The set of listening sockets, wherever they are from. */
#include "server/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

#include "base/error.h"

const char *listener_scheme(const struct listener *listener)
{
    return listener->has_tls ? "https" : "http";
}

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

void listener_close_sockets(struct listener *listener)
{
    for (unsigned i = 0; i < listener->socket_count; i++)
        close(listener->sockets[i]);
    for (unsigned i = 0; i < listener->offered_count; i++)
        close(listener->offered[i]);
    listener->socket_count = listener->offered_count = 0;
}

void listener_close(struct listener *listener)
{
    listener_remove_name(listener);
    listener_close_sockets(listener);
}

/* --- Sockets of a service manager ------------------------------------------------------------- */

union address {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
    struct sockaddr_un local;
    struct sockaddr_storage room;
};

static bool has_option(int fd, int option, int wanted)
{
    int value = 0;
    socklen_t size = sizeof value;
    return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 && value == wanted;
}

/* What of it a client would write; of an abstract name the part behind its NUL. */
static bool describe(const union address *address, socklen_t size, const char *scheme, char *url,
                     size_t most)
{
    char text[INET6_ADDRSTRLEN] = "";
    unsigned port = listener_port_of(&address->any);
    size_t head = offsetof(struct sockaddr_un, sun_path);
    switch (address->any.sa_family) {
    case AF_INET:
        inet_ntop(AF_INET, &address->four.sin_addr, text, sizeof text);
        snprintf(url, most, "%s://%s:%u", scheme, text, port);
        return true;
    case AF_INET6:
        inet_ntop(AF_INET6, &address->six.sin6_addr, text, sizeof text);
        snprintf(url, most, "%s://[%s]:%u", scheme, text, port);
        return true;
    case AF_UNIX:
        if (size > head && address->local.sun_path[0] == '\0')
            snprintf(url, most, "unix:@%.*s", (int)(size - head - 1), address->local.sun_path + 1);
        else
            snprintf(url, most, "unix:%.*s", (int)(size - head), address->local.sun_path);
        return true;
    default:
        return false;
    }
}

/* NULL, or what is wrong with it. */
static const char *inherit_one(struct listener *listener, int fd)
{
    union address address = {.any.sa_family = AF_UNSPEC};
    socklen_t size = sizeof address;
    char url[sizeof listener->path + 64];
    if (!has_option(fd, SO_TYPE, SOCK_STREAM) || !has_option(fd, SO_ACCEPTCONN, 1) ||
        getsockname(fd, &address.any, &size) < 0 ||
        !describe(&address, size, listener_scheme(listener), url, sizeof url))
        return "it is no stream socket that listens: set ListenStream= in the .socket unit, and "
               "Accept=no";
    if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
        return "it cannot be made not to block";
    listener_set_options(fd, address.any.sa_family);
    int same = listener_take_offered(listener, &address.any, size);
    if (same >= 0)
        close(same); /* the manager passed it to both */
    if (!listener_add(listener, fd, listener_is_loopback(&address.any)))
        return "there are too many of them";
    listener_add_url(listener, url);
    listener->port = listener_port_of(&address.any);
    return NULL;
}

harborai_status listener_inherit(struct listener *listener, const int *sockets, unsigned count,
                                 harborai_error *error)
{
    const char *fault = NULL;
    unsigned taken = 0;
    while (taken < count && (fault = inherit_one(listener, sockets[taken])) == NULL)
        taken++;
    if (fault == NULL)
        return HARBORAI_OK;
    listener_close(listener);
    for (unsigned i = taken; i < count; i++)
        close(sockets[i]);
    return harborai_error_set(error, HARBORAI_E_CONFIG,
                              "cannot use descriptor %d, a socket that was passed (LISTEN_FDS): %s",
                              sockets[taken], fault);
}
