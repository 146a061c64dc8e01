/* SPDX-License-Identifier: MIT */
/* What every command begins with: a configuration and a log. */
#ifndef CLI_SETUP_H
#define CLI_SETUP_H

#include "base/log.h"
#include "cli/command.h"
#include "config/config.h"

/* The configuration that --config, the environment and the command's own flags give. Complains of
 * every fault in it. NULL: EXIT_CONFIG. `arguments` may have host, port, workers, state-dir. */
struct config *setup_config(const struct command *command, const struct arguments *arguments);

/* A log on stderr at the level that the configuration says. */
void setup_log(struct log *log, const struct config *config);

/* The same for a command whose reader sits at the terminal: of what goes well (info, the default) it
 * is silent; at debug it tells all. */
void setup_quiet_log(struct log *log, const struct config *config);

#endif
