/* SPDX-License-Identifier: MIT */
/* <state_dir>/keys.json as a file: read whole, replaced whole. Must never wait for a lock to read it,
 * nor write it without one, nor write a key into it. */
#include "account/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "account/key_parts.h"
#include "base/buf.h"
#include "base/directory.h"
#include "base/file_lock.h"
#include "base/replacement.h"
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
    *p = (struct paths){.directory = NULL};
    if (state_dir.len == 0)
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "there is no place for keys.json: set state_dir, --state-dir or "
                                  "HARBORAI_STATE_DIR");
    p->directory = slice_dup(state_dir);
    if (p->directory != NULL && asprintf(&p->file, "%s/keys.json", p->directory) >= 0 &&
        asprintf(&p->lock, "%s.lock", p->file) >= 0 &&
        asprintf(&p->temporary, "%s.new", p->file) >= 0)
        return HARBORAI_OK;
    return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
}

/* ---- Reading -------------------------------------------------------------------------------- */

/* Who may write there may give himself a key. */
static harborai_status check_opened(int fd, const char *path, harborai_error *error)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return directory_refuse("read", path, error);
    if (!S_ISREG(status.st_mode) || status.st_size > (off_t)KEY_FILE_MAX)
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "'%s' is no regular file of at most 8 MiB: see what it is", path);
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0 ||
        (geteuid() != 0 && status.st_uid != geteuid() && status.st_uid != 0))
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "others may write to '%s', and so make keys: see who did, then "
                                  "chmod 600 and chown it to the gateway's user",
                                  path);
    return HARBORAI_OK;
}

static harborai_status read_opened(int fd, const char *path, struct buf *text, harborai_error *error)
{
    harborai_status st = check_opened(fd, path, error);
    while (st == HARBORAI_OK) {
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
    return st;
}

static harborai_status load(const char *path, struct key_list **ret_list, harborai_error *error)
{
    AUTO(buf) text = BUF_INIT(KEY_FILE_MAX + KIB(32));
    /* Not blocking: it may be a FIFO. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return errno == ENOENT ? key_list_create(SLICE_NONE, path, ret_list, error)
                               : directory_refuse("read", path, error);
    harborai_status st = read_opened(fd, path, &text, error);
    close(fd);
    harborai_str read = text.len > 0 ? buf_slice(&text) : HARBORAI_STR("");
    return st < 0 ? st : key_list_create(read, path, ret_list, error);
}

harborai_status key_list_load(harborai_str state_dir, struct key_list **ret_list,
                              harborai_error *error)
{
    AUTO(paths) paths = {NULL, NULL, NULL, NULL};
    if (state_dir.len == 0)
        return key_list_create(SLICE_NONE, "", ret_list, error);
    harborai_status st = paths_init(&paths, state_dir, error);
    return st < 0 ? st : load(paths.file, ret_list, error);
}

/* ---- Writing -------------------------------------------------------------------------------- */

static void write_time(struct json_writer *w, const char *name, int64_t at_s)
{
    char text[25];
    if (at_s == 0)
        return;
    clock_format_utc(at_s * NS_PER_S, text);
    text[19] = 'Z';
    json_write_key_string(w, name, (harborai_str){text, 20});
}

static void write_limit(struct json_writer *w, const char *name, int64_t limit)
{
    if (limit > 0)
        json_write_key_int64(w, name, limit);
}

static void write_key(struct buf *out, const struct key_spec *key)
{
    struct json_writer w = JSON_WRITER(out);
    char hex[2 * KEY_DIGEST_SIZE + 1];
    for (size_t i = 0; i < KEY_DIGEST_SIZE; i++)
        snprintf(hex + 2 * i, 3, "%02x", key->digest[i]);
    json_write_object(&w);
    json_write_key_string(&w, "id", key->id);
    json_write_key_string(&w, "name", key->name);
    json_write_key_string(&w, "sha256", slice_of(hex));
    write_time(&w, "created", key->created_s);
    write_time(&w, "expires", key->expires_s);
    write_time(&w, "revoked", key->revoked_s);
    if (key->model_count > 0) {
        json_write_key(&w, HARBORAI_STR("models"));
        json_write_array(&w);
        for (size_t i = 0; i < key->model_count; i++)
            json_write_string(&w, key->models[i]);
        json_write_end(&w);
    }
    write_limit(&w, "rpm", key->rpm);
    write_limit(&w, "tpm", key->tpm);
    write_limit(&w, "concurrency", key->concurrency);
    json_write_end(&w);
}

static void write_list(struct buf *out, const struct key_list *list)
{
    buf_add(out, HARBORAI_STR("{\n  \"version\": 1,\n  \"keys\": ["));
    for (size_t i = 0; i < list->count; i++) {
        buf_add(out, i > 0 ? HARBORAI_STR(",\n    ") : HARBORAI_STR("\n    "));
        write_key(out, &list->keys[i]);
    }
    buf_add(out, HARBORAI_STR("\n  ]\n}\n"));
}

static harborai_status replace(const struct paths *paths, const struct key_list *list,
                               harborai_error *error)
{
    AUTO(buf) text = BUF_INIT(KEY_FILE_MAX);
    AUTO(replacement) file = REPLACEMENT_INIT;
    write_list(&text, list);
    if (buf_status(&text, NULL) < 0)
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "'%s' would be larger than 8 MiB: take keys out of it that are "
                                  "revoked", paths->file);
    harborai_status st = replacement_open(&file, paths->file, paths->temporary, 0600, error);
    if (st == HARBORAI_OK && !directory_give(file.fd, paths->file))
        st = directory_refuse("give to the directory's owner", paths->file, error);
    if (st == HARBORAI_OK)
        st = replacement_write(&file, buf_slice(&text), error);
    return st < 0 ? st : replacement_commit(&file, error);
}

/* Locks the file and reads it. */
static harborai_status begin_change(struct paths *paths, harborai_str state_dir, int *ret_lock,
                                    struct key_list **ret_list, harborai_error *error)
{
    harborai_status st = paths_init(paths, state_dir, error);
    if (st == HARBORAI_OK)
        st = file_lock_take(paths->directory, paths->lock, ret_lock, error);
    return st < 0 ? st : load(paths->file, ret_list, error);
}

static void give_up_lock(int lock)
{
    if (lock >= 0)
        close(lock);
}

/* ---- Adding --------------------------------------------------------------------------------- */

static bool is_glob(harborai_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] <= ' ' || text.data[i] >= 0x7f || text.data[i] == '"' ||
            text.data[i] == '\\')
            return false;
    return text.len > 0 && text.len <= KEY_MODEL_MAX;
}

static harborai_status check_spec(const struct key_spec *spec, harborai_error *error)
{
    if (!key_name_is_good(spec->name))
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "'%.*s' is no name for a key: it has letters, digits and ._@+- alone, "
                                  "at most 64, and does not begin with '-', 'hk-' or 'key_'",
                                  SLICE_ARG(slice_cut(spec->name, KEY_NAME_MAX)));
    if (spec->model_count > KEY_MODELS_MAX)
        return harborai_error_set(error, HARBORAI_E_INVALID, "a key takes at most 64 models");
    for (size_t i = 0; i < spec->model_count; i++)
        if (!is_glob(spec->models[i]))
            return harborai_error_set(error, HARBORAI_E_INVALID,
                                      "'%.*s' is no name of a model, nor a glob over them",
                                      SLICE_ARG(slice_cut(spec->models[i], KEY_NAME_MAX)));
    return HARBORAI_OK;
}

static harborai_status check_room(const struct key_list *list, harborai_str name, int64_t wall_ns,
                                  harborai_error *error)
{
    for (size_t i = 0; i < list->count; i++)
        if (slice_equal(list->keys[i].name, name) &&
            key_spec_state(&list->keys[i], wall_ns) == KEY_ACTIVE)
            return harborai_error_set(error, HARBORAI_E_INVALID,
                                      "there is a key '%.*s' already: choose another name, or revoke "
                                      "that one first", SLICE_ARG(name));
    if (list->count == KEY_COUNT_MAX)
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "'%.*s' has %d keys already: take those out of it that are revoked",
                                  SLICE_ARG(list->path), KEY_COUNT_MAX);
    return HARBORAI_OK;
}

static harborai_status digest_once(harborai_str text, unsigned char digest[static KEY_DIGEST_SIZE],
                                   harborai_error *error)
{
    struct key_hasher *hasher;
    harborai_status st = key_hasher_create(&hasher, error);
    if (st < 0)
        return st;
    if (!key_hasher_digest(hasher, text, digest))
        st = harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    key_hasher_destroy(hasher);
    return st;
}

static harborai_status make_key(struct key_spec *key, const struct key_spec *spec, int64_t wall_ns,
                                char text[static KEY_TEXT_LEN + 1],
                                char ret_id[static KEY_ID_LEN + 1], harborai_error *error)
{
    *key = *spec;
    key->created_s = wall_ns / NS_PER_S;
    key->revoked_s = 0;
    harborai_status st = key_text_make(text, error);
    if (st == HARBORAI_OK)
        st = key_text_make_id(ret_id, error);
    key->id = slice_of(ret_id);
    return st < 0 ? st : digest_once(slice_of(text), key->digest, error);
}

harborai_status key_file_add(harborai_str state_dir, const struct key_spec *spec,
                             const struct clock *clock, char text[static KEY_TEXT_LEN + 1],
                             char ret_id[static KEY_ID_LEN + 1], harborai_error *error)
{
    AUTO(paths) paths = {NULL, NULL, NULL, NULL};
    struct key_list *list = NULL;
    int64_t wall_ns = clock_wall_ns(clock);
    int lock = -1;
    harborai_status st = check_spec(spec, error);
    if (st == HARBORAI_OK)
        st = begin_change(&paths, state_dir, &lock, &list, error);
    if (st == HARBORAI_OK)
        st = check_room(list, spec->name, wall_ns, error);
    if (st == HARBORAI_OK)
        st = make_key(&list->keys[list->count], spec, wall_ns, text, ret_id, error);
    if (st == HARBORAI_OK) {
        list->count++;
        st = replace(&paths, list, error);
    }
    key_list_destroy(list);
    give_up_lock(lock);
    return st;
}

/* ---- Revoking ------------------------------------------------------------------------------- */

static bool is_called(const struct key_spec *key, harborai_str called, const unsigned char *digest)
{
    return slice_equal(key->id, called) || slice_equal(key->name, called) ||
           (digest != NULL && key_digest_equal(key->digest, digest));
}

/* A name may have been given to another one after it was revoked: the one in force is meant, else the
 * last. */
static struct key_spec *find(const struct key_list *list, harborai_str called,
                             const unsigned char *digest, int64_t wall_ns)
{
    struct key_spec *found = NULL;
    for (size_t i = 0; i < list->count; i++) {
        struct key_spec *key = &list->keys[i];
        if (is_called(key, called, digest) &&
            (found == NULL || key_spec_state(key, wall_ns) <= key_spec_state(found, wall_ns)))
            found = key;
    }
    return found;
}

static harborai_status revoke_in(struct key_list *list, harborai_str called, const struct paths *paths,
                              const struct clock *clock, const struct key_spec **ret_key,
                              bool *ret_changed, harborai_error *error)
{
    unsigned char digest[KEY_DIGEST_SIZE];
    bool is_text = key_text_form(called) == KEY_TEXT_WHOLE;
    harborai_status st = is_text ? digest_once(called, digest, error) : HARBORAI_OK;
    if (st < 0)
        return st;
    int64_t wall_ns = clock_wall_ns(clock);
    struct key_spec *key = find(list, called, is_text ? digest : NULL, wall_ns);
    if (key == NULL && key_text_form(called) != KEY_TEXT_FOREIGN)
        return harborai_error_set(error, HARBORAI_E_NOT_FOUND,
                                  "that is no key of '%s': 'harborai key list' shows those that there "
                                  "are", paths->file);
    if (key == NULL)
        return harborai_error_set(error, HARBORAI_E_NOT_FOUND,
                                  "there is no key '%.*s' in '%s': 'harborai key list' shows those "
                                  "that there are",
                                  SLICE_ARG(slice_cut(called, KEY_NAME_MAX)), paths->file);
    *ret_key = key;
    *ret_changed = key->revoked_s == 0;
    if (!*ret_changed)
        return HARBORAI_OK;
    key->revoked_s = wall_ns / NS_PER_S;
    return replace(paths, list, error);
}

harborai_status key_file_revoke(harborai_str state_dir, harborai_str called,
                                const struct clock *clock, struct key_list **ret_list,
                                const struct key_spec **ret_key, bool *ret_changed,
                                harborai_error *error)
{
    AUTO(paths) paths = {NULL, NULL, NULL, NULL};
    struct key_list *list = NULL;
    int lock = -1;
    harborai_status st = begin_change(&paths, state_dir, &lock, &list, error);
    if (st == HARBORAI_OK)
        st = revoke_in(list, called, &paths, clock, ret_key, ret_changed, error);
    give_up_lock(lock);
    if (st < 0)
        key_list_destroy(list);
    else
        *ret_list = list;
    return st;
}
