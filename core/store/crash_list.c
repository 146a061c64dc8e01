/* SPDX-License-Identifier: MIT */
/* Reads the marks of danger whose process is dead. Must never fail: a mark that nobody understands
 * tells nothing, and says so to nobody's cost. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "json_value.h"
#include "store/crash_mark.h"

enum { MARKS_MAX = 256, MEMBERS_MAX = 32 };

#define MARK_SIZE_MAX KIB(16)

/* ---- One ------------------------------------------------------------------------------------ */

/* Where it cannot be told whether the process lives, on a file system without locks, it does. */
static bool is_dead(int fd)
{
    return flock(fd, LOCK_SH | LOCK_NB) == 0;
}

/* Of a dead process, as text in the arena; empty: it is none. */
static harborai_str read_dead(const char *path, struct arena *arena)
{
    char text[MARK_SIZE_MAX + 1];
    struct stat status;
    harborai_str read_text = SLICE_NONE;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return read_text;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && is_dead(fd)) {
        ssize_t got = read(fd, text, sizeof text);
        if (got > 0 && (size_t)got < sizeof text)
            read_text = arena_copy(arena, (harborai_str){text, (size_t)got});
    }
    close(fd);
    return read_text;
}

static bool read_string(const struct json_member *m, struct arena *arena, harborai_str *ret_text)
{
    harborai_str text;
    char *room = m != NULL && m->kind == JSON_STRING ? arena_alloc(arena, m->value.len) : NULL;
    if (room == NULL || json_string(m->value, room, m->value.len, &text) < 0 || text.len == 0 ||
        memchr(text.data, '\0', text.len) != NULL)
        return false;
    *ret_text = arena_copy(arena, text);
    return ret_text->data != NULL;
}

static bool read_number(const struct json_member *m, int64_t *ret_number)
{
    return m != NULL && m->kind == JSON_NUMBER && json_int64(m->value, ret_number);
}

static bool parse(harborai_str text, struct arena *arena, struct crash *ret_crash)
{
    struct json_member members[MEMBERS_MAX];
    size_t count;
    struct crash c = {.stage = SLICE_NONE};
    int64_t version, inode, guilty;
    if (json_scan_object(text, NULL, members, MEMBERS_MAX, &count, NULL) < 0)
        return false;
#define MEMBER(name) json_find(members, count, HARBORAI_STR(name))
    if (!read_number(MEMBER("version"), &version) || version != 1 ||
        !read_string(MEMBER("file"), arena, &c.subject.file) ||
        !read_string(MEMBER("id"), arena, &c.subject.id) ||
        !read_string(MEMBER("stage"), arena, &c.stage) ||
        !read_string(MEMBER("since"), arena, &c.since) ||
        !read_number(MEMBER("guilty"), &guilty) || guilty < CRASH_SUSPECTED ||
        guilty > CRASH_ACQUITTED ||
        !read_number(MEMBER("inode"), &inode) ||
        !read_number(MEMBER("size"), &c.subject.size) ||
        !read_number(MEMBER("modified_ns"), &c.subject.modified_ns))
        return false;
#undef MEMBER
    c.verdict = (enum crash_verdict)guilty;
    c.subject.inode = (uint64_t)inode;
    *ret_crash = c;
    return true;
}

static bool look_at(const char *path, struct arena *arena, struct crash *ret_crash)
{
    harborai_str text = read_dead(path, arena);
    if (text.len == 0 || !parse(text, arena, ret_crash))
        return false;
    ret_crash->path = arena_copy(arena, slice_of(path));
    return ret_crash->path.data != NULL;
}

/* ---- All ------------------------------------------------------------------------------------ */

static int is_mark_name(const struct dirent *entry)
{
    harborai_str name = slice_of(entry->d_name);
    return name.data[0] != '.' && !slice_ends_with(name, ".new");
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* The innocent too. */
static struct crash *list_all(harborai_str state_dir, struct arena *arena, size_t *ret_count)
{
    struct dirent **entries = NULL;
    harborai_str directory = arena_printf(arena, "%.*s/loading", SLICE_ARG(state_dir));
    int count = state_dir.len > 0 && directory.data != NULL
                    ? scandir(directory.data, &entries, is_mark_name, compare_names)
                    : 0;
    struct crash *list = count > 0 ? arena_alloc(arena, MARKS_MAX * sizeof *list) : NULL;
    *ret_count = 0;
    for (int i = 0; i < count; i++) {
        harborai_str path = arena_printf(arena, "%s/%s", directory.data, entries[i]->d_name);
        if (list != NULL && path.data != NULL && *ret_count < MARKS_MAX &&
            look_at(path.data, arena, &list[*ret_count]))
            (*ret_count)++;
        free(entries[i]);
    }
    free(entries);
    return list;
}

const struct crash *crash_list(harborai_str state_dir, struct arena *arena, size_t *ret_count)
{
    size_t count;
    const struct crash *all = list_all(state_dir, arena, &count);
    struct crash *list = count > 0 ? arena_alloc(arena, count * sizeof *list) : NULL;
    *ret_count = 0;
    for (size_t i = 0; i < count && list != NULL; i++)
        if (all[i].verdict != CRASH_ACQUITTED)
            list[(*ret_count)++] = all[i];
    return list;
}

bool crash_is_of(const struct crash *crash, const struct crash_subject *subject)
{
    const struct crash_subject *s = &crash->subject;
    return slice_equal(s->file, subject->file) && slice_equal(s->id, subject->id) &&
           s->inode == subject->inode && s->size == subject->size &&
           s->modified_ns == subject->modified_ns;
}

harborai_status crash_forget(harborai_str state_dir, harborai_str id, size_t *ret_count,
                             harborai_error *error)
{
    struct arena arena;
    char text[128];
    size_t count;
    harborai_status st = HARBORAI_OK;
    arena_init(&arena, MIB(8));
    const struct crash *list = list_all(state_dir, &arena, &count);
    *ret_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (!slice_equal(list[i].subject.id, id))
            continue;
        if (unlink(list[i].path.data) == 0 || errno == ENOENT)
            *ret_count += list[i].verdict != CRASH_ACQUITTED;
        else
            st = harborai_error_set(error, HARBORAI_E_INTERNAL, "cannot remove '%s': %s",
                                    list[i].path.data, error_of_errno(errno, text));
    }
    arena_release(&arena);
    return st;
}

static bool is_of_another_file(const struct crash *crash)
{
    struct stat status;
    if (stat(crash->subject.file.data, &status) != 0)
        return false; /* it may come back */
    struct crash_subject now = crash->subject;
    now.inode = (uint64_t)status.st_ino;
    now.size = status.st_size;
    now.modified_ns = status.st_mtim.tv_sec * NS_PER_S + status.st_mtim.tv_nsec;
    return !crash_is_of(crash, &now);
}

void crash_tidy(harborai_str state_dir)
{
    struct arena arena;
    size_t count;
    arena_init(&arena, MIB(8));
    const struct crash *list = list_all(state_dir, &arena, &count);
    for (size_t i = 0; i < count; i++)
        if (list[i].verdict == CRASH_ACQUITTED || is_of_another_file(&list[i]))
            unlink(list[i].path.data);
    arena_release(&arena);
}
