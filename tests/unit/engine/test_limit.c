/* SPDX-License-Identifier: MIT */
/* Limits of time, and connections that die. The limits are short, and no test says how long anything
 * took: only that it ended, and as what. */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../unit.h"
#include "stage.h"
#include "vendor.h"

extern const CU_TestInfo limit_tests[];

#define PROVIDERS                                                                                  \
    "timeouts: { %s }\n"                                                                           \
    "providers:\n"                                                                                 \
    "  lab: { plugin: openai, base_url: \"http://127.0.0.1:%d\", api_key: none, models: [\"m*\"] }\n" \
    "  deaf: { plugin: openai, base_url: \"http://127.0.0.1:%d\", api_key: none, models: [\"m*\"] }\n" \
    "  rogue: { base_url: \"http://127.0.0.1:%d\" }\n"                                             \
    "  slow: { options: { gate: \"%d\" } }\n"

static struct stage stage;
static struct vendor vendor;
static int gate[2];

/* --- A port that answers no SYN ------------------------------------------------------------------- */

enum { DEAF_CLIENTS = 4 };

static struct deaf {
    int listener, clients[DEAF_CLIENTS], port;
} deaf;

static void deaf_open(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    deaf.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_FATAL(bind(deaf.listener, (struct sockaddr *)&address, sizeof address) == 0);
    CU_ASSERT_FATAL(listen(deaf.listener, 0) == 0); /* nobody accepts: soon it is full */
    CU_ASSERT_FATAL(getsockname(deaf.listener, (struct sockaddr *)&address, &len) == 0);
    deaf.port = ntohs(address.sin_port);
    for (int i = 0; i < DEAF_CLIENTS; i++) {
        deaf.clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(deaf.clients[i], (struct sockaddr *)&address, sizeof address);
    }
}

static void deaf_close(void)
{
    close(deaf.listener);
    for (int i = 0; i < DEAF_CLIENTS; i++)
        close(deaf.clients[i]);
}

static void open_all(void (*serve)(struct vendor_side *side), const char *limits)
{
    vendor = (struct vendor){.serve = serve};
    vendor_start(&vendor);
    deaf_open();
    CU_ASSERT_FATAL(pipe(gate) == 0);
    stage_open(&stage);
    stage_run(&stage, 1, PROVIDERS, limits, vendor.port, deaf.port, vendor.port, gate[0]);
}

static void close_all(void)
{
    stage_stop(&stage);
    CU_ASSERT(stage_broken(&stage) == 0);
    CU_ASSERT(stage_logged(&stage, "'created'") == stage_logged(&stage, "'destroyed'"));
    CU_ASSERT(stage_logged(&stage, "plugin_holds_on") == 0);
    vendor_stop(&vendor);
    stage_close(&stage);
    deaf_close();
    close(gate[0]);
    close(gate[1]);
}

/* --- Limits --------------------------------------------------------------------------------------- */

static void serve_nothing(struct vendor_side *side)
{
    (void)vendor_request(side);
    vendor_wait_close(side);
}

static void serve_half_head(struct vendor_side *side)
{
    (void)vendor_request(side);
    vendor_say(side, "HTTP/1.1 200 OK\r\ncontent-ty");
    vendor_wait_close(side);
}

#define STREAM_BEGUN                                                                               \
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"                                   \
    "data: {\"id\":\"v\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\","      \
    "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"half\"},\"finish_reason\":null}]}\n\n"

static void serve_half(struct vendor_side *side) /* in one piece, so that no limit falls between */
{
    (void)vendor_request(side);
    vendor_say(side, STREAM_BEGUN);
    vendor_wait_close(side);
}

static const struct limit_row {
    const char *name, *limits, *model;
    bool stream;
    size_t filling; /* of the request */
    void (*serve)(struct vendor_side *side);
    int http_status, chunks, closed;
    const char *says;
} limit_rows[] = {
    {"connect", "connect: 30ms", "deaf/m", true, 3, NULL, 504, 0, 0, "no connection to 127.0.0.1"},
    {"connect, by the first byte's", "first_byte: 30ms", "deaf/m", false, 3, NULL, 504, 0, 0,
     "no connection to 127.0.0.1"},
    {"connect, by the total", "total: 30ms", "deaf/m", true, 3, NULL, 504, 0, 0,
     "no complete answer within 30 ms"},
    {"first byte", "first_byte: 30ms", "lab/m", true, 3, serve_nothing, 504, 0, 1,
     "no answer from 127.0.0.1"},
    {"first byte, whole", "first_byte: 30ms", "lab/m", false, 3, serve_nothing, 504, 0, 1,
     "no answer from 127.0.0.1"},
    {"first byte, events lane", "first_byte: 30ms", "rogue/r-sse", true, 3, serve_nothing, 504, 0, 1,
     "within 30 ms"},
    {"idle in the head", "idle: 30ms", "lab/m", true, 3, serve_half_head, 504, 0, 1,
     "sent nothing for 30 ms"},
    {"idle in the stream", "idle: 30ms", "lab/m", true, 3, serve_half, 200, 1, 1,
     "sent nothing for 30 ms"},
    {"idle, whole", "idle: 30ms", "lab/m", false, 3, serve_half, 504, 0, 1, "sent nothing for 30 ms"},
    {"total before the head", "total: 1s", "lab/m", true, 3, serve_nothing, 504, 0, 1,
     "raise timeouts.total"},
    {"total in the stream", "total: 1s", "lab/m", true, 3, serve_half, 200, 1, 1,
     "raise timeouts.total"},
    {"total, events lane", "total: 1s", "rogue/r-sse", true, 3, serve_half, 200, 1, 1,
     "raise timeouts.total"},
    {"total, engine lane", "total: 1s", "rogue/r-wait", true, 3, NULL, 200, 1, 0,
     "raise timeouts.total"},
    {"total, while chat() runs on a job", "total: 30ms", "rogue/r-until-closed", true, KIB(80), NULL,
     504, 0, 0, "raise timeouts.total"},
    {"total, while the plugin is loaded", "total: 30ms", "slow/slow-model", true, 3, NULL, 504, 0, 0,
     "raise timeouts.total"},
};

/* Loads it, so that the limit of the row's call falls where the row says. */
static void warm_up(void)
{
    struct asked a;
    for (int i = 0; i < 100 && stage_logged(&stage, "'released'") == 0; i++) {
        asked_init(&a, &stage, "rogue/r-error", true);
        CU_ASSERT(asked_wait(&a) && stage_settle(&stage));
        asked_release(&a);
    }
}

static void run_limit(const struct limit_row *row)
{
    struct asked a;
    bool is_rogue = strncmp(row->model, "rogue/", 6) == 0;
    open_all(row->serve, row->limits);
    if (is_rogue)
        warm_up();
    unsigned cancelled = stage_logged(&stage, "'cancelled'");
    asked_init(&a, &stage, row->model, row->stream);
    asked_fill(&a, row->filling);
    a.reads_journal = true;
    ROW(row->name, asked_wait(&a));
    ROW(row->name, a.error.code == HARBORAI_E_TIMEOUT && a.had_end_line);
    ROW(row->name, a.error.flags & HARBORAI_ERROR_RETRYABLE);
    ROW(row->name, strstr(a.error.message, row->says) != NULL);
    ROW(row->name, a.http_status == row->http_status && (int)a.chunks_said == row->chunks);
    CU_ASSERT(write(gate[1], "x", 1) == 1);
    ROW(row->name, stage_settle(&stage));
    for (int i = 0; i < 10000 && atomic_load(&vendor.closed) < row->closed; i++)
        stage_turn(&stage, 1);
    ROW(row->name, atomic_load(&vendor.closed) == row->closed);
    ROW(row->name, !is_rogue || stage_logged(&stage, "'released'") == 2);
    /* on_cancel() is for the caller's limit; the exchange's are the host's own. */
    ROW(row->name, !is_rogue || stage_logged(&stage, "'cancelled'") - cancelled ==
                                    (strstr(row->limits, "total") != NULL));
    asked_release(&a);
    close_all();
}

static void test_limits(void)
{
    for (size_t i = 0; i < ARRAY_LEN(limit_rows); i++)
        run_limit(&limit_rows[i]);
}

/* --- Connections that die -------------------------------------------------------------------------- */

static void reset(struct vendor_side *side)
{
    struct linger none = {.l_onoff = 1, .l_linger = 0};
    setsockopt(side->fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
}

static void serve_one(struct vendor_side *side)
{
    const char *request = vendor_request(side);
    if (request != NULL)
        vendor_answer(side, request);
}

/* The first connection answers once; its second request finds it dead. */
static void serve_then_close(struct vendor_side *side)
{
    serve_one(side);
    (void)vendor_request(side);
    if (side->index > 0)
        vendor_wait_close(side);
}

static void serve_then_reset(struct vendor_side *side)
{
    serve_one(side);
    (void)vendor_request(side);
    if (side->index == 0)
        reset(side);
    else
        vendor_wait_close(side);
}

static void serve_one_ever(struct vendor_side *side)
{
    if (side->index == 0)
        serve_one(side);
    (void)vendor_request(side);
}

static void serve_then_a_byte(struct vendor_side *side)
{
    serve_one(side);
    if (vendor_request(side) != NULL)
        vendor_say(side, "H");
}

static void serve_none(struct vendor_side *side)
{
    (void)vendor_request(side);
}

static const struct dead_row {
    const char *name;
    void (*serve)(struct vendor_side *side);
    bool answers_first;
    harborai_status want;
    int requests, accepted;
    uint32_t attempts; /* of the last call */
} dead_rows[] = {
    {"a kept one is closed: sent again", serve_then_close, true, HARBORAI_OK, 3, 2, 2},
    {"a kept one is reset: sent again", serve_then_reset, true, HARBORAI_OK, 3, 2, 2},
    {"the fresh one, too: not a third time", serve_one_ever, true, HARBORAI_E_NETWORK, 3, 2, 2},
    {"a kept one, after a byte: not again", serve_then_a_byte, true, HARBORAI_E_NETWORK, 2, 1, 1},
    {"a new one: not again", serve_none, false, HARBORAI_E_NETWORK, 1, 1, 1},
};

static void test_dead(void)
{
    for (size_t i = 0; i < ARRAY_LEN(dead_rows) * 2; i++) {
        const struct dead_row *row = &dead_rows[i / 2];
        bool stream = i & 1;
        struct asked first, a;
        open_all(row->serve, "total: 60s");
        asked_init(&first, &stage, "lab/m", stream);
        asked_init(&a, &stage, "lab/m", stream);
        if (row->answers_first)
            ROW(row->name, asked_wait(&first) && first.error.code == HARBORAI_OK);
        stage_turn(&stage, 2); /* the end of its body: it is kept */
        ROW(row->name, asked_wait(&a) && stage_settle(&stage));
        ROW(row->name, a.error.code == row->want);
        ROW(row->name, a.error.code == HARBORAI_OK || a.http_status == 502);
        ROW(row->name, a.error.code == HARBORAI_OK || !(a.error.flags & HARBORAI_ERROR_NOT_BILLED));
        ROW(row->name, atomic_load(&vendor.requests) == row->requests);
        ROW(row->name, atomic_load(&vendor.accepted) == row->accepted);
        ROW(row->name, a.attempts == row->attempts);
        /* Each time that it is sent has a begin line of its own. */
        ROW(row->name, stage_recorded(&stage, "\"type\":\"begin\"") == (unsigned)row->requests);
        asked_release(&first);
        asked_release(&a);
        close_all();
    }
}

/* Nothing was sent: the vendor cannot have billed it. */
static void test_refused(void)
{
    struct asked a;
    open_all(NULL, "total: 60s");
    vendor_stop(&vendor);
    asked_init(&a, &stage, "lab/m", true);
    CU_ASSERT(asked_wait(&a) && stage_settle(&stage));
    CU_ASSERT(a.error.code == HARBORAI_E_NETWORK && a.http_status == 502);
    CU_ASSERT(a.error.flags & HARBORAI_ERROR_NOT_BILLED);
    CU_ASSERT(strstr(a.error.message, "127.0.0.1") != NULL);
    asked_release(&a);
    vendor_start(&vendor);
    close_all();
}

const CU_TestInfo limit_tests[] = {{"limits of time", test_limits},
                                   {"connections that die", test_dead},
                                   {"a port that refuses", test_refused},
                                   CU_TEST_INFO_NULL};
