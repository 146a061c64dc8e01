/* SPDX-License-Identifier: MIT */
/* Preloaded into a gateway by `make soak`: tells whoever connects to the Unix socket HEAP_IN_USE how many
 * bytes of the heap are in use. Resident memory does not tell: most of it is the heap's greatest extent. */
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void *serve(void *context)
{
    int listener = (int)(long)context;
    for (int fd; (fd = accept(listener, NULL, NULL)) >= 0; close(fd)) {
        struct mallinfo2 heap = mallinfo2();
        dprintf(fd, "%zu\n", heap.uordblks + heap.hblkhd);
    }
    return NULL;
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("HEAP_IN_USE");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    sigset_t all, before;
    pthread_t thread;
    if (!path || strlen(path) >= sizeof address.sun_path)
        return;
    memcpy(address.sun_path, path, strlen(path) + 1);
    (void)unlink(path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(listener, 4) < 0)
        return;
    sigfillset(&all); /* they are the gateway's */
    pthread_sigmask(SIG_BLOCK, &all, &before);
    (void)!pthread_create(&thread, NULL, serve, (void *)(long)listener);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}
