/* SPDX-License-Identifier: MIT */
/* harborai plugin reload: has the running gateway make a plugin's providers anew, by the file as it is
 * now. */
#include "cli/gateway.h"
#include "cli/plugins.h"

static const struct option_spec options[] = {
    {"state-dir", 0, "DIR", "whose gateway is told"},
    {"json", 0, NULL, "as JSON"},
    {NULL, 0, NULL, NULL},
};

static enum exit_code run(const struct arguments *arguments)
{
    AUTO(plugins) plugins = {.config = NULL};
    AUTO(gateway_answer) answer = GATEWAY_ANSWER_INIT;
    if (arguments->rest_count != 1) {
        command_complain("'plugin reload' takes one name of a plugin");
        return EXIT_USAGE;
    }
    enum exit_code code = plugins_open(&plugins, &command_plugin_reload, arguments);
    if (code != EXIT_OK)
        return code;
    switch (gateway_ask_about(plugins.config->state_dir, "POST", arguments->rest[0], "/reload",
                              &answer)) {
    case GATEWAY_ANSWERS:
        return gateway_print(&answer,
                             command_argument(&command_plugin_reload, arguments, "json") != NULL);
    case GATEWAY_REFUSES:
        return gateway_exit_of(&answer);
    case GATEWAY_NONE:
    default:
        command_complain("no gateway runs on '%.*s': the next one that starts loads the file as it is "
                         "then; --state-dir names another",
                         SLICE_ARG(plugins.config->state_dir));
        return EXIT_FAILED;
    }
}

const struct command command_plugin_reload = {
    .name = "plugin reload",
    .summary = "Have the running gateway load a plugin anew",
    .rest = "PLUGIN",
    .more = "What is under way ends as it began. An unchanged file gives new providers by the object that is\n"
            "loaded; another one is loaded beside it. If that fails, what was there before serves on.",
    .options = options,
    .run = run,
};
