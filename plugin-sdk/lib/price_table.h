/* SPDX-License-Identifier: MIT */
/* A table of list prices, compiled into a plugin, and the look-up that harborai_plugin.pricing
 * needs. `pricing/generate` writes such tables from a price book. Pure, no allocation.
 *
 * Compiled into whoever uses it and hidden there; not part of the ABI. All functions are [any]. */
#ifndef SDK_PRICE_TABLE_H
#define SDK_PRICE_TABLE_H

#include <harborai/plugin.h>

#pragma GCC visibility push(hidden)

enum { PRICE_TABLE_COLUMNS = 14 };

/* A service tier and what it multiplies the sum by. */
struct price_tier {
    const char *name;
    int32_t num, den;
};

/* Hours of the week, by UTC, that have prices of their own. */
struct price_hours {
    int32_t from_s, until_s; /* of the day: from <= moment < until */
};
struct price_window {
    uint32_t weekdays;               /* bit 0 = Monday */
    const struct price_hours *hours; /* ascending, up to one that is empty */
    const int32_t *days_off;         /* holidays, days since 1970; ascending, up to INT32_MAX */
};

struct price_row {
    const char *const *names;          /* up to NULL; the last character of a name may be `*` */
    const struct price_tier *tiers;    /* up to a NULL name */
    const struct price_window *window; /* NULL = at any hour */
    int64_t from_s, until_s; /* since 1970 UTC: from <= moment < until */
    int64_t input_above, output_above; /* for requests with more such tokens; -1 = for all */
    int64_t pico[PRICE_TABLE_COLUMNS]; /* per unit, by table->columns; -1 = not priced */
};

struct price_table {
    const struct price_row *rows; /* the first that fits holds */
    size_t row_count;
    char currency[8];
    uint8_t columns[PRICE_TABLE_COLUMNS]; /* HARBORAI_TOKENS_… or HARBORAI_UNITS_… */
};

/* What `query` costs. No service tier means "standard". price->valid_until_unix_s is the last second
 * before a date or an hour at which that may change. E_NOT_FOUND: the table has no price for that
 * model, tier and moment; E_INVALID: `price` is smaller than the ABI says. */
harborai_status price_table_find(const struct price_table *table,
                                 const harborai_price_query *query, harborai_price *price,
                                 harborai_error *error);

#pragma GCC visibility pop
#endif
