/* SPDX-License-Identifier: MIT */
/* What is to be done, in this order: no line is compressed that the recovery would change, nor one that
 * is about to go. */
#include "store/journal_list.h"
#include "store/recovery.h"
#include "store/retention.h"
#include "store/seal.h"
#include "store/upkeep.h"

/* Keeps the first. */
static void keep_error(harborai_status st, const harborai_error *one, harborai_status *first,
                       harborai_error *error)
{
    if (st >= 0 || *first < 0)
        return;
    *first = st;
    if (error != NULL)
        *error = *one;
}

static harborai_status recover(const struct upkeep_tools *tools, struct journal_list *list,
                               struct upkeep_result *result, harborai_error *error)
{
    harborai_status first = HARBORAI_OK;
    for (size_t i = 0; i < list->count && !upkeep_is_stopped(tools); i++) {
        struct journal_file *file = &list->files[i];
        harborai_error one = HARBORAI_ERROR_INIT;
        enum recovery done = RECOVERY_NOT_NEEDED;
        if (file->is_live || file->is_sealed)
            continue;
        harborai_status st = recovery_run(tools, file->name, &done, &one);
        keep_error(st, &one, &first, error);
        result->recovered += done == RECOVERY_DONE;
        result->removed += done == RECOVERY_REMOVED;
        result->is_unsure = result->is_unsure || done == RECOVERY_LIVE;
        file->is_sealed = done == RECOVERY_DONE;
        file->is_live = done == RECOVERY_LIVE;
    }
    return first;
}

static harborai_status compress(const struct upkeep_tools *tools, const struct journal_list *list,
                                struct upkeep_result *result, harborai_error *error)
{
    harborai_status first = HARBORAI_OK;
    for (size_t i = 0; i < list->count && !upkeep_is_stopped(tools); i++) {
        const struct journal_file *file = &list->files[i];
        harborai_error one = HARBORAI_ERROR_INIT;
        enum seal done = SEAL_NOT_NEEDED;
        if (file->is_live || file->is_compressed || !file->is_sealed)
            continue;
        harborai_status st = seal_compress(tools, file->name, &done, &one);
        keep_error(st, &one, &first, error);
        result->compressed += done == SEAL_DONE;
    }
    return first;
}

harborai_status upkeep_pass(const struct upkeep_tools *tools, const struct upkeep_settings *settings,
                            struct upkeep_result *ret_result, harborai_error *error)
{
    struct upkeep_result result = {.next_ns = CLOCK_NEVER_NS};
    harborai_error one = HARBORAI_ERROR_INIT;
    struct journal_list list;
    harborai_status first = journal_list_read(tools->directory, &list, error);
    if (first < 0)
        return first;
    first = recover(tools, &list, &result, error);
    size_t before = list.count;
    if (settings->retention_ns > 0 && !upkeep_is_stopped(tools))
        keep_error(retention_run(tools, &list, settings->retention_ns, settings->stores,
                                 &result.next_ns, &result.kept, &one),
                   &one, &first, error);
    result.removed += before - list.count;
    if (settings->compresses)
        keep_error(compress(tools, &list, &result, &one), &one, &first, error);
    journal_list_release(&list);
    *ret_result = result;
    return first;
}
