/* SPDX-License-Identifier: MIT */
/* Numbers of JSON as they are written, of any length: compared by their digits, so that nothing is
 * rounded. The texts are numbers that json_scan() has found good. [any] */
#ifndef WIRE_JSON_NUMBER_H
#define WIRE_JSON_NUMBER_H

#include <stdbool.h>

#include <harborai/types.h>

/* Less than 0: `a` is the smaller one; 0: equal, as 1e2 and 100.0 are. */
int json_number_compare(harborai_str a, harborai_str b);

/* 100.0 and 1e2 are, 1.5 is not. */
bool json_number_is_whole(harborai_str number);

#endif
