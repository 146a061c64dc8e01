/* SPDX-License-Identifier: MIT */
/* The map of models, as it follows from the providers that there are, the plugins that were found and
 * the configuration. [keeper] */
#include "base/arena.h"
#include "config/legacy.h"
#include "runtime/preset.h"
#include "runtime/state.h"

/* As `config` has it: what serves may be older. */
static int64_t priority_of(const struct runtime_provider *p, const struct config *config)
{
    const struct config_provider *spec = config_provider_find(config, p->slot->provider->name);
    return spec != NULL && spec->priority >= 0 ? spec->priority : plugin_origin_priority(p->origin);
}

static size_t list_providers(const struct runtime *runtime, const struct config *config,
                             struct model_map_provider *to)
{
    size_t count = 0;
    for (const struct list *i = runtime->providers.next; i != &runtime->providers; i = i->next) {
        const struct runtime_provider *p = CONTAINER_OF((uintptr_t)i, struct runtime_provider, link);
        const struct provider *spec = p->slot->provider;
        if (p->shown)
            to[count++] = (struct model_map_provider){
                p->slot, spec->name, spec->manifest, spec->models.items, spec->models.count,
                p->why_off.len == 0, p->why_off, switch_told(p->why_off), spec->is_open,
                priority_of(p, config)};
    }
    return count;
}

/* Those of them whose plugin's file went. */
static size_t list_removed(const struct runtime *runtime, harborai_str *to)
{
    size_t count = 0;
    for (const struct list *i = runtime->providers.next; i != &runtime->providers; i = i->next) {
        const struct runtime_provider *p = CONTAINER_OF((uintptr_t)i, struct runtime_provider, link);
        if (p->shown && p->is_removed)
            to[count++] = p->slot->provider->name;
    }
    return count;
}

/* The required secrets that the environment does not have, "A_KEY and B_KEY"; empty: none, or one
 * that no variable can give. */
static harborai_str missing_variables(const struct manifest *m,
                                      const struct environment *environment, struct arena *arena)
{
    harborai_str found, name, missing = SLICE_NONE;
    for (size_t i = 0; i < m->secret_count; i++) {
        const struct manifest_secret *secret = &m->secrets[i];
        if (!secret->required || legacy_key_find(environment, secret->env, &name, &found))
            continue;
        if (secret->env.len == 0)
            return SLICE_NONE;
        missing = missing.len == 0 ? secret->env
                                   : arena_printf(arena, "%.*s and %.*s", SLICE_ARG(missing),
                                                  SLICE_ARG(secret->env));
    }
    return missing;
}

/* Whether a provider of the configuration uses the plugin, or has the name that one would have. */
static bool is_configured(const struct runtime *runtime, const struct config *config,
                          const struct plugin_file *file)
{
    for (size_t i = 0; i < config->provider_count; i++) {
        const struct config_provider *p = &config->providers[i];
        if (slice_equal(p->name, file->manifest->provider) ||
            preset_uses(runtime->catalog, p, file))
            return true;
    }
    return false;
}

/* Plugins without a provider: without a file those that only lack their secrets, with one those
 * that it does not name. */
static size_t list_dormants(const struct runtime *runtime, const struct config *config,
                            struct arena *arena, struct model_map_dormant *to)
{
    const struct plugin_catalog *catalog = runtime->catalog;
    size_t count = 0;
    for (size_t i = 0; i < catalog->file_count; i++) {
        const struct plugin_file *file = &catalog->files[i];
        harborai_str missing = SLICE_NONE;
        if (file->state != PLUGIN_FILE_KNOWN)
            continue;
        if (!config->has_file)
            missing = missing_variables(file->manifest, config->environment, arena);
        if (config->has_file ? !is_configured(runtime, config, file) : missing.len > 0)
            to[count++] = (struct model_map_dormant){file->manifest, missing};
    }
    return count;
}

/* Those that the configuration names and that could not be made. */
static size_t list_missing(const struct config *config, const struct model_map_provider *have,
                           size_t have_count, harborai_str *to)
{
    size_t count = 0;
    for (size_t i = 0; config->has_file && i < config->provider_count; i++) {
        bool found = false;
        for (size_t j = 0; j < have_count && !found; j++)
            found = slice_equal(have[j].name, config->providers[i].name);
        if (!found)
            to[count++] = config->providers[i].name;
    }
    return count;
}

static bool is_left_out(const struct runtime *runtime, harborai_str name)
{
    for (const struct list *i = runtime->providers.next; i != &runtime->providers; i = i->next) {
        const struct runtime_provider *p = CONTAINER_OF((uintptr_t)i, struct runtime_provider, link);
        if ((p->wanted || p->shown) && slice_equal(p->slot->provider->name, name))
            return false;
    }
    return true;
}

/* Those that are nowhere, not even as something that is about to be. */
static size_t list_left_out(const struct runtime *runtime, const struct config *config,
                            harborai_str *to)
{
    size_t count = 0;
    for (size_t i = 0; config->has_file && i < config->provider_count; i++)
        if (is_left_out(runtime, config->providers[i].name))
            to[count++] = config->providers[i].name;
    return count;
}

static harborai_str name_of_file(const struct config *config)
{
    if (!config->has_file)
        return SLICE_NONE;
    return config->file.len > 0 ? config->file : HARBORAI_STR("the configuration");
}

static void list_aliases(const struct config *config, struct model_map_alias *to)
{
    for (size_t i = 0; i < config->alias_count; i++) {
        const struct config_alias *a = &config->aliases[i];
        to[i] = (struct model_map_alias){
            a->name, a->target, {a->place.file, a->place.line, a->place.column}};
    }
}

harborai_status models_build(const struct runtime *runtime, const struct config *config,
                             bool is_interim, struct config_faults *faults,
                             struct model_map **ret_map, harborai_error *error)
{
    size_t most = 1; /* an empty array may be NULL */
    struct arena arena;
    for (const struct list *i = runtime->providers.next; i != &runtime->providers; i = i->next)
        most++;
    arena_init(&arena, MIB(64));
    struct model_map_provider *providers = arena_alloc(&arena, most * sizeof *providers);
    struct model_map_alias *aliases =
        arena_alloc(&arena, (config->alias_count + 1) * sizeof *aliases);
    struct model_map_dormant *dormants =
        arena_alloc(&arena, (runtime->catalog->file_count + 1) * sizeof *dormants);
    harborai_str *removed = arena_alloc(&arena, most * sizeof *removed);
    harborai_str *missing = arena_alloc(&arena, (config->provider_count + 1) * sizeof *missing);
    harborai_str *left_out = arena_alloc(&arena, (config->provider_count + 1) * sizeof *left_out);
    const struct model_map_off *off;
    size_t off_count;
    harborai_status st = switch_list_models(runtime, config, &arena, &off, &off_count, error);
    if (st >= 0 && providers != NULL && aliases != NULL && dormants != NULL && removed != NULL &&
        missing != NULL && left_out != NULL) {
        size_t count = list_providers(runtime, config, providers);
        list_aliases(config, aliases);
        struct model_map_source source = {
            .providers = providers,
            .provider_count = count,
            .aliases = aliases,
            .alias_count = config->alias_count,
            .off = off,
            .off_count = off_count,
            .removed = removed,
            .removed_count = list_removed(runtime, removed),
            .dormants = dormants,
            .dormant_count = list_dormants(runtime, config, &arena, dormants),
            .file = name_of_file(config),
            .missing_providers = missing,
            .missing_provider_count = list_missing(config, providers, count, missing),
            .left_out = left_out,
            .left_out_count = list_left_out(runtime, config, left_out),
            .is_interim = is_interim};
        st = model_map_create(&source, ret_map, faults, error);
    } else {
        st = harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    }
    arena_release(&arena);
    return st;
}
