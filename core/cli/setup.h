/* SPDX-License-Identifier: MIT */
/* What every command begins with: a configuration and a log. */
#ifndef CLI_SETUP_H
#define CLI_SETUP_H

#include "base/buf.h"
#include "base/log.h"
#include "cli/command.h"
#include "config/config.h"
#include "plugin/discover.h"
#include "runtime/runtime.h"

/* The configuration that --config, the environment and the command's own flags give. Complains of
 * every fault in it. NULL: EXIT_CONFIG. `arguments` may have host, port, workers, state-dir. */
struct config *setup_config(const struct command *command, const struct arguments *arguments);

/* The same for who needs no keys: commands that print one (exec:) are not run. */
struct config *setup_config_without_keys(const struct command *command,
                                         const struct arguments *arguments);

/* The same without a word. `faults` and `warnings` were initialised by the caller; E_CONFIG: `faults`
 * says why. */
MUST_CHECK harborai_status setup_load(const struct command *command,
                                      const struct arguments *arguments, struct config **ret_config,
                                      struct config_faults *faults, struct config_faults *warnings,
                                      harborai_error *error);

/* Complains of each, and of those for which there was no room; `prefix` stands before each. */
void setup_print_faults(const struct config_faults *faults, const char *prefix);

/* A runtime that could not be made: complains of every fault of the configuration, or of the error. */
enum exit_code setup_fail(const struct config_faults *faults, const harborai_error *error);

/* What the flags set, by the settings' paths; how many. The same that setup_config() goes by. */
enum { SETUP_SETTINGS_MAX = COMMAND_OPTIONS_MAX + COMMAND_GIVEN_MAX + 2 };
size_t setup_settings(const struct command *command, const struct arguments *arguments,
                      struct config_override to[SETUP_SETTINGS_MAX]);

/* Whether TLS can be served with the files of server.tls: a fault is at their place in the configuration. */
MUST_CHECK harborai_status setup_check_certificate(const struct config *config,
                                                   struct config_faults *faults);

/* A log on stderr at the level that the configuration says. */
void setup_log(struct log *log, const struct config *config);

/* The same for a command whose reader sits at the terminal: of what goes well (info, the default) it
 * is silent; at debug it tells all. */
void setup_quiet_log(struct log *log, const struct config *config);
enum log_level setup_quiet_level(const struct config *config);

/* A runtime that knows the models and makes no calls: no plugin is loaded, nothing is recorded. Else
 * complains and returns the exit code. Takes `config`, which may be NULL: EXIT_CONFIG. The log lives
 * as long as the runtime. */
enum exit_code setup_runtime(struct config *config, struct log *log, struct runtime **ret_runtime);

/* Whether a provider is called so; complains if not, with the way to one. */
bool setup_check_provider(struct runtime *runtime, harborai_str name);

/* ": set OPENAI_API_KEY for plugin 'openai', …": the way out where there is no provider at all. No loop
 * of the runtime runs, or nobody applies a configuration meanwhile. */
void setup_add_what_to_set(struct runtime *runtime, struct buf *text);

/* The plugins that this configuration finds; owned. */
MUST_CHECK harborai_status setup_catalog(const struct config *config,
                                         struct plugin_catalog **ret_catalog,
                                         harborai_error *error);

#endif
