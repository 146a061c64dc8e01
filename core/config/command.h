/* SPDX-License-Identifier: MIT */
/* Runs a program of the operator's for what it prints. No shell. [job] waits for it. */
#ifndef CONFIG_COMMAND_H
#define CONFIG_COMMAND_H

#include "base/buf.h"

#define COMMAND_WORDS_MAX 64
#define COMMAND_LIMIT_MS 10000
#define COMMAND_OUTPUT_MAX ((size_t)64 << 10)

/* Splits `line` at blanks; '…' and "…" hold words together, a backslash within "…" and outside
 * quotes takes the next character as it is. `storage` gets the words, NUL-terminated. E_CONFIG:
 * nothing, a quote that is not closed, too many. */
MUST_CHECK harborai_status command_split(harborai_str line, struct buf *storage,
                                         char *words[static COMMAND_WORDS_MAX + 1],
                                         harborai_error *error);

/* Runs words[0], found by PATH unless it holds a '/', with nothing on its stdin, and adds what it
 * prints to `output`. E_CONFIG: it cannot be started, fails (the first line that it complained goes
 * into the message), prints more than COMMAND_OUTPUT_MAX, or takes longer than COMMAND_LIMIT_MS:
 * then it and its children are killed; so they are, and at once, when a signal comes that ends this
 * process, which takes effect on return. Where SIGCHLD is ignored, or a host waits for any child,
 * what it printed counts without its status. */
MUST_CHECK harborai_status command_run(char *const words[], struct buf *output,
                                       harborai_error *error);

#endif
