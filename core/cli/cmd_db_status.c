/* SPDX-License-Identifier: MIT */
/* harborai db-status: whether PostgreSQL is there, and what is in it. */
#include <stdio.h>

#include "base/limits.h"
#include "cli/database.h"
#include "config/value.h"
#include "store/postgres_status.h"
#include "store/postgres_store.h"
#include "wire/json_write.h"

static const struct option_spec options[] = {
    {"json", 0, NULL, "as JSON"},
    {NULL, 0, NULL, NULL},
};

struct seen {
    enum drain_state state; /* as a gateway of this configuration would be in */
    int server;
    struct postgres_schema schema;
    struct postgres_status status;
    harborai_error error;
};

static void look(struct database *database, struct seen *seen)
{
    bool may_migrate = database->config->postgres.migrate == CONFIG_MIGRATE_AUTO;
    harborai_status st = postgres_open(&database->pg, database->address, -1, &seen->error);
    if (st == HARBORAI_OK) {
        seen->server = postgres_version(&database->pg);
        st = postgres_schema_look(&database->pg, &seen->schema, &seen->error);
    }
    if (st == HARBORAI_OK)
        st = postgres_schema_check(&seen->schema, may_migrate, &seen->error);
    if (st == HARBORAI_OK && seen->schema.state != POSTGRES_SCHEMA_CURRENT)
        seen->state = DRAIN_STARTING;
    else if (st == HARBORAI_OK &&
             (st = postgres_status_read(&database->pg, &seen->status, &seen->error)) == HARBORAI_OK)
        seen->state = DRAIN_ACTIVE;
    else
        seen->state = st == HARBORAI_E_CONFIG ? DRAIN_REFUSED : DRAIN_FAILING;
}

static void write_schema(const struct seen *seen, struct json_writer *w)
{
    json_write_key(w, HARBORAI_STR("tables"));
    json_write_object(w);
    json_write_key_string(w, "state", slice_of(postgres_schema_state_name(seen->schema.state)));
    json_write_key_int64(w, "version", seen->schema.version);
    json_write_key_int64(w, "newest", seen->schema.newest);
    json_write_end(w);
}

static void write_status(const struct postgres_status *status, struct json_writer *w)
{
    json_write_key_int64(w, "calls", (int64_t)status->calls);
    json_write_key_int64(w, "bytes", (int64_t)status->bytes);
    json_write_key_int64(w, "days", (int64_t)status->days);
    json_write_key_string(w, "first_day", slice_of(status->first_day));
    json_write_key_string(w, "last_day", slice_of(status->last_day));
    json_write_key_string(w, "newest", slice_of(status->newest));
    json_write_key_int64(w, "segments", (int64_t)status->segments);
}

static void print_json(const struct database *database, const struct seen *seen)
{
    AUTO(buf) text = BUF_INIT(KIB(64));
    struct json_writer w = JSON_WRITER(&text);
    json_write_object(&w);
    json_write_key_int64(&w, "version", 1);
    json_write_key_string(&w, "state", slice_of(postgres_store_state_name(seen->state)));
    json_write_key_string(&w, "address", slice_of(postgres_address_text(database->address)));
    if (seen->server > 0)
        json_write_key_int64(&w, "server_version", seen->server);
    if (seen->schema.newest > 0)
        write_schema(seen, &w);
    if (seen->state == DRAIN_ACTIVE)
        write_status(&seen->status, &w);
    else if (seen->state != DRAIN_STARTING)
        json_write_key_string(&w, "error", slice_of(seen->error.message));
    json_write_end(&w);
    printf("%.*s\n", SLICE_ARG(buf_slice(&text)));
}

static void print_text(const struct database *database, const struct seen *seen)
{
    const struct postgres_status *s = &seen->status;
    char size[32];
    printf("%s: PostgreSQL at %s\n", postgres_store_state_name(seen->state),
           postgres_address_text(database->address));
    if (seen->server > 0)
        printf("server:  version %d.%d\n", seen->server / 10000, seen->server % 10000);
    if (seen->schema.newest > 0)
        printf("tables:  %s, version %d\n", postgres_schema_state_name(seen->schema.state),
               seen->schema.version);
    if (seen->state == DRAIN_STARTING)
        printf("The gateway makes what is missing when it connects; so does 'harborai init-db'.\n");
    if (seen->state != DRAIN_ACTIVE)
        return;
    value_format_size((int64_t)(s->bytes & ~(uint64_t)1023), size, sizeof size);
    printf("calls:   %llu, the newest of %s\n", (unsigned long long)s->calls,
           s->newest[0] != '\0' ? s->newest : "no day");
    printf("kept:    %llu days%s%s%s%s, %s\n", (unsigned long long)s->days,
           s->days > 0 ? ", " : "", s->first_day, s->days > 0 ? " to " : "", s->last_day, size);
}

static enum exit_code run(const struct arguments *arguments)
{
    struct database database = {.config = NULL};
    struct seen seen = {.error = HARBORAI_ERROR_INIT};
    enum exit_code code = database_find(&database, &command_db_status, arguments);
    if (code == EXIT_OK) {
        look(&database, &seen);
        if (command_argument(&command_db_status, arguments, "json") != NULL)
            print_json(&database, &seen);
        else
            print_text(&database, &seen);
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
