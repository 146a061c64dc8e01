/* SPDX-License-Identifier: MIT */
/* harborai stats: sums over many calls, from the index. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "cli/call_index.h"
#include "cli/setup.h"
#include "cli/stats_table.h"
#include "cli/stores.h"

#define USUAL_DAYS 30

static const struct option_spec options[] = {
    {"by", 0, "model|provider|plugin|client|day|hour", "a line for each of these (default model)"},
    CALL_QUERY_TIMES,
    {"provider", 0, "PROVIDER", "only calls that went there"},
    {"model", 'm', "MODEL", "only calls of that model"},
    {"database", 0, NULL, "tell also whether calls get to PostgreSQL, and what waits in files"},
    {"format", 0, "text|json", "a table, or JSON"},
    {"json", 0, NULL, "as JSON"},
    {"state-dir", 0, "DIR", "where the journal is kept"},
    {NULL, 0, NULL, NULL},
};

static bool read_query(const struct arguments *arguments, struct stats_query *ret_query)
{
    const char *by = command_argument(&command_stats, arguments, "by");
    struct stats_query q = {.by = STATS_BY_MODEL};
    q.since_ns = clock_wall_ns(&clock_system) - USUAL_DAYS * INT64_C(86400) * NS_PER_S;
    if (by != NULL && !stats_by_read(slice_of(by), &q.by)) {
        command_complain("--by: '%s' is none of model, provider, plugin, client, day and hour", by);
        return false;
    }
    q.provider = slice_of(command_argument(&command_stats, arguments, "provider"));
    q.model = slice_of(command_argument(&command_stats, arguments, "model"));
    if (q.by == STATS_BY_CLIENT && q.provider.len + q.model.len > 0) {
        command_complain("--by client: sums of clients know no providers and models; ask "
                         "'harborai logs --client' for calls");
        return false;
    }
    *ret_query = q;
    return call_query_read_times(&command_stats, arguments, &ret_query->since_ns,
                                 &ret_query->until_ns);
}

static bool read_format(const struct arguments *arguments, bool *ret_as_json)
{
    const char *format = command_argument(&command_stats, arguments, "format");
    *ret_as_json = command_argument(&command_stats, arguments, "json") != NULL;
    if (format == NULL || strcmp(format, "text") == 0)
        return true;
    *ret_as_json = true;
    if (strcmp(format, "json") == 0)
        return true;
    command_complain("--format: '%s' is neither text nor json", format);
    return false;
}

/* --- The command ----------------------------------------------------------------------------------- */

static enum exit_code show(const struct arguments *arguments, struct index *index,
                           const struct stats_query *query, struct stores *stores, bool as_json)
{
    struct stats stats = {.rows = NULL}, total = {.rows = NULL};
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_status st = index_stats(index, query, &stats, &error);
    if (st == HARBORAI_OK)
        st = stats_total(&stats, &total, &error);
    if (st == HARBORAI_OK && as_json)
        stats_table_print_json(&stats, &total, query->by, stores);
    else if (st == HARBORAI_OK && stats.count > 0)
        stats_table_print(&stats, &total, query->by, command_has_color(arguments, STDOUT_FILENO));
    else if (st == HARBORAI_OK && !command_is_quiet(arguments))
        command_complain("no call of that time is on record");
    if (st == HARBORAI_OK && stores != NULL && !as_json)
        stores_print(stores);
    stats_release(&stats);
    stats_release(&total);
    return st < 0 ? command_fail(&error) : command_finish();
}

static enum exit_code ask(const struct arguments *arguments, const struct config *config,
                          const struct stats_query *query, bool as_json)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    bool with_stores = command_argument(&command_stats, arguments, "database") != NULL;
    struct stores stores = {.config = NULL};
    struct index *index = call_index_open(config, &error);
    if (index == NULL)
        return command_fail(&error);
    enum exit_code code = with_stores ? stores_look(&stores, &command_stats, arguments) : EXIT_OK;
    if (code == EXIT_OK)
        code = show(arguments, index, query, with_stores ? &stores : NULL, as_json);
    stores_release(&stores);
    index_destroy(index);
    return code;
}

static enum exit_code run(const struct arguments *arguments)
{
    struct stats_query query;
    bool as_json;
    if (!read_query(arguments, &query) || !read_format(arguments, &as_json))
        return EXIT_USAGE;
    struct config *config = setup_config_without_keys(&command_stats, arguments);
    if (config == NULL)
        return EXIT_CONFIG;
    enum exit_code code = EXIT_CONFIG;
    if (config->state_dir.len > 0)
        code = ask(arguments, config, &query, as_json);
    else
        command_complain("there is no state directory: set --state-dir, HARBORAI_STATE_DIR or HOME");
    config_destroy(config);
    return code;
}

const struct command command_stats = {
    .name = "stats",
    .summary = "Sum up calls, tokens, costs and durations",
    .more = "Of the last 30 days, unless a time is given. Hours that are touched count whole; days are "
            "those of UTC.",
    .options = options,
    .run = run,
};
