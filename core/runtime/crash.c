/* SPDX-License-Identifier: MIT */
/* Plugins in which a process died: marks are set before their code runs, where that was asked for, and
 * what others left is heeded. Must never keep anything from being loaded that is not marked. */
#include <string.h>

#include "runtime/crash_subject.h"
#include "runtime/state.h"

/* Of the plugin that this thread loads, or lets go: all that a handler may look at. */
static _Thread_local const char *volatile entered;

const char *runtime_running_plugin(void)
{
    return entered != NULL ? entered : engine_running_plugin();
}

/* ---- Marks ------------------------------------------------------------------------------------ */

/* Once: a disk that is full, or a directory that is not ours, is no better the next time. */
static void tell(struct runtime *runtime, const harborai_error *error)
{
    if (!atomic_exchange(&runtime->marks_fail, true))
        log_write(runtime->options.log, LOG_LEVEL_WARN, "plugin.unmarked", "error='%s' help='%s'",
                  error->message, "plugins are loaded all the same: should one end the process, the "
                                  "next start does not know which");
}

void crash_enter(const struct provider_services *services, const struct provider *provider,
                 enum plugin_stage stage)
{
    struct runtime_provider *p = CONTAINER_OF((uintptr_t)services, struct runtime_provider, services);
    struct runtime *runtime = p->runtime;
    harborai_error error = HARBORAI_ERROR_INIT;
    const struct crash_subject subject =
        crash_subject_of(provider->path, provider->manifest, &provider->identity);
    entered = stage != PLUGIN_STAGE_NONE ? provider->manifest->id.data : NULL;
    if (runtime->marks.directory == NULL)
        return;
    if (stage == PLUGIN_STAGE_NONE)
        crash_mark_clear(&runtime->marks, &p->mark);
    else if (crash_mark_set(&runtime->marks, &p->mark, &subject, plugin_stage_name(stage),
                            services->clock, &error) < 0)
        tell(runtime, &error);
}

/* ---- What others left ------------------------------------------------------------------------- */

/* What serves here, out of the same file, does not go for what another process had of it. */
const struct crash *crash_find(const struct runtime *runtime, const char *path,
                               const struct manifest *manifest,
                               const struct file_identity *identity)
{
    const struct crash_subject subject = crash_subject_of(path, manifest, identity);
    const struct crash *crash = plugin_state_crash(runtime->switches, &subject);
    return crash != NULL && provider_is_any_of(runtime, path, identity) ? NULL : crash;
}

void crash_log(struct runtime *runtime)
{
    const struct plugin_catalog *catalog = runtime->catalog;
    for (size_t i = 0; i < catalog->file_count; i++) {
        const struct plugin_file *file = &catalog->files[i];
        const struct crash *crash =
            file->state == PLUGIN_FILE_KNOWN
                ? crash_find(runtime, file->path, file->manifest, &file->identity)
                : NULL;
        if (crash != NULL)
            log_write(runtime->options.log, LOG_LEVEL_WARN, "plugin.crashed",
                      "file='%s' stage=%s since=%s help='a process died in it, so it is left out, and "
                      "the others go on: update it, or have it tried again by: harborai plugin "
                      "enable %s'", file->path, crash->stage.data, crash->since.data,
                      file->manifest->id.data);
    }
}
