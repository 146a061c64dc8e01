/* SPDX-License-Identifier: MIT */
/* Tariff times usage. Every step is checked for overflow; must never guess a price and must round
 * in one place only. */
#include "pricing/tariff.h"

#include <stdbool.h>

__extension__ typedef __int128 wide;

static struct tariff_sum unknown(enum tariff_reason reason)
{
    return (struct tariff_sum){.reason = reason, .usage_class = -1};
}

static bool has(uint32_t mask, int usage_class)
{
    return (mask >> usage_class & 1) != 0;
}

/* The class by whose price `usage_class` is billed. */
static int priced_as(const struct tariff *tariff, int usage_class)
{
    bool is_like_output =
        usage_class == HARBORAI_TOKENS_REASONING || usage_class == HARBORAI_TOKENS_PREDICTION_REJECTED;
    return is_like_output && !has(tariff->known_mask, usage_class) ? HARBORAI_TOKENS_OUTPUT : usage_class;
}

/* What the vendor has produced; searches, pages and fees belong to what was asked for. */
static bool is_output(int usage_class)
{
    static const uint32_t outputs =
        1u << HARBORAI_TOKENS_OUTPUT | 1u << HARBORAI_TOKENS_REASONING |
        1u << HARBORAI_TOKENS_AUDIO_OUT | 1u << HARBORAI_TOKENS_IMAGE_OUT |
        1u << HARBORAI_TOKENS_PREDICTION_REJECTED | 1u << HARBORAI_UNITS_IMAGES |
        1u << HARBORAI_UNITS_VIDEO_MS;
    return has(outputs, usage_class);
}

/* Adds to sum[0] what was sent, to sum[1] what was produced. */
static enum tariff_reason add_classes(const struct tariff *tariff, const harborai_usage *usage,
                                      wide sum[static 2], int *ret_class)
{
    for (int c = 0; c < HARBORAI_USAGE_CLASSES; c++) {
        int64_t count = has(usage->known_mask, c) ? usage->count[c] : 0;
        int by = priced_as(tariff, c);
        wide part;
        if (count == 0)
            continue;
        if (count < 0)
            return TARIFF_BAD_USAGE;
        *ret_class = c;
        if (!has(tariff->known_mask, by))
            return TARIFF_CLASS_NO_PRICE;
        if (tariff->per_unit[by] < 0)
            return TARIFF_BAD_PRICE;
        if (__builtin_mul_overflow((wide)count, (wide)tariff->per_unit[by], &part) ||
            __builtin_add_overflow(sum[is_output(c)], part, &sum[is_output(c)]))
            return TARIFF_TOO_LARGE;
    }
    return TARIFF_KNOWN;
}

static wide divide_half_even(wide value, wide by)
{
    wide quotient = value / by, twice_rest = value % by * 2;
    return quotient + (twice_rest > by || (twice_rest == by && quotient % 2 != 0));
}

struct tariff_sum tariff_sum_of(const struct tariff *tariff, const harborai_usage *usage)
{
    wide sums[2] = {tariff->per_request, 0}, sum, num = tariff->scale_num, den = tariff->scale_den;
    int usage_class = -1;
    if (num == 0 && den == 0)
        num = den = 1;
    if (usage->known_mask == 0)
        return unknown(TARIFF_NO_USAGE);
    if (tariff->per_request < 0 || num < 0 || den <= 0)
        return unknown(TARIFF_BAD_PRICE);
    enum tariff_reason reason = add_classes(tariff, usage, sums, &usage_class);
    if (reason == TARIFF_CLASS_NO_PRICE)
        return (struct tariff_sum){.reason = reason, .usage_class = usage_class};
    if (reason != TARIFF_KNOWN)
        return unknown(reason);
    if (__builtin_add_overflow(sums[0], sums[1], &sum) || __builtin_mul_overflow(sum, num, &sum))
        return unknown(TARIFF_TOO_LARGE);
    sum = divide_half_even(sum, den);
    if (sum > INT64_MAX)
        return unknown(TARIFF_TOO_LARGE);
    /* The other part is what is left, so that both make the sum. */
    return (struct tariff_sum){.usage_class = -1,
                               .pico = (int64_t)sum,
                               .pico_output = (int64_t)divide_half_even(sums[1] * num, den)};
}

#define NAME_(code, name) name,

const char *tariff_reason_name(enum tariff_reason reason)
{
    static const char *const names[] = {TARIFF_REASONS(NAME_)};
    return (unsigned)reason < ARRAY_LEN(names) ? names[reason] : "";
}
