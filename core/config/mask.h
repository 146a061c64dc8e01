/* SPDX-License-Identifier: MIT */
/* Secrets where nobody declared them: in the options of a plugin, which only the plugin knows. In
 * doubt a value is one, for what is shown gets pasted into reports. [any] */
#ifndef CONFIG_MASK_H
#define CONFIG_MASK_H

#include "config/node.h"

/* Whether a name speaks of a key, a token, a password or the like, however it is spelt: "apiKey",
 * "X-Api-Key", "CLIENT_SECRET". */
bool mask_is_secret_name(harborai_str name);

/* Puts "***" in place of what may be secret below `node`: what a secret name stands for, texts that
 * name one or look like one, what came from a variable of such a name, and what stands before the
 * '@' of an address. New texts are in `arena`. False: no memory left. */
MUST_CHECK bool mask_tree(struct node *node, struct arena *arena);

/* Whether mask_tree() has put nothing but its sign there. */
bool mask_is_hidden(const struct node *node);

#endif
