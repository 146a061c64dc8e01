/* SPDX-License-Identifier: MIT */
/* What a call holds of its request: the client's body, and what is made of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit.h"
#include "engine/engine.h"
#include "engine/state.h"
#include "stage.h"
#include "vendor.h"

extern const CU_TestInfo bodies_tests[];

/* To groq `logit_bias` is unknown. */
#define PROVIDERS                                                                                  \
    "providers:\n"                                                                                 \
    "  lab: { preset: groq, base_url: \"http://127.0.0.1:%d\", api_key: none }\n"

static const size_t lengths[] = {100, MIB(4)}; /* the longer is translated by a job */

static struct stage stage;
static struct vendor vendor;

static void open_all(void (*serve)(struct vendor_side *side))
{
    vendor = (struct vendor){.serve = serve};
    vendor_start(&vendor);
    stage_open(&stage);
    stage_run(&stage, 1, PROVIDERS, vendor.port);
}

static void close_all(void)
{
    stage_stop(&stage);
    CU_ASSERT(stage_broken(&stage) == 0);
    vendor_stop(&vendor);
    stage_close(&stage);
}

static bool has(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

/* `len` bytes of text in its message, and more members of that message and of the request. */
static void ask(struct asked *a, size_t len, const char *of_message, const char *of_request)
{
    char *text = calloc(1, len + 1);
    memset(text, 'z', len);
    asked_body(a, "{\"model\":\"lab/m\",\"stream\":%s,%s\"messages\":[{\"role\":\"assistant\","
                  "%s\"content\":\"%s\"},{\"role\":\"user\",\"content\":\"last\"}]}",
               a->wants_stream ? "true" : "false", of_request, of_message, text);
    free(text);
}

/* --- What the model does not take ------------------------------------------------------------- */

#define UNKNOWN "\"logit_bias\":{\"1\":2},"

static void serve_without(struct vendor_side *side)
{
    const char *request = vendor_request(side);
    vendor_wait_step(side, 1);
    CU_ASSERT(request != NULL && !has(request, "logit_bias") && has(request, "\"last\"}]}"));
    vendor_answer(side, "");
    vendor_wait_close(side);
}

/* It is cut out where the body lies. */
static void test_cut(void)
{
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        struct asked a;
        open_all(serve_without);
        asked_init(&a, &stage, "lab/m", false);
        ask(&a, lengths[i], "", UNKNOWN);
        asked_start(&a);
        CU_ASSERT(stage_wait(&stage, &vendor.requests, 1));
        CU_ASSERT(a.call != NULL && a.call->arena.used < KIB(64));
        vendor_set_step(&vendor, 1);
        CU_ASSERT(stage_wait(&stage, &a.ends, 1) && a.error.code == HARBORAI_OK);
        CU_ASSERT(stage_settle(&stage));
        CU_ASSERT(stage_recorded(&stage, "logit_bias;dropped") > 0);
        CU_ASSERT(stage_recorded(&stage, "\"model\":\"lab/m\"") > 0);
        asked_release(&a);
        close_all();
    }
}

/* --- Replays of other plugins ------------------------------------------------------------------- */

#define FOREIGN "\"reasoning_details\":[{\"provider\":\"org.other\",\"data\":{}}],"

static void serve_clean(struct vendor_side *side)
{
    const char *request = vendor_request(side);
    vendor_wait_step(side, 1);
    CU_ASSERT(request != NULL && !has(request, "org.other") && has(request, "\"last\"}]}"));
    vendor_answer(side, "");
    vendor_wait_close(side);
}

/* The body without them is charged as long as it is there. */
static void test_charge(void)
{
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        struct asked a;
        open_all(serve_clean);
        asked_init(&a, &stage, "lab/m", false);
        ask(&a, lengths[i], FOREIGN, "");
        asked_start(&a);
        CU_ASSERT(stage_wait(&stage, &vendor.requests, 1));
        CU_ASSERT((size_t)atomic_load(&stage.taken) >= lengths[i]);
        CU_ASSERT((size_t)atomic_load(&stage.taken) <= 2 * lengths[i] + KIB(1));
        CU_ASSERT(atomic_load(&stage.given_back) == 0 && atomic_load(&stage.gone) == 0);
        vendor_set_step(&vendor, 1);
        CU_ASSERT(stage_wait(&stage, &a.ends, 1) && a.error.code == HARBORAI_OK);
        CU_ASSERT(stage_wait(&stage, &stage.gone, 1));
        CU_ASSERT(atomic_load(&stage.given_back) == atomic_load(&stage.taken) + 1);
        asked_release(&a);
        close_all();
    }
}

/* Without room the client is to ask again, and the vendor is not asked. */
static void test_full(void)
{
    for (size_t i = 0; i < 2 * ARRAY_LEN(lengths); i++) {
        bool is_full = i & 1;
        struct asked a;
        open_all(serve_clean);
        vendor_set_step(&vendor, 1);
        stage.is_full = true;
        asked_init(&a, &stage, "lab/m", false);
        ask(&a, lengths[i / 2], is_full ? FOREIGN : "", UNKNOWN); /* what is cut out takes no room */
        CU_ASSERT(asked_wait(&a) && stage_wait(&stage, &stage.gone, 1));
        CU_ASSERT(a.error.code == (is_full ? HARBORAI_E_OVERLOADED : HARBORAI_OK));
        CU_ASSERT(a.http_status == (is_full ? 503 : 200));
        CU_ASSERT(!is_full || (a.error.retry_after_ms > 0 &&
                               (a.error.flags & HARBORAI_ERROR_OPENAI_CODE) != 0 &&
                               strcmp(a.error.vendor_code, "out_of_memory") == 0));
        CU_ASSERT(atomic_load(&vendor.requests) == !is_full);
        CU_ASSERT(atomic_load(&stage.given_back) == 1);
        asked_release(&a);
        close_all();
    }
}

/* --- Answers ------------------------------------------------------------------------------------ */

#define ANSWER_SIZE MIB(2)

static void serve_long(struct vendor_side *side)
{
    static const char start[] = "{\"id\":\"c\",\"object\":\"chat.completion\",\"model\":\"m\",\"choices\":"
                                "[{\"index\":0,\"finish_reason\":\"stop\",\"message\":{\"role\":"
                                "\"assistant\",\"content\":\"",
                      end[] = "\"}}]}";
    size_t len = ANSWER_SIZE - sizeof start - sizeof end + 2;
    char head[128], *text = calloc(1, len);
    (void)vendor_request(side);
    memset(text, 'z', len);
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
                                "content-length: %zu\r\n\r\n", (size_t)ANSWER_SIZE);
    vendor_send(side, head, strlen(head));
    vendor_send(side, start, sizeof start - 1);
    vendor_send(side, text, len);
    vendor_wait_step(side, 1);
    vendor_send(side, end, sizeof end - 1);
    free(text);
    vendor_wait_close(side);
}

/* A long answer counts while it comes; it is not refused where there is no room. */
static void test_long_answer(void)
{
    struct asked a;
    open_all(serve_long);
    stage.is_full = true;
    asked_init(&a, &stage, "lab/m", false);
    ask(&a, 100, "", "");
    asked_start(&a);
    CU_ASSERT(stage_wait(&stage, &stage.taken, (int)(ANSWER_SIZE - KIB(1))));
    CU_ASSERT(atomic_load(&stage.given_back) == 0);
    vendor_set_step(&vendor, 1);
    CU_ASSERT(stage_wait(&stage, &a.ends, 1) && a.error.code == HARBORAI_OK);
    CU_ASSERT(stage_wait(&stage, &stage.gone, 1));
    CU_ASSERT(atomic_load(&stage.given_back) == atomic_load(&stage.taken) + 1);
    asked_release(&a);
    close_all();
}

const CU_TestInfo bodies_tests[] = {{"what the model does not take", test_cut},
                                    {"what is made is charged", test_charge},
                                    {"no room", test_full},
                                    {"long answer", test_long_answer},
                                    CU_TEST_INFO_NULL};
