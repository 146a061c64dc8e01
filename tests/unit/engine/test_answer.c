/* SPDX-License-Identifier: MIT */
/* What becomes of a vendor's answer: what is passed on at once, what is held back, and what each way
 * to break off means for the client. */
#include <stdlib.h>
#include <string.h>

#include "../unit.h"
#include "stage.h"
#include "vendor.h"

extern const CU_TestInfo answer_tests[];

#define LAB                                                                                        \
    "providers:\n"                                                                                 \
    "  lab: { plugin: openai, base_url: \"http://127.0.0.1:%d\", api_key: none, models: [\"m*\"] }\n" \
    "  rogue: { base_url: \"http://127.0.0.1:%d\" }\n"

#define CHUNK(choices)                                                                             \
    "{\"id\":\"v\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[" \
    choices "]}"
#define TEXT(index, text)                                                                          \
    CHUNK("{\"index\":" #index ",\"delta\":{\"content\":\"" text "\"},\"finish_reason\":null}")
#define FINISH(index) CHUNK("{\"index\":" #index ",\"delta\":{},\"finish_reason\":\"stop\"}")
#define USAGE                                                                                      \
    "{\"id\":\"v\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[]," \
    "\"usage\":" VENDOR_USAGE "}"
#define FAILURE "{\"error\":{\"message\":\"odd\",\"type\":\"server_error\",\"code\":\"boom\"}}"
#define MOST_EVENTS 6

static struct stage stage;
static struct vendor vendor;

static void open_all(void (*serve)(struct vendor_side *side), const void *context)
{
    vendor = (struct vendor){.serve = serve, .context = (void *)(uintptr_t)context};
    vendor_start(&vendor);
    stage_open(&stage);
    stage_run(&stage, 1, LAB, vendor.port, vendor.port);
}

static void close_all(void)
{
    stage_stop(&stage);
    CU_ASSERT(stage_broken(&stage) == 0);
    vendor_stop(&vendor);
    stage_close(&stage);
}

/* --- Streams ------------------------------------------------------------------------------------ */

static const struct stream_row {
    const char *name, *more; /* members of the request */
    const char *before[MOST_EVENTS]; /* then the vendor waits */
    int chunks_before;               /* that the client has by then */
    const char *after[MOST_EVENTS];
    enum { ENDS, BREAKS } end;
    harborai_status want;
    int chunks;        /* in all */
    const char *lacks; /* what no chunk may have */
} stream_rows[] = {
    {"the end waits", "", {TEXT(0, "a"), FINISH(0)}, 1, {"[DONE]"}, ENDS, HARBORAI_OK, 2, "usage"},
    {"text behind the end waits", "", {TEXT(0, "a"), FINISH(0), TEXT(0, "b")}, 1, {"[DONE]"}, ENDS,
     HARBORAI_OK, 3, "usage"},
    {"the end of the first of two does not", "\"n\":2,",
     {TEXT(0, "a"), FINISH(0), TEXT(1, "b"), FINISH(1)}, 3, {"[DONE]"}, ENDS, HARBORAI_OK, 4,
     "usage"},
    {"usage that nobody asked for", "", {TEXT(0, "a"), FINISH(0), USAGE}, 1, {"[DONE]"}, ENDS,
     HARBORAI_OK, 2, "usage"},
    {"usage that was asked for", "\"stream_options\":{\"include_usage\":true},",
     {TEXT(0, "a"), FINISH(0), USAGE}, 1, {"[DONE]"}, ENDS, HARBORAI_OK, 3, "odd"},
    {"no [DONE]", "", {TEXT(0, "a"), FINISH(0)}, 1, {NULL}, ENDS, HARBORAI_OK, 2, "odd"},
    {"[DONE] without a reason", "", {TEXT(0, "a")}, 1, {"[DONE]"}, ENDS, HARBORAI_E_PROTOCOL, 1,
     "stop"},
    {"[DONE] while one of two is open", "\"n\":2,", {TEXT(0, "a"), TEXT(1, "b"), FINISH(0)}, 3,
     {"[DONE]"}, ENDS, HARBORAI_E_PROTOCOL, 3, "odd"},
    {"[DONE], then the connection breaks", "", {TEXT(0, "a"), FINISH(0)}, 1, {"[DONE]"}, BREAKS,
     HARBORAI_OK, 2, "odd"},
    {"one that is no JSON", "", {TEXT(0, "a")}, 1, {"odd", FINISH(0), "[DONE]"}, ENDS,
     HARBORAI_OK, 2, "odd"},
    {"two that are no JSON", "", {TEXT(0, "a")}, 1, {"odd", "odd", FINISH(0), "[DONE]"}, ENDS,
     HARBORAI_E_PROTOCOL, 1, "stop"},
    {"breaks before the end", "", {TEXT(0, "a")}, 1, {TEXT(0, "b")}, BREAKS, HARBORAI_E_NETWORK, 2,
     "stop"},
    {"breaks behind the end", "", {TEXT(0, "a"), FINISH(0)}, 1, {NULL}, BREAKS, HARBORAI_E_NETWORK,
     1, "stop"},
    {"ends in between", "", {TEXT(0, "a")}, 1, {NULL}, ENDS, HARBORAI_E_PROTOCOL, 1, "stop"},
    {"ends with one of two", "\"n\":2,", {TEXT(0, "a"), FINISH(0)}, 2, {NULL}, ENDS,
     HARBORAI_E_PROTOCOL, 2, "odd"},
    {"an error in between", "", {TEXT(0, "a")}, 1, {FAILURE, TEXT(0, "b"), FINISH(0), "[DONE]"}, ENDS,
     HARBORAI_E_VENDOR, 1, "stop"},
    {"an error behind the end", "", {TEXT(0, "a"), FINISH(0)}, 1, {FAILURE, "[DONE]"}, ENDS,
     HARBORAI_E_VENDOR, 1, "stop"},
    {"an error at once", "", {NULL}, 0, {FAILURE}, ENDS, HARBORAI_E_VENDOR, 0, "odd"},
    {"[DONE] at once", "", {NULL}, 0, {"[DONE]"}, ENDS, HARBORAI_E_PROTOCOL, 0, "odd"},
    {"nothing", "", {NULL}, 0, {NULL}, ENDS, HARBORAI_E_PROTOCOL, 0, "odd"},
};

static void say_events(struct vendor_side *side, const char *const *events)
{
    for (int i = 0; i < MOST_EVENTS && events[i] != NULL; i++)
        vendor_event(side, events[i]);
}

static void serve_row(struct vendor_side *side)
{
    const struct stream_row *row = side->vendor->context;
    if (vendor_request(side) == NULL)
        return;
    vendor_stream(side);
    say_events(side, row->before);
    vendor_wait_step(side, 1);
    say_events(side, row->after);
    if (row->end == ENDS)
        vendor_say(side, "0\r\n\r\n");
}

/* Nobody reads that an answer is complete before the vendor has said so and it is on record. */
static void check_end(struct asked *a, harborai_str json)
{
    if (memmem(json.data, json.len, "\"stop\"", 6) == NULL || strstr(a->context, "\"n\":2") != NULL)
        return;
    CU_ASSERT(atomic_load(&vendor.step) == 1);
    CU_ASSERT(stage_recorded(a->stage, "\"type\":\"end\"") == 1);
}

static void run_stream(const struct stream_row *row)
{
    struct asked a;
    open_all(serve_row, row);
    asked_init(&a, &stage, "lab/m", true);
    asked_body(&a, "{\"model\":\"lab/m\",\"stream\":true,%s\"messages\":[{\"role\":\"user\","
                   "\"content\":\"x\"}]}", row->more);
    a.context = (void *)(uintptr_t)row->more;
    a.on_chunk = check_end;
    asked_start(&a);
    ROW(row->name, stage_wait(&stage, &vendor.requests, 1));
    ROW(row->name, stage_wait(&stage, &a.chunks, row->chunks_before));
    stage_turn(&stage, 3);
    ROW(row->name, atomic_load(&a.chunks) == row->chunks_before && atomic_load(&a.ends) == 0);
    vendor_set_step(&vendor, 1);
    ROW(row->name, stage_wait(&stage, &a.ends, 1) && stage_settle(&stage));
    ROW(row->name, a.error.code == row->want && a.status == row->want);
    ROW(row->name, atomic_load(&a.chunks) == row->chunks && (int)a.chunks_said == row->chunks);
    ROW(row->name, !asked_has(&a, row->lacks));
    ROW(row->name, a.http_status == (row->want == HARBORAI_OK || row->chunks > 0 ? 200 : 502));
    asked_release(&a);
    close_all();
}

static void test_streams(void)
{
    for (size_t i = 0; i < ARRAY_LEN(stream_rows); i++)
        run_stream(&stream_rows[i]);
}

/* --- What is held back has a ceiling ------------------------------------------------------------- */

static void serve_too_much(struct vendor_side *side)
{
    char *text = calloc(1, KIB(128) + 1);
    memset(text, 'x', KIB(128));
    (void)vendor_request(side);
    vendor_stream(side);
    vendor_finish(side, "stop");
    while (vendor_text(side, text))
        ;
    free(text);
    vendor_wait_close(side);
}

/* It does not pause the vendor, though the front takes nothing; its own limit is 1 MiB. */
static void test_too_much(void)
{
    struct asked a;
    open_all(serve_too_much, NULL);
    asked_init(&a, &stage, "lab/m", true);
    a.is_slow = true;
    CU_ASSERT(asked_wait(&a) && stage_settle(&stage));
    CU_ASSERT(a.error.code == HARBORAI_E_PROTOCOL && a.http_status == 502);
    CU_ASSERT(strstr(a.error.message, "after the end") != NULL);
    CU_ASSERT(atomic_load(&a.chunks) == 0);
    asked_release(&a);
    close_all();
}

/* --- A stream that is longer than a call's memory ----------------------------------------------- */

/* Together more than LIMIT_CALL_ALLOC, each below what is kept until the end. */
enum { LONG_EVENTS = 132, LONG_EVENT = 520000 };

static const struct long_row {
    const char *name, *open, *middle, *close; /* between them the number, then the filling */
} long_rows[] = {
    {"events of several lines",
     "{\"id\":\"v\",\ndata: \"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}],\"usage\":{"
     "\"prompt_tokens\":1,\"completion_tokens\":", "},\"filling\":\"", "\"}"},
    {"usage in every event",
     "{\"id\":\"v\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}],\"usage\":{"
     "\"prompt_tokens\":1,\"completion_tokens\":", ",\"filling\":\"", "\"}}"},
};

static void serve_long(struct vendor_side *side)
{
    const struct long_row *row = side->vendor->context;
    char *event = calloc(1, LONG_EVENT + 1000);
    (void)vendor_request(side);
    vendor_stream(side);
    for (int i = 1; i <= LONG_EVENTS; i++) {
        int len = snprintf(event, 1000, "%s%d%s", row->open, i, row->middle);
        memset(event + len, 'f', LONG_EVENT);
        memcpy(event + len + LONG_EVENT, row->close, strlen(row->close) + 1);
        vendor_event(side, event);
    }
    free(event);
    vendor_finish(side, "stop");
    vendor_done(side);
    vendor_wait_close(side);
}

static void keep_last(struct asked *a, harborai_str json)
{
    if (memmem(json.data, json.len, "\"choices\":[]", 12) == NULL)
        buf_clear(&a->text);
}

static void test_long(void)
{
    for (size_t i = 0; i < ARRAY_LEN(long_rows); i++) {
        const struct long_row *row = &long_rows[i];
        struct asked a;
        open_all(serve_long, row);
        asked_init(&a, &stage, "lab/m", true);
        asked_body(&a, "{\"model\":\"lab/m\",\"stream\":true,\"stream_options\":{\"include_usage\":"
                       "true},\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}");
        a.on_chunk = keep_last;
        ROW(row->name, asked_wait(&a) && stage_settle(&stage));
        ROW(row->name, a.error.code == HARBORAI_OK && a.output_tokens == LONG_EVENTS);
        ROW(row->name, atomic_load(&a.chunks) == LONG_EVENTS + 2);
        ROW(row->name, asked_has(&a, "\"completion_tokens\":132"));
        asked_release(&a);
        close_all();
    }
}

/* --- Answers that are no stream -------------------------------------------------------------------- */

#define HEAD(status, type) "HTTP/1.1 " status " x\r\ncontent-type: " type "\r\nconnection: close\r\n"
#define WHOLE                                                                                      \
    "{\"id\":\"v\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m\",\"choices\":[{"    \
    "\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"hi\"},"                         \
    "\"finish_reason\":\"stop\"}],\"usage\":" VENDOR_USAGE "}"

static const struct whole_row {
    const char *name, *answer;
    bool stream;
    harborai_status want;
    int http_status;
    const char *says; /* the error */
    int64_t output_tokens;
} whole_rows[] = {
    {"whole", HEAD("200", "application/json") "\r\n" WHOLE, false, HARBORAI_OK, 200, "", 10},
    {"no type", "HTTP/1.1 200 x\r\nconnection: close\r\n\r\n" WHOLE, false, HARBORAI_OK, 200, "",
     10},
    {"half", HEAD("200", "application/json") "content-length: 500\r\n\r\n{\"id\":\"v\"", false,
     HARBORAI_E_NETWORK, 502, "in the middle of its answer", 0},
    {"half, without a length", HEAD("200", "application/json") "\r\n{\"id\":\"v\"", false,
     HARBORAI_E_PROTOCOL, 502, "lab", 0},
    {"half a head", "HTTP/1.1 200 x\r\ncontent-type: appl", false, HARBORAI_E_NETWORK, 502,
     "in the middle of its answer's head", 0},
    {"no HTTP", "SSH-2.0-x\r\n\r\n", false, HARBORAI_E_PROTOCOL, 502, "answer of 127.0.0.1", 0},
    {"HTML", HEAD("200", "text/html") "\r\n<html></html>", false, HARBORAI_E_PROTOCOL, 502,
     "lab", 0},
    {"no choices", HEAD("200", "application/json") "\r\n{}", false, HARBORAI_E_PROTOCOL, 502,
     "lab", 0},
    {"a stream that nobody asked for", HEAD("200", "text/event-stream") "\r\ndata: [DONE]\n\n", false,
     HARBORAI_E_PROTOCOL, 502, "lab", 0},
    {"one object for a stream", HEAD("200", "application/json") "\r\n" WHOLE, true,
     HARBORAI_E_PROTOCOL, 502, "where a stream was asked for", 10}, /* billed all the same */
    {"a finish_reason that is a failure", HEAD("200", "application/json") "\r\n"
     "\n\n{\"choices\":[{\"index\":0,\"message\":{\"content\":\"half\"},"
     "\"finish_reason\":\"insufficient_system_resource\"}],\"usage\":" VENDOR_USAGE "}", false,
     HARBORAI_E_VENDOR, 502, "insufficient_system_resource", 10},
    {"an error in a 200", HEAD("200", "application/json") "\r\n" FAILURE, false, HARBORAI_E_VENDOR,
     502, "odd", 0},
    {"404", HEAD("404", "application/json") "\r\n" FAILURE, true, HARBORAI_E_NOT_FOUND, 404,
     "odd", 0},
    {"429", HEAD("429", "application/json") "retry-after: 7\r\n\r\n" FAILURE, true,
     HARBORAI_E_RATE_LIMIT, 429, "odd", 0},
    {"500, HTML", HEAD("500", "text/html") "\r\n<html>", true, HARBORAI_E_VENDOR, 500, "", 0},
    {"400, cut", HEAD("400", "text/plain") "content-length: 50\r\n\r\nwhy", true, HARBORAI_E_INVALID,
     400, "", 0},
    {"401 is the operator's", HEAD("401", "application/json") "\r\n" FAILURE, true, HARBORAI_E_AUTH,
     502, "lab", 0},
    {"a redirect", HEAD("302", "text/html") "location: http://127.0.0.1:1/\r\n\r\n", true,
     HARBORAI_E_CONFIG, 500, "", 0},
};

static void serve_whole(struct vendor_side *side)
{
    const struct whole_row *row = side->vendor->context;
    if (vendor_request(side) != NULL)
        vendor_say(side, row->answer);
}

static void test_wholes(void)
{
    for (size_t i = 0; i < ARRAY_LEN(whole_rows); i++) {
        const struct whole_row *row = &whole_rows[i];
        struct asked a;
        open_all(serve_whole, row);
        asked_init(&a, &stage, "lab/m", row->stream);
        a.reads_journal = true;
        ROW(row->name, asked_wait(&a) && stage_settle(&stage));
        ROW(row->name, a.error.code == row->want && a.had_end_line);
        ROW(row->name, a.http_status == row->http_status);
        ROW(row->name, strstr(a.error.message, row->says) != NULL);
        ROW(row->name, strcmp(row->name, "429") != 0 || a.error.retry_after_ms == 7000);
        ROW(row->name, atomic_load(&a.chunks) == 0 && (a.answer.len > 0) == (row->want == 0));
        ROW(row->name, a.output_tokens == row->output_tokens);
        ROW(row->name, atomic_load(&vendor.requests) == 1);
        asked_release(&a);
        close_all();
    }
}

/* --- Usage ---------------------------------------------------------------------------------------- */

static const struct {
    const char *name, *model;
    bool stream;
    int64_t output_tokens;
} usage_rows[] = {
    {"of a stream", "lab/m", true, 10},
    {"of a whole answer", "lab/m", false, 10},
    {"said after finish()", "rogue/r-finish-twice", true, 9},
    {"said in on_release()", "rogue/r-release-talks", true, 9},
    {"said before an error", "rogue/r-error-after-emit", true, 1},
    {"said by a thread, the last one holds", "rogue/r-four-threads", true, 400},
};

/* It counts as long as the end is not on record, whoever says it. */
static void test_usage(void)
{
    open_all(NULL, NULL);
    for (size_t i = 0; i < ARRAY_LEN(usage_rows); i++) {
        struct asked a;
        asked_init(&a, &stage, usage_rows[i].model, usage_rows[i].stream);
        ROW(usage_rows[i].name, asked_wait(&a) && stage_settle(&stage));
        ROW(usage_rows[i].name, a.output_tokens == usage_rows[i].output_tokens);
        asked_release(&a);
    }
    close_all();
}

#define ONE_EVENT                                                                                  \
    "{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{"  \
    "\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]"

/* What the vendor sends as its usage, and how far the record trusts it. */
static const struct trust_row {
    const char *name, *usage, *want, *told; /* told: the event that is logged, "" = none */
} trust_rows[] = {
    {"adds up", ",\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":10,\"total_tokens\":15}",
     "\"parsing_method\":\"openai_direct\",\"confidence\":1,", ""},
    {"no total", ",\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":10}",
     "\"parsing_method\":\"openai_direct\",\"confidence\":0.8,", ""},
    {"another total", ",\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":10,\"total_tokens\":99}",
     "\"parsing_method\":\"openai_direct\",\"confidence\":0.9,",
     "usage.sum_differs provider='lab' plugin='org.harborai.openai' total=99 sum=15"},
    {"none", "",
     "\"parsing_method\":\"fallback_zero\",\"confidence\":0,"
     "\"parsing_error\":\"the answer has no usage\"",
     "usage.unread provider='lab' plugin='org.harborai.openai' error='the answer has no usage'"},
    {"not to be read", ",\"usage\":{\"credits\":4}",
     "\"parsing_method\":\"fallback_zero\",\"confidence\":0,"
     "\"parsing_error\":\"no usage in OpenAI's form\"",
     "usage.unread provider='lab' plugin='org.harborai.openai' error='no usage in OpenAI\\'s form'"},
};

static void serve_trust(struct vendor_side *side)
{
    const struct trust_row *row = side->vendor->context;
    char event[512];
    snprintf(event, sizeof event, ONE_EVENT "%s}", row->usage);
    while (vendor_request(side) != NULL)
        (void)(vendor_stream(side) && vendor_event(side, event) && vendor_done(side));
}

/* Each twice: the log has it once. */
static void test_trust(void)
{
    for (size_t i = 0; i < ARRAY_LEN(trust_rows); i++) {
        const struct trust_row *row = &trust_rows[i];
        open_all(serve_trust, row);
        for (int n = 0; n < 2; n++) {
            struct asked a;
            asked_init(&a, &stage, "lab/m", true);
            ROW(row->name, asked_wait(&a) && stage_settle(&stage) && a.error.code == 0);
            asked_release(&a);
        }
        ROW(row->name, stage_recorded(&stage, row->want) == 2);
        ROW(row->name, stage_logged(&stage, "usage.") == (row->told[0] != '\0'));
        ROW(row->name, row->told[0] == '\0' || stage_logged(&stage, row->told) == 1);
        close_all();
    }
}

const CU_TestInfo answer_tests[] = {{"streams", test_streams},
                                    {"too much is held back", test_too_much},
                                    {"longer than a call's memory", test_long},
                                    {"answers that are no stream", test_wholes},
                                    {"usage", test_usage},
                                    {"how far usage is trusted", test_trust},
                                    CU_TEST_INFO_NULL};
