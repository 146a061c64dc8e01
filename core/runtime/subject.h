/* SPDX-License-Identifier: MIT */
/* Whom a name means that an operator gives: a plugin's short name, id or file; a configured
 * provider's name; provider/model, where '*' may stand; or what was switched off and has gone
 * meanwhile. */
#ifndef RUNTIME_SUBJECT_H
#define RUNTIME_SUBJECT_H

#include "base/attr.h"
#include "config/config.h"
#include "plugin/discover.h"
#include "store/plugin_state.h"

struct subject {
    enum plugin_state_kind kind;
    harborai_str name; /* as plugin_state has it: an id, a provider's name, a glob of models; empty: it
                          is not known whose file it is */
    const struct plugin_file *file; /* of the plugin, or of the provider's; NULL: none is found */
};

/* Where it is looked for. */
struct subject_world {
    const struct plugin_catalog *catalog;
    const struct config *config;
    const struct plugin_state *switches;
};

/* E_NOT_FOUND, with the nearest name; E_INVALID: it may be either of two, or is no name. Borrows from
 * `world` and `given`. [any] It may look at a path. */
MUST_CHECK harborai_status subject_find(const struct subject_world *world, harborai_str given,
                                        struct subject *ret_subject, harborai_error *error);

/* The same for plugins and providers alone. */
bool subject_look_up(const struct subject_world *world, harborai_str given,
                     struct subject *ret_subject);

enum { SUBJECT_MOST = 2 }; /* that one name can mean: a plugin and a provider */

/* Of what was found and is to be switched on: everything of that name that was switched off, so that
 * nothing of it stays so; what was found alone, if nothing was. A plugin is always among them, and first:
 * besides its entry there may be marks of its crashes. How many they are. [any] */
size_t subject_list_off(const struct subject_world *world, harborai_str given,
                        const struct subject *found, struct subject to[static SUBJECT_MOST]);

/* Of a provider or model that was switched on: the id of its plugin if that is off still, or left out
 * since a process died in it, and can be switched on; else empty. [any] It may look at a file. */
harborai_str subject_still_off(const struct subject_world *world, const struct subject *subject);

/* Whether it can be switched off, or on again. E_INVALID: it has no name, or another glob than its own
 * disables it. [any] */
MUST_CHECK harborai_status subject_check_switch(const struct subject_world *world,
                                                const struct subject *subject, bool enabled,
                                                harborai_error *error);

/* "plugin", "provider" or "model". */
const char *subject_kind_name(enum plugin_state_kind kind);

#endif
