/* SPDX-License-Identifier: MIT */
/* A vendor: a listener on 127.0.0.1 with a thread for each connection, which follows a script. It
 * shares no code with the product. */
#ifndef TESTS_ENGINE_VENDOR_H
#define TESTS_ENGINE_VENDOR_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct vendor_side { /* one connection */
    struct vendor *vendor;
    int fd, index;   /* index: from 0, in the order of their coming */
    char *in;        /* what came and belongs to no request yet, NUL-terminated */
    size_t in_len, taken;
    int awaited; /* step */
    pthread_cond_t reached;
    struct vendor_side *next;
};

struct vendor {
    /* Runs on the connection's thread; the connection is closed after it. NULL: vendor_answer() for
     * each request. */
    void (*serve)(struct vendor_side *side);
    void *context; /* the script's */
    int port;
    atomic_int accepted, requests, closed; /* closed: by the client */
    atomic_int step;                       /* for tests that go hand in hand */
    /* Its own. */
    int fd;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct vendor_side *sides;
    bool stopping;
};

void vendor_start(struct vendor *vendor);
/* Ends every connection and waits for their threads. */
void vendor_stop(struct vendor *vendor);

/* The next request, head and body, as a C string that is valid until the one after it; NULL: the
 * client closed. */
const char *vendor_request(struct vendor_side *side);
/* False: the connection is gone. */
bool vendor_say(struct vendor_side *side, const char *text);
bool vendor_send(struct vendor_side *side, const char *bytes, size_t len);
/* An answer with a Content-Length. */
bool vendor_whole(struct vendor_side *side, int status, const char *body);
/* A stream, chunked: its head, events, its end. */
bool vendor_stream(struct vendor_side *side);
bool vendor_event(struct vendor_side *side, const char *data);
bool vendor_text(struct vendor_side *side, const char *content);  /* a chunk of choice 0 */
bool vendor_finish(struct vendor_side *side, const char *reason); /* its finish_reason */
bool vendor_done(struct vendor_side *side);                       /* [DONE] and the last chunk */
/* Reads until the client closes, and counts it. */
void vendor_wait_close(struct vendor_side *side);
/* Waits until vendor->step is at least `step`, as it is in the end when the vendor stops. */
void vendor_wait_step(struct vendor_side *side, int step);
void vendor_set_step(struct vendor *vendor, int step);

/* A good answer to any request: a stream of ten chunks with usage if it asks for one, else whole. */
void vendor_answer(struct vendor_side *side, const char *request);

#define VENDOR_USAGE "{\"prompt_tokens\":5,\"completion_tokens\":10,\"total_tokens\":15}"

#endif
