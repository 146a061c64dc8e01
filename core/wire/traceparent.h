/* SPDX-License-Identifier: MIT */
/* The traceparent header of W3C Trace Context, level 1. [any] */
#ifndef WIRE_TRACEPARENT_H
#define WIRE_TRACEPARENT_H

#include <stdbool.h>

#include "base/slice.h"

enum { TRACEPARENT_LEN = 55, TRACEPARENT_SAMPLED = 1 };

struct traceparent {
    char trace_id[33]; /* lower-case hex, NUL-terminated, never all zero; as ids_trace() makes it */
    char parent_id[17];
    uint8_t flags; /* TRACEPARENT_SAMPLED; others are not passed on */
};

/* False: malformed, all zero, upper case, or version ff; then a new trace begins. A version younger
 * than 00 may have more behind the flags, which is ignored. */
bool traceparent_parse(harborai_str text, struct traceparent *ret_parent);

/* Version 00; NUL-terminated. */
void traceparent_format(const struct traceparent *parent, char text[static TRACEPARENT_LEN + 1]);

#endif
