/* SPDX-License-Identifier: MIT */
/* Money: int64 pico-units (10^-12) of a currency. 1 USD for 10^6 tokens is 1,000,000 pico-dollars a
 * token, so every published list price is exact; the most that fits is about 9.2 million units.
 * No floating point, no rounding: what cannot be said exactly is refused. [any] */
#ifndef PRICING_MONEY_H
#define PRICING_MONEY_H

#include <stdint.h>

#include "base/attr.h"
#include "base/slice.h"

#define MONEY_PICO INT64_C(1000000000000)
#define MONEY_TEXT 24 /* bytes for money_print(), with the NUL */

/* The exact decimal, without trailing zeros: 540013821500 is "0.5400138215", 0 is "0". Returns the
 * length. */
size_t money_print(int64_t pico, char text[static MONEY_TEXT]);

/* Three capitals as of ISO 4217. RMB is written CNY: two names of one currency. E_INVALID: it is no
 * such code. `ret_currency` gets the code and a NUL. */
MUST_CHECK harborai_status money_currency(harborai_str text, char ret_currency[static 8],
                                          harborai_error *error);

#endif
