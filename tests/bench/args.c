/* SPDX-License-Identifier: MIT */
/* The command line of the two bench programs: a table of `--name VALUE`, decimal numbers, one way
 * to give up. Shares nothing with core/: what measures must not depend on what is measured. */
#include "tests/bench/args.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void args_die(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, format, list);
    fputc('\n', stderr);
    va_end(list);
    exit(1);
}

uint64_t args_number(const char *text, const char *text_end, const char **ret_end)
{
    uint64_t value = 0;
    while (text < text_end && *text >= '0' && *text <= '9' && value < UINT64_MAX / 100)
        value = value * 10 + (uint64_t)(*text++ - '0');
    *ret_end = text;
    return value;
}

static void option_list(const struct args_option *options, size_t count)
{
    printf("usage: %s [--OPTION VALUE]...\n", program_invocation_short_name);
    for (size_t i = 0; i < count; i++)
        printf("  --%-14s %s%s\n", options[i].name, options[i].help,
               options[i].flag ? " (no value)" : "");
    exit(0);
}

static const struct args_option *option_find(const char *word, const struct args_option *options,
                                             size_t count)
{
    if (strncmp(word, "--", 2) == 0)
        for (size_t i = 0; i < count; i++)
            if (strcmp(word + 2, options[i].name) == 0)
                return &options[i];
    args_die("unknown option '%s'; --help lists them", word);
}

static void option_set(const struct args_option *option, const char *value)
{
    if (option->text) {
        *option->text = value;
        return;
    }
    const char *end, *value_end = value + strlen(value);
    uint64_t number = args_number(value, value_end, &end);
    if (value == value_end || end != value_end)
        args_die("option '--%s' needs a whole number, not '%s'", option->name, value);
    *option->number = number;
}

void args_parse(int argc, char **argv, const struct args_option *options, size_t count)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            option_list(options, count);
        const struct args_option *option = option_find(argv[i], options, count);
        if (option->flag) {
            *option->flag = 1;
            continue;
        }
        if (++i == argc)
            args_die("option '--%s' needs a value", option->name);
        option_set(option, argv[i]);
    }
}
