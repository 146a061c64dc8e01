/* SPDX-License-Identifier: MIT */
/* dlopen() and what has to be true of its result. An object that was mapped once and cannot be
 * unmapped is kept, also if its table is wrong: running its constructors again and again would be
 * worse. */
#include "plugin/object.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/list.h"

#define GENERATIONS_MAX 256 /* of one path, mapped at the same time */
#define CHANGED_RETRY_MS 1000 /* of a file that is looked at again */

struct loaded {
    struct list link;
    struct plugin_object object;
    struct file_identity identity;
    char *path;         /* owned */
    unsigned generation; /* which of the aliases of `path` it was loaded by */
    unsigned references;
    void *handle;
};

struct plugin_loader {
    struct list objects; /* everything that is mapped */
    _Atomic uint64_t loads;
    const struct builtin_plugins *builtin; /* NULL = none */
};

harborai_status plugin_loader_create(struct plugin_loader **ret_loader, harborai_error *error)
{
    struct plugin_loader *loader = calloc(1, sizeof *loader);
    if (loader == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "cannot make the loader: out of memory");
    list_init(&loader->objects);
    *ret_loader = loader;
    return HARBORAI_OK;
}

static void loaded_free(struct loaded *l)
{
    list_remove(&l->link);
    free(l->path);
    free(l);
}

void plugin_loader_destroy(struct plugin_loader *loader)
{
    if (loader == NULL)
        return;
    for (struct list *item; (item = list_pop(&loader->objects)) != NULL;)
        loaded_free(CONTAINER_OF(item, struct loaded, link));
    free(loader);
}

void plugin_loader_set_builtin(struct plugin_loader *loader, const struct builtin_plugins *builtin)
{
    loader->builtin = builtin;
}

uint64_t plugin_loader_count(const struct plugin_loader *loader)
{
    return atomic_load_explicit(&((struct plugin_loader *)(uintptr_t)loader)->loads,
                                memory_order_relaxed);
}

/* ---- Mapping ------------------------------------------------------------------------------- */

/* glibc knows mapped objects by the string of their path: the same string would give the old object
 * although the file is new. So a later generation is loaded as /dir/./x.so, /dir/././x.so … */
static bool write_alias(const char *path, unsigned generation, char alias[static PATH_MAX])
{
    size_t directory = (size_t)(strrchr(path, '/') - path) + 1, name = strlen(path) - directory;
    if (directory + 2 * (size_t)generation + name + 1 > PATH_MAX)
        return false;
    memcpy(alias, path, directory);
    for (unsigned i = 0; i < generation; i++)
        memcpy(alias + directory + 2 * (size_t)i, "./", 2);
    memcpy(alias + directory + 2 * (size_t)generation, path + directory, name + 1);
    return true;
}

static bool is_mapped_as(const struct plugin_loader *loader, const char *path, unsigned generation)
{
    for (struct list *at = loader->objects.next; at != &loader->objects; at = at->next) {
        const struct loaded *l = CONTAINER_OF(at, struct loaded, link);
        if (l->generation == generation && strcmp(l->path, path) == 0)
            return true;
    }
    return false;
}

/* The first that no mapped object has: glibc forgets a string with the object it was of. */
static unsigned free_generation(const struct plugin_loader *loader, const char *path)
{
    unsigned generation = 0;
    while (generation < GENERATIONS_MAX && is_mapped_as(loader, path, generation))
        generation++;
    return generation;
}

/* The file at `path` is still the one that was checked; E_OVERLOADED: it is another one. */
static harborai_status check_file(const char *path, const struct file_identity *identity,
                                  harborai_error *error)
{
    char text[128];
    struct stat status;
    if (stat(path, &status) != 0)
        return harborai_error_set(error, HARBORAI_E_CONFIG, "cannot load '%s': %s", path,
                                  error_of_errno(errno, text));
    struct file_identity now = file_identity_of(&status);
    if (file_identity_equal(&now, identity))
        return HARBORAI_OK;
    (void)harborai_error_set(error, HARBORAI_E_OVERLOADED,
                             "'%s' has changed since it was checked: it is looked at again, so ask again "
                             "in a moment", path);
    if (error != NULL)
        error->retry_after_ms = CHANGED_RETRY_MS;
    return HARBORAI_E_OVERLOADED;
}

/* What dlopen() says, without the path that it begins with. */
static const char *load_reason(const char *path)
{
    const char *reason = dlerror();
    size_t len = strlen(path);
    if (reason == NULL)
        return "dlopen gives no reason";
    return strncmp(reason, path, len) == 0 && strncmp(reason + len, ": ", 2) == 0 ? reason + len + 2
                                                                                  : reason;
}

static harborai_status map_object(struct plugin_loader *loader, struct loaded *l,
                                  const struct plugin_watcher *watcher, harborai_error *error)
{
    char alias[PATH_MAX];
    struct link_map *map = NULL;
    if (builtin_name(l->path) != NULL)
        return HARBORAI_OK; /* with the program */
    harborai_status st = check_file(l->path, &l->identity, error);
    if (st < 0)
        return st;
    if (l->generation >= GENERATIONS_MAX || !write_alias(l->path, l->generation, alias))
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "'%s' was loaded too often in this process: restart it", l->path);
    l->object.generation =
        atomic_fetch_add_explicit(&loader->loads, 1, memory_order_relaxed) + 1;
    watcher->enter(watcher, PLUGIN_STAGE_DLOPEN);
    l->handle = dlopen(alias, RTLD_NOW | RTLD_LOCAL);
    if (l->handle == NULL)
        return harborai_error_set(
            error, HARBORAI_E_CONFIG,
            "cannot load '%s': %s; build it again, or install the library that it "
            "needs",
            l->path, load_reason(alias));
    if (dlinfo(l->handle, RTLD_DI_LINKMAP, &map) != 0 || map == NULL)
        return harborai_error_set(error, HARBORAI_E_CONFIG, "cannot tell what was loaded as '%s'",
                                  l->path);
    return check_file(map->l_name, &l->identity, error);
}

/* ---- The table ----------------------------------------------------------------------------- */

static harborai_status wrong_table(const struct loaded *l, harborai_error *error,
                                   const char *reason)
{
    return harborai_error_set(error, HARBORAI_E_CONFIG, "'%s': its table %s", l->path, reason);
}

/* Only what `size` covers is read: the rest is another object's memory. */
static harborai_status copy_table(struct loaded *l, const void *from, harborai_error *error)
{
    const size_t mandatory = offsetof(harborai_plugin, chat) + sizeof l->object.table.chat;
    uint32_t size;
    memcpy(&size, from, sizeof size);
    if (size < mandatory)
        return wrong_table(l, error, "is too short to hold the mandatory functions");
    memset(&l->object.table, 0, sizeof l->object.table);
    memcpy(&l->object.table, from, size < sizeof l->object.table ? size : sizeof l->object.table);
    if (builtin_name(l->path) != NULL)
        l->object.table.unload = NULL;
    return HARBORAI_OK;
}

static harborai_status check_table(const struct loaded *l, const struct manifest *manifest,
                                   harborai_error *error)
{
    const harborai_plugin *t = &l->object.table;
    if (t->abi_major != manifest->abi_major || t->abi_minor != manifest->abi_minor)
        return wrong_table(l, error, "gives another ABI than its manifest");
    if (t->id == NULL || !slice_is(manifest->id, t->id))
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "'%s': its table says id '%s', its manifest '%s': build it again",
                                  l->path, t->id != NULL ? t->id : "", manifest->id.data);
    if (t->version == NULL || !slice_is(manifest->version, t->version))
        return harborai_error_set(
            error, HARBORAI_E_CONFIG,
            "'%s': its table says version '%s', its manifest '%s': build it again", l->path,
            t->version != NULL ? t->version : "", manifest->version.data);
    if (t->call_state_size > LIMIT_CALL_STATE)
        return wrong_table(l, error, "asks for more than 64 KiB of state a call");
    if (t->create == NULL || t->destroy == NULL || t->chat == NULL)
        return wrong_table(l, error, "lacks one of create, destroy and chat");
    return HARBORAI_OK;
}

static harborai_status find_query(const struct plugin_loader *loader, const struct loaded *l,
                                  harborai_plugin_query_fn *ret_query, harborai_error *error)
{
    const char *builtin = builtin_name(l->path);
    if (builtin != NULL)
        return loader->builtin->find(builtin, ret_query, error);
    void *symbol = dlsym(l->handle, HARBORAI_PLUGIN_QUERY_SYMBOL);
    if (symbol == NULL)
        return harborai_error_set(
            error, HARBORAI_E_CONFIG,
            "'%s' does not export " HARBORAI_PLUGIN_QUERY_SYMBOL
            "(): define it, see examples/plugins/echo", l->path);
    memcpy(ret_query, &symbol, sizeof *ret_query); /* POSIX: an object pointer that is a function's */
    return HARBORAI_OK;
}

static harborai_status query_table(const struct plugin_loader *loader, struct loaded *l,
                                   const struct manifest *manifest,
                                   const struct plugin_watcher *watcher,
                                   enum plugin_stage *ret_stage, harborai_error *error)
{
    harborai_plugin_query_fn query;
    *ret_stage = PLUGIN_STAGE_SYMBOL;
    harborai_status st = find_query(loader, l, &query, error);
    if (st < 0)
        return st;
    watcher->enter(watcher, PLUGIN_STAGE_SYMBOL);
    const void *table = query(HARBORAI_ABI_MAJOR);
    *ret_stage = PLUGIN_STAGE_TABLE;
    if (table == NULL)
        return harborai_error_set(error, HARBORAI_E_UNSUPPORTED, "'%s' has no table for ABI %d",
                                  l->path, HARBORAI_ABI_MAJOR);
    st = copy_table(l, table, error);
    return st < 0 ? st : check_table(l, manifest, error);
}

/* ---- References ---------------------------------------------------------------------------- */

static bool is_same_inode(const struct file_identity *a, const struct file_identity *b)
{
    return a->device == b->device && a->inode == b->inode;
}

/* By its inode, as dlopen() finds it: whatever path it is given, that would be the same object. */
static struct loaded *find(struct plugin_loader *loader, const struct file_identity *identity)
{
    for (struct list *at = loader->objects.next; at != &loader->objects; at = at->next) {
        struct loaded *l = CONTAINER_OF(at, struct loaded, link);
        if (is_same_inode(&l->identity, identity))
            return l;
    }
    return NULL;
}

/* A file of the same bytes may have got another mode or a second name. */
static harborai_status check_unchanged(const struct loaded *l, const struct file_identity *identity,
                                       harborai_error *error)
{
    if (l->identity.size == identity->size && l->identity.modified_ns == identity->modified_ns)
        return HARBORAI_OK;
    return harborai_error_set(error, HARBORAI_E_CONFIG,
                              "'%s' was written over while it was loaded: restart HarborAI, and "
                              "next time put the new file in its place by renaming it", l->path);
}

static harborai_status load(struct plugin_loader *loader, const char *path,
                            const struct file_identity *identity,
                            const struct plugin_watcher *watcher, struct loaded **ret_loaded,
                            harborai_error *error)
{
    struct loaded *l = calloc(1, sizeof *l);
    char *copy = slice_dup(slice_of(path));
    if (l == NULL || copy == NULL) {
        free(l);
        free(copy);
        return harborai_error_set(error, HARBORAI_E_MEMORY, "cannot load '%s': out of memory", path);
    }
    l->path = copy;
    l->identity = *identity;
    l->generation = free_generation(loader, path);
    harborai_status st = map_object(loader, l, watcher, error);
    if (st < 0) {
        /* What is not the checked file must not be found again under its identity. */
        l->identity = (struct file_identity){0};
        if (l->handle != NULL)
            list_append(&loader->objects, &l->link);
        else
            loaded_free(l);
        return st;
    }
    list_append(&loader->objects, &l->link);
    *ret_loaded = l;
    return HARBORAI_OK;
}

harborai_status plugin_object_open(struct plugin_loader *loader, const char *path,
                                   const struct file_identity *identity,
                                   const struct manifest *manifest,
                                   const struct plugin_watcher *watcher,
                                   const struct plugin_object **ret_object,
                                   enum plugin_stage *ret_stage, harborai_error *error)
{
    struct loaded *l = find(loader, identity);
    harborai_status st = HARBORAI_OK;
    enum plugin_stage stage = PLUGIN_STAGE_DLOPEN;
    if (l == NULL)
        st = load(loader, path, identity, watcher, &l, error);
    else
        st = check_unchanged(l, identity, error);
    if (st == HARBORAI_OK && l->references == 0)
        st = query_table(loader, l, manifest, watcher, &stage, error);
    if (st < 0) {
        *ret_stage = stage;
        return st;
    }
    l->references++;
    *ret_object = &l->object;
    return HARBORAI_OK;
}

void plugin_object_close(struct plugin_loader *loader, const struct plugin_object *object,
                         const struct plugin_watcher *watcher)
{
    (void)loader;
    if (object == NULL)
        return;
    struct loaded *l = CONTAINER_OF((struct plugin_object *)(uintptr_t)object, struct loaded, object);
    if (--l->references > 0 || l->object.table.unload == NULL)
        return;
    watcher->enter(watcher, PLUGIN_STAGE_UNLOAD);
    l->object.table.unload();
    dlclose(l->handle);
    loaded_free(l);
}
