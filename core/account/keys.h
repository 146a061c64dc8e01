/* SPDX-License-Identifier: MIT */
/* The keys that a gateway knows at a moment, and what each has used.
 *
 * A table is immutable: loops read the one that is published, without a lock, and find a key by its
 * digest. The keys themselves outlast it: a call that began with one ends with it, whatever the file says by
 * then, and a key that stays as it was goes on with its counts. So those of a book are never freed before
 * it: a few hundred bytes for each one that there ever was while the process ran. */
#ifndef ACCOUNT_KEYS_H
#define ACCOUNT_KEYS_H

#include "account/key_file.h"
#include "account/rate_limit.h"

struct keys;      /* the book: whoever reads the file has it, one thread at a time */
struct key_table; /* immutable */

struct key {
    harborai_str id, name;
    int64_t expires_ns, revoked_ns; /* since 1970, UTC; 0 = never */
    const harborai_str *models;     /* globs; without any: all */
    size_t model_count;
    struct rate_limit requests, tokens;
    int64_t concurrency; /* 0 = no limit */

    /* What all loops write to: only where there is a limit. */
    CACHE_ALIGNED struct rate_meter requests_used;
    struct rate_meter tokens_used;
    _Atomic int64_t running;
};

MUST_CHECK harborai_status keys_create(struct keys **ret_keys, harborai_error *error);
/* No table of it is read any more, and no call has a key of it. Accepts NULL. */
void keys_destroy(struct keys *keys);

/* What the file says now; *ret_table is owned. Errors as of key_list_load(): then nothing changed.
 * [init] or [job] */
MUST_CHECK harborai_status keys_read(struct keys *keys, harborai_str state_dir,
                                     struct key_table **ret_table, harborai_error *error);
void key_table_destroy(struct key_table *table); /* its keys stay; accepts NULL */

/* Whether both have the very same keys. Neither may be NULL. [any] */
bool key_table_is_same(const struct key_table *a, const struct key_table *b);

/* [any] */
struct key *key_table_find(const struct key_table *table,
                           const unsigned char digest[static KEY_DIGEST_SIZE]);
/* What the table has in place of a key of the same book: itself, the same text with other limits, or NULL:
 * it has none. [any] */
struct key *key_table_find_again(const struct key_table *table, const struct key *key);
/* Of all that were ever made, and of those that may be used at a moment. */
size_t key_table_count(const struct key_table *table);
size_t key_table_count_active(const struct key_table *table, int64_t wall_ns);

/* Whether the key may ask for a model: by a glob over the name that was asked for, or over
 * "provider/model", where that leads. `provider` and `upstream` may be empty: it leads nowhere. [any] */
bool key_allows(const struct key *key, harborai_str model, harborai_str provider,
                harborai_str upstream);

/* One more call runs, and counts as a request; *ret_state is of requests. False: there are too many of
 * them at once (ret_state->wait_ns is 0) or this minute. [any] */
bool key_begin(struct key *key, int64_t now_ns, struct rate_state *ret_state);
/* … and has ended. [any] */
void key_end(struct key *key);

#endif
