/* SPDX-License-Identifier: MIT */
/* A command of `harborai`: a table says what it is called and takes; its help, its checks, its
 * completion and its place in the list come from the table. One command a file. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>

#include <harborai/types.h>

#include "base/buf.h"

enum exit_code { /* documented in doc/commands.md */
    EXIT_OK = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_CONFIG = 3,
    EXIT_AUTH = 4,
    EXIT_PROVIDER = 5,
    EXIT_TIME_LIMIT = 6,
    EXIT_PARTLY = 7, /* something could not be done: of a batch, or looked at */
    EXIT_SERVE_CONFIG = 78, /* of `serve`: EX_CONFIG of sysexits.h */
    EXIT_INTERRUPTED = 130
};

/* What the argument is called decides how it completes: MODEL, PROVIDER, PLUGIN, FILE, DIR, LEVEL,
 * COMMAND, or words separated by '|'. */
struct option_spec {
    const char *name;     /* "model": --model */
    char letter;          /* 'm': -m; 0 = none */
    const char *argument; /* "MODEL"; NULL: a switch */
    const char *help;
};

enum { COMMAND_OPTIONS_MAX = 48, COMMAND_GLOBALS_MAX = 4, COMMAND_GIVEN_MAX = 64 };
enum { COMMAND_GLOBAL_CONFIG = 0 }; /* its place in command_globals */

/* What was given on the command line. Borrowed from argv. */
struct arguments {
    const char *value[COMMAND_OPTIONS_MAX]; /* by place in the command's table; a switch: "" */
    const char *global[COMMAND_GLOBALS_MAX]; /* by place in command_globals */
    char **rest;
    int rest_count;
    struct {
        const struct option_spec *option;
        const char *value;
    } given[COMMAND_GIVEN_MAX]; /* every one with a value, in order: for what may be given again */
    int given_count;
};

struct command {
    const char *name;    /* one word, or two: "config show" */
    const char *summary; /* without a full stop */
    const char *rest;    /* "[TEXT | -]"; NULL: it takes none */
    const char *more;    /* a paragraph for its --help, or NULL */
    const struct option_spec *options; /* ends with a NULL name; --help and the global ones are added */
    enum exit_code (*run)(const struct arguments *arguments);
    bool is_hidden; /* not in the list: for scripts of ours */
    bool takes_raw; /* everything behind its name is its own, options too: `rest` */
};

/* Options of every command, before its name or behind it. A command that has one of that name itself
 * is given its own. */
extern const struct option_spec command_globals[];

/* All of them, in the order in which they are listed; ends with NULL. */
extern const struct command *const command_list[];

extern const struct command command_chat, command_complete, command_completion, command_config,
    command_db_drain, command_db_migrate, command_db_reindex, command_db_status, command_db_verify,
    command_export,
    command_help,
    command_init_db, command_interactive, command_key_create, command_key_list, command_key_revoke,
    command_list_models, command_list_plugins, command_logs,
    command_logs_show,
    command_plugin_disable, command_plugin_doctor, command_plugin_enable, command_plugin_info,
    command_plugin_install, command_plugin_list, command_plugin_lock, command_plugin_reload,
    command_plugin_remove,
    command_serve, command_stats;

/* The command that the first words name, the longest name first; *ret_words = how many words that
 * are. NULL: none. */
const struct command *command_find(int word_count, char *const *words, int *ret_words);

/* What is missing behind `words`, the first of which no command is called: complains of it, with the
 * nearest name. */
enum exit_code command_refuse(int word_count, char *const *words);

/* The value of the option of that name, of the command or of all; NULL if it was not given. */
const char *command_argument(const struct command *command, const struct arguments *arguments,
                             const char *name);

/* The next value of an option that may be given several times; *at is 0 at first. NULL: no more. */
const char *command_next_value(const struct arguments *arguments, const char *name, int *at);

/* Reads argv behind the command's name, which is argv[0]. Global options that stand in `arguments`
 * already are kept. Prints what is wrong, or the help that was asked for; then *ret_exit is the exit
 * code and the result is false. */
bool command_parse(const struct command *command, int argc, char **argv,
                   struct arguments *arguments, enum exit_code *ret_exit);

/* The help of a command; of the program; and everything in the tables as JSON. */
void command_print_help(const struct command *command);
void command_print_overview(FILE *to);
void command_print_tables(void);

/* "harborai: <message>" on stderr. What of it could command a terminal does not: vendors, files and
 * plugins have their words in it. */
void command_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Complains of an error and gives the exit code of its class. */
enum exit_code command_fail(const harborai_error *error);
enum exit_code command_exit_of(harborai_status code);

/* A line on stderr, made harmless likewise. */
void command_say(harborai_str line);

/* Flushes stdout: EXIT_FAILED and a complaint if what was printed did not get there; without one where
 * its reader left, as `head` does. */
enum exit_code command_finish(void);

/* --- The options of all, as commands ask for them ---------------------------------------------- */

/* Whether to colour what goes to a descriptor: --color, else NO_COLOR and CLICOLOR_FORCE, else
 * whether it is a terminal that can. */
bool command_has_color(const struct arguments *arguments, int fd);
bool command_is_quiet(const struct arguments *arguments);
bool command_is_verbose(const struct arguments *arguments);

#endif
