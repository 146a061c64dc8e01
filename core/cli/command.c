/* SPDX-License-Identifier: MIT */
/* Reading a command line by its table, and what commands say to people. */
#include "cli/command.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/error.h"

const char *command_argument(const struct command *command, const struct arguments *arguments,
                        const char *name)
{
    for (int i = 0; command->options[i].name != NULL; i++)
        if (strcmp(command->options[i].name, name) == 0)
            return arguments->value[i];
    return NULL;
}

static void print_option(const struct option_spec *o)
{
    char left[64];
    char letter[8] = "    ";
    if (o->letter != '\0')
        snprintf(letter, sizeof letter, "-%c, ", o->letter);
    snprintf(left, sizeof left, "%s--%s%s%s", letter, o->name, o->argument != NULL ? " " : "",
             o->argument != NULL ? o->argument : "");
    printf("  %-28s %s\n", left, o->help);
}

static void print_help(const struct command *command)
{
    static const struct option_spec help = {"help", 'h', NULL, "show this"};
    printf("usage: harborai %s [OPTION…]%s%s\n\n%s.\n\n", command->name,
           command->rest != NULL ? " " : "", command->rest != NULL ? command->rest : "",
           command->summary);
    for (int i = 0; command->options[i].name != NULL; i++)
        print_option(&command->options[i]);
    print_option(&help);
    if (command->more != NULL)
        printf("\n%s\n", command->more);
}

/* getopt_long's two forms of our table. Values from 256 on are places in the table. */
static void build_getopt(const struct command *command, struct option *longs, char *letters)
{
    int i = 0;
    for (; command->options[i].name != NULL; i++) {
        const struct option_spec *o = &command->options[i];
        longs[i] = (struct option){o->name, o->argument != NULL, NULL, 256 + i};
        if (o->letter != '\0') {
            *letters++ = o->letter;
            if (o->argument != NULL)
                *letters++ = ':';
        }
    }
    longs[i++] = (struct option){"help", 0, NULL, 'h'};
    longs[i] = (struct option){NULL, 0, NULL, 0};
    *letters++ = 'h';
    *letters = '\0';
}

static int place_of(const struct command *command, int found)
{
    if (found >= 256)
        return found - 256;
    for (int i = 0; command->options[i].name != NULL; i++)
        if (command->options[i].letter == found)
            return i;
    return -1;
}

static bool usage_fault(const struct command *command, enum exit_code *ret_exit)
{
    fprintf(stderr, "see 'harborai %s --help'\n", command->name);
    *ret_exit = EXIT_USAGE;
    return false;
}

bool command_parse(const struct command *command, int argc, char **argv,
                     struct arguments *ret_arguments, enum exit_code *ret_exit)
{
    struct option longs[COMMAND_OPTIONS_MAX + 2];
    char letters[2 * COMMAND_OPTIONS_MAX + 2];
    *ret_arguments = (struct arguments){0};
    build_getopt(command, longs, letters);
    optind = 0; /* begin anew, GNU's way */
    argv[0] = (char *)(uintptr_t)"harborai"; /* what getopt's complaints begin with */
    for (int found; (found = getopt_long(argc, argv, letters, longs, NULL)) != -1;) {
        if (found == 'h') {
            print_help(command);
            *ret_exit = command_finish();
            return false;
        }
        int place = place_of(command, found);
        if (found == '?' || place < 0)
            return usage_fault(command, ret_exit);
        ret_arguments->value[place] = optarg != NULL ? optarg : "";
    }
    ret_arguments->rest = argv + optind;
    ret_arguments->rest_count = argc - optind;
    if (command->rest == NULL && ret_arguments->rest_count > 0) {
        command_complain("'%s' takes no argument: '%s'", command->name, ret_arguments->rest[0]);
        return usage_fault(command, ret_exit);
    }
    return true;
}

void command_complain(const char *format, ...)
{
    va_list arguments;
    fputs("harborai: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

enum exit_code command_fail(const harborai_error *error)
{
    command_complain("%s", error->message);
    switch (error->code) {
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

enum exit_code command_finish(void)
{
    char text[128];
    if (fflush(stdout) == 0 && !ferror(stdout))
        return EXIT_OK;
    command_complain("cannot write to standard output: %s", error_of_errno(errno, text));
    return EXIT_FAILED;
}
