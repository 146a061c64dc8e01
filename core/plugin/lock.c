/* SPDX-License-Identifier: MIT */
/* Reads and writes plugins.lock, and digests files by OpenSSL. Must never guess: who edits the file
 * is told what is wrong with it, and in which line. */
#include "plugin/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/directory.h"
#include "base/error.h"
#include "base/file_lock.h"
#include "base/limits.h"
#include "base/replacement.h"
#include "json_value.h"

#define WAY_OUT "correct it, or write it anew: 'harborai plugin lock --force PLUGIN'"
#define FILE_MOST MIB(1)

enum { MEMBERS_MOST = 32, DIGEST_BYTES = 32 };

struct plugin_lock {
    char *path;      /* owned */
    struct buf text; /* the file; the others borrow from it */
    struct json_member members[MEMBERS_MOST];
    size_t member_count;
    harborai_str plugins; /* the object; empty = none */
};

static harborai_status out_of_memory(const char *path, harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_MEMORY, "'%s': out of memory", path);
}

/* ---- Digests -------------------------------------------------------------------------------- */

static harborai_status digest_bytes(EVP_MD_CTX *digest, int fd, const char *path,
                                    harborai_error *error)
{
    char text[128];
    unsigned char *bytes = malloc(KIB(64));
    bool is_well = bytes != NULL && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1;
    off_t at = 0;
    ssize_t got = 1;
    while (is_well && got != 0) {
        got = pread(fd, bytes, KIB(64), at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            break;
        is_well = EVP_DigestUpdate(digest, bytes, (size_t)got) == 1;
        at += got;
    }
    free(bytes);
    if (got < 0)
        return harborai_error_set(error, HARBORAI_E_INTERNAL, "cannot read '%s': %s", path,
                                  error_of_errno(errno, text));
    return is_well ? HARBORAI_OK : out_of_memory(path, error);
}

harborai_status plugin_digest(int fd, const char *path,
                              char ret_digest[static PLUGIN_DIGEST_LEN + 1], harborai_error *error)
{
    unsigned char result[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    if (digest == NULL)
        return out_of_memory(path, error);
    harborai_status st = digest_bytes(digest, fd, path, error);
    if (st == HARBORAI_OK && EVP_DigestFinal_ex(digest, result, NULL) != 1)
        st = out_of_memory(path, error);
    EVP_MD_CTX_free(digest);
    for (size_t i = 0; st == HARBORAI_OK && i < DIGEST_BYTES; i++)
        snprintf(ret_digest + 2 * i, 3, "%02x", result[i]);
    return st;
}

static bool is_digest(harborai_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (memchr("0123456789abcdef", text.data[i], 16) == NULL)
            return false;
    return text.len == PLUGIN_DIGEST_LEN;
}

/* ---- Reading -------------------------------------------------------------------------------- */

static harborai_status fault(const struct plugin_lock *lock, const char *at, harborai_str subject,
                             const char *reason, harborai_error *error)
{
    unsigned line = 1;
    for (const char *p = lock->text.data; p < at; p++)
        line += *p == '\n';
    return harborai_error_set(error, HARBORAI_E_CONFIG, "'%s', line %u: %.*s%s; " WAY_OUT,
                              lock->path, line, SLICE_ARG(slice_cut(subject, 120)), reason);
}

/* The digests of a member, one or two; 0: it has none, or something else. */
static size_t digests_of(const struct json_member *member, harborai_str digests[static 2])
{
    struct json_cursor cursor = json_open(member->value);
    harborai_str item;
    size_t count = 0;
    if (member->kind != JSON_ARRAY)
        return json_string_plain(member->value, &digests[0]) && is_digest(digests[0]) ? 1 : 0;
    while (json_array_next(&cursor, &item)) {
        if (count == 2 || !json_string_plain(item, &digests[count]) || !is_digest(digests[count]))
            return 0;
        count++;
    }
    return count;
}

static harborai_status check_plugins(const struct plugin_lock *lock, harborai_error *error)
{
    struct json_cursor cursor = json_open(lock->plugins);
    struct json_member member;
    harborai_str digests[2];
    while (json_object_next(&cursor, &member)) {
        harborai_str first = plugin_lock_find(lock, member.key);
        if (member.key_escaped)
            return fault(lock, member.key.data, member.span, " is no plugin's id", error);
        if (digests_of(&member, digests) == 0)
            return fault(lock, member.key.data, member.span, " is no SHA-256 of 64 digits of 0 to 9 and "
                                                             "a to f", error);
        if (first.data != digests[0].data)
            return fault(lock, member.key.data, member.key, " stands twice", error);
    }
    return HARBORAI_OK;
}

static harborai_status read_members(struct plugin_lock *lock, harborai_error *error)
{
    struct json_fault why = {0, ""};
    int64_t version = 0;
    harborai_str text = buf_slice(&lock->text);
    harborai_status st = json_scan_object(text, NULL, lock->members, MEMBERS_MOST,
                                          &lock->member_count, &why);
    if (st < 0)
        return fault(lock, text.data + why.at, SLICE_NONE,
                     st == HARBORAI_E_MEMORY ? "too many members" : why.reason, error);
    const struct json_member *of_version =
        json_find(lock->members, lock->member_count, HARBORAI_STR("version"));
    const struct json_member *plugins =
        json_find(lock->members, lock->member_count, HARBORAI_STR("plugins"));
    if (of_version == NULL || !json_int64(of_version->value, &version) || version != 1)
        return fault(lock, text.data, SLICE_NONE, "its \"version\" is not 1", error);
    if (plugins == NULL)
        return HARBORAI_OK;
    if (plugins->kind != JSON_OBJECT ||
        json_count(lock->members, lock->member_count, HARBORAI_STR("plugins")) > 1)
        return fault(lock, plugins->key.data, SLICE_NONE, "'plugins' is no object, or stands twice",
                     error);
    lock->plugins = plugins->value;
    return check_plugins(lock, error);
}

static harborai_status cannot(const char *what, const char *path, harborai_error *error)
{
    char text[128];
    return harborai_error_set(error, HARBORAI_E_CONFIG,
                              "cannot %s '%s': %s; see whose it is, or name another file in "
                              "plugin_lock", what, path, error_of_errno(errno, text));
}

static harborai_status read_opened(struct plugin_lock *lock, int fd, struct stat *ret_status,
                                   harborai_error *error)
{
    if (fstat(fd, ret_status) != 0)
        return cannot("read", lock->path, error);
    if (!S_ISREG(ret_status->st_mode) || (uintmax_t)ret_status->st_size > FILE_MOST)
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "'%s' is no regular file of at most 1 MiB: remove it", lock->path);
    for (;;) {
        char *room = buf_reserve(&lock->text, KIB(16));
        ssize_t got = room != NULL ? read(fd, room, KIB(16)) : 0;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return cannot("read", lock->path, error);
        if (got == 0)
            break;
        buf_commit(&lock->text, (size_t)got);
    }
    harborai_status st = buf_status(&lock->text, error);
    return st < 0 ? st : read_members(lock, error);
}

/* What is there; without a file nothing. */
static harborai_status read_file(struct plugin_lock *lock, struct stat *ret_status,
                                 harborai_error *error)
{
    /* Not blocking: it may be a FIFO. */
    int fd = open(lock->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    *ret_status = (struct stat){0};
    if (fd < 0)
        return errno == ENOENT ? HARBORAI_OK : cannot("read", lock->path, error);
    harborai_status st = read_opened(lock, fd, ret_status, error);
    close(fd);
    return st;
}

harborai_status plugin_lock_load(const char *path, struct plugin_lock **ret_lock,
                                 struct stat *ret_status, harborai_error *error)
{
    struct plugin_lock *lock = calloc(1, sizeof *lock);
    if (lock == NULL)
        return out_of_memory(path, error);
    lock->text = (struct buf)BUF_INIT(FILE_MOST + KIB(32));
    lock->path = slice_dup(slice_of(path));
    harborai_status st = lock->path != NULL ? read_file(lock, ret_status, error)
                                            : out_of_memory(path, error);
    if (st < 0) {
        plugin_lock_destroy(lock);
        return st;
    }
    *ret_lock = lock;
    return HARBORAI_OK;
}

void plugin_lock_destroy(struct plugin_lock *lock)
{
    if (lock == NULL)
        return;
    buf_release(&lock->text);
    free(lock->path);
    free(lock);
}

const char *plugin_lock_path(const struct plugin_lock *lock)
{
    return lock->path;
}

static size_t find(const struct plugin_lock *lock, harborai_str id, harborai_str digests[static 2])
{
    struct json_cursor cursor = json_open(lock->plugins);
    struct json_member member;
    while (json_object_next(&cursor, &member))
        if (slice_equal(member.key, id))
            return digests_of(&member, digests);
    return 0;
}

harborai_str plugin_lock_find(const struct plugin_lock *lock, harborai_str id)
{
    harborai_str digests[2];
    return find(lock, id, digests) > 0 ? digests[0] : SLICE_NONE;
}

bool plugin_lock_allows(const struct plugin_lock *lock, harborai_str id, harborai_str digest)
{
    harborai_str digests[2];
    size_t count = find(lock, id, digests);
    for (size_t i = 0; i < count; i++)
        if (slice_equal(digests[i], digest))
            return true;
    return false;
}

/* ---- Writing -------------------------------------------------------------------------------- */

static void write_key(struct buf *out, harborai_str id, bool *is_first)
{
    buf_printf(out, "%s\n    \"%.*s\": ", *is_first ? "" : ",", SLICE_ARG(id));
    *is_first = false;
}

static void write_change(struct buf *out, const struct plugin_lock_change *change, bool *is_first)
{
    harborai_str digest = change->digest, other = change->or_still;
    if (digest.len == 0)
        return;
    write_key(out, change->id, is_first);
    if (other.len > 0 && !slice_equal(digest, other))
        buf_printf(out, "[\"%.*s\", \"%.*s\"]", SLICE_ARG(digest), SLICE_ARG(other));
    else
        buf_printf(out, "\"%.*s\"", SLICE_ARG(digest));
}

static void write_lock(struct buf *out, const struct plugin_lock *lock,
                       const struct plugin_lock_change *change)
{
    struct json_cursor cursor = json_open(lock->plugins);
    struct json_member member;
    bool is_first = true;
    buf_printf(out, "{\n  \"version\": 1,\n  \"plugins\": {");
    while (json_object_next(&cursor, &member))
        if (!slice_equal(member.key, change->id)) {
            write_key(out, member.key, &is_first);
            buf_add(out, member.value);
        }
    write_change(out, change, &is_first);
    buf_printf(out, "\n  }");
    for (size_t i = 0; i < lock->member_count; i++)
        if (!json_key_equal(&lock->members[i], HARBORAI_STR("version")) &&
            !json_key_equal(&lock->members[i], HARBORAI_STR("plugins")))
            buf_printf(out, ",\n  %.*s", SLICE_ARG(lock->members[i].span));
    buf_printf(out, "\n}\n");
}

static harborai_status replace(const char *lock_path, const struct plugin_lock *lock,
                               const struct plugin_lock_change *change, harborai_error *error)
{
    AUTO(buf) text = BUF_INIT(2 * FILE_MOST), temporary = BUF_INIT(KIB(16)), path = BUF_INIT(KIB(16));
    AUTO(replacement) file = REPLACEMENT_INIT;
    write_lock(&text, lock, change);
    const char *before = lock_path[0] == '/' ? "" : "./"; /* replacement_open() wants a '/' */
    buf_printf(&path, "%s%s", before, lock_path);
    buf_printf(&temporary, "%s%s.new", before, lock_path);
    buf_add_char(&path, '\0');
    buf_add_char(&temporary, '\0');
    if (buf_status(&text, NULL) < 0 || buf_status(&temporary, NULL) < 0 || buf_status(&path, NULL) < 0)
        return out_of_memory(lock_path, error);
    harborai_status st = replacement_open(&file, path.data, temporary.data, 0644, error);
    if (st == HARBORAI_OK && !directory_give(file.fd, path.data))
        st = cannot("give to the directory's owner", path.data, error);
    if (st == HARBORAI_OK)
        st = replacement_write(&file, buf_slice(&text), error);
    return st < 0 ? st : replacement_commit(&file, error);
}

static harborai_status not_locked(const char *path, harborai_error *error)
{
    if (errno != EWOULDBLOCK)
        return cannot("lock", path, error);
    return harborai_error_set(error, HARBORAI_E_INTERNAL,
                              "another process writes to '%s': nothing was changed; try again",
                              path);
}

/* The directory's, until the descriptor is closed. */
static harborai_status lock_directory(char *directory, int *ret_fd, harborai_error *error)
{
    int fd = directory_make_given(directory) ? open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd < 0)
        return cannot("write to", directory, error);
    if (!file_lock_wait(fd)) {
        harborai_status st = not_locked(directory, error);
        close(fd);
        return st;
    }
    *ret_fd = fd;
    return HARBORAI_OK;
}

static harborai_status apply_locked(const char *path, const struct plugin_lock_change *change,
                                    harborai_error *error)
{
    static const struct plugin_lock nothing;
    struct plugin_lock *lock = NULL;
    struct stat status;
    harborai_status st = plugin_lock_load(path, &lock, &status, error);
    if (st == HARBORAI_OK)
        st = replace(path, lock, change, error);
    else if (st == HARBORAI_E_CONFIG && change->is_anew)
        st = replace(path, &nothing, change, error);
    plugin_lock_destroy(lock);
    return st;
}

harborai_status plugin_lock_apply(const char *path, const struct plugin_lock_change *change,
                                  harborai_error *error)
{
    char directory[PATH_MAX];
    int fd = -1, len = snprintf(directory, sizeof directory, "%s%s", path[0] == '/' ? "" : "./", path);
    if (len < 0 || (size_t)len >= sizeof directory)
        return harborai_error_set(error, HARBORAI_E_CONFIG, "'%s': a path too long", path);
    char *slash = strrchr(directory, '/');
    slash[slash == directory ? 1 : 0] = '\0';
    harborai_status st = lock_directory(directory, &fd, error);
    if (st < 0)
        return st;
    st = apply_locked(path, change, error);
    close(fd);
    return st;
}

harborai_status plugin_lock_set(const char *path, harborai_str id, harborai_str digest,
                                harborai_error *error)
{
    const struct plugin_lock_change change = {.id = id, .digest = digest};
    return plugin_lock_apply(path, &change, error);
}
