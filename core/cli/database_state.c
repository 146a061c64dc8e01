/* SPDX-License-Identifier: MIT */
/* Looks at PostgreSQL, and tells what it saw. Must never change anything there. */
#include "cli/database_state.h"

#include <stdio.h>

#include "config/value.h"
#include "store/postgres_store.h"

void database_state_look(struct database *database, struct database_state *ret_state)
{
    *ret_state = (struct database_state){.error = HARBORAI_ERROR_INIT};
    bool may_migrate = database->config->postgres.migrate == CONFIG_MIGRATE_AUTO;
    harborai_status st = postgres_open(&database->pg, database->address, -1, &ret_state->error);
    if (st == HARBORAI_OK) {
        ret_state->server = postgres_version(&database->pg);
        st = postgres_schema_look(&database->pg, &ret_state->schema, &ret_state->error);
    }
    if (st == HARBORAI_OK)
        st = postgres_schema_check(&ret_state->schema, may_migrate, &ret_state->error);
    if (st == HARBORAI_OK && ret_state->schema.state != POSTGRES_SCHEMA_CURRENT)
        ret_state->state = DRAIN_STARTING;
    else if (st == HARBORAI_OK &&
             (st = postgres_status_read(&database->pg, &ret_state->status, &ret_state->error)) == HARBORAI_OK)
        ret_state->state = DRAIN_ACTIVE;
    else
        ret_state->state = st == HARBORAI_E_CONFIG ? DRAIN_REFUSED : DRAIN_FAILING;
}

static void write_schema(const struct database_state *seen, struct json_writer *w)
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

void database_state_write(const struct database *database, const struct database_state *state,
                          struct json_writer *w)
{
    json_write_key_string(w, "state", slice_of(postgres_store_state_name(state->state)));
    json_write_key_string(w, "address", slice_of(postgres_address_text(database->address)));
    if (state->server > 0)
        json_write_key_int64(w, "server_version", state->server);
    if (state->schema.newest > 0)
        write_schema(state, w);
    if (state->state == DRAIN_ACTIVE)
        write_status(&state->status, w);
    else if (state->state != DRAIN_STARTING)
        json_write_key_string(w, "error", slice_of(state->error.message));
}

void database_state_print(const struct database *database, const struct database_state *state)
{
    const struct postgres_status *s = &state->status;
    char size[32];
    printf("%s: PostgreSQL at %s\n", postgres_store_state_name(state->state),
           postgres_address_text(database->address));
    if (state->server > 0)
        printf("server:  version %d.%d\n", state->server / 10000, state->server % 10000);
    if (state->schema.newest > 0)
        printf("tables:  %s, version %d\n", postgres_schema_state_name(state->schema.state),
               state->schema.version);
    if (state->state == DRAIN_STARTING)
        printf("The gateway makes what is missing when it connects; so does 'harborai init-db'.\n");
    if (state->state != DRAIN_ACTIVE)
        return;
    value_format_size((int64_t)(s->bytes & ~(uint64_t)1023), size, sizeof size);
    printf("calls:   %llu, the newest of %s\n", (unsigned long long)s->calls,
           s->newest[0] != '\0' ? s->newest : "no day");
    printf("kept:    %llu days%s%s%s%s, %s\n", (unsigned long long)s->days,
           s->days > 0 ? ", " : "", s->first_day, s->days > 0 ? " to " : "", s->last_day, size);
}
