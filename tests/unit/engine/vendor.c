/* SPDX-License-Identifier: MIT */
#include "vendor.h"

#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_S 20

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    perror(what);
    abort();
}

static void answer_all(struct vendor_side *side)
{
    for (const char *request; (request = vendor_request(side)) != NULL;)
        vendor_answer(side, request);
}

static void forget(struct vendor_side *side)
{
    struct vendor *vendor = side->vendor;
    pthread_mutex_lock(&vendor->lock);
    for (struct vendor_side **at = &vendor->sides; *at != NULL; at = &(*at)->next)
        if (*at == side) {
            *at = side->next;
            break;
        }
    close(side->fd);
    pthread_cond_destroy(&side->reached);
    pthread_cond_broadcast(&vendor->changed);
    pthread_mutex_unlock(&vendor->lock);
    free(side->in);
    free(side);
}

static void *serve(void *argument)
{
    struct vendor_side *side = argument;
    if (side->vendor->serve != NULL)
        side->vendor->serve(side);
    else
        answer_all(side);
    forget(side);
    return NULL;
}

static void begin_side(struct vendor *vendor, int fd)
{
    struct vendor_side *side = calloc(1, sizeof *side);
    struct timeval patience = {PATIENCE_S, 0};
    pthread_attr_t attributes;
    pthread_t thread;
    int one = 1;

    must(side != NULL, "vendor");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    side->vendor = vendor;
    side->fd = fd;
    side->awaited = INT_MAX;
    pthread_cond_init(&side->reached, NULL);
    side->index = atomic_fetch_add(&vendor->accepted, 1);
    pthread_mutex_lock(&vendor->lock);
    side->next = vendor->sides;
    vendor->sides = side;
    pthread_mutex_unlock(&vendor->lock);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    must(pthread_create(&thread, &attributes, serve, side) == 0, "vendor thread");
    pthread_attr_destroy(&attributes);
}

static void *accept_all(void *argument)
{
    struct vendor *vendor = argument;
    for (int fd; (fd = accept4(vendor->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0;)
        begin_side(vendor, fd);
    return NULL;
}

void vendor_start(struct vendor *vendor)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    vendor->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(bind(vendor->fd, (struct sockaddr *)&address, sizeof address) == 0 &&
             listen(vendor->fd, 512) == 0 &&
             getsockname(vendor->fd, (struct sockaddr *)&address, &len) == 0,
         "vendor");
    vendor->port = ntohs(address.sin_port);
    pthread_mutex_init(&vendor->lock, NULL);
    pthread_cond_init(&vendor->changed, NULL);
    must(pthread_create(&vendor->thread, NULL, accept_all, vendor) == 0, "vendor");
}

/* The lock is held. Wakes only those who wait for it: there may be hundreds. */
static void set_step(struct vendor *vendor, int step)
{
    atomic_store(&vendor->step, step);
    for (struct vendor_side *side = vendor->sides; side != NULL; side = side->next)
        if (side->awaited <= step)
            pthread_cond_signal(&side->reached);
}

void vendor_stop(struct vendor *vendor)
{
    shutdown(vendor->fd, SHUT_RDWR); /* ends accept() */
    pthread_join(vendor->thread, NULL);
    pthread_mutex_lock(&vendor->lock);
    set_step(vendor, INT_MAX);
    for (struct vendor_side *side = vendor->sides; side != NULL; side = side->next)
        shutdown(side->fd, SHUT_RDWR);
    while (vendor->sides != NULL)
        pthread_cond_wait(&vendor->changed, &vendor->lock);
    pthread_mutex_unlock(&vendor->lock);
    close(vendor->fd);
    pthread_cond_destroy(&vendor->changed);
    pthread_mutex_destroy(&vendor->lock);
}

/* --- Reading -------------------------------------------------------------------------------- */

static size_t request_len(const char *in)
{
    const char *end = strstr(in, "\r\n\r\n");
    if (end == NULL)
        return 0;
    const char *field = strcasestr(in, "content-length: ");
    size_t body = field != NULL && field < end ? strtoul(field + 16, NULL, 10) : 0;
    return (size_t)(end - in) + 4 + body;
}

static bool read_more(struct vendor_side *side)
{
    enum { STEP = 65536 };
    char *in = realloc(side->in, side->in_len + STEP + 1);
    must(in != NULL, "vendor");
    side->in = in;
    ssize_t got = recv(side->fd, in + side->in_len, STEP, 0);
    if (got > 0)
        side->in_len += (size_t)got;
    in[side->in_len] = '\0';
    return got > 0;
}

const char *vendor_request(struct vendor_side *side)
{
    if (side->taken > 0) {
        side->in_len -= side->taken;
        memmove(side->in, side->in + side->taken, side->in_len + 1);
        side->taken = 0;
    }
    for (;;) {
        size_t len = side->in != NULL ? request_len(side->in) : 0;
        if (len > 0 && len <= side->in_len) {
            side->taken = len;
            atomic_fetch_add(&side->vendor->requests, 1);
            return side->in;
        }
        if (!read_more(side)) {
            atomic_fetch_add(&side->vendor->closed, 1);
            return NULL;
        }
    }
}

void vendor_wait_close(struct vendor_side *side)
{
    while (read_more(side))
        ;
    atomic_fetch_add(&side->vendor->closed, 1);
}

void vendor_wait_step(struct vendor_side *side, int step)
{
    struct vendor *vendor = side->vendor;
    pthread_mutex_lock(&vendor->lock);
    side->awaited = step;
    while (atomic_load(&vendor->step) < step)
        pthread_cond_wait(&side->reached, &vendor->lock);
    side->awaited = INT_MAX;
    pthread_mutex_unlock(&vendor->lock);
}

void vendor_set_step(struct vendor *vendor, int step)
{
    pthread_mutex_lock(&vendor->lock);
    set_step(vendor, step);
    pthread_mutex_unlock(&vendor->lock);
}

/* --- Writing -------------------------------------------------------------------------------- */

bool vendor_send(struct vendor_side *side, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(side->fd, bytes, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes += sent;
        len -= (size_t)sent;
    }
    return true;
}

bool vendor_say(struct vendor_side *side, const char *text)
{
    return vendor_send(side, text, strlen(text));
}

bool vendor_whole(struct vendor_side *side, int status, const char *body)
{
    char head[256];
    snprintf(head, sizeof head,
             "HTTP/1.1 %d x\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n",
             status, strlen(body));
    return vendor_say(side, head) && vendor_say(side, body);
}

bool vendor_stream(struct vendor_side *side)
{
    return vendor_say(side, "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
                            "transfer-encoding: chunked\r\n\r\n");
}

static bool say_chunk(struct vendor_side *side, const char *before, const char *data,
                      const char *after)
{
    size_t len = strlen(before) + strlen(data) + strlen(after);
    char *text = malloc(len + 32);
    must(text != NULL, "vendor");
    sprintf(text, "%zx\r\n%s%s%s\r\n", len, before, data, after);
    bool done = vendor_say(side, text);
    free(text);
    return done;
}

bool vendor_event(struct vendor_side *side, const char *data)
{
    return say_chunk(side, "data: ", data, "\n\n");
}

#define CHUNK_HEAD                                                                                 \
    "{\"id\":\"chatcmpl-v\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\"," \
    "\"choices\":[{\"index\":0,"

bool vendor_text(struct vendor_side *side, const char *content)
{
    return say_chunk(side, "data: " CHUNK_HEAD "\"delta\":{\"content\":\"", content,
                     "\"},\"finish_reason\":null}]}\n\n");
}

bool vendor_finish(struct vendor_side *side, const char *reason)
{
    return say_chunk(side, "data: " CHUNK_HEAD "\"delta\":{},\"finish_reason\":\"", reason,
                     "\"}]}\n\n");
}

bool vendor_done(struct vendor_side *side)
{
    return vendor_event(side, "[DONE]") && vendor_say(side, "0\r\n\r\n");
}

void vendor_answer(struct vendor_side *side, const char *request)
{
    if (strstr(request, "\"stream\":true") == NULL) {
        vendor_whole(side, 200,
                     "{\"id\":\"chatcmpl-v\",\"object\":\"chat.completion\",\"created\":1,"
                     "\"model\":\"m\",\"choices\":[{\"index\":0,\"message\":{\"role\":"
                     "\"assistant\",\"content\":\"whole\"},\"finish_reason\":\"stop\"}],"
                     "\"usage\":" VENDOR_USAGE "}");
        return;
    }
    vendor_stream(side);
    for (int i = 0; i < 10; i++)
        vendor_text(side, "word ");
    vendor_finish(side, "stop");
    vendor_event(side, "{\"id\":\"chatcmpl-v\",\"object\":\"chat.completion.chunk\",\"created\":1,"
                       "\"model\":\"m\",\"choices\":[],\"usage\":" VENDOR_USAGE "}");
    vendor_done(side);
}
