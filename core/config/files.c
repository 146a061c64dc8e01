/* SPDX-License-Identifier: MIT */
/* Finds and reads the files of a configuration. Never prints; never writes. */
#include "config/files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "config/config.h"

#define READ_SIZE KIB(4)

struct found {
    harborai_str base;
    const char *rest;
    struct files_entry entry;
};

static bool find_named(const struct environment *environment, const char *variable,
                       const char *origin, struct found *found)
{
    if (!environment_find_filled(environment, slice_of(variable), &found->base))
        return false;
    found->entry.origin = origin;
    found->entry.is_required = true;
    return true;
}

static void find_env_file(const struct config_sources *sources,
                          const struct environment *environment, struct found *found)
{
    harborai_str name;
    if (sources->without_env_file || sources->text.data != NULL || getauxval(AT_SECURE) != 0)
        return;
    if (find_named(environment, "HARBORAI_ENV_FILE", " that HARBORAI_ENV_FILE names", found))
        return;
    if (!environment_find(environment, HARBORAI_STR("HARBORAI_ENV_FILE"), &name))
        found->base = HARBORAI_STR(".env"); /* an empty variable: none is wanted */
}

static void find_user_file(const struct config_sources *sources,
                           const struct environment *environment, struct found *found)
{
    if (sources->file != NULL) {
        found->base = slice_of(sources->file);
        found->entry.is_required = true;
    } else if (find_named(environment, "HARBORAI_CONFIG", " that HARBORAI_CONFIG names", found)) {
        return;
    } else if (environment_find_filled(environment, HARBORAI_STR("XDG_CONFIG_HOME"),
                                       &found->base) &&
               found->base.data[0] == '/') {
        found->rest = "/harborai/config.yaml";
    } else if (environment_find_filled(environment, HARBORAI_STR("HOME"), &found->base)) {
        found->rest = "/.config/harborai/config.yaml";
    } else {
        found->base = SLICE_NONE;
    }
}

static void find_system_file(const struct environment *environment, struct found *found)
{
    harborai_str name;
    if (find_named(environment, "HARBORAI_SYSTEM_CONFIG", " that HARBORAI_SYSTEM_CONFIG names",
                   found))
        return;
    if (!environment_find(environment, HARBORAI_STR("HARBORAI_SYSTEM_CONFIG"), &name))
        found->base = HARBORAI_STR(SYSTEM_CONFIG);
}

harborai_status files_find(const struct config_sources *sources,
                           const struct environment *environment, struct arena *arena,
                           struct files_entry ret_entries[static FILES_COUNT],
                           harborai_error *error)
{
    struct found found[FILES_COUNT];
    for (unsigned i = 0; i < FILES_COUNT; i++)
        found[i] = (struct found){SLICE_NONE, "", {SLICE_NONE, "", false}};
    find_env_file(sources, environment, &found[FILES_ENV]);
    if (!sources->without_file && sources->text.data == NULL) {
        find_user_file(sources, environment, &found[FILES_USER]);
        if (!found[FILES_USER].entry.is_required)
            find_system_file(environment, &found[FILES_SYSTEM]);
    }
    for (unsigned i = 0; i < FILES_COUNT; i++) {
        ret_entries[i] = found[i].entry;
        if (found[i].base.len == 0)
            continue;
        ret_entries[i].name =
            arena_printf(arena, "%.*s%s", SLICE_ARG(found[i].base), found[i].rest);
        if (ret_entries[i].name.data == NULL)
            return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    }
    return HARBORAI_OK;
}

const char *files_kind_name(enum files_kind kind)
{
    static const char *const names[] = {
        [FILES_ENV] = "variables", [FILES_USER] = "user's file", [FILES_SYSTEM] = "system's file"};
    return kind < FILES_COUNT ? names[kind] : "";
}

/* ---- Reading ------------------------------------------------------------------------------ */

/* Stops soon after the ceiling, so that the caller sees that it is passed. */
static int read_all(int fd, size_t most, struct buf *text)
{
    while (text->len <= most) {
        char *room = buf_reserve(text, READ_SIZE);
        if (room == NULL)
            return ENOMEM;
        ssize_t len = read(fd, room, READ_SIZE);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0)
            return errno;
        if (len == 0)
            return 0;
        buf_commit(text, (size_t)len);
    }
    return 0;
}

static int check_regular(const struct stat *about)
{
    if (S_ISREG(about->st_mode))
        return 0;
    return S_ISDIR(about->st_mode) ? EISDIR : EINVAL;
}

static int read_opened(const char *name, int flags, size_t most, struct buf *text,
                       struct stat *ret_stat)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | flags);
    if (fd < 0)
        return errno;
    int number = fstat(fd, ret_stat) < 0 ? errno : 0;
    if (number == 0 && flags != 0)
        number = check_regular(ret_stat);
    if (number == 0)
        number = read_all(fd, most, text);
    close(fd);
    return number;
}

int files_read(const char *name, size_t most, struct buf *text, struct stat *ret_stat)
{
    return read_opened(name, 0, most, text, ret_stat);
}

int files_read_regular(const char *name, size_t most, struct buf *text, struct stat *ret_stat)
{
    return read_opened(name, O_NONBLOCK, most, text, ret_stat);
}

bool files_is_own(const struct stat *about)
{
    return (about->st_uid == 0 || about->st_uid == geteuid()) && (about->st_mode & S_IWOTH) == 0;
}

harborai_str files_folder(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash == NULL ? SLICE_NONE : (harborai_str){name, (size_t)(slash - name) + 1};
}
