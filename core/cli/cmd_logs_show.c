/* SPDX-License-Identifier: MIT */
/* harborai logs show: all that is known of one call, or of those of one trace. */
#include <stdio.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/call_index.h"
#include "cli/setup.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "json_value.h"
#include "store/call_content.h"
#include "store/journal_list.h"
#include "store/journal_read.h"

#define MOST_CALLS 1000 /* of a trace */

static const struct option_spec options[] = {
    {"json", 0, NULL, "as JSON, a call a line"},
    {"state-dir", 0, "DIR", "where the journal is kept"},
    {NULL, 0, NULL, NULL},
};

struct showing {
    bool as_json, with_color;
    size_t count;
    int directory; /* of the journal; -1: there is none */
    struct buf line, text, content;
};

static void add_cells(struct table *table, harborai_str json, struct buf *scratch)
{
    struct json_cursor cursor = json_open(json);
    struct json_member member;
    while (json_object_next(&cursor, &member)) {
        harborai_str value = member.value;
        buf_clear(scratch);
        char *room = buf_reserve(scratch, value.len + 1);
        if (room == NULL || json_string(member.value, room, value.len, &value) < 0)
            value = member.value;
        table_cell(table, member.key);
        table_cell(table, value);
    }
}

/* What was asked and answered is in the journal alone. */
static void write_call(struct showing *s, const struct call *call)
{
    struct call whole = *call;
    struct call_content content;
    if (s->directory >= 0 && call->segment.len > 0 &&
        call_content_read(s->directory, call->segment, call->offset, call->key, &s->content, &content,
                          NULL) == HARBORAI_OK) {
        whole.request = content.request;
        whole.response = content.response;
    }
    buf_clear(&s->line);
    call_write(&s->line, &whole);
}

static bool show_call(void *context, const struct call *call)
{
    struct showing *s = context;
    struct table table;
    write_call(s, call);
    s->count++;
    if (s->as_json) {
        printf("%.*s\n", SLICE_ARG(buf_slice(&s->line)));
        return true;
    }
    table_init(&table, 2);
    table_cell(&table, HARBORAI_STR("MEMBER"));
    table_cell(&table, HARBORAI_STR("VALUE"));
    add_cells(&table, buf_slice(&s->line), &s->text);
    if (s->count > 1)
        putchar('\n');
    table_print(&table, 0, s->with_color);
    table_release(&table);
    return true;
}

static void on_fault(void *context UNUSED, const char *text)
{
    command_complain("%s", text);
}

static harborai_status find_in_journal(const struct config *config, const struct log_query *query,
                                       struct showing *s, harborai_error *error)
{
    struct journal_reader *reader;
    struct journal_call found;
    struct call call;
    AUTO(buf) texts = BUF_INIT(2 * LIMIT_JOURNAL_LINE + 2);
    harborai_status st =
        journal_reader_create(config->state_dir, on_fault, NULL, &reader, error);
    if (st < 0)
        return st;
    while (s->count < query->limit && journal_reader_next(reader, &found))
        if (found.state == JOURNAL_CALL_ENDED &&
            call_read(found.line, found.amend, &texts, &call, NULL) == HARBORAI_OK &&
            query_matches(query, &call))
            show_call(s, &call);
    journal_reader_destroy(reader);
    return HARBORAI_OK;
}

static enum exit_code show(const struct config *config, const char *id, struct showing *s)
{
    struct log_query query;
    harborai_error error = HARBORAI_ERROR_INIT;
    query_init(&query);
    query.id = slice_of(id);
    query.limit = MOST_CALLS;
    if (journal_directory_open(config->state_dir, &s->directory, &error) < 0)
        return command_fail(&error);
    struct index *index = call_index_open(config);
    harborai_status st = index != NULL ? index_find(index, &query, show_call, s, &error)
                                       : find_in_journal(config, &query, s, &error);
    index_destroy(index);
    if (st < 0)
        return command_fail(&error);
    if (s->count > 0)
        return command_finish();
    command_complain("no call that has ended has the id '%s'; 'harborai logs' shows the last ones", id);
    return EXIT_FAILED;
}

static enum exit_code run(const struct arguments *arguments)
{
    if (arguments->rest_count != 1) {
        command_complain("'logs show' takes one id, as 'harborai logs' shows it");
        return EXIT_USAGE;
    }
    struct config *config = setup_config_without_keys(&command_logs_show, arguments);
    if (config == NULL)
        return EXIT_CONFIG;
    struct showing s = {.directory = -1, .line = BUF_INIT(MIB(1)), .text = BUF_INIT(MIB(1)),
                        .content = BUF_INIT(LIMIT_JOURNAL_CONTENT)};
    s.as_json = command_argument(&command_logs_show, arguments, "json") != NULL;
    s.with_color = command_has_color(arguments, STDOUT_FILENO);
    enum exit_code code = EXIT_CONFIG;
    if (config->state_dir.len > 0)
        code = show(config, arguments->rest[0], &s);
    else
        command_complain("there is no state directory: set --state-dir, HARBORAI_STATE_DIR or HOME");
    buf_release(&s.line);
    buf_release(&s.text);
    buf_release(&s.content);
    if (s.directory >= 0)
        close(s.directory);
    config_destroy(config);
    return code;
}

const struct command command_logs_show = {
    .name = "logs show",
    .summary = "Show all that is known of a call, or of the calls of a trace",
    .rest = "ID",
    .more = "ID is a record's key, an id as hb_… or chatcmpl-…, a request id or a trace id.",
    .options = options,
    .run = run,
};
