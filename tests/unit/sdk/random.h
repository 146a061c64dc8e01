/* SPDX-License-Identifier: MIT */
/* Pseudo-random numbers with a fixed seed (splitmix64), so that a failed case can be run again. */
#ifndef TESTS_UNIT_SDK_RANDOM_H
#define TESTS_UNIT_SDK_RANDOM_H

#include <stdint.h>

static inline uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline unsigned random_below(uint64_t *state, unsigned bound)
{
    return (unsigned)(random_next(state) % bound);
}

#endif
