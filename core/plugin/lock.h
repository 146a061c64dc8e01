/* SPDX-License-Identifier: MIT */
/* plugins.lock: which file a plugin may be. Who is listed there, by id, is that file or is refused:
 *
 *     {
 *       "version": 1,
 *       "plugins": {
 *         "com.example.acme": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
 *       }
 *     }
 *
 * The digest is the SHA-256 of the file's bytes. While one file takes another's place there are two, in an
 * array: whoever is killed meanwhile leaves a file that is listed, the old or the new. Members that this version does not know are kept.
 * A broken file is an error, never a guess. [job] throughout. */
#ifndef PLUGIN_LOCK_H
#define PLUGIN_LOCK_H

#include <sys/stat.h>

#include "base/attr.h"
#include "base/slice.h"

#define PLUGIN_DIGEST_LEN 64 /* hexadecimal digits */

/* Of all bytes of the open file, read from its beginning by pread(). `path` is for messages.
 * E_INTERNAL: it cannot be read. */
MUST_CHECK harborai_status plugin_digest(int fd, const char *path,
                                         char ret_digest[static PLUGIN_DIGEST_LEN + 1],
                                         harborai_error *error);

/* Immutable. */
struct plugin_lock;

/* Reads the file; *ret_lock is owned. A file that is not there lists nothing, and *ret_status is
 * zeroed; else it is that of what was read. E_CONFIG: it cannot be read or understood. */
MUST_CHECK harborai_status plugin_lock_load(const char *path, struct plugin_lock **ret_lock,
                                            struct stat *ret_status, harborai_error *error);
void plugin_lock_destroy(struct plugin_lock *lock);

const char *plugin_lock_path(const struct plugin_lock *lock);

/* The digest that is listed, of two the first; empty = none. Borrowed. */
harborai_str plugin_lock_find(const struct plugin_lock *lock, harborai_str id);
/* Whether it is listed: of two either. */
bool plugin_lock_allows(const struct plugin_lock *lock, harborai_str id, harborai_str digest);

struct plugin_lock_change {
    harborai_str id;
    harborai_str digest;   /* in place of what is listed; empty: nothing is any more */
    harborai_str or_still; /* what may be there instead; or empty */
    bool is_anew;          /* a broken file is no error: it goes with all that it lists */
};

/* Lists what may be the file of a plugin. Takes the lock of the
 * directory, which is made, reads the file and replaces it. E_CONFIG: it is broken; E_INTERNAL: it
 * cannot be written, or another process keeps the lock for 5 s. Then the file is as it was. */
MUST_CHECK harborai_status plugin_lock_apply(const char *path,
                                             const struct plugin_lock_change *change,
                                             harborai_error *error);
/* One digest, or none. */
MUST_CHECK harborai_status plugin_lock_set(const char *path, harborai_str id, harborai_str digest,
                                           harborai_error *error);

#endif
