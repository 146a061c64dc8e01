/* SPDX-License-Identifier: MIT */
/* The answer goes to stdout; what stands beside it, reasoning and a line about the call, to stderr,
 * and only to a terminal. */
#include "cli/talk.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/slice.h"
#include "cli/fatal.h"
#include "cli/setup.h"
#include "cli/terminal.h"
#include "config/files.h"
#include "config/value.h"

#define DIM "\033[2m"
#define PLAIN "\033[0m"

/* --- Ctrl-C ---------------------------------------------------------------------------------- */

/* A handler knows nothing but what is static. The call is broken off in good order, for which a
 * plugin may have to return: so one press too many ends the process itself. */
static harborai_client *volatile asked_client;
static volatile sig_atomic_t interrupts, interrupts_taken, ended_by;

static void on_interrupt(int number)
{
    if (interrupts++ >= interrupts_taken) {
        signal(number, SIG_DFL);
        raise(number);
        return;
    }
    if (number != SIGINT)
        ended_by = number;
    harborai_client_interrupt(asked_client);
}

/* The others end the process, once the call is on record. */
static const int caught[] = {SIGINT, SIGTERM, SIGHUP};

/* What was ignored stays so: of a command in the background of a script, or below nohup. */
static void catch_interrupts(const struct talk *t, struct sigaction ret_before[ARRAY_LEN(caught)])
{
    struct sigaction action = {.sa_handler = on_interrupt};
    asked_client = t->client;
    interrupts = ended_by = 0;
    interrupts_taken = t->interrupts_taken;
    for (size_t i = 0; i < ARRAY_LEN(caught); i++) {
        sigaction(caught[i], NULL, &ret_before[i]);
        if (ret_before[i].sa_handler != SIG_IGN)
            sigaction(caught[i], &action, NULL);
    }
}

static void let_interrupts_be(struct talk *t, const struct sigaction before[ARRAY_LEN(caught)])
{
    for (size_t i = 0; i < ARRAY_LEN(caught); i++)
        sigaction(caught[i], &before[i], NULL);
    if (ended_by == 0)
        return;
    fflush(NULL);
    (void)harborai_client_close(t->client);
    raise(ended_by);
}

/* --- Open and close -------------------------------------------------------------------------- */

/* Faults of a configuration come before the client is there, and again with the error: those of files
 * were said already, of commands that print keys the first is enough. */
static void on_log(void *context, int level UNUSED, harborai_str line)
{
    const struct talk *t = context;
    if (t->client != NULL || !slice_matches_glob(line, HARBORAI_STR("* config.fault *")))
        command_say(line);
}

static bool read_options(struct talk *t, const struct command *command,
                         const struct arguments *arguments)
{
    const char *timeout = command_argument(command, arguments, "timeout");
    const char *model = command_argument(command, arguments, "model");
    t->options = (struct harborai_call_options){
        .size = sizeof t->options, .provider = command_argument(command, arguments, "provider")};
    if (timeout != NULL && (!value_parse_duration_ms(slice_of(timeout), &t->options.timeout_ms) ||
                            t->options.timeout_ms <= 0)) {
        command_complain("--timeout: '%s' is no duration such as 30s or 2m", timeout);
        return false;
    }
    if (model != NULL && model[0] == '\0') {
        command_complain("--model: '' is no name of a model; 'harborai list-models' shows what there is");
        return false;
    }
    return true;
}

/* The configuration is read twice, by us for its default model and by the client, and a pipe gives its
 * text once: so that is kept, under the same name if the name is that of a descriptor. What cannot be
 * read stays as it is: the reader says why. */
static void keep_pipe(struct talk *t, struct arguments *arguments, char own_name[static 32])
{
    const char *name = arguments->global[COMMAND_GLOBAL_CONFIG];
    AUTO(buf) text = BUF_INIT(LIMIT_CONFIG_FILE + FILES_SLACK);
    harborai_str rest;
    struct stat about;
    uint64_t number;

    if (name == NULL)
        name = getenv("HARBORAI_CONFIG");
    if (name == NULL || stat(name, &about) < 0 || !S_ISFIFO(about.st_mode) ||
        files_read(name, LIMIT_CONFIG_FILE, &text, &about) != 0)
        return;
    t->config_fd = memfd_create("configuration", MFD_CLOEXEC);
    bool is_kept = t->config_fd >= 0 && fchmod(t->config_fd, 0600) == 0 &&
                   write(t->config_fd, text.data, text.len) == (ssize_t)text.len;
    if (text.len > 0)
        explicit_bzero(text.data, text.len);
    if (!is_kept)
        return;
    rest = slice_of(strcmp(name, "/dev/stdin") == 0 ? "/dev/fd/0" : name);
    if (slice_starts_with(rest, "/dev/fd/") &&
        slice_to_u64(slice_from(rest, strlen("/dev/fd/")), &number) && number <= INT_MAX &&
        dup2(t->config_fd, (int)number) >= 0)
        return;
    snprintf(own_name, 32, "/proc/self/fd/%d", t->config_fd);
    arguments->global[COMMAND_GLOBAL_CONFIG] = own_name;
}

static harborai_client *open_client(struct talk *t, const struct command *command,
                                    const struct arguments *arguments, const struct config *config,
                                    harborai_error *error)
{
    struct config_override flags[SETUP_SETTINGS_MAX];
    harborai_setting settings[SETUP_SETTINGS_MAX];
    struct harborai_client_options options = {
        .size = sizeof options,
        .log_level = (int32_t)setup_quiet_level(config),
        .config_file = command_argument(command, arguments, "config"),
        .settings = settings,
        .setting_count = setup_settings(command, arguments, flags),
        .log = on_log,
        .log_context = t,
        .name = "cli"};
    for (size_t i = 0; i < options.setting_count; i++)
        settings[i] = (harborai_setting){flags[i].path, flags[i].value};
    return harborai_client_open(&options, error);
}

enum exit_code talk_open(struct talk *t, const struct command *command,
                         const struct arguments *arguments)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    struct arguments own = *arguments;
    char config_name[32];
    bool err_is_terminal = isatty(STDERR_FILENO);
    *t = (struct talk){.is_quiet = command_is_quiet(arguments),
                       .dims = command_has_color(arguments, STDERR_FILENO),
                       .to_terminal = isatty(STDOUT_FILENO),
                       .interrupts_taken = 1,
                       .config_fd = -1};
    t->shows_reasoning = err_is_terminal && !t->is_quiet &&
                         command_argument(command, arguments, "no-reasoning") == NULL;
    if (!read_options(t, command, arguments))
        return EXIT_USAGE;
    fatal_watch();
    keep_pipe(t, &own, config_name);
    arguments = &own;
    /* The client reads it too, with the keys. */
    struct config *config = setup_config_without_keys(command, arguments);
    if (config == NULL)
        return talk_close(t, EXIT_CONFIG);
    t->model = config->default_model.len > 0 ? slice_dup(config->default_model) : NULL;
    t->state_dir = slice_dup(config->state_dir);
    t->client = open_client(t, command, arguments, config, &error);
    config_destroy(config);
    if (t->client == NULL)
        return talk_close(t, command_fail(&error));
    if (t->options.provider != NULL &&
        harborai_client_check(t->client, NULL, t->options.provider, &error) < 0) {
        enum exit_code code = command_fail(&error);
        return talk_close(t, error.code == HARBORAI_E_NOT_FOUND ? EXIT_USAGE : code);
    }
    return EXIT_OK;
}

bool talk_check_model(const struct talk *t)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    if (harborai_client_check(t->client, t->model, t->options.provider, &error) >= 0)
        return true;
    command_complain("%s", error.message);
    return false;
}

enum exit_code talk_close(struct talk *t, enum exit_code code)
{
    harborai_status st = harborai_client_close(t->client);
    free(t->model);
    free(t->state_dir);
    if (t->config_fd >= 0)
        close(t->config_fd);
    *t = (struct talk){.client = NULL, .config_fd = -1};
    if (st == HARBORAI_E_TIMEOUT) { /* threads of a plugin may still reach everything */
        fflush(NULL);
        _exit((int)code);
    }
    return code;
}

/* --- What is printed ------------------------------------------------------------------------- */

struct showing {
    struct talk *talk;
    struct buf *answer; /* may be NULL */
    struct buf clean;   /* scratch */
    bool thinks;        /* reasoning was shown last */
    bool has_text;
    char last;          /* byte of the answer */
    int write_errno;    /* of the first time that stdout failed */
};

static void flush(struct showing *s)
{
    if (fflush(stdout) != 0 && s->write_errno == 0)
        s->write_errno = errno;
}

/* The text as it may go to a terminal; borrowed from `clean`. */
static harborai_str cleaned(struct buf *clean, harborai_str text)
{
    buf_clear(clean);
    terminal_add_text(clean, text);
    return buf_slice(clean);
}

/* Each piece is dimmed by itself: wherever it breaks off, the terminal is as it was. */
static void show_reasoning(struct showing *s, harborai_str text)
{
    if (text.len == 0 || !s->talk->shows_reasoning)
        return;
    if (!s->thinks && !s->talk->dims)
        fputs("(thinking) ", stderr);
    s->thinks = true;
    text = cleaned(&s->clean, text);
    fprintf(stderr, "%s%.*s%s", s->talk->dims ? DIM : "", SLICE_ARG(text),
            s->talk->dims ? PLAIN : "");
    fflush(stderr);
}

static void end_reasoning(struct showing *s)
{
    if (s->thinks)
        fputs("\n\n", stderr);
    s->thinks = false;
}

static void show_text(struct showing *s, harborai_str text)
{
    if (text.len == 0)
        return;
    end_reasoning(s);
    if (s->answer != NULL)
        buf_add(s->answer, text);
    s->has_text = true;
    s->last = text.data[text.len - 1];
    if (s->talk->to_terminal)
        text = cleaned(&s->clean, text);
    fwrite(text.data, 1, text.len, stdout);
}

static void show_json(harborai_str json)
{
    if (json.len > 0)
        printf("%.*s\n", SLICE_ARG(json));
}

static void show_end(struct showing *s)
{
    end_reasoning(s);
    if (s->has_text && s->last != '\n')
        putchar('\n');
    flush(s);
}

static const char *why_short(harborai_str finish_reason)
{
    if (slice_is(finish_reason, "length"))
        return "the answer ends here because it reached its limit of tokens";
    if (slice_is(finish_reason, "content_filter"))
        return "the answer ends here because the vendor's filter cut it";
    return NULL;
}

/* "(openai/gpt-4o, 3 + 2 tokens, 0.0000275 USD)" for who sits at a terminal. */
static void show_summary(const struct talk *t, const harborai_reply *reply)
{
    const char *why = why_short(slice_of(harborai_reply_finish_reason(reply)));
    if (t->is_quiet || t->prints_json)
        return;
    if (why != NULL)
        command_complain("%s", why);
    if (!isatty(STDERR_FILENO) || harborai_reply_provider(reply)[0] == '\0')
        return;
    fprintf(stderr, "%s(%s/%s", t->dims ? DIM : "", harborai_reply_provider(reply),
            harborai_reply_model(reply));
    if (harborai_reply_tokens_in(reply) >= 0)
        fprintf(stderr, ", %lld + %lld tokens", (long long)harborai_reply_tokens_in(reply),
                (long long)harborai_reply_tokens_out(reply));
    if (harborai_reply_cost(reply)[0] != '\0')
        fprintf(stderr, ", %s %s", harborai_reply_cost(reply), harborai_reply_currency(reply));
    fprintf(stderr, ")%s\n", t->dims ? PLAIN : "");
}

/* --- Asking ---------------------------------------------------------------------------------- */

static void ask_piecewise(struct showing *s, harborai_str body, harborai_error *error)
{
    struct talk *t = s->talk;
    harborai_chunk chunk;
    harborai_stream *stream = harborai_chat_stream_with(t->client, body, &t->options, error);
    if (stream == NULL)
        return;
    while (!ferror(stdout) && harborai_stream_next(stream, &chunk, error)) {
        if (t->prints_json) {
            show_json(chunk.json);
        } else {
            show_reasoning(s, chunk.reasoning);
            show_text(s, chunk.text);
        }
        flush(s);
    }
    show_end(s);
    const harborai_reply *reply = harborai_stream_reply(stream);
    if (reply != NULL && error->code == HARBORAI_OK)
        show_summary(t, reply);
    harborai_stream_close(stream);
}

static void ask_whole(struct showing *s, harborai_str body, harborai_error *error)
{
    struct talk *t = s->talk;
    harborai_reply *reply = harborai_chat_with(t->client, body, &t->options, error);
    if (reply == NULL)
        return;
    if (t->prints_json) {
        show_json(harborai_reply_json(reply));
    } else {
        show_reasoning(s, slice_of(harborai_reply_reasoning(reply)));
        show_text(s, slice_of(harborai_reply_text(reply)));
    }
    show_end(s);
    show_summary(t, reply);
    harborai_reply_free(reply);
}

enum exit_code talk_ask(struct talk *t, harborai_body *body, struct buf *answer)
{
    struct showing s = {.talk = t, .answer = answer, .clean = BUF_INIT(2 * LIMIT_RESPONSE_BODY)};
    harborai_error error = HARBORAI_ERROR_INIT;
    struct sigaction before[ARRAY_LEN(caught)];
    harborai_str text = harborai_body_str(body, &error);

    catch_interrupts(t, before);
    if (t->streams)
        ask_piecewise(&s, text, &error);
    else
        ask_whole(&s, text, &error);
    let_interrupts_be(t, before);
    buf_release(&s.clean);
    bool in_writing = s.write_errno == EINTR; /* into a pipe that nobody reads from */
    if (interrupts > 0 && (error.code == HARBORAI_E_CANCELLED || in_writing)) {
        clearerr(stdout);
        return EXIT_INTERRUPTED;
    }
    errno = s.write_errno;
    enum exit_code printed = command_finish();
    return error.code != HARBORAI_OK ? command_fail(&error) : printed;
}
