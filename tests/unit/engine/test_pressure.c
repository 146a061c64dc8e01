/* SPDX-License-Identifier: MIT */
/* A client that reads slowly: its vendor is paused, nothing is lost, and nobody's memory grows. */
#include <stdlib.h>
#include <string.h>

#include "../unit.h"
#include "stage.h"
#include "vendor.h"

extern const CU_TestInfo pressure_tests[];

#define PROVIDERS                                                                                  \
    "providers:\n"                                                                                 \
    "  lab: { plugin: openai, base_url: \"http://127.0.0.1:%d\", api_key: none, models: [\"m*\"],\n" \
    "         timeouts: { idle: 300ms } }\n"                                                       \
    "  rogue: { base_url: \"http://127.0.0.1:%d\" }\n"

/* More than the kernel keeps between two sockets. */
enum { PIECES = 1536, PIECE = 16384 };

/* What was read when the pause came may still be passed on: as much as one buffer of the transport,
 * and the event that was cut in its middle. */
#define MOST_FROM_VENDOR (LIMIT_UNDELIVERED + KIB(32) + PIECE + KIB(1))

static struct stage stage;
static struct vendor vendor;
static int next_piece, lost; /* [loop] */

static void open_all(void (*serve)(struct vendor_side *side))
{
    vendor = (struct vendor){.serve = serve};
    vendor_start(&vendor);
    stage_open(&stage);
    stage_run(&stage, 1, PROVIDERS, vendor.port, vendor.port);
    next_piece = lost = 0;
}

static void close_all(void)
{
    stage_stop(&stage);
    CU_ASSERT(stage_broken(&stage) == 0);
    CU_ASSERT(stage_logged(&stage, "plugin_holds_on") == 0);
    vendor_stop(&vendor);
    stage_close(&stage);
}

/* Numbered pieces; vendor->step says how many the kernel took. */
static void serve_much(struct vendor_side *side)
{
    char *piece = calloc(1, PIECE + 1);
    (void)vendor_request(side);
    vendor_stream(side);
    memset(piece, '.', PIECE);
    for (int i = 0; i < PIECES; i++) {
        char number[16];
        int len = snprintf(number, sizeof number, "<%d>", i);
        memset(piece, '.', sizeof number);
        memcpy(piece, number, (size_t)len);
        if (!vendor_text(side, piece))
            break;
        atomic_fetch_add(&side->vendor->step, 1);
    }
    free(piece);
    vendor_finish(side, "stop");
    vendor_done(side);
    vendor_wait_close(side);
}

static void check_piece(struct asked *a, harborai_str json)
{
    char number[16];
    snprintf(number, sizeof number, "<%d>", next_piece);
    if (memmem(json.data, json.len, number, strlen(number)) != NULL)
        next_piece++;
    else if (memmem(json.data, json.len, "\"stop\"", 6) == NULL && json.len > PIECE)
        lost++;
    buf_clear(&a->text);
}

static bool is_full(const struct asked *a)
{
    return atomic_load(&a->undelivered) > LIMIT_UNDELIVERED;
}

/* The reader takes all it was given, whenever that is too much, until the call has ended. */
static unsigned read_slowly(struct asked *a)
{
    unsigned resumes = 0;
    for (int i = 0; i < 100000 && atomic_load(&a->ends) == 0; i++) {
        if (is_full(a)) {
            asked_order(a, asked_resume);
            resumes++;
        }
        stage_turn(&stage, 1);
    }
    return resumes;
}

/* Passes until the front is full, then some in which nothing more may come. */
static void fill(const char *name, struct asked *a)
{
    for (int i = 0; i < 10000 && !is_full(a); i++)
        stage_turn(&stage, 1);
    ROW(name, is_full(a));
    stage_turn(&stage, 3);
    size_t before = atomic_load(&a->undelivered);
    stage_turn(&stage, 40); /* longer than the idle limit, which stands still */
    ROW(name, atomic_load(&a->undelivered) == before && atomic_load(&a->ends) == 0);
}

/* --- From a vendor -------------------------------------------------------------------------------- */

static const char *const models[] = {"lab/m", "rogue/r-sse", "rogue/r-bytes"};

static void test_vendor(void)
{
    for (size_t i = 0; i < ARRAY_LEN(models); i++) {
        struct asked a;
        open_all(serve_much);
        asked_init(&a, &stage, models[i], true);
        a.is_slow = true;
        if (i < 2)
            a.on_chunk = check_piece;
        asked_start(&a);
        fill(models[i], &a);
        ROW(models[i], atomic_load(&vendor.step) < PIECES); /* it has been held up */
        ROW(models[i], read_slowly(&a) > 1);
        ROW(models[i], atomic_load(&a.ends) == 1 && a.error.code == HARBORAI_OK);
        ROW(models[i], atomic_load(&vendor.step) == PIECES);
        ROW(models[i], i == 2 || (next_piece == PIECES && lost == 0));
        ROW(models[i], atomic_load(&a.most_undelivered) <= MOST_FROM_VENDOR);
        ROW(models[i], stage_settle(&stage));
        asked_release(&a);
        close_all();
    }
}

/* --- From a plugin's own threads ------------------------------------------------------------------ */

static void test_source(void)
{
    struct asked a;
    open_all(NULL);
    asked_init(&a, &stage, "rogue/r-polite", true);
    a.is_slow = true;
    asked_start(&a);
    fill("polite", &a);
    CU_ASSERT(read_slowly(&a) > 1);
    CU_ASSERT(a.error.code == HARBORAI_OK && a.output_tokens == 512);
    CU_ASSERT(atomic_load(&a.chunks) == 513 + 1 || atomic_load(&a.chunks) == 513);
    /* 64 KiB that the front has not taken, as much again after PAUSE, in chunks. */
    CU_ASSERT(atomic_load(&a.most_undelivered) <= 4 * LIMIT_UNDELIVERED);
    CU_ASSERT(stage_settle(&stage));
    asked_release(&a);
    close_all();
}

/* One that does not stop at PAUSE is ended; no answer with a hole in it is a success. */
static void test_flood(void)
{
    static const char *const floods[] = {"rogue/r-ignore-pause", "rogue/r-flood-in-chat"};
    for (size_t i = 0; i < ARRAY_LEN(floods); i++) {
        struct asked a;
        open_all(NULL);
        asked_init(&a, &stage, floods[i], true);
        a.is_slow = true;
        ROW(floods[i], asked_wait(&a));
        ROW(floods[i], stage_settle(&stage));
        ROW(floods[i], a.error.code == HARBORAI_E_MEMORY);
        ROW(floods[i], strstr(a.error.message, "test.rogue") != NULL);
        ROW(floods[i], !asked_has(&a, "\"stop\""));
        ROW(floods[i], atomic_load(&a.most_undelivered) <=
                           LIMIT_UNDELIVERED + LIMIT_UNDELIVERED_HARD + KIB(16));
        asked_release(&a);
        close_all();
    }
}

/* What a plugin emits behind an exchange is not counted from the pause on, but bounded. */
static void test_flood_behind_an_exchange(void)
{
    struct asked a;
    open_all(NULL);
    asked_init(&a, &stage, "rogue/r-flood-after-start", true);
    a.is_slow = true;
    CU_ASSERT(asked_wait(&a) && stage_settle(&stage));
    CU_ASSERT(a.error.code == HARBORAI_E_MEMORY && a.status == HARBORAI_E_MEMORY);
    CU_ASSERT(!asked_has(&a, "\"stop\""));
    CU_ASSERT(atomic_load(&a.most_undelivered) <= LIMIT_UNDELIVERED_MOST);
    CU_ASSERT(stage_recorded(&stage, "\"outcome\":\"ok\"") == 0);
    asked_release(&a);
    close_all();
}

/* What cannot be held back until the end is not left out in silence. */
static void test_held_back(void)
{
    struct asked a;
    open_all(NULL);
    asked_init(&a, &stage, "rogue/r-large-usage", true);
    asked_body(&a, "{\"model\":\"rogue/r-large-usage\",\"stream\":true,\"messages\":[{\"role\":"
                   "\"user\",\"content\":\"x\"}],\"stream_options\":{\"include_usage\":true}}");
    CU_ASSERT(asked_wait(&a) && stage_settle(&stage));
    CU_ASSERT(a.error.code == HARBORAI_E_MEMORY && a.status == HARBORAI_E_MEMORY);
    CU_ASSERT(strstr(a.error.message, "after the end") != NULL && !asked_has(&a, "\"stop\""));
    asked_release(&a);
    close_all();
}

/* --- A client that leaves --------------------------------------------------------------------------- */

static const char *const left[] = {"lab/m", "rogue/r-sse", "rogue/r-polite"};

static void test_leave(void)
{
    for (size_t i = 0; i < ARRAY_LEN(left); i++) {
        struct asked a;
        open_all(serve_much);
        asked_init(&a, &stage, left[i], true);
        a.is_slow = true;
        asked_start(&a);
        fill(left[i], &a);
        asked_order(&a, asked_cancel);
        ROW(left[i], stage_wait(&stage, &a.ends, 1));
        ROW(left[i], stage_recorded(&stage, "\"outcome\":\"cancelled\"") == 1);
        ROW(left[i], stage_settle(&stage));
        asked_release(&a);
        close_all();
    }
}

const CU_TestInfo pressure_tests[] = {{"from a vendor", test_vendor},
                                      {"from a source that stops", test_source},
                                      {"from a source that does not", test_flood},
                                      {"behind an exchange", test_flood_behind_an_exchange},
                                      {"held back", test_held_back},
                                      {"a client that leaves", test_leave},
                                      CU_TEST_INFO_NULL};
