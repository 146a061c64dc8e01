/* SPDX-License-Identifier: MIT */
/* The journal's files that no loop writes to: who looks after them, and by which settings. */
#include "runtime/state.h"

#define NS_PER_DAY (24 * 3600 * NS_PER_S)

static struct upkeep_settings settings_of(const struct config *config)
{
    unsigned stores = (config->has_index ? (unsigned)RETENTION_SQLITE : 0) |
                      (config->postgres.is_configured ? (unsigned)RETENTION_POSTGRES : 0);
    return (struct upkeep_settings){.retention_ns = config->journal_retention_days * NS_PER_DAY,
                                    .stores = stores,
                                    .compresses = config->journal_compress};
}

void segments_start(struct runtime *runtime)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    struct upkeep_settings settings = settings_of(atomic_load(&runtime->config.current));
    if (!runtime->options.with_upkeep)
        return;
    harborai_status st = upkeep_create(slice_of(runtime->state_dir), &clock_system,
                                       runtime->options.log, &settings, &runtime->upkeep, &error);
    if (st < 0 && st != HARBORAI_E_NOT_FOUND)
        log_write(runtime->options.log, LOG_LEVEL_WARN, "journal.no_upkeep",
                  "error='%s' help='calls are recorded; files of the journal are finished, compressed "
                  "and taken away by the next gateway that can'",
                  error.message);
}

void segments_set(struct runtime *runtime, const struct config *config)
{
    struct upkeep_settings settings = settings_of(config);
    if (runtime->upkeep != NULL)
        upkeep_set(runtime->upkeep, &settings);
}
