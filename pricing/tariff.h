/* SPDX-License-Identifier: MIT */
/* What a usage costs by a tariff: the exact sum, multiplied by the tariff's scale, rounded half to
 * even, once. What cannot be known is unknown with a reason, never 0. [any]
 *
 * A class is priced by its own price. Two have a fallback, because vendors bill them so when they
 * name no price: reasoning and rejected prediction tokens are output. No other price is guessed. */
#ifndef PRICING_TARIFF_H
#define PRICING_TARIFF_H

#include <harborai/types.h>

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

/* The prices of one model, tier and moment, from whatever source; as harborai_price, but that the
 * pricing room knows no plugins. */
struct tariff {
    char currency[8];                         /* ISO 4217 */
    uint32_t known_mask;                       /* bit c: per_unit[c] holds */
    int64_t per_unit[HARBORAI_USAGE_CLASSES];  /* pico, as all here */
    int64_t per_request;
    int32_t scale_num, scale_den;              /* of the sum; 0 and 0 = 1 */
};

struct tariff_sum {
    enum tariff_reason reason; /* TARIFF_KNOWN, or why the rest does not hold */
    int usage_class;           /* with TARIFF_CLASS_NO_PRICE: HARBORAI_TOKENS_…; else -1 */
    int64_t pico;
    int64_t pico_output; /* of it what was produced; the rest is what was sent and what it took */
};

struct tariff_sum tariff_sum_of(const struct tariff *tariff, const harborai_usage *usage);

/* "class_no_price" …; "" for TARIFF_KNOWN. */
const char *tariff_reason_name(enum tariff_reason reason);

#endif
