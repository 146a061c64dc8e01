/* SPDX-License-Identifier: MIT */
/* Opens the index for a command. */
#include "cli/call_index.h"

#define BATCH 512

static harborai_status catch_up(struct index *index, const struct config *config,
                                harborai_error *error)
{
    const struct drain_settings settings = {
        .state_dir = config->state_dir, .clock = &clock_system, .batch = BATCH};
    struct drain_status status;
    bool is_ours = false;
    harborai_status st = drain_once(&settings, index_store(index), &is_ours, &status, error);
    if (status.refused > 0)
        command_complain("%llu lines of the journal are no calls, and were left out",
                         (unsigned long long)status.refused);
    if (st < 0 || is_ours)
        return st;
    return index_open_to_read(index, error);
}

struct index *call_index_open(const struct config *config, harborai_error *error)
{
    struct index *index = NULL;
    if (index_create(config->state_dir, &index, error) == HARBORAI_OK &&
        catch_up(index, config, error) == HARBORAI_OK)
        return index;
    index_destroy(index);
    return NULL;
}

int64_t call_index_age_ns(const struct config *config)
{
    int64_t days = config->journal_retention_days;
    return days > 0 ? (days + 1) * 24 * 3600 * NS_PER_S : 0;
}
