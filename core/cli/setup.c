/* SPDX-License-Identifier: MIT */
/* The configuration as a command finds it: file, environment, its own flags. */
#include "cli/setup.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "config/settings.h"
#include "registry/model_map.h"
#include "server/tls.h"
#include "wire/masker.h"

void setup_print_faults(const struct config_faults *faults, const char *prefix)
{
    for (unsigned i = 0; i < faults->count; i++) {
        const struct config_fault *f = &faults->items[i];
        char text[2048];
        config_fault_format(f, text, sizeof text);
        command_complain("%s%s", prefix, text);
    }
    if (faults->total > faults->count)
        command_complain("%s… and %u more", prefix, faults->total - faults->count);
}

enum exit_code setup_fail(const struct config_faults *faults, const harborai_error *error)
{
    if (faults->count == 0)
        return command_fail(error);
    setup_print_faults(faults, "");
    return EXIT_CONFIG;
}

/* The flags that the table of settings names, where the command has them. */
size_t setup_settings(const struct command *command, const struct arguments *arguments,
                      struct config_override to[SETUP_SETTINGS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < settings_count && count < COMMAND_OPTIONS_MAX; i++) {
        const char *flag = settings[i].flag, *value = NULL;
        if (flag != NULL)
            value = command_argument(command, arguments, flag + strlen("--"));
        if (value != NULL)
            to[count++] = (struct config_override){settings[i].path, value};
    }
    const char *file;
    for (int at = 0; (file = command_next_value(arguments, "plugin", &at)) != NULL;)
        to[count++] = (struct config_override){CONFIG_PLUGIN_FILE, file};
    if (command_is_verbose(arguments))
        to[count++] = (struct config_override){"log.level", "debug"};
    if (command_is_quiet(arguments))
        to[count++] = (struct config_override){"log.level", "error"};
    return count;
}

static harborai_status load(const struct command *command, const struct arguments *arguments,
                            bool without_commands, struct config **ret_config,
                            struct config_faults *faults, struct config_faults *warnings,
                            harborai_error *error)
{
    struct config_override overrides[SETUP_SETTINGS_MAX];
    struct config_sources sources = {
        .file = command_argument(command, arguments, "config"),
        .variables = (const char *const *)environ,
        .overrides = overrides,
        .override_count = setup_settings(command, arguments, overrides),
        .without_commands = without_commands,
        .warnings = warnings};
    return config_load(&sources, &environment_process, ret_config, faults, error);
}

harborai_status setup_load(const struct command *command, const struct arguments *arguments,
                           struct config **ret_config, struct config_faults *faults,
                           struct config_faults *warnings, harborai_error *error)
{
    return load(command, arguments, false, ret_config, faults, warnings, error);
}

static struct config *load_aloud(const struct command *command, const struct arguments *arguments,
                                 bool without_commands)
{
    struct config_faults faults, warnings;
    harborai_error error = HARBORAI_ERROR_INIT;
    struct config *config = NULL;

    config_faults_init(&faults);
    config_faults_init(&warnings);
    if (load(command, arguments, without_commands, &config, &faults, &warnings, &error) < 0) {
        setup_print_faults(&faults, "");
        if (faults.count == 0)
            command_complain("%s", error.message);
        config = NULL;
    }
    config_faults_release(&faults);
    config_faults_release(&warnings);
    return config;
}

struct config *setup_config(const struct command *command, const struct arguments *arguments)
{
    return load_aloud(command, arguments, false);
}

struct config *setup_config_without_keys(const struct command *command,
                                         const struct arguments *arguments)
{
    return load_aloud(command, arguments, true);
}

static void init_log(struct log *log, enum log_level level)
{
    log_init(log, STDERR_FILENO, level);
    log_set_mask(log, masker_apply_all);
}

void setup_log(struct log *log, const struct config *config)
{
    init_log(log, config->log_level);
}

enum log_level setup_quiet_level(const struct config *config)
{
    return config->log_level == LOG_LEVEL_INFO ? LOG_LEVEL_WARN : config->log_level;
}

void setup_quiet_log(struct log *log, const struct config *config)
{
    init_log(log, setup_quiet_level(config));
}

enum exit_code setup_runtime(struct config *config, struct log *log, struct runtime **ret_runtime)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    if (config == NULL)
        return EXIT_CONFIG;
    setup_quiet_log(log, config);
    AUTO(config_faults) faults;
    config_faults_init(&faults);
    struct runtime_options with = {.log = log, .loops = 1, .with_user_plugins = true,
                                   .system_plugin_dir = PLUGINDIR, .faults = &faults};
    if (runtime_create(config, &with, ret_runtime, &error) < 0) {
        config_destroy(config);
        return setup_fail(&faults, &error);
    }
    return EXIT_OK;
}

harborai_status setup_catalog(const struct config *config, struct plugin_catalog **ret_catalog,
                              harborai_error *error)
{
    char *user = discover_user_directory();
    struct discover_options where = {.files = config->plugin_files.items,
                                     .file_count = config->plugin_files.count,
                                     .environment = discover_environment(),
                                     .configuration = config->plugin_path.items,
                                     .configuration_count = config->plugin_path.count,
                                     .user = user,
                                     .system = PLUGINDIR,
                                     .trust = trust_rules_of(config),
                                     .builtin = builtin_of_program(),
                                     .one_a_provider = !config->has_file};
    harborai_status st = plugin_catalog_create(&where, ret_catalog, error);
    free(user);
    return st;
}

bool setup_check_provider(struct runtime *runtime, harborai_str name)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    if (model_map_check_provider(runtime_models(runtime), name, &error) >= 0)
        return true;
    command_complain("%s", error.message);
    return false;
}

static bool has_a_plugin(const struct plugin_catalog *catalog)
{
    for (size_t i = 0; i < catalog->file_count; i++)
        if (catalog->files[i].state == PLUGIN_FILE_KNOWN)
            return true;
    return false;
}

void setup_add_what_to_set(struct runtime *runtime, struct buf *text)
{
    size_t count;
    const struct model_map_dormant *dormants = model_map_dormants(runtime_models(runtime), &count);
    if (!has_a_plugin(runtime_plugins(runtime))) {
        buf_printf(text, ", for there is no plugin: HARBORAI_PLUGIN_PATH names directories to look in; "
                         "'harborai list-plugins' tells of those refused");
        return;
    }
    buf_printf(text, ": ");
    for (size_t i = 0; i < count; i++)
        buf_printf(text, "%s%.*s for plugin '%.*s'", i == 0 ? "set " : ", ",
                   SLICE_ARG(dormants[i].missing), SLICE_ARG(dormants[i].manifest->provider));
    buf_printf(text, "%s 'harborai list-plugins' shows the plugins",
               count > 0 ? ", or name providers in a configuration;"
                         : "name providers in the configuration;");
}

harborai_status setup_check_certificate(const struct config *config, struct config_faults *faults)
{
    const struct setting *setting = settings_find(HARBORAI_STR("server.tls.certificate"));
    harborai_error why = HARBORAI_ERROR_INIT;
    harborai_status st = tls_check(&config->tls, &why);
    if (st < 0)
        config_faults_add(faults, config->origins[setting - settings].place, "%s", why.message);
    return st;
}
