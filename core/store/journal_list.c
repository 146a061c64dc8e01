/* SPDX-License-Identifier: MIT */
/* Reads the directory, and of each file its lock and its last line. Must never hold a lock longer than
 * it takes to see that nobody has it. */
#include "store/journal_list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"

#define PLAIN ".jsonl"
#define COMPRESSED ".jsonl.zst"
#define SEAL "{\"type\":\"seal\""
enum {
    SEAL_MOST = 512, /* bytes of a seal line, with those to come */
    TRIES = 3
};

static harborai_status no_memory(harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
}

harborai_status journal_directory_open(harborai_str state_dir, int *ret_directory,
                                       harborai_error *error)
{
    char *path = NULL, why[128];
    if (asprintf(&path, "%.*s/journal", SLICE_ARG(state_dir)) < 0)
        return no_memory(error);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    harborai_status st = HARBORAI_OK;
    if (fd < 0 && errno != ENOENT)
        st = harborai_error_set(
            error, HARBORAI_E_CONFIG,
            "cannot read '%s': %s; set --state-dir to the directory that has it", path,
            error_of_errno(errno, why));
    free(path);
    if (st == HARBORAI_OK)
        *ret_directory = fd;
    return st;
}

/* --- One file -------------------------------------------------------------------------------- */

bool journal_file_is_live(int fd)
{
    if (flock(fd, LOCK_SH | LOCK_NB) < 0)
        return errno == EWOULDBLOCK;
    (void)flock(fd, LOCK_UN);
    return false;
}

bool journal_file_is_sealed(int fd, uint64_t size)
{
    char end[SEAL_MOST];
    size_t len = size < sizeof end ? (size_t)size : sizeof end;
    if (len < 2 || pread(fd, end, len, (off_t)(size - len)) != (ssize_t)len ||
        end[len - 1] != '\n')
        return false;
    const char *before = memrchr(end, '\n', len - 1);
    if (before == NULL && len < size)
        return false; /* a longer line is another one */
    size_t begin = before != NULL ? (size_t)(before - end) + 1 : 0;
    return slice_starts_with((harborai_str){end + begin, len - begin}, SEAL);
}

/* False: it is none of the journal's. */
static bool split_name(harborai_str file, harborai_str *ret_name, bool *ret_is_compressed)
{
    *ret_is_compressed = slice_ends_with(file, COMPRESSED);
    if (!*ret_is_compressed && !slice_ends_with(file, PLAIN))
        return false;
    *ret_name = slice_cut(file, file.len - strlen(*ret_is_compressed ? COMPRESSED : PLAIN));
    return ret_name->len > 0 && ret_name->len < JOURNAL_NAME_MOST && file.data[0] != '.';
}

/* False: there is no such file. First whether somebody writes, then how long it is: a process that
 * ended in between has its last lines in it. */
static bool look(int directory, const char *file, struct journal_file *ret_file)
{
    struct stat now;
    int fd = openat(directory, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return false;
    ret_file->is_live = !ret_file->is_compressed && journal_file_is_live(fd);
    bool is_file = fstat(fd, &now) == 0 && S_ISREG(now.st_mode);
    if (is_file) {
        ret_file->size = (uint64_t)now.st_size;
        ret_file->mtime_ns = now.st_mtim.tv_sec * NS_PER_S + now.st_mtim.tv_nsec;
        ret_file->is_sealed =
            ret_file->is_compressed || journal_file_is_sealed(fd, (uint64_t)now.st_size);
    }
    close(fd);
    return is_file;
}

/* --- All of them ----------------------------------------------------------------------------- */

/* What is named may just have been compressed. */
static bool look_again(int directory, struct journal_file *file)
{
    char name[JOURNAL_NAME_MOST + sizeof COMPRESSED];
    snprintf(name, sizeof name, "%s" COMPRESSED, file->name);
    file->is_compressed = true;
    return look(directory, name, file);
}

static harborai_status add(struct journal_list *list, int directory, const char *file,
                           harborai_error *error)
{
    struct journal_file one = {.name = ""};
    harborai_str name;
    if (!split_name(slice_of(file), &name, &one.is_compressed))
        return HARBORAI_OK;
    memcpy(one.name, name.data, name.len);
    if (!look(directory, file, &one) && (one.is_compressed || !look_again(directory, &one)))
        return HARBORAI_OK;
    if (list->count == list->capacity) {
        size_t capacity = list->capacity > 0 ? 2 * list->capacity : 16;
        struct journal_file *grown = realloc(list->files, capacity * sizeof *grown);
        if (grown == NULL)
            return no_memory(error);
        list->files = grown;
        list->capacity = capacity;
    }
    list->files[list->count++] = one;
    return HARBORAI_OK;
}

/* By name, which begins with the time; the plain one first. */
static int compare(const void *a, const void *b)
{
    const struct journal_file *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order != 0 ? order : (int)x->is_compressed - (int)y->is_compressed;
}

static void drop_second_ones(struct journal_list *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++)
        if (kept == 0 || strcmp(list->files[kept - 1].name, list->files[i].name) != 0)
            list->files[kept++] = list->files[i];
    list->count = kept;
}

static harborai_status open_listing(int directory, DIR **ret_listing, harborai_error *error)
{
    char why[128];
    int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = fd >= 0 ? fdopendir(fd) : NULL;
    if (listing == NULL) {
        harborai_status st =
            harborai_error_set(error, HARBORAI_E_INTERNAL, "cannot read the journal's directory: %s",
                               error_of_errno(errno, why));
        if (fd >= 0)
            close(fd);
        return st;
    }
    *ret_listing = listing;
    return HARBORAI_OK;
}

static harborai_status read_once(int directory, struct journal_list *list, harborai_error *error)
{
    DIR *listing;
    harborai_status st = open_listing(directory, &listing, error);
    if (st < 0)
        return st;
    for (struct dirent *entry; st == HARBORAI_OK && (entry = readdir(listing)) != NULL;)
        st = add(list, directory, entry->d_name, error);
    closedir(listing);
    return st;
}

static int64_t changed_ns(int directory)
{
    struct stat now;
    return fstat(directory, &now) == 0 ? now.st_mtim.tv_sec * NS_PER_S + now.st_mtim.tv_nsec : 0;
}

/* One that is compressed while a long directory is read may be passed over in both forms. */
harborai_status journal_list_read(int directory, struct journal_list *ret_list,
                                  harborai_error *error)
{
    struct journal_list list = {NULL, 0, 0};
    harborai_status st = HARBORAI_OK;
    int64_t before_ns = -1;
    for (int i = 0; i < TRIES && st == HARBORAI_OK && before_ns != changed_ns(directory); i++) {
        before_ns = changed_ns(directory);
        list.count = 0;
        st = read_once(directory, &list, error);
    }
    if (st < 0) {
        journal_list_release(&list);
        return st;
    }
    if (list.count > 0)
        qsort(list.files, list.count, sizeof *list.files, compare);
    drop_second_ones(&list);
    *ret_list = list;
    return HARBORAI_OK;
}

void journal_list_release(struct journal_list *list)
{
    free(list->files);
    *list = (struct journal_list){NULL, 0, 0};
}

/* --- What is no segment ---------------------------------------------------------------------- */

/* NULL: a file that can be read, or nothing any more. */
static const char *oddity(int directory, const char *file, char why[static 128])
{
    struct stat now;
    if (fstatat(directory, file, &now, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? NULL : error_of_errno(errno, why);
    if (S_ISLNK(now.st_mode))
        return "it is a symbolic link";
    if (S_ISDIR(now.st_mode))
        return "it is a directory";
    if (!S_ISREG(now.st_mode))
        return "it is no file";
    int fd = openat(directory, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? NULL : error_of_errno(errno, why);
    close(fd);
    return NULL;
}

harborai_status journal_list_odd(int directory, journal_odd_fn *on_odd, void *context,
                                 harborai_error *error)
{
    DIR *listing;
    harborai_status st = open_listing(directory, &listing, error);
    if (st < 0)
        return st;
    for (struct dirent *entry; (entry = readdir(listing)) != NULL;) {
        char why[128];
        bool is_compressed;
        harborai_str name;
        if (!split_name(slice_of(entry->d_name), &name, &is_compressed))
            continue;
        const char *what = oddity(directory, entry->d_name, why);
        if (what != NULL)
            on_odd(context, entry->d_name, what);
    }
    closedir(listing);
    return HARBORAI_OK;
}
