/* SPDX-License-Identifier: MIT */
/* Calls of the library, which its caller may break off at any chunk. */
#include "client/client.h"

#include <string.h>

#include "../engine/stage.h"
#include "../unit.h"
#include "config/config.h"

extern const CU_TestInfo client_tests[];

static struct stage stage;

static struct client *open_client(void)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    struct client *client = NULL;
    stage_open(&stage);
    struct config *config = stage_config(&stage, "providers: { echo: {} }\n", &error);
    struct runtime_options options = {.log = &stage.log, .with_journal = true};
    CU_ASSERT_FATAL(config != NULL &&
                    client_open(config, &options, &client, &error) == HARBORAI_OK);
    return client;
}

static void close_client(struct client *client)
{
    client_close(client);
    stage_close(&stage);
}

/* Which chunk to break off at: the one that has this text in it. */
static bool goes_on(void *context, harborai_str chunk)
{
    const char *mark = context;
    return chunk.len == 0 || mark == NULL ||
           memmem(chunk.data, chunk.len, mark, strlen(mark)) == NULL;
}

static harborai_status ask(struct client *client, const char *mark)
{
    struct client_answer answer;
    AUTO(buf) body = BUF_INIT(KIB(4));
    buf_add(&body, HARBORAI_STR("{\"model\":\"echo\",\"stream\":true,\"messages\":"
                                "[{\"role\":\"user\",\"content\":\"one two three\"}]}"));
    client_call(client, &body, goes_on, (void *)(uintptr_t)mark, &answer);
    harborai_status code = answer.error.code;
    client_answer_release(&answer);
    return code;
}

/* Whenever it is broken off, nothing of a call is left to the next one. */
static void test_broken_off(void)
{
    static const struct {
        const char *name, *mark;
        harborai_status want;
    } rows[] = {
        {"not at all", NULL, HARBORAI_OK},
        {"at the first text", "one", HARBORAI_E_CANCELLED},
        {"when it has ended", "\"finish_reason\":\"stop\"", HARBORAI_OK},
    };
    struct client *client = open_client();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (int times = 0; times < 3; times++) {
            harborai_status got = ask(client, rows[i].mark);
            ROW(rows[i].name, got == rows[i].want ||
                                  /* its last pass may be the one that has all of it */
                                  (got == HARBORAI_OK && rows[i].want < 0));
            ROW(rows[i].name, ask(client, NULL) == HARBORAI_OK);
        }
    close_client(client);
}

/* As doc/journal.md says: nobody saw a status of HTTP. */
static void test_record(void)
{
    struct client *client = open_client();
    CU_ASSERT(ask(client, NULL) == HARBORAI_OK);
    CU_ASSERT(stage_has_line(&stage, "{\"type\":\"end\"", "\"client\":\"cli\""));
    CU_ASSERT(stage_has_line(&stage, "{\"type\":\"end\"", "\"status\":0,"));
    close_client(client);
}

const CU_TestInfo client_tests[] = {
    {"broken off", test_broken_off}, {"record", test_record}, CU_TEST_INFO_NULL};
