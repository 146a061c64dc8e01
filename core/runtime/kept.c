/* SPDX-License-Identifier: MIT */
/* Providers that serve, but cannot be had as they are to be now: they stay as they were, until their
 * file goes. One that nobody has loaded yet goes with what it would be loaded from. [keeper] */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "runtime/state.h"

/* Another cannot be made, so it is switched off, or on again, where it stands. */
static void switch_where_it_stands(struct runtime *runtime, struct runtime_provider *p)
{
    const struct provider *spec = p->slot->provider;
    char *why;
    if (switch_explain(runtime, spec, &why, NULL) < 0)
        return; /* no memory: it is as it was */
    pthread_mutex_lock(&runtime->lock); /* metrics look at it */
    free((void *)(uintptr_t)p->why_off.data);
    p->why_off = slice_of(why);
    pthread_mutex_unlock(&runtime->lock);
}

/* Whether the file that it would be loaded from may be, and is the one that was checked. */
static bool has_file(const struct runtime *runtime, const struct provider *spec)
{
    for (size_t i = 0; i < runtime->catalog->file_count; i++) {
        const struct plugin_file *file = &runtime->catalog->files[i];
        if (file->state != PLUGIN_FILE_REFUSED && strcmp(file->path, spec->path) == 0)
            return file_identity_equal(&file->identity, &spec->identity);
    }
    return false;
}

/* One whose file was never loaded, and may not be now, would fail each call. */
static bool is_worth_keeping(const struct runtime *runtime, const struct runtime_provider *p)
{
    const struct provider *spec = p->slot->provider;
    enum slot_state state = slot_state(p->slot);
    return p->why_off.len > 0 || state == SLOT_LOADING || state == SLOT_SERVING ||
           has_file(runtime, spec) || provider_is_any_of(runtime, spec->path, &spec->identity);
}

static void log_left_out(const struct runtime *runtime, const struct runtime_provider *p,
                         const harborai_error *why)
{
    log_write(runtime->options.log, LOG_LEVEL_ERROR, "provider.left_out",
              "provider=%s error='%s' help='it is served as soon as its plugin can be used'",
              slot_name(p->slot), why->message);
}

/* A provider that cannot be had as it is now serves on as it was, if it does. */
static void keep(struct runtime *runtime, struct runtime_provider *p, const harborai_error *why)
{
    switch_where_it_stands(runtime, p);
    if (provider_awaits_retry(p)) /* it is of the file before this one */
        return;
    if (!is_worth_keeping(runtime, p)) {
        if (p->place == PROVIDER_PUBLISHED)
            log_left_out(runtime, p, why);
        return;
    }
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
    struct runtime_provider *nothing;
    snprintf(why, sizeof why, "'%.400s' is in no plugin directory any more", spec->path);
    harborai_status st = provider_make(runtime, &options, &p->target, p->ca_file, why, &nothing,
                                      error);
    if (st < 0)
        return st;
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

void kept_add_named(struct runtime *runtime, const struct change *change, harborai_str name,
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

harborai_status kept_replace_removed(struct runtime *runtime, harborai_error *error)
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

void kept_add_of_file(struct runtime *runtime, const struct plugin_file *file)
{
    for (struct list *i = runtime->providers.next; i != &runtime->providers; i = i->next) {
        struct runtime_provider *p = CONTAINER_OF(i, struct runtime_provider, link);
        if (!p->wanted && strcmp(p->slot->provider->path, file->path) == 0 &&
            !is_file_gone(runtime, file->path))
            keep(runtime, p, &file->error);
    }
}

void kept_add_switched_off(struct runtime *runtime)
{
    for (struct list *i = runtime->providers.next; i != &runtime->providers; i = i->next) {
        struct runtime_provider *p = CONTAINER_OF(i, struct runtime_provider, link);
        if (p->place == PROVIDER_PUBLISHED && p->why_off.len > 0 &&
            !is_wanted_by_name(runtime, p->slot->provider->name))
            p->wanted = true;
    }
}
