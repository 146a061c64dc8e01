/* SPDX-License-Identifier: MIT */
/* harborai logs: the last calls, as the journal has them. Must never change a file of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "chat/usage.h"
#include "cli/command.h"
#include "cli/setup.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "json_scan.h"
#include "json_value.h"
#include "store/journal_read.h"
#include "wire/json_write.h"

#define USUAL_COUNT 20
#define MOST_COUNT 1000000

static const struct option_spec options[] = {
    {"number", 'n', "N", "how many calls (default 20)"},
    {"json", 0, NULL, "as JSON, a call a line"},
    {"state-dir", 0, "DIR", "where the journal is kept"},
    {NULL, 0, NULL, NULL},
};

/* --- Gathering ------------------------------------------------------------------------------- */

/* The calls come newest first and are printed oldest first: a line of JSON each, kept until then. */
struct gathered {
    struct buf lines;                /* one behind the other */
    size_t *ends;                    /* of each; owned */
    enum journal_call_state *states; /* owned */
    size_t count;
};

static void gathered_release(struct gathered *g)
{
    buf_release(&g->lines);
    free(g->ends);
    free(g->states);
}

static harborai_str line_of(const struct gathered *g, size_t i)
{
    size_t begin = i > 0 ? g->ends[i - 1] : 0;
    return (harborai_str){g->lines.data + begin, g->ends[i] - begin};
}

static bool gather(struct journal_reader *reader, size_t most, struct gathered *g)
{
    struct journal_call call;
    g->ends = calloc(most, sizeof *g->ends);
    g->states = calloc(most, sizeof *g->states);
    while (g->ends != NULL && g->states != NULL && g->count < most &&
           journal_reader_next(reader, &call)) {
        journal_call_write(&call, &g->lines);
        g->states[g->count] = call.state;
        g->ends[g->count++] = g->lines.len;
    }
    if (g->ends != NULL && g->states != NULL && g->lines.failed == HARBORAI_OK)
        return true;
    command_complain("so many calls do not fit into memory: ask for fewer with -n");
    return false;
}

/* --- Printing -------------------------------------------------------------------------------- */

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
    if (state == JOURNAL_CALL_UNDER_WAY)
        outcome = HARBORAI_STR("under way");
    else if (state == JOURNAL_CALL_LOST)
        outcome = HARBORAI_STR("lost");
    else if (slice_is(outcome, "error"))
        outcome = text_of(line, "/error/code", scratch);
    table_cell(table, outcome);
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

static void print_row(struct table *table, harborai_str line, enum journal_call_state state,
                      struct buf *scratch)
{
    print_time(table, number_of(line, "begin_ns"));
    table_cell(table, text_of(line, "/model", scratch));
    table_cell(table, text_of(line, "/provider", scratch));
    print_status(table, line, state, scratch);
    print_tokens(table, line);
    print_cost(table, line, scratch);
    print_duration(table, line);
    table_cell(table, text_of(line, "/id", scratch));
}

static void print_table(const struct gathered *g, bool with_color)
{
    static const char *const heads[] = {"TIME", "MODEL", "PROVIDER", "STATUS", "IN",
                                        "OUT",  "COST",  "DURATION", "ID"};
    AUTO(buf) scratch = BUF_INIT(LIMIT_JOURNAL_LINE + 1);
    struct table table;
    table_init(&table, ARRAY_LEN(heads));
    table.to_the_right[4] = table.to_the_right[5] = table.to_the_right[7] = true;
    for (size_t i = 0; i < ARRAY_LEN(heads); i++)
        table_cell(&table, slice_of(heads[i]));
    for (size_t i = g->count; i-- > 0;)
        print_row(&table, line_of(g, i), g->states[i], &scratch);
    table_print(&table, terminal_width(STDOUT_FILENO), with_color);
    table_release(&table);
}

/* --- The command ----------------------------------------------------------------------------- */

static void on_fault(void *context UNUSED, const char *text)
{
    command_complain("%s", text);
}

static bool read_count(const struct arguments *arguments, size_t *ret_count)
{
    const char *text = command_argument(&command_logs, arguments, "number");
    uint64_t count = USUAL_COUNT;
    if (text != NULL && (!slice_to_u64(slice_of(text), &count) || count == 0 || count > MOST_COUNT)) {
        command_complain("-n: '%s' is not a number from 1 to %d", text, MOST_COUNT);
        return false;
    }
    *ret_count = (size_t)count;
    return true;
}

static enum exit_code show(const struct arguments *arguments, const struct config *config,
                           size_t count)
{
    struct gathered g = {.lines = BUF_INIT(MIB(1024))};
    harborai_error error = HARBORAI_ERROR_INIT;
    struct journal_reader *reader;
    if (journal_reader_create(config->state_dir, on_fault, NULL, &reader, &error) < 0)
        return command_fail(&error);
    bool has_room = gather(reader, count, &g);
    journal_reader_destroy(reader);
    if (!has_room) {
        gathered_release(&g);
        return EXIT_FAILED;
    }
    if (command_argument(&command_logs, arguments, "json") != NULL)
        for (size_t i = g.count; i-- > 0;)
            printf("%.*s\n", SLICE_ARG(line_of(&g, i)));
    else if (g.count > 0)
        print_table(&g, command_has_color(arguments, STDOUT_FILENO));
    if (g.count == 0 && !command_is_quiet(arguments))
        command_complain("no call is on record in '%.*s'", SLICE_ARG(config->state_dir));
    gathered_release(&g);
    return command_finish();
}

static enum exit_code run(const struct arguments *arguments)
{
    size_t count;
    if (!read_count(arguments, &count))
        return EXIT_USAGE;
    struct config *config = setup_config_without_keys(&command_logs, arguments);
    if (config == NULL)
        return EXIT_CONFIG;
    enum exit_code code = EXIT_CONFIG;
    if (config->state_dir.len > 0)
        code = show(arguments, config, count);
    else
        command_complain("there is no state directory: set --state-dir, HARBORAI_STATE_DIR or HOME");
    config_destroy(config);
    return code;
}

const struct command command_logs = {
    .name = "logs",
    .summary = "Show the last calls of the journal",
    .more = "The newest call stands last. What of the journal cannot be read is named and left out.",
    .options = options,
    .run = run,
};
