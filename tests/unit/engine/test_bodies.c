/* SPDX-License-Identifier: MIT */
/* What a call holds of its request: the client's body, and what is made of it. */
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

const CU_TestInfo bodies_tests[] = {{"what the model does not take", test_cut}, CU_TEST_INFO_NULL};
