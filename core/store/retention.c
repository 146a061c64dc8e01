/* SPDX-License-Identifier: MIT */
/* Removes what is old. Must never remove what is in use, nor what it does not know. */
#include "store/retention.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "store/copied_mark.h"

enum { STORES = 2 };

static bool remove_file(const struct upkeep_tools *tools, const char *segment, const char *suffix)
{
    char file[JOURNAL_NAME_MOST + 16];
    snprintf(file, sizeof file, "%s%s", segment, suffix);
    return unlinkat(tools->directory, file, 0) == 0 || errno == ENOENT;
}

/* The compressed one first: the plain one is what counts if this is broken off. */
static bool remove_segment(const struct upkeep_tools *tools, const char *segment)
{
    return remove_file(tools, segment, ".jsonl.zst") && remove_file(tools, segment, ".jsonl");
}

/* Whether each store has it. */
static bool is_copied(const struct buf marks[static STORES], unsigned stores, const char *segment)
{
    for (unsigned i = 0; i < STORES; i++)
        if ((stores >> i & 1) != 0 && !copied_mark_covers(buf_slice(&marks[i]), slice_of(segment)))
            return false;
    return true;
}

static harborai_status run(const struct upkeep_tools *tools, struct journal_list *list,
                           int64_t age_ns, const struct buf *marks, unsigned stores,
                           int64_t *ret_next_ns, size_t *ret_kept, harborai_error *error)
{
    int64_t oldest_ns = clock_wall_ns(tools->clock) - age_ns, next_ns = CLOCK_NEVER_NS;
    harborai_status st = HARBORAI_OK;
    char why[128];
    size_t kept = 0, removed = 0, waiting = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct journal_file *file = &list->files[i];
        bool is_old = !file->is_live && file->mtime_ns < oldest_ns;
        if (is_old && !is_copied(marks, stores, file->name)) {
            waiting++;
            list->files[kept++] = *file;
            continue;
        }
        if (is_old && remove_segment(tools, file->name)) {
            removed++;
            continue;
        }
        if (is_old)
            st = harborai_error_set(error, HARBORAI_E_INTERNAL, "cannot remove segment '%s': %s",
                                    file->name, error_of_errno(errno, why));
        else if (!file->is_live && file->mtime_ns + age_ns < next_ns)
            next_ns = file->mtime_ns + age_ns;
        list->files[kept++] = *file;
    }
    list->count = kept;
    if (removed > 0)
        log_write(tools->log, LOG_LEVEL_INFO, "journal.expired", "segments=%zu", removed);
    *ret_next_ns = next_ns;
    *ret_kept = waiting;
    return st;
}

harborai_status retention_run(const struct upkeep_tools *tools, struct journal_list *list,
                              int64_t age_ns, unsigned stores, int64_t *ret_next_ns,
                              size_t *ret_kept, harborai_error *error)
{
    static const char *const names[STORES] = {"sqlite", "postgres"};
    struct buf marks[STORES];
    for (unsigned i = 0; i < STORES; i++) {
        buf_init(&marks[i], MIB(16));
        if ((stores >> i & 1) != 0)
            copied_mark_read(tools->directory, names[i], &marks[i]);
    }
    harborai_status st =
        run(tools, list, age_ns, marks, stores, ret_next_ns, ret_kept, error);
    for (unsigned i = 0; i < STORES; i++)
        buf_release(&marks[i]);
    return st;
}
