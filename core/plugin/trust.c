/* SPDX-License-Identifier: MIT */
/* Owners and modes. Opens what it checks and checks what it opened, so that nothing can be
 * exchanged in between; runs no foreign code. */
#include "plugin/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "plugin/lock.h"
#include "wire/shell.h"

#define DATABASE_ENTRY KIB(64)

/* Whether nobody but `user` is in the group: it bears his name and lists no one else. Users whose
 * primary group it is are not looked for: that would walk a whole directory service. */
static bool group_is_private(gid_t group, const char *user, char *text, size_t capacity)
{
    struct group entry, *found = NULL;
    if (getgrgid_r(group, &entry, text, capacity, &found) != 0 || found == NULL ||
        strcmp(found->gr_name, user) != 0)
        return false;
    for (char **member = found->gr_mem; *member != NULL; member++)
        if (strcmp(*member, user) != 0)
            return false;
    return true;
}

static void ask_for_groups(struct trust *t)
{
    struct passwd entry, *found = NULL;
    t->knows_groups = true;
    char *user_text = malloc(DATABASE_ENTRY), *group_text = malloc(DATABASE_ENTRY);
    if (user_text != NULL && group_text != NULL &&
        getpwuid_r(t->user, &entry, user_text, DATABASE_ENTRY, &found) == 0 && found != NULL)
        t->has_private_group =
            found->pw_gid == t->private_group &&
            group_is_private(t->private_group, found->pw_name, group_text, DATABASE_ENTRY);
    free(user_text);
    free(group_text);
}

static bool find_group(harborai_str name, gid_t *ret_group)
{
    struct group entry, *found = NULL;
    uint64_t number;
    if (slice_to_u64(name, &number)) {
        *ret_group = (gid_t)number;
        return number < (gid_t)-1;
    }
    char *terminated = slice_dup(name), *text = malloc(DATABASE_ENTRY);
    if (terminated != NULL && text != NULL &&
        getgrnam_r(terminated, &entry, text, DATABASE_ENTRY, &found) == 0 && found != NULL)
        *ret_group = found->gr_gid;
    free(terminated);
    free(text);
    return found != NULL;
}

static harborai_status add_group(struct trust *t, harborai_str group, harborai_error *error)
{
    gid_t found = 0;
    if (t->group_count == TRUST_GROUPS)
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "plugin_trusted_groups names more than %d groups", TRUST_GROUPS);
    if (!find_group(group, &found))
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "plugin_trusted_groups: there is no group '%.*s': 'getent group' "
                                  "shows those that there are", SLICE_ARG(group));
    t->groups[t->group_count++] = found;
    return HARBORAI_OK;
}

static harborai_status system_fault(const char *what, const char *path, harborai_error *error)
{
    char text[128];
    return harborai_error_set(error, HARBORAI_E_CONFIG, "%s '%s': %s", what, path,
                              error_of_errno(errno, text));
}

/* Where plugins.lock is, with all directories above it checked; empty: it is not there. */
static harborai_status find_lock(struct trust *t, const char *path, char found[static PATH_MAX],
                                 harborai_error *error)
{
    struct stat status;
    char above[PATH_MAX];
    found[0] = '\0';
    if (lstat(path, &status) != 0)
        return errno == ENOENT ? HARBORAI_OK : system_fault("cannot look at", path, error);
    if (!t->is_off && S_ISLNK(status.st_mode) && status.st_uid != 0 && status.st_uid != t->user)
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "'%s' is a symlink of user %u, who could change it: make it anew",
                                  path, (unsigned)status.st_uid);
    if (realpath(path, found) == NULL)
        return system_fault("cannot follow", path, error);
    memcpy(above, found, strlen(found) + 1);
    char *slash = strrchr(above, '/');
    slash[slash == above ? 1 : 0] = '\0';
    return trust_check_directory(t, above, error);
}

/* Who may write to it decides what is loaded. What is checked is what was read. */
static harborai_status load_lock(struct trust *t, const char *path, harborai_error *error)
{
    struct stat status;
    char found[PATH_MAX];
    harborai_status st = find_lock(t, path, found, error);
    if (st == HARBORAI_OK)
        st = plugin_lock_load(found[0] != '\0' ? found : path, &t->lock, &status, error);
    return st < 0 || status.st_mode == 0 ? st : trust_check(t, &status, found, error);
}

static harborai_status init_lock(struct trust *t, harborai_str path, harborai_error *error)
{
    char *terminated = slice_dup(path);
    if (terminated == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "out of memory");
    harborai_status st = load_lock(t, terminated, &t->lock_error);
    free(terminated);
    if (st < 0 && st != HARBORAI_E_CONFIG)
        return harborai_error_set(error, st, "%s", t->lock_error.message);
    return HARBORAI_OK;
}

struct trust_rules trust_rules_of(const struct config *config)
{
    return (struct trust_rules){.is_off = config->plugin_trust == CONFIG_TRUST_OFF,
                                .groups = config->plugin_trusted_groups.items,
                                .group_count = config->plugin_trusted_groups.count,
                                .lock = config->plugin_lock,
                                .require_lock = config->plugin_require_lock};
}

harborai_status trust_init(struct trust *t, const struct trust_rules *rules, harborai_error *error)
{
    harborai_status st = HARBORAI_OK;
    *t = (struct trust){.user = geteuid(), .private_group = getegid(),
                        .lock_error = HARBORAI_ERROR_INIT};
    if (rules == NULL)
        return st;
    t->is_off = rules->is_off;
    t->require_lock = rules->require_lock;
    for (size_t i = 0; st == HARBORAI_OK && i < rules->group_count; i++)
        st = add_group(t, rules->groups[i], error);
    return st == HARBORAI_OK && rules->lock.len > 0 ? init_lock(t, rules->lock, error) : st;
}

void trust_release(struct trust *t)
{
    plugin_lock_destroy(t->lock);
    t->lock = NULL;
}

static bool may_write(struct trust *t, gid_t group)
{
    for (size_t i = 0; i < t->group_count; i++)
        if (t->groups[i] == group)
            return true;
    if (group != t->private_group)
        return false;
    if (!t->knows_groups)
        ask_for_groups(t);
    return t->has_private_group;
}

static int64_t ns_of(struct timespec time)
{
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

struct file_identity file_identity_of(const struct stat *status)
{
    return (struct file_identity){.device = status->st_dev,
                                  .inode = status->st_ino,
                                  .size = status->st_size,
                                  .modified_ns = ns_of(status->st_mtim),
                                  .changed_ns = ns_of(status->st_ctim)};
}

bool file_identity_equal(const struct file_identity *a, const struct file_identity *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified_ns == b->modified_ns && a->changed_ns == b->changed_ns;
}

/* /tmp: others may write there, but not touch what is not theirs. */
static bool is_roots_sticky_directory(const struct stat *status)
{
    return S_ISDIR(status->st_mode) && (status->st_mode & S_ISVTX) != 0 && status->st_uid == 0;
}

harborai_status trust_check(struct trust *t, const struct stat *status, const char *path,
                            harborai_error *error)
{
    struct shell_word word;
    if (t->is_off)
        return HARBORAI_OK;
    if (status->st_uid != 0 && status->st_uid != t->user)
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "'%s' belongs to user %u, who could change it: chown %u %s", path,
                                  (unsigned)status->st_uid, (unsigned)t->user,
                                  shell_word(slice_of(path), &word));
    if (is_roots_sticky_directory(status))
        return HARBORAI_OK;
    if ((status->st_mode & S_IWOTH) != 0)
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "'%s' is writable by everybody: chmod go-w %s", path,
                                  shell_word(slice_of(path), &word));
    if ((status->st_mode & S_IWGRP) != 0 && !may_write(t, status->st_gid))
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "'%s' is writable by group %u: chmod go-w %s, or name the "
                                  "group in plugin_trusted_groups", path,
                                  (unsigned)status->st_gid, shell_word(slice_of(path), &word));
    return HARBORAI_OK;
}

harborai_status trust_check_directory(struct trust *t, const char *path,
                                      harborai_error *error)
{
    char above[PATH_MAX];
    struct stat status;
    if (strlen(path) >= sizeof above || path[0] != '/')
        return harborai_error_set(error, HARBORAI_E_CONFIG, "'%s' is no absolute path", path);
    memcpy(above, path, strlen(path) + 1);
    for (;;) {
        if (lstat(above, &status) != 0)
            return system_fault("cannot look at", above, error);
        if (!S_ISDIR(status.st_mode))
            return harborai_error_set(error, HARBORAI_E_CONFIG,
                                      "'%s' is not a directory: HARBORAI_PLUGIN_PATH and "
                                      "plugin_path name directories",
                                      above);
        harborai_status st = trust_check(t, &status, above, error);
        if (st < 0)
            return st;
        char *slash = strrchr(above, '/');
        if (slash[1] == '\0')
            return HARBORAI_OK;
        slash[slash == above ? 1 : 0] = '\0';
    }
}

harborai_status trust_check_place(const char *path, harborai_error *error)
{
    struct trust t;
    char found[PATH_MAX];
    harborai_status st = trust_init(&t, NULL, error);
    if (st == HARBORAI_OK)
        st = realpath(path, found) != NULL ? trust_check_directory(&t, found, error)
                                           : system_fault("cannot look at", path, error);
    trust_release(&t);
    return st;
}

static bool is_inside(const char *path, const char *const *directories, size_t count)
{
    size_t len = (size_t)(strrchr(path, '/') - path);
    for (size_t i = 0; i < count; i++)
        if (slice_is((harborai_str){path, len > 0 ? len : 1}, directories[i]))
            return true;
    return false;
}

/* `path` becomes what it points to. */
static harborai_status follow_link(const struct trust *t, const struct stat *link,
                                   const char *const *directories, size_t count,
                                   char path[static PATH_MAX], harborai_error *error)
{
    char target[PATH_MAX], text[128];
    if (!t->is_off && link->st_uid != 0 && link->st_uid != t->user)
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "'%s' is a symlink of user %u, who could change it: make it anew",
                                  path, (unsigned)link->st_uid);
    if (realpath(path, target) == NULL)
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "cannot follow '%s': %s; mend the link or take it away", path,
                                  error_of_errno(errno, text));
    if (!t->is_off && !is_inside(target, directories, count))
        return harborai_error_set(
            error, HARBORAI_E_CONFIG,
            "'%s' points to '%s', which is in no plugin directory: copy the file, or add its directory",
            path, target);
    memcpy(path, target, strlen(target) + 1);
    return HARBORAI_OK;
}

static harborai_status check_opened(struct trust *t, int fd, const char *path,
                                    struct stat *status, harborai_error *error)
{
    if (fstat(fd, status) != 0)
        return system_fault("cannot look at", path, error);
    if (!S_ISREG(status->st_mode))
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "'%s' is not a regular file: take it away", path);
    if ((uintmax_t)status->st_size > LIMIT_PLUGIN_FILE)
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "'%s' is larger than 256 MiB: no plugin; take it away", path);
    return trust_check(t, status, path, error);
}

harborai_status trust_open(struct trust *t, const char *directory, const char *name,
                           const char *const *directories, size_t directory_count,
                           struct trusted_file *ret_file, harborai_error *error)
{
    char path[PATH_MAX];
    struct stat status;
    int len = snprintf(path, sizeof path, "%s/%s", strcmp(directory, "/") == 0 ? "" : directory,
                       name);
    if (len < 0 || (size_t)len >= sizeof path)
        return harborai_error_set(error, HARBORAI_E_CONFIG, "'%s': a path too long", directory);
    if (lstat(path, &status) != 0)
        return system_fault("cannot look at", path, error);
    if (S_ISLNK(status.st_mode)) {
        harborai_status st =
            follow_link(t, &status, directories, directory_count, path, error);
        if (st < 0)
            return st;
    }
    /* Not blocking: it may be a FIFO that was put there to stop us. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return system_fault("cannot open", path, error);
    harborai_status st = check_opened(t, fd, path, &status, error);
    char *copy = st == HARBORAI_OK ? slice_dup(slice_of(path)) : NULL;
    if (st == HARBORAI_OK && copy == NULL)
        st = harborai_error_set(error, HARBORAI_E_MEMORY, "'%s': out of memory", path);
    if (st < 0) {
        close(fd);
        return st;
    }
    *ret_file = (struct trusted_file){fd, copy, file_identity_of(&status)};
    return HARBORAI_OK;
}

harborai_status trust_check_lock(const struct trust *t, int fd, const char *path, harborai_str id,
                                 harborai_error *error)
{
    char digest[PLUGIN_DIGEST_LEN + 1];
    const char *lock = t->lock != NULL ? plugin_lock_path(t->lock) : "plugins.lock";
    harborai_str listed = t->lock != NULL ? plugin_lock_find(t->lock, id) : SLICE_NONE;
    if (t->lock_error.code < 0)
        return harborai_error_set(error, t->lock_error.code, "'%s' is not used, for it is not known "
                                  "what may be: %s", path, t->lock_error.message);
    if (listed.len == 0 && !t->require_lock)
        return HARBORAI_OK;
    if (listed.len == 0)
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "'%s' is not listed in '%s', and plugin_require_lock is true: "
                                  "'harborai plugin lock %.*s', or 'plugin install --lock', lists it",
                                  path, lock, SLICE_ARG(id));
    harborai_status st = plugin_digest(fd, path, digest, error);
    if (st < 0 || plugin_lock_allows(t->lock, id, slice_of(digest)))
        return st;
    return harborai_error_set(error, HARBORAI_E_CONFIG,
                              "'%s' is not the file that '%s' lists for %.*s: its SHA-256 is %.12s…, "
                              "listed is %.12s…; if it is the right one, 'harborai plugin lock %.*s', "
                              "or 'plugin install --lock', lists it", path, lock, SLICE_ARG(id),
                              digest, listed.data, SLICE_ARG(id));
}

void trusted_file_release(struct trusted_file *file)
{
    if (file->path != NULL)
        close(file->fd);
    free(file->path);
    *file = (struct trusted_file){.fd = -1};
}
