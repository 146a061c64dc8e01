/* SPDX-License-Identifier: MIT */
/* One provider: made with its slot, compared with another, and freed when its last call is over.
 * [keeper] */
#include <stdlib.h>
#include <string.h>

#include "runtime/state.h"

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

struct runtime_provider *provider_find_same(struct runtime *runtime, const struct provider *spec,
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

bool provider_is_any_of(const struct runtime *runtime, const char *path,
                        const struct file_identity *identity)
{
    for (const struct list *i = runtime->providers.next; i != &runtime->providers; i = i->next) {
        const struct runtime_provider *p = CONTAINER_OF((uintptr_t)i, struct runtime_provider, link);
        if (p->place == PROVIDER_PUBLISHED && strcmp(p->slot->provider->path, path) == 0 &&
            file_identity_equal(&p->slot->provider->identity, identity) &&
            slot_acquire_fast(p->slot) != NULL)
            return true;
    }
    return false;
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

harborai_status provider_make(struct runtime *runtime, const struct provider_options *spec,
                              const struct target *target, harborai_str ca_file,
                              const char *why_off, struct runtime_provider **ret_made,
                              harborai_error *error)
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
    *ret_made = p;
    return HARBORAI_OK;
}

bool provider_is_of(const struct runtime_provider *p, const struct plugin_file *file)
{
    const struct provider *spec = p->slot->provider;
    return strcmp(spec->path, file->path) == 0 ||
           (file->manifest != NULL && slice_equal(spec->manifest->id, file->manifest->id));
}
