/* SPDX-License-Identifier: MIT */
/* harborai stats: sums over many calls, from the index. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "cli/call_index.h"
#include "cli/setup.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "pricing/money.h"
#include "wire/json_write.h"

#define USUAL_DAYS 30

static const struct option_spec options[] = {
    {"by", 0, "model|provider|plugin|client|day|hour", "a line for each of these (default model)"},
    CALL_QUERY_TIMES,
    {"provider", 0, "PROVIDER", "only calls that went there"},
    {"model", 'm', "MODEL", "only calls of that model"},
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

/* --- Money -------------------------------------------------------------------------------------- */

/* A sum may be greater than what one call's cost fits into. */
static void add_money(struct buf *out, const struct stats_money *money)
{
    uint64_t units = (uint64_t)(money->pico / MONEY_PICO);
    AUTO(buf) decimals = BUF_INIT(64);
    buf_add_u64(out, units);
    json_write_decimal(&decimals, (int64_t)(money->pico % MONEY_PICO), 12);
    buf_add(out, slice_from(buf_slice(&decimals), 1)); /* behind its 0 */
}

static void add_costs(struct buf *out, const struct stats_row *row)
{
    for (size_t i = 0; i < row->currencies; i++) {
        if (i > 0)
            buf_add(out, HARBORAI_STR(", "));
        add_money(out, &row->money[i]);
        buf_add_char(out, ' ');
        buf_add(out, slice_of(row->money[i].currency));
    }
}

/* --- A table ------------------------------------------------------------------------------------- */

static void number_cell(struct table *table, int64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)number);
    table_cell(table, slice_of(text));
}

static void latency_cell(struct table *table, const struct stats_row *row, double part)
{
    char text[32] = "";
    if (row->latency != NULL && row->latency->total > 0) {
        int64_t ns = histogram_percentile(row->latency, part);
        snprintf(text, sizeof text, "%lld.%03lld s", (long long)(ns / NS_PER_S),
                 (long long)(ns / NS_PER_MS % 1000));
    }
    table_cell(table, slice_of(text));
}

static void print_row(struct table *table, const char *name, const struct stats_row *row)
{
    AUTO(buf) costs = BUF_INIT(KIB(4));
    add_costs(&costs, row);
    table_cell(table, slice_of(name));
    number_cell(table, row->calls);
    number_cell(table, row->failed + row->cancelled + row->interrupted);
    number_cell(table, row->prompt_tokens);
    number_cell(table, row->completion_tokens);
    table_cell(table, buf_slice(&costs));
    latency_cell(table, row, 0.50);
    latency_cell(table, row, 0.95);
    latency_cell(table, row, 0.99);
}

static void print_table(const struct stats *stats, const struct stats *total, enum stats_by by,
                        bool with_color)
{
    static const char *const heads[] = {"CALLS", "FAILED", "IN",  "OUT",
                                        "COST",  "P50",    "P95", "P99"};
    static const char *const firsts[] = {[STATS_BY_MODEL] = "MODEL",
                                         [STATS_BY_PROVIDER] = "PROVIDER",
                                         [STATS_BY_PLUGIN] = "PLUGIN",
                                         [STATS_BY_CLIENT] = "CLIENT",
                                         [STATS_BY_DAY] = "DAY",
                                         [STATS_BY_HOUR] = "HOUR"};
    struct table table;
    table_init(&table, ARRAY_LEN(heads) + 1);
    for (size_t i = 1; i <= ARRAY_LEN(heads); i++)
        table.to_the_right[i] = i != 5;
    table_cell(&table, slice_of(firsts[by]));
    for (size_t i = 0; i < ARRAY_LEN(heads); i++)
        table_cell(&table, slice_of(heads[i]));
    for (size_t i = 0; i < stats->count; i++)
        print_row(&table, stats->rows[i].name[0] != '\0' ? stats->rows[i].name : "-",
                  &stats->rows[i]);
    if (total->count > 0 && stats->count > 1)
        print_row(&table, "all", &total->rows[0]);
    table_print(&table, terminal_width(STDOUT_FILENO), with_color);
    table_release(&table);
}

/* --- JSON ----------------------------------------------------------------------------------------- */

static void write_costs(struct json_writer *w, const struct stats_row *row)
{
    json_write_key(w, HARBORAI_STR("cost"));
    json_write_object(w);
    for (size_t i = 0; i < row->currencies; i++) {
        AUTO(buf) amount = BUF_INIT(KIB(1));
        add_money(&amount, &row->money[i]);
        json_write_key_string(w, row->money[i].currency, buf_slice(&amount));
    }
    json_write_end(w);
}

static void write_row(struct json_writer *w, const char *key, const struct stats_row *row)
{
    json_write_object(w);
    if (key != NULL)
        json_write_key_string(w, key, slice_of(row->name));
    json_write_key_int64(w, "calls", row->calls);
    json_write_key_int64(w, "failed", row->failed);
    json_write_key_int64(w, "cancelled", row->cancelled);
    json_write_key_int64(w, "interrupted", row->interrupted);
    json_write_key_int64(w, "priced", row->priced);
    json_write_key_int64(w, "prompt_tokens", row->prompt_tokens);
    json_write_key_int64(w, "completion_tokens", row->completion_tokens);
    json_write_key_int64(w, "total_tokens", row->total_tokens);
    write_costs(w, row);
    if (row->latency != NULL && row->latency->total > 0) {
        json_write_key_int64(w, "p50_ms", histogram_percentile(row->latency, 0.50) / NS_PER_MS);
        json_write_key_int64(w, "p95_ms", histogram_percentile(row->latency, 0.95) / NS_PER_MS);
        json_write_key_int64(w, "p99_ms", histogram_percentile(row->latency, 0.99) / NS_PER_MS);
    }
    json_write_end(w);
}

static void print_json(const struct stats *stats, const struct stats *total, enum stats_by by)
{
    AUTO(buf) out = BUF_INIT(MIB(64));
    struct json_writer w = JSON_WRITER(&out);
    json_write_object(&w);
    json_write_key_string(&w, "by", slice_of(stats_by_name(by)));
    json_write_key(&w, HARBORAI_STR("rows"));
    json_write_array(&w);
    for (size_t i = 0; i < stats->count; i++)
        write_row(&w, stats_by_name(by), &stats->rows[i]);
    json_write_end(&w);
    if (total->count > 0) {
        json_write_key(&w, HARBORAI_STR("all"));
        write_row(&w, NULL, &total->rows[0]);
    }
    json_write_end(&w);
    printf("%.*s\n", SLICE_ARG(buf_slice(&out)));
}

/* --- The command ----------------------------------------------------------------------------------- */

static enum exit_code show(const struct arguments *arguments, struct index *index,
                           const struct stats_query *query, bool as_json)
{
    struct stats stats = {.rows = NULL}, total = {.rows = NULL};
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_status st = index_stats(index, query, &stats, &error);
    if (st == HARBORAI_OK)
        st = stats_total(&stats, &total, &error);
    if (st == HARBORAI_OK && as_json)
        print_json(&stats, &total, query->by);
    else if (st == HARBORAI_OK && stats.count > 0)
        print_table(&stats, &total, query->by, command_has_color(arguments, STDOUT_FILENO));
    else if (st == HARBORAI_OK && !command_is_quiet(arguments))
        command_complain("no call of that time is on record");
    stats_release(&stats);
    stats_release(&total);
    return st < 0 ? command_fail(&error) : command_finish();
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
    if (config->state_dir.len == 0) {
        command_complain("there is no state directory: set --state-dir, HARBORAI_STATE_DIR or HOME");
    } else {
        struct index *index = call_index_open(config);
        code = index != NULL ? show(arguments, index, &query, as_json) : EXIT_FAILED;
        index_destroy(index);
    }
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
