/* SPDX-License-Identifier: MIT */
/* stuck MODE CONFIG STATE MS: the plugin `says` stays in chat() for so long while a waiter, dispatch() or
 * the library's thread drives, or close itself. Who else waits is let go by an interruption, and by
 * close, which says E_TIMEOUT. If MS is short of a minute, nothing happens either when it returns.
 * MODE handler: it is a handler that takes so long, on the library's thread; close waits for it.
 * Prints nothing when all is well; exit status 0. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "driver.h"

enum { LET_GO_S = 5, CLOSE_S = 20, RETURNS_S = 60 };

static harborai_client *client;
static atomic_bool is_inside, is_closed;
static atomic_int dones;

static void on_signal(int signal_number)
{
    (void)signal_number;
    atomic_store(&is_inside, true);
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void sleep_ms(long ms)
{
    const struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

static harborai_body *stuck_body(const char *ms)
{
    char text[80];
    snprintf(text, sizeof text, "kill %d\nwait %s\ndelta late\nfinish 0", SIGUSR1, ms);
    return driver_body("says", text);
}

/* --- Threads ------------------------------------------------------------------------------------ */

static void *be_stuck(void *argument)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_body *body = stuck_body(argument);
    harborai_reply *reply = harborai_chat(client, harborai_body_str(body, NULL), &error);
    MUST(reply != NULL || error.code == HARBORAI_E_CANCELLED); /* it may have finished at last */
    harborai_reply_free(reply);
    harborai_body_free(body);
    return NULL;
}

static void *wait_whole(void *argument)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_body *body = argument;
    MUST(harborai_chat(client, harborai_body_str(body, NULL), &error) == NULL);
    MUST(error.code == HARBORAI_E_CANCELLED);
    harborai_body_free(body);
    return NULL;
}

static void *wait_stream(void *argument)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_chunk chunk;
    harborai_body *body = argument;
    harborai_stream *stream = harborai_chat_stream(client, harborai_body_str(body, NULL), &error);
    for (int i = 0; i < 2; i++) {
        MUST(!harborai_stream_next(stream, &chunk, &error));
        MUST(error.code == HARBORAI_E_CANCELLED);
    }
    harborai_stream_close(stream);
    harborai_body_free(body);
    return NULL;
}

static void *dispatch(void *argument)
{
    (void)argument;
    while (harborai_client_dispatch(client, -1, NULL) >= 0)
        ;
    return NULL;
}

static void on_done(void *context, harborai_call_id id, const harborai_reply *reply,
                    const harborai_error *error)
{
    (void)context, (void)id, (void)reply, (void)error;
    MUST(!is_closed); /* its context may be gone by then */
    atomic_fetch_add(&dones, 1);
}

static void begin(pthread_t threads[2])
{
    MUST(pthread_create(&threads[0], NULL, wait_whole, driver_body("says", "finish 0")) == 0);
    MUST(pthread_create(&threads[1], NULL, wait_stream, driver_body("says", "finish 0")) == 0);
    sleep_ms(500);
}

static void join(pthread_t thread, int limit_s)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += limit_s;
    MUST(pthread_timedjoin_np(thread, NULL, &until) == 0);
}

/* --- What happens ------------------------------------------------------------------------------- */

static void load_plugin(void)
{
    harborai_body *body = driver_body("says", "delta here\nfinish 0");
    harborai_reply *reply = harborai_chat(client, harborai_body_str(body, NULL), NULL);
    MUST(reply != NULL);
    harborai_reply_free(reply);
    harborai_body_free(body);
}

/* Whoever drives is held from here on; *ret_driver, if it is a thread of ours. */
static bool get_stuck(const char *mode, char *ms, pthread_t *ret_driver)
{
    harborai_handlers handlers = {sizeof handlers, NULL, on_done, NULL};
    harborai_body *body = stuck_body(ms);
    bool waits = strcmp(mode, "waiter") == 0, has_driver = waits;
    if (strcmp(mode, "thread") == 0)
        MUST(harborai_client_run_thread(client, NULL) == HARBORAI_OK);
    if (!waits)
        MUST(harborai_chat_start(client, harborai_body_str(body, NULL), &handlers, NULL) != 0);
    if (strcmp(mode, "dispatch") == 0) {
        MUST(pthread_create(ret_driver, NULL, dispatch, NULL) == 0);
        has_driver = true;
    }
    if (waits)
        MUST(pthread_create(ret_driver, NULL, be_stuck, ms) == 0);
    harborai_body_free(body);
    while (strcmp(mode, "close") != 0 && !is_inside)
        sleep_ms(5);
    return has_driver;
}

static void slow_done(void *context, harborai_call_id id, const harborai_reply *reply,
                      const harborai_error *error)
{
    on_done(NULL, id, reply, error);
    if (atomic_exchange(&is_inside, true))
        return;
    sleep_ms(strtol(context, NULL, 10));
    MUST(!is_closed);
}

static void close_during_handler(char *ms)
{
    harborai_handlers handlers = {sizeof handlers, NULL, slow_done, ms};
    harborai_body *body = driver_body("says", "finish 0");
    MUST(harborai_client_run_thread(client, NULL) == HARBORAI_OK);
    for (int i = 0; i < 2; i++)
        MUST(harborai_chat_start(client, harborai_body_str(body, NULL), &handlers, NULL) != 0);
    harborai_body_free(body);
    while (!is_inside)
        sleep_ms(5);
    MUST(harborai_client_close(client) == HARBORAI_OK);
    atomic_store(&is_closed, true);
    MUST(dones == 2);
}

int main(int argc, char **argv)
{
    pthread_t driver, others[2];
    struct sigaction action = {.sa_handler = on_signal};
    MUST(argc == 5);
    sigaction(SIGUSR1, &action, NULL);
    client = driver_open(argv);
    load_plugin();
    if (strcmp(argv[1], "handler") == 0) {
        close_during_handler(argv[4]);
        return 0;
    }
    bool has_driver = get_stuck(argv[1], argv[4], &driver);
    bool waits = strcmp(argv[1], "close") != 0; /* else they would drive */
    for (int i = 0; waits && i < 2; i++) {
        begin(others);
        if (i == 1)
            break;
        harborai_client_interrupt(client);
        join(others[0], LET_GO_S);
        join(others[1], LET_GO_S);
    }
    double began_s = now_s();
    MUST(harborai_client_close(client) == HARBORAI_E_TIMEOUT);
    atomic_store(&is_closed, true);
    MUST(now_s() - began_s > 9 && now_s() - began_s < CLOSE_S);
    for (int i = 0; waits && i < 2; i++)
        join(others[i], LET_GO_S);
    MUST(dones == 0);
    if (strtol(argv[4], NULL, 10) < RETURNS_S * 1000) {
        if (has_driver)
            join(driver, RETURNS_S);
        else
            sleep_ms((long)((began_s - now_s()) * 1000) + strtol(argv[4], NULL, 10) + 1000);
    }
    _exit(0);
}
