/* SPDX-License-Identifier: MIT */
/* harborai chat: one question, one answer. The answer goes to stdout, all else to stderr. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/slice.h"
#include "cli/command.h"
#include "cli/talk.h"
#include "json_value.h"

static const struct option_spec options[] = {
    {"model", 'm', "MODEL", "which model answers (default: the setting default_model)"},
    {"system", 's', "TEXT", "what the model is told first"},
    {"file", 'f', "FILE", "add a file's text to the question; several are possible"},
    {"temperature", 't', "NUMBER", "how freely it chooses its words, 0 to 2 with most vendors"},
    {"max-tokens", 0, "N", "the longest answer"},
    {"provider", 0, "PROVIDER", "only this provider answers"},
    {"timeout", 0, "DURATION", "how long the call may take, as 30s"},
    {"stream", 0, NULL, "print the answer as it comes (default on a terminal)"},
    {"no-stream", 0, NULL, "print the answer when it is complete"},
    {"no-reasoning", 0, NULL, "do not show what the model thinks first"},
    {"json", 0, NULL, "print the answer's JSON; of a stream, one chunk a line"},
    {"plugin", 0, "FILE", "use this plugin before all others; may be given again"},
    {"state-dir", 0, "DIR", "where the journal is kept"},
    {NULL, 0, NULL, NULL},
};

static const char *option(const struct arguments *arguments, const char *name)
{
    return command_argument(&command_chat, arguments, name);
}

/* --- What is asked --------------------------------------------------------------------------- */

static bool read_all(int fd, const char *name, struct buf *text)
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
            command_complain("cannot read %s: %s", name,
                             room == NULL ? "it is too large" : error_of_errno(errno, why));
            return false;
        }
    }
}

/* Texts go to the library NUL-terminated, and bytes of an image would be no use. */
static bool check_text(const char *name, harborai_str text)
{
    if (json_is_utf8(text) && (text.len == 0 || memchr(text.data, '\0', text.len) == NULL))
        return true;
    command_complain("%s is no text in UTF-8", name);
    return false;
}

static bool read_file(const char *path, struct buf *question)
{
    char name[512], why[128];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    snprintf(name, sizeof name, "'%s'", path);
    if (fd < 0) {
        command_complain("cannot read %s: %s", name, error_of_errno(errno, why));
        return false;
    }
    if (question->len > 0)
        buf_add(question, HARBORAI_STR("\n\n"));
    buf_printf(question, "File %s:\n", name);
    size_t start = question->len;
    bool was_read = read_all(fd, name, question);
    close(fd);
    return was_read && check_text(name, slice_from(buf_slice(question), start));
}

static bool read_words(const struct arguments *arguments, struct buf *question)
{
    bool has_files = option(arguments, "file") != NULL;
    if (arguments->rest_count == 0 && isatty(STDIN_FILENO)) {
        if (!has_files)
            command_complain("what is the question? give it as TEXT, or - to read standard input");
        return has_files;
    }
    if (arguments->rest_count == 0 || strcmp(arguments->rest[0], "-") == 0)
        return read_all(STDIN_FILENO, "standard input", question) &&
               check_text("standard input", buf_slice(question));
    for (int i = 0; i < arguments->rest_count; i++) {
        if (i > 0)
            buf_add_char(question, ' ');
        buf_add(question, slice_of(arguments->rest[i]));
    }
    return check_text("the question", buf_slice(question));
}

static bool read_question(const struct arguments *arguments, struct buf *question)
{
    const char *path;
    int at = 0;
    if (!read_words(arguments, question))
        return false;
    while ((path = command_next_value(arguments, "file", &at)) != NULL)
        if (!read_file(path, question))
            return false;
    if (slice_trim(buf_slice(question)).len == 0) {
        command_complain("the question is empty");
        return false;
    }
    buf_add_char(question, '\0');
    if (question->failed == HARBORAI_OK)
        return true;
    command_complain("the question is too large");
    return false;
}

/* --- With which members ---------------------------------------------------------------------- */

static bool check_numbers(const struct arguments *arguments)
{
    const char *temperature = option(arguments, "temperature"),
               *most = option(arguments, "max-tokens");
    harborai_str number = slice_of(temperature);
    uint64_t count;
    if (temperature != NULL && (json_scan(number, NULL, &number, NULL) < 0 ||
                                json_kind(number) != JSON_NUMBER)) {
        command_complain("--temperature: '%s' is no number such as 0.7", temperature);
        return false;
    }
    if (most != NULL && (!slice_to_u64(slice_of(most), &count) || count == 0)) {
        command_complain("--max-tokens: '%s' is no number of tokens, from 1 up", most);
        return false;
    }
    return true;
}

static harborai_body *make_body(const struct arguments *arguments, const char *model,
                                const char *question)
{
    harborai_body *body = harborai_body_new(model);
    if (option(arguments, "system") != NULL)
        harborai_body_message(body, "system", option(arguments, "system"));
    harborai_body_message(body, "user", question);
    if (option(arguments, "temperature") != NULL)
        harborai_body_json(body, "temperature", option(arguments, "temperature"));
    if (option(arguments, "max-tokens") != NULL)
        harborai_body_json(body, "max_tokens", option(arguments, "max-tokens"));
    return body;
}

static enum exit_code ask(struct talk *talk, const struct arguments *arguments,
                          const char *question)
{
    if (talk->model == NULL) {
        command_complain("which model? give -m MODEL or set default_model; 'harborai list-models' "
                         "shows what there is");
        return EXIT_USAGE;
    }
    talk->prints_json = option(arguments, "json") != NULL;
    talk->streams = option(arguments, "stream") != NULL ||
                    (option(arguments, "no-stream") == NULL && isatty(STDOUT_FILENO));
    harborai_body *body = make_body(arguments, talk->model, question);
    enum exit_code code = talk_ask(talk, body, NULL);
    harborai_body_free(body);
    return code;
}

static enum exit_code run(const struct arguments *arguments)
{
    AUTO(buf) question = BUF_INIT(LIMIT_REQUEST_BODY / 2);
    struct talk talk;
    if (!check_numbers(arguments))
        return EXIT_USAGE;
    enum exit_code code = talk_open(&talk, &command_chat, arguments);
    if (code != EXIT_OK)
        return code;
    code = read_question(arguments, &question) ? ask(&talk, arguments, question.data) : EXIT_USAGE;
    return talk_close(&talk, code);
}

const struct command command_chat = {
    .name = "chat",
    .summary = "Ask a model and print its answer",
    .rest = "[TEXT | -]",
    .more = "Without TEXT, or with -, the question is read from standard input.",
    .options = options,
    .run = run,
};
