/* SPDX-License-Identifier: MIT */
/* Which plugin, and which of its presets, a provider of the configuration means. [keeper] */
#ifndef RUNTIME_PRESET_H
#define RUNTIME_PRESET_H

#include "config/config.h"
#include "plugin/discover.h"

/* *ret_preset is NULL where none is meant. E_CONFIG, with the way out: no plugin of that name, none
 * with that preset, or more than one. Both are borrowed from `catalog`. */
MUST_CHECK harborai_status preset_choose(const struct plugin_catalog *catalog,
                                         const struct config_provider *spec,
                                         const struct plugin_file **ret_file,
                                         const struct manifest_preset **ret_preset,
                                         harborai_error *error);

/* Where a fault of that choice stands in the configuration. */
struct config_place preset_place(const struct config_provider *spec);

/* Whether the provider is one of that plugin. */
bool preset_uses(const struct plugin_catalog *catalog, const struct config_provider *spec,
                 const struct plugin_file *file);

#endif
