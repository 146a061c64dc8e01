/* SPDX-License-Identifier: MIT */
/* What was said until now, in turns. */
#ifndef CLI_CONVERSATION_H
#define CLI_CONVERSATION_H

#include <harborai/harborai.h>

#include "base/attr.h"
#include "base/buf.h"

struct conversation_turn {
    const char *role;
    char *text; /* owned */
};

struct conversation {
    char *system; /* owned; NULL: none */
    struct conversation_turn *turns;
    size_t count, capacity;
};

void conversation_release(struct conversation *c); /* a zeroed one too */
void conversation_clear(struct conversation *c);   /* the system text stays */

/* Copies. E_MEMORY. */
MUST_CHECK harborai_status conversation_add(struct conversation *c, const char *role,
                                            harborai_str text);
MUST_CHECK harborai_status conversation_set_system(struct conversation *c,
                                                   harborai_str text); /* "": none */

/* Takes the last turn away. */
void conversation_drop(struct conversation *c);

/* The request that goes on with it; owned. NULL: no memory. */
harborai_body *conversation_body(const struct conversation *c, const char *model);

#endif
