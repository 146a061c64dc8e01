/* SPDX-License-Identifier: MIT */
/* The runtime builds every room from one configuration and takes them down in reverse. It owns the
 * loops and their threads, the keeper (the only writer of snapshots) and the threads for what may
 * block. A process may have several; they share nothing. */
#ifndef RUNTIME_RUNTIME_H
#define RUNTIME_RUNTIME_H

#include "base/log.h"
#include "config/config.h"
#include "engine/engine.h"
#include "loop/loop.h"
#include "observe/metrics.h"
#include "plugin/discover.h"
#include "record/fanout.h"
#include "registry/model_map.h"

struct key_table;
struct prometheus;
struct runtime;

struct runtime_options {
    const struct log *log;     /* borrowed */
    unsigned loops;            /* 0 = one a core */
    bool with_journal;         /* false: nothing is recorded (listing commands) */
    bool with_late_journal;    /* its files are made when there is something to record */
    struct record_subscriber *subscriber; /* borrowed; is told of loop 0's calls; or NULL */
    bool with_crash_marks; /* what a plugin is doing when it ends the process is known to those that
                              start later: for processes that do not end in the middle of anything by
                              their own will. What others left is heeded without it */
    bool with_user_plugins; /* those of discover_user_directory(), too */
    const char *system_plugin_dir; /* borrowed; after the environment's and the configuration's */
    bool with_preload; /* providers that the configuration names for it are made before a call comes */
    bool with_watch; /* what changes in the plugin directories and in plugins.json is noticed, unless the
                        configuration says otherwise */
    bool with_keys; /* those of clients, of the state directory's keys.json: read, and again when they
                       have changed */
    bool with_upkeep; /* of the journal: the segments of dead processes are finished, sealed ones are
                         compressed, old ones go */
    bool goes_on_without; /* a provider whose plugin cannot be used is left out, and the log says so, where
                             another one is left and nothing else is wrong; else it is a fault */
    struct config_faults *faults; /* borrowed by runtime_create(): gets what is wrong with `config`, all
                                     of it; or NULL */
};

/* Takes `config` on success. Reads the plugin directories and what is switched off; loads nothing.
 * E_CONFIG: the error has the first fault and how many more there are: plugins that cannot be used,
 * aliases that lead nowhere; or plugins.json of the state directory is broken. */
MUST_CHECK harborai_status runtime_create(struct config *config,
                                          const struct runtime_options *options,
                                          struct runtime **ret_runtime, harborai_error *error);
/* runtime_stop(), if that was not done, and frees everything. If anything holds on only the
 * journal is closed: the rest stays as it is until the process ends. Returns how many lines of the
 * journal are lost, because the disk does not take them even now: the log tells. */
uint64_t runtime_destroy(struct runtime *runtime);

/* Starts a thread for each loop. Without it the caller drives loop 0 by loop_turn(). */
MUST_CHECK harborai_status runtime_start(struct runtime *runtime, harborai_error *error);
/* Breaks off the calls still under way, destroys every provider, ends the loops' threads. Returns how
 * many hold on: providers whose plugin did not return from a function within 10 s, or has a thread
 * that did not let go of its call; or else 1 for a name's look-up or the reading of a CA file that
 * hangs. The log tells. Then nothing that they can reach may be freed, the log included, and the
 * process is to end by _exit(): runtime_destroy() heeds that; whoever owns fronts of calls has to
 * as well. Again it does nothing but return the same. */
unsigned runtime_stop(struct runtime *runtime);
/* The same, with 1 s in place of each limit once there is something to read from hurry_fd
 * (borrowed; -1 = never). */
unsigned runtime_stop_or_hurry(struct runtime *runtime, int hurry_fd);

/* Tells the log of the providers whose plugin holds on, as runtime_stop() does; how many providers
 * there are. For who drives a loop and does not get it back. [any] */
unsigned runtime_name_holders(struct runtime *runtime);

unsigned runtime_loop_count(const struct runtime *runtime);
struct loop *runtime_loop(struct runtime *runtime, unsigned index);
struct engine_loop *runtime_engine(struct runtime *runtime, unsigned index);

/* [loop] The configuration and the models of this moment; valid until the pass ends. */
const struct config *runtime_config(struct runtime *runtime);
const struct model_map *runtime_models(struct runtime *runtime);
/* [loop] Likewise the keys of clients; NULL: without options.with_keys. */
const struct key_table *runtime_keys(struct runtime *runtime);

/* Has `look` called where these, and what discovery found, stay as they are until it returns; and waits
 * for that. An error: it was not called. [any but a loop] */
MUST_CHECK harborai_status runtime_look(struct runtime *runtime,
                                        void (*look)(struct runtime *runtime, void *context),
                                        void *context, harborai_error *error);

/* [any, but not a loop while runtime_apply() may run] What discovery found, as last scanned. */
const struct plugin_catalog *runtime_plugins(struct runtime *runtime);

/* The id of the plugin whose function runs on this thread, in a call or while it is loaded or let go;
 * NULL = none does. [any, async-signal-safe] */
const char *runtime_running_plugin(void);

/* Whether the journal of any loop cannot be written at present. [any] */
bool runtime_journal_fails(const struct runtime *runtime);

/* Whether calls are recorded at all. [any] */
bool runtime_has_journal(const struct runtime *runtime);

struct metrics *runtime_metrics(struct runtime *runtime);
/* [any] All metrics, those of plugins too. The buffer's failure is sticky. */
void runtime_write_metrics(struct runtime *runtime, struct prometheus *p);
const struct log *runtime_log(const struct runtime *runtime);

/* [any but a loop] Replaces the configuration: plugin directories and plugins.json are read again, slots whose
 * provider did not change are kept, new maps are published, the others drain and are destroyed
 * after their last call. Returns when that is published, and waits for no plugin: a provider that
 * serves and has changed is loaded anew beside itself and replaced when that has succeeded, each by
 * itself (the log: provider.replaced); if it fails the provider serves on as it was (provider.kept).
 * The next configuration breaks that off. Takes `config` on success only. `faults` and the error as
 * of runtime_create(). */
MUST_CHECK harborai_status runtime_apply(struct runtime *runtime, struct config *config,
                                         struct config_faults *faults, harborai_error *error);

#endif
