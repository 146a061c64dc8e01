/* SPDX-License-Identifier: MIT */
/* harborai chat: one question, one answer. The answer goes to stdout, all else to stderr. */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <harborai/harborai.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/limits.h"
#include "cli/command.h"
#include "cli/setup.h"
#include "wire/json_write.h"

static const struct option_spec options[] = {
    {"model", 'm', "MODEL", "which model answers (default: the setting default_model)"},
    {"system", 's', "TEXT", "what the model is told first"},
    {"stream", 0, NULL, "print the answer as it comes (default on a terminal)"},
    {"no-stream", 0, NULL, "print the answer when it is complete"},
    {"json", 0, NULL, "print the answer's JSON; of a stream, one chunk a line"},
    {"state-dir", 0, "DIR", "where the journal is kept"},
    {NULL, 0, NULL, NULL},
};

/* Set by Ctrl-C, which breaks the call off in good order. That takes the loop, which a plugin may
 * never return to: so the second one ends the process itself. */
static volatile sig_atomic_t was_interrupted;
static _Atomic(harborai_client *) asking;

static void on_interrupt(int signal_number UNUSED)
{
    was_interrupted = 1;
    harborai_client_interrupt(asking);
}

static void catch_interrupt(harborai_client *client)
{
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};
    asking = client;
    sigaction(SIGINT, &action, NULL);
}

static void forget_interrupt(void)
{
    asking = NULL;
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
                       harborai_str question)
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
    json_write_end(&w);
}

/* --- What is answered ------------------------------------------------------------------------ */

/* Of the library's log; it has no line end. */
static void print_line(void *context UNUSED, int level UNUSED, harborai_str line)
{
    fprintf(stderr, "%.*s\n", SLICE_ARG(line));
}

static bool print_text(harborai_str text)
{
    if (text.len > 0)
        fwrite(text.data, 1, text.len, stdout);
    return text.len > 0;
}

static void print_summary(const harborai_reply *reply)
{
    if (harborai_reply_provider(reply)[0] == '\0' || !isatty(STDERR_FILENO))
        return;
    fprintf(stderr, "(%s/%s", harborai_reply_provider(reply), harborai_reply_model(reply));
    if (harborai_reply_tokens_in(reply) >= 0)
        fprintf(stderr, ", %lld + %lld tokens", (long long)harborai_reply_tokens_in(reply),
                (long long)harborai_reply_tokens_out(reply));
    if (harborai_reply_cost(reply)[0] != '\0')
        fprintf(stderr, ", %s %s", harborai_reply_cost(reply), harborai_reply_currency(reply));
    fprintf(stderr, ")\n");
}

static enum exit_code print_end(const harborai_reply *reply, const harborai_error *error)
{
    enum exit_code printed = command_finish();
    if (error->code < 0)
        return was_interrupted ? EXIT_INTERRUPTED : command_fail(error);
    print_summary(reply);
    return printed;
}

static enum exit_code ask_whole(harborai_client *client, harborai_str body, bool json)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_reply *reply = harborai_chat(client, body, &error);
    if (reply != NULL && json)
        printf("%.*s\n", SLICE_ARG(harborai_reply_json(reply)));
    else if (print_text(slice_of(harborai_reply_text(reply))))
        putchar('\n');
    enum exit_code code = print_end(reply, &error);
    harborai_reply_free(reply);
    return code;
}

static enum exit_code ask_stream(harborai_client *client, harborai_str body, bool json)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_stream *stream = harborai_chat_stream(client, body, &error);
    bool any = false;
    for (harborai_chunk chunk; harborai_stream_next(stream, &chunk, &error);) {
        if (json)
            printf("%.*s\n", SLICE_ARG(chunk.json));
        else
            any |= print_text(chunk.text);
        fflush(stdout);
    }
    if (any)
        putchar('\n');
    enum exit_code code = print_end(harborai_stream_reply(stream), &error);
    harborai_stream_close(stream);
    return code;
}

static enum exit_code run_with(const struct arguments *arguments, const struct config *config,
                               struct buf *question)
{
    const struct command *me = &command_chat;
    bool json = command_argument(me, arguments, "json") != NULL;
    bool streams = command_argument(me, arguments, "stream") != NULL ||
                   (command_argument(me, arguments, "no-stream") == NULL && isatty(STDOUT_FILENO));
    AUTO(buf) body = BUF_INIT(LIMIT_REQUEST_BODY);
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_client_options with = {.size = sizeof with,
                                    .log_level = (int32_t)setup_quiet_level(config),
                                    .config_file = command_argument(me, arguments, "config"),
                                    .state_dir = command_argument(me, arguments, "state-dir"),
                                    .log = print_line,
                                    .name = "cli"};

    if (config->default_model.len == 0) {
        command_complain("which model? give -m MODEL or set default_model; 'harborai list-models' shows "
                 "what there is");
        return EXIT_USAGE;
    }
    write_body(&body, config->default_model, command_argument(me, arguments, "system"),
               buf_slice(question));
    harborai_client *client = harborai_client_open(&with, &error);
    if (client == NULL)
        return command_fail(&error);
    catch_interrupt(client);
    enum exit_code code = streams ? ask_stream(client, buf_slice(&body), json)
                                  : ask_whole(client, buf_slice(&body), json);
    forget_interrupt();
    if (harborai_client_close(client) < 0) /* a plugin's threads are still inside */
        _exit((int)code);
    return code;
}

static enum exit_code run(const struct arguments *arguments)
{
    AUTO(buf) question = BUF_INIT(LIMIT_REQUEST_BODY / 2);
    struct config *config = setup_config(&command_chat, arguments);
    enum exit_code code = EXIT_USAGE;
    if (config == NULL)
        return EXIT_CONFIG;
    if (read_question(arguments, &question))
        code = run_with(arguments, config, &question);
    config_destroy(config);
    return code;
}

const struct command command_chat = {
    .name = "chat",
    .summary = "Ask a model and print its answer",
    .rest = "[TEXT | -]",
    .more = "Without TEXT, or with -, the question is read from standard input.",
    .options = options,
    .run = run,
};
