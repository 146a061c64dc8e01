/* SPDX-License-Identifier: MIT */
/* conduct MODE CONFIG STATE: how the library behaves in somebody else's process. Prints nothing when all
 * is well; exit status 0. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "driver.h"

/* --- quiet: dispositions and masks are left alone ----------------------------------------------- */

static void read_signals(struct sigaction actions[65], sigset_t *mask)
{
    memset(actions, 0, 65 * sizeof actions[0]);
    for (int i = 1; i < 65; i++)
        if (i != 32 && i != 33) /* the C library's own, for its threads */
            MUST(sigaction(i, NULL, &actions[i]) == 0);
    MUST(pthread_sigmask(SIG_SETMASK, NULL, mask) == 0);
}

static void must_be_same(const struct sigaction before[65], const sigset_t *mask)
{
    struct sigaction now[65];
    sigset_t now_mask;
    read_signals(now, &now_mask);
    for (int i = 1; i < 65; i++) {
        MUST(before[i].sa_handler == now[i].sa_handler);
        MUST(sigismember(mask, i) == sigismember(&now_mask, i));
    }
}

static void on_chunk(void *context, harborai_call_id id, const harborai_chunk *chunk)
{
    const sigset_t *mask = context;
    (void)id, (void)chunk;
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    MUST(sigismember(mask, SIGUSR1) == sigismember(&now, SIGUSR1));
}

static atomic_int dones;

static void on_done(void *context, harborai_call_id id, const harborai_reply *reply,
                    const harborai_error *error)
{
    (void)context, (void)id, (void)reply, (void)error;
    atomic_fetch_add(&dones, 1);
}

/* Of vendors that close the connection while a long request is on its way: that is EPIPE. */
static void ask_rude_ones(harborai_client *client)
{
    static const char *const models[] = {"rude", "rude-tls"};
    static char longer[8 << 20];
    memset(longer, 'x', sizeof longer - 1);
    for (int i = 0; i < 2; i++) {
        harborai_error error = HARBORAI_ERROR_INIT;
        harborai_body *body = driver_body(models[i], longer);
        MUST(harborai_chat(client, harborai_body_str(body, NULL), &error) == NULL);
        MUST(error.code == HARBORAI_E_NETWORK);
        harborai_body_free(body);
    }
}

static void quiet(char **argv)
{
    struct sigaction before[65];
    sigset_t mask;
    read_signals(before, &mask);
    MUST(before[SIGPIPE].sa_handler == SIG_DFL);
    harborai_client *client = driver_open(argv);
    must_be_same(before, &mask);
    harborai_body *body = driver_body("gpt-4o", "hello");
    harborai_reply_free(harborai_chat(client, harborai_body_str(body, NULL), NULL));
    must_be_same(before, &mask);
    ask_rude_ones(client);
    harborai_handlers handlers = {sizeof handlers, on_chunk, on_done, &mask};
    MUST(harborai_chat_start(client, harborai_body_str(body, NULL), &handlers, NULL) != 0);
    while (dones == 0)
        MUST(harborai_client_dispatch(client, -1, NULL) >= 0);
    must_be_same(before, &mask);
    harborai_body_free(body);
    MUST(harborai_client_close(client) == HARBORAI_OK);
    must_be_same(before, &mask);
}

/* Until so many calls are under way: what begins later is not meant. */
static void await_calls(harborai_client *client, int count)
{
    const struct timespec pause = {.tv_nsec = 5000000};
    char text[40];
    snprintf(text, sizeof text, "\"processing_count\":%d,", count);
    for (bool has = false; !has; nanosleep(&pause, NULL)) {
        char *json = harborai_client_stats(client, "concurrency", NULL);
        MUST(json != NULL);
        has = strstr(json, text) != NULL;
        harborai_free(json);
    }
}

/* --- interrupt: from a signal handler ----------------------------------------------------------- */

static harborai_client *_Atomic to_interrupt;

static void on_alarm(int signal_number)
{
    (void)signal_number;
    harborai_client_interrupt(to_interrupt);
}

static void *ask_and_be_cancelled(void *argument)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_body *body = driver_body("gpt-4o", "sim:{\"hang\":\"headers\"}");
    MUST(harborai_chat(argument, harborai_body_str(body, NULL), &error) == NULL);
    MUST(error.code == HARBORAI_E_CANCELLED);
    harborai_body_free(body);
    return NULL;
}

static void *send_alarm(void *argument)
{
    await_calls(argument, 4);
    MUST(kill(getpid(), SIGALRM) == 0);
    return NULL;
}

static void interrupt(char **argv)
{
    struct sigaction action = {.sa_handler = on_alarm};
    pthread_t others[4];
    to_interrupt = driver_open(argv);
    sigaction(SIGALRM, &action, NULL);
    for (int i = 0; i < 3; i++)
        MUST(pthread_create(&others[i], NULL, ask_and_be_cancelled, to_interrupt) == 0);
    MUST(pthread_create(&others[3], NULL, send_alarm, to_interrupt) == 0);
    (void)ask_and_be_cancelled(to_interrupt);
    for (int i = 0; i < 4; i++)
        pthread_join(others[i], NULL);
    MUST(harborai_client_close(to_interrupt) == HARBORAI_OK);
}

/* --- close: while others wait ------------------------------------------------------------------- */

static void close_under_way(char **argv, bool with_thread)
{
    harborai_client *client = driver_open(argv);
    pthread_t others[4];
    if (with_thread)
        MUST(harborai_client_run_thread(client, NULL) == HARBORAI_OK);
    for (int i = 0; i < 4; i++)
        MUST(pthread_create(&others[i], NULL, ask_and_be_cancelled, client) == 0);
    await_calls(client, 4); /* one that is not begun by then is refused, which is no fault */
    MUST(harborai_client_close(client) == HARBORAI_OK);
    for (int i = 0; i < 4; i++)
        pthread_join(others[i], NULL);
}

int main(int argc, char **argv)
{
    MUST(argc == 4);
    if (strcmp(argv[1], "quiet") == 0)
        quiet(argv);
    else if (strcmp(argv[1], "interrupt") == 0)
        interrupt(argv);
    else if (strcmp(argv[1], "close") == 0)
        close_under_way(argv, false);
    else if (strcmp(argv[1], "close-thread") == 0)
        close_under_way(argv, true);
    else
        MUST(!"a mode");
    return 0;
}
