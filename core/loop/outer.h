/* SPDX-License-Identifier: MIT */
/* A loop as one descriptor of another loop, which is not ours: readable when a pass has something to
 * do, when a timer is due, or while its flag is raised. */
#ifndef LOOP_OUTER_H
#define LOOP_OUTER_H

#include "base/attr.h"
#include "loop/loop.h"

struct outer;

/* Borrows the loop. E_MEMORY: no descriptor is to be had. [any] */
MUST_CHECK harborai_status outer_create(struct loop *loop, struct outer **ret_outer,
                                        harborai_error *error);
void outer_destroy(struct outer *outer); /* accepts NULL */

int outer_descriptor(const struct outer *outer); /* to be polled for input, not read. [any] */

/* Has it become readable when the next timer is due. After each pass. [loop] */
void outer_settle(struct outer *outer);

/* Readable until it is lowered. [one thread at a time] */
void outer_raise(struct outer *outer);
void outer_lower(struct outer *outer);

#endif
