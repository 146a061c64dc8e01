/* SPDX-License-Identifier: MIT */
/* The drains of a gateway: one for each store that the configuration names. A store that cannot be
 * had keeps no gateway from serving. */
#ifndef SERVER_DRAINS_H
#define SERVER_DRAINS_H

#include "base/log.h"

struct drain_status;
struct drains;
struct postgres_store;
struct prometheus;

struct drains_options {
    harborai_str state_dir; /* copied */
    const struct log *log;  /* borrowed */
    bool with_index;
    int64_t index_age_ns; /* index_keep() */
    struct postgres_store *postgres; /* taken, in any case; or NULL */
    unsigned postgres_batch, postgres_max_failures;
    int64_t postgres_most_wait_ms;
};

/* Starts their threads. Returns owned. E_CONFIG: the state directory takes no file. E_MEMORY. [init] */
MUST_CHECK harborai_status drains_start(const struct drains_options *options,
                                        struct drains **ret_drains, harborai_error *error);

/* Once no line is added any more: what stands in the journal is copied, for `limit_ms` at most, and all
 * is freed. What was not copied is found at the next start. False: one hangs in its store, and nothing
 * was freed: the process is to end by _exit(). Accepts NULL. */
bool drains_stop(struct drains *drains, int64_t limit_ms);

/* [any] Whether PostgreSQL, or the index, is there as far as is known and has the newest calls. */
bool drains_postgres_is_current(struct drains *drains);
bool drains_index_is_current(struct drains *drains);

/* [any] The index-th of them: "sqlite" or "postgres", and how far it is. False: there are no more. NULL
 * has none. */
bool drains_at(struct drains *drains, size_t index, const char **ret_store,
               struct drain_status *ret_status);

/* [any] Their metrics. NULL has none. */
void drains_write_metrics(struct drains *drains, struct prometheus *p);

#endif
