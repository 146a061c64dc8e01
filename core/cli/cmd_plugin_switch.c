/* SPDX-License-Identifier: MIT */
/* harborai plugin enable, plugin disable: told to the gateway that runs on the state directory, which
 * writes down what is switched off; else written down here, for the next that starts. */
#include <stdio.h>

#include "base/clock.h"
#include "base/limits.h"
#include "cli/gateway.h"
#include "cli/plugins.h"

static const struct option_spec options[] = {
    {"state-dir", 0, "DIR", "whose gateway is told, and where plugins.json is kept"},
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
        printf("%s '%.*s' is %s, from the next start on\n", subject_kind_name(change->kind),
               SLICE_ARG(change->name), state);
    else
        printf("%s '%.*s' is %s already\n", subject_kind_name(change->kind), SLICE_ARG(change->name),
               state);
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

/* No gateway runs: what plugins.json says is all that there is. */
static enum exit_code change_file(const struct plugins *plugins, const struct arguments *arguments,
                                  bool enabled, bool as_json)
{
    const struct subject_world world = {plugins->catalog, plugins->config, plugins->state};
    harborai_error error = HARBORAI_ERROR_INIT;
    struct subject subject;
    enum exit_code code = plugins_check_state(plugins);
    if (code == EXIT_OK)
        code = plugins_find(plugins, arguments->rest[0], &subject);
    if (code != EXIT_OK)
        return code;
    if (enabled)
        subject_prefer_off(&world, slice_of(arguments->rest[0]), &subject);
    if (subject_check_switch(&world, &subject, enabled, &error) < 0) {
        command_complain("%s", error.message);
        return EXIT_USAGE;
    }
    const struct plugin_state_change change = {subject.kind, subject.name, enabled,
                                               enabled ? "harborai plugin enable"
                                                       : "harborai plugin disable"};
    return apply(plugins, &change, as_json);
}

static enum exit_code run(const struct command *command, const struct arguments *arguments,
                          bool enabled)
{
    AUTO(plugins) plugins = {.config = NULL};
    AUTO(gateway_answer) answer = GATEWAY_ANSWER_INIT;
    bool as_json = command_argument(command, arguments, "json") != NULL;
    if (arguments->rest_count != 1) {
        command_complain("'%s' takes one name of a plugin, provider or model", command->name);
        return EXIT_USAGE;
    }
    enum exit_code code = plugins_open(&plugins, command, arguments);
    if (code != EXIT_OK)
        return code;
    switch (gateway_ask_about(plugins.config->state_dir, "POST", arguments->rest[0],
                              enabled ? "/enable" : "/disable", &answer)) {
    case GATEWAY_ANSWERS: return gateway_print(&answer, as_json);
    case GATEWAY_REFUSES: return gateway_exit_of(&answer);
    case GATEWAY_NONE:
    default: return change_file(&plugins, arguments, enabled, as_json);
    }
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
