/* SPDX-License-Identifier: MIT */
/* harborai logs: the last calls, as the journal has them; those that a filter asks for, as the index
 * has them. Must never change a file of the journal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "chat/usage.h"
#include "cli/call_index.h"
#include "cli/setup.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "json_scan.h"
#include "json_value.h"
#include "store/journal_read.h"
#include "wire/json_write.h"

#define USUAL_COUNT 20
#define MOST_COUNT 1000000

struct asked {
    struct log_query query;
    size_t count;
};

static const struct option_spec options[] = {
    {"number", 'n', "N", "how many calls (default 20)"},
    {"page", 0, "N", "the N-th so many, counted from the newest (default 1)"},
    CALL_QUERY_OPTIONS,
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

static bool make_room(struct gathered *g, size_t most)
{
    g->ends = calloc(most, sizeof *g->ends);
    g->states = calloc(most, sizeof *g->states);
    return g->ends != NULL && g->states != NULL;
}

static bool has_gathered(const struct gathered *g)
{
    if (g->ends != NULL && g->states != NULL && g->lines.failed == HARBORAI_OK)
        return true;
    command_complain("so many calls do not fit into memory: ask for fewer with -n");
    return false;
}

static void note_line(struct gathered *g, enum journal_call_state state)
{
    g->states[g->count] = state;
    g->ends[g->count++] = g->lines.len;
}

/* Calls without an end are shown where nothing is asked of them. */
static bool is_asked_for(const struct log_query *query, const struct journal_call *found,
                         struct buf *texts)
{
    struct call call;
    if (query_is_open(query))
        return true;
    return found->state == JOURNAL_CALL_ENDED &&
           call_read(found->line, found->amend, texts, &call, NULL) == HARBORAI_OK &&
           query_matches(query, &call);
}

static bool gather_from_journal(struct journal_reader *reader, const struct asked *asked,
                                struct gathered *g)
{
    struct journal_call call;
    AUTO(buf) texts = BUF_INIT(2 * LIMIT_JOURNAL_LINE + 2);
    uint64_t skipped = 0;
    if (!make_room(g, asked->count))
        return has_gathered(g);
    while (g->count < asked->count &&
           journal_reader_next(reader, &call)) {
        if (!is_asked_for(&asked->query, &call, &texts) || skipped++ < asked->query.offset)
            continue;
        journal_call_write(&call, &g->lines);
        note_line(g, call.state);
    }
    return has_gathered(g);
}

static bool note_call(void *context, const struct call *call)
{
    struct gathered *g = context;
    call_write(&g->lines, call);
    note_line(g, JOURNAL_CALL_ENDED);
    return g->lines.failed == HARBORAI_OK;
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

static bool read_number(const struct arguments *arguments, const char *name, uint64_t *number)
{
    const char *text = command_argument(&command_logs, arguments, name);
    if (text == NULL ||
        (slice_to_u64(slice_of(text), number) && *number > 0 && *number <= MOST_COUNT))
        return true;
    command_complain("%s: '%s' is not a number from 1 to %d",
                     strcmp(name, "number") == 0 ? "-n" : "--page", text, MOST_COUNT);
    return false;
}

static bool read_asked(const struct arguments *arguments, struct asked *ret_asked)
{
    uint64_t count = USUAL_COUNT, page = 1;
    if (!read_number(arguments, "number", &count) || !read_number(arguments, "page", &page) ||
        !call_query_read(&command_logs, arguments, &ret_asked->query))
        return false;
    ret_asked->count = (size_t)count;
    ret_asked->query.limit = count;
    ret_asked->query.offset = (page - 1) * count;
    return true;
}

/* Of all calls the journal itself has the last ones, those that are under way too. */
static bool is_of_the_journal(const struct asked *asked)
{
    return query_is_open(&asked->query) && asked->query.offset == 0;
}

static enum exit_code ask_journal(const struct config *config, const struct asked *asked,
                                  struct gathered *g)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    struct journal_reader *reader;
    if (journal_reader_create(config->state_dir, on_fault, NULL, &reader, &error) < 0)
        return command_fail(&error);
    bool has_room = gather_from_journal(reader, asked, g);
    journal_reader_destroy(reader);
    return has_room ? EXIT_OK : EXIT_FAILED;
}

static enum exit_code ask_index(struct index *index, const struct asked *asked, struct gathered *g)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    if (make_room(g, asked->count) &&
        index_find(index, &asked->query, note_call, g, &error) < 0 && g->lines.failed == HARBORAI_OK)
        return command_fail(&error);
    return has_gathered(g) ? EXIT_OK : EXIT_FAILED;
}

static enum exit_code ask(const struct config *config, const struct asked *asked,
                          struct gathered *g)
{
    struct index *index = is_of_the_journal(asked) ? NULL : call_index_open(config);
    if (index == NULL)
        return ask_journal(config, asked, g);
    enum exit_code code = ask_index(index, asked, g);
    index_destroy(index);
    return code;
}

static enum exit_code show(const struct arguments *arguments, const struct config *config,
                           const struct asked *asked)
{
    struct gathered g = {.lines = BUF_INIT(MIB(1024))};
    enum exit_code code = ask(config, asked, &g);
    if (code != EXIT_OK) {
        gathered_release(&g);
        return code;
    }
    if (command_argument(&command_logs, arguments, "json") != NULL)
        for (size_t i = g.count; i-- > 0;)
            printf("%.*s\n", SLICE_ARG(line_of(&g, i)));
    else if (g.count > 0)
        print_table(&g, command_has_color(arguments, STDOUT_FILENO));
    if (g.count == 0 && !command_is_quiet(arguments))
        command_complain(is_of_the_journal(asked) ? "no call is on record in '%.*s'"
                                                  : "no such call is on record in '%.*s'",
                         SLICE_ARG(config->state_dir));
    gathered_release(&g);
    return command_finish();
}

static enum exit_code run(const struct arguments *arguments)
{
    struct asked asked;
    if (!read_asked(arguments, &asked))
        return EXIT_USAGE;
    struct config *config = setup_config_without_keys(&command_logs, arguments);
    if (config == NULL)
        return EXIT_CONFIG;
    enum exit_code code = EXIT_CONFIG;
    if (config->state_dir.len > 0)
        code = show(arguments, config, &asked);
    else
        command_complain("there is no state directory: set --state-dir, HARBORAI_STATE_DIR or HOME");
    config_destroy(config);
    return code;
}

const struct command command_logs = {
    .name = "logs",
    .summary = "Show the last calls of the journal",
    .more = "The newest call stands last. What of the journal cannot be read is named and left out.\n"
            "With a filter only calls are shown that have ended.",
    .options = options,
    .run = run,
};
