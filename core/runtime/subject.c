/* SPDX-License-Identifier: MIT */
/* Whom a name means that an operator gives. Must never load a plugin, nor run what it finds. */
#include "runtime/subject.h"

#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "runtime/crash_subject.h"
#include "wire/shell.h"

#define NAME_SHOWN 200 /* bytes of a name in a message */

/* ---- Names ---------------------------------------------------------------------------------- */

static bool is_file(const struct plugin_file *file, harborai_str given, const char *resolved)
{
    harborai_str path = slice_of(file->path);
    return slice_equal(path, given) || (resolved != NULL && slice_is(path, resolved)) ||
           (slice_ends_with(given, ".so") && memchr(given.data, '/', given.len) == NULL &&
            slice_is(given, strrchr(file->path, '/') + 1));
}

static bool find_file(const struct subject_world *w, harborai_str given, struct subject *ret_subject)
{
    char *path = memchr(given.data, '/', given.len) != NULL ? slice_dup(given) : NULL;
    char *resolved = path != NULL ? realpath(path, NULL) : NULL;
    const struct plugin_file *found = NULL;
    for (size_t i = 0; found == NULL && i < w->catalog->file_count; i++)
        if (is_file(&w->catalog->files[i], given, resolved))
            found = &w->catalog->files[i];
    free(resolved);
    free(path);
    if (found == NULL)
        return false;
    *ret_subject = (struct subject){
        PLUGIN_STATE_PLUGIN, found->manifest != NULL ? found->manifest->id : SLICE_NONE, found};
    return true;
}

/* The plugin that a provider of the configuration is made of; NULL: none is found. */
static const struct plugin_file *file_of(const struct subject_world *w,
                                         const struct config_provider *provider)
{
    const struct plugin_file *file = plugin_catalog_find(w->catalog, provider->plugin);
    harborai_str preset = provider->preset.len > 0 ? provider->preset : provider->name;
    for (size_t i = 0; file == NULL && i < w->catalog->file_count; i++)
        if (w->catalog->files[i].state == PLUGIN_FILE_KNOWN &&
            manifest_preset_find(w->catalog->files[i].manifest, preset) != NULL)
            file = &w->catalog->files[i];
    return file;
}

/* A plugin, by its id or its short name; files that are not used too, if no other is called so. */
static bool find_plugin(const struct subject_world *w, harborai_str given, struct subject *ret_subject)
{
    const struct plugin_file *file = plugin_catalog_find(w->catalog, given);
    for (size_t i = 0; file == NULL && i < w->catalog->file_count; i++) {
        const struct manifest *m = w->catalog->files[i].manifest;
        if (m != NULL && (slice_equal(m->id, given) || slice_equal(m->provider, given)))
            file = &w->catalog->files[i];
    }
    if (file != NULL)
        *ret_subject = (struct subject){PLUGIN_STATE_PLUGIN, file->manifest->id, file};
    return file != NULL;
}

static bool find_provider(const struct subject_world *w, harborai_str given,
                          struct subject *ret_subject)
{
    const struct config_provider *provider = config_provider_find(w->config, given);
    if (provider != NULL)
        *ret_subject =
            (struct subject){PLUGIN_STATE_PROVIDER, provider->name, file_of(w, provider)};
    return provider != NULL;
}

/* What was switched off may have gone meanwhile. */
static bool find_in_state(const struct subject_world *w, harborai_str given,
                          struct subject *ret_subject)
{
    for (int kind = 0; kind < PLUGIN_STATE_KINDS; kind++) {
        size_t count;
        const struct plugin_state_entry *list =
            plugin_state_list(w->switches, (enum plugin_state_kind)kind, &count);
        for (size_t i = 0; i < count; i++)
            if (slice_equal(list[i].name, given)) {
                *ret_subject =
                    (struct subject){(enum plugin_state_kind)kind, list[i].name, NULL};
                return true;
            }
    }
    return false;
}

/* ---- Names that are none -------------------------------------------------------------------- */

static harborai_status refuse(const struct subject_world *w, harborai_str given,
                              harborai_error *error)
{
    struct nearest nearest = NEAREST_TO(given);
    for (size_t i = 0; i < w->catalog->file_count; i++) {
        const struct manifest *m = w->catalog->files[i].manifest;
        if (m == NULL)
            continue;
        nearest_consider(&nearest, m->provider);
        nearest_consider(&nearest, m->id);
    }
    for (size_t i = 0; i < w->config->provider_count; i++)
        nearest_consider(&nearest, w->config->providers[i].name);
    harborai_str name = slice_cut(given, NAME_SHOWN);
    if (nearest.name.len > 0)
        return harborai_error_set(error, HARBORAI_E_NOT_FOUND,
                                  "there is no plugin or provider '%.*s': did you mean '%.*s'?",
                                  SLICE_ARG(name), SLICE_ARG(nearest.name));
    return harborai_error_set(error, HARBORAI_E_NOT_FOUND,
                              "there is no plugin or provider '%.*s': 'harborai list-plugins' shows "
                              "those that are", SLICE_ARG(name));
}

/* A provider that nobody has is a slip of the pen, which would switch nothing off. */
static harborai_status find_model(const struct subject_world *w, harborai_str given,
                                  struct subject *ret_subject, harborai_error *error)
{
    harborai_str provider, model;
    slice_split(given, '/', &provider, &model);
    struct subject subject = {.file = NULL};
    if (provider.len == 0 || model.len == 0)
        return harborai_error_set(error, HARBORAI_E_INVALID, "'%.*s' is no provider/model",
                                  SLICE_ARG(slice_cut(given, NAME_SHOWN)));
    if (memchr(provider.data, '*', provider.len) == NULL && !find_provider(w, provider, &subject) &&
        !find_plugin(w, provider, &subject))
        return refuse(w, provider, error);
    *ret_subject = (struct subject){PLUGIN_STATE_MODEL, given, subject.file};
    return HARBORAI_OK;
}

/* Of two plugins with one short name nobody guesses which is meant. */
static harborai_status check_ambiguity(const struct subject_world *w, harborai_str given,
                                       harborai_error *error)
{
    const struct manifest *first = NULL;
    for (size_t i = 0; i < w->catalog->file_count; i++) {
        const struct plugin_file *file = &w->catalog->files[i];
        if (file->state != PLUGIN_FILE_KNOWN || !slice_equal(file->manifest->provider, given))
            continue;
        if (first != NULL)
            return harborai_error_set(error, HARBORAI_E_INVALID, "'%.*s' may be %s or %s: say which",
                                      SLICE_ARG(given), first->id.data, file->manifest->id.data);
        first = file->manifest;
    }
    return HARBORAI_OK;
}

/* ---- All of them ---------------------------------------------------------------------------- */

bool subject_look_up(const struct subject_world *world, harborai_str given,
                     struct subject *ret_subject)
{
    return find_plugin(world, given, ret_subject) || find_file(world, given, ret_subject) ||
           find_provider(world, given, ret_subject);
}

harborai_status subject_find(const struct subject_world *world, harborai_str given,
                             struct subject *ret_subject, harborai_error *error)
{
    harborai_status st = check_ambiguity(world, given, error);
    if (st < 0 || subject_look_up(world, given, ret_subject) ||
        find_in_state(world, given, ret_subject))
        return st;
    if (memchr(given.data, '/', given.len) != NULL && !slice_ends_with(given, ".so"))
        return find_model(world, given, ret_subject, error);
    return refuse(world, given, error);
}

/* Of a model that a longer glob disables, another entry than its own has to go. */
static harborai_status check_glob(const struct plugin_state *switches, harborai_str model,
                                  harborai_error *error)
{
    const struct plugin_state_entry *entry =
        plugin_state_disabled(switches, PLUGIN_STATE_MODEL, model);
    if (entry == NULL || slice_equal(entry->name, model))
        return HARBORAI_OK;
    struct shell_word word;
    return harborai_error_set(error, HARBORAI_E_INVALID,
                              "'%.*s' is disabled by the glob '%.*s': 'harborai plugin enable %s' "
                              "enables all that it matches",
                              SLICE_ARG(slice_cut(model, NAME_SHOWN)),
                              SLICE_ARG(slice_cut(entry->name, NAME_SHOWN)),
                              shell_word(entry->name, &word));
}

static harborai_status check_removal(const struct plugin_state *switches,
                                     const struct subject *subject, harborai_error *error)
{
    const struct plugin_state_entry *entry =
        plugin_state_disabled(switches, subject->kind, subject->name);
    if (entry == NULL || !entry->is_removal)
        return HARBORAI_OK;
    if (entry->removed_by == 0)
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "'%.*s' is being removed since %.*s: stop that 'harborai plugin "
                                  "remove' first", SLICE_ARG(entry->name), SLICE_ARG(entry->since));
    return harborai_error_set(error, HARBORAI_E_INVALID,
                              "'%.*s' is being removed since %.*s by 'harborai plugin remove', process "
                              "%ld: 'kill %ld' stops that, and it is served again",
                              SLICE_ARG(entry->name), SLICE_ARG(entry->since),
                              (long)entry->removed_by, (long)entry->removed_by);
}

size_t subject_list_off(const struct subject_world *world, harborai_str given,
                        const struct subject *found, struct subject to[static SUBJECT_MOST])
{
    size_t count = 0;
    if (found->kind == PLUGIN_STATE_PLUGIN && found->name.len > 0)
        to[count++] = *found;
    for (int kind = 0; kind < PLUGIN_STATE_MODEL && found->kind != PLUGIN_STATE_MODEL; kind++) {
        const struct plugin_state_entry *entry =
            plugin_state_disabled(world->switches, (enum plugin_state_kind)kind, given);
        if (entry != NULL && !entry->is_removal &&
            (count == 0 || to[0].kind != (enum plugin_state_kind)kind))
            to[count++] = (struct subject){(enum plugin_state_kind)kind, entry->name, found->file};
    }
    if (count == 0)
        to[count++] = *found;
    return count;
}

/* By plugins.json, or because a process died in it. */
static bool is_plugin_off(const struct subject_world *world, const struct plugin_file *file)
{
    const struct crash_subject subject =
        crash_subject_of(file->path, file->manifest, &file->identity);
    const struct plugin_state_entry *entry =
        plugin_state_disabled(world->switches, PLUGIN_STATE_PLUGIN, file->manifest->id);
    return entry != NULL ? !entry->is_removal
                         : plugin_state_crash(world->switches, &subject) != NULL;
}

harborai_str subject_still_off(const struct subject_world *world, const struct subject *subject)
{
    const struct manifest *m = subject->file != NULL ? subject->file->manifest : NULL;
    return subject->kind != PLUGIN_STATE_PLUGIN && m != NULL && is_plugin_off(world, subject->file)
               ? m->id
               : SLICE_NONE;
}

harborai_status subject_check_switch(const struct subject_world *world,
                                     const struct subject *subject, bool enabled,
                                     harborai_error *error)
{
    if (subject->name.len == 0)
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "it is not known whose plugin '%s' is: 'harborai plugin doctor' "
                                  "says why", subject->file->path);
    if (enabled && subject->kind == PLUGIN_STATE_MODEL)
        return check_glob(world->switches, subject->name, error);
    return enabled ? check_removal(world->switches, subject, error) : HARBORAI_OK;
}

const char *subject_kind_name(enum plugin_state_kind kind)
{
    static const char *const names[] = {[PLUGIN_STATE_PLUGIN] = "plugin",
                                        [PLUGIN_STATE_PROVIDER] = "provider",
                                        [PLUGIN_STATE_MODEL] = "model"};
    return names[kind];
}
