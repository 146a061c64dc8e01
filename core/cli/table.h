/* SPDX-License-Identifier: MIT */
/* Columns for people: as wide as their widest cell, two blanks between them. Wide characters count
 * as two. Where the lines do not fit, the last columns go below, behind their heads. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "base/buf.h"

enum { TABLE_COLUMNS_MAX = 10 };

struct table {
    size_t columns;
    struct buf cells; /* each with a NUL behind it, row by row; the first row are the heads */
    size_t widths[TABLE_COLUMNS_MAX];
    bool to_the_right[TABLE_COLUMNS_MAX]; /* numbers */
    size_t at; /* column of the next cell */
};

void table_init(struct table *table, size_t columns);
void table_release(struct table *table);

/* The next cell. Control characters become visible. */
void table_cell(struct table *table, harborai_str text);

/* To stdout. `width`: columns of the terminal, 0 = as wide as it takes. */
void table_print(const struct table *table, size_t width, bool with_color);

#endif
