/* SPDX-License-Identifier: MIT */
/* Columns for people: as wide as their widest cell, two blanks between them. Wide characters count
 * as two. Where the lines do not fit, the last columns go below, behind their heads. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "base/buf.h"

enum { TABLE_COLUMNS_MAX = 10 };

enum table_color { TABLE_PLAIN, TABLE_GOOD, TABLE_BAD, TABLE_DIM };

struct table {
    size_t columns;
    struct buf cells; /* each with its colour before it and a NUL behind it, row by row; the first row
                         are the heads */
    size_t heads_len; /* bytes of that row; 0: nothing was printed yet */
    size_t widths[TABLE_COLUMNS_MAX];
    bool to_the_right[TABLE_COLUMNS_MAX]; /* numbers */
    size_t at; /* column of the next cell */
};

void table_init(struct table *table, size_t columns);
void table_release(struct table *table);

/* The next cell. Control characters become visible. */
void table_cell(struct table *table, harborai_str text);

/* The same in a colour, which is seen where the table is printed with colours. */
void table_cell_colored(struct table *table, harborai_str text, enum table_color color);

/* No less than so wide, whatever is in it. */
void table_least(struct table *table, size_t column, size_t width);

/* To stdout, what was not printed yet: the heads are only once, so that rows may follow. `width`: columns of the terminal, 0 = as wide as it takes. */
void table_print(struct table *table, size_t width, bool with_color);

#endif
