/* SPDX-License-Identifier: MIT */
/* Plugins that err: whatever they do, the call ends once, is on record, and is released once. */
#include <stdlib.h>
#include <string.h>

#include "../unit.h"
#include "stage.h"
#include "vendor.h"

extern const CU_TestInfo rogue_tests[];

#define TWO                                                                                        \
    "providers:\n"                                                                                 \
    "  rogue: { base_url: \"http://127.0.0.1:%d\", timeouts: { total: 20s } }\n"                   \
    "  brief: { base_url: \"http://127.0.0.1:%d\" }\n"                                             \
    "  odd: {}\n"

static struct stage stage;
static struct vendor vendor;

static void open_all(void (*serve)(struct vendor_side *side))
{
    vendor = (struct vendor){.serve = serve, .context = &stage};
    vendor_start(&vendor);
    stage_open(&stage);
    stage_run(&stage, 1, TWO, vendor.port, vendor.port);
}

static void close_all(void)
{
    stage_stop(&stage);
    CU_ASSERT(stage_broken(&stage) == 0);
    CU_ASSERT(stage_logged(&stage, "created") == stage_logged(&stage, "destroyed"));
    CU_ASSERT(stage_logged(&stage, "plugin_holds_on") == 0);
    vendor_stop(&vendor);
    stage_close(&stage);
}

/* --- Good and bad, on the loop and on a job ----------------------------------------------------- */

static const struct row {
    const char *name, *model;
    harborai_status want;
    const char *says; /* in the error's message, or in the answer */
} rows[] = {
    {"finishes twice", "rogue/r-finish-twice", HARBORAI_OK, "once"},
    {"a usage object that is none", "odd/o-usage", HARBORAI_OK, "counted"},
    {"the same from a thread", "odd/o-thread", HARBORAI_OK, "counted"},
    {"leaves the call idle", "rogue/r-idle", HARBORAI_E_INTERNAL, "test.rogue"},
    {"an error", "rogue/r-error", HARBORAI_E_UNSUPPORTED, "rogue will not"},
    {"an error without a text", "rogue/r-error-without-text", HARBORAI_E_UNSUPPORTED, "no reason"},
    {"an error without an end", "rogue/r-error-unterminated", HARBORAI_E_UNSUPPORTED, "xxxx"},
    {"an error after emit()", "rogue/r-error-after-emit", HARBORAI_E_UNSUPPORTED, "will not"},
    {"an error after http_start()", "rogue/r-error-after-start", HARBORAI_E_UNSUPPORTED, "will not"},
    {"an error after finish()", "rogue/r-error-after-finish", HARBORAI_OK, "good"},
    {"an error after wake()", "rogue/r-error-after-wake", HARBORAI_E_UNSUPPORTED, "will not"},
    {"an error after hold()", "rogue/r-error-after-hold", HARBORAI_E_UNSUPPORTED, "will not"},
    {"http_start() twice", "rogue/r-start-twice", HARBORAI_OK, "word"},
    {"http_start() to elsewhere", "rogue/r-start-nowhere", HARBORAI_E_INTERNAL, "may not reach"},
    {"http_start() with flags that there are not", "rogue/r-start-flags", HARBORAI_E_INTERNAL,
     "plugin 'test.rogue' gave flags 0x1 with response_kind 2"},
    {"a finish_reason that there is not", "rogue/r-finish-77", HARBORAI_E_INTERNAL,
     "plugin 'test.rogue' gave finish_reason 77"},
    {"a delta that there is not", "rogue/r-emit-wrong", HARBORAI_E_INTERNAL,
     "plugin 'test.rogue': "},
    {"an error of the client's", "rogue/r-blame-client", HARBORAI_E_INVALID, "rogue dislikes"},
    {"talks in on_release()", "rogue/r-release-talks", HARBORAI_OK, "once"},
    {"a thousand wake(0)", "rogue/r-wake", HARBORAI_OK, "awake"},
    {"idle after on_wake()", "rogue/r-wake-idle", HARBORAI_E_INTERNAL, "idle"},
    {"idle after on_end()", "rogue/r-idle-at-end", HARBORAI_E_INTERNAL, "idle"},
    {"server-sent events", "rogue/r-sse", HARBORAI_OK, "word"},
    {"lines", "rogue/r-lines", HARBORAI_OK, "word"},
    {"bytes", "rogue/r-bytes", HARBORAI_OK, "word"},
    {"a buffer", "rogue/r-buffer", HARBORAI_OK, "word"},
    {"three exchanges", "rogue/r-three-exchanges", HARBORAI_OK, "word"},
    {"finishes at the first event", "rogue/r-finish-early", HARBORAI_OK, "word"},
    {"four threads", "rogue/r-four-threads", HARBORAI_OK, "x"},
    {"four threads that all finish", "rogue/r-all-finish", HARBORAI_OK, "y"},
    {"a piece of 3 MiB", "rogue/r-long-piece", HARBORAI_OK, "wwww"},
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* where malloc() aborts */
    {"a piece for which there is no memory", "rogue/r-lost-piece", HARBORAI_E_MEMORY,
     "plugin 'test.rogue'"},
#endif
    {"unhold() without finish()", "rogue/r-unhold-unfinished", HARBORAI_E_INTERNAL, "idle"},
    {"no such behaviour", "rogue/r-none", HARBORAI_E_NOT_FOUND, "no such"},
    {"a short table", "brief/s-1", HARBORAI_OK, "w"},
    {"wake() without on_wake()", "brief/s-wake", HARBORAI_E_INTERNAL, "idle"},
    {"events without on_event()", "brief/s-sse", HARBORAI_E_INTERNAL, "idle"},
};

/* As a stream always: what the plugins ask for is never whole. */
static void serve_stream(struct vendor_side *side)
{
    for (const char *request; (request = vendor_request(side)) != NULL;)
        vendor_answer(side, "\"stream\":true");
}

static void run_row(const struct row *row, bool stream, size_t filling)
{
    struct asked a;
    bool is_passthrough = strcmp(row->model, "brief/s-1") == 0;
    if (is_passthrough && !stream)
        return; /* serve_stream() has no other answer */
    asked_init(&a, &stage, row->model, stream);
    asked_fill(&a, filling);
    a.reads_journal = true;
    ROW(row->name, asked_wait(&a));
    ROW(row->name, stage_settle(&stage));
    ROW(row->name, a.error.code == row->want && a.had_end_line);
    ROW(row->name, a.attempts == (strcmp(row->name, "three exchanges") == 0 ? 3 : 1));
    ROW(row->name, stage_has_line(&stage, "{\"type\":\"begin\"", a.key));
    buf_add_char(&a.answer, '\0');
    if (a.error.code < 0)
        ROW(row->name, strstr(a.error.message, row->says) != NULL);
    else if (row->want == HARBORAI_OK)
        ROW(row->name, stream ? asked_has(&a, row->says) : strstr(a.answer.data, row->says) != NULL);
    ROW(row->name, (int)a.chunks_said == atomic_load(&a.chunks));
    ROW(row->name, atomic_load(&a.ends) == 1);
    asked_release(&a);
}

static void test_rows(void)
{
    unsigned calls = 0;
    open_all(serve_stream);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (int kind = 0; kind < 4; kind++) {
            run_row(&rows[i], kind & 1, kind & 2 ? KIB(80) : 10);
            calls += strncmp(rows[i].model, "rogue/", 6) == 0;
            ROW(rows[i].name, stage_logged(&stage, "released") == calls);
        }
    CU_ASSERT(stage_logged(&stage, "cancelled") == 0);
    /* Each call with a broken usage object has its line, with the counts but not with that. */
    CU_ASSERT(stage_logged(&stage, "plugin.bad_usage provider='odd'") == 8);
    CU_ASSERT(stage_recorded(&stage, "{\"output\":4711},\"parsing_method\":\"odd_direct\","
                                      "\"confidence\":0.8,\"usage\":null") == 8);
    CU_ASSERT(stage_recorded(&stage, "oops") == 0 && stage_logged(&stage, "line_lost") == 0);
    close_all();
}

/* --- What the vendor refuses -------------------------------------------------------------------- */

static void serve_401(struct vendor_side *side)
{
    while (vendor_request(side) != NULL)
        vendor_whole(side, 401, "{\"error\":{\"message\":\"bad key\",\"type\":\"auth\","
                                "\"code\":\"no_such_key\"}}");
}

static void serve_error_event(struct vendor_side *side)
{
    while (vendor_request(side) != NULL) {
        vendor_stream(side);
        vendor_event(side, "{\"error\":{\"message\":\"odd\",\"type\":\"server_error\"}}");
        vendor_done(side);
    }
}

static void serve_error_whole(struct vendor_side *side)
{
    while (vendor_request(side) != NULL)
        vendor_whole(side, 200, "{\"error\":{\"message\":\"odd\",\"type\":\"server_error\"}}");
}

static void serve_second_time(struct vendor_side *side)
{
    for (const char *request; (request = vendor_request(side)) != NULL;)
        if (atomic_fetch_add(&side->vendor->step, 1) == 0)
            vendor_whole(side, 401, "{}");
        else
            vendor_answer(side, request);
}

static void serve_second_after_event(struct vendor_side *side)
{
    for (const char *request; (request = vendor_request(side)) != NULL;) {
        if (atomic_fetch_add(&side->vendor->step, 1) > 0) {
            vendor_answer(side, request);
            continue;
        }
        vendor_stream(side);
        vendor_event(side, "{\"error\":{\"message\":\"odd\",\"type\":\"server_error\"}}");
        vendor_text(side, "nobody reads this");
        vendor_done(side);
    }
}

/* What the client has read already cannot be begun again. */
static void serve_error_after_text(struct vendor_side *side)
{
    while (vendor_request(side) != NULL) {
        vendor_stream(side);
        vendor_text(side, "word");
        vendor_event(side, "{\"error\":{\"message\":\"odd\",\"type\":\"server_error\"}}");
        vendor_text(side, "nobody reads this");
        vendor_done(side);
    }
}

static const struct again_row {
    const char *name, *model;
    void (*serve)(struct vendor_side *side);
    harborai_status want;
    int requests;
} again_rows[] = {
    {"401, starts for ever", "rogue/r-again-with-start", serve_401, HARBORAI_E_INTERNAL, 3},
    {"401, wakes for ever", "rogue/r-again-with-wake", serve_401, HARBORAI_E_INTERNAL, 3},
    {"401, does nothing", "rogue/r-again-with-nothing", serve_401, HARBORAI_E_INTERNAL, 1},
    {"401, maps to nothing", "rogue/r-map-to-nothing", serve_401, HARBORAI_E_INTERNAL, 1},
    {"401, then an answer", "rogue/r-again-with-start", serve_second_time, HARBORAI_OK, 2},
    {"401, then an answer, by wake()", "rogue/r-again-with-wake", serve_second_time, HARBORAI_OK, 2},
    {"event, starts for ever", "rogue/r-again-with-start", serve_error_event, HARBORAI_E_INTERNAL, 3},
    {"event, wakes for ever", "rogue/r-again-with-wake", serve_error_event, HARBORAI_E_INTERNAL, 3},
    {"event, does nothing", "rogue/r-again-with-nothing", serve_error_event, HARBORAI_E_INTERNAL, 1},
    {"event, then an answer", "rogue/r-again-with-start", serve_second_after_event, HARBORAI_OK, 2},
    {"event, then an answer, by wake()", "rogue/r-again-with-wake", serve_second_after_event,
     HARBORAI_OK, 2},
    {"event after text, starts", "rogue/r-again-with-start", serve_error_after_text,
     HARBORAI_E_VENDOR, 1},
    {"event after text, wakes", "rogue/r-again-with-wake", serve_error_after_text,
     HARBORAI_E_VENDOR, 1},
    {"event, maps to nothing", "rogue/r-map-to-nothing", serve_error_event, HARBORAI_E_INTERNAL, 1},
    {"object, starts for ever", "rogue/r-again-with-start", serve_error_whole, HARBORAI_E_INTERNAL, 3},
    {"object, wakes for ever", "rogue/r-again-with-wake", serve_error_whole, HARBORAI_E_INTERNAL, 3},
    {"object, does nothing", "rogue/r-again-with-nothing", serve_error_whole, HARBORAI_E_INTERNAL, 1},
};

static void test_again(void)
{
    for (size_t i = 0; i < ARRAY_LEN(again_rows); i++) {
        const struct again_row *row = &again_rows[i];
        struct asked a;
        open_all(row->serve);
        asked_init(&a, &stage, row->model, strstr(row->name, "object") == NULL);
        ROW(row->name, asked_wait(&a) && stage_settle(&stage));
        ROW(row->name, a.error.code == row->want);
        ROW(row->name, row->want != HARBORAI_E_INTERNAL || a.error.vendor_code[0] == '\0');
        ROW(row->name, atomic_load(&vendor.requests) == row->requests);
        ROW(row->name, (int)a.attempts == row->requests);
        ROW(row->name, (int)stage_recorded(&stage, "{\"type\":\"begin\"") == row->requests);
        ROW(row->name, stage_recorded(&stage, "\"attempt\":1,") == 1);
        ROW(row->name, row->want < 0 || (asked_has(&a, "word") && asked_has(&a, "\"stop\"")));
        ROW(row->name, !asked_has(&a, "nobody"));
        ROW(row->name, stage_logged(&stage, "released") == 1);
        asked_release(&a);
        close_all();
    }
}

/* --- Bytes -------------------------------------------------------------------------------------- */

/* Those of all exchanges, and of a body that was refused. */
static void test_bytes(void)
{
    struct asked one, three, bad;
    open_all(serve_stream);
    asked_init(&one, &stage, "rogue/r-sse", true);
    asked_init(&three, &stage, "rogue/r-three-exchanges", true);
    asked_init(&bad, &stage, "", true);
    asked_body(&bad, "{\"model\":}");
    CU_ASSERT(asked_wait(&one) && asked_wait(&three) && asked_wait(&bad));
    CU_ASSERT(one.vendor_bytes_out > 100 && three.vendor_bytes_out >= 3 * one.vendor_bytes_out);
    CU_ASSERT(one.vendor_bytes_in > 100 && three.vendor_bytes_in > 2 * one.vendor_bytes_in);
    CU_ASSERT(bad.error.code == HARBORAI_E_INVALID && bad.bytes_in == strlen("{\"model\":}"));
    asked_release(&one);
    asked_release(&three);
    asked_release(&bad);
    close_all();
}

/* --- The end while chat() runs on a job ---------------------------------------------------------- */

/* The loop ends the call while the plugin is busy with it on another thread. */
static void test_cancel_on_job(void)
{
    struct asked a;
    open_all(NULL);
    asked_init(&a, &stage, "rogue/r-until-closed", true);
    asked_fill(&a, KIB(80));
    asked_start(&a);
    for (int i = 0; i < 10000 && stage_logged(&stage, "begun") == 0; i++)
        stage_turn(&stage, 1);
    CU_ASSERT(stage_logged(&stage, "begun") == 1);
    asked_order(&a, asked_cancel);
    CU_ASSERT(stage_settle(&stage));
    CU_ASSERT(atomic_load(&vendor.accepted) == 0);
    CU_ASSERT(stage_recorded(&stage, "\"outcome\":\"cancelled\"") == 1);
    CU_ASSERT(stage_recorded(&stage, "\"type\":\"begin\"") == 1);
    CU_ASSERT(stage_logged(&stage, "cancelled") == 1 && stage_logged(&stage, "released") == 1);
    asked_release(&a);
    close_all();
}

/* --- A loop that nobody can stop ------------------------------------------------------------------ */

/* wake(0) from every on_wake() must leave room for all others, and for the end. */
static void test_wake_for_ever(void)
{
    struct asked busy, other;
    open_all(NULL);
    asked_init(&busy, &stage, "rogue/r-wake-for-ever", true);
    asked_init(&other, &stage, "rogue/r-finish-twice", true);
    asked_start(&busy);
    stage_turn(&stage, 20);
    CU_ASSERT(asked_wait(&other) && other.error.code == HARBORAI_OK);
    CU_ASSERT(atomic_load(&busy.ends) == 0);
    asked_order(&busy, asked_cancel);
    CU_ASSERT(stage_settle(&stage));
    asked_release(&busy);
    asked_release(&other);
    close_all();
}

const CU_TestInfo rogue_tests[] = {{"calls", test_rows},
                                   {"errors of the vendor", test_again},
                                   {"bytes", test_bytes},
                                   {"the end on another thread", test_cancel_on_job},
                                   {"wakes for ever", test_wake_for_ever},
                                   CU_TEST_INFO_NULL};
