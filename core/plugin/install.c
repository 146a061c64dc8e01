/* SPDX-License-Identifier: MIT */
/* Copies what was checked, from the descriptor on which it was. Must never write to a file that is
 * there: a running gateway has it mapped. */
#include "plugin/install.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/directory.h"
#include "base/error.h"
#include "base/file_lock.h"
#include "base/limits.h"
#include "base/replacement.h"
#include "plugin/probe.h"
#include "wire/shell.h"

#define TEMPORARY "/.harborai-install.new" /* not *.so: nobody takes it for a plugin */

static harborai_status out_of_memory(harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_MEMORY, "cannot install: out of memory");
}

static harborai_status failed(const char *what, const char *path, harborai_error *error)
{
    char text[128];
    return harborai_error_set(error, HARBORAI_E_INTERNAL, "cannot %s '%s': %s", what, path,
                              error_of_errno(errno, text));
}

/* ---- The file ------------------------------------------------------------------------------- */

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* The file itself counts, and the names of the directories above it do not: what is copied is what was
 * opened. */
static harborai_status look_at(struct install *install, const char *path, harborai_error *error)
{
    char text[128], resolved[PATH_MAX];
    if (realpath(path, resolved) == NULL)
        return harborai_error_set(error, HARBORAI_E_NOT_FOUND, "cannot read '%s': %s", path,
                                  error_of_errno(errno, text));
    char *slash = strrchr(resolved, '/');
    *slash = '\0';
    harborai_status st = probe_open(&install->trust, slash == resolved ? "/" : resolved, slash + 1,
                                    NULL, 0, &install->file, &install->fd);
    if (st < 0 && error != NULL)
        *error = install->file.error;
    return st;
}

harborai_status install_open(struct install *install, const char *path, const char *directory,
                             const struct trust_rules *rules, harborai_error *error)
{
    const char *name = name_of(path);
    char resolved[PATH_MAX];
    *install = (struct install)INSTALL_INIT;
    if (name[0] == '.' || strlen(name) <= strlen(".so") || !slice_ends_with(slice_of(name), ".so"))
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "'%s': a plugin's file is called NAME.so: rename it", path);
    harborai_status st = trust_init(&install->trust, rules, error);
    if (st == HARBORAI_OK)
        st = look_at(install, path, error);
    if (st < 0)
        return st;
    install->directory =
        slice_dup(slice_of(realpath(directory, resolved) != NULL ? resolved : directory));
    if (install->directory == NULL ||
        asprintf(&install->target, "%s/%s", install->directory, name) < 0) {
        install->target = NULL;
        return out_of_memory(error);
    }
    return HARBORAI_OK;
}

/* ---- What is there already ------------------------------------------------------------------ */

static bool is_same_file(const struct plugin_file *a, const struct plugin_file *b)
{
    return a->identity.device == b->identity.device && a->identity.inode == b->identity.inode;
}

/* Files that are found before those of the directory that is installed to. */
static bool comes_first(const struct install *install, const struct plugin_catalog *catalog,
                        const struct plugin_file *file)
{
    for (size_t i = 0; i < catalog->directory_count; i++) {
        if (slice_is(slice_of(catalog->directories[i].path), install->directory))
            return false;
        if (catalog->directories[i].path == file->directory)
            return true;
    }
    return file->origin < PLUGIN_ORIGIN_USER;
}

/* A file of the same plugin. */
static harborai_status check_twin(struct install *install, const struct plugin_catalog *catalog,
                                  const struct plugin_file *twin, bool may_replace,
                                  harborai_error *error)
{
    const struct manifest *m = install->file.manifest;
    if (is_same_file(twin, &install->file))
        return harborai_error_set(error, HARBORAI_E_CONFIG, "'%s' is installed already", twin->path);
    if (comes_first(install, catalog, twin))
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "%s would be hidden by '%s', which is looked for first: take that "
                                  "away, or put the new one in its place", m->id.data, twin->path);
    if (!may_replace)
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "%s is installed already, version %s, as '%s': --force puts version "
                                  "%s before it", m->id.data, twin->manifest->version.data, twin->path,
                                  m->version.data);
    if (strcmp(twin->directory, install->directory) != 0)
        return HARBORAI_OK;
    char *target = slice_dup(slice_of(twin->path));
    if (target == NULL)
        return out_of_memory(error);
    free(install->target);
    install->target = target;
    return HARBORAI_OK;
}

/* Whatever has the target's name now. */
static harborai_status check_target(struct install *install, const struct plugin_catalog *catalog,
                                    bool may_replace, harborai_error *error)
{
    struct stat status;
    const struct plugin_file *there = NULL;
    install->replaces = lstat(install->target, &status) == 0;
    if (!install->replaces)
        return HARBORAI_OK;
    for (size_t i = 0; i < catalog->file_count; i++)
        if (slice_is(slice_of(catalog->files[i].path), install->target))
            there = &catalog->files[i];
    if (there != NULL && there->manifest != NULL &&
        !slice_equal(there->manifest->id, install->file.manifest->id))
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "'%s' is another plugin, %s: give the new file another name",
                                  install->target, there->manifest->id.data);
    if (!may_replace || !S_ISREG(status.st_mode))
        return harborai_error_set(error, HARBORAI_E_CONFIG, "'%s' is there already%s", install->target,
                                  S_ISREG(status.st_mode) ? ": --force puts the new file in its place"
                                                          : ", and no regular file: take it away");
    return HARBORAI_OK;
}

harborai_status install_check(struct install *install, const struct plugin_catalog *catalog,
                              bool may_replace, harborai_error *error)
{
    harborai_status st = HARBORAI_OK;
    for (size_t i = 0; st == HARBORAI_OK && i < catalog->file_count; i++) {
        const struct plugin_file *file = &catalog->files[i];
        if (file->manifest != NULL && slice_equal(file->manifest->id, install->file.manifest->id))
            st = check_twin(install, catalog, file, may_replace, error);
    }
    return st < 0 ? st : check_target(install, catalog, may_replace, error);
}

/* ---- Copying -------------------------------------------------------------------------------- */

/* *ret_fd is owned, also after a failure; closing it gives the lock up. */
static harborai_status lock_directory(const char *directory, int *ret_fd, harborai_error *error)
{
    *ret_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*ret_fd < 0)
        return failed("open", directory, error);
    if (file_lock_wait(*ret_fd))
        return HARBORAI_OK;
    if (errno != EWOULDBLOCK)
        return failed("lock", directory, error);
    return harborai_error_set(error, HARBORAI_E_INTERNAL,
                              "another process installs into '%s': nothing was changed; try again",
                              directory);
}

/* What is there of its path: nothing is made where nothing may be installed. */
static harborai_status check_above(struct install *install, harborai_error *error)
{
    char above[PATH_MAX], resolved[PATH_MAX];
    int len = snprintf(above, sizeof above, "%s%s", install->directory[0] == '/' ? "" : "./",
                       install->directory);
    if (len < 0 || (size_t)len >= sizeof above)
        return harborai_error_set(error, HARBORAI_E_CONFIG, "'%s': a path too long",
                                  install->directory);
    while (realpath(above, resolved) == NULL) {
        char *slash = strrchr(above, '/');
        if (errno != ENOENT || slash == NULL)
            return failed("look at", above, error);
        slash[slash == above ? 1 : 0] = '\0';
    }
    return trust_check_directory(&install->trust, resolved, error);
}

harborai_status install_lock(struct install *install, harborai_error *error)
{
    char resolved[PATH_MAX];
    harborai_status st = check_above(install, error);
    if (st < 0)
        return st;
    if (!directory_make_given(install->directory))
        return failed("make directory", install->directory, error);
    if (realpath(install->directory, resolved) == NULL)
        return failed("look at", install->directory, error);
    st = trust_check_directory(&install->trust, resolved, error);
    return st < 0 ? st : lock_directory(install->directory, &install->lock, error);
}

static harborai_status copy_bytes(const struct install *install, struct replacement *to,
                                  harborai_error *error)
{
    char *bytes = malloc(KIB(64));
    harborai_status st = bytes != NULL ? HARBORAI_OK : out_of_memory(error);
    int64_t at = 0;
    while (st == HARBORAI_OK && at < install->file.identity.size) {
        ssize_t got = pread(install->fd, bytes, KIB(64), (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            st = got < 0 ? failed("read", install->file.path, error)
                         : harborai_error_set(error, HARBORAI_E_INTERNAL, "'%s' was cut short",
                                              install->file.path);
        else
            st = replacement_write(to, (harborai_str){bytes, (size_t)got}, error);
        at += got;
    }
    free(bytes);
    return st;
}

/* What was copied is what was checked. */
static harborai_status check_unchanged(const struct install *install, harborai_error *error)
{
    struct stat status;
    if (fstat(install->fd, &status) != 0)
        return failed("look at", install->file.path, error);
    struct file_identity now = file_identity_of(&status);
    if (!file_identity_equal(&now, &install->file.identity))
        return harborai_error_set(error, HARBORAI_E_INTERNAL,
                                  "'%s' changed while it was copied: nothing was installed; try again",
                                  install->file.path);
    return HARBORAI_OK;
}

harborai_status install_copy(struct install *install, harborai_error *error)
{
    AUTO(replacement) to = REPLACEMENT_INIT;
    char temporary[PATH_MAX];
    int len = snprintf(temporary, sizeof temporary, "%s" TEMPORARY, install->directory);
    if (len < 0 || (size_t)len >= sizeof temporary)
        return harborai_error_set(error, HARBORAI_E_CONFIG, "'%s': a path too long",
                                  install->directory);
    harborai_status st = replacement_open(&to, install->target, temporary, 0755, error);
    if (st == HARBORAI_OK)
        st = copy_bytes(install, &to, error);
    if (st == HARBORAI_OK)
        st = check_unchanged(install, error);
    return st < 0 ? st : replacement_commit(&to, error);
}

void install_release(struct install *install)
{
    manifest_unref(install->file.manifest);
    free(install->file.path);
    free(install->file.warning);
    free(install->directory);
    free(install->target);
    trust_release(&install->trust);
    if (install->fd >= 0)
        close(install->fd);
    if (install->lock >= 0)
        close(install->lock);
    *install = (struct install)INSTALL_INIT;
}

/* ---- Taking away ---------------------------------------------------------------------------- */

harborai_status install_check_remove(const struct plugin_file *file, harborai_error *error)
{
    struct shell_word word;
    if (file->origin == PLUGIN_ORIGIN_BUILT_IN)
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "'%s' is part of harborai itself and cannot be removed: 'harborai "
                                  "plugin disable' has it served no more", file->path);
    if (file->origin == PLUGIN_ORIGIN_SYSTEM)
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "'%s' is the system's: 'harborai plugin disable' has it served no "
                                  "more", file->path);
    if (file->origin != PLUGIN_ORIGIN_USER)
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "'%s' was not installed, but found by %s: rm %s", file->path,
                                  file->origin == PLUGIN_ORIGIN_ENVIRONMENT ? "HARBORAI_PLUGIN_PATH"
                                                                            : "plugin_path",
                                  shell_word(slice_of(file->path), &word));
    return HARBORAI_OK;
}

/* Who waited for its calls to end may find another one there. What was refused before it was looked at
 * goes whatever it is. */
static harborai_status check_same(const struct plugin_file *file, harborai_error *error)
{
    struct stat status;
    const struct file_identity *then = &file->identity;
    bool is_there = lstat(file->path, &status) == 0;
    if (!is_there && (errno == ENOENT || errno == ENOTDIR))
        return harborai_error_set(error, HARBORAI_E_NOT_FOUND,
                                  "'%s' has gone already: somebody else took it away meanwhile, and "
                                  "nothing is left to do", file->path);
    if (!is_there)
        return failed("remove", file->path, error);
    struct file_identity now = file_identity_of(&status);
    if (then->inode == 0 || (now.device == then->device && now.inode == then->inode &&
                             now.size == then->size && now.modified_ns == then->modified_ns))
        return HARBORAI_OK;
    return harborai_error_set(error, HARBORAI_E_INTERNAL,
                              "'%s' is another file now, which stays: remove it by another 'harborai "
                              "plugin remove'", file->path);
}

harborai_status install_remove(const struct plugin_file *file, harborai_error *error)
{
    int lock = -1;
    harborai_status st = install_check_remove(file, error);
    if (st < 0)
        return st;
    st = lock_directory(file->directory, &lock, error);
    if (st == HARBORAI_OK)
        st = check_same(file, error);
    if (st == HARBORAI_OK && unlink(file->path) != 0)
        st = failed("remove", file->path, error);
    if (lock >= 0)
        close(lock);
    return st;
}
