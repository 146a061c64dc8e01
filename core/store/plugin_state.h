/* SPDX-License-Identifier: MIT */
/* What the operator switched off while the configuration says otherwise: plugins, providers, models.
 * It is kept in <state_dir>/plugins.json, survives restarts and is shared by all processes of a state
 * directory:
 *
 *     {
 *       "version": 1,
 *       "plugins": {
 *         "com.example.acme": {"enabled": false, "since": "2026-11-22T10:00:00Z", "by": "harborai …"}
 *       },
 *       "providers": {"lab": {"enabled": false}},
 *       "models": {"acme/…-preview": {"enabled": false}}           a '*' stands for any run of bytes
 *     }
 *
 * Members that this version does not know are kept. A broken file is an error, never a guess.
 *
 * Beside it lie the marks of plugins whose process died in the middle of something (crash_mark.h): they
 * are left out too, until they are enabled. So are those whose file is being taken away
 * (removal_mark.h), as long as that goes on. */
#ifndef STORE_PLUGIN_STATE_H
#define STORE_PLUGIN_STATE_H

#include <sys/types.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/slice.h"
#include "store/crash_mark.h"

enum plugin_state_kind {
    PLUGIN_STATE_PLUGIN,   /* by its id */
    PLUGIN_STATE_PROVIDER, /* by its configured name */
    PLUGIN_STATE_MODEL,    /* by "provider/model", or a glob over it */
    PLUGIN_STATE_KINDS
};

enum { PLUGIN_STATE_NAME_MAX = 512, PLUGIN_STATE_REMARK_MAX = 200 }; /* bytes */

struct plugin_state_entry { /* texts have a NUL behind them */
    harborai_str name;
    bool enabled;
    harborai_str since, by; /* "2026-11-22T10:00:00Z", "harborai plugin disable"; or empty; of one
                               that is longer than REMARK_MAX its beginning */
    harborai_str json;      /* the whole of it, as it stands in the file */
    bool is_removal;        /* it stands in no file: its plugin's is being taken away, */
    pid_t removed_by;       /* by this process; 0: it has not said so yet */
};

/* Immutable. */
struct plugin_state;

/* Reads the state; *ret_state is owned. A file that is not there, and an empty `state_dir`, are the
 * empty state. E_CONFIG: the file cannot be read or understood; the message names it, the line and the
 * way out. [init] or [job]: it reads a file, and waits for no lock. */
MUST_CHECK harborai_status plugin_state_load(harborai_str state_dir, struct plugin_state **ret_state,
                                             harborai_error *error);

/* The same from the text of such a file; `path` is for messages. Copies. [any] */
MUST_CHECK harborai_status plugin_state_create(harborai_str text, const char *path,
                                               struct plugin_state **ret_state,
                                               harborai_error *error);
void plugin_state_destroy(struct plugin_state *state);

/* The file, for messages: "/var/lib/harborai/plugins.json"; "" without a state directory. [any] */
const char *plugin_state_path(const struct plugin_state *state);

/* The entry that switches it off, a removal before all others; NULL = nothing does. Of MODEL `name` is "provider/model", and the
 * first glob that matches it is meant. [any] */
const struct plugin_state_entry *plugin_state_disabled(const struct plugin_state *state,
                                                       enum plugin_state_kind kind,
                                                       harborai_str name);

/* All of a kind, in the order of the file, also those that say "enabled": true. [any] */
const struct plugin_state_entry *plugin_state_list(const struct plugin_state *state,
                                                   enum plugin_state_kind kind, size_t *ret_count);

/* `by` of what is switched off because its file is being taken away. */
#define PLUGIN_STATE_BY_REMOVE "harborai plugin remove"

/* Whether files are being taken away, or were when it was read, and whether others are now. [any]; the
 * latter [job] */
bool plugin_state_is_removing(const struct plugin_state *state);
bool plugin_state_removals_changed(const struct plugin_state *state, harborai_str state_dir);

/* The mark of a process that died while it loaded this very file, or let go of it; NULL = there is none.
 * [any] */
const struct crash *plugin_state_crash(const struct plugin_state *state,
                                       const struct crash_subject *subject);

struct plugin_state_change {
    enum plugin_state_kind kind;
    harborai_str name; /* of MODEL: the glob itself */
    bool enabled;      /* true takes the entry away; of PLUGIN the marks of its crashes, too */
    const char *by;    /* "harborai plugin disable" */
};

/* Changes the file: takes its lock, reads it, writes another and puts that in its place. Who switches
 * off what is off already changes nothing: *ret_changed is false. Makes the state directory.
 * E_CONFIG: the file is broken, or the directory is none; E_INVALID: the name is none; E_INTERNAL: it
 * cannot be written, or another process keeps the lock for 5 s. Then the file is as it was. [job] */
MUST_CHECK harborai_status plugin_state_apply(harborai_str state_dir,
                                              const struct plugin_state_change *change,
                                              const struct clock *clock, bool *ret_changed,
                                              harborai_error *error);

#endif
