/* SPDX-License-Identifier: MIT */
#include "server/fd_pass.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
    char bytes[CMSG_SPACE(FD_PASS_MAX * sizeof(int))];
    struct cmsghdr aligned;
};

bool fd_pass_send(int socket, harborai_str bytes, const int *fds, unsigned count)
{
    union control control = {.bytes = {0}};
    struct iovec data = {.iov_base = (void *)(uintptr_t)bytes.data, .iov_len = bytes.len};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
    if (count > FD_PASS_MAX)
        return false;
    if (count > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(head), fds, count * sizeof(int));
    }
    return sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)bytes.len;
}

/* False: there is no room for one; it is closed. */
static bool keep(struct fd_passed *passed, int fd)
{
    if (passed->count == FD_PASS_MAX) {
        close(fd);
        return false;
    }
    passed->fds[passed->count++] = fd;
    return true;
}

static bool keep_all(struct fd_passed *passed, struct msghdr *message)
{
    bool fit = (message->msg_flags & MSG_CTRUNC) == 0;
    for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head != NULL;
         head = CMSG_NXTHDR(message, head)) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(head) + i * sizeof fd, sizeof fd);
            fit = keep(passed, fd) && fit;
        }
    }
    return fit;
}

ssize_t fd_pass_receive(int socket, char *room, size_t size, struct fd_passed *passed)
{
    union control control = {.bytes = {0}};
    struct iovec data = {.iov_base = room, .iov_len = size};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t len = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    if (len < 0 || keep_all(passed, &message))
        return len;
    errno = EMSGSIZE;
    return -1;
}

void fd_passed_release(struct fd_passed *passed)
{
    while (passed->count > 0)
        close(passed->fds[--passed->count]);
}
