/* SPDX-License-Identifier: MIT */
/* harborai db drain: copies what stands in the journal to PostgreSQL, and ends. For state directories
 * whose calls no gateway makes. */
#include <stdio.h>

#include "base/limits.h"
#include "cli/database.h"
#include "cli/setup.h"
#include "store/postgres_store.h"
#include "wire/json_write.h"

static const struct option_spec options[] = {
    {"json", 0, NULL, "as JSON"},
    {"state-dir", 0, "DIR", "where the journal is kept"},
    {NULL, 0, NULL, NULL},
};

static enum exit_code print(const struct drain_status *status, bool as_json)
{
    AUTO(buf) text = BUF_INIT(KIB(4));
    struct json_writer w = JSON_WRITER(&text);
    if (!as_json) {
        printf("copied %llu calls and %llu amendments; %llu refused\n",
               (unsigned long long)status->rows, (unsigned long long)status->amends,
               (unsigned long long)status->refused);
        return command_finish();
    }
    json_write_object(&w);
    json_write_key_int64(&w, "version", 1);
    json_write_key_int64(&w, "calls", (int64_t)status->rows);
    json_write_key_int64(&w, "amendments", (int64_t)status->amends);
    json_write_key_int64(&w, "refused", (int64_t)status->refused);
    json_write_key_int64(&w, "backlog_bytes", (int64_t)status->backlog_bytes);
    json_write_end(&w);
    printf("%.*s\n", SLICE_ARG(buf_slice(&text)));
    return command_finish();
}

static enum exit_code drain(const struct config *config, struct postgres_store *store, bool as_json)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    struct drain_status status;
    struct log log;
    bool is_ours;
    setup_quiet_log(&log, config);
    const struct drain_settings settings = {.state_dir = config->state_dir,
                                            .clock = &clock_system,
                                            .log = &log,
                                            .batch = (unsigned)config->postgres.batch,
                                            .max_failures = 1,
                                            .most_wait_ms = 1000};
    if (drain_once(&settings, postgres_store_of(store), &is_ours, &status, &error) < 0)
        return database_fail(&error);
    if (!is_ours) {
        command_complain("another process copies the journal of '%.*s' to PostgreSQL",
                         SLICE_ARG(config->state_dir));
        return EXIT_FAILED;
    }
    return print(&status, as_json);
}

static enum exit_code run(const struct arguments *arguments)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    struct postgres_store *store = NULL;
    enum exit_code code;
    bool as_json = command_argument(&command_db_drain, arguments, "json") != NULL;
    struct config *config = setup_config(&command_db_drain, arguments);
    if (config == NULL)
        return EXIT_CONFIG;
    if (postgres_store_create(config, &store, &error) < 0)
        code = database_fail(&error);
    else
        code = drain(config, store, as_json);
    postgres_store_destroy(store);
    config_destroy(config);
    return code;
}

const struct command command_db_drain = {
    .name = "db drain",
    .summary = "Copy what stands in the journal to PostgreSQL now",
    .more = "A gateway does it all the time by itself.",
    .options = options,
    .run = run,
};
