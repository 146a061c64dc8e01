/* SPDX-License-Identifier: MIT */
/* The content blocks of an answer, one after the other. Private to events.c and blocks.c. */
#ifndef ANTHROPIC_BLOCKS_H
#define ANTHROPIC_BLOCKS_H

#include "plugins/anthropic/events.h"

/* A block begins; what was open was stopped. */
void blocks_start(harborai_call *call, struct events *e, harborai_str block);
void blocks_add(harborai_call *call, struct events *e, harborai_str delta);
/* The open block, if there is one, is whole. */
void blocks_stop(harborai_call *call, struct events *e);

/* events.c: ends the call as failed. */
void events_fail(harborai_call *call, struct events *e, harborai_status code, const char *message);

#endif
