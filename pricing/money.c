/* SPDX-License-Identifier: MIT */
/* Exact decimals in and out. Must never round and never pass through a double. */
#include "pricing/money.h"

#include <stdbool.h>
#include <stdio.h>

__extension__ typedef unsigned __int128 wide;

/* 10^37: ten times as much still fits into a wide. */
#define MOST_DIGITS 37

static harborai_status refuse(harborai_error *error, harborai_str text, const char *why)
{
    return harborai_error_set(error, HARBORAI_E_INVALID, "amount '%.*s' %s",
                              SLICE_ARG(slice_cut(text, 64)), why);
}

/* Appends the digits of `text` to *value; false if there is something else or there are too many. */
static bool append_digits(wide *value, int *count, harborai_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c < '0' || c > '9')
            return false;
        *value = *value * 10 + (wide)(c - '0');
        *count += *value != 0;
        if (*count > MOST_DIGITS)
            return false;
    }
    return true;
}

/* `text` as digits * 10^-ret_scale; false if it is no plain decimal. */
static bool digits_of(harborai_str text, wide *ret_digits, size_t *ret_scale)
{
    harborai_str whole, fraction;
    int count = 0;
    if (slice_split(text, '.', &whole, &fraction) && fraction.len == 0)
        return false;
    while (fraction.len > 0 && fraction.data[fraction.len - 1] == '0')
        fraction.len--;
    *ret_digits = 0;
    *ret_scale = fraction.len;
    return whole.len > 0 && append_digits(ret_digits, &count, whole) &&
           append_digits(ret_digits, &count, fraction);
}

harborai_status money_parse(harborai_str text, int64_t units, int64_t *ret_pico,
                            harborai_error *error)
{
    wide value, divisor = (wide)units;
    size_t scale;
    if (!digits_of(text, &value, &scale))
        return refuse(error, text, "is not a decimal number such as 0.0145");
    if (scale > MOST_DIGITS)
        return refuse(error, text, "is finer than 10^-12");
    for (; scale > 12; scale--)
        divisor *= 10;
    for (; scale < 12; scale++) {
        if (value > (wide)INT64_MAX * (wide)units)
            return refuse(error, text, "is too large");
        value *= 10;
    }
    if (value % divisor != 0)
        return refuse(error, text, "is finer than 10^-12");
    value /= divisor;
    if (value > INT64_MAX)
        return refuse(error, text, "is too large");
    *ret_pico = (int64_t)value;
    return HARBORAI_OK;
}

size_t money_print(int64_t pico, char text[static MONEY_TEXT])
{
    uint64_t amount = pico < 0 ? -(uint64_t)pico : (uint64_t)pico;
    int len = snprintf(text, MONEY_TEXT, "%s%llu.%012llu", pico < 0 ? "-" : "",
                       (unsigned long long)(amount / MONEY_PICO),
                       (unsigned long long)(amount % MONEY_PICO));
    while (text[len - 1] == '0')
        len--;
    if (text[len - 1] == '.')
        len--;
    text[len] = '\0';
    return (size_t)len;
}

harborai_status money_currency(harborai_str text, char ret_currency[static 8],
                               harborai_error *error)
{
    bool is_code = text.len == 3;
    for (size_t i = 0; is_code && i < 3; i++)
        is_code = text.data[i] >= 'A' && text.data[i] <= 'Z';
    if (!is_code)
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "currency '%.*s' is not an ISO 4217 code such as USD",
                                  SLICE_ARG(slice_cut(text, 32)));
    const char *code = slice_is(text, "RMB") ? "CNY" : text.data;
    memcpy(ret_currency, code, 3);
    ret_currency[3] = '\0';
    return HARBORAI_OK;
}
