/* SPDX-License-Identifier: MIT */
/* Variables in, datagrams out. Must never end the gateway: a manager that does not listen is told of
 * in the log. */
#include "cli/service.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"

#define FIRST_SOCKET 3 /* SD_LISTEN_FDS_START */
#define SAY_LIMIT_S 5

/* ---- What it gives --------------------------------------------------------------------------- */

/* LISTEN_PID says whose the sockets are: a parent's variables are inherited, too. */
static bool are_ours(void)
{
    const char *pid = getenv("LISTEN_PID");
    uint64_t number;
    return pid != NULL && slice_to_u64(slice_of(pid), &number) && number == (uint64_t)getpid();
}

static harborai_status take_sockets(struct service *service, const char *count, harborai_error *error)
{
    uint64_t number;
    if (!slice_to_u64(slice_of(count), &number) || number > SERVICE_SOCKETS_MAX)
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "LISTEN_FDS, by which a service manager passes sockets, is no number "
                                  "from 0 to %d: unset it and LISTEN_PID",
                                  SERVICE_SOCKETS_MAX);
    for (int fd = FIRST_SOCKET; fd < FIRST_SOCKET + (int)number; fd++) {
        if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
            return harborai_error_set(error, HARBORAI_E_CONFIG,
                                      "LISTEN_FDS says that descriptor %d is a socket, and it is not "
                                      "open: unset LISTEN_FDS and LISTEN_PID", fd);
        service->sockets[service->socket_count++] = fd;
    }
    return HARBORAI_OK;
}

harborai_status service_take(struct service *service, harborai_error *error)
{
    const char *count = getenv("LISTEN_FDS"), *notify = getenv("NOTIFY_SOCKET");
    harborai_status st = HARBORAI_OK;
    *service = (struct service){.socket_count = 0};
    if (count != NULL && are_ours())
        st = take_sockets(service, count, error);
    if (notify != NULL && strlen(notify) < sizeof service->notify)
        memcpy(service->notify, notify, strlen(notify));
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    unsetenv("NOTIFY_SOCKET");
    return st;
}

/* ---- What it hears --------------------------------------------------------------------------- */

/* "@name" is abstract: a NUL, then the name, without a NUL at its end. */
static socklen_t address_of(const struct service *service, struct sockaddr_un *address)
{
    size_t len = strlen(service->notify);
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, service->notify, len);
    if (address->sun_path[0] == '@')
        address->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

static bool send_there(const struct service *service, const char *state)
{
    const struct timeval limit = {.tv_sec = SAY_LIMIT_S};
    struct sockaddr_un address;
    socklen_t size = address_of(service, &address);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    ssize_t sent = sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address, size);
    int fault = errno;
    close(fd);
    errno = fault;
    return sent >= 0;
}

static void say(const struct service *service, const char *state, const struct log *log)
{
    char text[128];
    if (service->notify[0] != '\0' && !send_there(service, state))
        log_write(log, LOG_LEVEL_WARN, "serve.notify_failed", "socket='%s' error='%s'",
                  service->notify, error_of_errno(errno, text));
}

/* What nobody has replaced is what the manager has started, by a number that it knows, and which may be another
 * one in a container. */
void service_say_ready(const struct service *service, const char *url, bool is_successor,
                       const struct log *log)
{
    char state[640], process[40] = "";
    if (is_successor)
        snprintf(process, sizeof process, "MAINPID=%ld\n", (long)getpid());
    snprintf(state, sizeof state, "READY=1\n%sSTATUS=listening on %s", process, url);
    say(service, state, log);
}

/* The time is what Type=notify-reload knows it by. */
void service_say_reloading(const struct service *service, const struct log *log)
{
    char state[64];
    snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%lld",
             (long long)(clock_monotonic_ns(&clock_system) / 1000));
    say(service, state, log);
}

void service_say_stopping(const struct service *service, const struct log *log)
{
    say(service, "STOPPING=1", log);
}

/* Said by the one that is known, before it can end: else its end might be taken for the service's. */
void service_say_replaced(const struct service *service, long long process, const struct log *log)
{
    char state[40];
    if (process <= 0)
        return;
    snprintf(state, sizeof state, "MAINPID=%lld", process);
    say(service, state, log);
}
