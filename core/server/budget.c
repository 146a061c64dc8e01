/* SPDX-License-Identifier: MIT */
/* The count of bytes in bodies and in answers that wait, and how much memory there is. Must never wait: loops of
 * all threads charge here. */
#include "server/budget.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/slice.h"

void budget_init(struct budget *b, size_t ceiling)
{
    atomic_init(&b->used, 0);
    b->ceiling = ceiling;
}

/* Two that charge at once may both be refused just below the ceiling: that does no harm. */
bool budget_charge(struct budget *b, size_t bytes)
{
    size_t before = atomic_fetch_add_explicit(&b->used, bytes, memory_order_relaxed);
    if (before <= b->ceiling && bytes <= b->ceiling - before)
        return true;
    budget_release(b, bytes);
    return false;
}

void budget_release(struct budget *b, size_t bytes)
{
    if (bytes > 0)
        atomic_fetch_sub_explicit(&b->used, bytes, memory_order_relaxed);
}

void budget_add(struct budget *b, size_t bytes)
{
    atomic_fetch_add_explicit(&b->used, bytes, memory_order_relaxed);
}

bool budget_fits(const struct budget *b, size_t bytes)
{
    size_t used = atomic_load_explicit(&b->used, memory_order_relaxed);
    return used <= b->ceiling && bytes <= b->ceiling - used;
}

/* --- How much there is ------------------------------------------------------------------------ */

/* The beginning of a small file. Empty if there is none. */
static harborai_str read_small(const char *path, char *room, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return SLICE_NONE;
    ssize_t len = read(fd, room, size);
    close(fd);
    return (harborai_str){room, len > 0 ? (size_t)len : 0};
}

static uint64_t limit_in(const char *path)
{
    char text[32];
    harborai_str line, rest;
    uint64_t limit = UINT64_MAX;
    (void)slice_split(read_small(path, text, sizeof text), '\n', &line, &rest);
    if (!slice_to_u64(line, &limit) || limit == 0) /* "max": none */
        return UINT64_MAX;
    return limit;
}

/* A group is limited by those above it, too. In a container the group's path may not exist below
 * `mount`, which then is the group itself. */
static uint64_t limit_of_group(const char *mount, harborai_str group, const char *name)
{
    uint64_t least = UINT64_MAX;
    for (;;) {
        char path[PATH_MAX];
        if (group.len > 0 && group.data[group.len - 1] == '/')
            group.len--;
        int len = snprintf(path, sizeof path, "%s%.*s/%s", mount, SLICE_ARG(group), name);
        uint64_t limit = len < (int)sizeof path ? limit_in(path) : UINT64_MAX;
        least = limit < least ? limit : least;
        if (group.len == 0)
            return least;
        while (group.len > 0 && group.data[group.len - 1] != '/')
            group.len--;
    }
}

/* "0::/a/b" of version 2, "4:memory:/a/b" of version 1. */
static uint64_t limit_of_line(const char *mount, harborai_str line)
{
    harborai_str number, controllers, group;
    char below[PATH_MAX];
    if (!slice_split(line, ':', &number, &line) || !slice_split(line, ':', &controllers, &group))
        return UINT64_MAX;
    if (slice_is(number, "0") && controllers.len == 0)
        return limit_of_group(mount, group, "memory.max");
    if (!slice_is(controllers, "memory"))
        return UINT64_MAX;
    snprintf(below, sizeof below, "%s/memory", mount);
    return limit_of_group(below, group, "memory.limit_in_bytes");
}

uint64_t budget_memory(const char *cgroup_file, const char *mount)
{
    char text[KIB(8)];
    harborai_str rest = read_small(cgroup_file, text, sizeof text), line;
    long pages = sysconf(_SC_PHYS_PAGES), page_size = sysconf(_SC_PAGESIZE);
    uint64_t least = UINT64_MAX;

    if (pages > 0 && page_size > 0)
        least = (uint64_t)pages * (uint64_t)page_size;
    while (rest.len > 0) {
        (void)slice_split(rest, '\n', &line, &rest);
        uint64_t limit = limit_of_line(mount, line);
        least = limit < least ? limit : least;
    }
    return least;
}
