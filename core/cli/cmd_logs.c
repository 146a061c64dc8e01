/* SPDX-License-Identifier: MIT */
/* harborai logs: the last calls, as the journal has them; those that a filter asks for, as the index
 * has them. Must never change a file of the journal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "cli/call_index.h"
#include "cli/log_follow.h"
#include "cli/log_id.h"
#include "cli/log_source.h"
#include "cli/log_table.h"
#include "cli/stats_table.h"
#include "json_value.h"

#define USUAL_COUNT 20
#define MOST_COUNT 1000000

struct asked {
    struct log_query query;
    size_t count;
    enum log_source_kind source;
    bool as_json, of_ids, with_stats, is_followed, with_color;
    harborai_str id_to_validate;
};

static const struct option_spec options[] = {
    {"number", 'n', "N", "how many calls (default 20)"},
    {"page", 0, "N", "the N-th so many, counted from the newest (default 1)"},
    CALL_QUERY_OPTIONS,
    LOG_SOURCE_OPTION,
    {"follow", 'f', NULL, "then go on with the calls that end from now on"},
    {"stats", 0, NULL, "sums of all calls that are asked for, by model"},
    {"list-recent-trace-ids", 0, NULL, "the ids of the calls"},
    {"validate-trace-id", 0, "ID", "tell what that id is, and how many calls have it"},
    {"json", 0, NULL, "as JSON, a call a line"},
    {"format", 0, "table|json", "the same"},
    {"limit", 0, "N", "the same as --number"},
    {"page-size", 0, "N", "the same as --number"},
    {"watch", 0, NULL, "the same as --follow"},
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

/* --- Asking ----------------------------------------------------------------------------------- */

static void on_fault(void *context UNUSED, const char *text)
{
    command_complain("%s", text);
}

/* Of all calls the journal itself has the last ones, those that are under way too. */
static bool is_of_the_journal(const struct asked *asked)
{
    bool is_open = query_is_open(&asked->query) && asked->query.offset == 0;
    return asked->source == LOG_SOURCE_JOURNAL || (asked->source == LOG_SOURCE_AUTO && is_open);
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

static enum exit_code ask_source(struct log_source *source, const struct asked *asked,
                                 struct gathered *g)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    if (make_room(g, asked->count) &&
        log_source_find(source, &asked->query, note_call, g, &error) < 0 &&
        g->lines.failed == HARBORAI_OK)
        return command_fail(&error);
    return has_gathered(g) ? EXIT_OK : EXIT_FAILED;
}

static enum exit_code ask(const struct config *config, const struct asked *asked,
                          struct gathered *g)
{
    struct log_source source = {.config = NULL};
    if (is_of_the_journal(asked) && config->state_dir.len > 0)
        return ask_journal(config, asked, g);
    enum exit_code code = log_source_open(&source, config, asked->source);
    if (code == EXIT_OK)
        code = ask_source(&source, asked, g);
    log_source_close(&source);
    return code;
}

/* --- A list, and what follows it --------------------------------------------------------------- */

static void print(const struct gathered *g, const struct asked *asked, struct log_table *table)
{
    for (size_t i = g->count; i-- > 0;)
        if (asked->as_json)
            printf("%.*s\n", SLICE_ARG(line_of(g, i)));
        else
            log_table_add(table, line_of(g, i), g->states[i]);
    if (!asked->as_json && (g->count > 0 || asked->is_followed))
        log_table_print(table);
}

struct shown {
    struct gathered gathered;
    int64_t at_ns; /* when they were read */
};

static bool was_shown(void *context, const struct call *call)
{
    const struct shown *shown = context;
    const struct gathered *g = &shown->gathered;
    for (size_t i = 0; call->end_ns <= shown->at_ns && i < g->count; i++) {
        harborai_str key = SLICE_NONE;
        if (g->states[i] == JOURNAL_CALL_ENDED &&
            json_string_plain(json_member(line_of(g, i), HARBORAI_STR("key")), &key) &&
            slice_equal(key, call->key))
            return true;
    }
    return false;
}

static enum exit_code list(const struct config *config, const struct asked *asked,
                           struct shown *shown, struct log_table *table, bool is_quiet)
{
    enum exit_code code = ask(config, asked, &shown->gathered);
    shown->at_ns = clock_wall_ns(&clock_system);
    if (code == EXIT_OK) {
        print(&shown->gathered, asked, table);
        if (shown->gathered.count == 0 && !asked->is_followed && !is_quiet)
            command_complain(query_is_open(&asked->query) ? "no call is on record in '%.*s'"
                                                          : "no such call is on record in '%.*s'",
                             SLICE_ARG(config->state_dir));
        code = command_finish();
    }
    return code;
}

static enum exit_code show_list(const struct config *config, const struct asked *asked,
                                bool is_quiet)
{
    struct shown shown = {.gathered = {.lines = BUF_INIT(MIB(1024))}};
    enum exit_code code = EXIT_OK;
    struct log_table table;
    log_table_init(&table, asked->of_ids, asked->with_color);
    struct log_follow follow = {.query = &asked->query,
                                .table = asked->as_json ? NULL : &table,
                                .was_shown = was_shown,
                                .context = &shown};
    if (asked->is_followed) {
        log_table_widen(&table);
        code = log_follow_open(&follow, config->state_dir);
    }
    if (code == EXIT_OK)
        code = list(config, asked, &shown, &table, is_quiet);
    if (code == EXIT_OK && asked->is_followed)
        code = log_follow_run(&follow);
    log_follow_close(&follow);
    gathered_release(&shown.gathered);
    log_table_release(&table);
    return code;
}

/* --- Sums, and ids ------------------------------------------------------------------------------ */

struct summing {
    struct stats stats;
    struct stats_query by;
    harborai_status st;
};

static bool add_call(void *context, const struct call *call)
{
    struct summing *s = context;
    s->st = stats_add_call(&s->stats, &s->by, call, NULL);
    return s->st == HARBORAI_OK;
}

static enum exit_code show_stats(struct log_source *source, const struct asked *asked)
{
    struct summing s = {.by = {.by = STATS_BY_MODEL}};
    struct stats total = {.rows = NULL};
    struct log_query query = asked->query;
    harborai_error error = HARBORAI_ERROR_INIT;
    query.limit = query.offset = 0;
    harborai_status st = log_source_find(source, &query, add_call, &s, &error);
    if (st == HARBORAI_OK && s.st < 0)
        st = harborai_error_set(&error, s.st, "no memory left");
    stats_sort(&s.stats, STATS_BY_MODEL);
    if (st == HARBORAI_OK)
        st = stats_total(&s.stats, &total, &error);
    if (st == HARBORAI_OK && asked->as_json)
        stats_table_print_json(&s.stats, &total, STATS_BY_MODEL, NULL);
    else if (st == HARBORAI_OK && s.stats.count > 0)
        stats_table_print(&s.stats, &total, STATS_BY_MODEL, asked->with_color);
    else if (st == HARBORAI_OK)
        command_complain("no such call is on record");
    stats_release(&s.stats);
    stats_release(&total);
    return st < 0 ? command_fail(&error) : command_finish();
}

static enum exit_code ask_once(const struct config *config, const struct asked *asked)
{
    struct log_source source = {.config = NULL};
    enum exit_code code = log_source_open(&source, config, asked->source);
    if (code == EXIT_OK && asked->with_stats)
        code = show_stats(&source, asked);
    else if (code == EXIT_OK)
        code = log_id_validate(&source, asked->id_to_validate, asked->as_json);
    log_source_close(&source);
    return code;
}

/* --- The command ----------------------------------------------------------------------------- */

static const char *value_of(const struct arguments *arguments, const char *name)
{
    return command_argument(&command_logs, arguments, name);
}

static bool read_number(const struct arguments *arguments, const char *name, uint64_t *number)
{
    const char *text = value_of(arguments, name);
    if (text == NULL ||
        (slice_to_u64(slice_of(text), number) && *number > 0 && *number <= MOST_COUNT))
        return true;
    command_complain("%s: '%s' is not a number from 1 to %d",
                     strcmp(name, "number") == 0 ? "-n" : name, text, MOST_COUNT);
    return false;
}

static bool read_format(const struct arguments *arguments, struct asked *asked)
{
    const char *format = value_of(arguments, "format");
    asked->as_json = value_of(arguments, "json") != NULL;
    if (format == NULL)
        return true;
    asked->as_json = strcmp(format, "json") == 0;
    if (asked->as_json || strcmp(format, "table") == 0 || strcmp(format, "text") == 0)
        return true;
    command_complain("--format: '%s' is neither table nor json", format);
    return false;
}

static bool check_together(const struct asked *asked)
{
    bool is_once = asked->with_stats || asked->id_to_validate.len > 0;
    if (asked->is_followed && is_once)
        command_complain("--follow shows calls as they end: neither --stats nor --validate-trace-id");
    else if (asked->is_followed && asked->query.offset > 0)
        command_complain("--follow begins with the newest calls: without --page");
    else if (asked->is_followed && asked->source != LOG_SOURCE_AUTO &&
             asked->source != LOG_SOURCE_JOURNAL)
        command_complain("--follow reads the journal: without --source");
    else
        return true;
    return false;
}

static bool read_asked(const struct arguments *arguments, struct asked *ret_asked)
{
    uint64_t count = USUAL_COUNT, page = 1;
    struct asked a = {.with_stats = value_of(arguments, "stats") != NULL,
                      .of_ids = value_of(arguments, "list-recent-trace-ids") != NULL,
                      .is_followed = value_of(arguments, "follow") != NULL ||
                                     value_of(arguments, "watch") != NULL,
                      .id_to_validate = slice_of(value_of(arguments, "validate-trace-id")),
                      .with_color = command_has_color(arguments, STDOUT_FILENO)};
    if (!read_number(arguments, "limit", &count) || !read_number(arguments, "page-size", &count) ||
        !read_number(arguments, "number", &count) || !read_number(arguments, "page", &page) ||
        !call_query_read(&command_logs, arguments, &a.query) || !read_format(arguments, &a) ||
        !log_source_read(&command_logs, arguments, &a.source))
        return false;
    a.count = (size_t)count;
    a.query.limit = count;
    a.query.offset = (page - 1) * count;
    *ret_asked = a;
    return check_together(ret_asked);
}

static enum exit_code run(const struct arguments *arguments)
{
    struct asked asked;
    if (!read_asked(arguments, &asked))
        return EXIT_USAGE;
    struct config *config = log_source_config(&command_logs, arguments, asked.source);
    if (config == NULL)
        return EXIT_CONFIG;
    enum exit_code code = EXIT_CONFIG;
    if (config->state_dir.len == 0 && asked.source != LOG_SOURCE_POSTGRES)
        command_complain("there is no state directory: set --state-dir, HARBORAI_STATE_DIR or HOME");
    else if (asked.with_stats || asked.id_to_validate.len > 0)
        code = ask_once(config, &asked);
    else
        code = show_list(config, &asked, command_is_quiet(arguments));
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
