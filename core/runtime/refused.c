/* SPDX-License-Identifier: MIT */
/* What the log is told of plugins that are not used, and of those that are whoever may write to them.
 * [keeper] */
#include <string.h>

#include "runtime/state.h"

void refused_warn_of_trust(const struct runtime *runtime, const struct config *config)
{
    if (config->plugin_trust == CONFIG_TRUST_OFF)
        log_write(runtime->options.log, LOG_LEVEL_WARN, "plugin.trust",
                  "state=off reason='plugins are loaded whoever may write to them' help='take "
                  "plugin_trust out of the configuration, unless this is for development'");
}

static bool was_so(const struct plugin_catalog *before, const struct plugin_file *file)
{
    for (size_t i = 0; before != NULL && i < before->file_count; i++)
        if (before->files[i].state == file->state && strcmp(before->files[i].path, file->path) == 0 &&
            strcmp(before->files[i].error.message, file->error.message) == 0)
            return true;
    return false;
}

static bool was_refused(const struct plugin_catalog *before, const struct plugin_directory *directory)
{
    for (size_t i = 0; before != NULL && i < before->directory_count; i++)
        if (strcmp(before->directories[i].path, directory->path) == 0 &&
            strcmp(before->directories[i].error.message, directory->error.message) == 0)
            return true;
    return false;
}

void refused_log(const struct runtime *runtime, const struct plugin_catalog *before)
{
    const struct plugin_catalog *catalog = runtime->catalog;
    for (size_t i = 0; i < catalog->directory_count; i++)
        if (catalog->directories[i].error.code < 0 && !was_refused(before, &catalog->directories[i]))
            log_write(runtime->options.log, LOG_LEVEL_WARN, "plugin.directory",
                      "directory='%s' reason='%s'", catalog->directories[i].path,
                      catalog->directories[i].error.message);
    for (size_t i = 0; i < catalog->file_count; i++) {
        const struct plugin_file *file = &catalog->files[i];
        if (was_so(before, file))
            continue;
        if (file->state == PLUGIN_FILE_REFUSED)
            log_write(runtime->options.log, LOG_LEVEL_WARN, "plugin.refused",
                      "file='%s' reason='%s'", file->path, file->error.message);
        else if (file->state == PLUGIN_FILE_SHADOWED)
            log_write(runtime->options.log, file->is_rival ? LOG_LEVEL_WARN : LOG_LEVEL_INFO,
                      "plugin.shadowed", "file='%s' reason='%s'", file->path, file->error.message);
    }
}
