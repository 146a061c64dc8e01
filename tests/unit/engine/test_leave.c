/* SPDX-License-Identifier: MIT */
/* Calls that go on without their client: what they may keep of an answer, and how many there may be. */
#include <stdlib.h>
#include <string.h>

#include "../unit.h"
#include "engine/engine.h"
#include "engine/state.h"
#include "stage.h"
#include "vendor.h"

extern const CU_TestInfo leave_tests[];

#define PROVIDERS                                                                                  \
    "on_disconnect: drain\n"                                                                       \
    "providers:\n"                                                                                 \
    "  lab: { plugin: openai, base_url: \"http://127.0.0.1:%d\", api_key: none, models: [\"m*\"] }\n" \
    "  rogue: { base_url: \"http://127.0.0.1:%d\" }\n"

/* Beside what is gathered: an event that is cut in its middle, and buffers that grow by halves. */
#define MOST_KEPT (2 * LIMIT_LEFT_SIZE + KIB(256))

static struct stage stage;
static struct vendor vendor;
static size_t answer_size; /* of what serve_…() sends */

static void open_all(void (*serve)(struct vendor_side *side))
{
    vendor = (struct vendor){.serve = serve};
    vendor_start(&vendor);
    stage_open(&stage);
    stage_run(&stage, 1, PROVIDERS, vendor.port, vendor.port);
}

static void close_all(void)
{
    stage_stop(&stage);
    CU_ASSERT(stage_broken(&stage) == 0);
    vendor_stop(&vendor);
    stage_close(&stage);
}

static char *filler(void)
{
    char *text = calloc(1, answer_size + 1);
    memset(text, 'w', answer_size);
    return text;
}

/* All of it comes after the client has left. */
static void serve_whole(struct vendor_side *side)
{
    char *text = filler(), *body = NULL;
    (void)vendor_request(side);
    vendor_wait_step(side, 1);
    if (asprintf(&body,
                 "{\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"%s\"},"
                 "\"finish_reason\":\"stop\"}],\"usage\":" VENDOR_USAGE "}",
                 text) < 0)
        abort();
    if (!vendor_whole(side, 200, body))
        atomic_fetch_add(&vendor.closed, 1);
    free(body);
    free(text);
    vendor_wait_close(side);
}

static void end_stream(struct vendor_side *side)
{
    vendor_finish(side, "length");
    vendor_event(side, "{\"id\":\"v\",\"object\":\"chat.completion.chunk\",\"created\":1,"
                       "\"model\":\"m\",\"choices\":[],\"usage\":" VENDOR_USAGE "}");
    vendor_done(side);
    vendor_wait_close(side);
}

static void serve_event(struct vendor_side *side)
{
    char *text = filler();
    (void)vendor_request(side);
    vendor_stream(side);
    vendor_text(side, "first");
    vendor_wait_step(side, 1);
    vendor_text(side, text);
    free(text);
    end_stream(side);
}

/* Without a step: the reader is slow before it leaves. */
static void serve_much(struct vendor_side *side)
{
    enum { PIECE = 16384 };
    char *text = calloc(1, PIECE + 1);
    memset(text, 'w', PIECE);
    (void)vendor_request(side);
    vendor_stream(side);
    for (size_t sent = 0; sent < answer_size; sent += PIECE)
        vendor_text(side, text);
    free(text);
    end_stream(side);
}

static size_t kept_by(const struct call *call)
{
    const struct attempt *a = call->attempt;
    size_t kept = call->held.capacity + call->answer.capacity;
    return a == NULL ? kept : kept + a->gathered.capacity + a->one_line.capacity;
}

static const struct row {
    const char *name, *model;
    bool stream;
    void (*serve)(struct vendor_side *side);
    size_t size;
    bool is_slow, is_read; /* to its end */
} rows[] = {
    {"whole", "lab/m", false, serve_whole, KIB(900), false, true},
    {"whole, too large", "lab/m", false, serve_whole, MIB(8), false, false},
    {"an event", "lab/m", true, serve_event, KIB(900), false, true},
    {"an event, too large", "lab/m", true, serve_event, MIB(8), false, false},
    {"many events", "lab/m", true, serve_much, MIB(24), false, true},
    {"many events, a slow reader", "lab/m", true, serve_much, MIB(24), true, true},
    {"events for a plugin", "rogue/r-sse", true, serve_much, MIB(24), true, true},
    {"events for a plugin, whole", "rogue/r-sse", false, serve_much, MIB(24), false, true},
    {"an event for a plugin, too large", "rogue/r-sse", true, serve_event, MIB(8), false, false},
};

static void leave_one(const struct row *row)
{
    struct engine_loop *engine;
    struct asked a;
    size_t most = 0;
    answer_size = row->size;
    open_all(row->serve);
    engine = runtime_engine(stage.runtime, 0);
    asked_init(&a, &stage, row->model, row->stream);
    a.is_slow = row->is_slow;
    asked_start(&a);
    ROW(row->name, row->stream ? stage_wait(&stage, &a.chunks, 1)
                               : stage_wait(&stage, &vendor.requests, 1));
    stage_turn(&stage, 3);
    struct call *call = a.call;
    asked_order(&a, asked_leave);
    ROW(row->name, stage_wait(&stage, &a.ends, 1));
    ROW(row->name, engine_loop_left(engine) == 1);
    int chunks = atomic_load(&a.chunks);
    vendor_set_step(&vendor, 1);
    while (engine_loop_left(engine) > 0) {
        most = kept_by(call) > most ? kept_by(call) : most;
        stage_turn(&stage, 1);
    }
    ROW(row->name, stage_settle(&stage));
    stage_turn(&stage, 2);
    ROW(row->name, most <= MOST_KEPT);
    ROW(row->name, atomic_load(&a.ends) == 1 && atomic_load(&a.chunks) == chunks);
    ROW(row->name, stage_recorded(&stage, "\"outcome\":\"cancelled\"") == 1);
    ROW(row->name, stage_recorded(&stage, "\"type\":\"end\"") == 1);
    ROW(row->name, (stage_recorded(&stage, "\"tokens\":{}") == 0) == row->is_read ||
                       strncmp(row->model, "rogue", 5) == 0);
    ROW(row->name, atomic_load(&stage.given_back) == atomic_load(&stage.taken) + 1);
    ROW(row->name, stage_logged(&stage, "cancelled") == 0); /* nobody breaks it off */
    asked_release(&a);
    close_all();
}

static void test_leave(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        leave_one(&rows[i]);
}

/* What the vendor has not been asked yet is not asked any more. */
static void test_at_once(void)
{
    struct asked a;
    open_all(NULL);
    asked_init(&a, &stage, "lab/m", true);
    asked_start(&a);
    asked_order(&a, asked_leave);
    CU_ASSERT(stage_wait(&stage, &a.ends, 1) && stage_settle(&stage));
    CU_ASSERT(atomic_load(&vendor.requests) == 0);
    CU_ASSERT(stage_recorded(&stage, "\"outcome\":\"cancelled\"") == 1);
    asked_release(&a);
    close_all();
}

/* Those that are too many are broken off, as if there were no such setting. */
static void test_count(void)
{
    enum { CALLS = LIMIT_LEFT + 3 };
    static struct asked asked[CALLS];
    answer_size = 100;
    open_all(serve_event);
    for (int i = 0; i < CALLS; i++) {
        asked_init(&asked[i], &stage, "lab/m", true);
        asked_start(&asked[i]);
    }
    for (int i = 0; i < CALLS; i++)
        CU_ASSERT(stage_wait(&stage, &asked[i].chunks, 1));
    for (int i = 0; i < CALLS; i++)
        asked_order(&asked[i], asked_leave);
    for (int i = 0; i < CALLS; i++)
        CU_ASSERT(stage_wait(&stage, &asked[i].ends, 1));
    CU_ASSERT(engine_loop_left(runtime_engine(stage.runtime, 0)) == LIMIT_LEFT);
    vendor_set_step(&vendor, 1);
    CU_ASSERT(stage_settle(&stage));
    CU_ASSERT(engine_loop_left(runtime_engine(stage.runtime, 0)) == 0);
    CU_ASSERT(stage_recorded(&stage, "\"outcome\":\"cancelled\"") == CALLS);
    CU_ASSERT(stage_recorded(&stage, "\"tokens\":{}") == CALLS - LIMIT_LEFT);
    for (int i = 0; i < CALLS; i++)
        asked_release(&asked[i]);
    close_all();
}

const CU_TestInfo leave_tests[] = {{"what is kept", test_leave},
                                   {"how many", test_count},
                                   {"at once", test_at_once},
                                   CU_TEST_INFO_NULL};
