/* SPDX-License-Identifier: MIT */
/* Finds the plugin of a provider by its name, or by a preset that it knows. Must never guess between
 * two plugins: the operator's key goes to where the preset says. */
#include "runtime/preset.h"

#include "base/attr.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/nearest.h"
#include "config/settings.h"

#define NAMES_SHOWN 250

struct config_place preset_place(const struct config_provider *spec)
{
    const struct setting *setting = settings_find(HARBORAI_STR(SETTINGS_PROVIDER ".preset"));
    return spec->preset.len > 0 ? spec->origins[setting - settings].place : spec->place;
}

/* Names of presets that are near to `name`, or all; of `only`, or of every plugin if it is NULL. */
static void add_names(struct buf *b, const struct plugin_catalog *catalog,
                      const struct plugin_file *only, harborai_str name, bool all)
{
    for (size_t i = 0; i < catalog->file_count; i++) {
        const struct plugin_file *file = &catalog->files[i];
        if (file->state != PLUGIN_FILE_KNOWN || (only != NULL && file != only))
            continue;
        for (size_t j = 0; j < file->manifest->preset_count; j++) {
            harborai_str preset = file->manifest->presets[j].name;
            if (all || nearest_is_near(name, preset))
                buf_printf(b, "%s%.*s", b->len > 0 ? ", " : "", SLICE_ARG(preset));
        }
    }
}

static harborai_status refuse_preset(const struct plugin_catalog *catalog,
                                     const struct config_provider *spec,
                                     const struct plugin_file *file, harborai_error *error)
{
    AUTO(buf) b = BUF_INIT(KIB(64));
    const char *before = ", did you mean ", *after = "?";
    add_names(&b, catalog, file, spec->preset, false);
    if (b.len == 0) {
        before = ": known are ";
        after = "";
        add_names(&b, catalog, file, spec->preset, true);
    }
    harborai_str names = slice_cut(buf_slice(&b), NAMES_SHOWN);
    if (names.len == 0)
        before = after = "";
    return harborai_error_set(error, HARBORAI_E_CONFIG,
                              "providers.%s.preset: %s%s%s preset '%.*s'%s%.*s%s; 'harborai "
                              "list-plugins --presets' tells what each stands for",
                              spec->name.data, file != NULL ? "plugin " : "no plugin has a",
                              file != NULL ? file->manifest->id.data : "",
                              file != NULL ? " has no" : "", SLICE_ARG(spec->preset), before,
                              SLICE_ARG(names), after);
}

/* The one plugin that knows the preset. */
static harborai_status find_preset(const struct plugin_catalog *catalog,
                                   const struct config_provider *spec, harborai_str name,
                                   const struct plugin_file **ret_file,
                                   const struct manifest_preset **ret_preset,
                                   harborai_error *error)
{
    const struct plugin_file *found = NULL;
    for (size_t i = 0; i < catalog->file_count; i++) {
        const struct plugin_file *file = &catalog->files[i];
        const struct manifest_preset *preset =
            file->state == PLUGIN_FILE_KNOWN ? manifest_preset_find(file->manifest, name) : NULL;
        if (preset == NULL)
            continue;
        if (found != NULL) {
            *ret_file = found;
            return harborai_error_set(error, HARBORAI_E_CONFIG,
                                      "providers.%s: the plugins %s and %s both have a preset "
                                      "'%.*s': name one as providers.%s.plugin",
                                      spec->name.data, found->manifest->id.data,
                                      file->manifest->id.data, SLICE_ARG(name), spec->name.data);
        }
        found = file;
        *ret_preset = preset;
    }
    *ret_file = found;
    return HARBORAI_OK;
}

/* The file of the plugin that is refused, as far as it is known whose it is: its name may tell. */
static const struct plugin_file *find_refused(const struct plugin_catalog *catalog, harborai_str plugin)
{
    for (size_t i = 0; i < catalog->file_count; i++) {
        const struct plugin_file *file = &catalog->files[i];
        const struct manifest *m = file->manifest;
        harborai_str name = slice_of(strrchr(file->path, '/') + 1);
        if (file->state != PLUGIN_FILE_REFUSED)
            continue;
        if (m != NULL ? slice_equal(m->id, plugin) || slice_equal(m->provider, plugin)
                      : name.len == plugin.len + strlen(".so") &&
                            slice_equal(slice_cut(name, plugin.len), plugin))
            return file;
    }
    return NULL;
}

static harborai_status refuse_plugin(const struct plugin_catalog *catalog,
                                     const struct config_provider *spec, harborai_error *error)
{
    const struct plugin_file *refused = find_refused(catalog, spec->plugin);
    if (refused != NULL)
        return harborai_error_set(error, HARBORAI_E_CONFIG, "providers.%s: plugin '%s' is refused: %s",
                                  spec->name.data, spec->plugin.data, refused->error.message);
    return harborai_error_set(error, HARBORAI_E_CONFIG,
                              "providers.%s: no plugin%s '%s' can be used: 'harborai list-plugins' "
                              "tells what was found and why something is refused",
                              spec->name.data, spec->has_plugin ? "" : " and no preset",
                              spec->plugin.data);
}

/* `moonshot: {}` means the preset where no plugin has that name. */
static harborai_status choose_by_plugin(const struct plugin_catalog *catalog,
                                        const struct config_provider *spec,
                                        const struct plugin_file **ret_file,
                                        const struct manifest_preset **ret_preset,
                                        harborai_error *error)
{
    *ret_file = plugin_catalog_find(catalog, spec->plugin);
    if (*ret_file == NULL && !spec->has_plugin) {
        harborai_status st = find_preset(catalog, spec, spec->name, ret_file, ret_preset, error);
        if (st < 0)
            return st;
    }
    return *ret_file != NULL ? HARBORAI_OK : refuse_plugin(catalog, spec, error);
}

harborai_status preset_choose(const struct plugin_catalog *catalog,
                              const struct config_provider *spec,
                              const struct plugin_file **ret_file,
                              const struct manifest_preset **ret_preset, harborai_error *error)
{
    harborai_status st = HARBORAI_OK;
    *ret_preset = NULL;
    *ret_file = NULL;
    if (spec->preset.len == 0)
        return choose_by_plugin(catalog, spec, ret_file, ret_preset, error);
    if (!spec->has_plugin) {
        st = find_preset(catalog, spec, spec->preset, ret_file, ret_preset, error);
    } else {
        *ret_file = plugin_catalog_find(catalog, spec->plugin);
        if (*ret_file == NULL)
            return refuse_plugin(catalog, spec, error);
        *ret_preset = manifest_preset_find((*ret_file)->manifest, spec->preset);
    }
    if (st < 0)
        return st;
    return *ret_preset != NULL ? HARBORAI_OK : refuse_preset(catalog, spec, *ret_file, error);
}

bool preset_uses(const struct plugin_catalog *catalog, const struct config_provider *spec,
                 const struct plugin_file *file)
{
    const struct plugin_file *used;
    const struct manifest_preset *preset;
    return preset_choose(catalog, spec, &used, &preset, NULL) >= 0 && used == file;
}
