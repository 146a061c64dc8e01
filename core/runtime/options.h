/* SPDX-License-Identifier: MIT */
/* The options of providers, as their plugins' manifests have them. [keeper] */
#ifndef RUNTIME_OPTIONS_H
#define RUNTIME_OPTIONS_H

#include "config/node.h"
#include "plugin/provider.h"

/* Adds what is wrong with p->config by the manifest's config_schema, each fault at its place in
 * `written`, the options as the operator wrote them (NULL: none); what stands there not is at
 * `otherwise`. Runs nothing of the plugin's. */
void options_check(const struct provider *p, const struct node *written,
                   struct config_place otherwise, struct config_faults *faults);

#endif
