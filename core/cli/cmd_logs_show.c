/* SPDX-License-Identifier: MIT */
/* harborai logs show: all that is known of one call, or of those of one trace. */
#include <stdio.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/log_source.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "json_value.h"
#include "store/call_content.h"
#include "store/journal_list.h"

#define MOST_CALLS 1000 /* of a trace */

static const struct option_spec options[] = {
    {"json", 0, NULL, "as JSON, a call a line"},
    LOG_SOURCE_OPTION,
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

static enum exit_code show(struct log_source *source, const char *id, struct showing *s)
{
    struct log_query query;
    harborai_error error = HARBORAI_ERROR_INIT;
    query_init(&query);
    query.id = slice_of(id);
    query.limit = MOST_CALLS;
    if (journal_directory_open(source->config->state_dir, &s->directory, &error) < 0)
        return command_fail(&error);
    if (log_source_find(source, &query, show_call, s, &error) < 0)
        return command_fail(&error);
    if (s->count > 0)
        return command_finish();
    command_complain("no call that has ended has the id '%s'; 'harborai logs' shows the last ones", id);
    return EXIT_FAILED;
}

static enum exit_code run(const struct arguments *arguments)
{
    enum log_source_kind kind;
    struct log_source source = {.config = NULL};
    if (arguments->rest_count != 1) {
        command_complain("'logs show' takes one id, as 'harborai logs' shows it");
        return EXIT_USAGE;
    }
    if (!log_source_read(&command_logs_show, arguments, &kind))
        return EXIT_USAGE;
    struct config *config = log_source_config(&command_logs_show, arguments, kind);
    if (config == NULL)
        return EXIT_CONFIG;
    struct showing s = {.directory = -1, .line = BUF_INIT(MIB(1)), .text = BUF_INIT(MIB(1)),
                        .content = BUF_INIT(LIMIT_JOURNAL_CONTENT)};
    s.as_json = command_argument(&command_logs_show, arguments, "json") != NULL;
    s.with_color = command_has_color(arguments, STDOUT_FILENO);
    enum exit_code code = log_source_open(&source, config, kind);
    if (code == EXIT_OK)
        code = show(&source, arguments->rest[0], &s);
    log_source_close(&source);
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
