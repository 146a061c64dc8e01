/* SPDX-License-Identifier: MIT */
/* harborai key list: the keys of the state directory's gateways, and what each may do. */
#include <stdio.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/key_show.h"
#include "cli/setup.h"
#include "cli/table.h"
#include "cli/terminal.h"

static const struct option_spec options[] = {
    {"all", 'a', NULL, "those that were revoked or have expired, too"},
    {"state-dir", 0, "DIR", "the state directory of the gateway"},
    {"json", 0, NULL, "as JSON"},
    {NULL, 0, NULL, NULL},
};

static enum exit_code print_json(const struct key_list *list, bool all, int64_t wall_ns)
{
    AUTO(buf) text = BUF_INIT(MIB(32));
    struct json_writer w = JSON_WRITER(&text);
    json_write_object(&w);
    json_write_key_int64(&w, "version", 1);
    json_write_key_string(&w, "file", list->path);
    json_write_key(&w, HARBORAI_STR("keys"));
    json_write_array(&w);
    for (size_t i = 0; i < list->count; i++) {
        if (!all && key_spec_state(&list->keys[i], wall_ns) != KEY_ACTIVE)
            continue;
        json_write_object(&w);
        key_show_members(&w, &list->keys[i], wall_ns);
        json_write_end(&w);
    }
    json_write_end(&w);
    json_write_end(&w);
    printf("%.*s\n", SLICE_ARG(buf_slice(&text)));
    return command_finish();
}

static void add_limit(struct table *table, int64_t limit)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)limit);
    table_cell(table, limit > 0 ? slice_of(text) : HARBORAI_STR("-"));
}

static void add_models(struct table *table, const struct key_spec *key)
{
    AUTO(buf) text = BUF_INIT(KIB(32));
    for (size_t i = 0; i < key->model_count; i++)
        buf_printf(&text, "%s%.*s", i > 0 ? "," : "", SLICE_ARG(key->models[i]));
    table_cell(table, key->model_count > 0 ? buf_slice(&text) : HARBORAI_STR("all"));
}

static void add_row(struct table *table, const struct key_spec *key, int64_t wall_ns)
{
    static const enum table_color colors[] = {
        [KEY_ACTIVE] = TABLE_GOOD, [KEY_EXPIRED] = TABLE_DIM, [KEY_REVOKED] = TABLE_BAD};
    enum key_state state = key_spec_state(key, wall_ns);
    char expires[KEY_SHOW_TIME_SIZE];
    key_show_time(key->expires_s, expires);
    table_cell(table, key->name);
    table_cell(table, key->id);
    table_cell_colored(table, slice_of(key_state_name(state)), colors[state]);
    table_cell(table, slice_of(expires));
    add_limit(table, key->rpm);
    add_limit(table, key->tpm);
    add_limit(table, key->concurrency);
    add_models(table, key);
}

static enum exit_code print_table(const struct key_list *list, bool all, int64_t wall_ns,
                                  bool with_color)
{
    static const char *const heads[] = {"NAME", "ID",  "STATE", "EXPIRES",
                                        "RPM",  "TPM", "CALLS", "MODELS"};
    AUTO(table) table;
    size_t shown = 0;
    table_init(&table, ARRAY_LEN(heads));
    for (size_t i = 0; i < ARRAY_LEN(heads); i++)
        table_cell(&table, slice_of(heads[i]));
    table.to_the_right[4] = table.to_the_right[5] = table.to_the_right[6] = true;
    for (size_t i = 0; i < list->count; i++) {
        if (!all && key_spec_state(&list->keys[i], wall_ns) != KEY_ACTIVE)
            continue;
        add_row(&table, &list->keys[i], wall_ns);
        shown++;
    }
    if (shown > 0)
        table_print(&table, terminal_width(STDOUT_FILENO), with_color);
    else
        printf("there is no key%s: 'harborai key create NAME' makes one\n",
               list->count > 0 ? " in force" : "");
    return command_finish();
}

static enum exit_code run(const struct arguments *arguments)
{
    const struct command *command = &command_key_list;
    bool all = command_argument(command, arguments, "all") != NULL;
    int64_t wall_ns = clock_wall_ns(&clock_system);
    harborai_error error = HARBORAI_ERROR_INIT;
    enum exit_code code;
    struct key_list *list;
    struct config *config = setup_config_without_keys(command, arguments);
    if (config == NULL)
        return EXIT_CONFIG;
    harborai_status st = key_list_load(config->state_dir, &list, &error);
    config_destroy(config);
    if (st < 0)
        return command_fail(&error);
    if (command_argument(command, arguments, "json") != NULL)
        code = print_json(list, all, wall_ns);
    else
        code = print_table(list, all, wall_ns, command_has_color(arguments, STDOUT_FILENO));
    key_list_destroy(list);
    return code;
}

const struct command command_key_list = {
    .name = "key list",
    .summary = "List the keys of the gateway's clients",
    .options = options,
    .run = run,
};
