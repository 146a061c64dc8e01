/* SPDX-License-Identifier: MIT */
/* Has the keys of keys.json in force: those of the start, and anew whenever the file has changed. Where
 * the system does not let it watch, the log says so, and SIGHUP has it read again. */
#ifndef RUNTIME_KEY_WATCH_H
#define RUNTIME_KEY_WATCH_H

#include "account/keys.h"
#include "base/snapshot.h"
#include "loop/jobs.h"
#include "loop/loop.h"
#include "runtime/watchlist.h"

struct runtime;

struct key_watch {
    struct runtime *runtime;
    struct keys *keys;      /* NULL: this process has none */
    struct snapshot table;  /* struct key_table */
    struct watchlist *list; /* NULL: not watching */
    struct watch ready;     /* of loop 0 */
    struct job look;        /* [keeper] */
    atomic_bool is_looking;
    bool has_failed; /* to watch, which the log was told */
};

/* Reads the keys. Errors as of keys_read(). [init] */
MUST_CHECK harborai_status key_watch_init(struct key_watch *w, struct runtime *runtime,
                                          harborai_error *error);
/* Reads them again: what is wrong is told to the log, too, and the keys stay as they were. [keeper] */
harborai_status key_watch_read(struct key_watch *w, harborai_error *error);
/* No thread can reach it any more. Accepts a zeroed one. */
void key_watch_release(struct key_watch *w);

#endif
