/* SPDX-License-Identifier: MIT */
/* Calls of the library in its three ways, on one thread. */
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

extern const CU_TestInfo client_tests[];

static struct stage stage;

static harborai_client *open_echo(void)
{
    return support_open(&stage, "providers: { echo: {} }\n", NULL);
}

/* --- Whole -------------------------------------------------------------------------------------- */

static void test_whole(void)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_client *client = open_echo();
    harborai_reply *reply = harborai_chat(client, ECHO_BODY, &error);
    CU_ASSERT_FATAL(reply != NULL);
    CU_ASSERT_STRING_EQUAL(harborai_reply_text(reply), "one two three");
    CU_ASSERT_STRING_EQUAL(harborai_reply_reasoning(reply), "");
    CU_ASSERT_STRING_EQUAL(harborai_reply_finish_reason(reply), "stop");
    CU_ASSERT_STRING_EQUAL(harborai_reply_provider(reply), "echo");
    CU_ASSERT_STRING_EQUAL(harborai_reply_model(reply), "echo");
    CU_ASSERT(strncmp(harborai_reply_id(reply), "hb_", 3) == 0);
    CU_ASSERT(strncmp(harborai_reply_completion_id(reply), "chatcmpl-", 9) == 0);
    CU_ASSERT(strlen(harborai_reply_record_key(reply)) == 36);
    CU_ASSERT(strlen(harborai_reply_trace_id(reply)) == 32);
    CU_ASSERT(harborai_reply_usage(reply)->count[HARBORAI_TOKENS_OUTPUT] == 3);
    CU_ASSERT(harborai_reply_tokens_out(reply) == 3);
    CU_ASSERT_STRING_EQUAL(harborai_reply_cost(reply), "");
    CU_ASSERT_STRING_EQUAL(harborai_reply_cost_reason(reply), "no_price");
    CU_ASSERT_STRING_EQUAL(harborai_reply_changed(reply), "");
    CU_ASSERT(harborai_reply_total_ns(reply) > 0);
    CU_ASSERT(harborai_reply_json(reply).len > 0);
    CU_ASSERT(stage_has_line(&stage, harborai_reply_record_key(reply), "\"client\":\"library\""));
    CU_ASSERT(stage_has_line(&stage, "{\"type\":\"end\"", "\"status\":0,"));
    harborai_reply_free(reply);
    support_close(&stage, client);
}

/* --- Piece by piece ----------------------------------------------------------------------------- */

/* Reads `most` pieces; how the stream ended, 1 if it was not read to its end. */
static harborai_status read_stream(harborai_client *client, int most)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    char text[64] = "";
    harborai_stream *stream = harborai_chat_stream(client, ECHO_BODY, &error);
    bool goes_on = true;
    for (harborai_chunk chunk; most > 0 && goes_on; most--) {
        goes_on = harborai_stream_next(stream, &chunk, &error);
        if (goes_on)
            strncat(text, chunk.text.data != NULL ? chunk.text.data : "", chunk.text.len);
    }
    if (!goes_on && error.code == HARBORAI_OK) {
        CU_ASSERT_STRING_EQUAL(text, "one two three");
        CU_ASSERT_STRING_EQUAL(harborai_reply_finish_reason(harborai_stream_reply(stream)), "stop");
        CU_ASSERT(harborai_reply_tokens_out(harborai_stream_reply(stream)) == 3);
        CU_ASSERT(strncmp(harborai_reply_completion_id(harborai_stream_reply(stream)), "chatcmpl-",
                          9) == 0);
    }
    harborai_stream_close(stream);
    return goes_on ? 1 : error.code;
}

/* Whenever it is broken off, nothing of a call is left to the next one. */
static void test_stream(void)
{
    harborai_client *client = open_echo();
    for (int most = 0; most < 5; most++) {
        CU_ASSERT(read_stream(client, most) == 1);
        CU_ASSERT(read_stream(client, 100) == HARBORAI_OK);
    }
    CU_ASSERT(stage_has_line(&stage, "{\"type\":\"end\"", "\"outcome\":\"cancelled\""));
    support_close(&stage, client);
}

static void test_interrupt(void)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_chunk chunk;
    harborai_client *client = open_echo();
    harborai_stream *stream = harborai_chat_stream(client, ECHO_BODY, &error);
    harborai_client_interrupt(client);
    CU_ASSERT(!harborai_stream_next(stream, &chunk, &error));
    CU_ASSERT(error.code == HARBORAI_E_CANCELLED);
    CU_ASSERT(!harborai_stream_next(stream, &chunk, &error));
    CU_ASSERT(error.code == HARBORAI_E_CANCELLED);
    CU_ASSERT(strlen(harborai_reply_record_key(harborai_stream_reply(stream))) == 36);
    harborai_stream_close(stream);
    CU_ASSERT(read_stream(client, 100) == HARBORAI_OK); /* what begins later is not meant */
    support_close(&stage, client);
}

/* Of an answer that has come whole: reads `most` pieces, then there is an interruption. */
static harborai_status interrupt_after(harborai_client *client, int most, int *ret_read)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_chunk chunk;
    harborai_stream *stream = harborai_chat_stream(client, ECHO_BODY, &error);
    while (harborai_stream_reply(stream) == NULL) /* whole calls drive the loop meanwhile */
        harborai_reply_free(harborai_chat(client, ECHO_BODY, &error));
    *ret_read = 0;
    while (*ret_read < most && harborai_stream_next(stream, &chunk, &error))
        ++*ret_read;
    harborai_client_interrupt(client);
    CU_ASSERT(!harborai_stream_next(stream, &chunk, &error));
    harborai_status st = error.code;
    CU_ASSERT(!harborai_stream_next(stream, &chunk, &error) && error.code == st);
    harborai_stream_close(stream);
    return st;
}

/* What was not read is not read any more. */
static void test_interrupt_late(void)
{
    harborai_client *client = open_echo();
    int all, read;
    CU_ASSERT(interrupt_after(client, 100, &all) == HARBORAI_OK && all > 3);
    for (int most = 0; most <= all; most++)
        CU_ASSERT(interrupt_after(client, most, &read) ==
                  (most < all ? HARBORAI_E_CANCELLED : HARBORAI_OK));
    support_close(&stage, client);
}

/* --- With handlers ------------------------------------------------------------------------------ */

struct heard {
    harborai_client *client;
    char text[64];
    int chunks, dones, again; /* again: calls to start from inside a handler */
    harborai_status status, refused;
    bool cancels;
    harborai_handlers handlers;
};

static void on_chunk(void *context, harborai_call_id id, const harborai_chunk *chunk)
{
    struct heard *heard = context;
    heard->chunks++;
    if (chunk->text.len > 0)
        strncat(heard->text, chunk->text.data, chunk->text.len);
    if (heard->cancels)
        harborai_call_cancel(heard->client, id);
}

static void on_done(void *context, harborai_call_id id, const harborai_reply *reply,
                    const harborai_error *error)
{
    struct heard *heard = context;
    harborai_error refused = HARBORAI_ERROR_INIT;
    CU_ASSERT(id != 0 && reply != NULL);
    heard->dones++;
    heard->status = error != NULL ? error->code : HARBORAI_OK;
    if (heard->handlers.on_chunk == NULL)
        snprintf(heard->text, sizeof heard->text, "%s", harborai_reply_text(reply));
    CU_ASSERT(harborai_chat(heard->client, ECHO_BODY, &refused) == NULL);
    heard->refused = refused.code;
    if (heard->again-- > 0)
        CU_ASSERT(harborai_chat_start(heard->client, ECHO_BODY, &heard->handlers, NULL) != 0);
}

static void hear(struct heard *heard, harborai_client *client, bool streams)
{
    *heard = (struct heard){.client = client, .handlers = {sizeof(harborai_handlers), NULL, on_done,
                                                           heard}};
    if (streams)
        heard->handlers.on_chunk = on_chunk;
}

static void test_handlers(void)
{
    harborai_client *client = open_echo();
    for (int streams = 0; streams < 2; streams++) {
        struct heard heard;
        hear(&heard, client, streams);
        heard.again = 1;
        CU_ASSERT(harborai_chat_start(client, ECHO_BODY, &heard.handlers, NULL) != 0);
        while (heard.dones < 2)
            CU_ASSERT_FATAL(harborai_client_dispatch(client, 10000, NULL) > 0);
        CU_ASSERT(heard.status == HARBORAI_OK && heard.refused == HARBORAI_E_INVALID);
        CU_ASSERT_STRING_EQUAL(heard.text,
                               streams ? "one two threeone two three" : "one two three");
    }
    CU_ASSERT(harborai_client_dispatch(client, 0, NULL) == 0);
    support_close(&stage, client);
}

static void test_poll(void)
{
    harborai_client *client = open_echo();
    struct heard heard;
    struct pollfd fd = {.fd = harborai_client_fd(client, NULL), .events = POLLIN};
    CU_ASSERT_FATAL(fd.fd >= 0);
    while (poll(&fd, 1, 0) > 0) /* what opening left to do */
        CU_ASSERT_FATAL(harborai_client_dispatch(client, 0, NULL) == 0);
    hear(&heard, client, true);
    CU_ASSERT(harborai_chat_start(client, ECHO_BODY, &heard.handlers, NULL) != 0);
    while (heard.dones < 1 && poll(&fd, 1, 10000) == 1)
        CU_ASSERT_FATAL(harborai_client_dispatch(client, 0, NULL) >= 0);
    CU_ASSERT(heard.dones == 1);
    CU_ASSERT(harborai_client_fd(client, NULL) == fd.fd);
    support_close(&stage, client);
}

/* A call with handlers that ends while a thread waits for another: its handlers wait for dispatch. */
static void test_mixed(void)
{
    harborai_client *client = open_echo();
    struct heard heard;
    struct pollfd fd = {.fd = harborai_client_fd(client, NULL), .events = POLLIN};
    hear(&heard, client, false);
    CU_ASSERT(harborai_chat_start(client, ECHO_BODY, &heard.handlers, NULL) != 0);
    for (int i = 0; i < 3; i++)
        harborai_reply_free(harborai_chat(client, ECHO_BODY, NULL));
    CU_ASSERT(heard.dones == 0);
    CU_ASSERT(poll(&fd, 1, 10000) == 1);
    while (heard.dones == 0)
        CU_ASSERT_FATAL(harborai_client_dispatch(client, 10000, NULL) > 0);
    support_close(&stage, client);
}

static void test_cancel(void)
{
    harborai_client *client = open_echo();
    struct heard heard;
    hear(&heard, client, true);
    heard.cancels = true;
    harborai_call_id id = harborai_chat_start(client, ECHO_BODY, &heard.handlers, NULL);
    while (heard.dones < 1)
        CU_ASSERT_FATAL(harborai_client_dispatch(client, 10000, NULL) > 0);
    CU_ASSERT(heard.status == HARBORAI_E_CANCELLED || heard.status == HARBORAI_OK);
    harborai_call_cancel(client, id); /* it is over */
    harborai_call_cancel(client, 0);
    hear(&heard, client, false);
    id = harborai_chat_start(client, ECHO_BODY, &heard.handlers, NULL);
    harborai_call_cancel(client, id);
    while (heard.dones < 1)
        CU_ASSERT_FATAL(harborai_client_dispatch(client, 10000, NULL) > 0);
    CU_ASSERT(heard.status == HARBORAI_E_CANCELLED);
    support_close(&stage, client);
}

/* --- The end ------------------------------------------------------------------------------------ */

static void test_close(void)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_client *client = open_echo();
    harborai_chunk chunk;
    struct heard heard;
    hear(&heard, client, true);
    CU_ASSERT(harborai_chat_start(client, ECHO_BODY, &heard.handlers, NULL) != 0);
    harborai_stream *stream = harborai_chat_stream(client, ECHO_BODY, &error);
    CU_ASSERT(harborai_client_close(client) == HARBORAI_OK);
    CU_ASSERT(heard.dones == 1 && heard.status == HARBORAI_E_CANCELLED);
    CU_ASSERT(!harborai_stream_next(stream, &chunk, &error));
    CU_ASSERT(error.code == HARBORAI_E_CANCELLED);
    CU_ASSERT(stage_recorded(&stage, "\"outcome\":\"cancelled\"") == 2);
    harborai_stream_close(stream);
    stage_close(&stage);
}

static void test_thread(void)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_client *client = open_echo();
    CU_ASSERT(harborai_client_run_thread(client, &error) == HARBORAI_OK);
    CU_ASSERT(harborai_client_run_thread(client, &error) == HARBORAI_OK);
    CU_ASSERT(harborai_client_dispatch(client, 0, &error) == HARBORAI_E_INVALID);
    CU_ASSERT(harborai_client_fd(client, &error) == HARBORAI_E_INVALID);
    CU_ASSERT(read_stream(client, 100) == HARBORAI_OK);
    harborai_reply *reply = harborai_chat(client, ECHO_BODY, &error);
    CU_ASSERT_STRING_EQUAL(harborai_reply_text(reply), "one two three");
    harborai_reply_free(reply);
    support_close(&stage, client);
}

/* In a child everything is refused, nothing hangs, and the parent is not woken. */
static void test_fork(void)
{
    harborai_client *client = open_echo();
    struct pollfd fd = {.fd = harborai_client_fd(client, NULL), .events = POLLIN};
    while (poll(&fd, 1, 0) > 0)
        CU_ASSERT_FATAL(harborai_client_dispatch(client, 0, NULL) == 0);
    pid_t interrupting = fork();
    if (interrupting == 0) {
        harborai_client_interrupt(client);
        _exit(0);
    }
    CU_ASSERT(waitpid(interrupting, NULL, 0) == interrupting && poll(&fd, 1, 0) == 0);
    harborai_stream *stream = harborai_chat_stream(client, ECHO_BODY, NULL);
    pid_t child = fork();
    if (child == 0) {
        harborai_error error = HARBORAI_ERROR_INIT;
        harborai_chunk chunk;
        bool refused = harborai_chat(client, ECHO_BODY, &error) == NULL &&
                       error.code == HARBORAI_E_INVALID &&
                       !harborai_stream_next(stream, &chunk, &error) &&
                       harborai_client_stats(client, "cost", &error) == NULL &&
                       harborai_client_close(client) == HARBORAI_E_INVALID;
        harborai_stream_close(stream);
        _exit(refused ? 0 : 1);
    }
    int status = -1;
    CU_ASSERT(waitpid(child, &status, 0) == child && status == 0);
    harborai_stream_close(stream);
    support_close(&stage, client);
}

const CU_TestInfo client_tests[] = {
    {"whole", test_whole},       {"stream", test_stream}, {"interrupt", test_interrupt},
    {"interrupt, late", test_interrupt_late},
    {"handlers", test_handlers}, {"poll", test_poll},     {"mixed", test_mixed},
    {"cancel", test_cancel},     {"close", test_close},   {"thread", test_thread},
    {"fork", test_fork},         CU_TEST_INFO_NULL};
