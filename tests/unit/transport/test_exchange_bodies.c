/* SPDX-License-Identifier: MIT */
/* Exchanges whose bodies and heads are larger than the buffers of their sockets. */
#include <stdlib.h>
#include <unistd.h>

#include "../unit.h"
#include "plain.h"

extern const CU_TestInfo exchange_bodies_tests[];

enum { LARGE = 8 << 20 };

static void serve_large(struct peer_side *side)
{
    char head[2048];
    size_t got = 0, n;
    usleep(20000); /* the socket's buffers fill */
    while (got < sizeof head - 1 && (n = peer_read(side, head + got, 1)) == 1) {
        head[got += n] = '\0';
        if (got >= 4 && strcmp(head + got - 4, "\r\n\r\n") == 0)
            break;
    }
    char *room = malloc(LARGE);
    size_t len = 0;
    bool same = true;
    while (len < LARGE && (n = peer_read(side, room, 100000)) > 0) {
        for (size_t i = 0; i < n; i += 997)
            same = same && room[i] == (char)((len + i) % 251);
        len += n;
    }
    free(room);
    peer_say(side, same && len == LARGE ? "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
                                        : "HTTP/1.1 500 bad\r\nContent-Length: 0\r\n\r\n");
    peer_request(side);
}

static void test_large_request(void)
{
    char *body = malloc(LARGE);
    for (size_t i = 0; i < LARGE; i++)
        body[i] = (char)(i % 251);
    const harborai_str pieces[] = {{body, 100},
                                   {body + 100, LARGE / 2},
                                   {body + 100 + LARGE / 2, LARGE - LARGE / 2 - 100}};
    plain_begin(serve_large);
    asked.request.body = pieces;
    asked.request.body_count = 3;
    CU_ASSERT(asked_gives(&asked, "ok"));
    CU_ASSERT(asked.x.bytes_sent > LARGE && plain_idle() == 1);
    plain_end();
    free(body);
}

/* Whether what comes next is a head of LARGE and some bytes, its end included. */
static bool read_large_head(struct peer_side *side)
{
    char *room = malloc(KIB(64) + 3), *end = NULL;
    size_t len = 0, kept = 0, n;
    while (end == NULL && (n = peer_read(side, room + kept, KIB(64))) > 0) {
        len += n;
        end = memmem(room, kept + n, "\r\n\r\n", 4);
        size_t keep = kept + n < 3 ? kept + n : 3;
        memmove(room, room + kept + n - keep, keep);
        kept = keep;
    }
    free(room);
    return end != NULL && len > LARGE;
}

static void serve_large_head(struct peer_side *side)
{
    usleep(20000); /* the socket's buffers fill */
    peer_say(side, read_large_head(side) ? "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
                                         : "HTTP/1.1 500 bad\r\nContent-Length: 0\r\n\r\n");
    peer_drain(side);
}

/* The end of a head that the socket does not take yet is kept. */
static void test_large_head(void)
{
    static const char name[] = "x-pad: ";
    char *head = malloc(LARGE);
    memset(head, 'x', LARGE);
    memcpy(head, name, sizeof name - 1);
    memcpy(head + LARGE - 2, "\r\n", 2);
    plain_begin(serve_large_head);
    asked.request.headers = (harborai_str){head, LARGE};
    CU_ASSERT(asked_gives(&asked, "ok"));
    CU_ASSERT(asked.x.bytes_sent > LARGE);
    plain_end();
    free(head);
}

static void serve_early_answer(struct peer_side *side)
{
    char some[100];
    peer_read(side, some, sizeof some);
    peer_say(side, "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig");
    usleep(50000);
    peer_drain(side);
}

static void test_answer_before_the_request_ended(void)
{
    char *body = calloc(1, 8 * LARGE); /* more than all buffers of the two sockets */
    plain_begin(serve_early_answer);
    asked.body = (harborai_str){body, 8 * LARGE};
    CU_ASSERT(asked_gives(&asked, "big"));
    CU_ASSERT(asked.status == 413 && plain_idle() == 0);
    plain_end();
    free(body);
}

static void test_large_answer_with_a_pause(void)
{
    plain_begin(plain_serve_large_answer);
    asked.on_data = ON_DATA_PAUSE;
    asked_start(&asked);
    CU_ASSERT(caller_wait(&caller, &asked.heads, 1));
    caller_turn(&caller, 3);
    size_t len = asked.data.len;
    CU_ASSERT(len > 0 && len <= KIB(32));
    asked.request.idle_timeout_ns = 0;
    caller_turn(&caller, 10);
    CU_ASSERT(asked.data.len == len && asked.ends == 0);
    exchange_resume(&asked.x);
    CU_ASSERT(asked.data.len == len); /* in a later pass */
    CU_ASSERT(asked_wait(&asked) && asked.ends == 1);
    CU_ASSERT(asked.data.len == 5000000 && plain_idle() == 1);
    plain_end();
}

const CU_TestInfo exchange_bodies_tests[] = {
    {"a large request", test_large_request},
    {"a large head", test_large_head},
    {"an answer before the request ended", test_answer_before_the_request_ended},
    {"a large answer with a pause", test_large_answer_with_a_pause},
    CU_TEST_INFO_NULL,
};
