/* SPDX-License-Identifier: MIT */
#include "plain.h"

#include "../unit.h"

struct caller caller;
struct peer peer;
struct asked asked;

void plain_begin(void (*serve)(struct peer_side *side))
{
    peer = (struct peer){.serve = serve};
    peer_start(&peer);
    caller_start(&caller);
    asked_init(&asked, &caller, peer.port, "{\"a\":1}");
}

void plain_end(void)
{
    asked_release(&asked);
    caller_stop(&caller);
    peer_stop(&peer);
}

uint64_t plain_connects(void)
{
    return transport_counters(caller.transport)->connects;
}

uint64_t plain_idle(void)
{
    return transport_counters(caller.transport)->idle;
}

void plain_serve_hi(struct peer_side *side)
{
    while (peer_request(side) != NULL)
        peer_say(side, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
}

void plain_serve_large_answer(struct peer_side *side)
{
    char block[1000];
    memset(block, 'x', sizeof block);
    while (peer_request(side) != NULL) {
        peer_say(side, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (int i = 0; i < 5000; i++) {
            peer_say(side, "3e8\r\n");
            peer_send(side, block, sizeof block);
            peer_say(side, "\r\n");
        }
        peer_say(side, "0\r\n\r\n");
    }
}
