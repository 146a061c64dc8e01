/* SPDX-License-Identifier: MIT */
/* harborai db reindex: the index anew from the journal. */
#include <stdio.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "cli/call_index.h"
#include "cli/setup.h"
#include "wire/json_write.h"

static const struct option_spec options[] = {
    {"json", 0, NULL, "as JSON"},
    {"state-dir", 0, "DIR", "where the journal is kept"},
    {NULL, 0, NULL, NULL},
};

struct outcome {
    bool is_ours; /* else a gateway builds it */
    uint64_t rows, refused;
    int64_t took_ns;
};

/* Who drains is told by its lock's file that its positions hold no more. */
static void wake_drain(const struct config *config)
{
    char path[4200];
    snprintf(path, sizeof path, "%.*s/drain-sqlite.lock", SLICE_ARG(config->state_dir));
    (void)utimensat(AT_FDCWD, path, NULL, 0);
}

static harborai_status rebuild(const struct config *config, struct index *index,
                               struct outcome *ret_outcome, harborai_error *error)
{
    const struct drain_settings settings = {
        .state_dir = config->state_dir, .clock = &clock_system, .batch = 4096};
    struct drain_store *store = index_store(index);
    struct drain_status status = {.rows = 0};
    int64_t since_ns = clock_monotonic_ns(&clock_system);
    harborai_status st = store->functions->open(store, error);
    if (st == HARBORAI_OK)
        st = index_forget_all(index, error);
    if (st == HARBORAI_OK)
        st = drain_once(&settings, store, &ret_outcome->is_ours, &status, error);
    ret_outcome->rows = status.rows;
    ret_outcome->refused = status.refused;
    ret_outcome->took_ns = clock_monotonic_ns(&clock_system) - since_ns;
    if (st == HARBORAI_OK && !ret_outcome->is_ours)
        wake_drain(config);
    return st;
}

static void print_json(const struct outcome *o)
{
    AUTO(buf) out = BUF_INIT(4096);
    struct json_writer w = JSON_WRITER(&out);
    json_write_object(&w);
    json_write_key_string(&w, "builder",
                          o->is_ours ? HARBORAI_STR("this") : HARBORAI_STR("gateway"));
    json_write_key_int64(&w, "calls", (int64_t)o->rows);
    json_write_key_int64(&w, "left_out", (int64_t)o->refused);
    json_write_key_int64(&w, "took_ms", o->took_ns / NS_PER_MS);
    json_write_end(&w);
    printf("%.*s\n", SLICE_ARG(buf_slice(&out)));
}

static void print_text(const struct outcome *o)
{
    if (!o->is_ours)
        printf("the index is empty now; the gateway that runs builds it anew\n");
    else
        printf("%llu calls in %lld.%03lld s\n", (unsigned long long)o->rows,
               (long long)(o->took_ns / NS_PER_S), (long long)(o->took_ns / NS_PER_MS % 1000));
    if (o->refused > 0)
        command_complain("%llu lines of the journal are no calls, and were left out",
                         (unsigned long long)o->refused);
}

static enum exit_code reindex(const struct arguments *arguments, const struct config *config)
{
    struct outcome outcome = {.rows = 0};
    struct index *index = NULL;
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_status st = index_create(config->state_dir, &index, &error);
    if (st == HARBORAI_OK)
        st = rebuild(config, index, &outcome, &error);
    index_destroy(index);
    if (st < 0)
        return command_fail(&error);
    if (command_argument(&command_db_reindex, arguments, "json") != NULL)
        print_json(&outcome);
    else
        print_text(&outcome);
    return command_finish();
}

static enum exit_code run(const struct arguments *arguments)
{
    struct config *config = setup_config_without_keys(&command_db_reindex, arguments);
    if (config == NULL)
        return EXIT_CONFIG;
    enum exit_code code = EXIT_CONFIG;
    if (config->state_dir.len > 0)
        code = reindex(arguments, config);
    else
        command_complain("there is no state directory: set --state-dir, HARBORAI_STATE_DIR or HOME");
    config_destroy(config);
    return code;
}

const struct command command_db_reindex = {
    .name = "db reindex",
    .summary = "Build the index of the calls anew from the journal",
    .more = "With a gateway running it is emptied, and the gateway builds it.",
    .options = options,
    .run = run,
};
