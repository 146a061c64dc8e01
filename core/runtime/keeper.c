/* SPDX-License-Identifier: MIT */
/* The keeper: the only writer of snapshots. It reads the plugin directories, makes slots and the
 * model map for a configuration, publishes, waits until no loop can see what was before, and frees
 * it. It runs no foreign code. */
#include <stdlib.h>

#include "runtime/state.h"

static harborai_status scan_plugins(struct runtime *runtime, const struct config *config,
                                    struct plugin_catalog **ret_catalog, harborai_error *error)
{
    char *user = runtime->options.with_user_plugins ? discover_user_directory() : NULL;
    struct discover_options options = {.environment = discover_environment(),
                                       .configuration = config->plugin_path.items,
                                       .configuration_count = config->plugin_path.count,
                                       .user = user,
                                       .system = runtime->options.system_plugin_dir,
                                       .one_a_provider = !config->has_file};
    harborai_status st = plugin_catalog_create(&options, ret_catalog, error);
    free(user);
    return st;
}

harborai_status keeper_publish_models(struct runtime *runtime, harborai_error *error)
{
    struct model_map *models;
    const struct config *config = atomic_load(&runtime->config.current);
    harborai_status st = models_build(runtime, config, true, NULL, &models, error);
    if (st < 0)
        return st;
    const struct model_map *old = snapshot_publish(&runtime->models, models);
    epoch_synchronize(&runtime->epoch);
    model_map_destroy((struct model_map *)(uintptr_t)old);
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

/* The models of everything that is wanted, which tells what is wrong with it; in its place those of
 * what can be published now, if that is something else. */
static harborai_status build_models(struct runtime *runtime, const struct config *config,
                                    struct config_faults *faults, struct model_map **ret_models,
                                    harborai_error *error)
{
    providers_show_wanted(runtime);
    harborai_status st = models_build(runtime, config, false, faults, ret_models, error);
    if (st < 0 || faults->total > 0 || !providers_show_possible(runtime))
        return st;
    model_map_destroy(*ret_models);
    *ret_models = NULL;
    return models_build(runtime, config, true, NULL, ret_models, error);
}

/* Everything that is new, and what is wrong with it. */
static harborai_status prepare(struct runtime *runtime, const struct config *config,
                               struct config_faults *faults, struct model_map **ret_models,
                               harborai_error *error)
{
    struct model_map *models = NULL;
    harborai_status st = providers_prepare(runtime, config, faults, error);
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

/* With what is in the plugin directories now; what was found before stays where this fails. */
static harborai_status prepare_anew(struct runtime *runtime, const struct config *config,
                                    struct config_faults *faults, struct model_map **ret_models,
                                    harborai_error *error)
{
    struct plugin_catalog *before = runtime->catalog, *catalog;
    harborai_status st = scan_plugins(runtime, config, &catalog, error);
    if (st < 0)
        return st;
    runtime->catalog = catalog;
    st = prepare(runtime, config, faults, ret_models, error);
    if (st < 0) {
        providers_give_up(runtime);
        runtime->catalog = before;
    }
    plugin_catalog_destroy(st < 0 ? catalog : before);
    return st;
}

harborai_status keeper_apply(struct runtime *runtime, struct config *config,
                             struct config_faults *faults, harborai_error *error)
{
    AUTO(config_faults) own_faults;
    struct model_map *models;
    config_faults_init(&own_faults);
    harborai_status st =
        prepare_anew(runtime, config, faults != NULL ? faults : &own_faults, &models, error);
    if (st < 0)
        return st;
    providers_log_refused(runtime);
    replay_store_set(runtime->replays, (size_t)config->replay_max_size,
                     config->replay_lifetime_ms * NS_PER_MS);
    publish(runtime, config, models);
    providers_commit(runtime);
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
