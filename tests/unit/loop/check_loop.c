/* SPDX-License-Identifier: MIT */
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../unit.h"
#include "loop/jobs.h"
#include "loop/loop.h"
#include "loop/outer.h"

extern const CU_TestInfo loop_tests[];

/* A clock that the test sets. */
struct set_clock {
    struct clock clock;
    int64_t now_ns;
};

static int64_t set_clock_now(const struct clock *self)
{
    return ((const struct set_clock *)self)->now_ns; /* clock is its first member */
}

static struct epoch epoch;
static struct set_clock test_clock = {{set_clock_now, set_clock_now}, 1000};

static struct loop *new_loop(void)
{
    struct loop *loop = NULL;
    epoch_init(&epoch);
    test_clock.now_ns = 1000;
    CU_ASSERT_FATAL(loop_create(0, &epoch, &test_clock.clock, &loop, NULL) == HARBORAI_OK);
    return loop;
}

/* --- Timers --- */

enum { TIMERS = 500 };
static struct timed {
    struct timer timer;
    int fired;
} timed[TIMERS];
static int64_t last_due_ns;
static int out_of_order;

static void on_due(struct timer *timer)
{
    CONTAINER_OF(timer, struct timed, timer)->fired++;
    out_of_order += timer->at_ns < last_due_ns;
    last_due_ns = timer->at_ns;
}

static void test_timers(void)
{
    struct loop *loop = new_loop();
    srand(7);
    out_of_order = 0;
    last_due_ns = 0;
    for (int i = 0; i < TIMERS; i++) {
        timed[i] = (struct timed){{.on_due = on_due}, 0};
        loop_timer_set(loop, &timed[i].timer, 2000 + rand() % 5000);
    }
    for (int i = 0; i < TIMERS; i += 3)
        loop_timer_set(loop, &timed[i].timer, 2000 + rand() % 5000);
    for (int i = 0; i < TIMERS; i += 5)
        loop_timer_clear(loop, &timed[i].timer);
    for (test_clock.now_ns = 2000; test_clock.now_ns <= 8000; test_clock.now_ns += 250) {
        last_due_ns = 0;
        loop_turn(loop, 0);
    }
    for (int i = 0; i < TIMERS; i++)
        CU_ASSERT(timed[i].fired == (i % 5 != 0));
    CU_ASSERT(out_of_order == 0);
    loop_destroy(loop);
}

/* --- Phases --- */

static char order[64];

static void note(char c)
{
    size_t len = strlen(order);
    order[len] = c;
}

struct phases {
    struct loop *loop;
    struct commit_hook hook;
    struct action first, second;
    struct watch watch;
    struct message message;
    struct parked parked;
    bool chain;
};

static void on_readable(struct watch *watch, uint32_t events UNUSED)
{
    struct phases *p = CONTAINER_OF(watch, struct phases, watch);
    note('r');
    loop_act(p->loop, &p->first);
    loop_act(p->loop, &p->first);
}

static void on_message(struct message *message)
{
    struct phases *p = CONTAINER_OF(message, struct phases, message);
    note('m');
    loop_act(p->loop, &p->first);
}

static void on_commit(struct commit_hook *hook UNUSED)
{
    note('c');
}

static void free_nothing(struct parked *parked UNUSED)
{
    note('f');
}

static void on_first(struct action *action)
{
    struct phases *p = CONTAINER_OF(action, struct phases, first);
    note('1');
    loop_act(p->loop, &p->second);
    loop_park(p->loop, &p->parked, free_nothing);
}

static void on_second(struct action *action)
{
    note('2');
    if (CONTAINER_OF(action, struct phases, second)->chain)
        loop_again(CONTAINER_OF(action, struct phases, second)->loop);
}

static void test_phases(void)
{
    int ends[2];
    struct phases p = {.loop = new_loop(), .hook = {on_commit}, .first = {.run = on_first},
                       .second = {.run = on_second}, .watch = {-1, on_readable},
                       .message = {.run = on_message}};
    memset(order, 0, sizeof order);
    CU_ASSERT_FATAL(pipe(ends) == 0);
    loop_set_commit_hook(p.loop, &p.hook);
    CU_ASSERT(loop_watch(p.loop, &p.watch, ends[0], EPOLLIN, NULL) == HARBORAI_OK);
    CU_ASSERT(write(ends[1], "x", 1) == 1);
    loop_turn(p.loop, -1);
    CU_ASSERT_STRING_EQUAL(order, "rc12f");
    memset(order, 0, sizeof order);
    p.chain = true;
    loop_post(p.loop, &p.message);
    loop_turn(p.loop, -1);
    loop_turn(p.loop, -1); /* does not sleep: another pass was asked for */
    CU_ASSERT_STRING_EQUAL(order, "mc12fc");
    loop_unwatch(p.loop, &p.watch);
    CU_ASSERT(write(ends[1], "x", 1) == 1);
    memset(order, 0, sizeof order);
    loop_turn(p.loop, 0);
    CU_ASSERT_STRING_EQUAL(order, "c");
    loop_destroy(p.loop);
    close(ends[0]);
    close(ends[1]);
}

/* --- Jobs that answer by messages --- */

enum { JOBS = 200 };
static struct loop *reply_loop;
static atomic_int jobs_done;
static int replies;
static struct work {
    struct job job;
    struct message reply;
} work[JOBS];

static void on_reply(struct message *message UNUSED)
{
    if (++replies == JOBS)
        loop_stop(reply_loop);
}

static void do_work(struct job *job)
{
    atomic_fetch_add(&jobs_done, 1);
    loop_post(reply_loop, &CONTAINER_OF(job, struct work, job)->reply);
}

static void test_jobs(void)
{
    struct jobs *jobs = NULL;
    reply_loop = new_loop();
    CU_ASSERT_FATAL(jobs_create("test", 3, &jobs, NULL) == HARBORAI_OK);
    for (int i = 0; i < JOBS; i++) {
        work[i] = (struct work){{.run = do_work}, {.run = on_reply}};
        CU_ASSERT(jobs_submit(jobs, &work[i].job, NULL) == HARBORAI_OK);
    }
    loop_run(reply_loop);
    CU_ASSERT(replies == JOBS && atomic_load(&jobs_done) == JOBS);
    jobs_destroy(jobs);
    loop_destroy(reply_loop);
}

/* --- What goes wrong, and what is left over --- */

static void test_no_descriptors(void)
{
    struct rlimit before, none;
    struct loop *loop = NULL;
    harborai_error error = HARBORAI_ERROR_INIT;
    epoch_init(&epoch);
    CU_ASSERT_FATAL(getrlimit(RLIMIT_NOFILE, &before) == 0);
    none = (struct rlimit){0, before.rlim_max};
    CU_ASSERT_FATAL(setrlimit(RLIMIT_NOFILE, &none) == 0);
    harborai_status st = loop_create(0, &epoch, &test_clock.clock, &loop, &error);
    CU_ASSERT_FATAL(setrlimit(RLIMIT_NOFILE, &before) == 0);
    CU_ASSERT(st == HARBORAI_E_MEMORY && loop == NULL);
    CU_ASSERT(strstr(error.message, "cannot make a loop") != NULL);
}

static void test_bad_descriptor(void)
{
    struct loop *loop = new_loop();
    struct watch watch = {-1, on_readable};
    harborai_error error = HARBORAI_ERROR_INIT;
    CU_ASSERT(loop_watch(loop, &watch, -1, EPOLLIN, &error) == HARBORAI_E_MEMORY);
    CU_ASSERT(watch.fd == -1 && strstr(error.message, "cannot watch") != NULL);
    loop_destroy(loop);
}

static unsigned freed;

static void count_free(struct parked *parked UNUSED)
{
    freed++;
}

static void test_parked(void)
{
    struct loop *loop = new_loop();
    struct parked items[3];
    freed = 0;
    loop_park(loop, &items[0], count_free);
    loop_park(loop, &items[1], count_free);
    CU_ASSERT(freed == 0);
    loop_turn(loop, 0);
    CU_ASSERT(freed == 2);
    loop_park(loop, &items[2], count_free);
    loop_destroy(loop);
    CU_ASSERT(freed == 3);
    loop_destroy(NULL);
}

/* --- As one descriptor of another loop --- */

static bool is_readable(const struct outer *outer)
{
    struct pollfd fd = {.fd = outer_descriptor(outer), .events = POLLIN};
    return poll(&fd, 1, 0) == 1;
}

static void do_nothing(struct message *message UNUSED)
{
}

static void test_outer(void)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    struct outer *outer;
    struct loop *loop;
    struct message message = {.run = do_nothing};
    struct timed due = {{.on_due = on_due}, 0};
    epoch_init(&epoch);
    CU_ASSERT_FATAL(loop_create(0, &epoch, &clock_system, &loop, &error) == HARBORAI_OK);
    CU_ASSERT_FATAL(outer_create(loop, &outer, &error) == HARBORAI_OK);
    CU_ASSERT(!is_readable(outer));
    loop_post(loop, &message);
    CU_ASSERT(is_readable(outer) && loop_turn(loop, 0) && !is_readable(outer));
    outer_raise(outer);
    outer_raise(outer);
    CU_ASSERT(is_readable(outer) && loop_turn(loop, 0) && is_readable(outer));
    outer_lower(outer);
    outer_lower(outer);
    CU_ASSERT(!is_readable(outer));
    loop_timer_set(loop, &due.timer, loop_now_ns(loop) - 1);
    outer_settle(outer);
    CU_ASSERT(is_readable(outer));
    (void)loop_turn(loop, 0);
    outer_settle(outer);
    CU_ASSERT(due.fired == 1 && !is_readable(outer) && loop_due_ns(loop) == INT64_MAX);
    loop_wake(loop);
    CU_ASSERT(is_readable(outer));
    outer_destroy(outer);
    outer_destroy(NULL);
    loop_destroy(loop);
}

const CU_TestInfo loop_tests[] = {
    {"timers", test_timers},
    {"phases of a pass", test_phases},
    {"jobs answer by messages", test_jobs},
    {"no descriptors left", test_no_descriptors},
    {"a descriptor that cannot be watched", test_bad_descriptor},
    {"what is parked is freed once", test_parked},
    {"one descriptor of another loop", test_outer},
    CU_TEST_INFO_NULL,
};

UNIT_MAIN(UNIT_SUITE("loop", loop_tests))
