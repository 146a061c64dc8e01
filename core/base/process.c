/* SPDX-License-Identifier: MIT */
#include "base/process.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/slice.h"

/* /proc/self/statm begins with the pages of all and of those that are resident. */
struct process_memory process_memory_now(void)
{
    char text[128];
    uint64_t pages[2] = {0, 0}, page = (uint64_t)sysconf(_SC_PAGESIZE);
    harborai_str left, word;
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, text, sizeof text) : -1;
    if (fd >= 0)
        close(fd);
    left = (harborai_str){text, len > 0 ? (size_t)len : 0};
    for (int i = 0; i < 2 && slice_split(left, ' ', &word, &left); i++)
        (void)slice_to_u64(word, &pages[i]);
    return (struct process_memory){.resident_bytes = pages[1] * page,
                                   .virtual_bytes = pages[0] * page};
}

static int64_t ns_of(const struct timeval *t)
{
    return (int64_t)t->tv_sec * NS_PER_S + (int64_t)t->tv_usec * NS_PER_US;
}

int64_t process_cpu_ns(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) < 0)
        return 0;
    return ns_of(&usage.ru_utime) + ns_of(&usage.ru_stime);
}

uint64_t process_most_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY)
        return 0;
    return limit.rlim_cur;
}
