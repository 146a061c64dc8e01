/* SPDX-License-Identifier: MIT */
#include "base/decimal.h"

#include <string.h>

/* A number's bits times log10(2) is its digits, or one too few where it has reached the next power of ten. */
size_t decimal_len(uint64_t value)
{
    static const uint64_t powers[] = {
        0, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000,
        100000000000, 1000000000000, 10000000000000, 100000000000000, 1000000000000000,
        10000000000000000, 100000000000000000, 1000000000000000000, 10000000000000000000u,
    };
    unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1), digits = bits * 1233 >> 12;
    return digits + (value >= powers[digits]);
}

char *decimal_put(char *at, uint64_t value)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    char *end = at + decimal_len(value), *room = end;
    for (; value >= 100; value /= 100)
        memcpy(room -= 2, pairs + 2 * (value % 100), 2);
    if (value >= 10)
        memcpy(room - 2, pairs + 2 * value, 2);
    else
        room[-1] = (char)('0' + value);
    return end;
}
