/* SPDX-License-Identifier: MIT */
/* harborai list-plugins, which is plugin list: what was found where, and why something is not used.
 * Loads nothing. */
#include <stdio.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/command.h"
#include "cli/gateway.h"
#include "cli/plugins.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "wire/json_write.h"

static const struct option_spec options[] = {
    {"presets", 0, NULL, "the vendors that need no more than `preset: NAME` in the configuration"},
    {"state-dir", 0, "DIR", "whose gateway is asked, and where plugins.json is kept"},
    {"plugin", 0, "FILE", "use this plugin before all others; may be given again"},
    {"json", 0, NULL, "as JSON"},
    {NULL, 0, NULL, NULL},
};

static void print_row(struct table *table, const struct plugins *plugins,
                      const struct plugin_file *f)
{
    const struct manifest *m = f->manifest;
    table_cell(table, m != NULL ? m->provider : HARBORAI_STR("?"));
    table_cell(table, m != NULL ? m->id : SLICE_NONE);
    table_cell(table, m != NULL ? m->version : SLICE_NONE);
    table_cell(table, plugins_state_name(plugins, f));
    table_cell(table, slice_of(f->path));
}

static void print_reasons(const struct plugin_catalog *catalog)
{
    for (size_t i = 0; i < catalog->directory_count; i++)
        if (catalog->directories[i].error.code != HARBORAI_OK)
            command_complain("%s", catalog->directories[i].error.message);
    for (size_t i = 0; i < catalog->file_count; i++) {
        const struct plugin_file *f = &catalog->files[i];
        if (f->error.code != HARBORAI_OK)
            command_complain("%s", f->error.message);
        if (f->warning != NULL)
            command_complain("%s", f->warning);
        for (size_t j = 0; f->manifest != NULL && j < f->manifest->warnings.count; j++)
            command_complain("%s: %s", f->path, f->manifest->warnings.items[j].data);
    }
}

static void complain_of_entry(const struct plugins *plugins, const struct plugin_state_entry *entry,
                              const char *what, harborai_str subject, harborai_str name)
{
    AUTO(buf) text = BUF_INIT(KIB(16));
    plugins_add_reason(plugins->state, entry, name, &text);
    command_complain("%s'%.*s' is %.*s", what, SLICE_ARG(subject), SLICE_ARG(buf_slice(&text)));
}

static void complain_of_crash(const struct plugins *plugins, const struct plugin_file *f)
{
    AUTO(buf) text = BUF_INIT(KIB(16));
    plugins_add_crash(plugins_crash(plugins, f), f->manifest->provider, &text);
    command_complain("'%s' is %.*s", f->path, SLICE_ARG(buf_slice(&text)));
}

/* Also what is no plugin: nobody is to look for a provider in vain. */
static void print_disabled(const struct plugins *plugins)
{
    for (size_t i = 0; i < plugins->catalog->file_count; i++) {
        const struct plugin_file *f = &plugins->catalog->files[i];
        const struct plugin_state_entry *entry = plugins_disabled(plugins, f);
        if (entry != NULL && f->state == PLUGIN_FILE_KNOWN)
            complain_of_entry(plugins, entry, "", slice_of(f->path), f->manifest->provider);
        else if (plugins_crash(plugins, f) != NULL)
            complain_of_crash(plugins, f);
    }
    for (int kind = PLUGIN_STATE_PROVIDER; kind < PLUGIN_STATE_KINDS; kind++) {
        const char *what = kind == PLUGIN_STATE_PROVIDER ? "provider " : "model ";
        size_t count;
        const struct plugin_state_entry *list =
            plugin_state_list(plugins->state, (enum plugin_state_kind)kind, &count);
        for (size_t i = 0; i < count; i++)
            if (!list[i].enabled)
                complain_of_entry(plugins, &list[i], what, list[i].name, list[i].name);
    }
}

/* Of directories that were refused it has been said. */
static void say_where_none_is(const struct plugin_catalog *catalog)
{
    AUTO(buf) where = BUF_INIT(MIB(1));
    for (size_t i = 0; i < catalog->directory_count; i++)
        if (catalog->directories[i].error.code == HARBORAI_OK)
            buf_printf(&where, "%s%s", where.len > 0 ? ", " : "", catalog->directories[i].path);
    if (where.len > 0)
        command_complain("no plugin in %.*s: HARBORAI_PLUGIN_PATH names directories to look in",
                         SLICE_ARG(buf_slice(&where)));
    else if (catalog->directory_count == 0)
        command_complain("no plugin in %s: HARBORAI_PLUGIN_PATH names directories to look in",
                         PLUGINDIR);
}

static void print_table(const struct plugins *plugins, const struct gateway_answer *gateway,
                        bool with_color)
{
    const struct plugin_catalog *catalog = plugins->catalog;
    static const char *const heads[] = {"PLUGIN", "ID", "VERSION", "STATE", "FILE"};
    struct table table;
    table_init(&table, ARRAY_LEN(heads));
    for (size_t i = 0; i < ARRAY_LEN(heads); i++)
        table_cell(&table, slice_of(heads[i]));
    for (size_t i = 0; i < catalog->file_count; i++)
        print_row(&table, plugins, &catalog->files[i]);
    if (catalog->file_count > 0)
        table_print(&table, terminal_width(STDOUT_FILENO), with_color);
    table_release(&table);
    if (gateway->status != 0)
        gateway_print_providers(gateway, with_color);
    fflush(stdout);
    print_reasons(catalog);
    print_disabled(plugins);
    if (catalog->file_count == 0)
        say_where_none_is(catalog);
}

static void print_preset(struct table *table, const struct manifest *m,
                         const struct manifest_preset *p)
{
    AUTO(buf) models = BUF_INIT(MIB(1));
    for (size_t i = 0; i < p->models.count; i++)
        buf_printf(&models, "%s%s", i > 0 ? ", " : "", p->models.items[i].data);
    table_cell(table, p->name);
    table_cell(table, m->provider);
    table_cell(table, p->base_url.len > 0 ? p->base_url : m->base_url);
    table_cell(table, p->env);
    table_cell(table, p->key_required ? HARBORAI_STR("yes") : HARBORAI_STR("no"));
    table_cell(table, p->has_models ? buf_slice(&models) : HARBORAI_STR("the plugin's"));
}

static void print_presets(const struct plugin_catalog *catalog, bool with_color)
{
    static const char *const heads[] = {"PRESET", "PLUGIN", "BASE URL", "KEY", "NEEDS KEY",
                                        "MODELS WITHOUT PRESET/"};
    struct table table;
    table_init(&table, ARRAY_LEN(heads));
    for (size_t i = 0; i < ARRAY_LEN(heads); i++)
        table_cell(&table, slice_of(heads[i]));
    for (size_t i = 0; i < catalog->file_count; i++) {
        const struct plugin_file *f = &catalog->files[i];
        for (size_t j = 0; f->state == PLUGIN_FILE_KNOWN && j < f->manifest->preset_count; j++)
            print_preset(&table, f->manifest, &f->manifest->presets[j]);
    }
    table_print(&table, terminal_width(STDOUT_FILENO), with_color);
    table_release(&table);
}

static void write_preset(struct json_writer *w, const struct manifest *m,
                         const struct manifest_preset *p)
{
    json_write_object(w);
    json_write_key_string(w, "name", p->name);
    json_write_key_string(w, "base_url", p->base_url.len > 0 ? p->base_url : m->base_url);
    if (p->env.len > 0)
        json_write_key_string(w, "env", p->env);
    json_write_key(w, HARBORAI_STR("key_required"));
    json_write_bool(w, p->key_required);
    json_write_key(w, HARBORAI_STR("models"));
    json_write_array(w);
    for (size_t i = 0; i < p->models.count; i++)
        json_write_string(w, p->models.items[i]);
    json_write_end(w);
    json_write_key(w, HARBORAI_STR("options"));
    json_write_raw(w, p->options.len > 0 ? p->options : HARBORAI_STR("{}"));
    json_write_key(w, HARBORAI_STR("unsupported"));
    json_write_array(w);
    for (size_t i = 0; i < p->unsupported.count; i++)
        json_write_string(w, p->unsupported.items[i]);
    json_write_end(w);
    if (p->replay.len > 0)
        json_write_key_string(w, "replay", p->replay);
    if (p->homepage.len > 0)
        json_write_key_string(w, "homepage", p->homepage);
    json_write_end(w);
}

static void write_presets(struct json_writer *w, const struct manifest *m)
{
    json_write_key(w, HARBORAI_STR("presets"));
    json_write_array(w);
    for (size_t i = 0; i < m->preset_count; i++)
        write_preset(w, m, &m->presets[i]);
    json_write_end(w);
}

static void write_models(struct json_writer *w, const struct manifest *m)
{
    json_write_key(w, HARBORAI_STR("models"));
    json_write_array(w);
    for (size_t i = 0; i < m->model_count; i++)
        json_write_string(w, m->models[i].name);
    json_write_end(w);
}

static void write_entry(struct json_writer *w, const struct plugins *plugins,
                        const struct plugin_state_entry *entry, harborai_str name)
{
    AUTO(buf) text = BUF_INIT(KIB(16));
    plugins_add_reason(plugins->state, entry, name, &text);
    json_write_key_string(w, "reason", buf_slice(&text));
    if (entry->since.len > 0)
        json_write_key_string(w, "since", entry->since);
    if (entry->by.len > 0)
        json_write_key_string(w, "by", entry->by);
}

static void write_crash(struct json_writer *w, const struct crash *crash, harborai_str name)
{
    AUTO(buf) text = BUF_INIT(KIB(16));
    plugins_add_crash(crash, name, &text);
    json_write_key_string(w, "reason", buf_slice(&text));
    json_write_key_string(w, "since", crash->since);
    json_write_key_string(w, "stage", crash->stage);
}

static void write_json(struct json_writer *w, const struct plugins *plugins,
                       const struct plugin_file *f)
{
    const struct plugin_state_entry *entry =
        f->state == PLUGIN_FILE_KNOWN ? plugins_disabled(plugins, f) : NULL;
    json_write_object(w);
    json_write_key_string(w, "file", slice_of(f->path));
    json_write_key_string(w, "state", plugins_state_name(plugins, f));
    if (f->error.code != HARBORAI_OK)
        json_write_key_string(w, "reason", slice_of(f->error.message));
    if (entry != NULL)
        write_entry(w, plugins, entry, f->manifest->provider);
    else if (plugins_crash(plugins, f) != NULL)
        write_crash(w, plugins_crash(plugins, f), f->manifest->provider);
    if (f->manifest != NULL) {
        json_write_key_string(w, "plugin", f->manifest->provider);
        json_write_key_string(w, "id", f->manifest->id);
        json_write_key_string(w, "version", f->manifest->version);
        write_models(w, f->manifest);
        write_presets(w, f->manifest);
    }
    json_write_end(w);
}

/* Providers and models. */
static void write_disabled(struct json_writer *w, const struct plugins *plugins)
{
    json_write_key(w, HARBORAI_STR("disabled"));
    json_write_array(w);
    for (int kind = PLUGIN_STATE_PROVIDER; kind < PLUGIN_STATE_KINDS; kind++) {
        size_t count;
        const struct plugin_state_entry *list =
            plugin_state_list(plugins->state, (enum plugin_state_kind)kind, &count);
        for (size_t i = 0; i < count; i++) {
            if (list[i].enabled)
                continue;
            json_write_object(w);
            json_write_key_string(
                w, "kind", slice_of(subject_kind_name((enum plugin_state_kind)kind)));
            json_write_key_string(w, "name", list[i].name);
            write_entry(w, plugins, &list[i], list[i].name);
            json_write_end(w);
        }
    }
    json_write_end(w);
}

static void print_json(const struct plugins *plugins, const struct gateway_answer *gateway)
{
    const struct plugin_catalog *catalog = plugins->catalog;
    AUTO(buf) text = BUF_INIT(MIB(64));
    struct json_writer w = JSON_WRITER(&text);
    json_write_object(&w);
    json_write_key_int64(&w, "version", 1);
    json_write_key(&w, HARBORAI_STR("plugins"));
    json_write_array(&w);
    for (size_t i = 0; i < catalog->file_count; i++)
        write_json(&w, plugins, &catalog->files[i]);
    json_write_end(&w);
    write_disabled(&w, plugins);
    if (gateway->status != 0) {
        json_write_key(&w, HARBORAI_STR("gateway"));
        json_write_raw(&w, buf_slice(&gateway->body));
    }
    json_write_end(&w);
    printf("%.*s\n", SLICE_ARG(buf_slice(&text)));
}

static void show(const struct plugins *plugins, const struct gateway_answer *gateway,
                 const struct arguments *arguments)
{
    bool with_color = command_has_color(arguments, STDOUT_FILENO);
    if (command_argument(&command_list_plugins, arguments, "json") != NULL)
        print_json(plugins, gateway);
    else if (command_argument(&command_list_plugins, arguments, "presets") != NULL)
        print_presets(plugins->catalog, with_color);
    else
        print_table(plugins, gateway, with_color);
}

static enum exit_code run(const struct arguments *arguments)
{
    AUTO(plugins) plugins = {.config = NULL};
    AUTO(gateway_answer) gateway = GATEWAY_ANSWER_INIT;
    enum exit_code code = plugins_open(&plugins, &command_list_plugins, arguments), end;
    if (code != EXIT_OK)
        return code;
    enum gateway_state state = gateway_ask(plugins.config->state_dir, "GET", "/plugins", &gateway);
    if (state != GATEWAY_ANSWERS)
        gateway.status = 0;
    show(&plugins, &gateway, arguments);
    code = plugins_check_state(&plugins);
    end = command_finish();
    if (code == EXIT_OK && state == GATEWAY_REFUSES)
        code = EXIT_FAILED;
    return code != EXIT_OK ? code : end;
}

const struct command command_list_plugins = {
    .name = "list-plugins",
    .summary = "List the plugins that were found, and why one is not used",
    .options = options,
    .run = run,
};

const struct command command_plugin_list = {
    .name = "plugin list",
    .summary = "List the plugins that were found, as list-plugins does",
    .options = options,
    .run = run,
};
