/* SPDX-License-Identifier: MIT */
/* Orders: any thread gives one, the keeper does it and says when it is done. Here is what they are
 * about; what they change is the keeper's and replace.c's. */
#include "runtime/order.h"

#include <string.h>

#include "runtime/state.h"

/* --- The plugin that is meant ------------------------------------------------------------------- */

static bool is_file_name(const struct plugin_file *file, harborai_str name)
{
    harborai_str base = slice_of(strrchr(file->path, '/') + 1);
    return slice_is(name, file->path) || slice_equal(base, name);
}

/* Known or not. */
static const struct plugin_file *find_by_file(const struct plugin_catalog *catalog,
                                              harborai_str name)
{
    for (size_t i = 0; i < catalog->file_count; i++)
        if (is_file_name(&catalog->files[i], name))
            return &catalog->files[i];
    return NULL;
}

/* The file that a provider was made of whose plugin has that id or short name: what it holds now may
 * be refused, and then nobody knows its name. */
static const struct plugin_file *find_by_provider(const struct runtime *runtime, harborai_str name)
{
    for (const struct list *i = runtime->providers.next; i != &runtime->providers; i = i->next) {
        const struct runtime_provider *p = CONTAINER_OF((uintptr_t)i, struct runtime_provider, link);
        const struct provider *spec = p->slot->provider;
        if (slice_equal(spec->manifest->id, name) || slice_equal(spec->manifest->provider, name))
            return find_by_file(runtime->catalog, slice_of(spec->path));
    }
    return NULL;
}

/* Only whole plugins are read again. */
static harborai_status refuse_name(const struct runtime *runtime, harborai_str name,
                                   harborai_error *error)
{
    for (const struct list *i = runtime->providers.next; i != &runtime->providers; i = i->next) {
        const struct runtime_provider *p = CONTAINER_OF((uintptr_t)i, struct runtime_provider, link);
        const struct provider *spec = p->slot->provider;
        if (slice_equal(spec->name, name))
            return harborai_error_set(error, HARBORAI_E_NOT_FOUND,
                                      "'%.*s' is a provider, of plugin %s: 'harborai plugin reload %s' "
                                      "reloads that, with all of its providers", SLICE_ARG(name),
                                      spec->manifest->id.data, spec->manifest->id.data);
    }
    return harborai_error_set(error, HARBORAI_E_NOT_FOUND,
                              "there is no plugin '%.*s': 'harborai list-plugins' shows those that "
                              "there are", SLICE_ARG(slice_cut(name, 200)));
}

harborai_status order_find(const struct runtime_order *order, const struct plugin_file **ret_file,
                           harborai_error *error)
{
    const struct runtime *runtime = order->runtime;
    const struct plugin_file *file = plugin_catalog_find(runtime->catalog, order->name);
    if (file == NULL)
        file = find_by_file(runtime->catalog, order->name);
    if (file == NULL)
        file = find_by_provider(runtime, order->name);
    if (file == NULL)
        return refuse_name(runtime, order->name, error);
    if (file->state != PLUGIN_FILE_KNOWN)
        return harborai_error_set(error, file->error.code, "%s", file->error.message);
    *ret_file = file;
    return HARBORAI_OK;
}

/* --- What was done ------------------------------------------------------------------------------- */

/* Nothing is loaded of what is switched off. */
static void describe_disabled(struct runtime_order *order, const struct plugin_file *file,
                              harborai_str why)
{
    snprintf(order->text, sizeof order->text, "plugin %.100s %.50s: it was read again, and is disabled %.*s",
             file->manifest->id.data, file->manifest->version.data, SLICE_ARG(slice_cut(why, 330)));
}

void order_describe(struct runtime_order *order, const struct plugin_file *file)
{
    const struct runtime *runtime = order->runtime;
    unsigned all = 0, heirs = 0, off = 0;
    harborai_str why_off = SLICE_NONE;
    bool is_unchanged = false;
    for (const struct list *i = runtime->providers.next; i != &runtime->providers; i = i->next) {
        const struct runtime_provider *p = CONTAINER_OF((uintptr_t)i, struct runtime_provider, link);
        if (p->place != PROVIDER_NEW)
            continue;
        all++;
        if (p->why_off.len > 0) {
            off++;
            why_off = p->why_off;
        }
        if (p->before == NULL)
            continue;
        heirs++;
        if (file_identity_equal(&p->before->slot->provider->identity, &file->identity))
            is_unchanged = true;
    }
    if (off > 0 && off == all) {
        describe_disabled(order, file, why_off);
        return;
    }
    snprintf(order->text, sizeof order->text,
             "plugin %s %s: %u of its %u providers served; '%.200s' %s", file->manifest->id.data,
             file->manifest->version.data, heirs, all, file->path,
             heirs == 0     ? "is loaded with the first call"
             : file->origin == PLUGIN_ORIGIN_BUILT_IN
                            ? "is part of harborai itself: they are made anew by the same code"
             : is_unchanged ? "is unchanged: they are made anew by the object that is loaded"
                            : "is another file now, and loaded beside the one before it");
}

void order_settle(struct runtime_order *order, const harborai_error *error)
{
    if (error != NULL && order->status == HARBORAI_OK) {
        order->error = *error;
        order->status = error->code;
    }
    if (--order->pending == 0)
        order->done(order);
}

/* --- Giving one ---------------------------------------------------------------------------------- */

static harborai_status obey(struct runtime_order *order, harborai_error *error)
{
    if (order->runtime->has_left)
        return harborai_error_set(error, HARBORAI_E_CLOSED, "the end has come");
    if (order->kind == RUNTIME_ORDER_KEYS)
        return key_watch_read(&order->runtime->keys, error);
    if (order->kind == RUNTIME_ORDER_APPLY) {
        (void)key_watch_read(&order->runtime->keys, NULL); /* the log is told */
        return keeper_apply(order->runtime, order->config, order->faults, error);
    }
    if (order->kind == RUNTIME_ORDER_LOOK) {
        order->look(order->runtime, order->context);
        return HARBORAI_OK;
    }
    if (order->kind == RUNTIME_ORDER_LIST)
        return listing_create(order->runtime, &order->listing, error);
    return (order->kind == RUNTIME_ORDER_SWITCH ? keeper_switch : keeper_rescan)(order->runtime,
                                                                                order, error);
}

static void run(struct job *job)
{
    struct runtime_order *order = CONTAINER_OF(job, struct runtime_order, job);
    harborai_error error = HARBORAI_ERROR_INIT;
    order->pending = 1; /* this */
    harborai_status st = obey(order, &error);
    order->is_refused = st < 0;
    if (order->is_refused)
        order->text[0] = '\0';
    order_settle(order, st < 0 ? &error : NULL);
}

harborai_status runtime_order(struct runtime *runtime, struct runtime_order *order,
                              harborai_error *error)
{
    order->status = HARBORAI_OK;
    order->error = order->warning = (harborai_error)HARBORAI_ERROR_INIT;
    order->text[0] = order->switched[0] = order->also[0] = '\0';
    order->changed = false;
    order->listing = NULL;
    order->job.run = run;
    order->runtime = runtime;
    return jobs_submit(runtime->keeper, &order->job, error);
}

/* --- runtime_apply(), runtime_look(): the asker waits -------------------------------------------- */

struct wait {
    struct runtime_order order;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
};

static void on_done(struct runtime_order *order)
{
    struct wait *w = CONTAINER_OF(order, struct wait, order);
    pthread_mutex_lock(&w->lock);
    w->done = true;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

static harborai_status order_and_wait(struct runtime *runtime, const struct runtime_order *order,
                                      harborai_error *error)
{
    struct wait w = {.order = *order,
                     .lock = PTHREAD_MUTEX_INITIALIZER,
                     .changed = PTHREAD_COND_INITIALIZER};
    w.order.done = on_done;
    harborai_status st = runtime_order(runtime, &w.order, error);
    if (st < 0)
        return st;
    pthread_mutex_lock(&w.lock);
    while (!w.done)
        pthread_cond_wait(&w.changed, &w.lock);
    pthread_mutex_unlock(&w.lock);
    if (w.order.status < 0 && error != NULL)
        *error = w.order.error;
    return w.order.status;
}

harborai_status runtime_apply(struct runtime *runtime, struct config *config,
                              struct config_faults *faults, harborai_error *error)
{
    const struct runtime_order order = {.kind = RUNTIME_ORDER_APPLY, .config = config,
                                        .faults = faults};
    return order_and_wait(runtime, &order, error);
}

harborai_status runtime_look(struct runtime *runtime,
                             void (*look)(struct runtime *runtime, void *context), void *context,
                             harborai_error *error)
{
    const struct runtime_order order = {.kind = RUNTIME_ORDER_LOOK, .look = look, .context = context};
    return order_and_wait(runtime, &order, error);
}
