/* SPDX-License-Identifier: MIT */
/* What a running runtime is told to do. Orders are done by the keeper, one after the other, but none
 * waits for a plugin: one whose providers are still being loaded is done when the last of them is
 * settled, and others are taken meanwhile. */
#ifndef RUNTIME_ORDER_H
#define RUNTIME_ORDER_H

#include "loop/jobs.h"
#include "runtime/listing.h"
#include "runtime/runtime.h"
#include "store/plugin_state.h"

enum runtime_order_kind {
    RUNTIME_ORDER_APPLY,  /* `config`, as of runtime_apply(): done when it is published */
    RUNTIME_ORDER_RESCAN, /* the plugin directories and plugins.json are read again, the
                             configuration stays. A provider that cannot be had as it is now serves on as it was */
    RUNTIME_ORDER_SWITCH, /* what `name` means is switched off, or on again: that is written to
                             plugins.json, and then as RESCAN, but it waits for no heir */
    RUNTIME_ORDER_LIST,   /* `listing` is made */
    RUNTIME_ORDER_KEYS,   /* keys.json is read again: done when it is in force */
    RUNTIME_ORDER_LOOK,   /* `look` is called: while it runs nothing that is in force changes */
    RUNTIME_ORDER_RELOAD  /* the plugin `name`: its file is looked at again, and its providers are
                             made anew beside those that serve, which go when that has succeeded */
};

/* Lies with who gives it, until done() is called. */
struct runtime_order {
    enum runtime_order_kind kind;
    struct config *config;        /* of APPLY; taken if `status` is OK */
    struct config_faults *faults; /* of APPLY; borrowed; or NULL */
    harborai_str name;            /* of RELOAD, borrowed: a plugin's id or short name, its file's
                                     path, or the name of that. Of SWITCH: as in subject.h */
    bool enabled;                 /* of SWITCH */
    void (*look)(struct runtime *runtime, void *context); /* of LOOK */
    void *context;
    const char *by;               /* of SWITCH: who says so; static */
    void (*done)(struct runtime_order *order); /* [keeper] once */

    /* For done(). */
    harborai_status status; /* E_NOT_FOUND: no such plugin. E_CLOSED: overtaken by another order */
    harborai_error error;   /* code 0 if all is well */
    bool is_refused;        /* nothing was done; else `error` is that of one of several providers */
    struct runtime_listing *listing; /* of LIST: owned by who gave the order; or NULL */
    char text[512];         /* what was done, for people; empty if it was refused */
    enum plugin_state_kind kind_switched; /* of SWITCH: what was meant, */
    char switched[PLUGIN_STATE_NAME_MAX + 1]; /* by its name in plugins.json, */
    bool changed;           /* and whether that says anything else now; */
    enum plugin_state_kind kind_also;         /* what else of that name was switched on; */
    char also[PLUGIN_STATE_NAME_MAX + 1];     /* empty = nothing */
    harborai_error warning;                   /* why what is written down is not in force yet; code 0
                                                 = it is */

    /* The keeper's. */
    struct job job;
    struct runtime *runtime;
    unsigned pending; /* heirs that are being loaded */
};

/* E_MEMORY: there is no thread for it, and done() is not called. [any] */
MUST_CHECK harborai_status runtime_order(struct runtime *runtime, struct runtime_order *order,
                                         harborai_error *error);

#endif
