/* SPDX-License-Identifier: MIT */
/* What a service manager gives `harborai serve`, and what it wants to hear: systemd's protocols of
 * sd_listen_fds(3) and sd_notify(3), which are a few variables and a datagram. Not libsystemd: it is
 * another library to load at each start of each command. */
#ifndef CLI_SERVICE_H
#define CLI_SERVICE_H

#include <sys/un.h>

#include "base/attr.h"
#include "base/log.h"

enum { SERVICE_SOCKETS_MAX = 64 };

struct service {
    int sockets[SERVICE_SOCKETS_MAX]; /* that were passed: for whoever listens on them to close */
    unsigned socket_count;
    char notify[sizeof((struct sockaddr_un){0}.sun_path)]; /* where it wants to hear; empty: nowhere */
};

/* Takes what is this process's out of the environment, so that no child takes it for its own. Before
 * any thread and any child. E_CONFIG: it makes no sense. [init] */
MUST_CHECK harborai_status service_take(struct service *service, harborai_error *error);

/* All are [any], and may wait for a service manager that is busy, 5 s at most. The log is told
 * where it cannot be reached. */
/* `is_successor`: another process was the service until now. */
void service_say_ready(const struct service *service, const char *url, bool is_successor,
                       const struct log *log);
void service_say_reloading(const struct service *service, const struct log *log);
void service_say_stopping(const struct service *service, const struct log *log);
/* In place of that: the service goes on in another process; 0 = not known, then nothing is said. The last
 * word of this one. */
void service_say_replaced(const struct service *service, long long process, const struct log *log);

#endif
