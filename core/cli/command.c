/* SPDX-License-Identifier: MIT */
/* Reading a command line by its table, and what commands say to people. */
#include "cli/command.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/nearest.h"
#include "base/slice.h"
#include "cli/terminal.h"

enum global { GLOBAL_CONFIG = COMMAND_GLOBAL_CONFIG, GLOBAL_COLOR, GLOBAL_QUIET, GLOBAL_VERBOSE };

const struct option_spec command_globals[] = {
    [GLOBAL_CONFIG] = {"config", 'c', "FILE", "the configuration file"},
    [GLOBAL_COLOR] = {"color", 0, "auto|always|never", "when to use colours (default auto)"},
    [GLOBAL_QUIET] = {"quiet", 'q', NULL, "say nothing but the answer and errors"},
    [GLOBAL_VERBOSE] = {"verbose", 'v', NULL, "log everything to stderr"},
    {NULL, 0, NULL, NULL},
};

static const struct option_spec help_option = {"help", 'h', NULL, "show this"};

static const struct option_spec *own_option(const struct command *command, const char *name)
{
    for (const struct option_spec *o = command->options; o->name != NULL; o++)
        if (strcmp(o->name, name) == 0)
            return o;
    return NULL;
}

const char *command_argument(const struct command *command, const struct arguments *arguments,
                             const char *name)
{
    const struct option_spec *own = own_option(command, name);
    if (own != NULL)
        return arguments->value[own - command->options];
    for (size_t i = 0; command_globals[i].name != NULL; i++)
        if (strcmp(command_globals[i].name, name) == 0)
            return arguments->global[i];
    return NULL;
}

const char *command_next_value(const struct arguments *arguments, const char *name, int *at)
{
    while (*at < arguments->given_count) {
        int i = (*at)++;
        if (strcmp(arguments->given[i].option->name, name) == 0)
            return arguments->given[i].value;
    }
    return NULL;
}

/* --- Reading --------------------------------------------------------------------------------- */

enum { ALL_MAX = COMMAND_OPTIONS_MAX + COMMAND_GLOBALS_MAX + 1, LONG_VALUE = 256 };

/* Everything that a command takes, and where the value of each goes. */
struct reading {
    const struct command *command;
    const struct option_spec *all[ALL_MAX];
    const char **value[ALL_MAX]; /* NULL: --help */
    size_t count;
};

static bool letter_is_taken(const struct reading *r, char letter)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->all[i]->letter == letter)
            return true;
    return false;
}

static void gather(struct reading *r, const struct command *command, struct arguments *arguments)
{
    *r = (struct reading){.command = command};
    for (size_t i = 0; i < COMMAND_OPTIONS_MAX && command->options[i].name != NULL; i++) {
        r->all[r->count] = &command->options[i];
        r->value[r->count++] = &arguments->value[i];
    }
    for (size_t i = 0; command_globals[i].name != NULL; i++) {
        if (own_option(command, command_globals[i].name) != NULL)
            continue;
        r->all[r->count] = &command_globals[i];
        r->value[r->count++] = &arguments->global[i];
    }
    if (own_option(command, help_option.name) == NULL)
        r->all[r->count++] = &help_option;
}

/* getopt_long's two forms of our table. Values from 256 on are places in it. */
static void build_getopt(const struct reading *r, struct option *longs, char *letters)
{
    struct reading seen = {.count = 0};
    *letters++ = ':'; /* getopt is silent: what is wrong is said below */
    for (size_t i = 0; i < r->count; i++) {
        const struct option_spec *o = r->all[i];
        longs[i] = (struct option){o->name, o->argument != NULL, NULL, LONG_VALUE + (int)i};
        if (o->letter != '\0' && !letter_is_taken(&seen, o->letter)) {
            *letters++ = o->letter;
            if (o->argument != NULL)
                *letters++ = ':';
        }
        seen.all[seen.count++] = o;
    }
    longs[r->count] = (struct option){NULL, 0, NULL, 0};
    *letters = '\0';
}

static int place_of(const struct reading *r, int found)
{
    if (found >= LONG_VALUE)
        return found - LONG_VALUE;
    for (size_t i = 0; i < r->count; i++)
        if (r->all[i]->letter == found)
            return (int)i;
    return -1;
}

static void refuse_long(const struct reading *r, harborai_str word)
{
    const struct option_spec *first = NULL;
    struct nearest nearest = NEAREST_TO(word);
    for (size_t i = 0; i < r->count; i++) {
        harborai_str name = slice_of(r->all[i]->name);
        if (word.len > 0 && name.len > word.len && memcmp(name.data, word.data, word.len) == 0) {
            if (first != NULL) {
                command_complain("option '--%.*s' could be '--%s' or '--%s'", SLICE_ARG(word),
                                 first->name, r->all[i]->name);
                return;
            }
            first = r->all[i];
        }
        nearest_consider(&nearest, name);
    }
    if (nearest.name.len > 0)
        command_complain("there is no option '--%.*s': did you mean '--%.*s'?", SLICE_ARG(word),
                         SLICE_ARG(nearest.name));
    else
        command_complain("there is no option '--%.*s'", SLICE_ARG(word));
}

/* getopt goes by bytes: the whole character that begins with this one. */
static void refuse_letter(const char *word, int byte)
{
    const char *at = strchr(word, byte);
    size_t len = 1;
    while (at != NULL && (byte & 0x80) != 0 && len < 4 && ((unsigned char)at[len] & 0xc0) == 0x80)
        len++;
    command_complain("there is no option '-%.*s'", (int)len, at != NULL ? at : "?");
}

/* `found` is getopt's '?' or ':'; `word` the argument that it read last. */
static void refuse_option(const struct reading *r, int found, const char *word)
{
    int place = place_of(r, optopt);
    harborai_str name, value;
    if (found == ':' && place >= 0) {
        command_complain("option '--%s' needs a value: --%s %s", r->all[place]->name,
                         r->all[place]->name, r->all[place]->argument);
    } else if (optopt >= LONG_VALUE && place >= 0) {
        command_complain("option '--%s' takes no value: '%s'", r->all[place]->name, word);
    } else if (optopt != 0) {
        refuse_letter(word, optopt);
    } else {
        slice_split(slice_from(slice_of(word), 2), '=', &name, &value);
        refuse_long(r, name);
    }
}

static bool usage_fault(const struct command *command, enum exit_code *ret_exit)
{
    fprintf(stderr, "see 'harborai %s%s--help'\n", command->name, command->name[0] != '\0' ? " " : "");
    *ret_exit = EXIT_USAGE;
    return false;
}

static bool check_globals(const struct command *command, const struct arguments *arguments,
                          enum exit_code *ret_exit)
{
    harborai_str color = slice_of(arguments->global[GLOBAL_COLOR]);
    if (color.data != NULL && !slice_is(color, "auto") && !slice_is(color, "always") &&
        !slice_is(color, "never")) {
        command_complain("--color: '%.*s' is not auto, always or never", SLICE_ARG(color));
        return usage_fault(command, ret_exit);
    }
    if (command_is_quiet(arguments) && command_is_verbose(arguments)) {
        command_complain("--quiet and --verbose exclude each other");
        return usage_fault(command, ret_exit);
    }
    return true;
}

bool command_parse(const struct command *command, int argc, char **argv,
                   struct arguments *arguments, enum exit_code *ret_exit)
{
    struct option longs[ALL_MAX + 1];
    char letters[2 * ALL_MAX + 2];
    struct reading r;

    gather(&r, command, arguments);
    build_getopt(&r, longs, letters);
    optind = 0; /* begin anew, GNU's way */
    opterr = 0;
    for (int found; (found = getopt_long(argc, argv, letters, longs, NULL)) != -1;) {
        int place = place_of(&r, found);
        if (found == '?' || found == ':' || place < 0) {
            bool is_within = optind < argc && argv[optind][0] == '-' && argv[optind][1] != '-' &&
                             optopt != 0 && strchr(argv[optind] + 1, optopt) != NULL;
            refuse_option(&r, found, argv[is_within ? optind : optind - 1]);
            return usage_fault(command, ret_exit);
        }
        if (r.value[place] == NULL) {
            command_print_help(command);
            *ret_exit = command_finish();
            return false;
        }
        *r.value[place] = optarg != NULL ? optarg : "";
        if (optarg == NULL)
            continue;
        if (arguments->given_count == COMMAND_GIVEN_MAX) {
            command_complain("more than %d options with values", COMMAND_GIVEN_MAX);
            return usage_fault(command, ret_exit);
        }
        arguments->given[arguments->given_count].option = r.all[place];
        arguments->given[arguments->given_count++].value = optarg;
    }
    arguments->rest = argv + optind;
    arguments->rest_count = argc - optind;
    if (command->rest == NULL && arguments->rest_count > 0) {
        command_complain("'%s' takes no argument: '%s'", command->name, arguments->rest[0]);
        return usage_fault(command, ret_exit);
    }
    return check_globals(command, arguments, ret_exit);
}

/* --- Options of all -------------------------------------------------------------------------- */

bool command_has_color(const struct arguments *arguments, int fd)
{
    const char *choice = arguments->global[GLOBAL_COLOR];
    const char *no = getenv("NO_COLOR"), *force = getenv("CLICOLOR_FORCE"), *term = getenv("TERM");
    if (choice != NULL && strcmp(choice, "auto") != 0)
        return strcmp(choice, "always") == 0;
    if (no != NULL && no[0] != '\0')
        return false;
    if (force != NULL && force[0] != '\0' && strcmp(force, "0") != 0)
        return true;
    return isatty(fd) && term != NULL && strcmp(term, "dumb") != 0;
}

bool command_is_quiet(const struct arguments *arguments)
{
    return arguments->global[GLOBAL_QUIET] != NULL;
}

bool command_is_verbose(const struct arguments *arguments)
{
    return arguments->global[GLOBAL_VERBOSE] != NULL;
}

/* --- Saying ---------------------------------------------------------------------------------- */

void command_say(harborai_str line)
{
    AUTO(buf) clean = BUF_INIT(MIB(4));
    if (isatty(STDERR_FILENO)) {
        terminal_add_line(&clean, line);
        line = buf_slice(&clean);
    }
    fprintf(stderr, "%.*s\n", SLICE_ARG(line));
}

void command_complain(const char *format, ...)
{
    va_list arguments;
    char *text = NULL;
    va_start(arguments, format);
    int len = vasprintf(&text, format, arguments);
    va_end(arguments);
    fputs("harborai: ", stderr);
    command_say(len >= 0 ? slice_of(text) : HARBORAI_STR("no memory left"));
    if (len >= 0)
        free(text);
}

enum exit_code command_exit_of(harborai_status code)
{
    switch (code) {
    case HARBORAI_OK:
        return EXIT_OK;
    case HARBORAI_E_CONFIG:
        return EXIT_CONFIG;
    case HARBORAI_E_AUTH:
    case HARBORAI_E_QUOTA:
        return EXIT_AUTH;
    case HARBORAI_E_TIMEOUT:
        return EXIT_TIME_LIMIT;
    case HARBORAI_E_CANCELLED:
        return EXIT_INTERRUPTED;
    case HARBORAI_E_RATE_LIMIT:
    case HARBORAI_E_OVERLOADED:
    case HARBORAI_E_VENDOR:
    case HARBORAI_E_PROTOCOL:
    case HARBORAI_E_NETWORK:
    case HARBORAI_E_CONTEXT:
    case HARBORAI_E_FILTERED:
        return EXIT_PROVIDER;
    default:
        return EXIT_FAILED;
    }
}

enum exit_code command_fail(const harborai_error *error)
{
    enum exit_code code = command_exit_of(error->code);
    command_complain("%s", error->message);
    return code != EXIT_OK ? code : EXIT_FAILED;
}

enum exit_code command_finish(void)
{
    char text[128];
    if (fflush(stdout) == 0 && !ferror(stdout))
        return EXIT_OK;
    if (errno != EPIPE)
        command_complain("cannot write to standard output: %s", error_of_errno(errno, text));
    return EXIT_FAILED;
}
