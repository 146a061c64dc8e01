/* SPDX-License-Identifier: MIT */
/* Which providers a change wants: those of the configuration, or one of each plugin. [keeper] */
#include <string.h>

#include "runtime/preset.h"
#include "runtime/wanted.h"

/* *ret_is_left: no plugin of it can be used. */
static harborai_status prepare_configured(struct runtime *runtime, const struct change *change,
                                          const struct config_provider *spec, bool *ret_is_left,
                                          harborai_error *error)
{
    struct wanted w = {.spec = spec, .name = spec->name, .anew = change->only != NULL,
                       .only_if_sound = change->faults == NULL,
                       .anew_if_failed = change->faults != NULL};
    AUTO(config_faults) own;
    config_faults_init(&own);
    harborai_status st = preset_choose(runtime->catalog, spec, &w.file, &w.preset, error);
    *ret_is_left = st == HARBORAI_E_CONFIG && w.file == NULL;
    if (st >= 0 && change->only != NULL && change->only != w.file)
        return st;
    if (st >= 0)
        st = wanted_find_secrets(&w, change->config, error);
    if (st >= 0)
        st = wanted_provide(&w, runtime, change->config,
                            change->faults != NULL ? change->faults : &own, error);
    if (st >= 0 && own.total > 0)
        st = config_faults_summarise(&own, error);
    wanted_release(&w);
    return st;
}

/* At the start, or left out before as well: who adds it to what serves has a mistake to correct. */
static bool may_be_left_out(const struct runtime *runtime, const struct config_provider *spec)
{
    const struct config *now = atomic_load(&runtime->config.current);
    if (now == NULL)
        return true;
    for (const struct list *i = runtime->providers.next; i != &runtime->providers; i = i->next) {
        const struct runtime_provider *p = CONTAINER_OF((uintptr_t)i, struct runtime_provider, link);
        if (p->place == PROVIDER_PUBLISHED && slice_equal(p->slot->provider->name, spec->name))
            return false;
    }
    const struct config_provider *before = config_provider_find(now, spec->name);
    return before != NULL && slice_equal(before->plugin, spec->plugin) &&
           slice_equal(before->preset, spec->preset);
}

/* A fault of one is no reason to keep quiet about the next. */
static harborai_status prepare_all_configured(struct runtime *runtime, const struct change *change,
                                              harborai_error *error)
{
    for (size_t i = 0; i < change->config->provider_count; i++) {
        const struct config_provider *spec = &change->config->providers[i];
        harborai_error why = HARBORAI_ERROR_INIT;
        bool is_left = false;
        harborai_status st = prepare_configured(runtime, change, spec, &is_left, &why);
        if (st == HARBORAI_E_CONFIG && change->faults == NULL)
            kept_add_named(runtime, change, spec->name, &why);
        else if (st == HARBORAI_E_CONFIG)
            config_faults_add(change->faults, preset_place(spec), "%s", why.message);
        else if (st < 0)
            return harborai_error_set(error, st, "%s", why.message);
        if (is_left && change->left_out != NULL && may_be_left_out(runtime, spec))
            (*change->left_out)++;
    }
    return HARBORAI_OK;
}

static harborai_status prepare_plugins_own(struct runtime *runtime, const struct change *change,
                                           const struct plugin_file *file, harborai_error *error)
{
    struct wanted w = {.file = file, .name = file->manifest->provider,
                       .spec = config_provider_find(change->config, file->manifest->provider),
                       .anew = change->only != NULL,
                       .only_if_sound = true,
                       .anew_if_failed = change->faults != NULL};
    AUTO(config_faults) faults;
    config_faults_init(&faults);
    harborai_status st = wanted_find_secrets(&w, change->config, error);
    bool has_secrets = st >= 0 && wanted_has_secrets(&w);
    if (has_secrets)
        st = wanted_provide(&w, runtime, change->config, &faults, error);
    if (st >= 0 && change->faults == NULL) /* one that serves is kept */
        st = !has_secrets ? harborai_error_set(error, HARBORAI_E_CONFIG,
                                               "'%s' wants a secret that the environment does not have",
                                               file->path)
             : faults.count > 0
                 ? harborai_error_set(error, HARBORAI_E_CONFIG, "%s", faults.items[0].message)
                 : st;
    if (faults.count > 0)
        log_write(runtime->options.log, LOG_LEVEL_WARN, "plugin.options", "provider=%s reason='%s'",
                  w.name.data, faults.items[0].message);
    wanted_release(&w);
    return st;
}

/* Without a file every plugin has a provider of its name. */
static harborai_status prepare_all_own(struct runtime *runtime, const struct change *change,
                                       harborai_error *error)
{
    harborai_status st = HARBORAI_OK;
    for (size_t i = 0; i < runtime->catalog->file_count && st >= 0; i++) {
        const struct plugin_file *file = &runtime->catalog->files[i];
        harborai_error why = HARBORAI_ERROR_INIT;
        if (change->only != NULL && change->only != file)
            continue;
        if (file->state == PLUGIN_FILE_KNOWN)
            st = prepare_plugins_own(runtime, change, file, &why);
        else if (file->state == PLUGIN_FILE_REFUSED && change->faults == NULL)
            kept_add_of_file(runtime, file);
        if (st == HARBORAI_E_CONFIG && change->faults == NULL) {
            kept_add_named(runtime, change, file->manifest->provider, &why);
            st = HARBORAI_OK;
        } else if (st < 0) {
            (void)harborai_error_set(error, st, "%s", why.message);
        }
    }
    if (change->faults == NULL)
        kept_add_switched_off(runtime);
    return st;
}

harborai_status providers_prepare(struct runtime *runtime, const struct change *change,
                                  harborai_error *error)
{
    for (struct list *i = runtime->providers.next; i != &runtime->providers; i = i->next) {
        struct runtime_provider *p = CONTAINER_OF(i, struct runtime_provider, link);
        p->wanted = change->only != NULL && !provider_is_of(p, change->only);
    }
    harborai_status st = change->config->has_file ? prepare_all_configured(runtime, change, error)
                                                  : prepare_all_own(runtime, change, error);
    bool is_rescan = change->faults == NULL && change->only == NULL;
    return st >= 0 && is_rescan ? kept_replace_removed(runtime, error) : st;
}
