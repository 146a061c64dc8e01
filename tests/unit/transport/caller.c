/* SPDX-License-Identifier: MIT */
#include "caller.h"

#include <stdlib.h>
#include <time.h>

#include "../unit.h"

static int64_t read_clock(const struct clock *clock)
{
    return ((const struct caller *)clock)->now_ns; /* clock is its first member */
}

static void set_variable(const char *name, const char *value)
{
    if (value != NULL)
        setenv(name, value, 1);
    else
        unsetenv(name);
}

/* Whatever proxy the machine has, it is not for the tests. */
static void set_proxies(const char *proxy, const char *no_proxy)
{
    static const char *const names[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
                                        "NO_PROXY"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        unsetenv(names[i]);
    set_variable("http_proxy", proxy);
    set_variable("no_proxy", no_proxy);
}

void caller_start(struct caller *caller)
{
    set_proxies(caller->proxy, caller->no_proxy);
    caller->clock = (struct clock){read_clock, read_clock};
    caller->now_ns = NS_PER_S;
    epoch_init(&caller->epoch);
    CU_ASSERT_FATAL(loop_create(0, &caller->epoch, &caller->clock, &caller->loop, NULL) == 0);
    CU_ASSERT_FATAL(transport_shared_create(NULL, &caller->shared, NULL) == 0);
    CU_ASSERT_FATAL(transport_create(caller->shared, caller->loop, &caller->transport, NULL) == 0);
}

void caller_stop(struct caller *caller)
{
    transport_destroy(caller->transport);
    transport_shared_destroy(caller->shared);
    loop_destroy(caller->loop);
}

void caller_advance_ms(struct caller *caller, int64_t ms)
{
    caller->now_ns += ms * NS_PER_MS;
}

/* --- Events ---------------------------------------------------------------------------------- */

static void on_head(struct exchange *x, const struct http_response_head *head)
{
    struct asked *asked = CONTAINER_OF(x, struct asked, x);
    harborai_str type = slice_cut(http_field(&head->head, "content-type"), 63);
    asked->heads++;
    asked->status = head->status;
    snprintf(asked->type, sizeof asked->type, "%.*s", SLICE_ARG(type));
}

static void on_data(struct exchange *x, harborai_str bytes)
{
    struct asked *asked = CONTAINER_OF(x, struct asked, x);
    if (x->io == NULL) {
        asked->data_after++;
        return;
    }
    buf_add(&asked->data, bytes);
    switch (asked->on_data) {
    case ON_DATA_CANCEL:
        exchange_cancel(x);
        break;
    case ON_DATA_PAUSE:
        exchange_pause(x);
        break;
    case ON_DATA_DETACH:
        exchange_detach(x);
        break;
    case ON_DATA_READ:
        break;
    }
    asked->on_data = ON_DATA_READ;
}

static void on_end(struct exchange *x)
{
    CONTAINER_OF(x, struct asked, x)->ends++;
}

static void on_fail(struct exchange *x, enum exchange_fault fault, const harborai_error *error)
{
    struct asked *asked = CONTAINER_OF(x, struct asked, x);
    asked->fails++;
    asked->fault = fault;
    asked->error = *error;
}

static const struct exchange_events events = {on_head, on_data, on_end, on_fail};

/* --- Asking ---------------------------------------------------------------------------------- */

static void start(struct action *action)
{
    struct asked *asked = CONTAINER_OF(action, struct asked, start);
    exchange_start(&asked->x, asked->caller->transport, &asked->request);
}

void asked_set_url(struct asked *asked, const char *format, int port)
{
    char *at = asked->url;
    const char *mark = strstr(format, "PORT");
    size_t before = mark != NULL ? (size_t)(mark - format) : strlen(format);
    if (mark != NULL)
        snprintf(at, sizeof asked->url, "%.*s%d%s", (int)before, format, port, mark + 4);
    else
        snprintf(at, sizeof asked->url, "%s", format);
    CU_ASSERT_FATAL(url_parse(slice_of(asked->url), &asked->request.url, NULL) == HARBORAI_OK);
}

void asked_init(struct asked *asked, struct caller *caller, int port, const char *body)
{
    *asked = (struct asked){.caller = caller, .body = slice_of(body)};
    asked->x.events = &events;
    asked->start.run = start;
    buf_init(&asked->data, MIB(64));
    asked->request = (struct exchange_request){
        .method = HARBORAI_STR("POST"),
        .headers = HARBORAI_STR("content-type: application/json\r\nauthorization: Bearer k\r\n"),
        .body = &asked->body,
        .body_count = 1,
    };
    asked_set_url(asked, "http://127.0.0.1:PORT/v1/x", port);
}

void asked_release(struct asked *asked)
{
    exchange_cancel(&asked->x);
    buf_release(&asked->data);
}

void asked_start(struct asked *asked)
{
    asked->status = asked->heads = asked->ends = asked->fails = asked->data_after = 0;
    asked->error = (harborai_error)HARBORAI_ERROR_INIT;
    buf_clear(&asked->data);
    loop_act(asked->caller->loop, &asked->start);
    loop_turn(asked->caller->loop, 0);
}

bool caller_wait(struct caller *caller, const int *counter, int value)
{
    time_t begin = time(NULL);
    while (*counter < value && time(NULL) - begin < 10)
        loop_turn(caller->loop, 20);
    return *counter >= value;
}

bool asked_wait(struct asked *asked)
{
    time_t begin = time(NULL);
    while (asked->ends + asked->fails == 0 && time(NULL) - begin < 10)
        loop_turn(asked->caller->loop, 20);
    return asked->ends + asked->fails == 1;
}

void caller_turn(struct caller *caller, int passes)
{
    while (passes-- > 0)
        loop_turn(caller->loop, 10);
}

bool asked_gives(struct asked *asked, const char *body)
{
    asked_start(asked);
    bool holds = asked_wait(asked) && asked->ends == 1 && asked->heads == 1 &&
                 slice_is(buf_slice(&asked->data), body);
    if (!holds)
        fprintf(stderr, "\n  ended %d, failed %d: %s; status %d, body '%.*s'\n", asked->ends,
                asked->fails, asked->error.message, asked->status,
                SLICE_ARG(slice_cut(buf_slice(&asked->data), 200)));
    return holds;
}
