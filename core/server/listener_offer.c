/* SPDX-License-Identifier: MIT */
/* Sockets of the gateway before this one. Must never shut one down: that would end it for all. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "server/listener.h"

union address {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
    struct sockaddr_storage room;
};

static bool listens(int fd)
{
    int value = 0;
    socklen_t size = sizeof value;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value != 0;
}

harborai_status listener_offer(struct listener *listener, const int *sockets, unsigned count,
                               harborai_error *error)
{
    bool is_good = count <= LISTENER_SOCKETS_MAX;
    for (unsigned i = 0; i < count; i++) {
        if (i < LISTENER_SOCKETS_MAX)
            listener->offered[listener->offered_count++] = sockets[i];
        else
            close(sockets[i]);
        is_good = is_good && listens(sockets[i]);
    }
    if (is_good)
        return HARBORAI_OK;
    return harborai_error_set(error, HARBORAI_E_CONFIG,
                              "the gateway that runs passed what are no listening sockets: stop it, "
                              "and start this one");
}

/* Ports: 0 fits any. */
static bool is_same(const union address *a, socklen_t a_size, const struct sockaddr *other,
                    socklen_t size)
{
    union address b = {.any.sa_family = AF_UNSPEC};
    memcpy(&b, other, size < sizeof b ? size : sizeof b);
    if (a->any.sa_family != b.any.sa_family)
        return false;
    if (a->any.sa_family == AF_INET)
        return a->four.sin_addr.s_addr == b.four.sin_addr.s_addr &&
               (b.four.sin_port == 0 || a->four.sin_port == b.four.sin_port);
    if (a->any.sa_family == AF_INET6)
        return memcmp(&a->six.sin6_addr, &b.six.sin6_addr, sizeof a->six.sin6_addr) == 0 &&
               a->six.sin6_scope_id == b.six.sin6_scope_id &&
               (b.six.sin6_port == 0 || a->six.sin6_port == b.six.sin6_port);
    return a_size == size && memcmp(a, &b, size) == 0;
}

int listener_take_offered(struct listener *listener, const struct sockaddr *address,
                          socklen_t size)
{
    for (unsigned i = 0; i < listener->offered_count; i++) {
        union address own = {.any.sa_family = AF_UNSPEC};
        socklen_t own_size = sizeof own;
        int fd = listener->offered[i];
        if (getsockname(fd, &own.any, &own_size) < 0 || !is_same(&own, own_size, address, size))
            continue;
        listener->offered[i] = listener->offered[--listener->offered_count];
        return fd;
    }
    return -1;
}

static void describe(int fd, char *text, size_t size)
{
    union address address = {.any.sa_family = AF_UNSPEC};
    socklen_t len = sizeof address;
    char host[64], port[16];
    if (getsockname(fd, &address.any, &len) == 0 && address.any.sa_family == AF_UNIX)
        snprintf(text, size, "a Unix socket");
    else if (getnameinfo(&address.any, len, host, sizeof host, port, sizeof port,
                         NI_NUMERICHOST | NI_NUMERICSERV) == 0)
        snprintf(text, size, "%s, port %s", host, port);
    else
        snprintf(text, size, "an address of a kind that is not known here");
}

harborai_status listener_check_offered(const struct listener *listener, harborai_error *error)
{
    char text[96];
    if (listener->offered_count == 0)
        return HARBORAI_OK;
    describe(listener->offered[0], text, sizeof text);
    return harborai_error_set(error, HARBORAI_E_CONFIG,
                              "the gateway that runs listens on %s, and these settings do not: "
                              "--takeover keeps the address; set --host and --port so, or stop that "
                              "gateway and start this one", text);
}
