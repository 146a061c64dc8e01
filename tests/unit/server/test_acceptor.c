/* SPDX-License-Identifier: MIT */
/* Two loops that ask two addresses. A loop that waits is not told of a connection whose wake-up another one
 * had; here it is made deaf instead: it asks, and its watches are taken away. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../unit.h"
#include "fake.h"
#include "server/budget.h"
#include "server/conn.h"
#include "server/gate.h"

extern const CU_TestInfo acceptor_tests[];

enum { LOOPS = 2, FULL = 8 }; /* one more than FULL is too many while the other loop has none */

static struct clock test_clock;
static int64_t now_ns;
static struct epoch epoch;
static struct loop *loops[LOOPS];
static struct gate *gates;
static struct acceptor *acceptors[LOOPS];
static struct listener listener;
static struct budget bodies;

static int64_t now(const struct clock *clock UNUSED)
{
    return now_ns;
}

static void begin(void)
{
    now_ns = INT64_C(1700000000) * NS_PER_S;
    test_clock = (struct clock){now, now};
    epoch_init(&epoch);
    budget_init(&bodies, MIB(1));
    listener = (struct listener){.port = 0};
    CU_ASSERT_FATAL(listener_open(&listener, HARBORAI_STR("127.0.0.1"), 0, NULL) == HARBORAI_OK);
    CU_ASSERT_FATAL(listener_open(&listener, HARBORAI_STR("127.0.0.2"), 0, NULL) == HARBORAI_OK);
    gates = aligned_alloc(CACHE_LINE, LOOPS * sizeof *gates);
    CU_ASSERT_FATAL(gates != NULL);
    memset(gates, 0, LOOPS * sizeof *gates);
    for (unsigned i = 0; i < LOOPS; i++) {
        struct gate *gate = &gates[i];
        CU_ASSERT_FATAL(loop_create(i, &epoch, &test_clock, &loops[i], NULL) == HARBORAI_OK);
        gate->loop = loops[i];
        gate->limits = &gate_limits_usual;
        gate->bodies = &bodies;
        gate->drained_fd = -1;
        gate->acceptor.gate = gate;
        gate->acceptor.listener = &listener;
        gate->acceptor.all = acceptors;
        gate->acceptor.all_count = LOOPS;
        acceptors[i] = &gate->acceptor;
        atomic_fetch_add(&listener.users, 1);
        CU_ASSERT_FATAL(gate_init(gate, NULL) == HARBORAI_OK);
    }
    for (unsigned i = 0; i < LOOPS; i++)
        acceptor_update(acceptors[i]);
}

static void end(void)
{
    for (unsigned i = 0; i < LOOPS; i++)
        gate_release(&gates[i]);
    for (unsigned i = 0; i < LOOPS; i++) {
        loop_turn(loops[i], 0); /* what is parked */
        loop_destroy(loops[i]);
    }
    listener_close(&listener);
    free(gates);
}

static void turn(unsigned loop)
{
    for (int i = 0; i < 4; i++)
        (void)loop_turn(loops[loop], 0);
}

static void make_deaf(unsigned loop)
{
    for (unsigned i = 0; i < listener.socket_count; i++)
        loop_unwatch(loops[loop], &acceptors[loop]->doors[i].watch);
}

static int socket_to(unsigned at, struct sockaddr_in *address)
{
    socklen_t size = sizeof *address;
    CU_ASSERT_FATAL(getsockname(listener.sockets[at], (struct sockaddr *)address, &size) == 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_FATAL(fd >= 0);
    return fd;
}

static void dial(int fd, const struct sockaddr_in *address)
{
    CU_ASSERT_FATAL(connect(fd, (const struct sockaddr *)address, sizeof *address) == 0);
}

static unsigned count(unsigned loop)
{
    return acceptors[loop]->conn_count;
}

/* One of two is taken, and makes too many: the other one is told of at the other address. */
static void test_two_addresses(void)
{
    struct sockaddr_in addresses[2];
    int fds[2];
    begin();
    turn(0);
    turn(1);
    make_deaf(1);
    atomic_store(&acceptors[0]->conn_count, FULL);
    for (unsigned i = 0; i < 2; i++) {
        fds[i] = socket_to(i, &addresses[i]);
        dial(fds[i], &addresses[i]);
    }
    turn(0);
    CU_ASSERT(count(0) == FULL + 1 && atomic_load(&acceptors[0]->resting));
    turn(1);
    CU_ASSERT(count(1) == 1);
    for (unsigned i = 0; i < 2; i++)
        close(fds[i]);
    atomic_fetch_sub(&acceptors[0]->conn_count, FULL);
    end();
}

/* No descriptor is left for the one that was told; when there is one, it holds too many. */
static void test_a_want_that_ends(void)
{
    struct sockaddr_in address;
    struct rlimit before, none;
    begin();
    turn(0);
    turn(1);
    make_deaf(1);
    int fd = socket_to(1, &address);
    CU_ASSERT_FATAL(getrlimit(RLIMIT_NOFILE, &before) == 0);
    none = before;
    none.rlim_cur = (rlim_t)fd + 1; /* descriptors are the lowest that are free */
    CU_ASSERT_FATAL(setrlimit(RLIMIT_NOFILE, &none) == 0);
    dial(fd, &address);
    turn(0);
    CU_ASSERT(setrlimit(RLIMIT_NOFILE, &before) == 0);
    CU_ASSERT(count(0) == 0 && acceptors[0]->exhausted && !acceptors[0]->asking);
    atomic_store(&acceptors[0]->conn_count, FULL + 1);
    now_ns += NS_PER_S;
    turn(0);
    CU_ASSERT(!acceptors[0]->asking);
    turn(1);
    CU_ASSERT(count(1) == 1);
    close(fd);
    atomic_fetch_sub(&acceptors[0]->conn_count, FULL + 1);
    end();
}

/* Who is asked to look again may hold too many by then: he asks on. */
static void test_passed_on(void)
{
    struct sockaddr_in address;
    begin();
    turn(0);
    turn(1);
    make_deaf(0);
    make_deaf(1);
    int fd = socket_to(0, &address);
    dial(fd, &address);
    acceptor_look_again(acceptors[0]);
    atomic_store(&acceptors[0]->conn_count, FULL + 1);
    turn(0);
    CU_ASSERT(count(0) == FULL + 1);
    turn(1);
    CU_ASSERT(count(1) == 1);
    close(fd);
    atomic_fetch_sub(&acceptors[0]->conn_count, FULL + 1);
    end();
}

/* Where nothing waits nobody is woken. */
static void test_nothing_waits(void)
{
    struct sockaddr_in address;
    begin();
    turn(0);
    turn(1);
    make_deaf(1);
    atomic_store(&acceptors[0]->conn_count, FULL);
    int fd = socket_to(0, &address);
    dial(fd, &address);
    turn(0);
    CU_ASSERT(count(0) == FULL + 1 && !acceptors[0]->asking);
    CU_ASSERT(!atomic_load(&acceptors[1]->nudged));
    close(fd);
    atomic_fetch_sub(&acceptors[0]->conn_count, FULL);
    end();
}

/* A descriptor that cannot be watched, as when there is no memory for its watch. */
static void test_no_room(void)
{
    const struct sockaddr_storage address = {.ss_family = AF_UNIX};
    struct metrics *metrics;
    begin();
    CU_ASSERT_FATAL(metrics_create(1, "0", &metrics, NULL) == HARBORAI_OK);
    gates[0].metrics = metrics_shard_of(metrics, 0);
    int fd = memfd_create("no socket", MFD_CLOEXEC);
    conn_open(&gates[0], fd, &address);
    CU_ASSERT(metrics_sum(metrics, METRIC_TURNED_AWAY_MEMORY) == 1);
    CU_ASSERT(metrics_sum(metrics, METRIC_CLIENT_ACCEPTS) == 0 && count(0) == 0);
    gates[0].metrics = NULL;
    metrics_destroy(metrics);
    end();
}

const CU_TestInfo acceptor_tests[] = {
    {"two addresses", test_two_addresses},
    {"a want that ends", test_a_want_that_ends},
    {"passed on", test_passed_on},
    {"nothing waits", test_nothing_waits},
    {"no room", test_no_room},
    CU_TEST_INFO_NULL,
};
