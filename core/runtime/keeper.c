/* SPDX-License-Identifier: MIT */
/* The keeper: the only writer of snapshots. It reads the plugin directories, makes slots and the
 * model map for a configuration, publishes, waits until no loop can see what was before, and frees
 * it. It runs no foreign code. */
#include <stdlib.h>

#include "base/arena.h"
#include "config/legacy.h"
#include "runtime/preset.h"
#include "runtime/state.h"

static harborai_status scan_plugins(struct runtime *runtime, const struct config *config,
                                    harborai_error *error)
{
    struct plugin_catalog *catalog;
    char *user = runtime->options.with_user_plugins ? discover_user_directory() : NULL;
    struct discover_options options = {.environment = discover_environment(),
                                       .configuration = config->plugin_path.items,
                                       .configuration_count = config->plugin_path.count,
                                       .user = user,
                                       .system = runtime->options.system_plugin_dir,
                                       .one_a_provider = !config->has_file};
    harborai_status st = plugin_catalog_create(&options, &catalog, error);
    free(user);
    if (st < 0)
        return st;
    plugin_catalog_destroy(runtime->catalog);
    runtime->catalog = catalog;
    return HARBORAI_OK;
}

static size_t list_providers(const struct runtime *runtime, struct model_map_provider *to)
{
    size_t count = 0;
    for (const struct list *i = runtime->providers.next; i != &runtime->providers; i = i->next) {
        const struct runtime_provider *p = CONTAINER_OF((uintptr_t)i, struct runtime_provider, link);
        const struct provider *spec = p->slot->provider;
        if (p->wanted)
            to[count++] = (struct model_map_provider){p->slot, spec->name, spec->manifest,
                                                      spec->models.items, spec->models.count, true,
                                                      spec->is_open};
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

static harborai_status build_models(const struct runtime *runtime, const struct config *config,
                                    struct config_faults *faults, struct model_map **ret_map,
                                    harborai_error *error)
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
    harborai_str *missing = arena_alloc(&arena, (config->provider_count + 1) * sizeof *missing);
    harborai_status st = HARBORAI_E_MEMORY;
    if (providers != NULL && aliases != NULL && dormants != NULL && missing != NULL) {
        size_t count = list_providers(runtime, providers);
        list_aliases(config, aliases);
        struct model_map_source source = {
            .providers = providers,
            .provider_count = count,
            .aliases = aliases,
            .alias_count = config->alias_count,
            .dormants = dormants,
            .dormant_count = list_dormants(runtime, config, &arena, dormants),
            .file = name_of_file(config),
            .missing_providers = missing,
            .missing_provider_count = list_missing(config, providers, count, missing)};
        st = model_map_create(&source, ret_map, faults, error);
    } else {
        harborai_error_set(error, st, "no memory left");
    }
    arena_release(&arena);
    return st;
}

static void publish(struct runtime *runtime, struct config *config, struct model_map *models)
{
    const struct config *old_config = snapshot_publish(&runtime->config, config);
    const struct model_map *old_models = snapshot_publish(&runtime->models, models);
    epoch_synchronize(&runtime->epoch);
    model_map_destroy((struct model_map *)(uintptr_t)old_models);
    config_destroy((struct config *)(uintptr_t)old_config);
}

/* Everything that is new, and what is wrong with it. */
static harborai_status prepare(struct runtime *runtime, const struct config *config,
                               struct config_faults *faults, struct model_map **ret_models,
                               harborai_error *error)
{
    struct model_map *models = NULL;
    harborai_status st = scan_plugins(runtime, config, error);
    if (st >= 0)
        st = providers_prepare(runtime, config, faults, error);
    if (st >= 0)
        st = build_models(runtime, config, faults, &models, error);
    if (faults->total > 0 && (st >= 0 || st == HARBORAI_E_CONFIG))
        st = config_faults_summarise(faults, error);
    if (st < 0) {
        model_map_destroy(models);
        return st;
    }
    *ret_models = models;
    return st;
}

harborai_status keeper_apply(struct runtime *runtime, struct config *config,
                             struct config_faults *faults, harborai_error *error)
{
    AUTO(config_faults) own_faults;
    struct model_map *models;
    config_faults_init(&own_faults);
    harborai_status st =
        prepare(runtime, config, faults != NULL ? faults : &own_faults, &models, error);
    if (st < 0) {
        providers_keep_published(runtime);
        return st;
    }
    providers_log_refused(runtime);
    replay_store_set(runtime->replays, (size_t)config->replay_max_size,
                     config->replay_lifetime_ms * NS_PER_MS);
    publish(runtime, config, models);
    providers_retire_unwanted(runtime);
    return HARBORAI_OK;
}

/* --- runtime_apply(): any thread asks, the keeper does, the asker waits ---------------------- */

struct application {
    struct job job;
    struct runtime *runtime;
    struct config *config;
    struct config_faults *faults;
    harborai_error *error;
    harborai_status status;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
};

static void apply(struct job *job)
{
    struct application *a = CONTAINER_OF(job, struct application, job);
    a->status = keeper_apply(a->runtime, a->config, a->faults, a->error);
    pthread_mutex_lock(&a->lock);
    a->done = true;
    pthread_cond_signal(&a->changed);
    pthread_mutex_unlock(&a->lock);
}

harborai_status runtime_apply(struct runtime *runtime, struct config *config,
                              struct config_faults *faults, harborai_error *error)
{
    struct application a = {.job = {.run = apply}, .runtime = runtime, .config = config,
                            .faults = faults, .error = error, .lock = PTHREAD_MUTEX_INITIALIZER,
                            .changed = PTHREAD_COND_INITIALIZER};
    harborai_status st = jobs_submit(runtime->keeper, &a.job, error);
    if (st < 0)
        return st;
    pthread_mutex_lock(&a.lock);
    while (!a.done)
        pthread_cond_wait(&a.changed, &a.lock);
    pthread_mutex_unlock(&a.lock);
    return a.status;
}
