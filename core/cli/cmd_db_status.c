/* SPDX-License-Identifier: MIT */
/* harborai db-status: whether PostgreSQL is there, and what is in it. */
#include <stdio.h>

#include "base/limits.h"
#include "cli/database_state.h"

static const struct option_spec options[] = {
    {"json", 0, NULL, "as JSON"},
    {NULL, 0, NULL, NULL},
};

static void print_json(const struct database *database, const struct database_state *seen)
{
    AUTO(buf) text = BUF_INIT(KIB(64));
    struct json_writer w = JSON_WRITER(&text);
    json_write_object(&w);
    json_write_key_int64(&w, "version", 1);
    database_state_write(database, seen, &w);
    json_write_end(&w);
    printf("%.*s\n", SLICE_ARG(buf_slice(&text)));
}

static enum exit_code run(const struct arguments *arguments)
{
    struct database database = {.config = NULL};
    struct database_state seen;
    enum exit_code code = database_find(&database, &command_db_status, arguments);
    if (code == EXIT_OK) {
        database_state_look(&database, &seen);
        if (command_argument(&command_db_status, arguments, "json") != NULL)
            print_json(&database, &seen);
        else
            database_state_print(&database, &seen);
        code = command_finish();
        if (seen.state == DRAIN_STARTING)
            code = EXIT_FAILED;
        else if (seen.state != DRAIN_ACTIVE)
            code = database_fail(&seen.error);
    }
    database_release(&database);
    return code;
}

const struct command command_db_status = {
    .name = "db-status",
    .summary = "Tell whether PostgreSQL is there, and what is in it",
    .options = options,
    .run = run,
};
