/* SPDX-License-Identifier: MIT */
/* Providers as the configuration wants them: slots are made, kept where nothing changed, and put to
 * their end where nobody wants them any more. [keeper] */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config/legacy.h"
#include "runtime/options.h"
#include "runtime/preset.h"
#include "runtime/state.h"

/* A provider that is wanted, before it is known whether it exists already. */
struct wanted {
    const struct config_provider *spec; /* NULL: the configuration says nothing of it */
    const struct plugin_file *file;
    const struct manifest_preset *preset; /* NULL = none */
    harborai_str name;
    struct provider_secret secrets[MANIFEST_SECRETS];
    size_t secret_count;
    bool anew; /* even if there is one that is the same */
    bool only_if_sound; /* not with options that are faults */
    bool anew_if_failed; /* … that is to come, but could not be loaded */
};

/* --- Secrets --------------------------------------------------------------------------------- */

static harborai_status add_secret(struct wanted *w, const struct manifest_secret *declared,
                                  const struct config *config, harborai_error *error)
{
    struct provider_secret *to = &w->secrets[w->secret_count];
    bool is_key = slice_is(declared->name, "api_key");
    harborai_str variable = is_key ? provider_key_variable(w->file->manifest, w->preset)
                                   : declared->env;
    bool is_elsewhere = is_key && w->spec != NULL &&
                        (w->spec->key_variable.len > 0 || w->spec->key_reference.len > 0);
    harborai_str text;

    to->name = declared->name;
    to->value = NULL;
    if (is_key && w->spec != NULL && w->spec->key_none) {
        w->secret_count++;
    } else if (is_key && w->spec != NULL && w->spec->api_key != NULL) {
        to->value = secret_ref(w->spec->api_key);
        w->secret_count++;
    } else if (!is_elsewhere && /* else another account's key would go to this address */
               legacy_key_find(config->environment, variable, &variable, &text)) {
        harborai_status st = secret_create(text, variable.data, &to->value, error);
        if (st < 0)
            return st;
        w->secret_count++;
    } else if (is_key && w->preset != NULL && !w->preset->key_required && !is_elsewhere) {
        w->secret_count++; /* as if the operator had written `none` */
    }
    return HARBORAI_OK;
}

static harborai_status find_secrets(struct wanted *w, const struct config *config,
                                    harborai_error *error)
{
    const struct manifest *m = w->file->manifest;
    for (size_t i = 0; i < m->secret_count; i++) {
        harborai_status st = add_secret(w, &m->secrets[i], config, error);
        if (st < 0)
            return st;
    }
    return HARBORAI_OK;
}

static void release_secrets(struct wanted *w)
{
    for (size_t i = 0; i < w->secret_count; i++)
        secret_unref(w->secrets[i].value);
}

static bool has_required_secrets(const struct wanted *w)
{
    const struct manifest *m = w->file->manifest;
    for (size_t i = 0; i < m->secret_count; i++) {
        bool found = !m->secrets[i].required;
        for (size_t j = 0; j < w->secret_count && !found; j++)
            found = slice_equal(w->secrets[j].name, m->secrets[i].name);
        if (!found)
            return false;
    }
    return true;
}

/* --- Same or another ------------------------------------------------------------------------- */

static bool same_texts(const struct manifest_texts *a, const struct manifest_texts *b)
{
    return slice_lists_equal(a->items, a->count, b->items, b->count);
}

static bool same_secrets(const struct provider *a, const struct provider *b)
{
    if (a->secret_count != b->secret_count)
        return false;
    for (size_t i = 0; i < a->secret_count; i++)
        if (!slice_equal(a->secrets[i].name, b->secrets[i].name) ||
            !secret_equal(a->secrets[i].value, b->secrets[i].value))
            return false;
    return true;
}

static bool same_provider(const struct provider *a, const struct provider *b)
{
    return slice_equal(a->name, b->name) && slice_equal(a->config, b->config) &&
           slice_equal(a->base_url, b->base_url) && slice_equal(a->key_variable, b->key_variable) &&
           slice_equal(a->preset, b->preset) && slice_equal(a->replay, b->replay) &&
           same_texts(&a->models, &b->models) && a->is_open == b->is_open &&
           same_texts(&a->network, &b->network) && same_secrets(a, b) &&
           file_identity_equal(&a->identity, &b->identity);
}

static bool same_target(const struct runtime_provider *have, const struct target *t,
                        harborai_str ca_file, const char *why_off)
{
    return slice_is(have->why_off, why_off) &&
           have->target.connect_ns == t->connect_ns &&
           have->target.first_byte_ns == t->first_byte_ns && have->target.idle_ns == t->idle_ns &&
           have->target.total_ns == t->total_ns && have->target.params == t->params &&
           have->target.on_disconnect == t->on_disconnect && slice_equal(have->ca_file, ca_file);
}

/* The heir of a provider goes before it: it may be the same, made anew. */
static struct runtime_provider *find_same(struct runtime *runtime, const struct provider *spec,
                                          const struct target *target, harborai_str ca_file,
                                          const char *why_off, bool even_if_failed)
{
    struct runtime_provider *found = NULL;
    for (struct list *i = runtime->providers.next; i != &runtime->providers; i = i->next) {
        struct runtime_provider *p = CONTAINER_OF(i, struct runtime_provider, link);
        if (!even_if_failed && provider_awaits_retry(p))
            continue;
        if (same_provider(p->slot->provider, spec) && same_target(p, target, ca_file, why_off) &&
            (found == NULL || p->place == PROVIDER_HEIR))
            found = p;
    }
    return found;
}

/* --- Making one ------------------------------------------------------------------------------ */

void provider_free(struct runtime_provider *p)
{
    struct runtime *runtime = p->runtime;
    pthread_mutex_lock(&runtime->lock); /* first: whoever holds it may look at what is listed */
    list_remove(&p->living);
    pthread_cond_signal(&runtime->changed);
    pthread_mutex_unlock(&runtime->lock);
    services_cancel_tick(p);
    slot_destroy(p->slot);
    tls_store_unref(p->target.tls);
    free((void *)(uintptr_t)p->ca_file.data);
    free((void *)(uintptr_t)p->why_off.data);
    free(p->drains);
    free(p);
}

static void on_gone_message(struct message *message)
{
    provider_free(CONTAINER_OF(message, struct runtime_provider, gone));
}

static void on_gone(struct slot *slot)
{
    struct runtime_provider *p = slot->owner;
    p->gone.run = on_gone_message;
    loop_post(p->runtime->loops[0].loop, &p->gone); /* it owns the timer of tick() */
}

static void close_slot(struct job *job)
{
    slot_close(CONTAINER_OF(job, struct runtime_provider, close)->slot);
}

static void on_quiescent(struct slot *slot)
{
    struct runtime_provider *p = slot->owner;
    p->close.run = close_slot;
    /* Without a thread for it the provider stays until the process ends. */
    harborai_status st = jobs_submit(p->runtime->keeper, &p->close, NULL);
    (void)st;
}

static struct target target_from(const struct wanted *w, const struct config *config)
{
    const struct config_timeouts *t = w->spec != NULL ? &w->spec->timeouts : &config->timeouts;
    return (struct target){.connect_ns = t->connect_ms * NS_PER_MS,
                           .first_byte_ns = t->first_byte_ms * NS_PER_MS,
                           .idle_ns = t->idle_ms * NS_PER_MS,
                           .total_ns = t->total_ms * NS_PER_MS,
                           .params = w->spec != NULL ? w->spec->params : config->params,
                           .on_disconnect = w->spec != NULL ? w->spec->on_disconnect
                                                            : config->on_disconnect};
}

static harborai_status make_provider(struct runtime *runtime, const struct provider_options *spec,
                                     const struct target *target, harborai_str ca_file,
                                     const char *why_off, harborai_error *error)
{
    struct runtime_provider *p = calloc(1, sizeof *p);
    if (p == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    struct slot_options options = {.provider = spec,
                                   .services = &p->services,
                                   .loader = runtime->loader,
                                   .meter = meter_set_get(&runtime->meters, spec->file->manifest->id,
                                                          spec->name),
                                   .call_functions = &engine_call_functions,
                                   .loop_count = runtime->loop_count,
                                   .on_quiescent = on_quiescent,
                                   .on_gone = on_gone,
                                   .owner = p};
    p->runtime = runtime;
    services_init(p);
    p->target = *target;
    p->why_kept = (harborai_error)HARBORAI_ERROR_INIT;
    p->ca_file = (harborai_str){slice_dup(ca_file), ca_file.len};
    p->why_off = (harborai_str){slice_dup(slice_of(why_off)), strlen(why_off)};
    p->drains = calloc(runtime->loop_count, sizeof *p->drains);
    harborai_status st = HARBORAI_E_MEMORY;
    if (p->ca_file.data != NULL && p->why_off.data != NULL && p->drains != NULL &&
        options.meter != NULL)
        st = tls_store_get(runtime->transport, ca_file, &p->target.tls, error);
    if (st >= 0)
        st = slot_create(&options, &p->slot, error);
    if (st < 0) {
        provider_free(p);
        return st;
    }
    p->wanted = true;
    p->origin = spec->file->origin;
    list_append(&runtime->providers, &p->link);
    pthread_mutex_lock(&runtime->lock);
    list_append(&runtime->living, &p->living);
    pthread_mutex_unlock(&runtime->lock);
    return HARBORAI_OK;
}

static void check_options(const struct provider *provider, const struct wanted *w,
                          struct config_faults *faults)
{
    struct config_place nowhere = {"", 0, 0};
    options_check(provider, w->spec != NULL ? w->spec->options : NULL,
                  w->spec != NULL ? preset_place(w->spec) : nowhere, faults);
}

/* Wrong options are faults, and it goes on. */
static harborai_status want(struct runtime *runtime, const struct config *config,
                            const struct wanted *w, struct config_faults *faults,
                            harborai_error *error)
{
    struct provider_options options = {.name = w->name,
                                       .secrets = w->secrets,
                                       .secret_count = w->secret_count,
                                       .file = w->file,
                                       .preset = w->preset};
    harborai_str ca_file = w->spec != NULL ? w->spec->ca_file : config->ca_file;
    struct target target = target_from(w, config);
    struct provider *spec;

    if (w->spec != NULL) {
        options.config = w->spec->config_json;
        options.key_variable = w->spec->key_variable;
        options.key_is_written = w->spec->api_key != NULL || w->spec->key_none;
        options.base_url = w->spec->base_url;
        options.models = w->spec->models.items;
        options.model_count = w->spec->models.count;
    }
    harborai_status st = provider_create(&options, &spec, error);
    if (st < 0)
        return st;
    size_t faults_before = faults->total;
    char *why_off = NULL;
    check_options(spec, w, faults);
    bool is_left = w->only_if_sound && faults->total > faults_before;
    if (!is_left)
        st = switch_explain(runtime, spec, &why_off, error);
    if (st < 0 || is_left) {
        provider_destroy(spec);
        return st;
    }
    struct runtime_provider *have =
        w->anew ? NULL
                : find_same(runtime, spec, &target, ca_file, why_off, !w->anew_if_failed);
    if (have == NULL) {
        st = make_provider(runtime, &options, &target, ca_file, why_off, error);
    } else {
        have->wanted = true;
        have->why_kept = (harborai_error)HARBORAI_ERROR_INIT;
    }
    free(why_off);
    provider_destroy(spec);
    return st;
}

/* --- What is wanted --------------------------------------------------------------------------- */

bool provider_is_of(const struct runtime_provider *p, const struct plugin_file *file)
{
    const struct provider *spec = p->slot->provider;
    return strcmp(spec->path, file->path) == 0 ||
           (file->manifest != NULL && slice_equal(spec->manifest->id, file->manifest->id));
}

/* Another cannot be made, so it is switched off, or on again, where it stands. One that was never
 * loaded stays off: its file may be gone. */
static void switch_where_it_stands(struct runtime *runtime, struct runtime_provider *p)
{
    const struct provider *spec = p->slot->provider;
    char *why;
    if (switch_explain(runtime, spec, &why, NULL) < 0)
        return; /* no memory: it is as it was */
    if (why[0] == '\0' && slot_acquire_fast(p->slot) == NULL) {
        free(why);
        return;
    }
    pthread_mutex_lock(&runtime->lock); /* metrics look at it */
    free((void *)(uintptr_t)p->why_off.data);
    p->why_off = slice_of(why);
    pthread_mutex_unlock(&runtime->lock);
}

/* A provider that cannot be had as it is now serves on as it was, if it does. */
static void keep(struct runtime *runtime, struct runtime_provider *p, const harborai_error *why)
{
    switch_where_it_stands(runtime, p);
    if (provider_awaits_retry(p)) /* it is of the file before this one */
        return;
    bool is_news = provider_is_kept_for_another(p, PLUGIN_STAGE_FIND, why);
    p->wanted = true;
    p->why_kept = *why;
    p->kept_stage = PLUGIN_STAGE_FIND;
    if (p->place != PROVIDER_PUBLISHED || !is_news)
        return;
    meter_count_result(p->slot->meter, METER_KEPT);
    log_write(runtime->options.log, LOG_LEVEL_WARN, "provider.kept",
              "provider=%s stage=find error='%s' help='the provider is as it was before: correct "
              "this and have it read again'", slot_name(p->slot), why->message);
}

/* Whether no plugin directory has its plugin's file any more, as far as they can be read. */
static bool is_file_gone(const struct runtime *runtime, const char *path)
{
    const struct plugin_catalog *catalog = runtime->catalog;
    struct stat status;
    if (lstat(path, &status) != 0)
        return errno == ENOENT || errno == ENOTDIR;
    for (size_t i = 0; i < catalog->file_count; i++)
        if (strcmp(catalog->files[i].path, path) == 0)
            return false;
    for (size_t i = 0; i < catalog->directory_count; i++)
        if (catalog->directories[i].error.code < 0)
            return false;
    return true;
}

/* In its place comes one that nobody can reach, which tells why, until the file is back. */
static harborai_status replace_by_nothing(struct runtime *runtime, const struct runtime_provider *p,
                                          harborai_error *error)
{
    char why[512];
    const struct provider *spec = p->slot->provider;
    const struct plugin_file file = {.path = (char *)(uintptr_t)spec->path,
                                     .state = PLUGIN_FILE_KNOWN,
                                     .identity = spec->identity,
                                     .manifest = spec->manifest};
    struct provider_options options = {.name = spec->name, .file = &file,
                                       .models = spec->models.items,
                                       .model_count = spec->models.count};
    snprintf(why, sizeof why, "'%.400s' is in no plugin directory any more", spec->path);
    harborai_status st = make_provider(runtime, &options, &p->target, p->ca_file, why, error);
    if (st < 0)
        return st;
    struct runtime_provider *nothing =
        CONTAINER_OF(runtime->providers.prev, struct runtime_provider, link);
    nothing->is_removed = true;
    nothing->slot->provider->is_open = spec->is_open;
    log_write(runtime->options.log, LOG_LEVEL_WARN, "provider.removed",
              "provider=%s file='%s' help='its calls end as they began, new ones are refused'",
              slot_name(p->slot), spec->path);
    return st;
}

static bool is_wanted_by_name(const struct runtime *runtime, harborai_str name)
{
    for (const struct list *i = runtime->providers.next; i != &runtime->providers; i = i->next) {
        const struct runtime_provider *p = CONTAINER_OF((uintptr_t)i, struct runtime_provider, link);
        if (p->wanted && slice_equal(p->slot->provider->name, name))
            return true;
    }
    return false;
}

static void keep_named(struct runtime *runtime, const struct change *change, harborai_str name,
                       const harborai_error *why)
{
    for (struct list *i = runtime->providers.next; i != &runtime->providers; i = i->next) {
        struct runtime_provider *p = CONTAINER_OF(i, struct runtime_provider, link);
        if (!p->wanted && slice_equal(p->slot->provider->name, name) && !p->is_removed &&
            !is_file_gone(runtime, p->slot->provider->path)) {
            keep(runtime, p, why);
            if (change->kept->code == HARBORAI_OK)
                *change->kept = *why;
        }
    }
}

/* Those that nobody wants because their file is not there any more. */
static harborai_status replace_removed(struct runtime *runtime, harborai_error *error)
{
    harborai_status st = HARBORAI_OK;
    for (struct list *i = runtime->providers.next; i != &runtime->providers && st >= 0; i = i->next) {
        struct runtime_provider *p = CONTAINER_OF(i, struct runtime_provider, link);
        const struct provider *spec = p->slot->provider;
        if (p->wanted || p->place != PROVIDER_PUBLISHED || is_wanted_by_name(runtime, spec->name))
            continue;
        if (p->is_removed)
            p->wanted = true;
        else if (is_file_gone(runtime, spec->path))
            st = replace_by_nothing(runtime, p, error);
    }
    return st;
}

static void keep_of_file(struct runtime *runtime, const struct plugin_file *file)
{
    for (struct list *i = runtime->providers.next; i != &runtime->providers; i = i->next) {
        struct runtime_provider *p = CONTAINER_OF(i, struct runtime_provider, link);
        if (!p->wanted && strcmp(p->slot->provider->path, file->path) == 0 &&
            !is_file_gone(runtime, file->path))
            keep(runtime, p, &file->error);
    }
}

static harborai_status prepare_configured(struct runtime *runtime, const struct change *change,
                                          const struct config_provider *spec, harborai_error *error)
{
    struct wanted w = {.spec = spec, .name = spec->name, .anew = change->only != NULL,
                       .only_if_sound = change->faults == NULL,
                       .anew_if_failed = change->faults != NULL};
    AUTO(config_faults) own;
    config_faults_init(&own);
    harborai_status st = preset_choose(runtime->catalog, spec, &w.file, &w.preset, error);
    if (st >= 0 && change->only != NULL && change->only != w.file)
        return st;
    if (st >= 0)
        st = find_secrets(&w, change->config, error);
    if (st >= 0)
        st = want(runtime, change->config, &w, change->faults != NULL ? change->faults : &own, error);
    if (st >= 0 && own.total > 0)
        st = config_faults_summarise(&own, error);
    release_secrets(&w);
    return st;
}

/* A fault of one is no reason to keep quiet about the next. */
static harborai_status prepare_all_configured(struct runtime *runtime, const struct change *change,
                                              harborai_error *error)
{
    for (size_t i = 0; i < change->config->provider_count; i++) {
        const struct config_provider *spec = &change->config->providers[i];
        harborai_error why = HARBORAI_ERROR_INIT;
        harborai_status st = prepare_configured(runtime, change, spec, &why);
        if (st == HARBORAI_E_CONFIG && change->faults == NULL)
            keep_named(runtime, change, spec->name, &why);
        else if (st == HARBORAI_E_CONFIG)
            config_faults_add(change->faults, preset_place(spec), "%s", why.message);
        else if (st < 0)
            return harborai_error_set(error, st, "%s", why.message);
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
    harborai_status st = find_secrets(&w, change->config, error);
    bool has_secrets = st >= 0 && has_required_secrets(&w);
    if (has_secrets)
        st = want(runtime, change->config, &w, &faults, error);
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
    release_secrets(&w);
    return st;
}

/* One that was switched off before its file was taken away stays, without anything loaded: who asks
 * for its models is still told why. */
static void keep_removed(struct runtime *runtime)
{
    for (struct list *i = runtime->providers.next; i != &runtime->providers; i = i->next) {
        struct runtime_provider *p = CONTAINER_OF(i, struct runtime_provider, link);
        if (p->place == PROVIDER_PUBLISHED && p->why_off.len > 0 &&
            !is_wanted_by_name(runtime, p->slot->provider->name))
            p->wanted = true;
    }
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
            keep_of_file(runtime, file);
        if (st == HARBORAI_E_CONFIG && change->faults == NULL) {
            keep_named(runtime, change, file->manifest->provider, &why);
            st = HARBORAI_OK;
        } else if (st < 0) {
            (void)harborai_error_set(error, st, "%s", why.message);
        }
    }
    if (change->faults == NULL)
        keep_removed(runtime);
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
    return st >= 0 && is_rescan ? replace_removed(runtime, error) : st;
}

void providers_warn_of_trust(const struct runtime *runtime, const struct config *config)
{
    if (config->plugin_trust == CONFIG_TRUST_OFF)
        log_write(runtime->options.log, LOG_LEVEL_WARN, "plugin.trust",
                  "state=off reason='plugins are loaded whoever may write to them' help='take "
                  "plugin_trust out of the configuration, unless this is for development'");
}

static bool was_so(const struct plugin_catalog *before, const struct plugin_file *file)
{
    for (size_t i = 0; before != NULL && i < before->file_count; i++)
        if (before->files[i].state == file->state && strcmp(before->files[i].path, file->path) == 0 &&
            strcmp(before->files[i].error.message, file->error.message) == 0)
            return true;
    return false;
}

static bool was_refused(const struct plugin_catalog *before, const struct plugin_directory *directory)
{
    for (size_t i = 0; before != NULL && i < before->directory_count; i++)
        if (strcmp(before->directories[i].path, directory->path) == 0 &&
            strcmp(before->directories[i].error.message, directory->error.message) == 0)
            return true;
    return false;
}

void providers_log_refused(const struct runtime *runtime, const struct plugin_catalog *before)
{
    const struct plugin_catalog *catalog = runtime->catalog;
    for (size_t i = 0; i < catalog->directory_count; i++)
        if (catalog->directories[i].error.code < 0 && !was_refused(before, &catalog->directories[i]))
            log_write(runtime->options.log, LOG_LEVEL_WARN, "plugin.directory",
                      "directory='%s' reason='%s'", catalog->directories[i].path,
                      catalog->directories[i].error.message);
    for (size_t i = 0; i < catalog->file_count; i++) {
        const struct plugin_file *file = &catalog->files[i];
        if (was_so(before, file))
            continue;
        if (file->state == PLUGIN_FILE_REFUSED)
            log_write(runtime->options.log, LOG_LEVEL_WARN, "plugin.refused",
                      "file='%s' reason='%s'", file->path, file->error.message);
        else if (file->state == PLUGIN_FILE_SHADOWED)
            log_write(runtime->options.log, file->is_rival ? LOG_LEVEL_WARN : LOG_LEVEL_INFO,
                      "plugin.shadowed", "file='%s' reason='%s'", file->path, file->error.message);
    }
}
