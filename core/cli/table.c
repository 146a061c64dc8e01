/* SPDX-License-Identifier: MIT */
/* Tables on a terminal. */
#include "cli/table.h"

#include <stdio.h>
#include <wchar.h>

#include "base/limits.h"

void table_init(struct table *table, size_t columns)
{
    *table = (struct table){.columns = columns};
    buf_init(&table->cells, MIB(16));
}

void table_release(struct table *table)
{
    buf_release(&table->cells);
}

/* Columns on a terminal; of text that is not UTF-8, bytes. */
static size_t width_of(const char *text)
{
    mbstate_t state = {0};
    wchar_t wide[256] = {0};
    const char *at = text;
    size_t count = mbsrtowcs(wide, &at, ARRAY_LEN(wide), &state);
    int width = count == (size_t)-1 ? -1 : wcswidth(wide, count);
    return width < 0 ? strlen(text) : (size_t)width;
}

void table_cell(struct table *table, harborai_str text)
{
    size_t start = table->cells.len, column = table->at;
    for (size_t i = 0; i < text.len; i++)
        buf_add_char(&table->cells, (unsigned char)text.data[i] < ' ' ? '?' : text.data[i]);
    buf_add_char(&table->cells, '\0');
    table->at = (column + 1) % table->columns;
    if (table->cells.failed != HARBORAI_OK)
        return;
    size_t width = width_of(table->cells.data + start);
    if (width > table->widths[column])
        table->widths[column] = width;
}

void table_print(const struct table *table)
{
    size_t column = 0;
    const char *cell = table->cells.data, *end = cell + table->cells.len;
    for (; cell < end; cell += strlen(cell) + 1) {
        bool last = column + 1 == table->columns;
        size_t pad = last ? 0 : table->widths[column] + 2 - width_of(cell);
        printf("%s%*s%s", cell, (int)pad, "", last ? "\n" : "");
        column = last ? 0 : column + 1;
    }
}
