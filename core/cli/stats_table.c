/* SPDX-License-Identifier: MIT */
/* Sums as a table, and as JSON with exact amounts. */
#include "cli/stats_table.h"

#include <stdio.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/limits.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "pricing/money.h"
#include "wire/json_write.h"

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

void stats_table_print(const struct stats *stats, const struct stats *total, enum stats_by by,
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

void stats_table_print_json(const struct stats *stats, const struct stats *total, enum stats_by by,
                            const struct stores *stores)
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
    if (stores != NULL) {
        json_write_key(&w, HARBORAI_STR("database"));
        stores_write(stores, &w);
    }
    json_write_end(&w);
    printf("%.*s\n", SLICE_ARG(buf_slice(&out)));
}
