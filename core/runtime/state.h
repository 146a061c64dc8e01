/* SPDX-License-Identifier: MIT */
/* The runtime's own view of itself. Private to this room. */
#ifndef RUNTIME_STATE_H
#define RUNTIME_STATE_H

#include <pthread.h>

#include "base/snapshot.h"
#include "engine/replay_store.h"
#include "engine/target.h"
#include "loop/jobs.h"
#include "record/fanout.h"
#include "runtime/key_watch.h"
#include "runtime/listing.h"
#include "runtime/order.h"
#include "runtime/runtime.h"
#include "runtime/watcher.h"
#include "store/crash_mark.h"
#include "store/journal.h"
#include "store/plugin_state.h"
#include "store/upkeep.h"
#include "transport/transport.h"
#include "wire/secrets.h"

/* Where a provider stands. */
enum provider_place {
    PROVIDER_NEW,       /* made for the configuration that is being applied */
    PROVIDER_HEIR,      /* is being loaded, or will be again; the one before it serves meanwhile */
    PROVIDER_PUBLISHED, /* the map of this moment leads to it */
    PROVIDER_LEAVING    /* in no list of the keeper's any more */
};

/* A configured provider in use, as long as its slot lives. */
struct runtime_provider {
    struct target target; /* the slot's owner: first, so that both are one pointer */
    struct runtime *runtime;
    struct provider_services services; /* the slot's: leads back here */
    struct slot *slot;
    struct list link;     /* runtime->providers; in no list once it leaves */
    struct list living;   /* runtime->living */
    harborai_str ca_file; /* owned */
    harborai_str why_off; /* owned; who disabled it, where, and how it is enabled; empty = nobody: a
                             provider that is switched off is another one, which nobody can reach */
    bool is_removed;      /* likewise, because its plugin's file went */
    enum plugin_origin origin; /* of its plugin */
    enum provider_place place;
    bool wanted;          /* by the configuration that is being applied */
    bool shown;           /* by the map that is being built */
    struct runtime_provider *before; /* a published one that serves until this one is loaded, and
                                        whose place it takes then; NULL = none */
    enum plugin_stage kept_stage;
    harborai_error why_kept; /* why it serves on as it was; code 0 = it is as it should be */
    bool is_loading;      /* by the keeper's order: `loaded` comes */
    bool is_retry;        /* … because it failed before */
    int64_t retry_ns;     /* of an heir that failed: when it is loaded again; 0 = not by itself */
    struct slot_waiter load;
    struct job loaded;    /* [keeper] */
    struct crash_mark mark; /* the slot's job's */
    struct runtime_order *order; /* that waits for this heir; or NULL */
    struct drain_order *drains; /* one a loop, while it leaves */
    struct job close;     /* [keeper] when it is quiescent */
    struct message gone;  /* to loop 0, which owns its timer */
    struct message tick_order;
    struct timer tick;
    _Atomic int64_t tick_at_ns; /* monotonic; 0 = none */
    _Atomic bool tick_ordered;
};

struct drain_order {
    struct message message;
    struct runtime_provider *provider;
    unsigned loop_index;
    int64_t limit_ms; /* for its calls */
};

struct journal_subscriber {
    struct record_subscriber subscriber;
    struct journal journal;
    struct loop *loop;             /* borrowed */
    const struct snapshot *config; /* likewise; struct config */
    struct message written;        /* from the journal's thread */
    struct buf line;   /* scratch */
    uint64_t lost;     /* lines */
    uint64_t lost_before; /* of them those that the log was told of */
    bool has_content;  /* new calls have it */
    bool drops;        /* what finds no room is lost, and nobody waits */
    _Atomic int64_t failed_ns; /* since when it cannot be written; 0 = it can; read by any thread */
    int64_t said_ns;   /* when the log was last told; 0 = never */
    bool is_said;      /* what the log last heard is that it fails */
    struct metrics_shard *metrics;
    const struct log *log;
};

struct metrics_subscriber {
    struct record_subscriber subscriber;
    struct metrics_shard *shard;
};

/* A loop with everything that belongs to it alone. */
struct runtime_loop {
    struct runtime *runtime;
    struct loop *loop;
    struct transport *transport;
    struct journal_subscriber journal;
    struct metrics_subscriber metrics;
    struct fanout fanout;
    struct engine_loop *engine;
    pthread_t thread;
    bool has_thread;
    struct message break_off;
};

struct runtime {
    struct runtime_options options;
    struct epoch epoch;
    struct snapshot config, models, secrets; /* struct config, struct model_map, struct secrets */
    struct metrics *metrics;
    struct meter_set meters; /* of the plugins of providers, those of this moment or of before */
    struct transport_shared *transport;
    struct replay_store *replays;
    struct plugin_loader *loader;
    struct jobs *keeper;      /* one thread: the only writer of snapshots */
    struct jobs *loading;     /* one thread: dlopen and dlclose */
    struct jobs *provider_jobs; /* create, tick, destroy */
    struct jobs *translators; /* chat() of large requests */
    struct jobs *maskers;     /* of what was asked and answered, for the record */
    struct plugin_catalog *catalog;
    struct plugin_state *switches; /* what is switched off */
    struct upkeep *upkeep;    /* NULL: this process does not look after the journal */
    struct crash_marks marks; /* zeroed: none are set */
    atomic_bool marks_fail;   /* the log was told */
    char *state_dir;          /* owned; that of the start: another one takes a restart */
    struct once dropped;      /* of all loops */
    struct list providers;    /* the keeper's */
    struct reminder retry;    /* likewise: of the heirs that failed */
    struct reminder removals; /* likewise: whether those go on that there are */
    struct watcher watcher;   /* likewise; of nothing, unless options.with_watch */
    struct key_watch keys;    /* likewise; zeroed, unless options.with_keys */
    unsigned loop_count;

    /* The providers that are not freed yet: runtime_stop() waits for the last, and names those that
     * hold on. A lock, because a thread has to sleep until then. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct list living;
    bool stopped;
    bool has_left;      /* the keeper's: the last publication was made */
    unsigned held;      /* what runtime_stop() returned */
    atomic_uint taking; /* loops that still take calls, while the runtime stops */
    struct job leave;   /* [keeper] the last publication: nothing */
    struct job prepare; /* [loader] the transport, before the first plugin is loaded */
    atomic_bool is_prepared;

    struct runtime_loop loops[];
};

/* What the keeper is about to change. */
struct change {
    struct config *config;        /* a new one, or that of this moment */
    struct config_faults *faults; /* of a new one; NULL: what is a fault stays as it was */
    const struct plugin_file *only; /* reload this one, and touch no other; or NULL */
    harborai_error *kept;           /* without faults: why the first of those is kept that cannot be
                                       had as they are now; code 0 = there is none */
    size_t *left_out;             /* with faults: how many of them are providers whose plugin cannot be
                                     used, nor could before */
};

/* --- prepare.c --- */
/* Makes or keeps the slot of each provider that is wanted after the change; marks them `wanted`. Those
 * that are faults go to `faults`, and it goes on. */
MUST_CHECK harborai_status providers_prepare(struct runtime *runtime, const struct change *change,
                                             harborai_error *error);

/* --- provider.c --- */
/* A new one, at the end of runtime->providers, `wanted`; the runtime's. `why_off`: why nobody can
 * reach it; empty = everybody can. */
MUST_CHECK harborai_status provider_make(struct runtime *runtime,
                                         const struct provider_options *spec,
                                         const struct target *target, harborai_str ca_file,
                                         const char *why_off, struct runtime_provider **ret_made,
                                         harborai_error *error);
void provider_free(struct runtime_provider *p); /* whose slot is gone, or was never made */
/* One that is just what is meant, or NULL. The heir of a provider goes before it: it may be the same,
 * made anew. */
struct runtime_provider *provider_find_same(struct runtime *runtime, const struct provider *spec,
                                            const struct target *target, harborai_str ca_file,
                                            const char *why_off, bool even_if_failed);
/* Whether one that serves is of that very file. */
bool provider_is_any_of(const struct runtime *runtime, const char *path,
                        const struct file_identity *identity);
/* Whether the plugin that is in this file, or was, made it. */
bool provider_is_of(const struct runtime_provider *p, const struct plugin_file *file);

/* --- kept.c --- */
/* Those of this name that serve and that nobody wants yet stay `wanted`, as they were; `why` they
 * cannot be had as they are to be. Unless their file is gone. */
void kept_add_named(struct runtime *runtime, const struct change *change, harborai_str name,
                    const harborai_error *why);
/* Likewise those of a file that is refused now. */
void kept_add_of_file(struct runtime *runtime, const struct plugin_file *file);
/* One that was switched off before its file was taken away stays, without anything loaded: who asks
 * for its models is still told why. */
void kept_add_switched_off(struct runtime *runtime);
/* Those that nobody wants because their file is not there any more: in place of each comes one that
 * nobody can reach. */
MUST_CHECK harborai_status kept_replace_removed(struct runtime *runtime, harborai_error *error);

/* --- refused.c --- */
void refused_warn_of_trust(const struct runtime *runtime, const struct config *config);
/* What is not used, but for what was not before (NULL: all). */
void refused_log(const struct runtime *runtime, const struct plugin_catalog *before);

/* --- replace.c --- */
/* The order of a new configuration. First what is wanted is shown, to see whether it is sound; then
 * what can be: false, the same. When that was published, and a grace period has passed, the rest is
 * begun and those that nobody wants leave; or else what was made for it alone goes. [keeper] */
void providers_show_wanted(struct runtime *runtime);
bool providers_show_possible(struct runtime *runtime);
/* `order`: who waits for the heirs, or NULL. `is_configured`: by a new configuration. */
void providers_commit(struct runtime *runtime, struct runtime_order *order, bool is_configured);
void providers_give_up(struct runtime *runtime);
/* An heir that failed: a new order may want it anew. */
bool provider_awaits_retry(const struct runtime_provider *p);
/* Whether it serves on as it was for another reason than before, or now only. */
bool provider_is_kept_for_another(const struct runtime_provider *p, enum plugin_stage stage,
                                  const harborai_error *why);
/* No map leads to any: they all leave. [keeper] */
void providers_leave(struct runtime *runtime);
/* Those heirs whose time it is. [keeper] */
void providers_retry(struct reminder *retry);

/* --- listing.c --- */
MUST_CHECK harborai_status listing_create(struct runtime *runtime,
                                          struct runtime_listing **ret_listing,
                                          harborai_error *error); /* [keeper] */

/* --- order.c --- */
/* One of those that the order waits for is settled; NULL: well. [keeper] */
void order_settle(struct runtime_order *order, const harborai_error *error);
/* The known file of the plugin that is to be reloaded; else an error that says why there is none. */
MUST_CHECK harborai_status order_find(const struct runtime_order *order,
                                      const struct plugin_file **ret_file, harborai_error *error);
/* Says what is about to be done with it: of what is shown. */
void order_describe(struct runtime_order *order, const struct plugin_file *file);

/* --- removals.c --- */
/* While plugins are being removed: looks whether that goes on. [keeper] */
void removals_init(struct runtime *runtime); /* [init] */
void removals_watch(struct runtime *runtime);

/* --- order_switch.c --- */
/* Finds in `world` what is meant, and writes it to plugins.json. E_NOT_FOUND, E_INVALID: nothing was
 * meant that can be switched; else why it cannot be written. */
struct subject_world;
MUST_CHECK harborai_status order_switch(struct runtime_order *order,
                                        const struct subject_world *world, harborai_error *error);

/* --- secrets.c --- */
/* Those of `config` and of all providers that are not freed yet. [keeper] */
MUST_CHECK harborai_status secrets_gather(struct runtime *runtime, const struct config *config,
                                          struct secrets **ret_secrets, harborai_error *error);

/* --- models.c --- */
/* Of the providers that are shown. `is_interim`: these are not those that the aliases of `config`
 * were checked with. [keeper] */
MUST_CHECK harborai_status models_build(const struct runtime *runtime, const struct config *config,
                                        bool is_interim, struct config_faults *faults,
                                        struct model_map **ret_map, harborai_error *error);

/* --- switch.c --- */
/* Who switched a provider off, or what its plugin has done, as an owned text of error messages: empty =
 * nobody. [keeper] */
MUST_CHECK harborai_status switch_explain(const struct runtime *runtime,
                                          const struct provider *provider, char **ret_why,
                                          harborai_error *error);
/* What of such a text clients over HTTP may know: who and since when, and no path. [any] */
harborai_str switch_told(harborai_str why);
/* The models that are switched off, there and by `config`, in `arena`. [keeper] */
MUST_CHECK harborai_status switch_list_models(const struct runtime *runtime,
                                              const struct config *config, struct arena *arena,
                                              const struct model_map_off **ret_off,
                                              size_t *ret_count, harborai_error *error);

/* --- crash.c --- */
/* provider_services.enter: marks what the plugin is about to do. [job] */
void crash_enter(const struct provider_services *services, const struct provider *provider,
                 enum plugin_stage stage);
/* The mark of a process that died with this file, unless it serves here; NULL = none. [keeper] */
const struct crash *crash_find(const struct runtime *runtime, const char *path,
                               const struct manifest *manifest,
                               const struct file_identity *identity);
void crash_log(struct runtime *runtime); /* of what is left out. [keeper] */

/* --- services.c --- */
void services_init(struct runtime_provider *p);
void services_cancel_tick(struct runtime_provider *p);

/* --- segments.c --- */
void segments_start(struct runtime *runtime); /* What fails is told to the log. [init] */
void segments_set(struct runtime *runtime, const struct config *config); /* [keeper] */

/* --- subscribers.c --- */
void journal_subscriber_init(struct journal_subscriber *j, struct loop *loop,
                             const struct snapshot *config, struct metrics_shard *metrics,
                             const struct log *log);
/* [init or loop] The settings of this moment; each commit takes them by itself. */
void journal_subscriber_use(struct journal_subscriber *j, const struct config *config);
/* How many lines are lost. */
uint64_t journal_subscriber_release(struct journal_subscriber *j);
void metrics_subscriber_init(struct metrics_subscriber *m, struct metrics_shard *shard);

/* --- keeper.c --- */
/* Publishes a map of the providers that are shown, under the configuration of this moment. After it
 * no loop can see what was before. [keeper] */
MUST_CHECK harborai_status keeper_publish_models(struct runtime *runtime, harborai_error *error);
/* [keeper] or [init]; `faults` may be NULL. */
MUST_CHECK harborai_status keeper_apply(struct runtime *runtime, struct config *config,
                                        struct config_faults *faults, harborai_error *error);
/* A RESCAN or a RELOAD. Each heir that comes of it is settled later, if `order->pending` says that
 * there are some. [keeper] */
MUST_CHECK harborai_status keeper_rescan(struct runtime *runtime, struct runtime_order *order,
                                         harborai_error *error);
/* A SWITCH, likewise. [keeper] */
MUST_CHECK harborai_status keeper_switch(struct runtime *runtime, struct runtime_order *order,
                                         harborai_error *error);

#endif
