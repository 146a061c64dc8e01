/* SPDX-License-Identifier: MIT */
/* A call from its first byte to its record: what is on record when, and what a client that leaves
 * leaves behind. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../unit.h"
#include "stage.h"
#include "vendor.h"

extern const CU_TestInfo call_tests[];

#define ONE_LAB                                                                                    \
    "providers:\n"                                                                                 \
    "  lab: { plugin: openai, base_url: \"http://127.0.0.1:%d\", api_key: none, models: [\"m*\"] }\n" \
    "  echo: {}\n"                                                                                 \
    "  rogue: { base_url: \"http://127.0.0.1:%d\" }\n"                                             \
    "  slow: { options: { gate: \"%d\" } }\n"

static struct stage stage;
static struct vendor vendor;
static int gate[2];

static void open_all(void (*serve)(struct vendor_side *side))
{
    vendor = (struct vendor){.serve = serve, .context = &stage};
    vendor_start(&vendor);
    CU_ASSERT_FATAL(pipe(gate) == 0);
    stage_open(&stage);
    stage_run(&stage, 1, ONE_LAB, vendor.port, vendor.port, gate[0]);
}

static void close_all(void)
{
    stage_stop(&stage);
    CU_ASSERT(stage_broken(&stage) == 0);
    CU_ASSERT(stage_logged(&stage, "created") == stage_logged(&stage, "destroyed"));
    CU_ASSERT(stage_logged(&stage, "plugin_holds_on") == 0);
    vendor_stop(&vendor);
    stage_close(&stage);
    close(gate[0]);
    close(gate[1]);
}

/* --- What is on record, and when ------------------------------------------------------------- */

/* On the first byte of a request, and before the answer's. */
static void check_begin_line(struct vendor_side *side)
{
    struct stage *s = side->vendor->context;
    for (const char *request; (request = vendor_request(side)) != NULL;) {
        const char *trace = strstr(request, "traceparent: 00-");
        char id[33] = "", span[17] = "";
        if (trace != NULL) {
            memcpy(id, trace + 16, 32);
            memcpy(span, trace + 49, 16);
        }
        if (trace == NULL || !stage_has_line(s, "{\"type\":\"begin\"", id) ||
            !stage_has_line(s, "{\"type\":\"begin\"", span))
            atomic_fetch_add(&side->vendor->step, 1);
        vendor_answer(side, request);
    }
}

static void test_record(void)
{
    static const struct {
        const char *name, *model;
        bool stream;
        const char *want; /* in a chunk, or in the answer */
    } rows[] = {
        {"whole", "lab/m", false, "\"content\":\"whole\""},
        {"stream", "lab/m", true, "word "},
        {"whole, own engine", "echo/echo", false, "one two three"},
        {"stream, own engine", "echo/echo", true, "three"},
        {"threads", "rogue/r-four-threads", true, "\"content\":\"x\""},
    };
    open_all(check_begin_line);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct asked a;
        asked_init(&a, &stage, rows[i].model, rows[i].stream);
        a.reads_journal = true;
        ROW(rows[i].name, asked_wait(&a));
        ROW(rows[i].name, a.error.code == HARBORAI_OK && a.had_end_line);
        ROW(rows[i].name, stage_has_line(&stage, "{\"type\":\"begin\"", a.key));
        ROW(rows[i].name, a.streamed == rows[i].stream);
        buf_add_char(&a.answer, '\0');
        ROW(rows[i].name, rows[i].stream ? asked_has(&a, rows[i].want)
                                         : strstr(a.answer.data, rows[i].want) != NULL);
        asked_release(&a);
    }
    CU_ASSERT(atomic_load(&vendor.step) == 0); /* requests without a begin line */
    CU_ASSERT(stage_recorded(&stage, "\"type\":\"end\"") == ARRAY_LEN(rows));
    close_all();
}

/* --- What is wrong with a request -------------------------------------------------------------- */

static void test_refused(void)
{
    static const struct {
        const char *name, *body;
        harborai_status want;
    } rows[] = {
        {"no JSON", "nonsense", HARBORAI_E_INVALID},
        {"no model", "{\"messages\":[]}", HARBORAI_E_INVALID},
        {"unknown model", "{\"model\":\"lab/nothing\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}",
         HARBORAI_E_NOT_FOUND},
        {"unknown provider",
         "{\"model\":\"none/m\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}",
         HARBORAI_E_NOT_FOUND},
    };
    open_all(NULL);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct asked a;
        asked_init(&a, &stage, "lab/m", false);
        a.reads_journal = true;
        asked_body(&a, "%s", rows[i].body);
        ROW(rows[i].name, asked_wait(&a));
        ROW(rows[i].name, a.error.code == rows[i].want);
        ROW(rows[i].name, a.had_end_line && a.chunks_said == 0);
        asked_release(&a);
    }
    CU_ASSERT(atomic_load(&vendor.accepted) == 0);
    close_all();
}

/* --- A client that leaves ---------------------------------------------------------------------- */

static void serve_nothing(struct vendor_side *side)
{
    (void)vendor_request(side);
    vendor_wait_close(side);
}

static void serve_half(struct vendor_side *side)
{
    (void)vendor_request(side);
    vendor_stream(side);
    vendor_text(side, "half");
    vendor_wait_close(side);
}

static const struct cancel_row {
    const char *name, *model;
    bool stream;
    void (*serve)(struct vendor_side *side);
    enum { AT_ONCE, AT_BEGIN, AT_REQUEST, AT_CHUNK } when;
    int closed; /* connections that the vendor sees closed */
    int64_t output_tokens;
} cancel_rows[] = {
    {"in the pass of its begin", "lab/m", true, serve_nothing, AT_ONCE, 0, 0},
    {"while it waits for the plugin", "slow/slow-model", true, serve_nothing, AT_ONCE, 0, 0},
    {"while it waits for the head", "lab/m", true, serve_nothing, AT_REQUEST, 1, 0},
    {"whole, while it waits for the head", "lab/m", false, serve_nothing, AT_REQUEST, 1, 0},
    {"in mid-stream", "lab/m", true, serve_half, AT_CHUNK, 1, 0},
    {"events lane, head", "rogue/r-sse", true, serve_nothing, AT_REQUEST, 1, 2},
    {"events lane, mid-stream", "rogue/r-sse", true, serve_half, AT_CHUNK, 1, 2},
    {"engine lane", "rogue/r-wait", true, serve_nothing, AT_CHUNK, 0, 2},
    {"engine lane, whole", "rogue/r-wait", false, serve_nothing, AT_BEGIN, 0, 2},
};

static void cancel_in_chunk(struct asked *a, harborai_str json UNUSED)
{
    asked_cancel(a);
}

static void cancel_one(const struct cancel_row *row, bool in_chunk)
{
    struct asked a;
    char tokens[32];
    open_all(row->serve);
    asked_init(&a, &stage, row->model, row->stream);
    if (in_chunk)
        a.on_chunk = cancel_in_chunk;
    asked_start(&a);
    for (int i = 0; i < 1000 && row->when == AT_BEGIN; i++) {
        stage_turn(&stage, 1);
        if (stage_recorded(&stage, "\"type\":\"begin\"") == 1)
            break;
    }
    if (row->when == AT_REQUEST)
        ROW(row->name, stage_wait(&stage, &vendor.requests, 1));
    if (row->when == AT_CHUNK)
        ROW(row->name, stage_wait(&stage, &a.chunks, 1));
    if (row->when == AT_ONCE && strstr(row->model, "slow") != NULL)
        stage_turn(&stage, 3);
    if (!in_chunk) {
        asked_order(&a, asked_cancel);
        ROW(row->name, stage_wait(&stage, &a.ends, 1));
    }
    /* In the pass that has just ended: on record, and the exchange broken off. The engine's own
     * threads may say later what they used. */
    ROW(row->name, stage_recorded(&stage, "\"outcome\":\"cancelled\"") == 1);
    ROW(row->name, stage_recorded(&stage, "\"type\":\"end\"") == 1);
    if (row->when != AT_ONCE) /* then no plugin has heard of it */
        ROW(row->name, stage_recorded(&stage, "\"type\":\"begin\"") == 1);
    for (int i = 0; i < 10000 && atomic_load(&vendor.closed) < row->closed; i++)
        usleep(1000); /* without turning the loop */
    ROW(row->name, atomic_load(&vendor.closed) >= row->closed);
    if (row->output_tokens > 0 && strcmp(row->model, "rogue/r-wait") != 0) {
        snprintf(tokens, sizeof tokens, "\"output\":%d", (int)row->output_tokens);
        ROW(row->name, stage_recorded(&stage, tokens) == 1); /* said in on_cancel() */
    }
    if (strstr(row->model, "slow/") != NULL) /* the job that loads has the call yet */
        ROW(row->name, atomic_load(&stage.given_back) == 0);
    if (write(gate[1], "xxxx", 4) == 4) /* create() may go on */
        ROW(row->name, stage_settle(&stage));
    stage_turn(&stage, 2);
    ROW(row->name, atomic_load(&a.ends) == 1);
    ROW(row->name, atomic_load(&stage.given_back) == 1);
    if (strncmp(row->model, "rogue/", 6) == 0)
        ROW(row->name, stage_logged(&stage, "released") == 1 &&
                           stage_logged(&stage, "cancelled") == 1);
    asked_release(&a);
    close_all();
}

static void test_cancel(void)
{
    for (size_t i = 0; i < ARRAY_LEN(cancel_rows); i++) {
        cancel_one(&cancel_rows[i], false);
        if (cancel_rows[i].when == AT_CHUNK)
            cancel_one(&cancel_rows[i], true);
    }
}

/* A front that leaves while it is given what was held back hears nothing more. */
static int held_chunks;

static void cancel_at_finish(struct asked *a, harborai_str json)
{
    if (memmem(json.data, json.len, "\"stop\"", 6) == NULL)
        return;
    held_chunks++;
    asked_cancel(a);
}

static void test_cancel_in_act(void)
{
    struct asked a;
    open_all(NULL);
    asked_init(&a, &stage, "lab/m", true);
    a.on_chunk = cancel_at_finish;
    held_chunks = 0;
    CU_ASSERT(asked_wait(&a));
    CU_ASSERT(stage_settle(&stage));
    CU_ASSERT(atomic_load(&a.ends) == 1); /* the cancel alone, no on_end */
    CU_ASSERT(held_chunks == 1);
    asked_release(&a);
    close_all();
}

const CU_TestInfo call_tests[] = {{"what is on record, and when", test_record},
                                  {"refused requests", test_refused},
                                  {"a client that leaves", test_cancel},
                                  {"a client that leaves at the end", test_cancel_in_act},
                                  CU_TEST_INFO_NULL};
