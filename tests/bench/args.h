/* SPDX-License-Identifier: MIT */
#ifndef BENCH_ARGS_H
#define BENCH_ARGS_H

#include <stddef.h>
#include <stdint.h>

/* One option `--name VALUE`; exactly one of the three targets is set. `flag` takes no value. */
struct args_option {
    const char *name, *help;
    uint64_t *number;
    const char **text;
    uint64_t *flag;
};

/* Fills the targets from the command line. Ends the program with a message on a wrong one, and
 * with the list of options on `--help`. */
void args_parse(int argc, char **argv, const struct args_option *options, size_t count);

/* Reads decimal digits at `text`; *ret_end is the first byte that is none. 0 if there are none. */
uint64_t args_number(const char *text, const char *text_end, const char **ret_end);

/* Prints "PROGRAM: message" on stderr and exits with status 1. */
_Noreturn void args_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
