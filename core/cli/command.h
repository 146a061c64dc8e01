/* SPDX-License-Identifier: MIT */
/* A command of `harborai`: a table says what it is called and takes; its help, its checks and its
 * place in the list come from the table. One command a file. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>

#include <harborai/types.h>


enum exit_code { /* documented in doc/commands.md */
    EXIT_OK = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_CONFIG = 3,
    EXIT_AUTH = 4,
    EXIT_PROVIDER = 5,
    EXIT_TIME_LIMIT = 6,
    EXIT_SERVE_CONFIG = 78, /* of `serve`: EX_CONFIG of sysexits.h */
    EXIT_INTERRUPTED = 130
};

struct option_spec {
    const char *name;     /* "model": --model */
    char letter;          /* 'm': -m; 0 = none */
    const char *argument; /* "MODEL"; NULL: a switch */
    const char *help;
};

enum { COMMAND_OPTIONS_MAX = 24 };

/* What was given on the command line. Borrowed from argv. */
struct arguments {
    const char *value[COMMAND_OPTIONS_MAX]; /* by place in the command's table; a switch: "" */
    char **rest;
    int rest_count;
};

struct command {
    const char *name, *summary;
    const char *rest;       /* "[TEXT | -]"; NULL: it takes none */
    const char *more;       /* a paragraph for its --help, or NULL */
    const struct option_spec *options; /* ends with a NULL name; --help is added */
    enum exit_code (*run)(const struct arguments *arguments);
};

extern const struct command command_chat, command_config, command_list_models,
    command_list_plugins, command_serve;

/* The value of the option of that name, NULL if it was not given. */
const char *command_argument(const struct command *command, const struct arguments *arguments,
                        const char *name);

/* Reads argv behind the command's name. Prints what is wrong, or the help that was asked for; then
 * *ret_exit is the exit code and the result is false. */
bool command_parse(const struct command *command, int argc, char **argv,
                     struct arguments *ret_arguments, enum exit_code *ret_exit);

/* "harborai: <message>" on stderr. */
void command_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Complains of an error and gives the exit code of its class. */
enum exit_code command_fail(const harborai_error *error);

/* Flushes stdout: EXIT_FAILED and a complaint if what was printed did not get there. */
enum exit_code command_finish(void);

#endif
