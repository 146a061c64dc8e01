/* SPDX-License-Identifier: MIT */
/* The configuration as a command finds it: file, environment, its own flags. */
#include <unistd.h>

#include "base/attr.h"
#include "cli/setup.h"

/* Flags that are settings, by their path. */
static const struct {
    const char *flag, *path;
} flags[] = {
    {"host", "server.host"},     {"port", "server.port"}, {"workers", "server.workers"},
    {"state-dir", "state_dir"},  {"log-level", "log.level"}, {"model", "default_model"},
};

static void print_faults(const struct config_faults *faults)
{
    for (unsigned i = 0; i < faults->count; i++) {
        const struct config_fault *f = &faults->items[i];
        char text[2048];
        config_fault_format(f, text, sizeof text);
        command_complain("%s", text);
    }
    if (faults->total > faults->count)
        command_complain("… and %u more", faults->total - faults->count);
}

struct config *setup_config(const struct command *command, const struct arguments *arguments)
{
    struct config_override overrides[ARRAY_LEN(flags)];
    struct config_sources sources = {.file = command_argument(command, arguments, "config"),
                                     .overrides = overrides};
    struct config_faults faults;
    harborai_error error = HARBORAI_ERROR_INIT;
    struct config *config = NULL;

    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        const char *value = command_argument(command, arguments, flags[i].flag);
        if (value != NULL)
            overrides[sources.override_count++] = (struct config_override){flags[i].path, value};
    }
    config_faults_init(&faults);
    if (config_load(&sources, &environment_process, &config, &faults, &error) < 0) {
        print_faults(&faults);
        if (faults.count == 0)
            command_complain("%s", error.message);
        config = NULL;
    }
    config_faults_release(&faults);
    return config;
}

void setup_log(struct log *log, const struct config *config)
{
    log_init(log, STDERR_FILENO, config->log_level);
}

void setup_quiet_log(struct log *log, const struct config *config)
{
    enum log_level level = config->log_level;
    log_init(log, STDERR_FILENO, level == LOG_LEVEL_INFO ? LOG_LEVEL_WARN : level);
}
