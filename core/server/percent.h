/* SPDX-License-Identifier: MIT */
/* Names in a path. */
#ifndef SERVER_PERCENT_H
#define SERVER_PERCENT_H

#include "base/buf.h"

/* Adds the bytes that a percent-encoded text stands for. False: a '%' without its two digits, or no
 * room. [any] */
bool percent_decode(harborai_str text, struct buf *out);

#endif
