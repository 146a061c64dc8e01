/* SPDX-License-Identifier: MIT */
/* Whether and how much the model thinks: `thinking` and `output_config` of a request. */
#ifndef ANTHROPIC_THINKING_H
#define ANTHROPIC_THINKING_H

#include <stdbool.h>

#include <harborai/plugin.h>

struct body;

/* Writes `thinking` and `output_config` from reasoning_effort, response_format, and the members of
 * the same names that the application sent; sets b->thinks. The messages were written before. */
harborai_status thinking_write(struct body *b);

#endif
