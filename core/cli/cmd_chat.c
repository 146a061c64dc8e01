/* SPDX-License-Identifier: MIT */
/* harborai chat: one question, one answer. The answer goes to stdout, all else to stderr. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/limits.h"
#include "cli/command.h"
#include "cli/setup.h"
#include "client/client.h"
#include "json_value.h"
#include "runtime/runtime.h"
#include "wire/json_write.h"

static const struct option_spec options[] = {
    {"model", 'm', "MODEL", "which model answers (default: the setting default_model)"},
    {"system", 's', "TEXT", "what the model is told first"},
    {"stream", 0, NULL, "print the answer as it comes (default on a terminal)"},
    {"no-stream", 0, NULL, "print the answer when it is complete"},
    {"json", 0, NULL, "print the answer's JSON; of a stream, one chunk a line"},
    {"config", 'c', "FILE", "the configuration file"},
    {"state-dir", 0, "DIR", "where the journal is kept"},
    {NULL, 0, NULL, NULL},
};

/* Set by Ctrl-C; the wait for an answer ends and the call is broken off in good order. That takes
 * the loop, which a plugin may never return to: so the second one ends the process itself. */
static volatile sig_atomic_t was_interrupted;

static void on_interrupt(int signal_number UNUSED)
{
    was_interrupted = 1;
}

static void catch_interrupt(void)
{
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};
    sigaction(SIGINT, &action, NULL);
}

/* --- What is asked --------------------------------------------------------------------------- */

static bool read_all(int fd, struct buf *text)
{
    char why[128];
    for (;;) {
        char *room = buf_reserve(text, KIB(16));
        ssize_t got = room != NULL ? read(fd, room, KIB(16)) : -1;
        if (got == 0)
            return true;
        if (got > 0) {
            buf_commit(text, (size_t)got);
        } else if (room == NULL || errno != EINTR) {
            command_complain("cannot read standard input: %s",
                     room == NULL ? "it is too large" : error_of_errno(errno, why));
            return false;
        }
    }
}

static bool read_question(const struct arguments *arguments, struct buf *text)
{
    if (arguments->rest_count == 0 && isatty(STDIN_FILENO)) {
        command_complain("what is the question? give it as TEXT, or - to read standard input");
        return false;
    }
    if (arguments->rest_count == 0 || strcmp(arguments->rest[0], "-") == 0)
        return read_all(STDIN_FILENO, text);
    for (int i = 0; i < arguments->rest_count; i++) {
        if (i > 0)
            buf_add_char(text, ' ');
        buf_add(text, slice_of(arguments->rest[i]));
    }
    return true;
}

static void write_message(struct json_writer *w, const char *role, harborai_str content)
{
    json_write_object(w);
    json_write_key_string(w, "role", slice_of(role));
    json_write_key_string(w, "content", content);
    json_write_end(w);
}

static void write_body(struct buf *body, harborai_str model, const char *system,
                       harborai_str question, bool streams)
{
    struct json_writer w = JSON_WRITER(body);
    json_write_object(&w);
    json_write_key_string(&w, "model", model);
    json_write_key(&w, HARBORAI_STR("messages"));
    json_write_array(&w);
    if (system != NULL)
        write_message(&w, "system", slice_of(system));
    write_message(&w, "user", question);
    json_write_end(&w);
    if (streams) {
        json_write_key(&w, HARBORAI_STR("stream"));
        json_write_bool(&w, true);
    }
    json_write_end(&w);
}

/* --- What is answered ------------------------------------------------------------------------ */

struct printing {
    bool json, any;
    struct buf text; /* scratch */
};

/* The string that a JSON Pointer names, as text; nothing if it is not there. */
static harborai_str text_at(struct printing *p, harborai_str json, const char *pointer)
{
    harborai_str value = json_pointer_find(json, slice_of(pointer)), text = SLICE_NONE;
    buf_clear(&p->text);
    char *room = buf_reserve(&p->text, value.len + 1);
    if (value.len == 0 || room == NULL || json_string(value, room, value.len, &text) < 0)
        return SLICE_NONE;
    return text;
}

static void print_text(struct printing *p, harborai_str text)
{
    if (text.len == 0)
        return;
    p->any = true;
    fwrite(text.data, 1, text.len, stdout);
}

static bool on_chunk(void *context, harborai_str chunk)
{
    struct printing *p = context;
    if (chunk.len > 0 && p->json)
        printf("%.*s\n", SLICE_ARG(chunk));
    else if (chunk.len > 0)
        print_text(p, text_at(p, chunk, "/choices/0/delta/content"));
    if (chunk.len > 0)
        fflush(stdout);
    return !was_interrupted;
}

static enum exit_code print_end(struct printing *p, const struct client_answer *answer)
{
    harborai_str json = buf_slice(&answer->json);
    if (json.len > 0 && p->json)
        printf("%.*s\n", SLICE_ARG(json));
    else if (json.len > 0)
        print_text(p, text_at(p, json, "/choices/0/message/content"));
    if (p->any)
        putchar('\n');
    enum exit_code printed = command_finish();
    if (answer->error.code != HARBORAI_OK)
        return was_interrupted ? EXIT_INTERRUPTED : command_fail(&answer->error);
    if (answer->summary.len > 0 && isatty(STDERR_FILENO))
        fprintf(stderr, "(%.*s)\n", SLICE_ARG(buf_slice(&answer->summary)));
    return printed;
}

static enum exit_code ask(struct client *client, struct buf *body, bool json)
{
    struct printing printing = {.json = json, .text = BUF_INIT(LIMIT_RESPONSE_BODY)};
    struct client_answer answer;
    catch_interrupt();
    client_call(client, body, on_chunk, &printing, &answer);
    enum exit_code code = print_end(&printing, &answer);
    client_answer_release(&answer);
    buf_release(&printing.text);
    return code;
}

static enum exit_code run_with(const struct arguments *arguments, struct config *config,
                               struct buf *question)
{
    const struct command *me = &command_chat;
    bool streams = command_argument(me, arguments, "stream") != NULL ||
                   (command_argument(me, arguments, "no-stream") == NULL && isatty(STDOUT_FILENO));
    AUTO(buf) body = BUF_INIT(LIMIT_REQUEST_BODY);
    harborai_error error = HARBORAI_ERROR_INIT;
    struct client *client;
    struct log log;

    if (config->default_model.len == 0) {
        command_complain("which model? give -m MODEL or set default_model; 'harborai list-models' shows "
                 "what there is");
        config_destroy(config);
        return EXIT_USAGE;
    }
    write_body(&body, config->default_model, command_argument(me, arguments, "system"),
               buf_slice(question), streams);
    setup_quiet_log(&log, config);
    struct runtime_options with = {.log = &log, .with_journal = true,
                                   .system_plugin_dir = PLUGINDIR};
    if (client_open(config, &with, &client, &error) < 0) {
        config_destroy(config);
        return command_fail(&error);
    }
    enum exit_code code = ask(client, &body, command_argument(me, arguments, "json") != NULL);
    bool holds_on = runtime_stop(client_runtime(client)) > 0;
    client_close(client);
    if (holds_on) /* its threads may still reach everything, the log of this frame too */
        _exit((int)code);
    return code;
}

static enum exit_code run(const struct arguments *arguments)
{
    AUTO(buf) question = BUF_INIT(LIMIT_REQUEST_BODY / 2);
    struct config *config = setup_config(&command_chat, arguments);
    if (config == NULL)
        return EXIT_CONFIG;
    if (!read_question(arguments, &question)) {
        config_destroy(config);
        return EXIT_USAGE;
    }
    return run_with(arguments, config, &question);
}

const struct command command_chat = {
    .name = "chat",
    .summary = "Ask a model and print its answer",
    .rest = "[TEXT | -]",
    .more = "Without TEXT, or with -, the question is read from standard input.",
    .options = options,
    .run = run,
};
