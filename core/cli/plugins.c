/* SPDX-License-Identifier: MIT */
/* Finds what a name means, and says what was switched off. Must never load a plugin. */
#include "cli/plugins.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "cli/setup.h"

harborai_status plugins_open_with(struct plugins *plugins, struct config *config,
                                  harborai_error *error)
{
    plugins->config = config;
    harborai_status st = setup_catalog(config, &plugins->catalog, error);
    if (st == HARBORAI_OK &&
        plugin_state_load(config->state_dir, &plugins->state, &plugins->state_error) < 0)
        st = plugin_state_load(SLICE_NONE, &plugins->state, error);
    return st;
}

enum exit_code plugins_open(struct plugins *plugins, const struct command *command,
                            const struct arguments *arguments)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    struct config *config = setup_config_without_keys(command, arguments);
    if (config == NULL)
        return EXIT_CONFIG;
    return plugins_open_with(plugins, config, &error) < 0 ? command_fail(&error) : EXIT_OK;
}

void plugins_release(struct plugins *plugins)
{
    plugin_state_destroy(plugins->state);
    plugin_catalog_destroy(plugins->catalog);
    config_destroy(plugins->config);
    *plugins = (struct plugins){.config = NULL};
}

enum exit_code plugins_check_state(const struct plugins *plugins)
{
    return plugins->state_error.code == HARBORAI_OK ? EXIT_OK : command_fail(&plugins->state_error);
}

/* ---- Names ---------------------------------------------------------------------------------- */

static bool is_file(const struct plugin_file *file, harborai_str given, const char *resolved)
{
    harborai_str path = slice_of(file->path);
    return slice_equal(path, given) || (resolved != NULL && slice_is(path, resolved)) ||
           (slice_ends_with(given, ".so") && memchr(given.data, '/', given.len) == NULL &&
            slice_is(given, strrchr(file->path, '/') + 1));
}

static bool find_file(const struct plugins *p, const char *given, struct plugins_target *ret_target)
{
    char *resolved = strchr(given, '/') != NULL ? realpath(given, NULL) : NULL;
    const struct plugin_file *found = NULL;
    for (size_t i = 0; found == NULL && i < p->catalog->file_count; i++)
        if (is_file(&p->catalog->files[i], slice_of(given), resolved))
            found = &p->catalog->files[i];
    free(resolved);
    if (found == NULL)
        return false;
    *ret_target = (struct plugins_target){
        PLUGIN_STATE_PLUGIN, found->manifest != NULL ? found->manifest->id : SLICE_NONE, found};
    return true;
}

/* The plugin that a provider of the configuration is made of; NULL: none is found. */
static const struct plugin_file *file_of(const struct plugins *p,
                                         const struct config_provider *provider)
{
    const struct plugin_file *file = plugin_catalog_find(p->catalog, provider->plugin);
    harborai_str preset = provider->preset.len > 0 ? provider->preset : provider->name;
    for (size_t i = 0; file == NULL && i < p->catalog->file_count; i++)
        if (p->catalog->files[i].state == PLUGIN_FILE_KNOWN &&
            manifest_preset_find(p->catalog->files[i].manifest, preset) != NULL)
            file = &p->catalog->files[i];
    return file;
}

/* A plugin, by its id or its short name; files that are not used too, if no other is called so. */
static bool find_plugin(const struct plugins *p, harborai_str given, struct plugins_target *ret_target)
{
    const struct plugin_file *file = plugin_catalog_find(p->catalog, given);
    for (size_t i = 0; file == NULL && i < p->catalog->file_count; i++) {
        const struct manifest *m = p->catalog->files[i].manifest;
        if (m != NULL && (slice_equal(m->id, given) || slice_equal(m->provider, given)))
            file = &p->catalog->files[i];
    }
    if (file != NULL)
        *ret_target = (struct plugins_target){PLUGIN_STATE_PLUGIN, file->manifest->id, file};
    return file != NULL;
}

static bool find_provider(const struct plugins *p, harborai_str given,
                          struct plugins_target *ret_target)
{
    const struct config_provider *provider = config_provider_find(p->config, given);
    if (provider != NULL)
        *ret_target = (struct plugins_target){PLUGIN_STATE_PROVIDER, provider->name,
                                              file_of(p, provider)};
    return provider != NULL;
}

/* What was switched off may have gone meanwhile. */
static bool find_in_state(const struct plugins *p, harborai_str given,
                          struct plugins_target *ret_target)
{
    for (int kind = 0; kind < PLUGIN_STATE_KINDS; kind++) {
        size_t count;
        const struct plugin_state_entry *list =
            plugin_state_list(p->state, (enum plugin_state_kind)kind, &count);
        for (size_t i = 0; i < count; i++)
            if (slice_equal(list[i].name, given)) {
                *ret_target =
                    (struct plugins_target){(enum plugin_state_kind)kind, list[i].name, NULL};
                return true;
            }
    }
    return false;
}

/* ---- Names that are none -------------------------------------------------------------------- */

struct nearest {
    harborai_str given, name;
    unsigned least;
};

static void consider(struct nearest *n, harborai_str name)
{
    unsigned distance = slice_distance(n->given, name, n->least - 1);
    if (distance < n->least) {
        n->least = distance;
        n->name = name;
    }
}

static enum exit_code refuse(const struct plugins *p, harborai_str given)
{
    struct nearest nearest = {given, SLICE_NONE, 3};
    for (size_t i = 0; i < p->catalog->file_count; i++) {
        const struct manifest *m = p->catalog->files[i].manifest;
        if (m == NULL)
            continue;
        consider(&nearest, m->provider);
        consider(&nearest, m->id);
    }
    for (size_t i = 0; i < p->config->provider_count; i++)
        consider(&nearest, p->config->providers[i].name);
    if (nearest.name.len > 0)
        command_complain("there is no plugin or provider '%.*s': did you mean '%.*s'?",
                         SLICE_ARG(given), SLICE_ARG(nearest.name));
    else
        command_complain("there is no plugin or provider '%.*s': 'harborai list-plugins' shows those "
                         "that are", SLICE_ARG(given));
    return EXIT_USAGE;
}

/* A provider that nobody has is a slip of the pen, which would switch nothing off. */
static enum exit_code find_model(const struct plugins *p, harborai_str given,
                                 struct plugins_target *ret_target)
{
    harborai_str provider, model;
    slice_split(given, '/', &provider, &model);
    struct plugins_target target = {.file = NULL};
    if (provider.len == 0 || model.len == 0) {
        command_complain("'%.*s' is no provider/model", SLICE_ARG(given));
        return EXIT_USAGE;
    }
    if (memchr(provider.data, '*', provider.len) == NULL && !find_provider(p, provider, &target) &&
        !find_plugin(p, provider, &target))
        return refuse(p, provider);
    *ret_target = (struct plugins_target){PLUGIN_STATE_MODEL, given, target.file};
    return EXIT_OK;
}

bool plugins_look_up(const struct plugins *plugins, const char *given,
                     struct plugins_target *ret_target)
{
    return find_plugin(plugins, slice_of(given), ret_target) ||
           find_file(plugins, given, ret_target) ||
           find_provider(plugins, slice_of(given), ret_target);
}

/* Of two plugins with one short name nobody guesses which is meant. */
static bool is_ambiguous(const struct plugins *p, harborai_str given)
{
    const struct manifest *first = NULL;
    for (size_t i = 0; i < p->catalog->file_count; i++) {
        const struct plugin_file *file = &p->catalog->files[i];
        if (file->state != PLUGIN_FILE_KNOWN || !slice_equal(file->manifest->provider, given))
            continue;
        if (first != NULL) {
            command_complain("'%.*s' may be %s or %s: say which", SLICE_ARG(given), first->id.data,
                             file->manifest->id.data);
            return true;
        }
        first = file->manifest;
    }
    return false;
}

enum exit_code plugins_find(const struct plugins *plugins, const char *given,
                            struct plugins_target *ret_target)
{
    harborai_str name = slice_of(given);
    if (is_ambiguous(plugins, name))
        return EXIT_USAGE;
    if (plugins_look_up(plugins, given, ret_target) || find_in_state(plugins, name, ret_target))
        return EXIT_OK;
    if (strchr(given, '/') != NULL && !slice_ends_with(name, ".so"))
        return find_model(plugins, name, ret_target);
    return refuse(plugins, name);
}

enum exit_code plugins_open_at(struct plugins *plugins, const struct command *command,
                               const struct arguments *arguments,
                               struct plugins_target *ret_target)
{
    enum exit_code code = plugins_open(plugins, command, arguments);
    if (code == EXIT_OK)
        code = plugins_check_state(plugins);
    return code == EXIT_OK ? plugins_find(plugins, arguments->rest[0], ret_target) : code;
}

/* ---- What is off ---------------------------------------------------------------------------- */

const struct plugin_state_entry *plugins_disabled(const struct plugins *plugins,
                                                  const struct plugin_file *file)
{
    return file->manifest == NULL ? NULL
                                  : plugin_state_disabled(plugins->state, PLUGIN_STATE_PLUGIN,
                                                          file->manifest->id);
}

harborai_str plugins_state_name(const struct plugins *plugins, const struct plugin_file *file)
{
    switch (file->state) {
    case PLUGIN_FILE_KNOWN:
        return plugins_disabled(plugins, file) != NULL ? HARBORAI_STR("disabled")
                                                       : HARBORAI_STR("ready");
    case PLUGIN_FILE_SHADOWED:
        return HARBORAI_STR("shadowed");
    case PLUGIN_FILE_REFUSED:
    default:
        return HARBORAI_STR("refused");
    }
}

void plugins_add_reason(const struct plugin_state *state, const struct plugin_state_entry *entry,
                        harborai_str name, struct buf *text)
{
    buf_printf(text, "disabled");
    if (entry->by.len > 0)
        buf_printf(text, " by '%.*s'", SLICE_ARG(entry->by));
    if (entry->since.len > 0)
        buf_printf(text, " since %.*s", SLICE_ARG(entry->since));
    buf_printf(text, ", in %s: 'harborai plugin enable %.*s' enables it",
               plugin_state_path(state), SLICE_ARG(name));
}

const char *plugins_origin_name(enum plugin_origin origin)
{
    static const char *const names[] = {[PLUGIN_ORIGIN_ENVIRONMENT] = "HARBORAI_PLUGIN_PATH",
                                        [PLUGIN_ORIGIN_CONFIGURATION] = "plugin_path",
                                        [PLUGIN_ORIGIN_USER] = "the user's directory",
                                        [PLUGIN_ORIGIN_SYSTEM] = "the system's directory"};
    return names[origin];
}

const char *plugins_kind_name(enum plugin_state_kind kind)
{
    static const char *const names[] = {[PLUGIN_STATE_PLUGIN] = "plugin",
                                        [PLUGIN_STATE_PROVIDER] = "provider",
                                        [PLUGIN_STATE_MODEL] = "model"};
    return names[kind];
}
