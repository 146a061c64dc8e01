/* SPDX-License-Identifier: MIT */
/* Loaded shared objects. One file is loaded once, however many providers use it; a new file of the
 * same path is loaded beside the old one. Everything here runs foreign code (constructors, query,
 * unload) and is for one thread, the loader's; no lock is held meanwhile. */
#ifndef PLUGIN_OBJECT_H
#define PLUGIN_OBJECT_H

#include <harborai/plugin.h>

#include "base/attr.h"
#include "plugin/builtin.h"
#include "plugin/manifest.h"
#include "plugin/stage.h"
#include "plugin/trust.h"

struct plugin_loader;

/* Immutable while the reference is held. */
struct plugin_object {
    harborai_plugin table; /* as much as the plugin has, the rest zero: a younger member is NULL */
    uint64_t generation;   /* the how manieth object of this process it is, from 1 on */
};

/* [init] */
MUST_CHECK harborai_status plugin_loader_create(struct plugin_loader **ret_loader,
                                                harborai_error *error);
/* Objects that are still mapped stay so until the process ends. [any, after the last job] */
void plugin_loader_destroy(struct plugin_loader *loader);

/* Where plugins are that are built in; borrowed. Without it there are none. [init] */
void plugin_loader_set_builtin(struct plugin_loader *loader, const struct builtin_plugins *builtin);

/* How often dlopen() was called, for the metrics. [any] */
uint64_t plugin_loader_count(const struct plugin_loader *loader);

/* Is told what of the plugin's own is about to run: DLOPEN (its constructors), SYMBOL (its query
 * function), UNLOAD. Not if the object is there already, or stays. */
struct plugin_watcher {
    void (*enter)(const struct plugin_watcher *watcher, enum plugin_stage stage);
};

/* Loads what discovery found at `path`; what is built in is there already, and its table is asked for.
 * *ret_object is a reference for plugin_object_close().
 * E_CONFIG or E_UNSUPPORTED, and *ret_stage, which is written on failure only: the file is not the
 * one that was checked, cannot be loaded, or its table is wrong. [job: loader] */
MUST_CHECK harborai_status plugin_object_open(struct plugin_loader *loader, const char *path,
                                              const struct file_identity *identity,
                                              const struct manifest *manifest,
                                              const struct plugin_watcher *watcher,
                                              const struct plugin_object **ret_object,
                                              enum plugin_stage *ret_stage, harborai_error *error);

/* Every provider that used the reference is destroyed. With the last one the object is unmapped, if
 * it says by its `unload` that it can be; else it stays, and is used again. What is built in stays, and
 * has no `unload` in its table here. [job: loader] */
void plugin_object_close(struct plugin_loader *loader, const struct plugin_object *object,
                         const struct plugin_watcher *watcher);

#endif
