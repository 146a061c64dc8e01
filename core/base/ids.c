/* SPDX-License-Identifier: MIT */
/* Identifiers. They must be unique, not secret: the generator is fast and is seeded by the kernel. */
#include "base/ids.h"

#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/decimal.h"

static uint64_t rotate(uint64_t x, int by)
{
    return (x << by) | (x >> (64 - by));
}

/* xoshiro256** 1.0 (Blackman and Vigna). */
uint64_t ids_random(struct ids *ids)
{
    uint64_t *s = ids->random;
    uint64_t result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

void ids_init(struct ids *ids)
{
    /* Only a kernel that is still booting gives less; then time and address have to do. */
    if (getrandom(ids->random, sizeof ids->random, 0) != (ssize_t)sizeof ids->random) {
        ids->random[0] = (uint64_t)clock_wall_ns(&clock_system);
        ids->random[1] = (uint64_t)(uintptr_t)ids;
        ids->random[2] = (uint64_t)clock_monotonic_ns(&clock_system);
        ids->random[3] = UINT64_C(0x9e3779b97f4a7c15);
    }
    ids->counter = (uint32_t)ids_random(ids);
}

static char *put_hex(char *at, uint64_t value, int digits)
{
    static const char hex[] = "0123456789abcdef";
    for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4)
        *at++ = hex[value >> shift & 15];
    *at = '\0';
    return at;
}

void ids_uuid7(struct ids *ids, int64_t wall_ns, char text[static 37])
{
    uint64_t ms = (uint64_t)(wall_ns / NS_PER_MS), a = ids_random(ids), b = ids_random(ids);
    char *at = put_hex(text, ms >> 16 & 0xffffffff, 8);
    *at++ = '-';
    at = put_hex(at, ms & 0xffff, 4);
    *at++ = '-';
    at = put_hex(at, 0x7000 | (a & 0xfff), 4);
    *at++ = '-';
    at = put_hex(at, 0x8000 | (a >> 12 & 0x3fff), 4);
    *at++ = '-';
    put_hex(at, b & UINT64_C(0xffffffffffff), 12);
}

void ids_hb(struct ids *ids, int64_t wall_ns, char text[static 32])
{
    char *at = stpcpy(text, "hb_");
    at = decimal_put(at, (uint64_t)(wall_ns / NS_PER_MS));
    *at++ = '_';
    put_hex(at, ids->counter++, 8);
}

void ids_trace(struct ids *ids, char text[static 33])
{
    char *at = put_hex(text, ids_random(ids), 16);
    put_hex(at, ids_random(ids) | 1, 16);
}

void ids_span(struct ids *ids, char text[static 17])
{
    put_hex(text, ids_random(ids) | 1, 16);
}
