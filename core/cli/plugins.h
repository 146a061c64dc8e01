/* SPDX-License-Identifier: MIT */
/* What the commands about plugins look at: the files that are found, what the configuration says of
 * providers, and what was switched off. Nothing is loaded. */
#ifndef CLI_PLUGINS_H
#define CLI_PLUGINS_H

#include "cli/command.h"
#include "config/config.h"
#include "plugin/discover.h"
#include "runtime/subject.h"
#include "store/plugin_state.h"
#include "wire/json_write.h"

struct plugins {
    struct config *config;
    struct plugin_catalog *catalog;
    struct plugin_state *state;  /* empty if it cannot be read: then */
    harborai_error state_error; /* says why */
};

/* Zeroed at first. EXIT_OK, or what was wrong, of which it complained. A state that cannot be read is
 * not wrong here. */
enum exit_code plugins_open(struct plugins *plugins, const struct command *command,
                            const struct arguments *arguments);
/* The same of a configuration that was read already, which is taken, and without a word. */
MUST_CHECK harborai_status plugins_open_with(struct plugins *plugins, struct config *config,
                                             harborai_error *error);
void plugins_release(struct plugins *plugins);

/* Complains of a state that cannot be read; EXIT_OK, or the exit code of that. */
enum exit_code plugins_check_state(const struct plugins *plugins);

/* Whom a name on the command line means. EXIT_USAGE: nobody, or it may be either of two, of which it
 * complained. Borrows from `plugins` and `given`. */
enum exit_code plugins_find(const struct plugins *plugins, const char *given,
                            struct subject *ret_subject);
/* The same for plugins and providers alone, and without a word. */
bool plugins_look_up(const struct plugins *plugins, const char *given, struct subject *ret_subject);

/* Opens them to change something about what the first argument names: whatever of this is wrong, it
 * complained of. */
enum exit_code plugins_open_at(struct plugins *plugins, const struct command *command,
                               const struct arguments *arguments,
                               struct subject *ret_subject);

/* The entry that disables the plugin of a file; NULL = none, or it is not known whose file it is. */
const struct plugin_state_entry *plugins_disabled(const struct plugins *plugins,
                                                  const struct plugin_file *file);

/* What the configuration says of trust, but for plugins.lock. */
struct trust_rules plugins_rules_without_lock(const struct plugins *plugins);
/* Complains if there is no place for plugins.lock. */
bool plugins_has_lock(const struct plugins *plugins);

/* The mark of a process that died with this file, for which it is left out; NULL = none. */
const struct crash *plugins_crash(const struct plugins *plugins, const struct plugin_file *file);

/* "ready", "disabled", "crashed", "shadowed" or "refused". */
harborai_str plugins_state_name(const struct plugins *plugins, const struct plugin_file *file);

/* "disabled by 'harborai plugin disable' since …, in /…: 'harborai plugin enable acme' enables it". */
void plugins_add_reason(const struct plugin_state *state, const struct plugin_state_entry *entry,
                        harborai_str name, struct buf *text);

/* The members "version" and "plugin" of an open object; the latter stays open. */
void plugins_write_file(struct json_writer *w, const struct manifest *m, const char *path);

/* The glob of `disabled_models` that matches provider/model; NULL = none. */
const harborai_str *plugins_glob_of(const struct config *config, harborai_str qualified);
/* "disabled by 'acme/…-preview' in disabled_models of /etc/…: take that out". */
void plugins_add_glob(const struct config *config, harborai_str glob, struct buf *text);

/* "left out since …, when a process died in it (create): update it, or 'harborai plugin enable acme' has it
 * tried again". */
void plugins_add_crash(const struct crash *crash, harborai_str name, struct buf *text);

/* Where a file was looked for: "HARBORAI_PLUGIN_PATH", "plugin_path" … */
const char *plugins_origin_name(enum plugin_origin origin);

#endif
