/* SPDX-License-Identifier: MIT */
/* Columns for people: as wide as their widest cell, two blanks between them; the last one is not
 * padded. Wide characters count as two. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "base/buf.h"

enum { TABLE_COLUMNS_MAX = 8 };

struct table {
    size_t columns;
    struct buf cells; /* each with a NUL behind it, row by row */
    size_t widths[TABLE_COLUMNS_MAX];
    size_t at; /* column of the next cell */
};

void table_init(struct table *table, size_t columns);
void table_release(struct table *table);

/* The next cell. Control characters become '?'. */
void table_cell(struct table *table, harborai_str text);

/* To stdout. */
void table_print(const struct table *table);

#endif
