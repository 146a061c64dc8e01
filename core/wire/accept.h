/* SPDX-License-Identifier: MIT */
/* What a client takes: the Accept header of RFC 9110, 12.5.1. [any] */
#ifndef WIRE_ACCEPT_H
#define WIRE_ACCEPT_H

#include "base/slice.h"

enum { ACCEPT_MOST = 1000 };

/* How much it wants that type, in thousandths; 0: it does not, or does not name it. Of several elements
 * that name it the first counts. One with another `version` is another type; '*' names none. */
unsigned accept_quality(harborai_str accept, const char *type, const char *version);

#endif
