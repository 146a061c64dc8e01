/* SPDX-License-Identifier: MIT */
/* The server's Unix socket. Must never take the name from a program that lives, nor remove what is
 * no socket. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file_lock.h"
#include "server/listener.h"

#define FAULT_MAX 256

/* Formats what is in the way. The result is false, for its caller to return. */
PRINTF(2, 3) static bool say(char fault[static FAULT_MAX], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fault, FAULT_MAX, format, arguments);
    va_end(arguments);
    return false;
}

static bool say_errno(char fault[static FAULT_MAX], const char *what)
{
    char text[128];
    return say(fault, "%s: %s", what, error_of_errno(errno, text));
}

/* --- What stands there ------------------------------------------------------------------------ */

static bool refuse_live(int probe, char fault[static FAULT_MAX])
{
    struct ucred peer = {.pid = 0};
    socklen_t size = sizeof peer;
    char process[48] = "";
    if (getsockopt(probe, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid > 0)
        snprintf(process, sizeof process, ", process %ld,", (long)peer.pid);
    return say(fault, "another program%s listens there; choose another path with --socket", process);
}

/* Whom nobody listens to is refused. A queue that is full is somebody's, too. */
static bool is_dead(const struct sockaddr_un *address, char fault[static FAULT_MAX])
{
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (probe < 0)
        return say_errno(fault, "cannot make a socket");
    bool is_live = connect(probe, (const struct sockaddr *)address, sizeof *address) == 0 ||
                   errno == EAGAIN;
    bool is_refused = !is_live && (errno == ECONNREFUSED || errno == ENOENT);
    if (is_live)
        (void)refuse_live(probe, fault);
    else if (!is_refused)
        (void)say_errno(fault, "a socket is there, and who listens to it cannot be told");
    close(probe);
    return is_refused;
}

static bool clear_place(const struct sockaddr_un *address, char fault[static FAULT_MAX])
{
    struct stat there;
    if (lstat(address->sun_path, &there) != 0)
        return errno == ENOENT || say_errno(fault, "cannot look at it");
    if (!S_ISSOCK(there.st_mode))
        return say(fault, "what is there is no socket; choose another path with --socket");
    if (!is_dead(address, fault))
        return false;
    return unlink(address->sun_path) == 0 || errno == ENOENT ||
           say_errno(fault, "cannot remove the socket that a dead process left there");
}

/* --- Making it -------------------------------------------------------------------------------- */

/* Of what was just made, not of what may have been put in its place. */
static bool set_mode(struct listener *listener, mode_t mode)
{
    char name[40];
    int fd = open(listener->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return false;
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    bool is_set = fstat(fd, &listener->made) == 0 && S_ISSOCK(listener->made.st_mode) &&
                  chmod(name, mode) == 0;
    close(fd);
    return is_set;
}

/* Nobody can connect before listen(): by then the mode is set. */
static bool make(struct listener *listener, int fd, const struct sockaddr_un *address, mode_t mode,
                 char fault[static FAULT_MAX])
{
    if (bind(fd, (const struct sockaddr *)address, sizeof *address) != 0)
        return say_errno(fault, "cannot make it");
    memcpy(listener->path, address->sun_path, sizeof listener->path);
    if (!set_mode(listener, mode))
        return say_errno(fault, "cannot set its mode");
    if (listen(fd, LISTENER_BACKLOG) != 0)
        return say_errno(fault, "cannot listen");
    if (!listener_add(listener, fd, true))
        return say(fault, "there are too many sockets");
    return true;
}

/* The one of the gateway before this one, whose name stays. False: it has none of that name. */
static bool take_offered(struct listener *listener, const struct sockaddr_un *address)
{
    size_t size = offsetof(struct sockaddr_un, sun_path) + strlen(address->sun_path) + 1;
    int fd = listener_take_offered(listener, (const struct sockaddr *)address, (socklen_t)size);
    if (fd < 0)
        return false;
    if (lstat(address->sun_path, &listener->made) == 0)
        memcpy(listener->path, address->sun_path, sizeof listener->path);
    listener->name_is_lent = true;
    if (!listener_add(listener, fd, true)) {
        close(fd);
        return false;
    }
    return true;
}

/* A lock on the directory: of two that start at once neither removes what the other has made. */
static int lock_directory(const char *path, char fault[static FAULT_MAX])
{
    char directory[sizeof((struct sockaddr_un){0}.sun_path)] = ".";
    const char *slash = strrchr(path, '/');
    if (slash != NULL)
        snprintf(directory, sizeof directory, "%.*s", slash > path ? (int)(slash - path) : 1, path);
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        (void)say_errno(fault, "cannot open its directory");
    } else if (!file_lock_wait(fd)) {
        (void)say_errno(fault, "cannot lock its directory");
        close(fd);
        fd = -1;
    }
    return fd;
}

static bool open_there(struct listener *listener, const struct sockaddr_un *address, mode_t mode,
                       char fault[static FAULT_MAX])
{
    int lock = lock_directory(address->sun_path, fault);
    if (lock < 0)
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool is_open = fd >= 0 ? clear_place(address, fault) && make(listener, fd, address, mode, fault)
                           : say_errno(fault, "cannot make a socket");
    if (!is_open && fd >= 0)
        close(fd);
    close(lock);
    return is_open;
}

harborai_status listener_open_unix(struct listener *listener, harborai_str path, mode_t mode,
                                   harborai_error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char url[sizeof address.sun_path + 8], fault[FAULT_MAX];
    bool fits = path.len < sizeof address.sun_path;
    if (fits)
        memcpy(address.sun_path, path.data, path.len);
    else
        (void)say(fault, "a socket's path may have %zu bytes at most; choose a shorter one",
                  sizeof address.sun_path - 1);
    if (!fits || !(take_offered(listener, &address) || open_there(listener, &address, mode, fault))) {
        listener_close(listener);
        return harborai_error_set(error, HARBORAI_E_CONFIG, "cannot listen on the socket '%.*s': %s",
                                  SLICE_ARG(path), fault);
    }
    snprintf(url, sizeof url, "unix:%s", address.sun_path);
    listener_add_url(listener, url);
    return HARBORAI_OK;
}

/* Numbers of inodes are soon used again, so the time counts, which chmod() and chown() leave alone. */
static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

void listener_leave_name(struct listener *listener)
{
    listener->path[0] = '\0';
}

void listener_remove_name(struct listener *listener)
{
    struct stat there;
    if (listener->path[0] != '\0' && !listener->name_is_lent && lstat(listener->path, &there) == 0 &&
        is_same(&there, &listener->made))
        (void)unlink(listener->path);
    listener->path[0] = '\0';
}
