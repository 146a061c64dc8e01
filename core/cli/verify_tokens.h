/* SPDX-License-Identifier: MIT */
/* harborai db verify --tokens: a part of that command in a file of its own. */
#ifndef CLI_VERIFY_TOKENS_H
#define CLI_VERIFY_TOKENS_H

#include <stddef.h>

#include "cli/command.h"

/* Finds rows of PostgreSQL whose tokens do not fit together; with --repair, and without --dry-run,
 * mends them. Names up to `most`, and in the log each that was mended. */
enum exit_code verify_tokens(const struct command *command, const struct arguments *arguments,
                             size_t most);

#endif
