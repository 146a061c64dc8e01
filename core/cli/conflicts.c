/* SPDX-License-Identifier: MIT */
/* Names that several providers would answer for. The map has weighed the claims; here they are only
 * shown. */
#include "cli/conflicts.h"

#include <stdio.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/command.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "wire/json_write.h"

struct group {
    const struct model_claim *claims; /* all of one name */
    size_t count;
};

/* The next name that is asked for, behind *at. False: there is none. */
static bool next_group(const struct model_map *map, const char *provider, size_t *at,
                       struct group *ret_group)
{
    size_t count;
    const struct model_claim *all = model_map_claims(map, &count);
    while (*at < count) {
        bool is_asked_for = provider == NULL;
        *ret_group = (struct group){&all[*at], 0};
        for (; *at < count && slice_equal(all[*at].name, ret_group->claims->name); ++*at) {
            is_asked_for = is_asked_for || slice_is(all[*at].provider, provider);
            ret_group->count++;
        }
        if (is_asked_for)
            return true;
    }
    return false;
}

static harborai_str kind_name(const struct model_claim *claim)
{
    static const harborai_str names[] = {
        [MODEL_CLAIM_ALIAS] = HARBORAI_STR_INIT("alias"),
        [MODEL_CLAIM_NAME] = HARBORAI_STR_INIT("name"),
        [MODEL_CLAIM_PLUGINS_ALIAS] = HARBORAI_STR_INIT("plugin's alias"),
        [MODEL_CLAIM_PATTERN] = HARBORAI_STR_INIT("pattern")};
    return names[claim->kind];
}

static harborai_str verdict_name(const struct model_claim *claim)
{
    static const harborai_str names[] = {
        [MODEL_CLAIM_CHOSEN] = HARBORAI_STR_INIT("used"),
        [MODEL_CLAIM_AMBIGUOUS] = HARBORAI_STR_INIT("ambiguous"),
        [MODEL_CLAIM_PASSED_OVER] = HARBORAI_STR_INIT("not used")};
    return names[claim->verdict];
}

static void print_row(struct table *table, const struct model_claim *claim)
{
    char target[600], priority[24] = "";
    snprintf(target, sizeof target, "%.*s/%.*s", SLICE_ARG(claim->provider),
             SLICE_ARG(claim->model));
    if (claim->kind != MODEL_CLAIM_ALIAS)
        snprintf(priority, sizeof priority, "%lld", (long long)claim->priority);
    table_cell(table, claim->name);
    table_cell(table, slice_of(target));
    table_cell(table, kind_name(claim));
    table_cell(table, slice_of(priority));
    table_cell(table, verdict_name(claim));
}

static void print_table(const struct model_map *map, const char *provider, bool with_color)
{
    static const char *const heads[] = {"NAME", "MEANS", "AS", "PRIORITY", "STATE"};
    struct table table;
    struct group group;
    size_t at = 0, groups = 0, ambiguous = 0;
    table_init(&table, ARRAY_LEN(heads));
    table.to_the_right[3] = true;
    for (size_t i = 0; i < ARRAY_LEN(heads); i++)
        table_cell(&table, slice_of(heads[i]));
    for (; next_group(map, provider, &at, &group); groups++) {
        for (size_t i = 0; i < group.count; i++)
            print_row(&table, &group.claims[i]);
        ambiguous += group.claims[0].verdict == MODEL_CLAIM_AMBIGUOUS;
    }
    if (groups > 0)
        table_print(&table, terminal_width(STDOUT_FILENO), with_color);
    table_release(&table);
    fflush(stdout);
    if (groups == 0)
        command_complain("no name is served by more than one provider");
    else if (ambiguous > 0)
        command_complain("%zu of %zu names are ambiguous: ask for provider/model, give one provider "
                         "a higher 'priority', or write an alias below 'models'", ambiguous, groups);
}

static void write_claim(struct json_writer *w, const struct model_claim *claim)
{
    json_write_object(w);
    json_write_key_string(w, "provider", claim->provider);
    json_write_key_string(w, "model", claim->model);
    json_write_key_string(w, "as", kind_name(claim));
    json_write_key_int64(w, "priority", claim->priority);
    json_write_key_string(w, "state", verdict_name(claim));
    json_write_end(w);
}

static void print_json(const struct model_map *map, const char *provider)
{
    AUTO(buf) text = BUF_INIT(MIB(64));
    struct json_writer w = JSON_WRITER(&text);
    struct group group;
    json_write_object(&w);
    json_write_key_int64(&w, "version", 1);
    json_write_key(&w, HARBORAI_STR("conflicts"));
    json_write_array(&w);
    for (size_t at = 0; next_group(map, provider, &at, &group);) {
        json_write_object(&w);
        json_write_key_string(&w, "name", group.claims[0].name);
        json_write_key(&w, HARBORAI_STR("is_ambiguous"));
        json_write_bool(&w, group.claims[0].verdict == MODEL_CLAIM_AMBIGUOUS);
        json_write_key(&w, HARBORAI_STR("claims"));
        json_write_array(&w);
        for (size_t i = 0; i < group.count; i++)
            write_claim(&w, &group.claims[i]);
        json_write_end(&w);
        json_write_end(&w);
    }
    json_write_end(&w);
    json_write_end(&w);
    printf("%.*s\n", SLICE_ARG(buf_slice(&text)));
}

void conflicts_print(const struct model_map *map, const char *provider, bool as_json,
                     bool with_color)
{
    if (as_json)
        print_json(map, provider);
    else
        print_table(map, provider, with_color);
}
