/* SPDX-License-Identifier: MIT */
/* Amounts as exact decimals, and names of currencies. Must never round and never pass through a
 * double. */
#include "pricing/money.h"

#include <stdbool.h>
#include <stdio.h>

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
