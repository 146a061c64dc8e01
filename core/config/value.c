/* SPDX-License-Identifier: MIT */
/* Units of time and size, both ways. */
#include "config/value.h"

#include <inttypes.h>

#include "base/attr.h"

struct unit {
    const char *name;
    int64_t factor;
};

/* Each table from its largest unit to its smallest: what is formatted takes the first exact one. */
static const struct unit durations[] = {
    {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}, {NULL, 0}};
static const struct unit sizes[] = {
    {"GiB", INT64_C(1) << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}, {NULL, 0}};

static size_t number_len(harborai_str text)
{
    size_t len = 0;
    while (len < text.len &&
           ((text.data[len] >= '0' && text.data[len] <= '9') || text.data[len] == '.'))
        len++;
    return len;
}

static int64_t factor_of(const struct unit *units, harborai_str name, int64_t without)
{
    if (name.len == 0)
        return without;
    for (; units->name != NULL; units++)
        if (slice_is(name, units->name))
            return units->factor;
    return 0;
}

/* 1.5 times 60000: the fraction has at most 6 digits, and the product must be whole. */
static bool multiply(harborai_str number, int64_t factor, int64_t *ret_product)
{
    harborai_str whole_text, fraction_text;
    uint64_t whole, fraction = 0;
    int64_t scale = 1;

    bool has_point = slice_split(number, '.', &whole_text, &fraction_text);
    if (!slice_to_u64(whole_text, &whole) || whole > (uint64_t)(INT64_MAX / factor - 1))
        return false;
    if (has_point && (fraction_text.len > 6 || !slice_to_u64(fraction_text, &fraction)))
        return false;
    for (size_t i = 0; i < fraction_text.len; i++)
        scale *= 10;
    if ((int64_t)fraction * factor % scale != 0)
        return false;
    *ret_product = (int64_t)whole * factor + (int64_t)fraction * factor / scale;
    return true;
}

static bool parse(harborai_str text, const struct unit *units, int64_t without, int64_t *ret_value)
{
    size_t len = number_len(text);
    int64_t factor = factor_of(units, slice_trim(slice_from(text, len)), without);
    return factor != 0 && multiply(slice_cut(text, len), factor, ret_value);
}

bool value_parse_duration_ms(harborai_str text, int64_t *ret_ms)
{
    return parse(text, durations, 1000, ret_ms);
}

bool value_parse_size(harborai_str text, int64_t *ret_bytes)
{
    return parse(text, sizes, 1, ret_bytes);
}

static void format(int64_t value, const struct unit *units, char *text, size_t size)
{
    while (units[1].name != NULL && (value == 0 || value % units->factor != 0))
        units++;
    snprintf(text, size, "%" PRId64 "%s", value / units->factor, units->name);
}

void value_format_duration_ms(int64_t ms, char *text, size_t size)
{
    if (ms == 0)
        snprintf(text, size, "0s");
    else
        format(ms, durations, text, size);
}

void value_format_size(int64_t bytes, char *text, size_t size)
{
    format(bytes, sizes, text, size);
}
