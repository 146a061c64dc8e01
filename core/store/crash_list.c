/* SPDX-License-Identifier: MIT */
/* Reads the marks of danger whose process is dead, and takes away what is worth nothing. Must never fail:
 * a mark that nobody understands keeps nobody from starting. */
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

/* What a dead process left; empty: too much, or nothing. False: it lives, or it is no file. */
static bool read_dead(const char *path, struct arena *arena, harborai_str *ret_text)
{
    char text[MARK_SIZE_MAX + 1];
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return false;
    ssize_t got = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && is_dead(fd)
                      ? read(fd, text, sizeof text)
                      : -1;
    close(fd);
    *ret_text = HARBORAI_STR("");
    if (got > 0 && (size_t)got < sizeof text)
        *ret_text = arena_copy(arena, (harborai_str){text, (size_t)got});
    return got >= 0 && ret_text->data != NULL;
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

enum look { LOOK_NOTHING, LOOK_STRANGE, LOOK_MARK };

/* Nothing: of the living, or what is none of ours to begin with. */
static enum look look_at(const char *path, struct arena *arena, struct crash *ret_crash)
{
    harborai_str text;
    if (!read_dead(path, arena, &text))
        return LOOK_NOTHING;
    if (text.len == 0 || !parse(text, arena, ret_crash))
        return LOOK_STRANGE;
    ret_crash->path = arena_copy(arena, slice_of(path));
    return ret_crash->path.data != NULL ? LOOK_MARK : LOOK_NOTHING;
}

/* ---- All ------------------------------------------------------------------------------------ */

static bool is_being_made(const char *name)
{
    return slice_ends_with(slice_of(name), ".new");
}

static int is_ours(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int is_mark_name(const struct dirent *entry)
{
    return is_ours(entry) && !is_being_made(entry->d_name);
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
            look_at(path.data, arena, &list[*ret_count]) == LOOK_MARK)
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

/* ---- What is worth nothing -------------------------------------------------------------------- */

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

/* A process that is about to lock a new file has not done so yet. */
static bool is_old(const struct stat *status, const struct clock *clock)
{
    const int64_t enough_ns = 60 * NS_PER_S;
    return clock_wall_ns(clock) - status->st_mtim.tv_sec * NS_PER_S > enough_ns;
}

/* Of a process that died before it gave the mark its name. */
static void tidy_unfinished(const char *path, const struct clock *clock)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && is_old(&status, clock) && is_dead(fd))
        unlink(path);
    close(fd);
}

static void tidy_mark(const char *path, const struct log *log)
{
    struct arena arena;
    struct crash crash;
    arena_init(&arena, MIB(1));
    enum look look = look_at(path, &arena, &crash);
    if (look == LOOK_STRANGE)
        log_write(log, LOG_LEVEL_WARN, "plugin.bad_mark", "file='%s' help='%s'", path,
                  "it does not say which plugin a process died in: it is removed");
    if (look == LOOK_STRANGE ||
        (look == LOOK_MARK && (crash.verdict == CRASH_ACQUITTED || is_of_another_file(&crash))))
        unlink(path);
    arena_release(&arena);
}

void crash_tidy(harborai_str state_dir, const struct clock *clock, const struct log *log)
{
    struct dirent **entries = NULL;
    struct arena arena;
    arena_init(&arena, MIB(8));
    harborai_str directory = arena_printf(&arena, "%.*s/loading", SLICE_ARG(state_dir));
    int count = directory.data != NULL
                    ? scandir(directory.data, &entries, is_ours, compare_names)
                    : 0;
    for (int i = 0; i < count; i++) {
        harborai_str path = arena_printf(&arena, "%s/%s", directory.data, entries[i]->d_name);
        if (path.data != NULL && is_being_made(entries[i]->d_name))
            tidy_unfinished(path.data, clock);
        else if (path.data != NULL)
            tidy_mark(path.data, log);
        free(entries[i]);
    }
    free(entries);
    arena_release(&arena);
}
