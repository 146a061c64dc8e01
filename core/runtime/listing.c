/* SPDX-License-Identifier: MIT */
/* Copies what there is. No foreign code can wait for the lock that is held meanwhile. [keeper] */
#include "runtime/listing.h"

#include <stdlib.h>

#include "runtime/state.h"

void runtime_listing_destroy(struct runtime_listing *listing)
{
    if (listing == NULL)
        return;
    arena_release(&listing->arena);
    free(listing);
}

static harborai_str copy(struct runtime_listing *l, harborai_str text)
{
    return text.len > 0 ? arena_copy(&l->arena, text) : HARBORAI_STR("");
}

static void list_plugin(struct runtime_listing *l, const struct plugin_file *file)
{
    struct listed_plugin *to = &l->plugins[l->plugin_count++];
    *to = (struct listed_plugin){.path = copy(l, slice_of(file->path)),
                                 .origin = file->origin,
                                 .state = file->state,
                                 .stage = file->stage,
                                 .error = copy(l, slice_of(file->error.message))};
    if (file->manifest == NULL)
        return;
    to->id = copy(l, file->manifest->id);
    to->version = copy(l, file->manifest->version);
    to->provider = copy(l, file->manifest->provider);
    to->abi_major = file->manifest->abi_major;
    to->abi_minor = file->manifest->abi_minor;
}

static bool is_current(const struct runtime *runtime, const struct provider *spec)
{
    for (size_t i = 0; i < runtime->catalog->file_count; i++)
        if (file_identity_equal(&runtime->catalog->files[i].identity, &spec->identity))
            return true;
    return false;
}

static void list_provider(struct runtime_listing *l, const struct runtime_provider *p)
{
    struct listed_provider *to = &l->providers[l->provider_count++];
    const struct provider *spec = p->slot->provider;
    harborai_error failure = HARBORAI_ERROR_INIT;
    *to = (struct listed_provider){.name = copy(l, spec->name),
                                   .plugin_id = copy(l, spec->manifest->id),
                                   .version = copy(l, spec->manifest->version),
                                   .path = copy(l, slice_of(spec->path)),
                                   .state = slot_state(p->slot),
                                   .is_published = p->place == PROVIDER_PUBLISHED,
                                   .is_heir = p->place == PROVIDER_HEIR,
                                   .is_current = is_current(p->runtime, spec),
                                   .calls = slot_call_count(p->slot),
                                   .loaded_ns = atomic_load(&p->slot->loaded_ns),
                                   .generation = atomic_load(&p->slot->generation),
                                   .can_unload = atomic_load(&p->slot->can_unload),
                                   .retry_ms = slot_retry_ns(p->slot) / NS_PER_MS,
                                   .kept_stage = p->kept_stage,
                                   .why_kept = copy(l, slice_of(p->why_kept.message)),
                                   .why_off = copy(l, p->why_off)};
    if (slot_failure(p->slot, &to->stage, &failure) == HARBORAI_OK)
        to->error = copy(l, slice_of(failure.message));
}

static bool list_all(const struct runtime *runtime, struct runtime_listing *l)
{
    size_t count = 1;
    const struct list *end = &runtime->living;
    for (const struct list *i = end->next; i != end; i = i->next)
        count++;
    l->plugins = arena_alloc(&l->arena, (runtime->catalog->file_count + 1) * sizeof *l->plugins);
    l->providers = arena_alloc(&l->arena, count * sizeof *l->providers);
    if (l->plugins == NULL || l->providers == NULL)
        return false;
    for (size_t i = 0; i < runtime->catalog->file_count; i++)
        list_plugin(l, &runtime->catalog->files[i]);
    for (const struct list *i = end->next; i != end; i = i->next)
        list_provider(l, CONTAINER_OF((uintptr_t)i, struct runtime_provider, living));
    return true;
}

harborai_status listing_create(struct runtime *runtime, struct runtime_listing **ret_listing,
                               harborai_error *error)
{
    struct runtime_listing *l = calloc(1, sizeof *l);
    if (l == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    arena_init(&l->arena, MIB(16));
    pthread_mutex_lock(&runtime->lock); /* who leaves is freed under it */
    bool listed = list_all(runtime, l);
    pthread_mutex_unlock(&runtime->lock);
    if (!listed) {
        runtime_listing_destroy(l);
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    }
    *ret_listing = l;
    return HARBORAI_OK;
}
