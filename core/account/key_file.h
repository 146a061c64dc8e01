/* SPDX-License-Identifier: MIT */
/* The keys of a state directory's gateways, <state_dir>/keys.json: their digests and what each may do,
 * never a key. It is its owner's (0600), replaced as a whole under the lock keys.json.lock, and shared
 * by all processes of the state directory:
 *
 *     {
 *       "version": 1,
 *       "keys": [
 *         {"id": "key_8sKq…", "name": "ci", "sha256": "9f86d0…", "created": "2026-11-22T10:00:00Z",
 *          "expires": "2026-12-22T10:00:00Z", "revoked": "2026-11-23T10:00:00Z",
 *          "models": ["gpt-4o", "lab/my-model"], "rpm": 60, "tpm": 100000, "concurrency": 4}
 *       ]
 *     }
 *
 * A broken file is an error, never a guess; so is a member that this version does not know, which may
 * be a limit. */
#ifndef ACCOUNT_KEY_FILE_H
#define ACCOUNT_KEY_FILE_H

#include "account/key_text.h"
#include "base/arena.h"
#include "base/clock.h"

enum {
    KEY_NAME_MAX = 64, /* bytes */
    KEY_MODELS_MAX = 64,
    KEY_MODEL_MAX = 256, /* bytes */
    KEY_COUNT_MAX = 10000,
    KEY_CONCURRENCY_MAX = 1000000
};

struct key_spec {
    harborai_str id, name;
    unsigned char digest[KEY_DIGEST_SIZE];
    int64_t created_s, expires_s, revoked_s; /* since 1970, UTC; 0 = not */
    const harborai_str *models;              /* globs; without any: all */
    size_t model_count;
    int64_t rpm, tpm, concurrency; /* 0 = no limit */
};

enum key_state { KEY_ACTIVE, KEY_EXPIRED, KEY_REVOKED };

struct key_list { /* immutable, once it is read */
    struct arena arena; /* owns all texts and lists */
    harborai_str path;
    struct key_spec *keys; /* in the order of the file: that of their making */
    size_t count;
};

/* Reads the file; *ret_list is owned. One that is not there has no keys. E_CONFIG: it cannot be read or
 * understood, or others may write to it; the message names it and the way out. [init] or [job] */
MUST_CHECK harborai_status key_list_load(harborai_str state_dir, struct key_list **ret_list,
                                         harborai_error *error);
/* The same from the text of such a file; `path` is for messages. Copies. [any] */
MUST_CHECK harborai_status key_list_create(harborai_str text, const char *path,
                                           struct key_list **ret_list, harborai_error *error);
void key_list_destroy(struct key_list *list); /* accepts NULL */

/* [any] */
enum key_state key_spec_state(const struct key_spec *key, int64_t wall_ns);
const char *key_state_name(enum key_state state); /* "active" */
/* Letters, digits and ._@+-; not such as an id or a key begins. [any] */
bool key_name_is_good(harborai_str name);

/* Makes a key as `spec` has it: its name, expiry, models and limits. `text` gets the key, `ret_id` what it
 * is called; both have a NUL behind them. E_INVALID: a key of that name is in force, or there is
 * something wrong with the name or a glob; else as of key_list_load(), or E_INTERNAL: it cannot be
 * written, or another process keeps the lock for 5 s. Then the file is as it was. [job] */
MUST_CHECK harborai_status key_file_add(harborai_str state_dir, const struct key_spec *spec,
                                        const struct clock *clock,
                                        char text[static KEY_TEXT_LEN + 1],
                                        char ret_id[static KEY_ID_LEN + 1], harborai_error *error);

/* Revokes the one in force that is called so: by its id, its name, or the key itself. *ret_list is what
 * the file says then, owned, and *ret_key in it; *ret_changed: it was not revoked before. E_NOT_FOUND;
 * else as of key_file_add(). [job] */
MUST_CHECK harborai_status key_file_revoke(harborai_str state_dir, harborai_str called,
                                           const struct clock *clock, struct key_list **ret_list,
                                           const struct key_spec **ret_key, bool *ret_changed,
                                           harborai_error *error);

#endif
