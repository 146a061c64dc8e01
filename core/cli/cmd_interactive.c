/* SPDX-License-Identifier: MIT */
/* harborai interactive: a conversation, line by line. A failed or refused call never ends it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/nearest.h"
#include "base/slice.h"
#include "cli/command.h"
#include "cli/conversation.h"
#include "cli/input.h"
#include "cli/talk.h"
#include "json_scan.h"

#define FENCE "\"\"\""

static const struct option_spec options[] = {
    {"model", 'm', "MODEL", "which model answers at first (default: the setting default_model)"},
    {"system", 's', "TEXT", "what the model is told first"},
    {"provider", 0, "PROVIDER", "only this provider answers"},
    {"timeout", 0, "DURATION", "how long a call may take, as 30s"},
    {"no-reasoning", 0, NULL, "do not show what the model thinks first"},
    {"state-dir", 0, "DIR", "where the journal and the lines entered are kept"},
    {NULL, 0, NULL, NULL},
};

struct session {
    struct talk talk;
    struct input input;
    struct conversation conversation;
    char *saved_as;      /* owned; may be written again */
    enum exit_code code; /* of the first call that failed */
    bool is_over;
};

static void note(const struct session *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void note(const struct session *s, const char *format, ...)
{
    va_list arguments;
    if (s->talk.is_quiet)
        return;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

static bool has_memory(harborai_status st)
{
    if (st < 0)
        command_complain("no memory left");
    return st >= 0;
}

/* --- What is entered ------------------------------------------------------------------------- */

/* Lines up to the closing fence. */
static enum input_result read_fenced(struct session *s, struct buf *text)
{
    for (;;) {
        char *line = NULL;
        enum input_result result = input_read(&s->input, ". ", &line);
        if (result != INPUT_LINE)
            return result;
        bool is_end = slice_is(slice_trim(slice_of(line)), FENCE);
        if (!is_end && text->len > 0)
            buf_add_char(text, '\n');
        if (!is_end)
            buf_add(text, slice_of(line));
        free(line);
        if (is_end)
            return INPUT_LINE;
    }
}

/* One entry: a line; lines that end with backslashes and one that does not; or what is fenced. */
static enum input_result read_entry(struct session *s, struct buf *text)
{
    const char *prompt = "> ";
    for (;; prompt = ". ") {
        char *line = NULL;
        enum input_result result = input_read(&s->input, prompt, &line);
        if (result != INPUT_LINE)
            return result;
        harborai_str rest = slice_of(line);
        bool is_fence = text->len == 0 && slice_is(slice_trim(rest), FENCE);
        bool goes_on = !is_fence && slice_ends_with(rest, "\\");
        if (!is_fence)
            buf_add(text, slice_cut(rest, rest.len - goes_on));
        free(line);
        if (is_fence)
            return read_fenced(s, text);
        if (!goes_on)
            return INPUT_LINE;
        buf_add_char(text, '\n');
    }
}

/* --- Commands -------------------------------------------------------------------------------- */

static void set_model(struct session *s, harborai_str rest)
{
    if (rest.len > 0) {
        char *model = slice_dup(rest);
        if (!has_memory(model != NULL ? HARBORAI_OK : HARBORAI_E_MEMORY))
            return;
        free(s->talk.model);
        s->talk.model = model;
    }
    if (rest.len > 0 && s->input.is_terminal)
        (void)talk_check_model(&s->talk);
    note(s, "model: %s", s->talk.model != NULL ? s->talk.model : "none; '/model MODEL' sets one");
}

static void set_system(struct session *s, harborai_str rest)
{
    harborai_str text = slice_is(rest, "-") ? SLICE_NONE : rest;
    if (rest.len > 0 && !has_memory(conversation_set_system(&s->conversation, text)))
        return;
    note(s, "system: %s", s->conversation.system != NULL ? s->conversation.system : "none");
}

static bool write_file(const char *path, int flags, harborai_str text)
{
    char why[128];
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    bool is_written = file != NULL && fprintf(file, "%.*s\n", SLICE_ARG(text)) > 0;
    if (file == NULL && fd >= 0)
        close(fd);
    if (file != NULL && fclose(file) != 0)
        is_written = false;
    if (is_written)
        return true;
    command_complain("cannot write '%s': %s%s", path, error_of_errno(errno, why),
                     errno == EEXIST ? "; choose another name" : "");
    return false;
}

/* As a shell would take it: "~/" is the home directory. Owned. */
static char *path_of(harborai_str text)
{
    const char *home = getenv("HOME");
    char *path = NULL;
    if (!slice_starts_with(text, "~/") || home == NULL)
        return slice_dup(text);
    return asprintf(&path, "%s%.*s", home, SLICE_ARG(slice_from(text, 1))) < 0 ? NULL : path;
}

/* A file that is there is never lost, but for the one that was written here before. */
static void save(struct session *s, harborai_str rest)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    char *path = path_of(rest);
    if (rest.len == 0 || path == NULL) {
        command_complain("into which file? /save FILE");
        free(path);
        return;
    }
    bool is_ours = s->saved_as != NULL && strcmp(path, s->saved_as) == 0;
    harborai_body *body =
        conversation_body(&s->conversation, s->talk.model != NULL ? s->talk.model : "");
    harborai_str text = harborai_body_str(body, &error);
    if (text.len == 0) {
        command_complain("%s", error.message);
    } else if (write_file(path, is_ours ? O_TRUNC : O_EXCL, text)) {
        size_t count = s->conversation.count + (s->conversation.system != NULL);
        note(s, "%zu message%s in '%s'", count, count == 1 ? " is" : "s are", path);
        free(s->saved_as);
        s->saved_as = take(path);
    }
    harborai_body_free(body);
    free(path);
}

static void clear(struct session *s, harborai_str rest UNUSED)
{
    conversation_clear(&s->conversation);
    note(s, "a new conversation");
}

static void quit(struct session *s, harborai_str rest UNUSED)
{
    s->is_over = true;
}

static void help(struct session *s, harborai_str rest);

static const struct word {
    const char *name, *argument, *help;
    void (*run)(struct session *session, harborai_str rest);
} words[] = {
    {"/model", " [MODEL]", "show or change the model; the conversation goes on", set_model},
    {"/system", " [TEXT]", "show or change what the model is told first; - takes it away", set_system},
    {"/save", " FILE", "write the conversation as a JSON request", save},
    {"/clear", "", "begin a new conversation", clear},
    {"/help", "", "show this", help},
    {"/quit", "", "end; so does Ctrl-D", quit},
};

static void help(struct session *s UNUSED, harborai_str rest UNUSED)
{
    char left[32];
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        snprintf(left, sizeof left, "%s%s", words[i].name, words[i].argument);
        fprintf(stderr, "  %-16s %s\n", left, words[i].help);
    }
    fprintf(stderr, "A line that ends with \\ goes on in the next one; " FENCE " begins and ends a "
                    "text of many lines,\nas one that is pasted: else each line of it is a question.\n"
                    "Ctrl-C breaks an answer off.\n");
}

static void run_word(struct session *s, harborai_str text)
{
    harborai_str name, rest;
    slice_split(text, ' ', &name, &rest);
    struct nearest nearest = NEAREST_TO(name);
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (slice_is(name, words[i].name)) {
            words[i].run(s, slice_trim(rest));
            return;
        }
        nearest_consider(&nearest, slice_of(words[i].name));
    }
    if (nearest.name.len > 0)
        command_complain("there is no '%.*s': did you mean '%.*s'?", SLICE_ARG(name),
                         SLICE_ARG(nearest.name));
    else
        command_complain("there is no '%.*s': '/help' lists what there is; a blank before it sends "
                         "the line", SLICE_ARG(name));
}

/* --- Asking ---------------------------------------------------------------------------------- */

/* What came of an answer that broke off is kept: the next question may be about it. */
static void ask(struct session *s, harborai_str question)
{
    AUTO(buf) answer = BUF_INIT(LIMIT_RESPONSE_BODY);
    if (s->talk.model == NULL) {
        command_complain("which model? '/model MODEL' sets one; 'harborai list-models' shows what "
                         "there is");
        s->code = s->code != EXIT_OK ? s->code : EXIT_USAGE;
        return;
    }
    if (!has_memory(conversation_add(&s->conversation, "user", question)))
        return;
    harborai_body *body = conversation_body(&s->conversation, s->talk.model);
    enum exit_code code = talk_ask(&s->talk, body, &answer);
    harborai_body_free(body);
    if (code == EXIT_INTERRUPTED)
        note(s, "(broken off)");
    if (code == EXIT_INTERRUPTED && s->talk.is_quiet && answer.len == 0 && s->input.is_terminal)
        fputc('\n', stderr); /* behind the ^C that the terminal shows */
    if (answer.len > 0 && (code == EXIT_OK || code == EXIT_INTERRUPTED))
        (void)has_memory(conversation_add(&s->conversation, "assistant", buf_slice(&answer)));
    else
        conversation_drop(&s->conversation);
    if (s->code == EXIT_OK)
        s->code = code;
}

static void take_entry(struct session *s, harborai_str text)
{
    if (slice_trim(text).len == 0)
        return;
    if (!json_is_utf8(text) || memchr(text.data, '\0', text.len) != NULL)
        command_complain("that is no text in UTF-8");
    else if (text.data[0] == '/')
        run_word(s, slice_trim(text));
    else
        ask(s, text);
}

/* An end of the input within a text: it may be anything but meant to be sent so. */
static void drop_half(struct session *s)
{
    if (s->input.is_terminal) { /* behind what is shown of Ctrl-D */
        putchar('\n');
        fflush(stdout);
    }
    command_complain("the text does not end, and was not sent");
    if (s->code == EXIT_OK)
        s->code = EXIT_USAGE;
}

static void converse(struct session *s)
{
    AUTO(buf) text = BUF_INIT(LIMIT_REQUEST_BODY / 2);
    bool is_half = false;
    while (!s->is_over) {
        buf_clear(&text);
        enum input_result result = read_entry(s, &text);
        if (result == INPUT_INTERRUPTED)
            continue;
        if (result == INPUT_END)
            s->is_over = true;
        if (text.failed != HARBORAI_OK)
            command_complain("that is too long");
        else if (result == INPUT_LINE)
            take_entry(s, buf_slice(&text));
        else if ((is_half = text.len > 0))
            drop_half(s);
        if (fflush(stdout) != 0 || ferror(stdout))
            s->is_over = true; /* nobody reads any more */
    }
    if (s->input.is_terminal && !is_half)
        putchar('\n');
}

static enum exit_code run(const struct arguments *arguments)
{
    struct session s = {.is_over = false};
    const char *system = command_argument(&command_interactive, arguments, "system");
    enum exit_code code = talk_open(&s.talk, &command_interactive, arguments);
    if (code != EXIT_OK)
        return code;
    s.talk.streams = true;
    s.talk.interrupts_taken = 2; /* who presses once too often does not lose the conversation */
    input_open(&s.input, s.talk.state_dir != NULL ? s.talk.state_dir : "");
    if (s.input.is_terminal && s.talk.model != NULL)
        (void)talk_check_model(&s.talk); /* before the first question is written */
    if (s.input.is_terminal)
        note(&s, "harborai %s, model %s. '/help' shows the commands, Ctrl-D ends.",
             harborai_version(), s.talk.model != NULL ? s.talk.model : "none yet");
    if (system == NULL || has_memory(conversation_set_system(&s.conversation, slice_of(system))))
        converse(&s);
    code = command_finish();
    if (!s.input.is_terminal && s.code != EXIT_OK)
        code = s.code;
    input_close(&s.input);
    conversation_release(&s.conversation);
    free(s.saved_as);
    return talk_close(&s.talk, code);
}

const struct command command_interactive = {
    .name = "interactive",
    .summary = "Talk with a model, line by line",
    .more = "On a terminal lines are edited and remembered; from anything else they are read plainly,\n"
            "and the exit code is that of the first call that failed.",
    .options = options,
    .run = run,
};
