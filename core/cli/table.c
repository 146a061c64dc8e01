/* SPDX-License-Identifier: MIT */
/* Tables on a terminal. */
#include "cli/table.h"

#include <stdio.h>

#include "base/limits.h"
#include "cli/terminal.h"

#define GAP 2
#define BOLD "\033[1m"
#define PLAIN "\033[0m"

void table_init(struct table *table, size_t columns)
{
    *table = (struct table){.columns = columns};
    buf_init(&table->cells, MIB(64));
}

void table_release(struct table *table)
{
    buf_release(&table->cells);
}

void table_cell(struct table *table, harborai_str text)
{
    size_t start = table->cells.len, column = table->at;
    terminal_add_line(&table->cells, text);
    buf_add_char(&table->cells, '\0');
    table->at = (column + 1) % table->columns;
    if (table->cells.failed != HARBORAI_OK)
        return;
    size_t width = terminal_width_of(slice_of(table->cells.data + start));
    if (width > table->widths[column])
        table->widths[column] = width;
}

/* How many columns stand beside each other; the others go below. */
static size_t columns_that_fit(const struct table *table, size_t width)
{
    size_t used = 0, count = 0;
    for (; count < table->columns; count++) {
        used += table->widths[count] + (count > 0 ? GAP : 0);
        if (width > 0 && count > 0 && used > width)
            break;
    }
    return count;
}

static void print_blanks(size_t count)
{
    printf("%*s", (int)count, "");
}

struct row {
    const char *cells[TABLE_COLUMNS_MAX];
};

/* Blanks are owed and paid by the next cell that is not empty: no line ends with them. */
static void print_beside(const struct table *table, const struct row *row, size_t count)
{
    size_t owed = 0;
    for (size_t i = 0; i < count; i++) {
        size_t width = terminal_width_of(slice_of(row->cells[i]));
        size_t pad = table->widths[i] - width;
        if (width > 0) {
            print_blanks(owed + (table->to_the_right[i] ? pad : 0));
            fputs(row->cells[i], stdout);
            owed = table->to_the_right[i] ? 0 : pad;
        } else {
            owed += pad;
        }
        owed += GAP;
    }
}

/* "HEAD value" of each, as many in a line as fit. */
static void print_below(const struct table *table, const struct row *heads, const struct row *row,
                        size_t from, size_t width)
{
    size_t used = 0;
    for (size_t i = from; i < table->columns; i++) {
        if (row->cells[i][0] == '\0')
            continue;
        size_t len = terminal_width_of(slice_of(heads->cells[i])) + 1 +
                     terminal_width_of(slice_of(row->cells[i]));
        bool is_new = used == 0 || used + GAP + len > width;
        if (is_new && used > 0)
            putchar('\n');
        print_blanks(GAP);
        printf("%s %s", heads->cells[i], row->cells[i]);
        used = (is_new ? 0 : used) + GAP + len;
    }
    if (used > 0)
        putchar('\n');
}

static const char *read_row(const struct table *table, const char *at, struct row *row)
{
    for (size_t i = 0; i < table->columns; i++) {
        row->cells[i] = at;
        at += strlen(at) + 1;
    }
    return at;
}

void table_print(const struct table *table, size_t width, bool with_color)
{
    size_t beside = columns_that_fit(table, width);
    const char *at = table->cells.data, *end = at + table->cells.len;
    struct row heads, row;
    if (table->cells.len == 0 || table->cells.failed != HARBORAI_OK || table->at != 0)
        return;
    at = read_row(table, at, &heads);
    fputs(with_color ? BOLD : "", stdout);
    print_beside(table, &heads, beside);
    puts(with_color ? PLAIN : "");
    while (at < end) {
        at = read_row(table, at, &row);
        print_beside(table, &row, beside);
        putchar('\n');
        print_below(table, &heads, &row, beside, width);
    }
}
