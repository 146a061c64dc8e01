/* SPDX-License-Identifier: MIT */
/* <state_dir>/plugins.json as a file: read whole, replaced whole. Must never wait for a lock to read
 * it, nor write it without one. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/directory.h"
#include "base/file_lock.h"
#include "base/replacement.h"
#include "store/plugin_state_parts.h"
#include "store/removal_mark.h"
#include "wire/json_write.h"

struct paths {
    char *directory, *file, *lock, *temporary; /* owned */
};

static void paths_release(struct paths *p)
{
    free(p->directory);
    free(p->file);
    free(p->lock);
    free(p->temporary);
}

static harborai_status paths_init(struct paths *p, harborai_str state_dir, harborai_error *error)
{
    *p = (struct paths){.directory = slice_dup(state_dir)};
    if (p->directory != NULL && asprintf(&p->file, "%s/plugins.json", p->directory) >= 0 &&
        asprintf(&p->lock, "%s.lock", p->file) >= 0 &&
        asprintf(&p->temporary, "%s.new", p->file) >= 0)
        return HARBORAI_OK;
    return harborai_error_set(error, HARBORAI_E_MEMORY, "out of memory");
}

/* ---- Reading -------------------------------------------------------------------------------- */

static harborai_status read_opened(int fd, const char *path, struct buf *text, harborai_error *error)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return directory_refuse("read", path, error);
    if (!S_ISREG(status.st_mode) || status.st_size > (off_t)PLUGIN_STATE_FILE_MAX)
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "'%s' is no regular file of at most 1 MiB: remove it", path);
    for (;;) {
        char *room = buf_reserve(text, KIB(16));
        ssize_t got = room != NULL ? read(fd, room, KIB(16)) : 0;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return directory_refuse("read", path, error);
        if (got == 0)
            return buf_status(text, error);
        buf_commit(text, (size_t)got);
    }
}

/* Without a file the empty state. */
static harborai_status load(const char *path, struct plugin_state **ret_state, harborai_error *error)
{
    AUTO(buf) text = BUF_INIT(PLUGIN_STATE_FILE_MAX + KIB(32));
    harborai_status st = HARBORAI_OK;
    /* Not blocking: it may be a FIFO. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return errno == ENOENT ? plugin_state_create(SLICE_NONE, path, ret_state, error)
                               : directory_refuse("read", path, error);
    st = read_opened(fd, path, &text, error);
    close(fd);
    harborai_str read = text.len > 0 ? buf_slice(&text) : HARBORAI_STR("");
    return st < 0 ? st : plugin_state_create(read, path, ret_state, error);
}

static harborai_status list_removals(struct plugin_state *state, harborai_str state_dir,
                                     harborai_error *error)
{
    size_t count;
    const struct removal_found *list = removal_mark_list(state_dir, &state->arena, &count);
    if (count == 0)
        return HARBORAI_OK;
    state->removals.entries = arena_alloc(&state->arena, count * sizeof *state->removals.entries);
    if (state->removals.entries == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "out of memory");
    for (size_t i = 0; i < count; i++)
        state->removals.entries[i] =
            (struct plugin_state_entry){.name = list[i].id,
                                        .since = list[i].since,
                                        .by = HARBORAI_STR(PLUGIN_STATE_BY_REMOVE),
                                        .is_removal = true,
                                        .removed_by = list[i].by};
    state->removals.count = count;
    return HARBORAI_OK;
}

bool plugin_state_removals_changed(const struct plugin_state *state, harborai_str state_dir)
{
    struct arena arena;
    size_t count;
    arena_init(&arena, MIB(1));
    const struct removal_found *list = removal_mark_list(state_dir, &arena, &count);
    bool is_changed = count != state->removals.count;
    for (size_t i = 0; i < count && !is_changed; i++)
        is_changed = !slice_equal(list[i].id, state->removals.entries[i].name) ||
                     !slice_equal(list[i].since, state->removals.entries[i].since);
    arena_release(&arena);
    return is_changed;
}

harborai_status plugin_state_load(harborai_str state_dir, struct plugin_state **ret_state,
                                  harborai_error *error)
{
    AUTO(paths) paths = {NULL, NULL, NULL, NULL};
    struct plugin_state *state;
    if (state_dir.len == 0)
        return plugin_state_create(SLICE_NONE, "", ret_state, error);
    harborai_status st = paths_init(&paths, state_dir, error);
    if (st == HARBORAI_OK)
        st = load(paths.file, &state, error);
    if (st < 0)
        return st;
    state->crashes = crash_list(state_dir, &state->arena, &state->crash_count);
    st = list_removals(state, state_dir, error);
    if (st < 0)
        plugin_state_destroy(state);
    else
        *ret_state = state;
    return st;
}

/* ---- Writing -------------------------------------------------------------------------------- */

static void write_section(struct buf *out, const char *name,
                          const struct plugin_state_section *section)
{
    if (section->count == 0)
        return;
    buf_printf(out, ",\n  \"%s\": {", name);
    for (size_t i = 0; i < section->count; i++) {
        buf_add(out, i > 0 ? HARBORAI_STR(",\n    \"") : HARBORAI_STR("\n    \""));
        json_write_escaped(out, section->entries[i].name);
        buf_add(out, HARBORAI_STR("\": "));
        buf_add(out, section->entries[i].json);
    }
    buf_add(out, HARBORAI_STR("\n  }"));
}

static void write_state(struct buf *out, const struct plugin_state *state)
{
    buf_add(out, HARBORAI_STR("{\n  \"version\": 1"));
    for (unsigned kind = 0; kind < PLUGIN_STATE_KINDS; kind++)
        write_section(out, plugin_state_section_names[kind], &state->sections[kind]);
    for (size_t i = 0; i < state->other_count; i++) {
        buf_add(out, HARBORAI_STR(",\n  "));
        buf_add(out, state->others[i]);
    }
    buf_add(out, HARBORAI_STR("\n}\n"));
}

static harborai_status replace(const struct paths *paths, const struct plugin_state *state,
                               harborai_error *error)
{
    AUTO(buf) text = BUF_INIT(PLUGIN_STATE_FILE_MAX);
    AUTO(replacement) file = REPLACEMENT_INIT;
    write_state(&text, state);
    if (buf_status(&text, NULL) < 0)
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "'%s' would be larger than 1 MiB: enable what may be enabled again",
                                  paths->file);
    harborai_status st = replacement_open(&file, paths->file, paths->temporary, 0600, error);
    if (st == HARBORAI_OK && !directory_give(file.fd, paths->file))
        st = directory_refuse("give to the directory's owner", paths->file, error);
    if (st == HARBORAI_OK)
        st = replacement_write(&file, buf_slice(&text), error);
    return st < 0 ? st : replacement_commit(&file, error);
}

/* ---- Changing ------------------------------------------------------------------------------- */

static void format_entry(struct buf *out, const struct plugin_state_change *change,
                         const struct clock *clock)
{
    char now[25];
    clock_format_utc(clock_wall_ns(clock), now);
    buf_printf(out, "{\"enabled\": false, \"since\": \"%.19sZ\", \"by\": \"", now);
    json_write_escaped(out, slice_of(change->by));
    buf_add(out, HARBORAI_STR("\"}"));
}

static void take_away(struct plugin_state_section *section, struct plugin_state_entry *entry)
{
    size_t behind = (size_t)(section->entries + section->count - (entry + 1));
    memmove(entry, entry + 1, behind * sizeof *entry);
    section->count--;
}

static harborai_status add_entry(struct plugin_state *state,
                                 const struct plugin_state_change *change,
                                 const struct clock *clock, harborai_error *error)
{
    AUTO(buf) json = BUF_INIT(KIB(8));
    struct plugin_state_section *section = &state->sections[change->kind];
    if (section->count == PLUGIN_STATE_ENTRIES_MAX)
        return harborai_error_set(error, HARBORAI_E_CONFIG, "'%s' has %d entries of a kind already",
                                  state->path, PLUGIN_STATE_ENTRIES_MAX);
    if (section->entries == NULL)
        section->entries = arena_alloc(&state->arena, sizeof *section->entries);
    format_entry(&json, change, clock);
    struct plugin_state_entry entry = {.name = arena_copy(&state->arena, change->name),
                                       .json = arena_copy(&state->arena, buf_slice(&json))};
    if (section->entries == NULL || entry.name.data == NULL || entry.json.data == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "out of memory");
    section->entries[section->count++] = entry;
    return HARBORAI_OK;
}

/* In memory. */
static harborai_status change_state(struct plugin_state *state,
                                    const struct plugin_state_change *change,
                                    const struct clock *clock, bool *ret_changed,
                                    harborai_error *error)
{
    struct plugin_state_section *section = &state->sections[change->kind];
    struct plugin_state_entry *entry = plugin_state_entry_find(section, change->name);
    *ret_changed = change->enabled ? entry != NULL : entry == NULL || entry->enabled;
    if (!*ret_changed)
        return HARBORAI_OK;
    if (entry != NULL)
        take_away(section, entry);
    return change->enabled ? HARBORAI_OK : add_entry(state, change, clock, error);
}

static harborai_status apply_locked(const struct paths *paths,
                                    const struct plugin_state_change *change,
                                    const struct clock *clock, bool *ret_changed,
                                    harborai_error *error)
{
    struct plugin_state *state;
    bool changed = false;
    harborai_status st = load(paths->file, &state, error);
    if (st < 0)
        return st;
    st = change_state(state, change, clock, &changed, error);
    if (st == HARBORAI_OK && changed)
        st = replace(paths, state, error);
    plugin_state_destroy(state);
    if (st == HARBORAI_OK)
        *ret_changed = changed;
    return st;
}

harborai_status plugin_state_apply(harborai_str state_dir, const struct plugin_state_change *change,
                                   const struct clock *clock, bool *ret_changed,
                                   harborai_error *error)
{
    AUTO(paths) paths = {NULL, NULL, NULL, NULL};
    size_t forgotten = 0;
    int lock = -1;
    if (state_dir.len == 0)
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "there is no place for plugins.json: set state_dir, --state-dir or "
                                  "HARBORAI_STATE_DIR");
    if (!plugin_state_is_name(change->name))
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "'%.*s' is no name of a plugin, provider or model",
                                  SLICE_ARG(slice_cut(change->name, 64)));
    harborai_status st = paths_init(&paths, state_dir, error);
    if (st == HARBORAI_OK)
        st = file_lock_take(paths.directory, paths.lock, &lock, error);
    if (st < 0)
        return st;
    st = apply_locked(&paths, change, clock, ret_changed, error);
    if (st == HARBORAI_OK && change->enabled && change->kind == PLUGIN_STATE_PLUGIN)
        st = crash_forget(state_dir, change->name, &forgotten, error);
    if (st == HARBORAI_OK && forgotten > 0)
        *ret_changed = true;
    close(lock);
    return st;
}
