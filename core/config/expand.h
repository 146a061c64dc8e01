/* SPDX-License-Identifier: MIT */
/* Variables in values, after parsing: what a variable holds is never read as YAML.
 *     ${VAR}  ${VAR:-default}  ${VAR:?message}  $$ (a dollar sign)
 * Default and message reach to the next '}'; they take effect where VAR is unset or empty. A '$'
 * before anything else is itself. */
#ifndef CONFIG_EXPAND_H
#define CONFIG_EXPAND_H

#include "config/environment.h"
#include "config/node.h"

#define EXPANDED_MAX ((size_t)256 << 10) /* of one value; a variable has at most half */

enum expansion_outcome {
    EXPANSION_DONE,
    EXPANSION_UNSET,    /* ${VAR}, and VAR is not set */
    EXPANSION_REQUIRED, /* ${VAR:?message}, and VAR is not set or empty */
    EXPANSION_BROKEN,   /* what was written means nothing */
    EXPANSION_TOO_LONG  /* beyond the ceiling of `out` */
};

struct expansion {
    enum expansion_outcome outcome;
    harborai_str variable; /* DONE: the first one that was named, or empty; else the culprit */
    harborai_str message;  /* REQUIRED: the operator's; BROKEN: what is wrong. Borrowed */
    bool is_secret;        /* DONE: a variable's name speaks of a key: see mask.h */
};

/* Appends `text` expanded to `out`, which keeps its failures. Slices of the result are borrowed
 * from `text`. */
struct expansion expand_text(const struct environment *environment, harborai_str text,
                             struct buf *out);

/* Adds the fault that tells of an expansion that is not DONE. */
void expand_add_fault(struct config_faults *faults, struct config_place place,
                      const struct expansion *expansion);

/* Expands every scalar below `node` that is not expanded yet; what cannot be becomes a fault, one
 * for each. A plain scalar then has the kind of its new text; a quoted one stays a string. */
MUST_CHECK harborai_status expand_tree(const struct environment *environment, struct node *node,
                                       struct arena *arena, struct config_faults *faults,
                                       harborai_error *error);

#endif
