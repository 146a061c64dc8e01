/* SPDX-License-Identifier: MIT */
/* The keeper: the only writer of snapshots. It reads the plugin directories and what is switched off,
 * makes slots and the model map for a configuration, publishes, waits until no loop can see what was
 * before, and frees it. It runs no foreign code. */
#include <stdlib.h>

#include "runtime/state.h"
#include "runtime/subject.h"

/* What is found outside of the configuration. */
struct surroundings {
    struct plugin_catalog *catalog;
    struct plugin_state *switches;
};

static void surroundings_release(struct surroundings *s)
{
    plugin_catalog_destroy(s->catalog);
    plugin_state_destroy(s->switches);
}

static struct discover_options where_to_look(const struct runtime *runtime,
                                             const struct config *config, const char *user)
{
    return (struct discover_options){.files = config->plugin_files.items,
                                     .file_count = config->plugin_files.count,
                                     .environment = discover_environment(),
                                     .configuration = config->plugin_path.items,
                                     .configuration_count = config->plugin_path.count,
                                     .user = user,
                                     .system = runtime->options.system_plugin_dir,
                                     .builtin = builtin_of_program(),
                                     .trust = trust_rules_of(config),
                                     .one_a_provider = !config->has_file};
}

static char *user_directory(const struct runtime *runtime)
{
    return runtime->options.with_user_plugins ? discover_user_directory() : NULL;
}

static void watch(struct runtime *runtime, const struct config *config)
{
    char *user = user_directory(runtime);
    struct discover_options where = where_to_look(runtime, config, user);
    watcher_aim(&runtime->watcher, config, &where);
    free(user);
}

/* Watches first: what changes meanwhile is looked at again. */
static harborai_status look_around(struct runtime *runtime, const struct config *config,
                                   struct surroundings *ret_found, harborai_error *error)
{
    struct surroundings found = {NULL, NULL};
    char *user = user_directory(runtime);
    struct discover_options options = where_to_look(runtime, config, user);
    watch(runtime, config);
    harborai_status st = plugin_state_load(slice_of(runtime->state_dir), &found.switches, error);
    if (st >= 0)
        st = plugin_catalog_create(&options, &found.catalog, error);
    free(user);
    if (st < 0)
        surroundings_release(&found);
    else
        *ret_found = found;
    return st;
}

/* Puts them in force and returns what was. */
static struct surroundings exchange(struct runtime *runtime, struct surroundings next)
{
    struct surroundings before = {runtime->catalog, runtime->switches};
    runtime->catalog = next.catalog;
    runtime->switches = next.switches;
    return before;
}

/* Of what was and what is found one goes: what was, unless the change failed. */
static void settle(struct runtime *runtime, struct surroundings before, bool failed)
{
    if (failed) {
        providers_give_up(runtime);
        before = exchange(runtime, before);
    }
    if (before.catalog == runtime->catalog) /* keep_catalog() */
        before.catalog = NULL;
    surroundings_release(&before);
    removals_watch(runtime);
}

/* The keeper is the only one to replace it. */
static struct config *current_config(struct runtime *runtime)
{
    return (struct config *)(uintptr_t)atomic_load(&runtime->config.current);
}

/* What follows from a configuration and the providers that there are. */
struct publication {
    struct model_map *models;
    struct secrets *secrets;
};

static void publication_release(struct publication *p)
{
    model_map_destroy(p->models);
    secrets_unref(p->secrets);
}

/* `config`: a new one, or NULL: that of this moment stays. Secrets first: who asks a provider has its
 * key masked. */
static void publish(struct runtime *runtime, struct config *config, const struct publication *next)
{
    const struct config *old_config = NULL;
    const struct secrets *old_secrets = snapshot_publish(&runtime->secrets, next->secrets);
    if (config != NULL)
        old_config = snapshot_publish(&runtime->config, config);
    const struct model_map *old_models = snapshot_publish(&runtime->models, next->models);
    epoch_synchronize(&runtime->epoch);
    publication_release(&(struct publication){(struct model_map *)(uintptr_t)old_models,
                                              (struct secrets *)(uintptr_t)old_secrets});
    config_destroy((struct config *)(uintptr_t)old_config);
}

harborai_status keeper_publish_models(struct runtime *runtime, harborai_error *error)
{
    const struct config *config = current_config(runtime);
    struct publication next = {NULL, NULL};
    harborai_status st = models_build(runtime, config, true, NULL, &next.models, error);
    if (st >= 0)
        st = secrets_gather(runtime, config, &next.secrets, error);
    if (st < 0)
        publication_release(&next);
    else
        publish(runtime, NULL, &next);
    return st;
}

/* Whether all that is wrong is that providers are left out, and another one is there. */
static bool goes_on_without(const struct runtime *runtime, const struct change *change)
{
    bool is_one_left = false;
    for (const struct list *i = runtime->providers.next; i != &runtime->providers; i = i->next)
        is_one_left |= CONTAINER_OF((uintptr_t)i, struct runtime_provider, link)->wanted;
    return runtime->options.goes_on_without && is_one_left &&
           change->faults->total == *change->left_out;
}

static void log_left_out(const struct runtime *runtime, const struct change *change)
{
    char text[2048];
    for (unsigned i = 0; i < change->faults->count; i++) {
        config_fault_format(&change->faults->items[i], text, sizeof text);
        log_write(runtime->options.log, LOG_LEVEL_ERROR, "provider.left_out",
                  "error='%s' help='the others are served, and this one as soon as its plugin can be "
                  "used'", text);
    }
}

/* The models of everything that is wanted, which tells what is wrong with it; in its place those of
 * what can be published now, if that is something else. */
static harborai_status build_models(struct runtime *runtime, const struct change *change,
                                    struct model_map **ret_models, harborai_error *error)
{
    const struct config *config = change->config;
    providers_show_wanted(runtime);
    harborai_status st = models_build(runtime, config, false, change->faults, ret_models, error);
    bool is_without = change->faults->total > 0 && goes_on_without(runtime, change);
    if (is_without && st == HARBORAI_E_CONFIG) /* an alias leads to one that is left out */
        st = HARBORAI_OK;
    if (st < 0 || (change->faults->total > 0 && !is_without) ||
        (!providers_show_possible(runtime) && !is_without))
        return st;
    model_map_destroy(*ret_models);
    *ret_models = NULL;
    return models_build(runtime, config, true, NULL, ret_models, error);
}

/* Everything that is new, and what is wrong with it. */
static harborai_status prepare(struct runtime *runtime, const struct change *change,
                               struct publication *ret_next, harborai_error *error)
{
    struct publication next = {NULL, NULL};
    harborai_status st = providers_prepare(runtime, change, error);
    if (st >= 0)
        st = build_models(runtime, change, &next.models, error);
    if (st >= 0)
        st = secrets_gather(runtime, change->config, &next.secrets, error);
    if (st >= 0 && goes_on_without(runtime, change))
        log_left_out(runtime, change);
    else if (change->faults->total > 0 && (st >= 0 || st == HARBORAI_E_CONFIG))
        st = config_faults_summarise(change->faults, error);
    if (st < 0) {
        publication_release(&next);
        return st;
    }
    *ret_next = next;
    return st;
}

/* With what is in the plugin directories and switched off now. */
static harborai_status prepare_anew(struct runtime *runtime, const struct change *change,
                                    struct publication *ret_next, harborai_error *error)
{
    struct surroundings found;
    harborai_status st = look_around(runtime, change->config, &found, error);
    if (st < 0)
        return st;
    struct surroundings before = exchange(runtime, found);
    st = prepare(runtime, change, ret_next, error);
    settle(runtime, before, st < 0);
    if (st < 0 && current_config(runtime) != NULL)
        watch(runtime, current_config(runtime));
    return st;
}

harborai_status keeper_apply(struct runtime *runtime, struct config *config,
                             struct config_faults *faults, harborai_error *error)
{
    AUTO(config_faults) own_faults;
    struct publication next;
    size_t left_out = 0;
    config_faults_init(&own_faults);
    const struct change change = {.config = config,
                                  .faults = faults != NULL ? faults : &own_faults,
                                  .left_out = &left_out};
    harborai_status st = prepare_anew(runtime, &change, &next, error);
    if (st < 0) {
        /* What may be loaded, and is switched off, is in force with the configuration that stays. */
        if (current_config(runtime) != NULL)
            (void)watcher_order(runtime);
        return st;
    }
    refused_warn_of_trust(runtime, config);
    refused_log(runtime, NULL);
    crash_log(runtime);
    replay_store_set(runtime->replays, (size_t)config->replay_max_size,
                     config->replay_lifetime_ms * NS_PER_MS);
    segments_set(runtime, config);
    publish(runtime, config, &next);
    providers_commit(runtime, NULL, true);
    return HARBORAI_OK;
}

/* --- Without a new configuration ------------------------------------------------------------- */

static harborai_status rescan(struct runtime *runtime, struct runtime_order *order,
                              harborai_error *error)
{
    harborai_error kept = HARBORAI_ERROR_INIT;
    struct change change = {.config = current_config(runtime), .kept = &kept};
    harborai_status st = HARBORAI_OK;
    if (order->kind == RUNTIME_ORDER_RELOAD)
        st = order_find(order, &change.only, error);
    if (st >= 0)
        st = providers_prepare(runtime, &change, error);
    if (st < 0)
        return st;
    providers_show_wanted(runtime);
    (void)providers_show_possible(runtime);
    if (change.only != NULL)
        order_describe(order, change.only);
    st = keeper_publish_models(runtime, error);
    if (st >= 0 && change.only != NULL && kept.code < 0) { /* others of the plugin's may go on */
        order->error = kept;
        order->status = kept.code;
    }
    return st;
}

/* Which file a plugin may be is not known: those that were checked before are, and no other. */
static void keep_catalog(struct runtime *runtime, struct surroundings *found)
{
    const harborai_error *why = &found->catalog->lock_error;
    if (why->code == HARBORAI_OK || runtime->catalog == NULL)
        return;
    log_write(runtime->options.log, LOG_LEVEL_ERROR, "plugins.not_read",
              "error='%s' help='plugins are as they were: correct this'", why->message);
    plugin_catalog_destroy(found->catalog);
    found->catalog = runtime->catalog;
}

harborai_status keeper_rescan(struct runtime *runtime, struct runtime_order *order,
                              harborai_error *error)
{
    struct surroundings found;
    harborai_status st = look_around(runtime, current_config(runtime), &found, error);
    if (st < 0)
        return st;
    keep_catalog(runtime, &found);
    struct surroundings before = exchange(runtime, found);
    st = rescan(runtime, order, error);
    if (st >= 0) /* a later order compares with what this one found */
        refused_log(runtime, before.catalog);
    settle(runtime, before, st < 0);
    /* Whoever switches something has no heir: others' are none of his business. */
    if (st >= 0)
        providers_commit(runtime, order->kind == RUNTIME_ORDER_SWITCH ? NULL : order, false);
    return st;
}

/* A name may be that of a file which nobody has seen yet. What is written down by then is no failure,
 * whatever comes of it. */
harborai_status keeper_switch(struct runtime *runtime, struct runtime_order *order,
                              harborai_error *error)
{
    const struct config *config = current_config(runtime);
    struct surroundings found;
    harborai_status st = look_around(runtime, config, &found, error);
    if (st < 0)
        return st;
    st = order_switch(order, &(struct subject_world){found.catalog, config, found.switches}, error);
    surroundings_release(&found);
    if (st < 0)
        return st;
    if (keeper_rescan(runtime, order, &order->warning) < 0)
        log_write(runtime->options.log, LOG_LEVEL_ERROR, "plugins.not_read",
                  "error='%s' help='plugins and providers are as they were: correct this'",
                  order->warning.message);
    return st;
}
