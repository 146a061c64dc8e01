/* SPDX-License-Identifier: MIT */
/* Finds the row of a price table. It tells prices as they are listed and multiplies nothing: the
 * host does that, exactly. */
#include "price_table.h"

#include <stdbool.h>

/* Byte by byte: nearly all differ within the first few. */
static bool matches(const char *pattern, harborai_str name)
{
    for (size_t i = 0;; i++) {
        if (pattern[i] == '*' && pattern[i + 1] == '\0')
            return true;
        if (i == name.len || pattern[i] == '\0')
            return i == name.len && pattern[i] == '\0';
        if (pattern[i] != name.data[i])
            return false;
    }
}

static inline bool name_matches(const char *pattern, harborai_str name)
{
    if (name.len > 0 && pattern[0] != name.data[0])
        return pattern[0] == '*' && pattern[1] == '\0';
    return matches(pattern, name);
}

static bool has_model(const struct price_row *row, harborai_str model)
{
    for (const char *const *name = row->names; *name != NULL; name++)
        if (name_matches(*name, model))
            return true;
    return false;
}

static const struct price_tier *tier_of(const struct price_row *row, harborai_str tier)
{
    if (tier.len == 0)
        tier = HARBORAI_STR("standard");
    for (const struct price_tier *t = row->tiers; t->name != NULL; t++)
        if (harborai_str_equal(tier, t->name))
            return t;
    return NULL;
}

/* ---- Hours ----------------------------------------------------------------------------------- */

enum { DAY_S = 86400 };

static bool is_open_on(const struct price_window *window, int64_t day)
{
    int64_t weekday = ((day + 3) % 7 + 7) % 7; /* day 0, in 1970, was a Thursday */
    if ((window->weekdays >> weekday & 1) == 0)
        return false;
    for (const int32_t *off = window->days_off; *off <= day && *off != INT32_MAX; off++)
        if (*off == day)
            return false;
    return true;
}

/* Whether the moment is in the window. *ret_until_s: until when that holds at least. */
static bool is_within(const struct price_window *window, int64_t at_s, int64_t *ret_until_s)
{
    int64_t day = at_s / DAY_S - (at_s % DAY_S < 0), begin_s = day * DAY_S;
    *ret_until_s = begin_s + DAY_S;
    if (!is_open_on(window, day))
        return false;
    for (const struct price_hours *h = window->hours; h->from_s < h->until_s; h++) {
        if (at_s >= begin_s + h->until_s)
            continue;
        bool is_in = at_s >= begin_s + h->from_s;
        *ret_until_s = begin_s + (is_in ? h->until_s : h->from_s);
        return is_in;
    }
    return false;
}

/* ---- The look-up ----------------------------------------------------------------------------- */

/* Whether the row is for such a request, whatever the hour. */
static bool is_for(const struct price_row *row, const harborai_price_query *query)
{
    return query->at_unix_s >= row->from_s && query->at_unix_s < row->until_s &&
           query->input_tokens > row->input_above && query->output_tokens > row->output_above;
}

static void fill(const struct price_table *table, const struct price_row *row,
                 const struct price_tier *tier, int64_t until_s, harborai_price *price)
{
    uint32_t size = price->size;
    memset(price, 0, sizeof *price);
    price->size = size;
    memcpy(price->currency, table->currency, sizeof price->currency);
    for (int i = 0; i < PRICE_TABLE_COLUMNS; i++) {
        if (row->pico[i] < 0)
            continue;
        price->known_mask |= 1u << table->columns[i];
        price->per_unit[table->columns[i]] = row->pico[i];
    }
    if (row->until_s < until_s)
        until_s = row->until_s;
    price->valid_until_unix_s = until_s == INT64_MAX ? 0 : until_s - 1;
    price->scale_num = tier->num;
    price->scale_den = tier->den;
}

harborai_status price_table_find(const struct price_table *table,
                                 const harborai_price_query *query, harborai_price *price,
                                 harborai_error *error)
{
    bool is_known = false;
    int64_t until_s = INT64_MAX;
    const char *const *others = NULL; /* names of the row before, of which none is this model's */
    if (price->size < sizeof *price)
        return harborai_error_set(error, HARBORAI_E_INVALID, "harborai_price is too small");
    for (size_t i = 0; i < table->row_count; i++) {
        const struct price_row *row = &table->rows[i];
        const struct price_tier *tier;
        if (row->names == others)
            continue;
        if (!has_model(row, query->model)) {
            others = row->names;
            continue;
        }
        is_known = true;
        tier = tier_of(row, query->service_tier);
        if (tier == NULL || !is_for(row, query))
            continue;
        if (row->window != NULL) {
            int64_t edge_s;
            bool is_in = is_within(row->window, query->at_unix_s, &edge_s);
            until_s = edge_s < until_s ? edge_s : until_s;
            if (!is_in)
                continue;
        }
        fill(table, row, tier, until_s, price);
        return HARBORAI_OK;
    }
    if (is_known)
        return harborai_error_set(error, HARBORAI_E_NOT_FOUND,
                                  "no price for tier '%.*s' at that time",
                                  (int)query->service_tier.len, query->service_tier.data);
    return harborai_error_set(error, HARBORAI_E_NOT_FOUND, "no price for model '%.*s'",
                              (int)query->model.len, query->model.data);
}
