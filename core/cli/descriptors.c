/* SPDX-License-Identifier: MIT */
#include "cli/descriptors.h"

#include <sys/resource.h>
#include <unistd.h>

#define OWN 64      /* the process: sockets, locks, stores, watches of directories, what a job opens */
#define OWN_LOOP 16 /* each loop: its epolls, its wake-up, its segment, the next one, kept connections */
#define OF_CALL 2   /* the client's and the vendor's */

static int64_t needed(int64_t loops, int64_t connections)
{
    if (loops == 0)
        loops = sysconf(_SC_NPROCESSORS_ONLN);
    return OWN + OWN_LOOP * (loops > 0 ? loops : 1) + OF_CALL * connections;
}

/* The usual soft limit of 1024 is there only for select(), which nobody here uses. A refusal leaves what was. */
void descriptors_raise(const struct log *log, int64_t loops, int64_t connections)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    rlim_t soft = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        limit.rlim_cur = soft;
    if (limit.rlim_cur < (rlim_t)needed(loops, connections))
        log_write(log, LOG_LEVEL_WARN, "serve.few_descriptors",
                  "limit=%lld needed=%lld connections=%lld help='raise the hard limit of open files "
                  "(LimitNOFILE, ulimit -Hn), or set a lower server.limits.connections: beyond it "
                  "connections wait'",
                  (long long)limit.rlim_cur, (long long)needed(loops, connections),
                  (long long)connections);
}
