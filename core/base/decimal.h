/* SPDX-License-Identifier: MIT */
/* Whole numbers in decimal digits, without printf. [any] */
#ifndef BASE_DECIMAL_H
#define BASE_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

size_t decimal_len(uint64_t value); /* 1 to 20 */
/* Writes the digits, decimal_len() of them and no NUL; returns where they end. */
char *decimal_put(char *at, uint64_t value);

#endif
