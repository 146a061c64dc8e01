/* SPDX-License-Identifier: MIT */
/* Tables on a terminal. */
#include "cli/table.h"

#include <stdio.h>

#include "base/limits.h"
#include "cli/terminal.h"

#define GAP 2
#define BOLD "\033[1m"
#define PLAIN "\033[0m"

/* Of the terminal's own palette, so that they can be read on dark and light ones. */
static const char *const colors[] = {[TABLE_PLAIN] = "",
                                     [TABLE_GOOD] = "\033[32m",
                                     [TABLE_BAD] = "\033[31m",
                                     [TABLE_DIM] = "\033[90m"};

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
    table_cell_colored(table, text, TABLE_PLAIN);
}

void table_cell_colored(struct table *table, harborai_str text, enum table_color color)
{
    size_t start = table->cells.len + 1, column = table->at;
    buf_add_char(&table->cells, (char)color);
    terminal_add_line(&table->cells, text);
    buf_add_char(&table->cells, '\0');
    table->at = (column + 1) % table->columns;
    if (table->cells.failed != HARBORAI_OK)
        return;
    size_t width = terminal_width_of(slice_of(table->cells.data + start));
    if (width > table->widths[column])
        table->widths[column] = width;
}

void table_least(struct table *table, size_t column, size_t width)
{
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
    const char *before[TABLE_COLUMNS_MAX], *behind[TABLE_COLUMNS_MAX]; /* what makes the colour */
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
            printf("%s%s%s", row->before[i], row->cells[i], row->behind[i]);
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
        printf("%s %s%s%s", heads->cells[i], row->before[i], row->cells[i], row->behind[i]);
        used = (is_new ? 0 : used) + GAP + len;
    }
    if (used > 0)
        putchar('\n');
}

static const char *read_row(const struct table *table, const char *at, bool with_color,
                            struct row *row)
{
    for (size_t i = 0; i < table->columns; i++) {
        bool is_colored = with_color && *at != TABLE_PLAIN;
        row->before[i] = is_colored ? colors[(unsigned char)*at] : "";
        row->behind[i] = is_colored ? PLAIN : "";
        row->cells[i] = at + 1;
        at += strlen(at + 1) + 2;
    }
    return at;
}

static void print_heads(struct table *table, const struct row *heads, size_t beside,
                        bool with_color)
{
    fputs(with_color ? BOLD : "", stdout);
    print_beside(table, heads, beside);
    puts(with_color ? PLAIN : "");
}

void table_print(struct table *table, size_t width, bool with_color)
{
    size_t beside = columns_that_fit(table, width);
    const char *at = table->cells.data, *end = at + table->cells.len;
    struct row heads, row;
    if (table->cells.len == 0 || table->cells.failed != HARBORAI_OK || table->at != 0)
        return;
    at = read_row(table, at, with_color, &heads);
    if (table->heads_len == 0)
        print_heads(table, &heads, beside, with_color);
    table->heads_len = (size_t)(at - table->cells.data);
    while (at < end) {
        at = read_row(table, at, with_color, &row);
        print_beside(table, &row, beside);
        putchar('\n');
        print_below(table, &heads, &row, beside, width);
    }
    table->cells.len = table->heads_len;
}
