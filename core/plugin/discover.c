/* SPDX-License-Identifier: MIT */
/* The walk over the plugin directories. One bad file or directory never hides the others: it is
 * kept in the catalog with the stage that it failed and the way out. */
#include "plugin/discover.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "plugin/probe.h"

#define DIRECTORIES_MAX 64

struct walk {
    struct plugin_catalog *catalog;
    struct trust trust;
    const char *real[DIRECTORIES_MAX]; /* of usable directories: where a symlink may point to */
    size_t real_count;
    size_t directory_room, file_room; /* of the catalog's lists */
};

const char *discover_environment(void)
{
    return secure_getenv("HARBORAI_PLUGIN_PATH");
}

char *discover_user_directory(void)
{
    char *path = NULL;
    const char *home = secure_getenv("HOME");
    if (home == NULL || home[0] != '/' || asprintf(&path, "%s/.local/lib/harborai/plugins", home) < 0)
        return NULL;
    return path;
}

int64_t plugin_origin_priority(enum plugin_origin origin)
{
    static const int64_t priorities[] = {[PLUGIN_ORIGIN_EXPLICIT] = 300,
                                         [PLUGIN_ORIGIN_ENVIRONMENT] = 200,
                                         [PLUGIN_ORIGIN_CONFIGURATION] = 200,
                                         [PLUGIN_ORIGIN_USER] = 100,
                                         [PLUGIN_ORIGIN_SYSTEM] = 0,
                                         [PLUGIN_ORIGIN_BUILT_IN] = 0};
    return priorities[origin];
}

static harborai_status out_of_memory(harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_MEMORY, "cannot list plugins: out of memory");
}

/* The list with room for one more: moved, or NULL. */
static void *with_room(void *list, size_t count, size_t item, size_t *room)
{
    if (count < *room)
        return list;
    size_t more = *room > 0 ? *room * 2 : 4;
    void *moved = realloc(list, more * item);
    if (moved != NULL)
        *room = more;
    return moved;
}

/* ---- Directories --------------------------------------------------------------------------- */

static bool is_listed(const struct plugin_catalog *catalog, const char *path)
{
    for (size_t i = 0; i < catalog->directory_count; i++)
        if (strcmp(catalog->directories[i].path, path) == 0)
            return true;
    return false;
}

/* Resolves and checks one directory and adds it, usable or not. */
static harborai_status add_directory(struct walk *w, harborai_str given, enum plugin_origin origin,
                                     harborai_error *error)
{
    char text[128], resolved[PATH_MAX];
    struct plugin_catalog *c = w->catalog;
    if (c->directory_count == DIRECTORIES_MAX)
        return harborai_error_set(error, HARBORAI_E_CONFIG, "more than %d plugin directories",
                                  DIRECTORIES_MAX);
    struct plugin_directory *list =
        with_room(c->directories, c->directory_count, sizeof *list, &w->directory_room);
    if (list == NULL)
        return out_of_memory(error);
    c->directories = list;
    char *path = slice_dup(given);
    if (path == NULL)
        return out_of_memory(error);
    struct plugin_directory directory = {path, origin, HARBORAI_ERROR_INIT};
    if (realpath(path, resolved) == NULL) {
        bool is_optional = errno == ENOENT && origin >= PLUGIN_ORIGIN_USER;
        harborai_error_set(&directory.error, HARBORAI_E_CONFIG,
                           "cannot read plugin directory '%s': %s; make it, or take it out of "
                           "HARBORAI_PLUGIN_PATH or plugin_path",
                           path, error_of_errno(errno, text));
        if (is_optional) {
            free(path);
            return HARBORAI_OK;
        }
        c->directories[c->directory_count++] = directory;
        return HARBORAI_OK;
    }
    free(path);
    if (is_listed(c, resolved))
        return HARBORAI_OK;
    directory.path = slice_dup(slice_of(resolved));
    if (directory.path == NULL)
        return out_of_memory(error);
    if (trust_check_directory(&w->trust, resolved, &directory.error) == HARBORAI_OK)
        w->real[w->real_count++] = directory.path;
    c->directories[c->directory_count++] = directory;
    return HARBORAI_OK;
}

static harborai_status add_environment(struct walk *w, const char *value, harborai_error *error)
{
    harborai_str rest = slice_of(value), element;
    bool more = rest.len > 0; /* set to nothing is as not set */
    while (more) {
        more = slice_split(rest, ':', &element, &rest);
        if (element.len == 0)
            return harborai_error_set(error, HARBORAI_E_CONFIG,
                                      "HARBORAI_PLUGIN_PATH has an empty element in '%s': take the "
                                      "':' away, or write '.' for the working directory", value);
        harborai_status st = add_directory(w, element, PLUGIN_ORIGIN_ENVIRONMENT, error);
        if (st < 0)
            return st;
    }
    return HARBORAI_OK;
}

static harborai_status add_directories(struct walk *w, const struct discover_options *options,
                                       harborai_error *error)
{
    harborai_status st = HARBORAI_OK;
    if (options->environment != NULL)
        st = add_environment(w, options->environment, error);
    for (size_t i = 0; st == HARBORAI_OK && i < options->configuration_count; i++) {
        if (options->configuration[i].len == 0)
            return harborai_error_set(error, HARBORAI_E_CONFIG, "plugin_path has an empty element");
        st = add_directory(w, options->configuration[i], PLUGIN_ORIGIN_CONFIGURATION, error);
    }
    if (st == HARBORAI_OK && options->user != NULL)
        st = add_directory(w, slice_of(options->user), PLUGIN_ORIGIN_USER, error);
    if (st == HARBORAI_OK && options->system != NULL)
        st = add_directory(w, slice_of(options->system), PLUGIN_ORIGIN_SYSTEM, error);
    return st;
}

/* ---- Files --------------------------------------------------------------------------------- */

static harborai_status look_at(struct walk *w, const char *directory, const char *name,
                               struct plugin_file *file)
{
    int fd;
    harborai_status st =
        probe_open(&w->trust, directory, name, w->real, w->real_count, file, &fd);
    if (st == HARBORAI_OK)
        close(fd);
    return st;
}

static void file_release(struct plugin_file *file)
{
    free(file->path);
    free(file->warning);
    manifest_unref(file->manifest);
}

/* The same file by another way: one of the two is enough. */
static void drop_if_known(struct plugin_catalog *c)
{
    struct plugin_file *last = &c->files[c->file_count - 1];
    bool is_known = false;
    for (size_t i = 0; i + 1 < c->file_count && !is_known; i++)
        is_known = c->files[i].origin == PLUGIN_ORIGIN_EXPLICIT &&
                   strcmp(c->files[i].path, last->path) == 0;
    if (!is_known)
        return;
    file_release(last);
    c->file_count--;
}

static harborai_status append_file(struct walk *w, const char *directory,
                                   enum plugin_origin origin, harborai_str name,
                                   struct plugin_file **ret_file, harborai_error *error)
{
    struct plugin_catalog *c = w->catalog;
    struct plugin_file *list = with_room(c->files, c->file_count, sizeof *list, &w->file_room);
    if (list == NULL)
        return out_of_memory(error);
    c->files = list;
    struct plugin_file *file = &c->files[c->file_count];
    *file = (struct plugin_file){.directory = directory,
                                 .origin = origin,
                                 .error = HARBORAI_ERROR_INIT};
    if (asprintf(&file->path, "%s/%.*s", strcmp(directory, "/") == 0 ? "" : directory,
                 SLICE_ARG(name)) < 0) {
        file->path = NULL;
        return out_of_memory(error);
    }
    c->file_count++;
    *ret_file = file;
    return HARBORAI_OK;
}

/* What the look at it said. */
static harborai_status judge(struct plugin_file *file, harborai_status looked, harborai_error *error)
{
    file->state = looked < 0 ? PLUGIN_FILE_REFUSED : PLUGIN_FILE_KNOWN;
    return file->error.code == HARBORAI_E_MEMORY ? out_of_memory(error) : HARBORAI_OK;
}

static harborai_status add_file(struct walk *w, const struct plugin_directory *directory,
                                const char *name, enum plugin_origin origin, harborai_error *error)
{
    struct plugin_file *file;
    harborai_status st = append_file(w, directory->path, origin, slice_of(name), &file, error);
    if (st >= 0)
        st = judge(file, look_at(w, directory->path, name, file), error);
    if (st >= 0)
        drop_if_known(w->catalog);
    return st;
}

static const struct plugin_directory *listed(const struct plugin_catalog *c, const char *path)
{
    for (size_t i = 0; i < c->directory_count; i++)
        if (strcmp(c->directories[i].path, path) == 0)
            return &c->directories[i];
    return NULL;
}

/* The same is asked of whoever could put another file in its place as of any. A file that is no good
 * is refused, like any; one that is not to be looked for at all is a mistake of the operator's. */
static harborai_status add_given(struct walk *w, harborai_str given, harborai_error *error)
{
    char folder[PATH_MAX], text[128];
    const char *slash = memrchr(given.data, '/', given.len);
    harborai_str name = slash != NULL ? slice_from(given, (size_t)(slash - given.data) + 1) : given;
    harborai_str above = HARBORAI_STR(".");
    if (slash != NULL)
        above = (harborai_str){given.data, (size_t)(slash - given.data)};
    if (name.len == 0 || given.len >= sizeof folder)
        return harborai_error_set(error, HARBORAI_E_CONFIG, "--plugin '%.*s' names no file",
                                  SLICE_ARG(slice_cut(given, 200)));
    snprintf(folder, sizeof folder, "%.*s", SLICE_ARG(above.len > 0 ? above : HARBORAI_STR("/")));
    char *resolved = realpath(folder, NULL);
    if (resolved == NULL)
        return harborai_error_set(error, HARBORAI_E_CONFIG, "--plugin '%.*s': '%s': %s",
                                  SLICE_ARG(slice_cut(given, 200)), folder,
                                  error_of_errno(errno, text));
    harborai_status st = add_directory(w, slice_of(resolved), PLUGIN_ORIGIN_EXPLICIT, error);
    const struct plugin_directory *directory = listed(w->catalog, resolved);
    if (st >= 0 && directory != NULL && directory->error.code < 0)
        st = harborai_error_set(error, HARBORAI_E_CONFIG, "--plugin '%.*s': %s",
                                SLICE_ARG(slice_cut(given, 200)), directory->error.message);
    else if (st >= 0 && directory != NULL)
        st = add_file(w, directory, name.data, PLUGIN_ORIGIN_EXPLICIT, error);
    free(resolved);
    return st;
}

/* Last of all: a file goes before what is built in. */
static harborai_status add_builtin(struct walk *w, const struct builtin_plugins *from,
                                   harborai_error *error)
{
    harborai_status st = HARBORAI_OK;
    harborai_str name;
    const void *note;
    for (size_t i = 0; st == HARBORAI_OK && (note = from->note(i, &name)) != NULL; i++) {
        struct plugin_file *file;
        st = append_file(w, BUILTIN_DIRECTORY, PLUGIN_ORIGIN_BUILT_IN, name, &file, error);
        if (st < 0)
            return st;
        file->identity.inode = i + 1;
        st = judge(file, probe_builtin(note, file), error);
    }
    return st;
}

static int is_plugin_name(const struct dirent *entry)
{
    harborai_str name = slice_of(entry->d_name);
    return name.len > 3 && name.data[0] != '.' && slice_ends_with(name, ".so");
}

/* By bytes: the order must not depend on the locale. */
static int compare_names(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static harborai_status read_directory(struct walk *w, struct plugin_directory *directory,
                                      harborai_error *error)
{
    struct dirent **entries;
    char text[128];
    int count = scandir(directory->path, &entries, is_plugin_name, compare_names);
    if (count < 0) {
        harborai_error_set(&directory->error, HARBORAI_E_CONFIG, "cannot read '%s': %s",
                           directory->path, error_of_errno(errno, text));
        return HARBORAI_OK;
    }
    harborai_status st = HARBORAI_OK;
    int room = (int)(LIMIT_PLUGINS - w->catalog->file_count);
    if (count > room)
        harborai_error_set(&directory->error, HARBORAI_E_CONFIG,
                           "'%s': only the first %d of its %d files are looked at: no more than %d "
                           "in all plugin directories", directory->path, room, count,
                           LIMIT_PLUGINS);
    for (int i = 0; i < count; i++) {
        if (st == HARBORAI_OK && i < room)
            st = add_file(w, directory, entries[i]->d_name, directory->origin, error);
        free(entries[i]);
    }
    free(entries);
    return st;
}

static bool hides(const struct plugin_file *first, const struct plugin_file *file,
                  bool one_a_provider)
{
    return first->state == PLUGIN_FILE_KNOWN &&
           (slice_equal(first->manifest->id, file->manifest->id) ||
            (one_a_provider && slice_equal(first->manifest->provider, file->manifest->provider)));
}

static void shadow(struct plugin_file *file, const struct plugin_file *first)
{
    bool same_id = slice_equal(first->manifest->id, file->manifest->id);
    file->state = PLUGIN_FILE_SHADOWED;
    file->stage = PLUGIN_STAGE_FIND;
    if (same_id)
        harborai_error_set(&file->error, HARBORAI_E_CONFIG,
                           "'%s' is not used: '%s' comes first with the same id %s", file->path,
                           first->path, first->manifest->id.data);
    else
        harborai_error_set(&file->error, HARBORAI_E_CONFIG,
                           "'%s' is not used: '%s' comes first for provider %s; take one away, or "
                           "choose by 'plugin' in a configuration file", file->path, first->path,
                           first->manifest->provider.data);
    file->is_rival = !same_id;
}

/* The first file of an id wins; the others are listed, with the one that hides them. */
static void mark_shadowed(struct plugin_catalog *c, bool one_a_provider)
{
    for (size_t i = 0; i < c->file_count; i++)
        for (size_t j = 0; j < i && c->files[i].state == PLUGIN_FILE_KNOWN; j++)
            if (hides(&c->files[j], &c->files[i], one_a_provider))
                shadow(&c->files[i], &c->files[j]);
}

static harborai_status walk_all(struct walk *w, const struct discover_options *options,
                                harborai_error *error)
{
    struct plugin_catalog *c = w->catalog;
    harborai_status st = add_directories(w, options, error);
    for (size_t i = 0; st == HARBORAI_OK && i < options->file_count; i++)
        st = add_given(w, options->files[i], error);
    for (size_t i = 0; st == HARBORAI_OK && i < c->directory_count; i++)
        if (c->directories[i].error.code == HARBORAI_OK &&
            c->directories[i].origin != PLUGIN_ORIGIN_EXPLICIT)
            st = read_directory(w, &c->directories[i], error);
    if (st == HARBORAI_OK && options->builtin != NULL)
        st = add_builtin(w, options->builtin, error);
    return st;
}

harborai_status plugin_catalog_create(const struct discover_options *options,
                                      struct plugin_catalog **ret_catalog, harborai_error *error)
{
    struct walk walk = {.catalog = calloc(1, sizeof *walk.catalog)};
    if (walk.catalog == NULL)
        return out_of_memory(error);
    harborai_status st = trust_init(&walk.trust, &options->trust, error);
    if (st == HARBORAI_OK)
        st = walk_all(&walk, options, error);
    walk.catalog->lock_error = walk.trust.lock_error;
    trust_release(&walk.trust);
    if (st < 0) {
        plugin_catalog_destroy(walk.catalog);
        return st;
    }
    mark_shadowed(walk.catalog, options->one_a_provider);
    *ret_catalog = walk.catalog;
    return HARBORAI_OK;
}

void plugin_catalog_destroy(struct plugin_catalog *catalog)
{
    if (catalog == NULL)
        return;
    for (size_t i = 0; i < catalog->file_count; i++)
        file_release(&catalog->files[i]);
    for (size_t i = 0; i < catalog->directory_count; i++)
        free(catalog->directories[i].path);
    free(catalog->files);
    free(catalog->directories);
    free(catalog);
}

const struct plugin_file *plugin_catalog_find(const struct plugin_catalog *catalog,
                                              harborai_str name)
{
    const struct plugin_file *by_provider = NULL;
    for (size_t i = 0; i < catalog->file_count; i++) {
        const struct plugin_file *file = &catalog->files[i];
        if (file->state != PLUGIN_FILE_KNOWN)
            continue;
        if (slice_equal(file->manifest->id, name))
            return file;
        if (by_provider == NULL && slice_equal(file->manifest->provider, name))
            by_provider = file;
    }
    return by_provider;
}
