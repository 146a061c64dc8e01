/* SPDX-License-Identifier: MIT */
/* Names in a path, and values behind its '?'. */
#ifndef SERVER_PERCENT_H
#define SERVER_PERCENT_H

#include "base/buf.h"

/* Adds the bytes that a percent-encoded text stands for. False: a '%' without its two digits, or no
 * room. [any] */
bool percent_decode(harborai_str text, struct buf *out);

/* The same of a form's value, in which a '+' is a blank. */
bool percent_decode_form(harborai_str text, struct buf *out);

#endif
