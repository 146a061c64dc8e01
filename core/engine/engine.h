/* SPDX-License-Identifier: MIT */
/* The engine of one loop: the calls that it runs, and what they need from the rooms below. Built
 * and taken down by the runtime. */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include <harborai/plugin.h>

#include "base/attr.h"
#include "base/log.h"
#include "base/once.h"
#include "base/snapshot.h"
#include "loop/jobs.h"
#include "loop/loop.h"

struct engine_loop;
struct fanout;
struct replay_store;
struct transport;

/* What the runtime lends to the engine of one loop; everything outlives it. */
struct engine_services {
    struct loop *loop;
    const struct snapshot *config; /* struct config */
    const struct snapshot *models; /* struct model_map */
    const struct snapshot *secrets; /* struct secrets: of the configuration and its providers */
    struct jobs *translators;      /* chat() of large requests */
    struct jobs *maskers;          /* of what was asked and answered, for the record */
    struct transport *transport;
    const struct fanout *fanout;   /* who is told of calls */
    struct replay_store *replays;  /* NULL: nothing is kept between turns */
    const struct log *log;
    struct once *dropped;          /* what the log was told of members that are left out */
};

/* Copies `services`. Installs itself as the loop's commit hook. */
MUST_CHECK harborai_status engine_loop_create(const struct engine_services *services,
                                              struct engine_loop **ret_engine,
                                              harborai_error *error);
/* Every call must have been released: see engine_loop_is_idle(). */
void engine_loop_destroy(struct engine_loop *engine);

/* The id of the plugin whose function runs on this thread, in a call; NULL = none does. [any,
 * async-signal-safe] */
const char *engine_running_plugin(void);

/* [loop] Ends every call with E_CANCELLED; their records are committed in this pass. */
void engine_loop_break_off(struct engine_loop *engine);
/* [loop] No call runs, and no plugin holds one. */
bool engine_loop_is_idle(const struct engine_loop *engine);

/* [loop] Whether a call that began now would be refused, since it could not be recorded; `why` is for
 * its client. */
bool engine_loop_refuses(const struct engine_loop *engine, const char **ret_why);

/* [loop] No map leads to the slot any more: its calls end within limit_ms, or are broken off. */
struct slot;
void engine_loop_drain(struct engine_loop *engine, const struct slot *slot, int64_t limit_ms);

/* [loop] How many calls go on without their client. */
unsigned engine_loop_left(const struct engine_loop *engine);
/* [loop] Breaks these off. */
void engine_loop_break_off_left(struct engine_loop *engine);

/* [any] How many calls wait for their plugin to be loaded. */
unsigned engine_loop_waiting(const struct engine_loop *engine);

struct loop *engine_loop_of(const struct engine_loop *engine);

/* The functions of harborai_host that are about a call; the members that belong to a provider are
 * NULL. The runtime joins both. */
extern const harborai_host engine_call_functions;

#endif
