/* SPDX-License-Identifier: MIT */
/* Options of clients and calls, statistics, and what is refused before anything begins. */
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "client/client.h"
#include "json_value.h"
#include "support.h"

extern const CU_TestInfo options_tests[];

static struct stage stage;

static void test_call_options(void)
{
    static const struct {
        const char *name;
        harborai_call_options options;
        harborai_status want;
        const char *recorded; /* in the end line, or in the error's message */
    } rows[] = {
        {"none", {.size = sizeof rows[0].options}, HARBORAI_OK, "\"client\":\"me\""},
        {"no size", {.tags = "{}"}, HARBORAI_E_INVALID, "size"},
        {"tags", {.size = sizeof rows[0].options, .tags = " { \"team\" : \"a b\",\n\"n\": 1 } "},
         HARBORAI_OK, "\"tags\":{\"team\":\"a b\",\"n\":1}"},
        {"tags that are none", {.size = sizeof rows[0].options, .tags = "[1]"}, HARBORAI_E_INVALID,
         "object"},
        {"tags that are no JSON", {.size = sizeof rows[0].options, .tags = "{\"a\":}"},
         HARBORAI_E_INVALID, "at byte 5"},
        {"trace", {.size = sizeof rows[0].options,
                   .trace_parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
         HARBORAI_OK, "\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\""},
        {"trace that is none", {.size = sizeof rows[0].options, .trace_parent = "00-x"},
         HARBORAI_E_INVALID, "traceparent"},
        {"request id", {.size = sizeof rows[0].options, .request_id = "order-7"}, HARBORAI_OK,
         "\"request_id\":\"order-7\""},
        {"request id with a line end", {.size = sizeof rows[0].options, .request_id = "a\nb"},
         HARBORAI_E_INVALID, "request_id"},
        {"negative limit", {.size = sizeof rows[0].options, .timeout_ms = -1}, HARBORAI_E_INVALID,
         "timeout_ms"},
        {"provider by the model's name", {.size = sizeof rows[0].options, .provider = "echo"},
         HARBORAI_OK, "\"provider\":\"echo\""},
        {"the other provider", {.size = sizeof rows[0].options, .provider = "second"}, HARBORAI_OK,
         "\"provider\":\"second\""},
        {"a provider that is no text", {.size = sizeof rows[0].options, .provider = "\xff\xfe\n"},
         HARBORAI_E_INVALID, "the option provider"},
        {"a provider that is none", {.size = sizeof rows[0].options, .provider = "third"},
         HARBORAI_E_NOT_FOUND, "third"},
    };
    const harborai_client_options options = {.name = "me"};
    harborai_client *client = support_open(
        &stage, "providers: { echo: {}, second: { plugin: echo, models: [ other ] } }\n"
                "models: { echo: second/other }\n", &options);
    harborai_client_close(client);
    stage_close(&stage);
    client = support_open(&stage, "providers: { echo: {}, second: { plugin: echo, models: [echo2] } }\n"
                                  "models: { both: second/echo2 }\n", &options);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        harborai_error error = HARBORAI_ERROR_INIT;
        bool is_second = rows[i].options.provider != NULL &&
                         strcmp(rows[i].options.provider, "second") == 0;
        harborai_str body = is_second
                                ? HARBORAI_STR("{\"model\":\"both\",\"messages\":[{\"role\":\"user\","
                                               "\"content\":\"x\"}]}")
                                : ECHO_BODY;
        harborai_reply *reply = harborai_chat_with(client, body, &rows[i].options, &error);
        ROW(rows[i].name, error.code == rows[i].want && (reply != NULL) == (rows[i].want == 0));
        if (reply != NULL)
            ROW(rows[i].name, stage_has_line(&stage, harborai_reply_record_key(reply),
                                             rows[i].recorded));
        else
            ROW(rows[i].name, strstr(error.message, rows[i].recorded) != NULL);
        harborai_reply_free(reply);
    }
    support_close(&stage, client);
}

/* Of a call whose plugin is not loaded before the test says so. */
static void test_time_limit(void)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    const harborai_call_options options = {.size = sizeof options, .timeout_ms = 1};
    char yaml[128];
    int gate[2];
    CU_ASSERT_FATAL(pipe(gate) == 0);
    snprintf(yaml, sizeof yaml, "providers: { slow: { options: { gate: \"%d\" } } }\n", gate[0]);
    harborai_client *client = support_open(&stage, yaml, NULL);
    CU_ASSERT(harborai_chat_with(client, HARBORAI_STR("{\"model\":\"slow-model\",\"messages\":[{}]}"),
                                 &options, &error) == NULL);
    ROW(error.message, error.code == HARBORAI_E_TIMEOUT);
    CU_ASSERT(strstr(error.message, "within 1 ms: raise the call's time limit") != NULL);
    CU_ASSERT(write(gate[1], "x", 1) == 1);
    support_close(&stage, client);
    close(gate[0]);
    close(gate[1]);
}

/* --- Opening ------------------------------------------------------------------------------------ */

struct heard {
    int lines, faults, lost;
};

static void on_line(void *context, int level, harborai_str line)
{
    struct heard *heard = context;
    heard->lines++;
    heard->lost += memmem(line.data, line.len, "journal.lines_lost ", 19) != NULL;
    heard->faults += level == HARBORAI_LOG_ERROR && memmem(line.data, line.len, "config.fault", 12);
}

static void test_open(void)
{
    static const harborai_setting wrong = {"no.such.setting", "1"}, limit = {"timeouts.total", "x"};
    struct heard heard = {0, 0, 0};
    const struct {
        const char *name;
        harborai_client_options options;
        harborai_status want;
    } rows[] = {
        {"no size", {.name = "x"}, HARBORAI_E_INVALID},
        {"bad level", {.size = sizeof rows[0].options, .log_level = 9}, HARBORAI_E_INVALID},
        {"bad text", {.size = sizeof rows[0].options, .config_text = HARBORAI_STR_INIT("a: [")},
         HARBORAI_E_CONFIG},
        {"two faults", {.size = sizeof rows[0].options, .config_text = HARBORAI_STR_INIT("a: 1\nb: 2\n")},
         HARBORAI_E_CONFIG},
        {"no file", {.size = sizeof rows[0].options, .config_file = "/no/such"}, HARBORAI_E_CONFIG},
        {"bad setting", {.size = sizeof rows[0].options, .config_text = HARBORAI_STR_INIT("{}"),
                         .settings = &wrong, .setting_count = 1}, HARBORAI_E_CONFIG},
        {"bad value", {.size = sizeof rows[0].options, .config_text = HARBORAI_STR_INIT("{}"),
                       .settings = &limit, .setting_count = 1}, HARBORAI_E_CONFIG},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        harborai_error error = HARBORAI_ERROR_INIT;
        harborai_client_options options = rows[i].options;
        options.log = on_line;
        options.log_context = &heard;
        heard = (struct heard){0, 0, 0};
        ROW(rows[i].name, harborai_client_open(&options, &error) == NULL);
        ROW(rows[i].name, error.code == rows[i].want && error.message[0] != '\0');
        ROW(rows[i].name, rows[i].want != HARBORAI_E_CONFIG || heard.faults > 0);
        if (strcmp(rows[i].name, "two faults") == 0)
            ROW(rows[i].name, heard.faults == 2);
    }
}

/* Of a plugin's options, too, which the plugin is not run for. */
static void test_open_with_wrong_options(void)
{
    char text[512];
    struct heard heard = {0, 0, 0};
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_client_options options = {.size = sizeof options, .log = on_line, .log_context = &heard};
    stage_open(&stage);
    snprintf(text, sizeof text, "plugin_path: [\"%s/plugins\"]\nproviders:\n  lab: { plugin: openai,"
             " options: { efforts: high, colour: red } }\n", stage.directory);
    options.config_text = slice_of(text);
    CU_ASSERT(harborai_client_open(&options, &error) == NULL);
    CU_ASSERT(error.code == HARBORAI_E_CONFIG && heard.faults == 2);
    ROW(error.message, strstr(error.message, "3:46: 'providers.lab.options.efforts' must be a list, "
                                             "not 'high' (and 1 more)") != NULL);
    stage_close(&stage);
}

static void test_log(void)
{
    struct heard heard = {0, 0, 0};
    const harborai_client_options options = {.log = on_line, .log_context = &heard,
                                             .log_level = HARBORAI_LOG_INFO};
    harborai_client *client = support_open(&stage, "providers: { echo: {} }\n", &options);
    int before = heard.lines;
    harborai_reply_free(harborai_chat(client, ECHO_BODY, NULL));
    CU_ASSERT(harborai_client_close(client) == HARBORAI_OK);
    CU_ASSERT(heard.lines > before); /* plugin.loaded, from a thread of the library's */
    stage_close(&stage);
}

/* --- Statistics --------------------------------------------------------------------------------- */

static void test_stats(void)
{
    static const struct {
        const char *what, *has;
    } rows[] = {
        {"memory", "\"rss_mb\":"},
        {"memory", "\"initialization\":{\"time_ms\":"},
        {"concurrency", "\"completed_count\":1,\"failed_count\":1,\"cancelled_count\":0"},
        {"cost", "\"calls\":2,\"input_tokens\":0,\"output_tokens\":3,\"unpriced_calls\":1,\"costs\":{}"},
        {"health", "{\"name\":\"echo\",\"state\":\"loaded\"}"},
        {"health", "\"status\":\"ok\""},
    };
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_client *client = support_open(&stage, "providers: { echo: {} }\n", NULL);
    harborai_reply_free(harborai_chat(client, ECHO_BODY, NULL));
    CU_ASSERT(harborai_chat(client, HARBORAI_STR("{}"), NULL) == NULL);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *json = harborai_client_stats(client, rows[i].what, &error);
        ROW(rows[i].what, json != NULL && strstr(json, rows[i].has) != NULL);
        if (json != NULL && strstr(json, rows[i].has) == NULL)
            fprintf(stderr, "%s\n", json);
        harborai_free(json);
    }
    CU_ASSERT(harborai_client_stats(client, "weather", &error) == NULL);
    CU_ASSERT(error.code == HARBORAI_E_INVALID);
    support_close(&stage, client);
}

static bool is_healthy(harborai_client *client)
{
    char *json = harborai_client_stats(client, "health", NULL);
    bool is = json != NULL && strstr(json, "\"status\":\"ok\"") != NULL;
    harborai_free(json);
    return is;
}

static void limit_files(rlim_t most)
{
    const struct rlimit limit = {most, RLIM_INFINITY};
    signal(SIGXFSZ, SIG_IGN);
    CU_ASSERT_FATAL(setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

/* A record that the disk does not take is told of: while it waits, and when it is lost. */
static void test_full_disk(void)
{
    for (int is_lost = 0; is_lost < 2; is_lost++) {
        struct heard heard = {0, 0, 0};
        const harborai_handlers handlers = {.size = sizeof handlers};
        const harborai_client_options options = {.log = on_line, .log_context = &heard};
        harborai_client *client = support_open(&stage, "providers: { echo: {} }\n", &options);
        CU_ASSERT(is_healthy(client));
        limit_files(0);
        CU_ASSERT(harborai_chat_start(client, ECHO_BODY, &handlers, NULL) != 0);
        for (int i = 0; i < 500 && is_healthy(client); i++)
            CU_ASSERT(harborai_client_dispatch(client, 20, NULL) == 0);
        CU_ASSERT(!is_healthy(client));
        if (!is_lost) {
            limit_files(RLIM_INFINITY);
            while (harborai_client_dispatch(client, 10000, NULL) == 0)
                ;
            CU_ASSERT(is_healthy(client));
        }
        CU_ASSERT(harborai_client_close(client) == (is_lost ? HARBORAI_E_INTERNAL : HARBORAI_OK));
        limit_files(RLIM_INFINITY);
        CU_ASSERT(heard.lost == is_lost);
        stage_close(&stage);
    }
}

/* A number of the statistics, without what follows its point; -1: there is none. */
static int64_t whole_of(harborai_client *client, const char *what, const char *pointer)
{
    int64_t whole = -1;
    char *json = harborai_client_stats(client, what, NULL);
    harborai_str number = json_pointer_find(slice_of(json), slice_of(pointer)), rest;
    (void)slice_split(number, '.', &number, &rest);
    (void)json_int64(number, &whole);
    harborai_free(json);
    return whole;
}

static void test_stats_of_old_clients(void)
{
    static const struct {
        const char *name;
        int64_t up_s;
    } rows[] = {
        {"a second", 1}, {"an hour", 3600}, {"three hours", 10800},
        {"ten years", INT64_C(315360000)},
    };
    harborai_client *client = support_open(&stage, "providers: { echo: {} }\n", NULL);
    harborai_reply_free(harborai_chat(client, ECHO_BODY, NULL));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        client->opened_ns = clock_monotonic_ns(&clock_system) - rows[i].up_s * NS_PER_S;
        int64_t up_ms = whole_of(client, "concurrency", "/performance/uptime_ms");
        ROW(rows[i].name, up_ms >= rows[i].up_s * 1000 && up_ms < (rows[i].up_s + 60) * 1000);
    }
    client->opened_ns = clock_monotonic_ns(&clock_system) - 9000 * NS_PER_S;
    char *json = harborai_client_stats(client, "concurrency", NULL);
    CU_ASSERT(strstr(json, "\"throughput\":0.000111,") != NULL);
    harborai_free(json);
    support_close(&stage, client);
}

/* Such as a machine's that makes one large map and uses little of it. */
static void test_stats_of_large_processes(void)
{
    const size_t len = (size_t)100 << 30;
    harborai_client *client = support_open(&stage, "providers: { echo: {} }\n", NULL);
    void *map = mmap(NULL, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map != MAP_FAILED) {
        CU_ASSERT(whole_of(client, "memory", "/system_memory/vms_mb") > 100 << 10);
        CU_ASSERT(whole_of(client, "memory", "/system_memory/rss_mb") < 100 << 10);
        munmap(map, len);
    }
    support_close(&stage, client);
}

/* One check at the end of a chain is enough. */
static void test_chain(void)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    const harborai_client_options options = {.size = sizeof options, .config_file = "/no/such"};
    harborai_client *client = harborai_client_open(&options, &error);
    harborai_reply *reply = harborai_chat(client, ECHO_BODY, &error);
    CU_ASSERT(reply == NULL && error.code == HARBORAI_E_CONFIG);
    CU_ASSERT_STRING_EQUAL(harborai_reply_text(reply), "");
    harborai_chunk chunk;
    harborai_stream *stream = harborai_chat_stream(client, ECHO_BODY, &error);
    CU_ASSERT(!harborai_stream_next(stream, &chunk, &error) && error.code == HARBORAI_E_CONFIG);
    harborai_stream_close(stream);
    harborai_reply_free(reply);
    CU_ASSERT(harborai_client_close(client) == HARBORAI_OK);
    error = (harborai_error)HARBORAI_ERROR_INIT;
    CU_ASSERT(harborai_chat(NULL, ECHO_BODY, &error) == NULL && error.code == HARBORAI_E_INVALID);
}

/* What can be told before a call is made. */
static void test_check(void)
{
    static const struct {
        const char *name, *model, *provider;
        harborai_status want;
        const char *says;
    } rows[] = {
        {"a model", "echo", NULL, HARBORAI_OK, ""},
        {"a model of a provider", "other", "second", HARBORAI_OK, ""},
        {"by its whole name", "second/other", "second", HARBORAI_OK, ""},
        {"a provider alone", NULL, "second", HARBORAI_OK, ""},
        {"no such model", "nope", NULL, HARBORAI_E_NOT_FOUND, "the model 'nope' does not exist"},
        {"a model of another", "other", "echo", HARBORAI_E_NOT_FOUND, "'echo/other' does not exist"},
        {"no such provider", NULL, "third", HARBORAI_E_NOT_FOUND, "there is no provider 'third'"},
        {"the provider first", "echo", "third", HARBORAI_E_NOT_FOUND, "there is no provider 'third'"},
        {"neither", NULL, NULL, HARBORAI_E_INVALID, "neither a model nor a provider"},
    };
    harborai_client *client = support_open(&stage, "providers: { echo: {}, second: { plugin: echo, "
                                                   "models: [other] } }\n", NULL);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        harborai_error error = HARBORAI_ERROR_INIT;
        harborai_status st = harborai_client_check(client, rows[i].model, rows[i].provider, &error);
        ROW(rows[i].name, st == rows[i].want && error.code == rows[i].want);
        ROW(rows[i].name, strstr(error.message, rows[i].says) != NULL);
    }
    support_close(&stage, client);
}

const CU_TestInfo options_tests[] = {
    {"call options", test_call_options}, {"time limit", test_time_limit}, {"open", test_open},
    {"open with wrong options", test_open_with_wrong_options},
    {"log", test_log}, {"stats", test_stats}, {"stats, old", test_stats_of_old_clients},
    {"stats, large", test_stats_of_large_processes}, {"full disk", test_full_disk},
    {"chain", test_chain}, {"check", test_check},
    CU_TEST_INFO_NULL};
