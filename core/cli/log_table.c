/* SPDX-License-Identifier: MIT */
/* Rows of calls. Must never fail because of a member that is missing: its cell is empty. */
#include "cli/log_table.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/limits.h"
#include "chat/usage.h"
#include "cli/terminal.h"
#include "json_scan.h"
#include "json_value.h"

/* The text of a member; nothing if it is no string. Borrowed from `scratch` or the line. */
static harborai_str text_of(harborai_str line, const char *pointer, struct buf *scratch)
{
    harborai_str value = json_pointer_find(line, slice_of(pointer)), text = SLICE_NONE;
    buf_clear(scratch);
    char *room = buf_reserve(scratch, value.len + 1);
    if (value.len == 0 || room == NULL || json_string(value, room, value.len, &text) < 0)
        return SLICE_NONE;
    return text;
}

static int64_t number_of(harborai_str line, const char *name)
{
    int64_t number = -1;
    (void)json_int64(json_member(line, slice_of(name)), &number);
    return number;
}

/* In the time zone of whoever reads. */
static void print_time(struct table *table, int64_t at_ns)
{
    char text[32] = "";
    time_t seconds = (time_t)(at_ns / NS_PER_S);
    struct tm local;
    if (at_ns > 0 && localtime_r(&seconds, &local) != NULL)
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local);
    table_cell(table, slice_of(text));
}

static void print_status(struct table *table, harborai_str line, enum journal_call_state state,
                         struct buf *scratch)
{
    harborai_str outcome = text_of(line, "/outcome", scratch);
    enum table_color color = slice_is(outcome, "ok") ? TABLE_GOOD : TABLE_DIM;
    if (state == JOURNAL_CALL_UNDER_WAY) {
        outcome = HARBORAI_STR("under way");
    } else if (state == JOURNAL_CALL_LOST) {
        outcome = HARBORAI_STR("lost");
    } else if (slice_is(outcome, "error")) {
        outcome = text_of(line, "/error/code", scratch);
        color = TABLE_BAD;
    }
    table_cell_colored(table, outcome, color);
}

static void print_tokens(struct table *table, harborai_str line)
{
    harborai_usage usage = {.known_mask = 0};
    harborai_str tokens = json_member(line, HARBORAI_STR("tokens"));
    char text[2][24] = {"", ""};
    for (unsigned c = 0; c < HARBORAI_USAGE_CLASSES; c++) {
        const char *name = usage_class_name(c);
        int64_t count;
        if (name == NULL || !json_int64(json_member(tokens, slice_of(name)), &count) || count < 0 ||
            count > INT64_MAX / HARBORAI_USAGE_CLASSES)
            continue;
        usage.count[c] = count;
        usage.known_mask |= UINT64_C(1) << c;
    }
    if (usage.known_mask != 0) {
        snprintf(text[0], sizeof text[0], "%lld", (long long)usage_input_total(&usage));
        snprintf(text[1], sizeof text[1], "%lld", (long long)usage_output_total(&usage));
    }
    table_cell(table, slice_of(text[0]));
    table_cell(table, slice_of(text[1]));
}

static void print_cost(struct table *table, harborai_str line, struct buf *scratch)
{
    AUTO(buf) cost = BUF_INIT(KIB(4));
    buf_add(&cost, text_of(line, "/cost", scratch));
    if (cost.len > 0) {
        buf_add_char(&cost, ' ');
        buf_add(&cost, text_of(line, "/currency", scratch));
    }
    table_cell(table, buf_slice(&cost));
}

static void print_duration(struct table *table, harborai_str line)
{
    char text[32] = "";
    int64_t begin_ns = number_of(line, "begin_ns"), end_ns = number_of(line, "end_ns");
    if (begin_ns >= 0 && end_ns >= begin_ns)
        snprintf(text, sizeof text, "%lld.%03lld s", (long long)((end_ns - begin_ns) / NS_PER_S),
                 (long long)((end_ns - begin_ns) / NS_PER_MS % 1000));
    table_cell(table, slice_of(text));
}

static void start(struct log_table *t, const char *const *heads, size_t count)
{
    table_init(&t->table, count);
    buf_init(&t->scratch, LIMIT_JOURNAL_LINE + 1);
    for (size_t i = 0; i < count; i++)
        table_cell(&t->table, slice_of(heads[i]));
}

void log_table_init(struct log_table *table, bool of_ids, bool with_color)
{
    static const char *const heads[] = {"TIME", "MODEL", "PROVIDER", "STATUS", "IN",
                                        "OUT",  "COST",  "DURATION", "ID"};
    static const char *const id_heads[] = {"TIME", "ID", "TRACE ID", "STATUS"};
    *table = (struct log_table){.of_ids = of_ids, .with_color = with_color};
    if (of_ids) {
        start(table, id_heads, ARRAY_LEN(id_heads));
        return;
    }
    start(table, heads, ARRAY_LEN(heads));
    table->table.to_the_right[4] = table->table.to_the_right[5] = true;
    table->table.to_the_right[7] = true;
}

void log_table_release(struct log_table *table)
{
    table_release(&table->table);
    buf_release(&table->scratch);
}

/* As wide as most calls need it, so that those which come later stand below each other. */
void log_table_widen(struct log_table *table)
{
    static const unsigned char widths[] = {19, 20, 10, 13, 6, 6, 14, 9, 25};
    for (size_t i = 0; !table->of_ids && i < ARRAY_LEN(widths); i++)
        table_least(&table->table, i, widths[i]);
}

void log_table_add(struct log_table *table, harborai_str line, enum journal_call_state state)
{
    struct table *cells = &table->table;
    struct buf *scratch = &table->scratch;
    print_time(cells, number_of(line, "begin_ns"));
    if (table->of_ids) {
        table_cell(cells, text_of(line, "/id", scratch));
        table_cell(cells, text_of(line, "/trace_id", scratch));
        print_status(cells, line, state, scratch);
        return;
    }
    table_cell(cells, text_of(line, "/model", scratch));
    table_cell(cells, text_of(line, "/provider", scratch));
    print_status(cells, line, state, scratch);
    print_tokens(cells, line);
    print_cost(cells, line, scratch);
    print_duration(cells, line);
    table_cell_colored(cells, text_of(line, "/id", scratch), TABLE_DIM);
}

void log_table_print(struct log_table *table)
{
    table_print(&table->table, terminal_width(STDOUT_FILENO), table->with_color);
}
