/* SPDX-License-Identifier: MIT */
/* Binds the server's addresses, and says clearly what is in the way. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <unistd.h>

#include "base/error.h"
#include "server/listener.h"

#define ADDRESSES_MAX 4 /* of one name */

static void set_option(int fd, int level, int option, int value)
{
    /* Each is of use, none is a must: an old kernel or another family may refuse. */
    (void)setsockopt(fd, level, option, &value, sizeof value);
}

/* What is set here, the connections inherit: no call for each. The probes find a client whose
 * machine vanished while a call is silent. */
void listener_set_options(int fd, int family)
{
    if (family != AF_INET && family != AF_INET6)
        return;
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 60);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 15);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 4);
}

unsigned listener_port_of(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)(const void *)address)->sin6_port);
    return address->sa_family == AF_INET
               ? ntohs(((const struct sockaddr_in *)(const void *)address)->sin_port)
               : 0;
}

static unsigned port_of(int fd)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &size) < 0)
        return 0;
    return listener_port_of((struct sockaddr *)&address);
}

static void set_port(struct sockaddr *address, unsigned port)
{
    if (address->sa_family == AF_INET6)
        ((struct sockaddr_in6 *)(void *)address)->sin6_port = htons((uint16_t)port);
    else
        ((struct sockaddr_in *)(void *)address)->sin_port = htons((uint16_t)port);
}

bool listener_is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
    return address->sa_family == AF_UNIX ||
           (address->sa_family == AF_INET &&
            ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr) >> 24 == 127);
}

/* 0, or the errno of what failed. */
static int bind_new(const struct addrinfo *info, int *ret_fd)
{
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (info->ai_family == AF_INET6)
        set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    listener_set_options(fd, info->ai_family);
    if (bind(fd, info->ai_addr, info->ai_addrlen) < 0 || listen(fd, LISTENER_BACKLOG) < 0) {
        int fault = errno;
        close(fd);
        return fault;
    }
    *ret_fd = fd;
    return 0;
}

/* The same. */
static int open_one(struct listener *listener, struct addrinfo *info)
{
    int fault = 0;
    set_port(info->ai_addr, listener->port);
    int fd = listener_take_offered(listener, info->ai_addr, info->ai_addrlen);
    if (fd < 0)
        fault = bind_new(info, &fd);
    if (fault != 0)
        return fault;
    if (!listener_add(listener, fd, listener_is_loopback(info->ai_addr))) {
        close(fd);
        return ENFILE;
    }
    listener->port = port_of(fd); /* the next address gets the same */
    return 0;
}

static harborai_status explain(int fault, harborai_str host, int64_t port, harborai_error *error)
{
    char text[128];
    const char *way_out = "";
    if (fault == EADDRINUSE)
        way_out = ": another program listens there; choose another port with --port, or 0 for any "
                  "that is free; a gateway on the same state directory is replaced by "
                  "'harborai serve --takeover'";
    else if (fault == EACCES)
        way_out = ": ports below 1024 need a privilege; choose another with --port";
    else if (fault == EADDRNOTAVAIL)
        way_out = ": this machine has no such address; choose another with --host";
    return harborai_error_set(error, HARBORAI_E_CONFIG, "cannot listen on '%.*s', port %lld: %s%s",
                              SLICE_ARG(host), (long long)port, error_of_errno(fault, text),
                              way_out);
}

/* An address in use is a fault even where another one is free: half a gateway is none. */
static int open_all(struct listener *listener, struct addrinfo *list)
{
    int last = 0;
    for (struct addrinfo *i = list; i != NULL && listener->socket_count < ADDRESSES_MAX;
         i = i->ai_next) {
        int fault = open_one(listener, i);
        if (fault == EADDRINUSE)
            return fault;
        if (fault != 0)
            last = fault; /* as ::1 of localhost on a machine without IPv6 */
    }
    return listener->socket_count > 0 ? 0 : last;
}

harborai_status listener_open(struct listener *listener, harborai_str host, int64_t port,
                              harborai_error *error)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE};
    struct addrinfo *list = NULL;
    char name[256], url[128];

    listener->port = (unsigned)port;
    snprintf(name, sizeof name, "%.*s", SLICE_ARG(host));
    int unknown = getaddrinfo(host.len > 0 ? name : "127.0.0.1", NULL, &hints, &list);
    if (unknown != 0)
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "cannot listen on '%s': %s: give an address of this machine with "
                                  "--host",
                                  name, gai_strerror(unknown));
    int fault = open_all(listener, list);
    freeaddrinfo(list);
    if (fault != 0) {
        harborai_status st = listener_check_offered(listener, error); /* a better reason */
        listener_close(listener);
        return st < 0 ? st : explain(fault, host, port, error);
    }
    bool is_v6 = memchr(name, ':', strlen(name)) != NULL;
    snprintf(url, sizeof url, is_v6 ? "%s://[%.64s]:%u" : "%s://%.64s:%u", listener_scheme(listener),
             host.len > 0 ? name : "127.0.0.1", listener->port);
    listener_add_url(listener, url);
    return HARBORAI_OK;
}
