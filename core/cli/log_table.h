/* SPDX-License-Identifier: MIT */
/* Calls as rows of a table, from their lines in the journal. */
#ifndef CLI_LOG_TABLE_H
#define CLI_LOG_TABLE_H

#include "cli/table.h"
#include "store/journal_read.h"

struct log_table {
    struct table table;
    struct buf scratch;
    bool of_ids, with_color;
};

/* `of_ids`: their ids, and little else. */
void log_table_init(struct log_table *table, bool of_ids, bool with_color);
void log_table_release(struct log_table *table);

/* For who prints before all calls are known: columns as wide as most calls need them. */
void log_table_widen(struct log_table *table);

void log_table_add(struct log_table *table, harborai_str line, enum journal_call_state state);

/* What was added since the last time; heads only once. */
void log_table_print(struct log_table *table);

#endif
