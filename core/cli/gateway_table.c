/* SPDX-License-Identifier: MIT */
/* What a gateway says of its providers, for people. */
#include <stdio.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/gateway.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "json_value.h"

static void text_cell(struct table *table, harborai_str provider, const char *key)
{
    AUTO(buf) text = BUF_INIT(KIB(64));
    gateway_add_text(provider, key, &text);
    table_cell(table, text.len > 0 ? buf_slice(&text) : HARBORAI_STR("-"));
}

static void number_cell(struct table *table, harborai_str provider, const char *key)
{
    harborai_str number = json_member(provider, slice_of(key));
    table_cell(table, number.len > 0 ? number : HARBORAI_STR("-"));
}

static void flag_cell(struct table *table, harborai_str provider, const char *key)
{
    bool flag;
    if (!json_boolean(json_member(provider, slice_of(key)), &flag))
        table_cell(table, HARBORAI_STR("-"));
    else
        table_cell(table, flag ? HARBORAI_STR("yes") : HARBORAI_STR("no"));
}

static void add_row(struct table *table, harborai_str provider)
{
    text_cell(table, provider, "name");
    text_cell(table, provider, "plugin");
    text_cell(table, provider, "version");
    text_cell(table, provider, "state");
    number_cell(table, provider, "calls");
    text_cell(table, provider, "loaded");
    number_cell(table, provider, "generation");
    flag_cell(table, provider, "can_unload");
}

void gateway_print_providers(const struct gateway_answer *answer, bool with_color)
{
    static const char *const heads[] = {"PROVIDER", "PLUGIN ID", "VERSION", "STATE",
                                        "CALLS", "LOADED", "GENERATION", "CAN UNLOAD"};
    struct json_cursor cursor =
        json_open(json_member(buf_slice(&answer->body), HARBORAI_STR("providers")));
    harborai_str provider;
    struct table table;
    table_init(&table, ARRAY_LEN(heads));
    for (size_t i = 0; i < ARRAY_LEN(heads); i++)
        table_cell(&table, slice_of(heads[i]));
    while (json_array_next(&cursor, &provider))
        add_row(&table, provider);
    printf("\n");
    table_print(&table, terminal_width(STDOUT_FILENO), with_color);
    table_release(&table);
}
