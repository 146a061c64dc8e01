/* SPDX-License-Identifier: MIT */
/* harborai plugin enable, plugin disable: writes down what is switched off. Processes read that when
 * they start; a running gateway reads it again upon SIGHUP. */
#include <stdio.h>

#include "base/clock.h"
#include "base/limits.h"
#include "cli/plugins.h"

static const struct option_spec options[] = {
    {"state-dir", 0, "DIR", "where plugins.json is kept"},
    {"json", 0, NULL, "as JSON"},
    {NULL, 0, NULL, NULL},
};

#define MORE                                                                                       \
    "A plugin goes by its short name, its id or its file, a provider by its name in the\n"         \
    "configuration, a model by provider/model, where '*' stands for any run of characters."

static void print_json(const struct plugins *plugins, const struct plugin_state_change *change,
                       bool changed)
{
    AUTO(buf) text = BUF_INIT(KIB(64));
    struct json_writer w = JSON_WRITER(&text);
    json_write_object(&w);
    json_write_key_int64(&w, "version", 1);
    json_write_key_string(&w, "kind", slice_of(subject_kind_name(change->kind)));
    json_write_key_string(&w, "name", change->name);
    json_write_key(&w, HARBORAI_STR("enabled"));
    json_write_bool(&w, change->enabled);
    json_write_key(&w, HARBORAI_STR("changed"));
    json_write_bool(&w, changed);
    json_write_key_string(&w, "file", slice_of(plugin_state_path(plugins->state)));
    json_write_end(&w);
    printf("%.*s\n", SLICE_ARG(buf_slice(&text)));
}

static void print_line(const struct plugin_state_change *change, bool changed)
{
    const char *state = change->enabled ? "enabled" : "disabled";
    if (changed)
        printf("%s '%.*s' is %s, from the next start or SIGHUP on\n", subject_kind_name(change->kind),
               SLICE_ARG(change->name), state);
    else
        printf("%s '%.*s' is %s already\n", subject_kind_name(change->kind), SLICE_ARG(change->name),
               state);
}

/* Of a model that a longer glob disables, another entry than its own has to go. */
static bool check_glob(const struct plugins *plugins, const struct plugin_state_change *change)
{
    const struct plugin_state_entry *entry =
        plugin_state_disabled(plugins->state, PLUGIN_STATE_MODEL, change->name);
    if (!change->enabled || change->kind != PLUGIN_STATE_MODEL || entry == NULL ||
        slice_equal(entry->name, change->name))
        return true;
    command_complain("'%.*s' is disabled by the glob '%.*s': 'harborai plugin enable %.*s' enables all "
                     "that it matches",
                     SLICE_ARG(change->name), SLICE_ARG(entry->name), SLICE_ARG(entry->name));
    return false;
}

static enum exit_code apply(const struct plugins *plugins, const struct plugin_state_change *change,
                            bool as_json)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    bool changed;
    if (plugin_state_apply(plugins->config->state_dir, change, &clock_system, &changed, &error) < 0)
        return command_fail(&error);
    if (as_json)
        print_json(plugins, change, changed);
    else
        print_line(change, changed);
    return command_finish();
}

static enum exit_code run(const struct command *command, const struct arguments *arguments,
                          bool enabled)
{
    AUTO(plugins) plugins = {.config = NULL};
    struct subject target;
    if (arguments->rest_count != 1) {
        command_complain("'%s' takes one name of a plugin, provider or model", command->name);
        return EXIT_USAGE;
    }
    enum exit_code code = plugins_open_at(&plugins, command, arguments, &target);
    if (code != EXIT_OK)
        return code;
    if (target.name.len == 0) {
        command_complain("it is not known whose plugin '%s' is: 'harborai plugin doctor' says why",
                         target.file->path);
        return EXIT_USAGE;
    }
    struct plugin_state_change change = {target.kind, target.name, enabled,
                                         enabled ? "harborai plugin enable"
                                                 : "harborai plugin disable"};
    if (!check_glob(&plugins, &change))
        return EXIT_USAGE;
    return apply(&plugins, &change, command_argument(command, arguments, "json") != NULL);
}

static enum exit_code run_enable(const struct arguments *arguments)
{
    return run(&command_plugin_enable, arguments, true);
}

static enum exit_code run_disable(const struct arguments *arguments)
{
    return run(&command_plugin_disable, arguments, false);
}

const struct command command_plugin_enable = {
    .name = "plugin enable",
    .summary = "Have a disabled plugin, provider or model served again",
    .rest = "PLUGIN | MODEL",
    .more = MORE,
    .options = options,
    .run = run_enable,
};

const struct command command_plugin_disable = {
    .name = "plugin disable",
    .summary = "Have a plugin, a provider or a model served no more",
    .rest = "PLUGIN | MODEL",
    .more = MORE,
    .options = options,
    .run = run_disable,
};
