/* SPDX-License-Identifier: MIT */
/* The calls that end from now on, as they do. */
#ifndef CLI_LOG_FOLLOW_H
#define CLI_LOG_FOLLOW_H

#include "cli/command.h"
#include "cli/log_table.h"
#include "store/journal_watch.h"
#include "store/query.h"

struct log_follow {
    struct journal_watch *watch;   /* owned; opened before what was there is read */
    const struct log_query *query; /* borrowed; the page does not count */
    struct log_table *table;       /* borrowed; NULL: JSON, a call a line */
    bool (*was_shown)(void *context, const struct call *call); /* among those that were there before */
    void *context;
};

/* From now on changes are seen. Complains. */
enum exit_code log_follow_open(struct log_follow *follow, harborai_str state_dir);
void log_follow_close(struct log_follow *follow);

/* Prints until it is interrupted (EXIT_INTERRUPTED), or the reader of stdout leaves (EXIT_FAILED). */
enum exit_code log_follow_run(struct log_follow *follow);

#endif
