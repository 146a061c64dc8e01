/* SPDX-License-Identifier: MIT */
/* The name of a state directory. Must never give two processes different ones. */
#include "store/state_id.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/ids.h"

enum { ID_LEN = 36 };

static bool is_uuid(const char *text)
{
    for (size_t i = 0; i < ID_LEN; i++) {
        bool is_hex = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_dash ? text[i] != '-' : !is_hex)
            return false;
    }
    return true;
}

/* 0, or why not; ENOMSG: it is no UUID. */
static int read_id(const char *path, char ret_id[static 37])
{
    char text[ID_LEN + 1];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno;
    ssize_t len = read(fd, text, sizeof text);
    close(fd);
    if (len < ID_LEN || !is_uuid(text))
        return ENOMSG;
    memcpy(ret_id, text, ID_LEN);
    ret_id[ID_LEN] = '\0';
    return 0;
}

/* Whole or not at all: link() puts it in its place, if nobody was faster. */
static int make_id(const char *path, const char *temporary)
{
    struct ids ids;
    char text[37];
    int number = 0;
    ids_init(&ids);
    ids_uuid7(&ids, clock_wall_ns(&clock_system), text);
    text[ID_LEN] = '\n';
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno;
    if (write(fd, text, sizeof text) != (ssize_t)sizeof text || fsync(fd) != 0)
        number = errno != 0 ? errno : EIO;
    close(fd);
    if (number == 0 && link(temporary, path) != 0 && errno != EEXIST)
        number = errno;
    unlink(temporary);
    return number;
}

harborai_status state_id_read(harborai_str state_dir, char ret_id[static 37], harborai_error *error)
{
    char *path = NULL, *temporary = NULL, why[128];
    if (asprintf(&path, "%.*s/id", SLICE_ARG(state_dir)) < 0 ||
        asprintf(&temporary, "%s.%d.new", path, (int)getpid()) < 0) {
        free(path);
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    }
    int number = read_id(path, ret_id);
    if (number == ENOENT)
        number = make_id(path, temporary);
    if (number == 0)
        number = read_id(path, ret_id);
    harborai_status st = HARBORAI_OK;
    if (number == ENOMSG)
        st = harborai_error_set(error, HARBORAI_E_CONFIG,
                                "'%s' holds no UUID: remove it, and calls that are in PostgreSQL "
                                "already are looked at once more", path);
    else if (number != 0)
        st = harborai_error_set(error, HARBORAI_E_CONFIG, "cannot make '%s': %s", path,
                                error_of_errno(number, why));
    free(path);
    free(temporary);
    return st;
}
