/* SPDX-License-Identifier: MIT */
/* Opens what there is of plugins, and says what was switched off. Must never load a plugin. */
#include "cli/plugins.h"

#include "base/limits.h"
#include "cli/setup.h"
#include "runtime/crash_subject.h"
#include "wire/shell.h"

harborai_status plugins_open_with(struct plugins *plugins, struct config *config,
                                  harborai_error *error)
{
    plugins->config = config;
    harborai_status st = setup_catalog(config, &plugins->catalog, error);
    if (st == HARBORAI_OK &&
        plugin_state_load(config->state_dir, &plugins->state, &plugins->state_error) < 0)
        st = plugin_state_load(SLICE_NONE, &plugins->state, error);
    return st;
}

enum exit_code plugins_open(struct plugins *plugins, const struct command *command,
                            const struct arguments *arguments)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    struct config *config = setup_config_without_keys(command, arguments);
    if (config == NULL)
        return EXIT_CONFIG;
    if (config->plugin_trust == CONFIG_TRUST_OFF)
        command_complain("plugin_trust is off: plugins are used whoever may write to them");
    return plugins_open_with(plugins, config, &error) < 0 ? command_fail(&error) : EXIT_OK;
}

void plugins_release(struct plugins *plugins)
{
    plugin_state_destroy(plugins->state);
    plugin_catalog_destroy(plugins->catalog);
    config_destroy(plugins->config);
    *plugins = (struct plugins){.config = NULL};
}

enum exit_code plugins_check_state(const struct plugins *plugins)
{
    return plugins->state_error.code == HARBORAI_OK ? EXIT_OK : command_fail(&plugins->state_error);
}

enum exit_code plugins_find(const struct plugins *plugins, const char *given,
                            struct subject *ret_subject)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    const struct subject_world world = {plugins->catalog, plugins->config, plugins->state};
    if (subject_find(&world, slice_of(given), ret_subject, &error) == HARBORAI_OK)
        return EXIT_OK;
    command_complain("%s", error.message);
    return error.code == HARBORAI_E_MEMORY ? EXIT_FAILED : EXIT_USAGE;
}

bool plugins_look_up(const struct plugins *plugins, const char *given, struct subject *ret_subject)
{
    const struct subject_world world = {plugins->catalog, plugins->config, plugins->state};
    return subject_look_up(&world, slice_of(given), ret_subject);
}

enum exit_code plugins_open_at(struct plugins *plugins, const struct command *command,
                               const struct arguments *arguments,
                               struct subject *ret_subject)
{
    enum exit_code code = plugins_open(plugins, command, arguments);
    if (code == EXIT_OK)
        code = plugins_check_state(plugins);
    return code == EXIT_OK ? plugins_find(plugins, arguments->rest[0], ret_subject) : code;
}

/* ---- What is off ---------------------------------------------------------------------------- */

const struct plugin_state_entry *plugins_disabled(const struct plugins *plugins,
                                                  const struct plugin_file *file)
{
    return file->manifest == NULL ? NULL
                                  : plugin_state_disabled(plugins->state, PLUGIN_STATE_PLUGIN,
                                                          file->manifest->id);
}

struct trust_rules plugins_rules_without_lock(const struct plugins *plugins)
{
    struct trust_rules rules = trust_rules_of(plugins->config);
    rules.lock = SLICE_NONE;
    rules.require_lock = false;
    return rules;
}

bool plugins_has_lock(const struct plugins *plugins)
{
    if (plugins->config->plugin_lock.len == 0)
        command_complain("there is no place for plugins.lock: set plugin_lock");
    return plugins->config->plugin_lock.len > 0;
}

const struct crash *plugins_crash(const struct plugins *plugins, const struct plugin_file *file)
{
    if (file->state != PLUGIN_FILE_KNOWN)
        return NULL;
    const struct crash_subject subject =
        crash_subject_of(file->path, file->manifest, &file->identity);
    return plugin_state_crash(plugins->state, &subject);
}

harborai_str plugins_state_name(const struct plugins *plugins, const struct plugin_file *file)
{
    switch (file->state) {
    case PLUGIN_FILE_KNOWN:
        if (plugins_disabled(plugins, file) != NULL)
            return HARBORAI_STR("disabled");
        return plugins_crash(plugins, file) != NULL ? HARBORAI_STR("crashed")
                                                    : HARBORAI_STR("ready");
    case PLUGIN_FILE_SHADOWED:
        return HARBORAI_STR("shadowed");
    case PLUGIN_FILE_REFUSED:
    default:
        return HARBORAI_STR("refused");
    }
}

void plugins_add_reason(const struct plugin_state *state, const struct plugin_state_entry *entry,
                        harborai_str name, struct buf *text)
{
    struct shell_word word;
    buf_printf(text, "disabled");
    if (entry->by.len > 0)
        buf_printf(text, " by '%.*s'", SLICE_ARG(entry->by));
    if (entry->since.len > 0)
        buf_printf(text, " since %.*s", SLICE_ARG(entry->since));
    if (entry->is_removal) {
        buf_printf(text, ", which waits for its calls to end");
        return;
    }
    buf_printf(text, ", in %s: 'harborai plugin enable %s' enables it", plugin_state_path(state),
               shell_word(name, &word));
}

const harborai_str *plugins_glob_of(const struct config *config, harborai_str qualified)
{
    const struct config_names *globs = &config->disabled_models;
    for (size_t i = 0; i < globs->count; i++)
        if (slice_matches_glob(qualified, globs->items[i]))
            return &globs->items[i];
    return NULL;
}

void plugins_add_glob(const struct config *config, harborai_str glob, struct buf *text)
{
    harborai_str file = config->file.len > 0 ? config->file : HARBORAI_STR("the configuration");
    buf_printf(text, "disabled by '%.*s' in disabled_models of %.*s: take that out", SLICE_ARG(glob),
               SLICE_ARG(file));
}

void plugins_add_crash(const struct crash *crash, harborai_str name, struct buf *text)
{
    buf_printf(text, "left out since %s, when a process died in it (%s): update it, or 'harborai plugin "
               "enable %.*s' has it tried again", crash->since.data, crash->stage.data,
               SLICE_ARG(name));
}

const char *plugins_origin_name(enum plugin_origin origin)
{
    static const char *const names[] = {[PLUGIN_ORIGIN_EXPLICIT] = "--plugin",
                                        [PLUGIN_ORIGIN_ENVIRONMENT] = "HARBORAI_PLUGIN_PATH",
                                        [PLUGIN_ORIGIN_CONFIGURATION] = "plugin_path",
                                        [PLUGIN_ORIGIN_USER] = "the user's directory",
                                        [PLUGIN_ORIGIN_SYSTEM] = "the system's directory",
                                        [PLUGIN_ORIGIN_BUILT_IN] = "being built in"};
    return names[origin];
}

/* ---- Files ---------------------------------------------------------------------------------- */

void plugins_write_file(struct json_writer *w, const struct manifest *m, const char *path)
{
    json_write_key_int64(w, "version", 1);
    json_write_key(w, HARBORAI_STR("plugin"));
    json_write_object(w);
    if (m != NULL) {
        json_write_key_string(w, "plugin", m->provider);
        json_write_key_string(w, "id", m->id);
        json_write_key_string(w, "version", m->version);
    }
    json_write_key_string(w, "file", slice_of(path));
}
