/* SPDX-License-Identifier: MIT */
/* One watch of the kernel's an inode, and for each the names in it that count. A path is watched where
 * it may come and go: by its name in the directory above it, and by that of each symlink on the way;
 * if a part of it is not there, by the name of that. Files that are not plugins wake nobody further. */
#include "runtime/watchlist.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/slice.h"

#define SELF (IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB)
#define COMES_OR_GOES (SELF | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE)
#define COMES_GOES_OR_CHANGES (COMES_OR_GOES | IN_CLOSE_WRITE)

/* Names in a directory that count. */
struct entry {
    struct list link;
    int wd; /* several entries may have the same */
    unsigned round;
    const char *name; /* of what counts, behind `directory`; NULL: any that may be a plugin's */
    char directory[];
};

struct watchlist {
    int fd;
    unsigned round; /* entries of another one are not wanted any more */
    struct list entries;
};

#define EACH_ENTRY(e, list)                                                                        \
    for (struct list *at_ = (list)->entries.next;                                                  \
         at_ != &(list)->entries && ((e) = CONTAINER_OF(at_, struct entry, link), true);           \
         at_ = at_->next)

/* ---- Watching --------------------------------------------------------------------------------- */

harborai_status watchlist_create(struct watchlist **ret_list, harborai_error *error)
{
    char text[128];
    struct watchlist *list = calloc(1, sizeof *list);
    if (list == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    list_init(&list->entries);
    list->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (list->fd < 0) {
        harborai_error_set(error, HARBORAI_E_MEMORY,
                           "cannot watch files: %s; sysctl fs.inotify.max_user_instances says how "
                           "many watchers a user may have", error_of_errno(errno, text));
        free(list);
        return HARBORAI_E_MEMORY;
    }
    *ret_list = list;
    return HARBORAI_OK;
}

void watchlist_destroy(struct watchlist *list)
{
    if (list == NULL)
        return;
    close(list->fd);
    for (struct list *item; (item = list_pop(&list->entries)) != NULL;)
        free(CONTAINER_OF(item, struct entry, link));
    free(list);
}

int watchlist_descriptor(const struct watchlist *list)
{
    return list->fd;
}

static bool is_same_name(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static struct entry *find(struct watchlist *list, int wd, const char *directory, const char *name)
{
    struct entry *e;
    EACH_ENTRY(e, list)
        if (e->wd == wd && is_same_name(e->name, name) && strcmp(e->directory, directory) == 0)
            return e;
    return NULL;
}

static harborai_status add_entry(struct watchlist *list, int wd, const char *directory,
                                 const char *name, harborai_error *error)
{
    struct entry *e = find(list, wd, directory, name);
    size_t len = strlen(directory) + 1, name_len = name != NULL ? strlen(name) + 1 : 0;
    if (e != NULL) {
        e->round = list->round;
        return HARBORAI_OK;
    }
    e = malloc(sizeof *e + len + name_len);
    if (e == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    e->wd = wd;
    e->round = list->round;
    e->name = name != NULL ? e->directory + len : NULL;
    memcpy(e->directory, directory, len);
    if (name != NULL)
        memcpy(e->directory + len, name, name_len);
    list_append(&list->entries, &e->link);
    return HARBORAI_OK;
}

static bool is_out_of_reach(int number)
{
    return number == ENOENT || number == ENOTDIR || number == EACCES || number == ELOOP ||
           number == ENAMETOOLONG;
}

/* What cannot be reached may be watched where it will come. */
static harborai_status add_watch(struct watchlist *list, const char *directory, const char *name,
                                 uint32_t events, harborai_error *error)
{
    char text[128];
    int wd = inotify_add_watch(list->fd, directory, events | IN_ONLYDIR | IN_MASK_ADD);
    if (wd >= 0)
        return add_entry(list, wd, directory, name, error);
    if (is_out_of_reach(errno))
        return HARBORAI_OK;
    return harborai_error_set(error, HARBORAI_E_MEMORY,
                              "cannot watch '%s': %s; sysctl fs.inotify.max_user_watches says how "
                              "many watches a user may have", directory, error_of_errno(errno, text));
}

/* "/a/b": the name "b" in "/a". */
static harborai_status add_name(struct watchlist *list, char *path, uint32_t events,
                                harborai_error *error)
{
    char *slash = strrchr(path, '/');
    *slash = '\0';
    harborai_status st = add_watch(list, slash == path ? "/" : path, slash + 1, events, error);
    *slash = '/';
    return st;
}

static bool is_link_or_missing(const char *path)
{
    struct stat status;
    return lstat(path, &status) != 0 || S_ISLNK(status.st_mode);
}

/* Every place on the way to `path` from which it may come or go. A part that has come since it was
 * looked for is gone through after all. */
static harborai_status add_way(struct watchlist *list, char *path, uint32_t events,
                               harborai_error *error)
{
    harborai_status st = HARBORAI_OK;
    for (char *at = strchr(path + 1, '/'); at != NULL && st >= 0; at = strchr(at + 1, '/')) {
        *at = '\0';
        if (at[-1] != '/' && is_link_or_missing(path)) {
            st = add_name(list, path, COMES_OR_GOES, error);
            if (access(path, F_OK) != 0 && errno == ENOENT)
                return st;
        }
        *at = '/';
    }
    return st < 0 ? st : add_name(list, path, events, error);
}

/* False: it is no path that could be watched. */
static bool copy_path(const char *path, char to[static PATH_MAX])
{
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    if (path[0] != '/' || len < 2 || len >= PATH_MAX)
        return false;
    memcpy(to, path, len);
    to[len] = '\0';
    return true;
}

void watchlist_begin(struct watchlist *list)
{
    list->round++;
}

harborai_status watchlist_add_directory(struct watchlist *list, const char *path,
                                        harborai_error *error)
{
    char way[PATH_MAX];
    if (!copy_path(path, way))
        return HARBORAI_OK;
    harborai_status st = add_way(list, way, COMES_OR_GOES, error);
    return st < 0 ? st : add_watch(list, path, NULL, COMES_GOES_OR_CHANGES, error);
}

harborai_status watchlist_add_file(struct watchlist *list, const char *path, harborai_error *error)
{
    char way[PATH_MAX];
    return copy_path(path, way) ? add_way(list, way, COMES_GOES_OR_CHANGES, error) : HARBORAI_OK;
}

/* In the list as it is put together now. */
static bool is_wanted(const struct watchlist *list, int wd)
{
    const struct entry *e;
    EACH_ENTRY(e, list)
        if (e->wd == wd && e->round == list->round)
            return true;
    return false;
}

/* Takes out the entries of a watch, or, if that is -1, those of another round. */
static void forget(struct watchlist *list, int wd)
{
    struct list kept;
    list_init(&kept);
    for (struct list *item; (item = list_pop(&list->entries)) != NULL;) {
        struct entry *e = CONTAINER_OF(item, struct entry, link);
        if (wd >= 0 ? e->wd == wd : e->round != list->round)
            free(e);
        else
            list_append(&kept, item);
    }
    for (struct list *item; (item = list_pop(&kept)) != NULL;)
        list_append(&list->entries, item);
}

void watchlist_end(struct watchlist *list)
{
    const struct entry *e;
    EACH_ENTRY(e, list)
        if (e->round != list->round && !is_wanted(list, e->wd))
            (void)inotify_rm_watch(list->fd, e->wd); /* it may be gone already */
    forget(list, -1);
}

/* ---- Reading ---------------------------------------------------------------------------------- */

/* "x.so", and "x.so.1.2" that a symlink may lead to; what begins with '.' is on its way. */
static bool may_be_plugin(const char *name)
{
    harborai_str rest = slice_of(name);
    return rest.len > 3 && name[0] != '.' &&
           (slice_ends_with(rest, ".so") || strstr(name, ".so.") != NULL);
}

/* A new file is told of again when it was written; not so a link. */
static bool is_link(const char *directory, const char *name)
{
    char path[PATH_MAX];
    struct stat status;
    if (snprintf(path, sizeof path, "%s/%s", directory, name) >= (int)sizeof path)
        return false;
    return lstat(path, &status) == 0 && (S_ISLNK(status.st_mode) || status.st_nlink > 1);
}

static bool counts(const struct entry *e, const struct inotify_event *event)
{
    if (event->len == 0) /* the directory itself */
        return (event->mask & SELF) != 0;
    if (e->name != NULL ? strcmp(e->name, event->name) != 0 : !may_be_plugin(event->name))
        return false;
    return (event->mask & (COMES_GOES_OR_CHANGES & ~IN_CREATE)) != 0 ||
           (event->mask & IN_ISDIR) != 0 || is_link(e->directory, event->name);
}

static bool hear(struct watchlist *list, const struct inotify_event *event)
{
    const struct entry *e;
    bool does = (event->mask & (IN_Q_OVERFLOW | IN_UNMOUNT)) != 0;
    EACH_ENTRY(e, list)
        does = does || (e->wd == event->wd && counts(e, event));
    if ((event->mask & IN_IGNORED) != 0)
        forget(list, event->wd);
    return does;
}

bool watchlist_read(struct watchlist *list)
{
    _Alignas(struct inotify_event) char bytes[KIB(16)];
    bool does = false;
    for (;;) {
        ssize_t len = read(list->fd, bytes, sizeof bytes);
        if (len < 0 && errno == EINTR)
            continue;
        if (len <= 0)
            return does;
        for (const char *at = bytes; at < bytes + len;) {
            const struct inotify_event *event = (const void *)at;
            does |= hear(list, event);
            at += sizeof *event + event->len;
        }
    }
}
