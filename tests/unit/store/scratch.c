/* SPDX-License-Identifier: MIT */
/* Files under a temporary directory. */
#include "scratch.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../unit.h"

void scratch_init(struct scratch *s)
{
    strcpy(s->dir, "/tmp/harborai-store-XXXXXX");
    CU_ASSERT_FATAL(mkdtemp(s->dir) != NULL);
}

static int remove_one(const char *path, const struct stat *now, int kind, struct FTW *walk)
{
    (void)now, (void)kind, (void)walk;
    return remove(path);
}

void scratch_release(struct scratch *s)
{
    nftw(s->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void write_file(const struct scratch *s, const char *name, harborai_str bytes, int flags)
{
    char path[256];
    snprintf(path, sizeof path, "%s/journal", s->dir);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/journal/%s", s->dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);
    CU_ASSERT_FATAL(fd >= 0);
    CU_ASSERT_FATAL(write(fd, bytes.data, bytes.len) == (ssize_t)bytes.len);
    close(fd);
}

void scratch_write(const struct scratch *s, const char *name, harborai_str bytes)
{
    write_file(s, name, bytes, O_TRUNC);
}

void scratch_append(const struct scratch *s, const char *name, harborai_str bytes)
{
    write_file(s, name, bytes, O_APPEND);
}

int scratch_journal(const struct scratch *s)
{
    char path[256];
    snprintf(path, sizeof path, "%s/journal", s->dir);
    mkdir(path, 0700);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CU_ASSERT_FATAL(fd >= 0);
    return fd;
}
