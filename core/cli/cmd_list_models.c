/* SPDX-License-Identifier: MIT */
/* harborai list-models: what can be asked, by whom it is answered, and whether the key is there.
 * Loads no plugin: everything stands in manifests. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/command.h"
#include "cli/conflicts.h"
#include "cli/plugins.h"
#include "cli/setup.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "json_value.h"
#include "runtime/runtime.h"
#include "wire/json_write.h"

static const struct option_spec options[] = {
    {"provider", 0, "PROVIDER", "only this provider's"},
    {"conflicts", 0, NULL, "names that several providers would answer for, and who does"},
    {"json", 0, NULL, "as JSON"},
    {NULL, 0, NULL, NULL},
};

/* What disables it, if anything does: its plugin, its provider, or itself. */
static const struct plugin_state_entry *what_disables(const struct plugin_state *state,
                                                      const struct model_listing *m)
{
    const struct plugin_state_entry *entry =
        plugin_state_disabled(state, PLUGIN_STATE_PLUGIN, m->slot->provider->manifest->id);
    if (entry == NULL)
        entry = plugin_state_disabled(state, PLUGIN_STATE_PROVIDER, m->provider);
    return entry != NULL ? entry : plugin_state_disabled(state, PLUGIN_STATE_MODEL, m->qualified);
}

static bool is_disabled(const struct plugin_state *state, const struct model_listing *m)
{
    return !m->enabled || what_disables(state, m) != NULL;
}

/* "" = it can be called; else what is missing. */
static harborai_str what_is_missing(const struct plugin_state *state, const struct model_listing *m,
                                    harborai_error *error)
{
    if (is_disabled(state, m))
        return HARBORAI_STR("disabled");
    if (provider_check_secrets(m->slot->provider, error) < 0)
        return slice_of(error->message);
    return SLICE_NONE;
}

/* The key that is missing in two words, "needs OPENAI_API_KEY"; nothing if none is. Borrowed from
 * `text`. */
static harborai_str needs_of(const struct provider *p, char text[static 128])
{
    for (size_t i = 0; i < p->manifest->secret_count; i++) {
        const struct manifest_secret *needed = &p->manifest->secrets[i];
        if (!provider_needs_secret(p, needed) || provider_secret_find(p, needed->name) != NULL)
            continue;
        harborai_str variable = slice_is(needed->name, "api_key") ? p->key_variable : needed->env;
        snprintf(text, 128, "needs %.*s", SLICE_ARG(variable.len > 0 ? variable : needed->name));
        return slice_of(text);
    }
    return SLICE_NONE;
}

static harborai_str price_of(const struct model_listing *m, const char *pointer)
{
    harborai_str text = SLICE_NONE;
    if (m->model != NULL)
        (void)json_string_plain(json_pointer_find(m->model->json, slice_of(pointer)), &text);
    return text;
}

static void print_number(struct table *table, int64_t number)
{
    char text[24] = "";
    if (number > 0)
        snprintf(text, sizeof text, "%lld", (long long)number);
    table_cell(table, slice_of(text));
}

static void print_price(struct table *table, const struct model_listing *m)
{
    char text[128] = "";
    harborai_str in = price_of(m, "/x-price/input"), out = price_of(m, "/x-price/output");
    bool is_lowest = false; /* of several, by length or hour */
    if (m->model != NULL)
        (void)json_boolean(json_pointer_find(m->model->json, HARBORAI_STR("/x-price/from")), &is_lowest);
    if (in.len > 0)
        snprintf(text, sizeof text, "%s%.*s / %.*s %.*s", is_lowest ? "from " : "", SLICE_ARG(in),
                 SLICE_ARG(out), SLICE_ARG(price_of(m, "/x-price/currency")));
    table_cell(table, slice_of(text));
}

static void add_word(struct buf *out, harborai_str word)
{
    if (out->len > 0)
        buf_add_char(out, ' ');
    buf_add(out, word);
}

/* What the manifest says that the model can do: "tools reasoning", and "vision", "audio" … of what it
 * reads besides text. Kinds of input go by the name that the field has for them. */
static void print_capabilities(struct table *table, const struct model_listing *m)
{
    AUTO(buf) words = BUF_INIT(KIB(4));
    harborai_str json = m->model != NULL ? m->model->json : SLICE_NONE, item, text;
    struct json_cursor cursor = json_open(json_pointer_find(json, HARBORAI_STR("/capabilities")));
    while (json_array_next(&cursor, &item))
        if (json_string_plain(item, &text) && !slice_is(text, "vision"))
            add_word(&words, text);
    cursor = json_open(json_pointer_find(json, HARBORAI_STR("/input")));
    while (json_array_next(&cursor, &item))
        if (json_string_plain(item, &text) && !slice_is(text, "text"))
            add_word(&words, slice_is(text, "image") ? HARBORAI_STR("vision") : text);
    table_cell(table, buf_slice(&words));
}

static void print_row(struct table *table, const struct plugin_state *state,
                      const struct model_listing *m)
{
    char needs[128];
    table_cell(table, m->name);
    table_cell(table, m->is_alias ? m->qualified : m->provider);
    print_number(table, m->model != NULL ? m->model->context : 0);
    print_number(table, m->model != NULL ? m->model->max_output : 0);
    print_capabilities(table, m);
    print_price(table, m);
    table_cell(table, is_disabled(state, m) ? HARBORAI_STR("disabled")
                                            : needs_of(m->slot->provider, needs));
}

static void write_disabled(struct json_writer *w, const struct config *config,
                           const struct plugin_state *state, const struct model_listing *m)
{
    AUTO(buf) text = BUF_INIT(KIB(16));
    const struct plugin_state_entry *entry = what_disables(state, m);
    const harborai_str *glob = plugins_glob_of(config, m->qualified);
    if (entry != NULL)
        plugins_add_reason(state, entry, entry->name, &text);
    else if (glob != NULL)
        plugins_add_glob(config, *glob, &text);
    else
        return;
    json_write_key_string(w, "reason", buf_slice(&text));
}

static void write_json(struct json_writer *w, const struct config *config,
                       const struct plugin_state *state, const struct model_listing *m)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_str missing = what_is_missing(state, m, &error);
    json_write_object(w);
    json_write_key_string(w, "name", m->name);
    json_write_key_string(w, "qualified", m->qualified);
    json_write_key_string(w, "provider", m->provider);
    json_write_key_string(w, "upstream", m->upstream);
    json_write_key(w, HARBORAI_STR("is_alias"));
    json_write_bool(w, m->is_alias);
    if (m->model != NULL) {
        json_write_key(w, HARBORAI_STR("model"));
        json_write_raw(w, m->model->json);
    }
    json_write_key(w, HARBORAI_STR("available"));
    json_write_bool(w, missing.len == 0);
    if (missing.len > 0)
        json_write_key_string(w, "missing", missing);
    write_disabled(w, config, state, m);
    json_write_end(w);
}

static bool is_asked_for(const struct model_listing *m, const char *provider)
{
    return provider == NULL || slice_is(m->provider, provider);
}

/* Where patterns go to; `table` or `writer`, or neither. */
struct patterns {
    struct runtime *runtime;
    struct table *table;
    struct json_writer *writer;
};

static void show_pattern(const struct patterns *to, const struct config_provider *p,
                         harborai_str pattern)
{
    const struct provider *made = model_map_provider(runtime_models(to->runtime), p->name);
    char state[128];
    if (to->writer != NULL) {
        json_write_object(to->writer);
        json_write_key_string(to->writer, "pattern", pattern);
        json_write_key_string(to->writer, "provider", p->name);
        json_write_end(to->writer);
    }
    if (to->table == NULL)
        return;
    table_cell(to->table, pattern);
    table_cell(to->table, p->name);
    for (size_t i = 2; i + 1 < to->table->columns; i++)
        table_cell(to->table, SLICE_NONE);
    table_cell(to->table, made != NULL ? needs_of(made, state) : SLICE_NONE);
}

static size_t show_globs(const struct patterns *to, const struct config_provider *p,
                         const harborai_str *names, size_t name_count)
{
    size_t count = 0;
    for (size_t i = 0; i < name_count; i++)
        if (memchr(names[i].data, '*', names[i].len) != NULL) {
            show_pattern(to, p, names[i]);
            count++;
        }
    return count;
}

/* Globs of the configuration, or of its presets: whatever they match goes to the provider. How many. */
static size_t show_patterns(const struct patterns *to, const char *provider)
{
    const struct config *config = runtime_config(to->runtime);
    size_t count = 0;
    for (size_t i = 0; i < config->provider_count; i++) {
        const struct config_provider *p = &config->providers[i];
        const struct provider *made = model_map_provider(runtime_models(to->runtime), p->name);
        char any[64];
        if (provider != NULL && !slice_is(p->name, provider))
            continue;
        if (made == NULL) {
            count += show_globs(to, p, p->models.items, p->models.count);
            continue;
        }
        count += show_globs(to, p, made->models.items, made->models.count);
        if (made->is_open) {
            snprintf(any, sizeof any, "%.*s/*", SLICE_ARG(p->name));
            show_pattern(to, p, slice_of(any));
            count++;
        }
    }
    return count;
}

static bool disables_any(const struct plugin_state *state, const struct plugin_state_entry *entry,
                         const struct model_listing *list, size_t count, const char *provider)
{
    for (size_t i = 0; i < count; i++)
        if (is_asked_for(&list[i], provider) && what_disables(state, &list[i]) == entry)
            return true;
    return false;
}

/* Who disabled what of it, once each. */
static void say_what_disables(const struct plugin_state *state, const struct model_listing *list,
                              size_t count, const char *provider)
{
    for (int kind = 0; kind < PLUGIN_STATE_KINDS; kind++) {
        size_t entries;
        const struct plugin_state_entry *entry =
            plugin_state_list(state, (enum plugin_state_kind)kind, &entries);
        for (size_t i = 0; i < entries; i++) {
            AUTO(buf) text = BUF_INIT(KIB(16));
            if (!disables_any(state, &entry[i], list, count, provider))
                continue;
            plugins_add_reason(state, &entry[i], entry[i].name, &text);
            command_complain("%s '%.*s' is %.*s", subject_kind_name((enum plugin_state_kind)kind),
                             SLICE_ARG(entry[i].name), SLICE_ARG(buf_slice(&text)));
        }
    }
}

/* The same of `disabled_models`. */
static void say_which_globs_disable(const struct config *config, const struct model_listing *list,
                                    size_t count, const char *provider)
{
    for (size_t i = 0; i < config->disabled_models.count; i++) {
        const harborai_str *glob = &config->disabled_models.items[i];
        AUTO(buf) text = BUF_INIT(KIB(16));
        bool found = false;
        for (size_t j = 0; j < count && !found; j++)
            found = is_asked_for(&list[j], provider) &&
                    plugins_glob_of(config, list[j].qualified) == glob;
        plugins_add_glob(config, *glob, &text);
        if (found)
            command_complain("model '%.*s' is %.*s", SLICE_ARG(*glob), SLICE_ARG(buf_slice(&text)));
    }
}

/* What is missing in whole sentences, once for each provider. */
static void say_what_is_missing(const struct plugin_state *state, const struct model_listing *list,
                                size_t count, const char *provider)
{
    harborai_str last = SLICE_NONE;
    for (size_t i = 0; i < count; i++) {
        harborai_error error = HARBORAI_ERROR_INIT;
        if (list[i].is_alias || !is_asked_for(&list[i], provider) ||
            slice_equal(list[i].provider, last))
            continue;
        last = list[i].provider;
        if (!is_disabled(state, &list[i]) && what_is_missing(state, &list[i], &error).len > 0)
            command_complain("%s", error.message);
    }
    say_what_disables(state, list, count, provider);
}

static void print_table(struct runtime *runtime, const struct plugin_state *state,
                        const struct model_listing *list, size_t count, const char *provider,
                        bool with_color)
{
    static const char *const heads[] = {"MODEL", "GOES TO", "CONTEXT", "OUTPUT", "CAPABILITIES",
                                        "IN / OUT PER 1M", "STATE"};
    struct table table;
    table_init(&table, ARRAY_LEN(heads));
    table.to_the_right[2] = table.to_the_right[3] = true;
    for (size_t i = 0; i < ARRAY_LEN(heads); i++)
        table_cell(&table, slice_of(heads[i]));
    for (size_t i = 0; i < count; i++)
        if (is_asked_for(&list[i], provider))
            print_row(&table, state, &list[i]);
    show_patterns(&(struct patterns){.runtime = runtime, .table = &table}, provider);
    table_print(&table, terminal_width(STDOUT_FILENO), with_color);
    table_release(&table);
    fflush(stdout);
    say_what_is_missing(state, list, count, provider);
    say_which_globs_disable(runtime_config(runtime), list, count, provider);
}

static void print_json(struct runtime *runtime, const struct plugin_state *state,
                       const struct model_listing *list, size_t count, const char *provider)
{
    AUTO(buf) text = BUF_INIT(MIB(64));
    struct json_writer w = JSON_WRITER(&text);
    json_write_object(&w);
    json_write_key_int64(&w, "version", 1);
    json_write_key(&w, HARBORAI_STR("models"));
    json_write_array(&w);
    for (size_t i = 0; i < count; i++)
        if (is_asked_for(&list[i], provider))
            write_json(&w, runtime_config(runtime), state, &list[i]);
    json_write_end(&w);
    json_write_key(&w, HARBORAI_STR("patterns"));
    json_write_array(&w);
    show_patterns(&(struct patterns){.runtime = runtime, .writer = &w}, provider);
    json_write_end(&w);
    json_write_end(&w);
    printf("%.*s\n", SLICE_ARG(buf_slice(&text)));
}

/* The way out, for the first minute of someone who has set nothing yet. */
static void say_what_to_set(struct runtime *runtime)
{
    AUTO(buf) text = BUF_INIT(MIB(1));
    setup_add_what_to_set(runtime, &text);
    command_complain("there is no model%.*s", SLICE_ARG(buf_slice(&text)));
}

static enum exit_code list(struct runtime *runtime, const struct plugin_state *state,
                           const struct arguments *arguments)
{
    const char *provider = command_argument(&command_list_models, arguments, "provider");
    size_t count;
    const struct model_listing *models = model_map_list(runtime_models(runtime), &count);
    size_t patterns = show_patterns(&(struct patterns){.runtime = runtime}, provider);
    if (provider != NULL && !setup_check_provider(runtime, slice_of(provider)))
        return EXIT_USAGE;
    if (command_argument(&command_list_models, arguments, "conflicts") != NULL) {
        conflicts_print(runtime_models(runtime), provider,
                        command_argument(&command_list_models, arguments, "json") != NULL,
                        command_has_color(arguments, STDOUT_FILENO));
        return command_finish();
    }
    if (command_argument(&command_list_models, arguments, "json") != NULL)
        print_json(runtime, state, models, count, provider);
    else if (count + patterns > 0)
        print_table(runtime, state, models, count, provider,
                    command_has_color(arguments, STDOUT_FILENO));
    if (count + patterns == 0)
        say_what_to_set(runtime);
    return command_finish();
}

static enum exit_code run(const struct arguments *arguments)
{
    struct runtime *runtime;
    struct plugin_state *state;
    struct log log;
    harborai_error error = HARBORAI_ERROR_INIT;
    struct config *config = setup_config(&command_list_models, arguments);
    enum exit_code code = setup_runtime(config, &log, &runtime);
    if (code != EXIT_OK)
        return code;
    if (plugin_state_load(runtime_config(runtime)->state_dir, &state, &error) < 0) {
        code = command_fail(&error);
    } else {
        code = list(runtime, state, arguments);
        plugin_state_destroy(state);
    }
    runtime_destroy(runtime);
    return code;
}

const struct command command_list_models = {
    .name = "list-models",
    .summary = "List the models that can be asked",
    .options = options,
    .run = run,
};
