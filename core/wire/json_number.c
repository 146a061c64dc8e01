/* SPDX-License-Identifier: MIT */
/* Takes a number apart into its digits and a power of ten. Never makes a float of it. */
#include "wire/json_number.h"

#include "base/slice.h"

#define EXPONENT_MAX 1000000000000 /* beyond it all are alike: no text has so many digits */

/* 0.DIGITS × 10^exponent */
struct decimal {
    bool is_negative;
    harborai_str digits; /* from the first that is not 0 to the last; a point may be among them */
    int64_t exponent;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "+12", "-7" */
static int64_t read_exponent(harborai_str text)
{
    int64_t value = 0;
    for (size_t i = 0; i < text.len; i++)
        if (is_digit(text.data[i]) && value < EXPONENT_MAX)
            value = 10 * value + (text.data[i] - '0');
    return text.len > 0 && text.data[0] == '-' ? -value : value;
}

/* Digits without a sign and an exponent. */
static void read_digits(struct decimal *d, harborai_str text)
{
    bool is_behind_point = false;
    size_t first = text.len, last = 0;
    for (size_t i = 0; i < text.len; i++) {
        is_behind_point |= text.data[i] == '.';
        if (is_digit(text.data[i]) && text.data[i] != '0') {
            first = first < i ? first : i;
            last = i + 1;
        }
        if (text.data[i] != '.' && !is_behind_point && first < text.len)
            d->exponent++;
        else if (text.data[i] == '0' && is_behind_point && first == text.len)
            d->exponent--;
    }
    if (last > 0)
        d->digits = slice_cut(slice_from(text, first), last - first);
}

static struct decimal parse(harborai_str text)
{
    struct decimal d = {.digits = SLICE_NONE};
    bool is_negative = text.len > 0 && text.data[0] == '-';
    size_t end = 0;
    text = slice_from(text, is_negative ? 1 : 0);
    while (end < text.len && text.data[end] != 'e' && text.data[end] != 'E')
        end++;
    read_digits(&d, slice_cut(text, end));
    if (d.digits.len == 0)
        return (struct decimal){.digits = SLICE_NONE}; /* -0 and 0e9 are 0 */
    if (end < text.len)
        d.exponent += read_exponent(slice_from(text, end + 1));
    d.is_negative = is_negative;
    return d;
}

/* '0' where there are no more. */
static char next_digit(harborai_str *digits)
{
    if (digits->len > 0 && digits->data[0] == '.')
        *digits = slice_from(*digits, 1);
    if (digits->len == 0)
        return '0';
    char c = digits->data[0];
    *digits = slice_from(*digits, 1);
    return c;
}

static int compare_sizes(struct decimal a, struct decimal b)
{
    if (a.digits.len == 0 || b.digits.len == 0)
        return (a.digits.len > 0) - (b.digits.len > 0);
    if (a.exponent != b.exponent)
        return a.exponent < b.exponent ? -1 : 1;
    while (a.digits.len > 0 || b.digits.len > 0) {
        char left = next_digit(&a.digits), right = next_digit(&b.digits);
        if (left != right)
            return left < right ? -1 : 1;
    }
    return 0;
}

int json_number_compare(harborai_str a, harborai_str b)
{
    struct decimal left = parse(a), right = parse(b);
    if (left.is_negative != right.is_negative)
        return left.is_negative ? -1 : 1;
    return left.is_negative ? compare_sizes(right, left) : compare_sizes(left, right);
}

bool json_number_is_whole(harborai_str number)
{
    struct decimal d = parse(number);
    int64_t count = 0;
    for (harborai_str digits = d.digits; digits.len > 0; count++)
        next_digit(&digits);
    return count <= d.exponent;
}
