/* SPDX-License-Identifier: MIT */
/* What a usage costs by a tariff: the exact sum, multiplied by the tariff's scale, rounded half to
 * even, once. What cannot be known is unknown with a reason, never 0. [any]
 *
 * A class is priced by its own price. Two have a fallback, because vendors bill them so when they
 * name no price: reasoning and rejected prediction tokens are output. No other price is guessed. */
#ifndef PRICING_TARIFF_H
#define PRICING_TARIFF_H

#include <stdbool.h>

#include <harborai/plugin.h>

#include "base/attr.h"

/* Why a cost is unknown: code, and its stable name in records. */
#define TARIFF_REASONS(X)                                                                          \
    X(TARIFF_KNOWN, "")                                                                            \
    X(TARIFF_NO_USAGE, "no_usage")         /* nothing was counted */                               \
    X(TARIFF_NO_PRICE, "no_price")         /* no source has a price for the model and tier */      \
    X(TARIFF_CLASS_NO_PRICE, "class_no_price") /* … for a class of usage that was counted */       \
    X(TARIFF_BAD_PRICE, "bad_price")       /* the tariff contradicts the interface */              \
    X(TARIFF_BAD_USAGE, "bad_usage")       /* a negative count */                                  \
    X(TARIFF_TOO_LARGE, "too_large")       /* more than int64 pico-units */

#define TARIFF_CODE_(code, name) code,
enum tariff_reason { TARIFF_REASONS(TARIFF_CODE_) TARIFF_REASON_COUNT };

struct tariff_sum {
    enum tariff_reason reason; /* TARIFF_KNOWN, or why the rest does not hold */
    int usage_class;           /* with TARIFF_CLASS_NO_PRICE: HARBORAI_TOKENS_…; else -1 */
    int64_t pico;
};

struct tariff_sum tariff_sum_of(const harborai_price *price, const harborai_usage *usage);

/* "class_no_price" …; "" for TARIFF_KNOWN. */
const char *tariff_reason_name(enum tariff_reason reason);

#endif
