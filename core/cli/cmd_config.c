/* SPDX-License-Identifier: MIT */
/* harborai config: what the configuration is and where it comes from, whether it is good, where it
 * is looked for, what can be set. Loads no plugin; shows no key. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/nearest.h"
#include "cli/command.h"
#include "cli/setup.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "config/legacy.h"
#include "config/schema.h"
#include "config/settings.h"
#include "config/show.h"
#include "registry/model_map.h"
#include "runtime/runtime.h"
#include "wire/json_write.h"

static const struct option_spec options[] = {
    {"origin", 0, NULL, "show: say where each value comes from"},
    {"json", 0, NULL, "as JSON"},
    {"markdown", 0, NULL, "describe: as the table in doc/configuration.md"},
    {"schema", 0, NULL, "describe: as a JSON Schema, for editors"},
    {"env", 0, NULL, "describe: as a .env file to begin with"},
    {"describe", 0, NULL, "the same as describe"},
    {"host", 0, "ADDRESS", "as serve takes it"},
    {"port", 'p', "PORT", "as serve takes it"},
    {"socket", 0, "FILE", "as serve takes it"},
    {"workers", 'w', "N", "as serve takes it"},
    {"state-dir", 0, "DIR", "as serve takes it"},
    {"log-level", 0, "LEVEL", "as serve takes it"},
    {"model", 'm', "MODEL", "as chat takes it"},
    {NULL, 0, NULL, NULL},
};

static bool has(const struct arguments *arguments, const char *option)
{
    return command_argument(&command_config, arguments, option) != NULL;
}

/* Prints what was made; the buffer has a ceiling that no configuration reaches. */
static enum exit_code print(const struct buf *text)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    if (buf_status(text, &error) < 0)
        return command_fail(&error);
    fwrite(text->data, 1, text->len, stdout);
    return command_finish();
}

/* ---- show --------------------------------------------------------------------------------- */

static void add_absent_file(const struct config *config, struct buf *text)
{
    if (!config->has_file)
        buf_add(text, HARBORAI_STR("# No file names providers: there is one for each plugin whose "
                                   "key is set, see 'harborai list-models'.\n"));
}

static enum exit_code show(const struct arguments *arguments)
{
    AUTO(buf) text = BUF_INIT(MIB(64));
    struct config *config = setup_config(&command_config, arguments);
    if (config == NULL)
        return EXIT_CONFIG;
    if (has(arguments, "json")) {
        show_json(config, &text);
        buf_add_char(&text, '\n');
    } else {
        show_yaml(config, has(arguments, "origin"), &text);
        add_absent_file(config, &text);
    }
    config_destroy(config);
    return print(&text);
}

/* ---- check -------------------------------------------------------------------------------- */

/* What was there to be checked. */
struct seen {
    size_t files, providers;
};

static void warn_of_missing_key(const struct config *config, const struct provider *provider,
                                struct config_faults *warnings)
{
    const struct config_provider *p = config_provider_find(config, provider->name);
    const struct setting *key = settings_find(HARBORAI_STR(SETTINGS_PROVIDER ".api_key"));
    harborai_error error = HARBORAI_ERROR_INIT;
    struct config_place place = {"environment", 0, 0};
    if (provider_check_secrets(provider, &error) >= 0)
        return;
    if (p != NULL && p->place.line > 0)
        place = p->origins[key - settings].place.line > 0 ? p->origins[key - settings].place
                                                           : p->place;
    config_faults_add(warnings, place, "%s", error.message);
}

/* Providers of a file, or those that the environment made. */
static void look_at_providers(struct runtime *runtime, struct config_faults *warnings,
                              struct seen *seen)
{
    const struct config *config = runtime_config(runtime);
    size_t count;
    const struct model_listing *models = model_map_list(runtime_models(runtime), &count);
    AUTO(buf) text = BUF_INIT(MIB(1));
    for (size_t i = 0; config->has_file && i < config->provider_count; i++) {
        const struct provider *p = model_map_provider(runtime_models(runtime), config->providers[i].name);
        if (p != NULL)
            warn_of_missing_key(config, p, warnings);
        seen->providers++;
    }
    for (size_t i = 0; !config->has_file && i < count; i++)
        seen->providers += !models[i].is_alias &&
                           (i == 0 || !slice_equal(models[i].provider, models[i - 1].provider));
    if (seen->providers > 0)
        return;
    setup_add_what_to_set(runtime, &text);
    config_faults_add(warnings, (struct config_place){"environment", 0, 0}, "nothing can be asked%.*s",
                      SLICE_ARG(buf_slice(&text)));
}

static bool has_plugin(const struct plugin_catalog *catalog, const char *provider)
{
    for (size_t i = 0; i < catalog->file_count; i++) {
        const struct plugin_file *f = &catalog->files[i];
        if (f->manifest != NULL && slice_is(f->manifest->provider, provider))
            return true;
    }
    return false;
}

/* Keys of vendors that nothing here speaks to. */
static void warn_of_vendors(const struct config *config, struct config_faults *warnings)
{
    struct plugin_catalog *catalog;
    if (setup_catalog(config, &catalog, NULL) < 0)
        return; /* then making the runtime says why */
    for (size_t i = 0; i < legacy_vendor_count(); i++) {
        const char *provider = legacy_vendor_name(i);
        if (!has_plugin(catalog, provider))
            legacy_warn_of_vendor(config, legacy_vendor_find(slice_of(provider)), warnings);
    }
    plugin_catalog_destroy(catalog);
}

/* What can only be seen with the plugins: whether they are there and serve what aliases name, and
 * whether the keys that they need are there. */
static harborai_status check_plugins(struct config *config, struct config_faults *faults,
                                     struct config_faults *warnings, struct seen *seen,
                                     harborai_error *error)
{
    struct runtime_options with = {
        .loops = 1, .with_user_plugins = true, .system_plugin_dir = PLUGINDIR, .faults = faults};
    struct runtime *runtime;
    harborai_status st = runtime_create(config, &with, &runtime, error);
    if (st < 0) {
        config_destroy(config);
        return st;
    }
    look_at_providers(runtime, warnings, seen);
    runtime_destroy(runtime);
    return st;
}

static size_t count_files(const struct config *config)
{
    size_t count = 0;
    for (unsigned i = 0; i < FILES_COUNT; i++)
        count += config->files[i].len > 0;
    return count;
}

static void write_faults(struct json_writer *w, const char *key, const struct config_faults *faults)
{
    json_write_key(w, slice_of(key));
    json_write_array(w);
    for (unsigned i = 0; i < faults->count; i++) {
        const struct config_fault *f = &faults->items[i];
        json_write_object(w);
        json_write_key_string(w, "file", slice_of(f->file));
        if (f->line > 0) {
            json_write_key_int64(w, "line", f->line);
            json_write_key_int64(w, "column", f->column);
        }
        json_write_key_string(w, "message", slice_of(f->message));
        json_write_end(w);
    }
    json_write_end(w);
}

static void print_check_json(harborai_status st, const struct seen *seen,
                             const struct config_faults *faults,
                             const struct config_faults *warnings, const harborai_error *error)
{
    AUTO(buf) text = BUF_INIT(MIB(8));
    struct json_writer w = JSON_WRITER(&text);
    json_write_object(&w);
    json_write_key_int64(&w, "version", 1);
    json_write_key(&w, HARBORAI_STR("good"));
    json_write_bool(&w, st >= 0);
    json_write_key_int64(&w, "fault_count", st < 0 && faults->total == 0 ? 1 : faults->total);
    write_faults(&w, "faults", faults);
    if (st < 0 && faults->total == 0)
        json_write_key_string(&w, "error", slice_of(error->message));
    json_write_key_int64(&w, "warning_count", warnings->total);
    write_faults(&w, "warnings", warnings);
    if (st >= 0) {
        json_write_key_int64(&w, "file_count", (int64_t)seen->files);
        json_write_key_int64(&w, "provider_count", (int64_t)seen->providers);
    }
    json_write_end(&w);
    printf("%.*s\n", SLICE_ARG(buf_slice(&text)));
}

static void print_count(size_t count, const char *what)
{
    if (count == 0)
        printf("no %s", what);
    else
        printf("%zu %s%s", count, what, count == 1 ? "" : "s");
}

static void print_check(harborai_status st, const struct seen *seen,
                        const struct config_faults *faults, const struct config_faults *warnings,
                        const harborai_error *error)
{
    setup_print_faults(faults, "");
    if (st < 0 && faults->total == 0)
        command_complain("%s", error->message);
    setup_print_faults(warnings, "warning: ");
    if (st < 0 && faults->total > 1)
        command_complain("%u faults", faults->total);
    if (st < 0)
        return;
    printf("The configuration is good: ");
    print_count(seen->files, "file");
    printf(", ");
    print_count(seen->providers, "provider");
    printf(".\n");
}

static enum exit_code check(const struct arguments *arguments)
{
    AUTO(config_faults) faults;
    AUTO(config_faults) warnings;
    harborai_error error = HARBORAI_ERROR_INIT;
    struct config *config;
    struct seen seen = {0};

    config_faults_init(&faults);
    config_faults_init_warnings(&warnings);
    harborai_status st =
        setup_load(&command_config, arguments, &config, &faults, &warnings, &error);
    if (st >= 0) {
        seen.files = count_files(config);
        warn_of_vendors(config, &warnings);
        harborai_status certificate = setup_check_certificate(config, &faults);
        st = check_plugins(config, &faults, &warnings, &seen, &error);
        st = st >= 0 ? certificate : st;
    }
    if (has(arguments, "json"))
        print_check_json(st, &seen, &faults, &warnings, &error);
    else
        print_check(st, &seen, &faults, &warnings, &error);
    enum exit_code code = command_finish();
    return st < 0 ? EXIT_CONFIG : code;
}

/* ---- path --------------------------------------------------------------------------------- */

/* As loading would have it, but for what is in the file. */
static const char *state_of(enum files_kind kind, const struct files_entry *entry,
                            char words[static 128])
{
    struct stat about;
    if (stat(entry->name.data, &about) < 0 || access(entry->name.data, R_OK) < 0)
        return errno == ENOENT || errno == ENOTDIR ? "not there" : error_of_errno(errno, words);
    if (S_ISDIR(about.st_mode))
        return "a folder, not read";
    if (kind == FILES_ENV && !S_ISREG(about.st_mode))
        return "no regular file, not read";
    if (kind == FILES_ENV && !files_is_own(&about))
        return "of others, not read";
    return "read";
}

static void print_paths_json(const struct files_entry entries[static FILES_COUNT])
{
    AUTO(buf) text = BUF_INIT(KIB(64));
    struct json_writer w = JSON_WRITER(&text);
    json_write_object(&w);
    json_write_key_int64(&w, "version", 1);
    json_write_key(&w, HARBORAI_STR("files"));
    json_write_array(&w);
    for (unsigned i = 0; i < FILES_COUNT; i++) {
        char words[128];
        if (entries[i].name.len == 0)
            continue;
        json_write_object(&w);
        json_write_key_string(&w, "kind", slice_of(files_kind_name(i)));
        json_write_key_string(&w, "file", entries[i].name);
        json_write_key_string(&w, "state", slice_of(state_of(i, &entries[i], words)));
        json_write_end(&w);
    }
    json_write_end(&w);
    json_write_end(&w);
    printf("%.*s\n", SLICE_ARG(buf_slice(&text)));
}

static void print_paths(const struct files_entry entries[static FILES_COUNT], bool with_color)
{
    static const char *const heads[] = {"WHAT", "STATE", "FILE"};
    struct table table;
    table_init(&table, ARRAY_LEN(heads));
    for (size_t i = 0; i < ARRAY_LEN(heads); i++)
        table_cell(&table, slice_of(heads[i]));
    for (unsigned i = 0; i < FILES_COUNT; i++) {
        char words[128];
        if (entries[i].name.len == 0)
            continue;
        table_cell(&table, slice_of(i == FILES_ENV ? ".env file" : files_kind_name(i)));
        table_cell(&table, slice_of(state_of(i, &entries[i], words)));
        table_cell(&table, entries[i].name);
    }
    table_print(&table, terminal_width(STDOUT_FILENO), with_color);
    table_release(&table);
}

static enum exit_code path(const struct arguments *arguments)
{
    struct config_sources sources = {
        .file = command_argument(&command_config, arguments, "config")};
    struct files_entry entries[FILES_COUNT];
    harborai_error error = HARBORAI_ERROR_INIT;
    struct arena arena;

    arena_init(&arena, MIB(1));
    harborai_status st = files_find(&sources, &environment_process, &arena, entries, &error);
    if (st >= 0 && has(arguments, "json"))
        print_paths_json(entries);
    else if (st >= 0)
        print_paths(entries, command_has_color(arguments, STDOUT_FILENO));
    arena_release(&arena);
    return st < 0 ? command_fail(&error) : command_finish();
}

/* ---- describe ----------------------------------------------------------------------------- */

static enum exit_code describe(const struct arguments *arguments)
{
    AUTO(buf) text = BUF_INIT(MIB(1));
    if (has(arguments, "schema")) {
        schema_write(&text);
    } else if (has(arguments, "env")) {
        schema_describe_env(&text);
    } else if (has(arguments, "markdown")) {
        settings_describe(&text);
    } else if (has(arguments, "json")) {
        schema_describe_json(&text);
        buf_add_char(&text, '\n');
    } else {
        schema_describe(&text);
    }
    return print(&text);
}

/* ---- Which of them ------------------------------------------------------------------------ */

static enum exit_code run(const struct arguments *arguments)
{
    static const struct part {
        const char *name;
        enum exit_code (*run)(const struct arguments *arguments);
    } parts[] = {{"show", show}, {"check", check}, {"path", path}, {"describe", describe}};
    const char *name = arguments->rest_count > 0 ? arguments->rest[0] : "show";

    if (has(arguments, "describe"))
        name = "describe";
    if (arguments->rest_count > 1) {
        command_complain("'config' takes one word: '%s' is one too many", arguments->rest[1]);
        return EXIT_USAGE;
    }
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (strcmp(name, parts[i].name) == 0)
            return parts[i].run(arguments);
    struct nearest nearest = NEAREST_TO(slice_of(name));
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        nearest_consider(&nearest, slice_of(parts[i].name));
    if (nearest.name.len > 0)
        command_complain("'config' has no '%s': did you mean '%.*s'?", name, SLICE_ARG(nearest.name));
    else
        command_complain("'config' has no '%s': show, check, path or describe", name);
    return EXIT_USAGE;
}

const struct command command_config = {
    .name = "config",
    .summary = "Show the configuration, check it, say where it is looked for",
    .rest = "[show | check | path | describe]",
    .more = "  show       the settings with their values, keys masked (also without a word)\n"
            "  check      every fault of all sources; warns of what has no effect, of keys that are not\n"
            "             there, and of keys that others can read\n"
            "  path       the files that are looked for\n"
            "  describe   every setting: what it takes, its default, variable and flag",
    .options = options,
    .run = run,
};
