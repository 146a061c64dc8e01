/* SPDX-License-Identifier: MIT */
/* Exchanges that fail: what the peer does wrong, and what we lack. */
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../unit.h"
#include "plain.h"

extern const CU_TestInfo exchange_faults_tests[];

struct breaking {
    const char *name, *answer;
    bool resets;
    enum exchange_fault fault;
    const char *message;
};

static const struct breaking faults[] = {
    {"closed without an answer", "", false, EXCHANGE_SENT, "closed the connection without"},
    {"reset without an answer", "", true, EXCHANGE_SENT, ""},
    {"cut in the head", "HTTP/1.1 200 OK\r\nConte", false, EXCHANGE_SENT, "its answer's head"},
    {"cut in the body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", false, EXCHANGE_SENT,
     "in the middle of its answer"},
    {"reset in the body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", true, EXCHANGE_SENT,
     ""},
    {"cut in a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello", false,
     EXCHANGE_SENT, "in the middle of its answer"},
    {"without its last chunk",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
     false, EXCHANGE_SENT, "in the middle of its answer"},
    {"bad chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nhello\r\n", false,
     EXCHANGE_SENT, "answer of 127.0.0.1:"},
    {"not HTTP", "220 smtp ready\r\n\r\n", false, EXCHANGE_SENT, "answer of 127.0.0.1:"},
};

static void serve_breaking(struct peer_side *side)
{
    const struct breaking *breaking = side->peer->context;
    char byte;
    if (peer_request(side) == NULL)
        return;
    peer_say(side, breaking->answer);
    side->is_reset = breaking->resets;
    if (breaking->resets && breaking->answer[0] != '\0')
        peer_read(side, &byte, 1); /* a reset would overtake the answer */
}

static void test_faults(void)
{
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        plain_begin(serve_breaking);
        peer.context = (void *)(uintptr_t)&faults[i];
        asked_start(&asked);
        if (faults[i].resets && faults[i].answer[0] != '\0') {
            CU_ASSERT(caller_wait(&caller, &asked.heads, 1));
            caller_turn(&caller, 2);
            CU_ASSERT(atomic_load(&peer.accepted) == 1);
            shutdown(peer.sides[0].fd, SHUT_RD); /* ends the script's read */
        }
        ROW(faults[i].name, asked_wait(&asked) && asked.fails == 1);
        ROW(faults[i].name, asked.fault == faults[i].fault);
        ROW(faults[i].name, strstr(asked.error.message, faults[i].message) != NULL);
        ROW(faults[i].name, strstr(asked.error.message, "127.0.0.1:") != NULL);
        ROW(faults[i].name, transport_counters(caller.transport)->open == 0);
        plain_end();
    }
}

static void test_refused(void)
{
    char want[128];
    plain_begin(plain_serve_hi);
    int port = peer.port;
    shutdown(peer.fd, SHUT_RDWR); /* nobody listens any more */
    snprintf(
        want, sizeof want,
        "cannot connect to 127.0.0.1:%d: Connection refused; check the provider's base_url, and "
        "the network",
        port);
    asked_start(&asked);
    CU_ASSERT(asked_wait(&asked) && asked.fails == 1);
    CU_ASSERT(asked.fault == EXCHANGE_NOT_SENT && asked.error.code == HARBORAI_E_NETWORK);
    CU_ASSERT_STRING_EQUAL(asked.error.message, want);
    CU_ASSERT(transport_counters(caller.transport)->connect_failures == 1);
    plain_end();
}

/* The want of descriptors is ours, and named as such. */
static void test_no_descriptor(void)
{
    struct rlimit limit, low;
    plain_begin(plain_serve_hi);
    CU_ASSERT_FATAL(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    int probe = dup(0);
    low = (struct rlimit){(rlim_t)probe, limit.rlim_max};
    close(probe);
    CU_ASSERT_FATAL(setrlimit(RLIMIT_NOFILE, &low) == 0);
    asked_start(&asked);
    CU_ASSERT(asked_wait(&asked) && asked.fails == 1);
    setrlimit(RLIMIT_NOFILE, &limit);
    CU_ASSERT(asked.fault == EXCHANGE_NOT_SENT && asked.error.code == HARBORAI_E_NETWORK);
    CU_ASSERT(strstr(asked.error.message, "Too many open files") != NULL);
    CU_ASSERT(strstr(asked.error.message, "LimitNOFILE") != NULL);
    plain_end();
}

static void test_no_ca_file(void)
{
    plain_begin(plain_serve_hi);
    asked_set_url(&asked, "https://127.0.0.1:PORT/", peer.port);
    asked_start(&asked);
    CU_ASSERT(asked_wait(&asked) && asked.fails == 1 && asked.fault == EXCHANGE_NOT_SENT);
    CU_ASSERT(asked.error.code == HARBORAI_E_CONFIG);
    plain_end();
}

const CU_TestInfo exchange_faults_tests[] = {
    {"faults", test_faults},
    {"refused", test_refused},
    {"no descriptor left", test_no_descriptor},
    {"no CA file", test_no_ca_file},
    CU_TEST_INFO_NULL,
};
